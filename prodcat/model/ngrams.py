"""Titles as hashed word and character n-grams.

The features of a title are the tf-idf weights of its words and pairs of words, and of its character
n-grams within words.  Both are taken from the folded title, and each of the two groups is scaled
to length 1.  An n-gram is identified by a hash of 64 bits; its highest bit is 1 for character
n-grams and 0 for words.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from prodcat.catalog.text import fold
from prodcat.model.text_chunks import text_chunks

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

_Hashes = NDArray[np.uint64]
_PRIME = np.uint64(0x9E3779B97F4A7C15)
_INVERSE = np.uint64(pow(0x9E3779B97F4A7C15, -1, 2**64))
_CHARACTER = np.uint64(1) << np.uint64(63)
_CHUNK = 4_096  # texts that are hashed together


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
class NGrams:
    """A vocabulary of n-grams; call it with texts to get their features.

    Attributes:
        hashes: uint64 [n-gram], ascending: first all word n-grams, then all character n-grams.
        idf: float32 [n-gram]: the inverse document frequency of each, as a logarithm.
        characters: Lengths of the shortest and the longest character n-gram.

    >>> ngrams, features = NGrams.fit(["Oat milk", "milk"], characters=(2, 2), max_features=100)
    >>> features.matrix.shape  # oat, milk, oat milk; ␣o, oa, at, t␣, ␣m, mi, il, lk, k␣
    (2, 12)
    >>> features.matrix[1].nnz, ngrams(["soy"]).matrix.nnz
    (6, 0)
    """

    hashes: _Hashes
    idf: NDArray[np.float32]
    characters: tuple[int, int]

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
        rows, hashes = _hash_texts(texts, characters)
        order = np.lexsort((rows, hashes))
        ordered, row = hashes[order], rows[order]
        first = np.ones(len(ordered), np.bool_)
        first[1:] = (ordered[1:] != ordered[:-1]) | (row[1:] != row[:-1])
        vocabulary, frequency = np.unique(ordered[first], return_counts=True)
        if len(vocabulary) > max_features:
            kept = np.sort(np.argsort(-frequency, kind="stable")[:max_features])
            vocabulary, frequency = vocabulary[kept], frequency[kept]
        idf = np.log((1 + len(texts)) / (1 + frequency)) + 1
        idf = idf.astype(np.float32)
        if like is not None:
            place, known = find_sorted(like.hashes, vocabulary)
            idf[known] = like.idf[place[known]]
        ngrams = cls(vocabulary, idf, characters)
        return ngrams, Features(ngrams._weigh(rows, hashes, len(texts)))

    def __call__(self, texts: Sequence[str]) -> Features:
        """Compute the features of texts; n-grams that are not in the vocabulary are ignored."""
        from scipy.sparse import vstack

        parts = [
            self._weigh(*_hash_texts(chunk, self.characters), len(chunk))
            for chunk in text_chunks(texts, _CHUNK)
        ]
        return Features(parts[0] if len(parts) == 1 else vstack(parts, format="csr"))

    def _weigh(self, rows: NDArray[np.int64], hashes: _Hashes, count: int) -> "csr_matrix":
        """The tf-idf weights of n-grams, float32 [text, n-gram].

        Args:
            rows: int64 [entry]: the text in which each n-gram occurs.
            hashes: uint64 [entry]: the hash of each n-gram, once for each time that it occurs.
            count: Number of texts.
        """
        from scipy.sparse import csr_matrix

        column, known = find_sorted(self.hashes, hashes)
        ones = np.ones(int(known.sum()), np.float32)
        shape = count, len(self.hashes)
        matrix = csr_matrix((ones, (rows[known], column[known])), shape=shape)
        matrix.sum_duplicates()
        values = (1 + np.log(matrix.data)) * self.idf[matrix.indices]
        row = np.repeat(np.arange(count), np.diff(matrix.indptr))
        group = 2 * row + (self.hashes[matrix.indices] >= _CHARACTER)
        length = np.sqrt(np.bincount(group, values.astype(np.float64) ** 2, 2 * count))
        matrix.data = (values / length[group]).astype(np.float32)
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
    texts: Sequence[str], characters: tuple[int, int]
) -> tuple[NDArray[np.int64], _Hashes]:
    """The text, int64 [entry], and the hash, uint64 [entry], of every n-gram of the texts."""
    lines = [" ".join(fold(text).split()) for text in texts]
    joined = "".join(f" {line} " for line in lines)
    codes = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), np.uint32)
    letters = codes.astype(np.uint64)
    if not len(letters):
        return np.zeros(0, np.int64), np.zeros(0, np.uint64)
    row = np.repeat(np.arange(len(lines)), [len(line) + 2 for line in lines])
    parts = _character_ngrams(letters, row, characters) + _word_ngrams(letters, row)
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


def _word_ngrams(
    letters: NDArray[np.uint64], row: NDArray[np.int64]
) -> list[tuple[NDArray[np.int64], _Hashes]]:
    """Rows and hashes of the words and of the pairs of words.

    A word's hash is the difference of a running hash at its end and at its start.

    Args:
        letters: uint64 [letter]: the code points of all lines, each between two blanks.
        row: int64 [letter]: the row of each letter.

    Returns:
        For words and for pairs the row, int64 [entry], and the hash, uint64 [entry], of each.
    """
    space = letters == ord(" ")
    running = np.concatenate(
        [np.zeros(1, np.uint64), np.cumsum((letters + np.uint64(1)) * _powers(_PRIME, len(row)))]
    )
    edge = np.diff(np.concatenate([[True], space, [True]]).astype(np.int8))
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
