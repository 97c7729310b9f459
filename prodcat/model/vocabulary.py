"""Vocabulary trimming: only the word pieces that a language, or a catalog, is written with.

A multilingual encoder has a row for each of 250,000 pieces; the titles of a country use some
thousands of them.  The others are dead weight in memory, in the optimiser and on the store.
Cutting them changes nothing for texts that are made of kept pieces:

- WordPiece takes the longest piece that fits, from the left (Schuster and Nakajima, ICASSP
  2012).  A longer piece cannot appear when pieces are cut, so the same one is taken.
- Unigram takes the segmentation with the greatest sum of scores (Kudo, ACL 2018).  The best of
  all is the best of fewer, where it is among them.

Texts that need a piece that was cut are spelled with smaller ones: every single character of
the kept alphabet stays.
"""

import json
import unicodedata
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from prodcat.errors import ConfigError, EncoderError
from prodcat.model.tokenization import read_tokenizer, tokenize

if TYPE_CHECKING:
    from tokenizers import Tokenizer

# Letters beyond a to z that each language is written with (the main and, where loan words use
# them, auxiliary exemplar characters of Unicode's CLDR).
ALPHABETS = {
    "cs": "áčďéěíňóřšťúůýž",
    "da": "æøåéáàäö",
    "de": "äöüßàâéèêëïôûç",
    "en": "éèêëàâäáïîíôöóùûüúñçœæ",
    "es": "áéíñóúüçºª",
    "fi": "åäöšž",
    "fr": "àâæçéèêëïîôœùûüÿñäö",
    "hu": "áéíóöőúüű",
    "it": "àéèìíîòóùúç",
    "nl": "áâäàéêëèíïîóôöòúûüùçñĳ",
    "no": "æøåéèêóòôàäö",
    "pl": "ąćęłńóśźż",
    "pt": "áàâãçéêíòóôõúüèñªº",
    "ro": "ăâîșțşţ",
    "sv": "åäöéàáèü",
    "tr": "çğıiîöşüâû",
}
_LATIN = "abcdefghijklmnopqrstuvwxyz"
_MARK = "▁"  # stands for a blank in Unigram pieces


def choose_pieces(
    tokenizer: "Tokenizer",
    *,
    texts: Iterable[str] | None = None,
    languages: Sequence[str] | None = None,
    min_count: int = 1,
    max_pieces: int | None = None,
) -> NDArray[np.int64]:
    """Which pieces to keep.

    Args:
        tokenizer: WordPiece or Unigram.
        texts: Keep the pieces that these are made of.
        languages: Keep the pieces that the alphabets of these languages can write; with
            ``texts``, these too.
        min_count: Of the pieces of the texts, those that are there so often.
        max_pieces: Of these, at most so many, the most frequent ones.

    Returns:
        Ids, int64, ascending.  Special tokens, ids up to the padding token's and the single
        characters of the kept alphabet are always among them.

    Raises:
        ConfigError: Neither texts nor languages are given, or a language is not known.
        EncoderError: The tokenizer is of another kind.
    """
    if texts is None and not languages:
        raise ConfigError(
            "Found neither texts nor languages; expected at least one of them to tell which "
            "pieces are wanted. Give titles, or languages such as ['tr', 'en']."
        )
    for name, value, least in (("min_count", min_count, 1), ("max_pieces", max_pieces, 1)):
        if value is not None and value < least:
            raise ConfigError(f"{name}={value!r} is out of range; expected at least {least}.")
    pieces = _all_pieces(tokenizer)
    wanted = np.zeros(len(pieces), np.bool_)
    letters: set[str] = set()
    if texts is not None:
        counts, letters = _count(tokenizer, texts, len(pieces))
        enough = np.flatnonzero(counts >= min_count)
        if max_pieces is not None and len(enough) > max_pieces:
            enough = enough[np.argsort(-counts[enough], kind="stable")[:max_pieces]]
        wanted[enough] = True
    if languages:
        alphabet = _alphabet(languages)
        letters |= alphabet
        wanted |= np.array([_written_with(piece, alphabet) for piece in pieces])
    for place in np.flatnonzero(wanted).tolist():
        letters |= set(pieces[place])
    letters.add("")
    wanted |= np.array([len(_core(piece)) <= 1 and _core(piece) in letters for piece in pieces])
    wanted[_always(tokenizer, pieces)] = True
    return np.flatnonzero(wanted).astype(np.int64)


def trim_tokenizer(tokenizer: "Tokenizer", kept: NDArray[np.int64]) -> "Tokenizer":
    """The tokenizer with these pieces alone; piece ``kept[i]`` has the id ``i`` now.

    Args:
        tokenizer: WordPiece or Unigram.
        kept: int64, ascending, as from :func:`choose_pieces`.

    Raises:
        EncoderError: It is of another kind, or a piece that it cannot do without is cut.
    """
    whole = json.loads(tokenizer.to_str())
    model = whole["model"]
    pieces, own = _all_pieces(tokenizer), len(_pieces(_model(tokenizer)))
    place = {int(old): new for new, old in enumerate(kept.tolist())}
    if model["type"] == "Unigram":
        model["vocab"] = [model["vocab"][old] for old in kept.tolist() if old < own]
        if model["unk_id"] is not None:
            model["unk_id"] = _moved(place, model["unk_id"], pieces)
    else:
        model["vocab"] = {pieces[old]: place[old] for old in kept.tolist() if old < own}
    for token in whole["added_tokens"]:
        token["id"] = _moved(place, token["id"], pieces)
    _renumber(whole["post_processor"], place, pieces)
    whole["padding"] = whole["truncation"] = None
    return read_tokenizer(json.dumps(whole), "the trimmed tokenizer")


