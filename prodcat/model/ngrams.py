"""Titles as hashed word and character n-grams.

The features of a title are tf-idf weighted word 1-2-grams and character n-grams within words, both
of the folded title, each of the two blocks scaled to length 1.  An n-gram is known by a hash of 64
bits, whose highest bit tells characters from words.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from prodcat.catalog.text import fold

_Hashes = NDArray[np.uint64]
_PRIME = np.uint64(0x9E3779B97F4A7C15)
_INVERSE = np.uint64(pow(0x9E3779B97F4A7C15, -1, 2**64))
_CHARACTER = np.uint64(1) << np.uint64(63)
_CHUNK = 4_096  # texts that are hashed at once


@dataclass(frozen=True)
class Features:
    """Sparse rows of n-gram features.

    Attributes:
        columns: int64 [entries], ascending within a row.
        values: float32 [entries].
        offsets: int64 [rows + 1]: row ``r`` has entries ``offsets[r]:offsets[r + 1]``.
    """

    columns: NDArray[np.int64]
    values: NDArray[np.float32]
    offsets: NDArray[np.int64]

    def __len__(self) -> int:
        """The number of rows."""
        return len(self.offsets) - 1

    def take(self, rows: NDArray[np.int64]) -> "Features":
        """The rows at these positions, in this order."""
        lengths = np.diff(self.offsets)[rows]
        offsets = np.zeros(len(rows) + 1, np.int64)
        np.cumsum(lengths, out=offsets[1:])
        source = np.arange(offsets[-1]) + np.repeat(self.offsets[rows] - offsets[:-1], lengths)
        return Features(self.columns[source], self.values[source], offsets)


@dataclass(frozen=True)
class NGrams:
    """A fitted n-gram vocabulary.

    Attributes:
        hashes: uint64 [features], ascending: first all word, then all character n-grams.
        idf: float32 [features].
        characters: Shortest and longest character n-gram.
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
        """Collect the n-grams of the texts; where there are too many, the rarest are dropped.

        Args:
            texts: One for each row.
            characters: Shortest and longest character n-gram.
            max_features: Most n-grams to keep.
            like: Another vocabulary, whose n-grams keep the weight that they have there.

        Returns:
            The vocabulary and the features of the texts.
        """
        rows, hashes = _hash_texts(texts, characters)
        order = np.lexsort((rows, hashes))
        ordered, owner = hashes[order], rows[order]
        first = np.ones(len(ordered), np.bool_)
        first[1:] = (ordered[1:] != ordered[:-1]) | (owner[1:] != owner[:-1])
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
        return ngrams, ngrams._weigh(rows, hashes, len(texts))

    def __call__(self, texts: Sequence[str]) -> Features:
        """The features of any texts; n-grams outside the vocabulary are left out."""
        parts = [
            self._weigh(*_hash_texts(part, self.characters), len(part))
            for start in range(0, len(texts), _CHUNK)
            if (part := texts[start : start + _CHUNK])
        ]
        if not parts:
            return Features(np.zeros(0, np.int64), np.zeros(0, np.float32), np.zeros(1, np.int64))
        lengths = np.concatenate([np.diff(part.offsets) for part in parts])
        return Features(
            np.concatenate([part.columns for part in parts]),
            np.concatenate([part.values for part in parts]),
            np.concatenate([[0], np.cumsum(lengths)]),
        )

    def _weigh(self, rows: NDArray[np.int64], hashes: _Hashes, count: int) -> Features:
        """The features of so many texts, from the row and the hash of each of their n-grams."""
        from scipy.sparse import csr_matrix

        size = len(self.hashes)
        column, known = find_sorted(self.hashes, hashes)
        ones = np.ones(int(known.sum()), np.float32)
        matrix = csr_matrix((ones, (rows[known], column[known])), shape=(count, size))
        matrix.sum_duplicates()
        matrix.sort_indices()
        columns = matrix.indices.astype(np.int64)
        offsets = matrix.indptr.astype(np.int64)
        values = (1 + np.log(matrix.data)) * self.idf[columns]
        owner = np.repeat(np.arange(count), np.diff(offsets))
        block = 2 * owner + (self.hashes[columns] >= _CHARACTER)
        length = np.sqrt(np.bincount(block, values.astype(np.float64) ** 2, 2 * count))
        return Features(columns, (values / length[block]).astype(np.float32), offsets)


def find_sorted(hashes: _Hashes, wanted: _Hashes) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Where each wanted hash is among ascending ones, int64, and whether it is there, bool."""
    if not len(hashes):
        return np.zeros(len(wanted), np.int64), np.zeros(len(wanted), np.bool_)
    place = np.minimum(np.searchsorted(hashes, wanted), len(hashes) - 1)
    return place, hashes[place] == wanted


def _mix(hashes: _Hashes) -> _Hashes:
    """Spread the bits (the finaliser of SplitMix64)."""
    mixed = hashes ^ (hashes >> np.uint64(30))
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    mixed ^= mixed >> np.uint64(27)
    mixed *= np.uint64(0x94D049BB133111EB)
    mixed ^= mixed >> np.uint64(31)
    return mixed


def _powers(base: np.uint64, count: int) -> _Hashes:
    """The powers 0 to ``count - 1`` of a number, uint64 [count]."""
    powers = np.full(count, base, np.uint64)
    powers[:1] = 1
    return np.multiply.accumulate(powers)


def _hash_texts(
    texts: Sequence[str], characters: tuple[int, int]
) -> tuple[NDArray[np.int64], _Hashes]:
    """The row and the hash of every n-gram of the texts."""
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
    """Row and hash of the n-grams of each size; a blank may stand at either end, but not inside.

    Args:
        letters: uint64 [letter]: all lines, each with a blank before and after it.
        row: int64 [letter]: the row of each letter.
        characters: Shortest and longest n-gram.
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
    """Row and hash of the words, and of the pairs of words, from differences of one running hash.

    Args:
        letters: uint64 [letter]: all lines, each with a blank before and after it.
        row: int64 [letter]: the row of each letter.
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
