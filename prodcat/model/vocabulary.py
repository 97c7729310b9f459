"""Vocabulary trimming: keep only the word pieces that a catalog or a language needs.

A multilingual encoder has an embedding for each of 250,000 pieces; the titles of a country use
a few thousand of them.  The others only take memory, optimiser time and storage.  Removing them
changes nothing for texts that consist of kept pieces:

- WordPiece takes the longest piece that fits, from the left (Schuster and Nakajima, ICASSP
  2012).  Removing pieces cannot make a longer one appear, so it takes the same piece.
- Unigram takes the segmentation with the greatest sum of scores (Kudo, ACL 2018).  If the best
  segmentation is still possible, it is also the best of those that remain.

Texts that contain a removed piece are written with smaller pieces, because every single character
of the kept alphabet stays.
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

# The letters of each language besides a to z (the main exemplar characters of Unicode's CLDR, and
# the auxiliary ones if loan words use them).
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
_BLANK = "▁"  # stands for a blank in Unigram pieces


def choose_pieces(
    tokenizer: "Tokenizer",
    *,
    texts: Iterable[str] | None = None,
    languages: Sequence[str] | None = None,
    min_count: int = 1,
    max_pieces: int | None = None,
) -> NDArray[np.int64]:
    """Choose the pieces to keep: those of the texts, and those of the languages.

    Args:
        tokenizer: A WordPiece or Unigram tokenizer; it is not changed.
        texts: Texts whose pieces are kept.
        languages: Languages such as ``["tr", "en"]``; the pieces that can be written with their
            alphabets are kept.
        min_count: Minimum number of occurrences of a piece in the texts for it to be kept.
        max_pieces: Maximum number of pieces of the texts, the most frequent ones; None for no
            limit.

    Returns:
        Ids, int64 [piece], ascending.  Special tokens, all ids up to the padding token's and the
        single characters of the kept alphabet are always among them.

    Raises:
        ConfigError: Neither texts nor languages are given, a language is not known, or a number is
            out of range.
        EncoderError: The tokenizer is neither WordPiece nor Unigram.
    """
    if texts is None and not languages:
        raise ConfigError(
            "Found neither texts nor languages; expected at least one of them, to choose the "
            "pieces to keep. Give titles, or languages such as ['tr', 'en']."
        )
    for name, value in (("min_count", min_count), ("max_pieces", max_pieces)):
        if value is not None and value < 1:
            raise ConfigError(f"{name}={value!r} is out of range; expected at least 1.")
    pieces = _all_pieces(tokenizer)
    kept = np.zeros(len(pieces), np.bool_)
    letters: set[str] = set()
    if texts is not None:
        counts, letters = _count(tokenizer, texts, len(pieces))
        enough = np.flatnonzero(counts >= min_count)
        if max_pieces is not None and len(enough) > max_pieces:
            enough = enough[np.argsort(-counts[enough], kind="stable")[:max_pieces]]
        kept[enough] = True
    if languages:
        alphabet = _alphabet(languages)
        letters |= alphabet
        kept |= np.array([_written_with(piece, alphabet) for piece in pieces])
    for number in np.flatnonzero(kept).tolist():
        letters |= set(pieces[number])
    letters.add("")
    kept |= np.array([len(_core(piece)) <= 1 and _core(piece) in letters for piece in pieces])
    kept[_required(tokenizer, pieces)] = True
    return np.flatnonzero(kept).astype(np.int64)


def trim_tokenizer(tokenizer: "Tokenizer", kept: NDArray[np.int64]) -> "Tokenizer":
    """Make a copy of a tokenizer with only these pieces; the piece ``kept[i]`` gets the id ``i``.

    Args:
        tokenizer: A WordPiece or Unigram tokenizer; it is not changed.
        kept: int64 [piece]: ids, ascending, as from :func:`choose_pieces`.

    Raises:
        EncoderError: The tokenizer is neither WordPiece nor Unigram, or ``kept`` lacks a piece that
            it needs.
    """
    whole = json.loads(tokenizer.to_str())
    model = whole["model"]
    pieces, model_size = _all_pieces(tokenizer), len(_pieces(_model(tokenizer)))
    place = {int(old): new for new, old in enumerate(kept.tolist())}
    if model["type"] == "Unigram":
        model["vocab"] = [model["vocab"][old] for old in kept.tolist() if old < model_size]
        if model["unk_id"] is not None:
            model["unk_id"] = _moved(place, model["unk_id"], pieces)
    else:
        model["vocab"] = {pieces[old]: place[old] for old in kept.tolist() if old < model_size}
    for token in whole["added_tokens"]:
        token["id"] = _moved(place, token["id"], pieces)
    _renumber(whole["post_processor"], place, pieces)
    whole["padding"] = whole["truncation"] = None
    return read_tokenizer(json.dumps(whole), "the trimmed tokenizer")


def unknown_id(tokenizer: "Tokenizer") -> int | None:
    """The id of the token for text that no piece can write, or None if there is no such token.

    Args:
        tokenizer: A WordPiece or Unigram tokenizer.

    Raises:
        EncoderError: The tokenizer is neither WordPiece nor Unigram.
    """
    model = _model(tokenizer)
    if model["type"] == "Unigram":
        return None if model["unk_id"] is None else int(model["unk_id"])
    return tokenizer.token_to_id(model["unk_token"])


def uncut_copy(tokenizer: "Tokenizer") -> "Tokenizer":
    """A copy of a tokenizer that neither truncates nor pads texts."""
    copy = read_tokenizer(tokenizer.to_str(), "the copy of a tokenizer")
    copy.no_truncation()
    copy.no_padding()
    return copy


def _model(tokenizer: "Tokenizer") -> dict[str, Any]:
    """The JSON of the tokenizer's model."""
    model: dict[str, Any] = json.loads(tokenizer.to_str())["model"]
    kind = model.get("type") or ("WordPiece" if "continuing_subword_prefix" in model else None)
    if kind not in ("WordPiece", "Unigram"):
        raise EncoderError(
            f"The tokenizer is of the kind {kind!r}; expected WordPiece or Unigram, because only "
            "their vocabularies can be trimmed. Use the encoder as it is."
        )
    return model


