"""Words that tell the products of one retailer apart, such as flavours, colours and models.

A retailer lists a product once, so where two of its titles are nearly the same, the words in which
they differ tell different products apart.  Where two retailers' titles differ in such words, they
are probably of different products, whatever the language and the kind of goods; where they differ
in others, the retailers may only write in different ways.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from prodcat.matching.search import nearest

_NEIGHBOURS = 6
_MOST_DIFFERENT = 2  # words of each of two titles that are nearly the same
_LEAST_SHARED = 0.5  # share of a title that both have
_DOUBT = 2.0  # titles without a neighbour that are added for each word
_TINY = 1e-6
_PIECE = 100_000  # pairs of titles that are compared at once


def distinctions(tables: list[tuple[Any, Any, Any]]) -> NDArray[np.float32]:
    """How often each word tells products apart.

    Args:
        tables: For each table the words of its titles, weighted, sparse [rows, words]; how much
            each title has of each word, sparse [rows, words]; and what similar titles are searched
            with, sparse [rows, features].

    Returns:
        The share of the titles with the word that have a neighbour in their table that differs by
        it, float [words], 0 to 1.
    """
    size = tables[0][0].shape[1]
    counts, totals = np.zeros(size), np.zeros(size)
    for titles, covered, search in tables:
        counts += _counted(titles, covered, search)
        totals += np.asarray((titles > 0).sum(axis=0), np.float64).ravel()
    return np.asarray((counts / (totals + _DOUBT)).clip(0, 1), np.float32)


def _counted(titles: Any, covered: Any, search: Any) -> NDArray[np.float64]:
    """How many titles of one table have a neighbour that differs by each word, float [words]."""
    rows, others, _ = nearest(search, search, _NEIGHBOURS + 1)
    kept = rows != others
    rows, others = rows[kept], others[kept]
    size = titles.shape[1]
    keys = [np.empty(0, np.int64)]
    for start in range(0, len(rows), _PIECE):
        one, other = rows[start : start + _PIECE], others[start : start + _PIECE]
        mine, lacks, share = _lacking(titles, covered, one, other)
        _, theirs, _ = _lacking(titles, covered, other, one)
        is_near = (lacks >= 1) & (lacks <= _MOST_DIFFERENT) & (theirs <= _MOST_DIFFERENT)
        places = np.flatnonzero(is_near & (share >= _LEAST_SHARED))
        words = mine[places].tocoo()
        keys.append(np.unique(one[places][words.row] * size + words.col))
    words_of_titles = np.unique(np.concatenate(keys)) % size
    return np.bincount(words_of_titles, minlength=size).astype(np.float64)


def _lacking(
    titles: Any, covered: Any, ours: NDArray[np.int64], theirs: NDArray[np.int64]
) -> tuple[Any, NDArray[np.int64], NDArray[np.float64]]:
    """The words of titles that others lack, how many they are, and the share that others have."""
    mine = titles[ours]
    shared = mine.multiply(covered[theirs])
    rest = (mine - shared).tocsr()
    rest.data[rest.data < _TINY] = 0
    rest.eliminate_zeros()
    total = np.maximum(np.asarray(mine.sum(axis=1), np.float64).ravel(), _TINY)
    return rest, rest.getnnz(axis=1), np.asarray(shared.sum(axis=1), np.float64).ravel() / total


def lacked(
    titles: Any,
    covered: Any,
    weights: NDArray[np.float32],
    ours: NDArray[np.int64],
    theirs: NDArray[np.int64],
) -> NDArray[np.float64]:
    """The largest weight among the words of each title that another one lacks, float [pairs].

    Args:
        titles: The words of titles, weighted, sparse [rows, words].
        covered: How much others have of each word, sparse [other rows, words].
        weights: How often each word tells products apart, float [words].
        ours: The row of the title of each pair.
        theirs: The row of the other one.
    """
    from scipy.sparse import csr_matrix

    mine = titles[ours].tocsr()
    mine.data = np.ones_like(mine.data)
    rest = (mine - mine.multiply(covered[theirs])).tocsr()
    weighted = csr_matrix(
        (rest.data * weights[rest.indices], rest.indices, rest.indptr), rest.shape
    )
    return np.asarray(weighted.max(axis=1).toarray(), np.float64).ravel()
