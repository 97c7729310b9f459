"""What a trim of the vocabulary does: sizes, and tokens of texts, before and after."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from prodcat.model.vocabulary import unknown_id

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_Pieces = tuple[list[str], int]  # of a text: its pieces, and how many of them are unknown


@dataclass(frozen=True)
class LanguageReport:
    """What a trim does to the texts of one language.

    Attributes:
        language: Its name; empty where none is known.
        texts: How many texts.
        tokens_before: Mean tokens of a text, special ones not counted.
        tokens_after: The same with the trimmed vocabulary.
        unknown_before: Share of the tokens that are unknown.
        unknown_after: The same with the trimmed vocabulary.
        unchanged: Share of the texts that are cut into the very same pieces.
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
    """What a trim does.

    Attributes:
        pieces_before: Pieces of the whole vocabulary.
        pieces_after: Pieces that are kept.
        bytes_before: Size of the table of word vectors.
        bytes_after: The same after the trim.
        languages: By language.
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
        """A table for people."""
        lines = [
            f"{self.pieces_before:,} pieces ({self.bytes_before / 2**20:.1f} MiB of vectors) -> "
            f"{self.pieces_after:,} ({self.bytes_after / 2**20:.1f} MiB)"
        ]
        if self.languages:
            lines.append("language  texts     tokens a text    unknown            unchanged")
        lines += [
            f"{one.language or '-':<8}  {one.texts:<8,}  {one.tokens_before:5.2f} -> "
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
    """Measure a trim.

    Args:
        before: The whole tokenizer.
        after: The trimmed one.
        width: Of a word vector, in numbers of four bytes.
        texts: Texts to measure on.
        languages: The language of each text, where it is known.
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
        languages=tuple(_language_report(name, some) for name, some in of_language.items()),
    )


def _pieces(tokenizer: "Tokenizer", texts: Sequence[str]) -> list[_Pieces]:
    """How a tokenizer cuts each text, special tokens left out."""
    unknown = unknown_id(tokenizer)
    unknown = -1 if unknown is None else unknown
    rows = tokenizer.encode_batch(list(texts), add_special_tokens=False)
    return [(row.tokens, row.ids.count(unknown)) for row in rows]


def _language_report(language: str, pairs: Sequence[tuple[_Pieces, _Pieces]]) -> LanguageReport:
    """What a trim does to texts, of which each is given before and after."""
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