def _pieces(model: dict[str, Any]) -> list[str]:
    """The pieces of a tokenizer's model, in the order of their ids."""
    if model["type"] == "Unigram":
        return [piece for piece, _ in model["vocab"]]
    pieces = [""] * (max(model["vocab"].values(), default=-1) + 1)
    for piece, number in model["vocab"].items():
        pieces[number] = piece
    return pieces


def _all_pieces(tokenizer: "Tokenizer") -> list[str]:
    """The pieces of the model, followed by the tokens that were added to it."""
    pieces = _pieces(_model(tokenizer))
    for number, token in sorted(tokenizer.get_added_tokens_decoder().items()):
        if number >= len(pieces):
            pieces += [""] * (number - len(pieces)) + [token.content]
    return pieces


def _count(
    tokenizer: "Tokenizer", texts: Iterable[str], size: int
) -> tuple[NDArray[np.int64], set[str]]:
    """Count the pieces of texts.

    Returns:
        How often each piece occurs, int64 [size]; and the letters of the normalised texts.
    """
    texts = list(texts)
    # Another thread may be using the tokenizer, so the truncation is set on a copy.
    table = tokenize(uncut_copy(tokenizer), texts, 1 << 20)
    counts = np.bincount(table.ids, minlength=size)[:size].astype(np.int64)
    normalize = tokenizer.normalizer.normalize_str if tokenizer.normalizer is not None else str
    return counts, {letter for text in texts for letter in normalize(text)}


def _alphabet(languages: Sequence[str]) -> set[str]:
    """The letters of the languages in both cases, and their base letters and marks."""
    unknown = [name for name in languages if name not in ALPHABETS]
    if unknown:
        raise ConfigError(
            f"languages has {unknown[0]!r}, whose alphabet is not known here; expected some of "
            f"{sorted(ALPHABETS)}. Give titles in that language as texts instead."
        )
    letters = set(_LATIN) | {letter for name in languages for letter in ALPHABETS[name]}
    upper = {letter.upper() for letter in letters if len(letter.upper()) == 1}
    # Tokenizers may separate letters from their marks, or strip the marks.
    parts = {part for letter in letters | upper for part in unicodedata.normalize("NFD", letter)}
    return letters | upper | parts | ({"İ"} if "tr" in languages else set())


def _written_with(piece: str, alphabet: set[str]) -> bool:
    """Whether all letters and marks of a piece are in an alphabet.

    >>> _written_with("##süt1", {"s", "ü", "t"}), _written_with("milk", {"m", "i"})
    (True, False)
    """
    return all(
        letter in alphabet or unicodedata.category(letter)[0] not in "LM" for letter in piece
    )


def _core(piece: str) -> str:
    """The letters of a piece, without the prefix that marks the start or the rest of a word.

    >>> _core("##er"), _core("▁süt")
    ('er', 'süt')
    """
    return piece.removeprefix("##").removeprefix(_BLANK)


def _required(tokenizer: "Tokenizer", pieces: list[str]) -> list[int]:
    """The ids that must be kept: special tokens, byte pieces, and all up to the padding token's.

    The padding token must keep its id, because some models count positions from it.
    """
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
    """The new id of a piece that the tokenizer needs; an EncoderError if it is not kept."""
    if old not in place:
        name = pieces[old] if old < len(pieces) else str(old)
        raise EncoderError(
            f"The piece {name!r}, which the tokenizer cannot do without, is not in kept. Choose "
            "the pieces with choose_pieces."
        )
    return place[old]


def _renumber(processor: Any, place: dict[int, int], pieces: list[str]) -> None:
    """Give the special tokens of a post-processor their new ids, in place."""
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
