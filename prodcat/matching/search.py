"""The most similar rows of two matrices, block by block, in bounded memory."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

_BLOCK = 256  # rows whose products with all others are in memory at once
_PIECE = 20_000  # rows that are given to the fast package at once

Neighbours = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]


def nearest(ours: Any, theirs: Any, count: int, *, least: float = 0.0) -> Neighbours:
    """For each row of a sparse matrix, the rows of another with the largest dot product.

    The package sparse_dot_topn is used if it is installed; scipy gives the same rows, more slowly.

    Args:
        ours: A sparse matrix [rows, features].
        theirs: A sparse matrix [other rows, features].
        count: How many rows are kept_count for each row.
        least: Products that are not larger are left out.

    Returns:
        The row, the other row, and their product, each [pairs].
    """
    other = theirs.T.tocsr()
    try:
        from sparse_dot_topn import sp_matmul_topn
    except ImportError:
        return _nearest_by_scipy(ours.tocsr(), other, count, least)
    parts = []
    for start in range(0, ours.shape[0], _PIECE):
        piece = ours[start : start + _PIECE]
        top = sp_matmul_topn(piece, other, top_n=count, threshold=least, n_threads=2)
        top = top.tocoo()
        parts.append((top.row.astype(np.int64) + start, top.col.astype(np.int64), top.data))
    return _joined(parts)


def _nearest_by_scipy(ours: Any, other: Any, count: int, least: float) -> Neighbours:
    parts = []
    for start in range(0, ours.shape[0], _BLOCK):
        block = (ours[start : start + _BLOCK] @ other).tocsr()
        for row in range(block.shape[0]):
            span = slice(block.indptr[row], block.indptr[row + 1])
            columns, values = block.indices[span], block.data[span]
            kept = _largest(values, count)
            kept = kept[values[kept] > least]
            rows = np.full(len(kept), start + row, np.int64)
            parts.append((rows, columns[kept].astype(np.int64), values[kept]))
    return _joined(parts)


def nearest_vectors(
    ours: NDArray[np.float32], theirs: NDArray[np.float32], count: int
) -> Neighbours:
    """For each vector, those of another table with the largest dot product, exactly.

    Args:
        ours: Vectors [rows, size].
        theirs: Vectors [other rows, size].
        count: How many are kept_count for each vector.

    Returns:
        As for :func:`nearest`; vectors of zeros, which rows without a title have, have none.
    """
    parts = []
    for start in range(0, len(ours), _BLOCK):
        products = ours[start : start + _BLOCK] @ theirs.T
        kept_count = min(count, products.shape[1])
        kept = np.argpartition(-products, kept_count - 1, axis=1)[:, :kept_count]
        rows = np.repeat(np.arange(start, start + len(products)), kept_count)
        values = np.take_along_axis(products, kept, 1).ravel()
        known = np.flatnonzero(values)
        parts.append((rows[known].astype(np.int64), kept.ravel()[known], values[known]))
    return _joined(parts)


def _largest(values: NDArray[np.float32], count: int) -> NDArray[np.int64]:
    if len(values) <= count:
        return np.arange(len(values))
    return np.argpartition(-values, count)[:count]


def _joined(parts: list[Any]) -> Neighbours:
    if not parts:
        return np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float32)
    rows, columns, values = (np.concatenate(each) for each in zip(*parts, strict=True))
    return rows, columns, values.astype(np.float32)
