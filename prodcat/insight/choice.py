"""A choice of titles that stand for many others.

The titles that are chosen are those that are most like the weight of all: ``sum_i weight_i *
max_{chosen j} likeness(i, j)``, a facility location, is made as great as a budget allows.  Titles
that are like one that is chosen are worth less from then on, and a title that many heavy ones are
like is worth much.  The greedy choice reaches at least 1 - 1/e of the best (Nemhauser, Wolsey and
Fisher, 1978); it is made lazily (Minoux, 1978).
"""

import heapq
import itertools
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from prodcat.insight.arrays import Floats, Ints
from prodcat.insight.neighbours import Neighbours

_MOST = 20_000  # titles that are compared with each other
_NEAR = 24  # that each is compared with


@dataclass(frozen=True, eq=False)
class _Reach:
    """The titles that one title is like, itself among them.

    Attributes:
        rows: int64 [titles]: their positions.
        likeness: float64 [titles]: how much it is like each of them.
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
    """Choose titles that are most like the weight of all.

    Args:
        texts: The titles.
        weight: float64 [titles]: the weight of each.
        budget: How many to choose.
        nodes: int64 [titles]: the category of each, where these have a budget.
        per_node: The budget of each category.

    Returns:
        Positions, and what each of them gained.
    """
    # Among equals by chance, not by the file's order.
    chance = np.random.default_rng(0).permutation(len(weight))
    heavy = np.lexsort((chance, -weight))[: max(_MOST, budget)]
    heavy_weight = weight[heavy]
    reach = _reach([texts[row] for row in heavy])
    covered = np.zeros(len(heavy))

    def gain(row: int) -> float:
        near = reach[row]
        return float(heavy_weight[near.rows] @ np.maximum(near.likeness - covered[near.rows], 0.0))

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
        near = reach[row]
        covered[near.rows] = np.maximum(covered[near.rows], near.likeness)
        taken[node] += 1
        chosen.append(int(heavy[row]))
        gains.append(gained)
    return chosen, gains


def _reach(texts: Sequence[str]) -> list[_Reach]:
    """For each title those that it is near to, and those that are near to it."""
    from scipy.sparse import coo_matrix

    size = len(texts)
    places, likeness = Neighbours(texts)(texts, min(_NEAR, size))
    row = np.repeat(np.arange(size), places.shape[1])
    matrix = coo_matrix((likeness.ravel(), (row, places.ravel())), (size, size)).tocsr()
    both = matrix.maximum(matrix.T).tocsr()
    both.setdiag(1.0)
    both = both.tocsr()
    return [
        _Reach(both.indices[start:end].astype(np.int64), both.data[start:end].astype(np.float64))
        for start, end in itertools.pairwise(both.indptr.tolist())
    ]
