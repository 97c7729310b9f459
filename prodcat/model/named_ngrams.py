"""The n-grams of a text with their names, and the words of the text that each of them is from.

A vocabulary has the hashes of n-grams, not their letters.  The letters of a text's n-grams are in
the text, so they are divided as :mod:`prodcat.model.hashing` divides them, and each n-gram gets the
name of what was hashed.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from prodcat.catalog.cleaning import clean
from prodcat.catalog.fields import plain
from prodcat.model.fields import Field, columns_of
from prodcat.model.hashing import (
    hash_numbers,
    hash_pieces,
    in_group,
    pieces_of,
    word_ngrams,
    words_of,
)
from prodcat.model.ngrams import NGrams, find_sorted

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

NGramKind = Literal["word", "words", "first word", "last word", "letters", "number"]
SEPARATOR = "|"  # stands before the text of a further column where that is read with the title


@dataclass(frozen=True)
class TextWord:
    """A word of a title or of a further text: what is between two blanks.

    Attributes:
        text: The word as it stands in the text.
        place: 0 for the title; 1, 2, … for the further text columns in their order.
    """

    text: str
    place: int = 0


@dataclass(frozen=True)
class NamedNGram:
    """An n-gram of a text.

    Attributes:
        name: Its letters, of which a blank is the beginning or the end of a word; its words; or a
            range of numbers.
        kind: What it is: one word, two neighbouring words, the first or the last word of the text,
            letters, or a number in a range.
        place: 0 for the title; 1, 2, … for the further text columns in their order.
    """

    name: str
    kind: NGramKind
    place: int = 0


@dataclass(frozen=True, eq=False)
class NamedFeatures:
    """The n-grams of one text that a vocabulary has.

    Attributes:
        words: The words of the text.
        ngrams: The n-grams.
        columns: int64 [n-gram]: the position of each n-gram in the vocabulary.
        values: float64 [n-gram]: the weight of each n-gram in the text, as of
            :class:`prodcat.model.ngrams.Features`.
        shares: float64 [n-gram, word], a sparse matrix: the share of each n-gram that is from each
            word.  Each row sums to 1.
    """

    words: tuple[TextWord, ...]
    ngrams: tuple[NamedNGram, ...]
    columns: NDArray[np.int64]
    values: NDArray[np.float64]
    shares: "csr_matrix"


@dataclass(frozen=True)
class _Occurrence:
    """One time that an n-gram occurs: its hash, its name, and the words that it is from."""

    hash: np.uint64
    ngram: NamedNGram
    words: tuple[int, ...]


def text_words(text: str, version: int = 2, fields: int = 0) -> tuple[TextWord, ...]:
    r"""The words of a text, as they can be deleted from it one by one.

    If a text has markup whose parts are no words alone, such as ``<a href="…">``, the words are
    those of the cleaned text.

    Args:
        text: A text, made by :meth:`prodcat.classifier.reader.Reader.texts`.
        version: As in :class:`prodcat.model.ngrams.NGrams`.
        fields: The number of further columns that are read as fields.

    >>> [word.text for word in text_words("Cr&egrave;me  brûlée, 2 pots")]
    ['Cr&egrave;me', 'brûlée,', '2', 'pots']
    >>> [(word.text, word.place) for word in text_words("Oat milk\x1fOatly", 3, 1)]
    [('Oat', 0), ('milk', 0), ('Oatly', 1)]
    """
    words: list[TextWord] = []
    for place, value in enumerate(columns_of([text], max(fields, text.count("\x1f")))):
        given = value[0].split()
        if _pieces(given, version) != pieces_of(value[0], version):
            given = (value[0] if version == 1 else clean(value[0])).split()
        words += [TextWord(word, place) for word in given]
    return tuple(words) or (TextWord(text),)


def _pieces(words: Sequence[str], version: int) -> list[str]:
    return [piece for word in words for piece in pieces_of(word, version)]


def named_features(ngrams: NGrams, texts: Sequence[str]) -> list[NamedFeatures]:
    """The n-grams of texts that a vocabulary has, with their names and weights.

    Args:
        ngrams: The vocabulary.
        texts: The texts, made by :meth:`prodcat.classifier.reader.Reader.texts`.

    Returns:
        One object for each text.
    """
    matrix = ngrams(texts).matrix
    named = []
    for row, text in enumerate(texts):
        span = slice(matrix.indptr[row], matrix.indptr[row + 1])
        columns = matrix.indices[span].astype(np.int64)
        named.append(_named(ngrams, text, columns, matrix.data[span].astype(np.float64)))
    return named


def _named(
    ngrams: NGrams, text: str, columns: NDArray[np.int64], values: NDArray[np.float64]
) -> NamedFeatures:
    words = text_words(text, ngrams.version, len(ngrams.fields))
    occurrences = list(_occurrences(ngrams, text, words))
    hashes = np.array([each.hash for each in occurrences], np.uint64)
    place, known = find_sorted(ngrams.hashes, hashes)
    row_of = {column: row for row, column in enumerate(columns.tolist())}
    names = [NamedNGram("(another n-gram)", "letters")] * len(columns)
    counted: list[Counter[int]] = [Counter() for _ in names]
    for each, column, is_known in zip(occurrences, place.tolist(), known.tolist(), strict=True):
        row = row_of.get(column) if is_known else None
        if row is None:
            continue
        names[row] = each.ngram
        for word in each.words:
            counted[row][word] += 1
    return NamedFeatures(words, tuple(names), columns, values, _shares(counted, len(words)))


def _shares(counted: Sequence[Counter[int]], words: int) -> "csr_matrix":
    """Shares of words, of how often each n-gram is from each of them."""
    from scipy.sparse import csr_matrix

    # An n-gram that is from no word, such as a separator, is from all of them.
    every = Counter(range(words))
    rows = [counts or every for counts in counted]
    row = np.repeat(np.arange(len(rows)), list(map(len, rows)))
    word = [number for counts in rows for number in counts]
    share = [count / counts.total() for counts in rows for count in counts.values()]
    return csr_matrix((np.array(share), (row, np.array(word, np.int64))), (len(rows), words))


def _occurrences(ngrams: NGrams, text: str, words: Sequence[TextWord]) -> Iterator[_Occurrence]:
    """Every time that an n-gram occurs in a text, in the order in which it is hashed."""
    fields = ngrams.fields
    if not fields:
        yield from _of_line(ngrams, 0, *_line(plain(text), words, ngrams.version))
        return
    for place, [value] in enumerate(columns_of([text], len(fields))):
        numbers = [number for number, word in enumerate(words) if word.place == place]
        if place and fields[place - 1].kind == "number":
            yield from _of_number(fields, place, value, tuple(numbers))
        else:
            chosen = [words[number] for number in numbers]
            pieces, owners = _line(value, chosen, ngrams.version)
            yield from _of_line(
                ngrams, place, pieces, [tuple(numbers[n] for n in owner) for owner in owners]
            )


def _line(
    line: str, words: Sequence[TextWord], version: int
) -> tuple[list[str], list[tuple[int, ...]]]:
    """The pieces of a line, and the words, by their numbers, that each of them is from."""
    pieces: list[str] = []
    owners: list[tuple[int, ...]] = []
    for number, word in enumerate(words):
        if number and word.place != words[number - 1].place:
            pieces.append(SEPARATOR)
            owners.append(())
        of_word = pieces_of(word.text, version)
        pieces += of_word
        owners += [(number,)] * len(of_word)
    whole = pieces_of(line, version)
    # Should the pieces of the words not be those of the line, no word is named wrongly.
    return (pieces, owners) if pieces == whole else (whole, [()] * len(whole))


def _of_line(
    ngrams: NGrams, place: int, pieces: Sequence[str], owners: Sequence[tuple[int, ...]]
) -> Iterator[_Occurrence]:
    (_, hashes), (word_row, word_hashes) = hash_pieces(pieces, ngrams.characters, ngrams.version)
    hashes = in_group(hashes, place, ngrams.fields)
    named = (
        (f" {piece} "[start : start + size], number)
        for size in range(ngrams.characters[0], ngrams.characters[1] + 1)
        for number, piece in enumerate(pieces)
        for start in range(len(piece) + 3 - size)
    )
    for hashed, (name, number) in zip(hashes, named, strict=True):
        yield _Occurrence(hashed, NamedNGram(name, "letters", place), owners[number])
    words = [
        (word, n) for n, piece in enumerate(pieces) for word in words_of(piece, ngrams.version)
    ]
    assert [number for _, number in words] == word_row.tolist()
    whole = np.zeros(len(words), np.int64)
    hashed_words = in_group(
        word_ngrams(whole, word_hashes, ngrams.version)[1], place, ngrams.fields
    )
    for each, hashed in zip(_word_names(words, ngrams.version), hashed_words, strict=True):
        name, kind, numbers = each
        of_words = tuple(dict.fromkeys(owner for n in numbers for owner in owners[n]))
        yield _Occurrence(hashed, NamedNGram(name, kind, place), of_words)


def _word_names(
    words: Sequence[tuple[str, int]], version: int
) -> Iterator[tuple[str, NGramKind, tuple[int, ...]]]:
    """Name, kind and pieces of the n-grams of words, in the order of ``word_ngrams``."""
    for word, number in words:
        yield word, "word", (number,)
    for (first, number), (second, after) in pairwise(words):
        yield f"{first} {second}", "words", (number, after)
    if version > 1 and words:
        yield words[0][0], "first word", (words[0][1],)
        yield words[-1][0], "last word", (words[-1][1],)


def _of_number(
    fields: tuple[Field, ...], place: int, value: str, words: tuple[int, ...]
) -> Iterator[_Occurrence]:
    field = fields[place - 1]
    _, hashes = hash_numbers(field, [value])
    _, codes = field.ranges([value])
    for hashed, code in zip(in_group(hashes, place, fields), codes.tolist(), strict=True):
        yield _Occurrence(hashed, NamedNGram(_range_name(field, code), "number", place), words)


def _range_name(field: Field, code: int) -> str:
    """A range of numbers in words, by its code.

    >>> edges = tuple(float(edge) for edge in range(15))
    >>> [_range_name(Field("number", edges), code) for code in (1, 5, 19, 36)]
    ['up to 0', 'above 3 up to 4', 'above 3 up to 5', 'above 11']
    """
    level, number = divmod(code - 1, 16)
    width = 1 << level
    first, last = number * width - 1, (number + 1) * width - 1
    low = "" if first < 0 else f"above {field.edges[first]:.10g}"
    high = "" if last >= len(field.edges) else f"up to {field.edges[last]:.10g}"
    return " ".join(filter(None, (low, high)))
