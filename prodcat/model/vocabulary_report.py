"""The effect of trimming a vocabulary: its size and the tokens of texts, before and after."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from prodcat.model.vocabulary import uncut_copy, unknown_id
from prodcat.text_encoding import for_terminal

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_Pieces = tuple[list[str], int]  # the pieces of a text, and the number of unknown ones


@dataclass(frozen=True)
class LanguageReport:
    """The effect of a trim on the texts of one language.

    Attributes:
        language: The language; empty if it is not known.
        texts: Number of texts.
        tokens_before: Mean number of tokens of a text, special tokens not counted.
        tokens_after: The same with the trimmed vocabulary.
        unknown_before: Share of the tokens that are unknown, 0 to 1.
        unknown_after: The same with the trimmed vocabulary.
        unchanged: Share of the texts whose tokens are the same before and after, 0 to 1.
    """

    language: str
    texts: int
    tokens_before: float
    tokens_after: float
    unknown_before: float
    unknown_after: float
    unchanged: float


@dataclass(frozen=True)
class VocabularyReport:
    """The effect of a trim.

    Attributes:
        pieces_before: Number of pieces before the trim.
        pieces_after: Number of pieces that are kept.
        bytes_before: Size of the word embeddings before the trim, in bytes.
        bytes_after: Size of the word embeddings after the trim, in bytes.
        languages: The effect on the texts of each language; empty if no texts were compared.
    """

    pieces_before: int
    pieces_after: int
    bytes_before: int
    bytes_after: int
    languages: tuple[LanguageReport, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)

    def __str__(self) -> str:
        """The report as a table of plain text."""
        lines = [
            f"{self.pieces_before:,} pieces ({self.bytes_before / 2**20:.1f} MiB of vectors) -> "
            f"{self.pieces_after:,} ({self.bytes_after / 2**20:.1f} MiB)"
        ]
        if self.languages:
            lines.append("language  texts     tokens a text    unknown            unchanged")
        lines += [
            f"{for_terminal(one.language) or '-':<8}  {one.texts:<8,}  {one.tokens_before:5.2f} -> "
            f"{one.tokens_after:5.2f}   {one.unknown_before:6.2%} -> {one.unknown_after:6.2%}   "
            f"{one.unchanged:.1%}"
            for one in self.languages
        ]
        return "\n".join(lines)


def vocabulary_report(
    before: "Tokenizer",
    after: "Tokenizer",
    width: int,
    texts: Sequence[str] = (),
    languages: Sequence[str] | None = None,
) -> VocabularyReport:
    """Compare a tokenizer with its trimmed version.

    Args:
        before: The tokenizer before the trim.
        after: The trimmed tokenizer.
        width: Length of a word embedding, as a number of float32 values.
        texts: Texts whose tokens are compared.
        languages: The language of each text, or None if they are not known.

    Returns:
        Sizes before and after, and the effect on the texts of each language.

    Raises:
        EncoderError: The tokenizer is neither WordPiece nor Unigram.
    """
    sizes = [tokenizer.get_vocab_size(with_added_tokens=True) for tokenizer in (before, after)]
    names = list(languages) if languages is not None else [""] * len(texts)
    pairs = list(zip(_pieces(before, texts), _pieces(after, texts), strict=True))
    of_language = {
        name: [pair for pair, other in zip(pairs, names, strict=True) if other == name]
        for name in sorted(set(names))
    }
    return VocabularyReport(
        pieces_before=sizes[0],
        pieces_after=sizes[1],
        bytes_before=4 * width * sizes[0],
        bytes_after=4 * width * sizes[1],
        languages=tuple(_language_report(name, pairs) for name, pairs in of_language.items()),
    )


def _pieces(tokenizer: "Tokenizer", texts: Sequence[str]) -> list[_Pieces]:
    """The pieces of each text, without special tokens, and the number of unknown ones."""
    unknown = unknown_id(tokenizer)
    unknown = -1 if unknown is None else unknown
    rows = uncut_copy(tokenizer).encode_batch(list(texts), add_special_tokens=False)
    return [(row.tokens, row.ids.count(unknown)) for row in rows]


def _language_report(language: str, pairs: Sequence[tuple[_Pieces, _Pieces]]) -> LanguageReport:
    """The effect on texts, each given as its pieces before and after."""
    tokens = [sum(len(pair[side][0]) for pair in pairs) for side in (0, 1)]
    unknown = [sum(pair[side][1] for pair in pairs) / max(tokens[side], 1) for side in (0, 1)]
    unchanged = sum(before[0] == after[0] for before, after in pairs)
    return LanguageReport(
        language=language,
        texts=len(pairs),
        tokens_before=tokens[0] / len(pairs),
        tokens_after=tokens[1] / len(pairs),
        unknown_before=unknown[0],
        unknown_after=unknown[1],
        unchanged=unchanged / len(pairs),
    )
