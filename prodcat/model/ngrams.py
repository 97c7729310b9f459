"""Titles as hashed word and character n-grams.

The features of a title are the tf-idf weights of its words and pairs of words, and of its character
n-grams between blanks.  Both are taken from the cleaned and folded title, and each of the two
groups is scaled to length 1.  A word is a run of letters, digits and marks.  An n-gram is
identified by a hash of 64 bits; its highest bit is 1 for character n-grams and 0 for words.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from prodcat.catalog.cleaning import clean
from prodcat.catalog.text import fold, fold_before
from prodcat.model.text_chunks import text_chunks

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

_Hashes = NDArray[np.uint64]
_PRIME = np.uint64(0x9E3779B97F4A7C15)
_INVERSE = np.uint64(pow(0x9E3779B97F4A7C15, -1, 2**64))
_CHARACTER = np.uint64(1) << np.uint64(63)
_CHUNK = 4_096  # texts that are hashed together
_NEWEST = 2
# Whether a code point belongs to a word: 1 or 0, and -1 where that is not known yet.
_IN_WORD = np.full(0x110000, -1, np.int8)


@dataclass(frozen=True)
class Features:
    """The n-gram features of many titles.

    Attributes:
        matrix: float32 [title, n-gram]: the weights, with ascending columns in each row.
    """

    matrix: "csr_matrix"

    def __len__(self) -> int:
        """The number of titles."""
        return int(self.matrix.shape[0])

    def take(self, rows: NDArray[np.int64]) -> "Features":
        """The features of the titles at these positions, int64, in this order."""
        return Features(self.matrix[rows])


@dataclass(frozen=True)
class CountedNGrams:
    """How often n-grams occur in texts, from which features are computed for any part of them.

    Attributes:
        hashes: uint64 [n-gram], ascending.
        logs: float32 [text, n-gram], a sparse matrix: one plus the logarithm of each number.
    """

    hashes: _Hashes
    logs: "csr_matrix"

    @classmethod
    def of(
        cls, texts: Sequence[str], characters: tuple[int, int], max_features: int
    ) -> "CountedNGrams":
        """Count the n-grams of texts; if there are too many, the rarest are dropped.

        Args:
            texts: The texts.
            characters: Lengths of the shortest and the longest character n-gram.
            max_features: Maximum number of n-grams to keep.
        """
        rows, hashes = _hash_texts(texts, characters, _NEWEST)
        order = np.lexsort((rows, hashes))
        ordered, row = hashes[order], rows[order]
        first = np.ones(len(ordered), np.bool_)
        first[1:] = (ordered[1:] != ordered[:-1]) | (row[1:] != row[:-1])
        vocabulary, frequency = np.unique(ordered[first], return_counts=True)
        if len(vocabulary) > max_features:
            kept = np.sort(np.argsort(-frequency, kind="stable")[:max_features])
            vocabulary = vocabulary[kept]
        return cls(vocabulary, _logs(vocabulary, rows, hashes, len(texts)))

    def idf(self, rows: NDArray[np.bool_] | None = None) -> NDArray[np.float32]:
        """The inverse document frequency of each n-gram in the texts, float32 [n-gram].

        Args:
            rows: bool [text]: which of the texts count; all by default.

        Returns:
            Logarithms of at least 1; 0 for an n-gram that none of these texts has.
        """
        logs = self.logs if rows is None else self.logs[rows]
        frequency = np.bincount(logs.indices, minlength=len(self.hashes))
        idf = np.log((1 + logs.shape[0]) / (1 + frequency)) + 1
        return np.where(frequency > 0, idf, 0).astype(np.float32)

    def features(self, idf: NDArray[np.float32]) -> Features:
        """The features of the texts; n-grams with an idf of 0 are left out."""
        return Features(_weighed(self.logs, idf, self.hashes))


@dataclass(frozen=True)
class NGrams:
    """A vocabulary of n-grams; call it with texts to get their features.

    Attributes:
        hashes: uint64 [n-gram], ascending: first all word n-grams, then all character n-grams.
        idf: float32 [n-gram]: the inverse document frequency of each, as a logarithm.
        characters: Lengths of the shortest and the longest character n-gram.
        version: How texts are divided: 1 as in earlier artifacts, where every run of characters
            between blanks is a word and texts are not cleaned.

    >>> ngrams, features = NGrams.fit(["Oat milk", "milk"], characters=(2, 2), max_features=100)
    >>> features.matrix.shape  # oat, milk, oat milk; ␣o, oa, at, t␣, ␣m, mi, il, lk, k␣
    (2, 12)
    >>> features.matrix[1].nnz, ngrams(["soy"]).matrix.nnz
    (6, 0)
    """

    hashes: _Hashes
    idf: NDArray[np.float32]
    characters: tuple[int, int]
    version: int = _NEWEST

    @classmethod
    def fit(
        cls,
        texts: Sequence[str],
        characters: tuple[int, int],
        max_features: int,
        like: "NGrams | None" = None,
    ) -> tuple["NGrams", Features]:
        """Collect the n-grams of the texts; if there are too many, the rarest are dropped.

        Args:
            texts: The texts.
            characters: Lengths of the shortest and the longest character n-gram.
            max_features: Maximum number of n-grams to keep.
            like: Another vocabulary; the n-grams that it has too keep their frequencies from it.

        Returns:
            The vocabulary and the features of the texts.
        """
        return cls.of_counts(CountedNGrams.of(texts, characters, max_features), characters, like)

    @classmethod
    def of_counts(
        cls, counted: CountedNGrams, characters: tuple[int, int], like: "NGrams | None" = None
    ) -> tuple["NGrams", Features]:
        """The same for n-grams that are counted already."""
        idf = counted.idf()
        if like is not None:
            place, known = find_sorted(like.hashes, counted.hashes)
            idf[known] = like.idf[place[known]]
        return cls(counted.hashes, idf, characters), counted.features(idf)

    def __call__(self, texts: Sequence[str]) -> Features:
        """Compute the features of texts; n-grams that are not in the vocabulary are ignored."""
        from scipy.sparse import vstack

        parts = []
        for chunk in text_chunks(texts, _CHUNK):
            rows, hashes = _hash_texts(chunk, self.characters, self.version)
            logs = _logs(self.hashes, rows, hashes, len(chunk))
            parts.append(_weighed(logs, self.idf, self.hashes))
        return Features(parts[0] if len(parts) == 1 else vstack(parts, format="csr"))


def checked_version(version: object) -> int:
    """The version of n-grams that an artifact names.

    Raises:
        ValueError: This version of prodcat does not know it.
    """
    if version not in range(1, _NEWEST + 1):
        raise ValueError(f"its n-grams have version {version!r}, expected at most {_NEWEST}")
    return int(str(version))


def _logs(
    vocabulary: _Hashes, rows: NDArray[np.int64], hashes: _Hashes, count: int
) -> "csr_matrix":
    """One plus the logarithm of the number of times that n-grams occur, float32 [text, n-gram].

    Args:
        vocabulary: uint64 [n-gram], ascending.
        rows: int64 [entry]: the text in which each n-gram occurs.
        hashes: uint64 [entry]: the hash of each n-gram, once for each time that it occurs.
        count: Number of texts.
    """
    from scipy.sparse import csr_matrix

    column, known = find_sorted(vocabulary, hashes)
    ones = np.ones(int(known.sum()), np.float32)
    shape = count, len(vocabulary)
    matrix = csr_matrix((ones, (rows[known], column[known])), shape=shape)
    matrix.sum_duplicates()
    matrix.data = 1 + np.log(matrix.data)
    return matrix


def _weighed(logs: "csr_matrix", idf: NDArray[np.float32], hashes: _Hashes) -> "csr_matrix":
    """The tf-idf weights of n-grams, float32 [text, n-gram], each group scaled to length 1."""
    from scipy.sparse import csr_matrix

    count = logs.shape[0]
    values = logs.data * idf[logs.indices]
    group = 2 * np.repeat(np.arange(count), np.diff(logs.indptr))
    group += hashes[logs.indices] >= _CHARACTER
    length = np.sqrt(np.bincount(group, values.astype(np.float64) ** 2, 2 * count))
    weights = (values / np.maximum(length[group], 1e-12)).astype(np.float32)
    matrix = csr_matrix((weights, logs.indices, logs.indptr), shape=logs.shape)
    if not idf.all():
        matrix = matrix.copy()  # its indices belong to the counts
        matrix.eliminate_zeros()
    return matrix


def find_sorted(hashes: _Hashes, sought: _Hashes) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Look hashes up among ascending ones.

    Args:
        hashes: uint64 [size], ascending.
        sought: uint64 [n].

    Returns:
        int64 [n]: the position of each hash; and bool [n]: whether it is there at all.

    >>> find_sorted(np.array([3, 5, 9], np.uint64), np.array([9, 4], np.uint64))
    (array([2, 1]), array([ True, False]))
    """
    if not len(hashes):
        return np.zeros(len(sought), np.int64), np.zeros(len(sought), np.bool_)
    place = np.minimum(np.searchsorted(hashes, sought), len(hashes) - 1)
    return place, hashes[place] == sought


