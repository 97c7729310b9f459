"""What is known of the pieces of texts: their character n-grams and the hashes of their words.

A piece is what is between two blanks.  Pieces repeat from title to title, and character n-grams
cross no blank, so the n-grams of a piece are computed once and then looked up.
"""

import threading
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prodcat.model.hash_index import HashIndex
from prodcat.model.hashing import hash_pieces, in_group
from prodcat.model.ngrams import NGrams
from prodcat.model.sparse_rows import entries_of

MOST_PIECES = 1 << 15  # that are known at the same time
MOST_TIMES = (1 << 16) - 1  # that an n-gram counts in a piece


class Growing:
    """An array that grows at its end; what is there stays as it is.

    Args:
        dtype: The dtype of the entries.
    """

    def __init__(self, dtype: Any) -> None:
        self._array, self._count = np.zeros(1_024, dtype), 0

    @property
    def filled(self) -> NDArray[Any]:
        """The entries so far."""
        return self._array[: self._count]

    def append(self, entries: NDArray[Any]) -> None:
        """Add entries; who holds :attr:`filled` keeps what was in it."""
        end = self._count + len(entries)
        if end > len(self._array):
            larger = np.zeros(2 * end, self._array.dtype)
            larger[: self._count] = self.filled
            self._array = larger
        self._array[self._count : end] = entries
        self._count = end


class PieceTable:
    """The n-grams of pieces, by the number of each piece.

    Several threads may use a table at the same time.

    Args:
        ngrams: The vocabulary.
        index: The positions of its hashes.

    Attributes:
        columns: int32 [entry]: the character n-grams of all pieces that the vocabulary has.
        times: int32 [entry]: how often each of them occurs in its piece.
        ends: int64 [piece + 1]: piece ``p`` has the entries ``ends[p]:ends[p + 1]``.
        squares: float64 [piece]: the sum of the squared weights of its n-grams.
        words: uint64 [word]: the hashes of the words of all pieces.
        word_ends: int64 [piece + 1]: piece ``p`` has the words ``word_ends[p]:word_ends[p + 1]``.
    """

    def __init__(self, ngrams: NGrams, index: HashIndex) -> None:
        self._ngrams, self._index = ngrams, index
        self._numbers: list[dict[str, int]] = [{} for _ in range(1 + len(ngrams.fields))]
        self.columns, self.times = Growing(np.int32), Growing(np.int32)
        self.ends, self.squares = Growing(np.int64), Growing(np.float64)
        self.words, self.word_ends = Growing(np.uint64), Growing(np.int64)
        self.ends.append(np.zeros(1, np.int64))
        self.word_ends.append(np.zeros(1, np.int64))
        self._adding = threading.Lock()

    def __len__(self) -> int:
        """The number of pieces."""
        return len(self.squares.filled)

    @property
    def is_full(self) -> bool:
        """Whether a new table should be begun, so that memory stays bounded."""
        return len(self) >= MOST_PIECES

    def numbers(self, place: int, pieces: Sequence[str]) -> NDArray[np.int64]:
        """The number of each piece, int64 [piece]; pieces that are not known are added.

        Args:
            place: The place of the text that the pieces are from: 0 for titles, then the fields,
                whose n-grams are others than those of titles.
            pieces: The pieces.
        """
        known = self._numbers[place]
        numbers = list(map(known.get, pieces))
        if None in numbers:
            with self._adding:
                self._add(place, [piece for piece in dict.fromkeys(pieces) if piece not in known])
            numbers = list(map(known.get, pieces))
        return np.array(numbers, np.int64)

    def weighed(
        self, pieces: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float32]]:
        """The n-grams of some pieces with their weights, not scaled to a length.

        Returns:
            The number of n-grams of each piece, int64 [n]; and the position, int32 [entry], and
            the weight, float32 [entry], of each n-gram.
        """
        entries, counts = entries_of(self.ends.filled, pieces)
        columns, times = self.columns.filled[entries], self.times.filled[entries]
        return counts, columns, weights_of(times, self._ngrams.idf[columns])

    def _add(self, place: int, pieces: Sequence[str]) -> None:
        ngrams = self._ngrams
        (row, hashes), (word_row, words) = hash_pieces(pieces, ngrams.characters, ngrams.version)
        column = self._index(in_group(hashes, place, ngrams.fields))
        known = column >= 0
        size = len(ngrams.hashes)
        pairs, times = np.unique(row[known] * size + column[known], return_counts=True)
        row, columns = np.divmod(pairs, max(size, 1))
        times = np.minimum(times, MOST_TIMES)
        squares = weights_of(times, ngrams.idf[columns]).astype(np.float64) ** 2
        first, count = len(self), len(pieces)
        self.columns.append(columns)
        self.times.append(times)
        for ends, rows in ((self.ends, row), (self.word_ends, word_row)):
            counts = np.bincount(rows, minlength=count)
            ends.append(ends.filled[-1] + np.cumsum(counts))
        self.words.append(words)
        self.squares.append(np.bincount(row, squares, count))
        # At last, because another thread uses a piece as soon as it has a number.
        self._numbers[place].update(zip(pieces, range(first, first + count), strict=True))


def weights_of(times: NDArray[Any], idf: NDArray[np.float32]) -> NDArray[np.float32]:
    """The weights of n-grams that occur so often, with their inverse document frequencies."""
    return (1 + np.log(times.astype(np.float32))) * idf
