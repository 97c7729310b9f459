"""Products of sparse rows with a map from n-grams to outcomes, on a CPU."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

_DENSE = 1 / 16  # share of outcomes with weights above which an n-gram's weights are stored densely
_MOST_DENSE = 1 << 24  # weights that are stored densely, at 4 bytes each
_MOST_SEPARATE = 4  # rows whose sparse terms are added one by one


@dataclass(frozen=True)
class SparseRows:
    """Rows with a few entries each.

    Attributes:
        offsets: int64 [row + 1]: row ``r`` has the entries ``offsets[r]:offsets[r + 1]``.
        columns: int32 [entry].
        values: float32 [entry].
    """

    offsets: NDArray[np.int64]
    columns: NDArray[np.int32]
    values: NDArray[np.float32]

    def __len__(self) -> int:
        """The number of rows."""
        return len(self.offsets) - 1

    @classmethod
    def of(cls, matrix: Any) -> "SparseRows":
        """The rows of a sparse matrix of scipy in CSR format."""
        return cls(matrix.indptr.astype(np.int64, copy=False), matrix.indices, matrix.data)

    @classmethod
    def of_entries(
        cls, row: NDArray[np.int64], columns: NDArray[Any], values: NDArray[Any], rows: int
    ) -> "SparseRows":
        """Rows from entries, which stay in their order within each row.

        Args:
            row: int64 [entry]: the row of each entry, in any order.
            columns: int [entry].
            values: float [entry].
            rows: The number of rows.
        """
        if rows > 1:
            order = np.argsort(row, kind="stable")
            columns, values = columns[order], values[order]
        return cls(
            offsets_of(np.bincount(row, minlength=rows)),
            columns.astype(np.int32, copy=False),
            values.astype(np.float32, copy=False),
        )

    @classmethod
    def joined(cls, parts: Sequence["SparseRows"]) -> "SparseRows":
        """The rows of all parts, of which there must be at least one."""
        if len(parts) == 1:
            return parts[0]
        counts = np.concatenate([np.diff(part.offsets) for part in parts])
        return cls(
            offsets_of(counts),
            np.concatenate([part.columns for part in parts]),
            np.concatenate([part.values for part in parts]),
        )

    def take(self, rows: NDArray[np.int64]) -> "SparseRows":
        """The rows at these positions, int64 [n], in this order."""
        entries, counts = entries_of(self.offsets, rows)
        return SparseRows(offsets_of(counts), self.columns[entries], self.values[entries])

    def times(self, table: Tensor) -> Tensor:
        """The product with a dense matrix, float32 [row, outcome].

        The sums of a row are taken in the order of its entries, so they have the same bits
        whatever the other rows are.

        Args:
            table: float32 [column, outcome].
        """
        if not len(self.columns):
            return torch.zeros(len(self), table.shape[1])
        # What embedding_bag of torch.nn.functional calls in mode "sum", the mode 0.
        product, *_ = torch.embedding_bag(
            table,
            torch.from_numpy(self.columns.astype(np.int64)),
            torch.from_numpy(self.offsets),
            mode=0,
            per_sample_weights=torch.from_numpy(self.values),
            include_last_offset=True,
        )
        return product


def entries_of(
    offsets: NDArray[np.integer[Any]], rows: NDArray[np.integer[Any]]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The positions of the entries of some rows, int64 [entry], and their numbers, int64 [n].

    Args:
        offsets: int64 [row + 1]: row ``r`` has the entries ``offsets[r]:offsets[r + 1]``.
        rows: int64 [n]: the rows, in any order.
    """
    first = offsets[rows]
    counts = offsets[rows + 1] - first
    starts = offsets_of(counts)
    entries = (first - starts[:-1]).repeat(counts)
    entries += np.arange(len(entries))
    return entries, counts


def offsets_of(counts: NDArray[Any]) -> NDArray[np.int64]:
    """The running sums of counts, int [n], which begin with 0: int64 [n + 1]."""
    offsets = np.zeros(len(counts) + 1, np.int64)
    counts.cumsum(out=offsets[1:])
    return offsets


