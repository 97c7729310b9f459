"""Gives each product at most one partner."""

import numpy as np
from numpy.typing import NDArray

from prodcat.matching.comparison import Candidates

_MOST_CELLS = 16_000_000  # of the matrix of one group of products


def one_to_one(
    pairs: Candidates, probability: NDArray[np.float64], least: float
) -> NDArray[np.bool_]:
    """Choose pairs so that no row is in two of them and the sum of probabilities is largest.

    Pairs are grouped by the products that they have in common, and each group is solved exactly
    (Jonker-Volgenant).  A group of more than 4,000 by 4,000 products, which hardly occurs, is
    solved by taking the most likely pair again and again.

    Args:
        pairs: The candidates.
        probability: The probability of each, float [pairs].
        least: The least probability of a pair that may be chosen.

    Returns:
        Whether each pair is chosen, bool [pairs].  A pair of the probability 0 never is.
    """
    chosen = np.zeros(len(pairs), bool)
    places = np.flatnonzero((probability >= least) & (probability > 0))
    if not len(places):
        return chosen
    for group in _groups(pairs, places):
        chosen[_solved(pairs, probability, group)] = True
    return chosen


def _groups(pairs: Candidates, places: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """The places of pairs that have products in common."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    ours, theirs = pairs.ours[places], pairs.theirs[places]
    rows = int(ours.max()) + 1
    size = rows + int(theirs.max()) + 1
    graph = coo_matrix((np.ones(len(places)), (ours, rows + theirs)), (size, size))
    _, labels = connected_components(graph, directed=False)
    group = labels[ours]
    order = np.argsort(group, kind="stable")
    cuts = np.flatnonzero(np.diff(group[order])) + 1
    return [places[part] for part in np.split(order, cuts)]


def _solved(
    pairs: Candidates, probability: NDArray[np.float64], group: NDArray[np.int64]
) -> NDArray[np.int64]:
    """The chosen places of one group."""
    from scipy.optimize import linear_sum_assignment

    if len(group) == 1:
        return group
    ours, mine = np.unique(pairs.ours[group], return_inverse=True)
    theirs, others = np.unique(pairs.theirs[group], return_inverse=True)
    if len(ours) * len(theirs) > _MOST_CELLS:
        return _taken_in_order(pairs, probability, group)
    gains = np.zeros((len(ours), len(theirs)))
    gains[mine, others] = probability[group]
    rows, columns = linear_sum_assignment(gains, maximize=True)
    partner = np.full(len(ours), -1)
    partner[rows] = columns
    return np.asarray(group[partner[mine] == others], np.int64)


def _taken_in_order(
    pairs: Candidates, probability: NDArray[np.float64], group: NDArray[np.int64]
) -> NDArray[np.int64]:
    taken: list[int] = []
    mine: set[int] = set()
    others: set[int] = set()
    for place in group[np.argsort(-probability[group], kind="stable")].tolist():
        one, other = int(pairs.ours[place]), int(pairs.theirs[place])
        if one not in mine and other not in others:
            taken.append(place)
            mine.add(one)
            others.add(other)
    return np.array(taken, np.int64)
