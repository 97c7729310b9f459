"""The selection of titles that represent many others.

At most ``budget`` titles are chosen so that ``sum_i weight_i * max_{chosen j} likeness(i, j)`` is
large, which is a facility location problem.  The gain of a title is by how much it increases this
sum.  It is large if many titles of great weight are similar to the title, and small if a similar
title has been chosen before.  The greedy algorithm, which always takes the title with the largest
gain, reaches at least 1 - 1/e of the maximum (Nemhauser, Wolsey and Fisher, 1978); gains are
computed lazily (Minoux, 1978).
"""

import heapq
import itertools
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from prodcat.insight.arrays import Floats, Ints
from prodcat.insight.neighbours import Neighbours
from prodcat.storage.containers import given_texts

_MOST_TITLES = 20_000  # that are compared with each other, unless the budget is larger
_NEIGHBOURS = 24  # that are compared with each title


@dataclass(frozen=True, eq=False)
class _Represented:
    """The titles that one title represents: itself and those similar to it.

    Attributes:
        rows: int64 [titles]: positions of these titles.
        likeness: float64 [titles]: cosine similarity of the title to each of them.
    """

    rows: Ints
    likeness: Floats


def choose(
    texts: Sequence[str],
    weight: Floats,
    budget: int,
    nodes: Ints | None = None,
    per_node: int | None = None,
) -> tuple[list[int], list[float]]:
    """Choose the titles that together represent the most weight.

    Args:
        texts: The titles, in a list or in another container that keeps an order.
        weight: float64 [titles]: the weight of each title, at least 0.
        budget: The largest number of titles to choose.
        nodes: int64 [titles]: the category of each title; needed if ``per_node`` is given.
        per_node: The largest number of chosen titles of one category; not limited by default.

    Returns:
        The positions of the chosen titles in the order in which they were chosen, and the gain of
        each.

    Raises:
        CatalogError: ``texts`` are not texts in an order.
    """
    texts = given_texts(texts, "texts")
    # Titles of equal weight are ordered at random, because the file may be sorted.
    chance = np.random.default_rng(0).permutation(len(weight))
    heavy = np.lexsort((chance, -weight))[: max(_MOST_TITLES, budget)]
    heavy_weight = weight[heavy]
    represented = _represented([texts[row] for row in heavy])
    covered = np.zeros(len(heavy))

    def gain(row: int) -> float:
        titles = represented[row]
        rise = np.maximum(titles.likeness - covered[titles.rows], 0.0)
        return float(heavy_weight[titles.rows] @ rise)

    waiting = [(-gain(row), row) for row in range(len(heavy))]
    heapq.heapify(waiting)
    taken: Counter[int] = Counter()
    chosen: list[int] = []
    gains: list[float] = []
    while waiting and len(chosen) < budget:
        _, row = heapq.heappop(waiting)
        node = -1 if nodes is None else int(nodes[heavy[row]])
        if per_node is not None and taken[node] >= per_node:
            continue
        gained = gain(row)
        if waiting and -gained > waiting[0][0]:
            heapq.heappush(waiting, (-gained, row))
            continue
        titles = represented[row]
        covered[titles.rows] = np.maximum(covered[titles.rows], titles.likeness)
        taken[node] += 1
        chosen.append(int(heavy[row]))
        gains.append(gained)
    return chosen, gains


def _represented(texts: Sequence[str]) -> list[_Represented]:
    """For each title, its nearest neighbours and the titles that have it as a neighbour."""
    from scipy.sparse import coo_matrix

    size = len(texts)
    neighbours, likeness = Neighbours(texts)(texts, min(_NEIGHBOURS, size))
    row = np.repeat(np.arange(size), neighbours.shape[1])
    matrix = coo_matrix((likeness.ravel(), (row, neighbours.ravel())), (size, size)).tocsr()
    both = matrix.maximum(matrix.T).tocsr()
    both.setdiag(1.0)
    both = both.tocsr()
    rows, values = both.indices.astype(np.int64), both.data.astype(np.float64)
    spans = itertools.pairwise(both.indptr.tolist())
    return [_Represented(rows[start:end], values[start:end]) for start, end in spans]