def first_of_each(ordered: NDArray[Any]) -> NDArray[np.int64]:
    """The position of the first of each run of equal values, int64 [run]."""
    first = np.ones(len(ordered), np.bool_)
    np.not_equal(ordered[1:], ordered[:-1], out=first[1:])
    return first.nonzero()[0]


@dataclass(frozen=True)
class SplitMap:
    """A sparse linear map for a CPU: frequent n-grams have weights for most outcomes.

    Adding up rows of a dense matrix takes a fraction of the time that sparse rows take, and a few
    thousand n-grams have nine tenths of the weights that titles meet.

    Attributes:
        place: int32 [n-gram]: the row of each n-gram in ``dense``, or -1.
        dense: float32 [row, outcome].
        sparse: The weights of the other n-grams, a sparse matrix, float32 [n-gram, outcome].
    """

    place: NDArray[np.int32]
    dense: Tensor
    sparse: Any

    @classmethod
    def of(
        cls,
        offsets: NDArray[np.int64],
        columns: NDArray[np.int32],
        values: NDArray[np.float32],
        outcomes: int,
    ) -> "SplitMap":
        """Divide the n-grams of a map.

        Args:
            offsets: int64 [n-gram + 1]: n-gram ``n`` has the entries
                ``offsets[n]:offsets[n + 1]``.
            columns: int32 [entry]: the outcome of each entry.
            values: float32 [entry]: the weight of the n-gram for the outcome.
            outcomes: The number of outcomes.
        """
        from scipy.sparse import csr_matrix

        matrix = csr_matrix((values, columns, offsets), shape=(len(offsets) - 1, outcomes))
        counts = np.diff(offsets)
        most = np.argsort(-counts, kind="stable")[: _MOST_DENSE // max(outcomes, 1)]
        chosen = np.sort(most[counts[most] > _DENSE * outcomes])
        place = np.full(len(counts), -1, np.int32)
        place[chosen] = np.arange(len(chosen))
        dense = torch.from_numpy(np.ascontiguousarray(matrix[chosen].toarray()))
        others = np.repeat(place < 0, counts)
        ends = offsets_of(np.where(place < 0, counts, 0))
        kept = matrix.data[others], matrix.indices[others], ends
        return cls(place, dense, csr_matrix(kept, shape=matrix.shape))

    def scores(self, rows: SparseRows) -> Tensor:
        """The scores of rows of n-grams, float32 [row, outcome]."""
        place = self.place[rows.columns]
        is_dense = place >= 0
        if is_dense.all():
            return SparseRows(rows.offsets, place, rows.values).times(self.dense)
        ends = offsets_of(is_dense)[rows.offsets]
        frequent = SparseRows(ends, place[is_dense], rows.values[is_dense])
        is_rare = ~is_dense
        rare = SparseRows(rows.offsets - ends, rows.columns[is_rare], rows.values[is_rare])
        scores = frequent.times(self.dense)
        if len(rare.columns):
            add = self._add_separately if len(rows) <= _MOST_SEPARATE else self._add_together
            add(scores.numpy(), rare)
        return scores

    def _add_together(self, scores: NDArray[np.float32], rare: SparseRows) -> None:
        from scipy.sparse import csr_matrix

        shape = len(rare), self.sparse.shape[0]
        rest = csr_matrix((rare.values, rare.columns, rare.offsets), shape) @ self.sparse
        row = np.repeat(np.arange(len(rare)), np.diff(rest.indptr))
        scores[row, rest.indices] += rest.data  # a product has no entry twice

    def _add_separately(self, scores: NDArray[np.float32], rare: SparseRows) -> None:
        """The same, row by row: for a few rows, making matrices takes longer.

        Sums are taken in the same order, so that they have the same bits.
        """
        for row, (start, end) in enumerate(pairwise(rare.offsets.tolist())):
            if start == end:
                continue
            entries, counts = entries_of(self.sparse.indptr, rare.columns[start:end])
            rest = np.zeros(scores.shape[1], np.float32)
            weights = np.repeat(rare.values[start:end], counts)
            np.add.at(rest, self.sparse.indices[entries], weights * self.sparse.data[entries])
            scores[row] += rest