def _mix(hashes: _Hashes) -> _Hashes:
    """Mix the bits of each hash (the finaliser of SplitMix64, Steele et al., OOPSLA 2014)."""
    mixed = hashes ^ (hashes >> np.uint64(30))
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    mixed ^= mixed >> np.uint64(27)
    mixed *= np.uint64(0x94D049BB133111EB)
    mixed ^= mixed >> np.uint64(31)
    return mixed


def _powers(base: np.uint64, count: int) -> _Hashes:
    """The powers 0 to ``count - 1`` of a number modulo 2**64, uint64 [count]."""
    powers = np.full(count, base, np.uint64)
    powers[:1] = 1
    return np.multiply.accumulate(powers)


def _hash_texts(
    texts: Sequence[str], characters: tuple[int, int], version: int
) -> tuple[NDArray[np.int64], _Hashes]:
    """The text, int64 [entry], and the hash, uint64 [entry], of every n-gram of the texts."""
    if version == 1:
        lines = [" ".join(fold_before(text).split()) for text in texts]
    else:
        lines = [" ".join(fold(clean(text)).split()) for text in texts]
    joined = "".join(f" {line} " for line in lines)
    codes = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), np.uint32)
    letters = codes.astype(np.uint64)
    if not len(letters):
        return np.zeros(0, np.int64), np.zeros(0, np.uint64)
    row = np.repeat(np.arange(len(lines)), [len(line) + 2 for line in lines])
    between = codes == ord(" ") if version == 1 else ~_in_words(codes)
    parts = _character_ngrams(letters, row, characters) + _word_ngrams(letters, row, between)
    return np.concatenate([rows for rows, _ in parts]), np.concatenate([part for _, part in parts])