def unknown_id(tokenizer: "Tokenizer") -> int | None:
    """The id of the piece that stands for what no piece can write, or None.

    Raises:
        EncoderError: The tokenizer is of another kind than WordPiece and Unigram.
    """
    model = _model(tokenizer)
    if model["type"] == "Unigram":
        return None if model["unk_id"] is None else int(model["unk_id"])
    return tokenizer.token_to_id(model["unk_token"])


def _model(tokenizer: "Tokenizer") -> dict[str, Any]:
    model: dict[str, Any] = json.loads(tokenizer.to_str())["model"]
    kind = model.get("type") or ("WordPiece" if "continuing_subword_prefix" in model else None)
    if kind not in ("WordPiece", "Unigram"):
        raise EncoderError(
            f"The tokenizer is of the kind {kind!r}; expected WordPiece or Unigram, the kinds "
            "whose vocabulary can be trimmed. Use the encoder as it is."
        )
    return model


def _pieces(model: dict[str, Any]) -> list[str]:
    if model["type"] == "Unigram":
        return [piece for piece, _ in model["vocab"]]
    pieces = [""] * (max(model["vocab"].values(), default=-1) + 1)
    for piece, number in model["vocab"].items():
        pieces[number] = piece
    return pieces


def _all_pieces(tokenizer: "Tokenizer") -> list[str]:
    """The model's pieces, and the tokens that were added behind them."""
    pieces = _pieces(_model(tokenizer))
    for number, token in sorted(tokenizer.get_added_tokens_decoder().items()):
        if number >= len(pieces):
            pieces += [""] * (number - len(pieces)) + [token.content]
    return pieces


def _count(
    tokenizer: "Tokenizer", texts: Iterable[str], size: int
) -> tuple[NDArray[np.int64], set[str]]:
    """How often each piece is there, and the letters of the texts as the tokenizer sees them."""
    given = list(texts)
    table = tokenize(tokenizer, given, 1 << 20)
    tokenizer.no_truncation()
    counts = np.bincount(table.ids, minlength=size)[:size].astype(np.int64)
    normalize = tokenizer.normalizer.normalize_str if tokenizer.normalizer is not None else str
    return counts, {letter for text in given for letter in normalize(text)}


def _alphabet(languages: Sequence[str]) -> set[str]:
    unknown = [name for name in languages if name not in ALPHABETS]
    if unknown:
        raise ConfigError(
            f"languages has {unknown[0]!r}, whose alphabet is not known here; expected some of "
            f"{sorted(ALPHABETS)}. Give titles of that language as texts instead."
        )
    letters = set(_LATIN) | {letter for name in languages for letter in ALPHABETS[name]}
    upper = {own for letter in letters for own in letter.upper() if len(letter.upper()) == 1}
    # Tokenizers may take letters and marks apart, or strip the marks.
    apart = {own for letter in letters | upper for own in unicodedata.normalize("NFD", letter)}
    return letters | upper | apart | ({"İ"} if "tr" in languages else set())


def _written_with(piece: str, alphabet: set[str]) -> bool:
    return all(
        letter in alphabet or unicodedata.category(letter)[0] not in "LM" for letter in piece
    )


def _core(piece: str) -> str:
    return piece.removeprefix("##").removeprefix(_MARK)


def _always(tokenizer: "Tokenizer", pieces: list[str]) -> list[int]:
    """Special tokens, byte pieces, and all up to the padding token: positions count from it."""
    whole = json.loads(tokenizer.to_str())
    kept = [int(token["id"]) for token in whole["added_tokens"]]
    unknown = unknown_id(tokenizer)
    kept += [] if unknown is None else [unknown]
    names = {"<pad>", "[PAD]"}
    padding = [number for number, piece in enumerate(pieces) if piece in names]
    kept += list(range(max(padding, default=-1) + 1))
    if whole["model"].get("byte_fallback"):
        kept += [n for n, piece in enumerate(pieces) if piece.startswith("<0x")]
    return [number for number in kept if number < len(pieces)]


def _moved(place: dict[int, int], old: int, pieces: list[str]) -> int:
    if old not in place:
        name = pieces[old] if old < len(pieces) else str(old)
        raise EncoderError(
            f"The piece {name!r}, which the tokenizer cannot do without, is not among the kept "
            "ones. Take the pieces from choose_pieces."
        )
    return place[old]


def _renumber(processor: Any, place: dict[int, int], pieces: list[str]) -> None:
    if not isinstance(processor, dict):
        return
    for part in processor.get("processors", []):
        _renumber(part, place, pieces)
    special = processor.get("special_tokens")
    if isinstance(special, dict):
        for token in special.values():
            token["ids"] = [_moved(place, old, pieces) for old in token["ids"]]
    for name in ("sep", "cls"):
        if isinstance(processor.get(name), list):
            processor[name][1] = _moved(place, processor[name][1], pieces)
