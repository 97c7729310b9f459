"""Scores of texts by n-grams, added up from those of their pieces.

The character n-grams of a text are scaled to length 1 and multiplied with the weights of each
outcome.  A sum over n-grams is a sum over pieces, whose products are computed once and then looked
up; only the length depends on the text.  An n-gram that occurs in two pieces of a text counts as
one plus the logarithm of its number, which is less than twice, so the difference is subtracted.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any
from weakref import WeakSet

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from prodcat.catalog.fields import plain
from prodcat.model.fields import columns_of
from prodcat.model.forks import in_each_fork
from prodcat.model.hash_index import HashIndex
from prodcat.model.hashing import (
    Hashes,
    hash_groups,
    hash_numbers,
    in_group,
    pieces_of,
    word_ngrams,
)
from prodcat.model.lexical import LexicalBranch
from prodcat.model.ngrams import FIELD_LENGTH, NGrams, scaled
from prodcat.model.pieces import MOST_PIECES, MOST_TIMES, PieceTable, weights_of
from prodcat.model.sparse_rows import SparseRows, SplitMap, entries_of, first_of_each, offsets_of
from prodcat.model.text_chunks import text_chunks

_CHUNK = 4_096  # texts that are read at a time
_MOST_CELLS = 1 << 24  # scores of pieces that are kept, at 4 bytes each
_LEAST_PIECES = 256  # that are kept however many outcomes there are
_LEAST_SQUARE = 1e-24  # of the length of a text's n-grams
_TIMES_BITS = np.int64(MOST_TIMES.bit_length())

# Rows and hashes of n-grams, or rows, columns and weights of entries.
_Hashed = tuple[NDArray[np.int64], Hashes]
_Entries = tuple[NDArray[np.int64], NDArray[np.integer[Any]], NDArray[np.floating[Any]]]


@dataclass(frozen=True)
class PieceFeatures:
    """The n-grams of texts, by pieces.

    Attributes:
        table: The pieces.
        pieces: For each text the numbers of its pieces, with the factors of their scores.
        rest: For each text the n-grams of words and numbers with their weights, and what is to be
            subtracted for n-grams that occur in several pieces.
    """

    table: PieceTable
    pieces: SparseRows
    rest: SparseRows

    def __len__(self) -> int:
        """The number of texts."""
        return len(self.rest)

    def take(self, rows: NDArray[np.int64]) -> "PieceFeatures":
        """The features of the texts at these positions, int64, in this order."""
        return PieceFeatures(self.table, self.pieces.take(rows), self.rest.take(rows))


class PieceScorer:
    """Computes the scores of texts by n-grams on the CPU; several threads may use it.

    The scores of a text have the same bits whatever the other texts are.

    Args:
        ngrams: The vocabulary.
        lexical: The map from its n-grams to outcomes.
    """

    def __init__(self, ngrams: NGrams, lexical: LexicalBranch) -> None:
        self._ngrams, self._index = ngrams, HashIndex(ngrams.hashes)
        self._groups = hash_groups(ngrams.hashes, len(ngrams.fields))
        self._map, self._bias = lexical.split, lexical.bias.cpu()
        self._begin()
        _SCORERS.add(self)

    def _begin(self) -> None:
        """Forget all pieces."""
        self._table = PieceTable(self._ngrams, self._index)
        self._scored = _ScoredPieces(self._table, self._map, len(self._bias))

    # -- features -----------------------------------------------------------------

    def __call__(self, texts: Sequence[str]) -> PieceFeatures:
        """Compute the features of texts; n-grams that are not in the vocabulary are ignored."""
        if self._table.is_full:
            self._begin()
        table = self._table
        parts = [self._features(table, chunk) for chunk in text_chunks(texts, _CHUNK)]
        pieces, rest = (SparseRows.joined([part[which] for part in parts]) for which in (0, 1))
        return PieceFeatures(table, pieces, rest)

    def _features(self, table: PieceTable, texts: list[str]) -> tuple[SparseRows, SparseRows]:
        """The pieces of a chunk of texts, and their other entries."""
        ngrams, count = self._ngrams, len(texts)
        fields = ngrams.fields
        columns = columns_of(texts, len(fields)) if fields else [list(map(plain, texts))]
        hashed: list[_Hashed] = []
        pieces: list[_Entries] = []
        entries: list[_Entries] = []
        for place, values in enumerate(columns):
            if place and fields[place - 1].kind == "number":
                rows, hashes = hash_numbers(fields[place - 1], values)
            else:
                lines = [pieces_of(value, ngrams.version) for value in values]
                numbers = table.numbers(place, list(chain.from_iterable(lines)))
                row = np.repeat(np.arange(count), list(map(len, lines)))
                factors, twice = self._scaled(table, row, numbers, FIELD_LENGTH if place else 1.0)
                pieces.append((row, numbers, factors[row].astype(np.float32)))
                entries.append((*twice[:2], (twice[2] * factors[twice[0]]).astype(np.float32)))
                words, counts = entries_of(table.word_ends.filled, numbers)
                rows, hashes = word_ngrams(
                    np.repeat(row, counts), table.words.filled[words], ngrams.version
                )
            hashed.append((rows, in_group(hashes, place, fields)))
        entries.insert(0, self._weighed(hashed, count))
        return (
            SparseRows.of_entries(*_concatenated(pieces), count),
            SparseRows.of_entries(*_concatenated(entries), count),
        )

    def _scaled(
        self,
        table: PieceTable,
        row: NDArray[np.int64],
        numbers: NDArray[np.int64],
        length: float,
    ) -> tuple[NDArray[np.float64], _Entries]:
        """The factor of each text's scores, and what is subtracted for its repeated n-grams.

        Args:
            table: The pieces.
            row: int64 [piece]: the text of each piece, ascending.
            numbers: int64 [piece]: the number of each piece.
            length: The length that the weights of a text are scaled to.

        Returns:
            float64 [text]; and of each repeated n-gram the text, int64 [entry], the position,
            int64 [entry], and the change of its weight before the factor, float64 [entry].
        """
        size, count = len(self._ngrams.hashes), int(row[-1]) + 1 if len(row) else 0
        entries, counts = entries_of(table.ends.filled, numbers)
        # One number for each entry, so that one sort brings equal n-grams of a text together.
        keys = np.repeat(row * size, counts) + table.columns.filled[entries]
        keys = (keys << _TIMES_BITS) | table.times.filled[entries]
        keys.sort()
        pairs = keys >> _TIMES_BITS
        equal = np.zeros(len(keys) + 1, np.bool_)
        np.equal(pairs[1:], pairs[:-1], out=equal[1:-1])
        repeated = (equal[1:] | equal[:-1]).nonzero()[0]
        squares = np.bincount(row, table.squares.filled[numbers], count)
        pairs, times = pairs[repeated], (keys[repeated] & MOST_TIMES).astype(np.float64)
        first = first_of_each(pairs)
        text, column = np.divmod(pairs[first], max(size, 1))
        change = np.zeros(0)
        if len(first):
            idf, by_piece = self._ngrams.idf[column].astype(np.float64), 1 + np.log(times)
            together = 1 + np.log(np.add.reduceat(times, first))
            change = (together - np.add.reduceat(by_piece, first)) * idf
            change_of_squares = (together**2 - np.add.reduceat(by_piece**2, first)) * idf**2
            squares += np.bincount(text, change_of_squares, count)
        factors = length / np.sqrt(np.maximum(squares, _LEAST_SQUARE))
        return factors, (text, column, change)

    def _weighed(self, hashed: Sequence[_Hashed], count: int) -> _Entries:
        """The n-grams of words and numbers with their weights, each group scaled to its length."""
        column = self._index(np.concatenate([hashes for _, hashes in hashed]))
        row = np.concatenate([rows for rows, _ in hashed])
        known = column >= 0
        size = len(self._ngrams.hashes)
        pairs = row[known] * size + column[known]
        pairs.sort()
        first = first_of_each(pairs)
        times = np.empty(len(first))
        np.subtract(first[1:], first[:-1], out=times[:-1])
        times[-1:] = len(pairs) - first[-1:]
        row, column = np.divmod(pairs[first], max(size, 1))
        weights = weights_of(times, self._ngrams.idf[column])
        shape = count, 2 + 2 * len(self._ngrams.fields)
        return row, column, scaled(weights, row, self._groups[column], shape)

    # -- scores -------------------------------------------------------------------

    def scores(self, features: PieceFeatures) -> Tensor:
        """The scores of texts, float32 [text, choice], on the CPU."""
        scores = self._map.scores(features.rest)
        pieces = features.pieces
        scored = self._scored
        if scored.table is not features.table:  # they are older than the pieces known now
            scored = _ScoredPieces(features.table, self._map, len(self._bias))
        for start, end in _runs(pieces.offsets, scored.capacity):
            offsets = pieces.offsets[start : end + 1]
            part = slice(offsets[0], offsets[-1])
            table, rows = scored.rows(pieces.columns[part])
            summed = SparseRows(offsets - offsets[0], rows, pieces.values[part]).times(table)
            scores[start:end] += summed
        return scores + self._bias


_SCORERS: WeakSet[PieceScorer] = WeakSet()


def _begin_all() -> None:
    """Forget all pieces in a forked process: a thread that no longer exists may have added some."""
    for scorer in list(_SCORERS):
        scorer._begin()


in_each_fork(_begin_all)


class _ScoredPieces:
    """The scores of pieces, computed when they are first needed.

    Args:
        table: The pieces.
        weights: The map from n-grams to outcomes.
        outcomes: The number of outcomes.

    Attributes:
        capacity: The greatest number of pieces whose scores are kept.
    """

    def __init__(self, table: PieceTable, weights: SplitMap, outcomes: int) -> None:
        self.table, self._map, self._outcomes = table, weights, outcomes
        self.capacity = min(max(_MOST_CELLS // max(outcomes, 1), _LEAST_PIECES), MOST_PIECES)
        self._lock = threading.Lock()
        self._begin(self.capacity)

    def _begin(self, capacity: int) -> None:
        self._row = np.full(max(2 * len(self.table), 1_024), -1, np.int32)
        self._scores, self._count = torch.empty(capacity, self._outcomes), 0

    def rows(self, pieces: NDArray[np.int32]) -> tuple[Tensor, NDArray[np.int32]]:
        """A table with the scores of these pieces, and the row of each.

        Args:
            pieces: int32 [n]: the numbers of pieces.

        Returns:
            float32 [row, outcome]; and int32 [n].
        """
        with self._lock:
            if len(self._row) < len(self.table):
                longer = np.full(2 * len(self.table), -1, np.int32)
                longer[: len(self._row)] = self._row
                self._row = longer
            missing = np.unique(pieces[self._row[pieces] < 0])
            if self._count + len(missing) > len(self._scores):
                missing = np.unique(pieces)
                # A new table, as another thread may still read the old one.
                self._begin(max(self.capacity, len(missing)))
            if len(missing):
                self._add(missing)
            return self._scores, self._row[pieces]

    def _add(self, pieces: NDArray[np.int32]) -> None:
        counts, columns, weights = self.table.weighed(pieces.astype(np.int64))
        end = self._count + len(pieces)
        offsets = offsets_of(counts)
        self._scores[self._count : end] = self._map.scores(SparseRows(offsets, columns, weights))
        self._row[pieces] = np.arange(self._count, end, dtype=np.int32)
        self._count = end


def _runs(offsets: NDArray[np.int64], most: int) -> list[tuple[int, int]]:
    """Ranges of rows with at most so many entries each; a row with more is alone."""
    runs, start, rows = [], 0, len(offsets) - 1
    while start < rows:
        end = int(np.searchsorted(offsets, offsets[start] + most, "right")) - 1
        end = max(end, start + 1)
        runs.append((start, end))
        start = end
    return runs


def _concatenated(parts: Sequence[_Entries]) -> _Entries:
    rows, columns, values = zip(*parts, strict=True)
    return np.concatenate(rows), np.concatenate(columns), np.concatenate(values)