def _character_ngrams(
    letters: NDArray[np.uint64], row: NDArray[np.int64], characters: tuple[int, int]
) -> list[tuple[NDArray[np.int64], _Hashes]]:
    """Rows and hashes of the n-grams of each size; they may begin or end with a blank.

    Args:
        letters: uint64 [letter]: the code points of all lines, each between two blanks.
        row: int64 [letter]: the row of each letter.
        characters: Lengths of the shortest and the longest n-gram.

    Returns:
        For each size the row, int64 [entry], and the hash, uint64 [entry], of each n-gram.
    """
    parts = []
    space = letters == ord(" ")
    window = letters + np.uint64(1)
    inside = np.ones(len(letters), np.bool_)
    for size in range(2, characters[1] + 1):
        if len(window) < 2:
            break
        window = window[:-1] * _PRIME + letters[size - 1 :] + np.uint64(1)
        inside = inside[:-1]
        if size > 2:
            inside = inside & ~space[size - 2 : size - 2 + len(inside)]
        last = slice(size - 1, size - 1 + len(window))
        valid = inside & (row[: len(window)] == row[last])
        if size == 2:
            valid &= ~(space[:-1] & space[1:])
        if size >= characters[0]:
            hashes = _mix(window[valid] + np.uint64(size)) | _CHARACTER
            parts.append((row[: len(window)][valid], hashes))
    return parts


def _in_words(codes: NDArray[np.uint32]) -> NDArray[np.bool_]:
    """Whether each code point is part of a word, bool [codes]: letters, digits and their marks."""
    known = _IN_WORD[codes]
    if (known < 0).any():
        for code in np.unique(codes[known < 0]).tolist():
            letter = chr(code)
            mark = unicodedata.category(letter)[0] == "M"
            _IN_WORD[code] = letter.isalnum() or letter == "_" or mark
        known = _IN_WORD[codes]
    return known > 0


def _word_ngrams(
    letters: NDArray[np.uint64], row: NDArray[np.int64], between: NDArray[np.bool_]
) -> list[tuple[NDArray[np.int64], _Hashes]]:
    """Rows and hashes of the words and of the pairs of words.

    A word's hash is the difference of a running hash at its end and at its start.

    Args:
        letters: uint64 [letter]: the code points of all lines, each between two blanks.
        row: int64 [letter]: the row of each letter.
        between: bool [letter]: whether the letter is between words.

    Returns:
        For words and for pairs the row, int64 [entry], and the hash, uint64 [entry], of each.
    """
    running = np.concatenate(
        [np.zeros(1, np.uint64), np.cumsum((letters + np.uint64(1)) * _powers(_PRIME, len(row)))]
    )
    edge = np.diff(np.concatenate([[True], between, [True]]).astype(np.int8))
    start, end = np.flatnonzero(edge == -1), np.flatnonzero(edge == 1)
    word = _mix((running[end] - running[start]) * _powers(_INVERSE, len(row))[start])
    pair = row[start[:-1]] == row[start[1:]]
    return [
        (row[start], word & ~_CHARACTER),
        (
            row[start[:-1]][pair],
            _mix(word[:-1][pair] * _PRIME + word[1:][pair]) & ~_CHARACTER,
        ),
    ]
