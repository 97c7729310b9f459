"""The words for how two products relate, and which pair has which."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from prodcat.matching.comparison import Candidates
from prodcat.matching.odds import sigmoid

SAME, OTHER_SIZE, SUBSTITUTE, NONE = "same product", "same but other size", "substitute", "none"
RELATIONS = (SAME, OTHER_SIZE, SUBSTITUTE, NONE)
_SAME_KIND = 0.45  # least share of the words for the kind of goods that substitutes have in common
_BEHIND = 1.5  # log-odds that another size may be behind the best candidate
_MOST_SIZE_RATIO = float(np.log(3))  # of the sizes of substitutes
_MOST_SUBSTITUTES = 3  # for each of our products
_SAME_CATEGORY = 0.8  # from here up both are surely of the same category
_OTHER_CATEGORY = -0.5  # from here down it is more probable than not that the categories differ


@dataclass(frozen=True)
class Scores:
    """What is known of all candidates.

    Attributes:
        pairs: The candidates.
        content: The log-odds that a pair is the same product but for the size, float [pairs].
        size: 1 for the same size, -1 for different ones, 0 where it is not known, float [pairs].
        size_ratio: The size of the logarithm of the ratio of sizes; NaN if it is not known.
        category: From -1 (surely different categories) to 1 (surely the same); NaN if not known.
        kind_share: The share of the words for the kind of goods that both titles have, float
            [pairs], 0 to 1; see :func:`~prodcat.matching.features.kind_shares`.
        probability: The probability that a pair is the same product, float [pairs].
    """

    pairs: Candidates
    content: NDArray[np.float64]
    size: NDArray[np.float64]
    size_ratio: NDArray[np.float64]
    category: NDArray[np.float64]
    kind_share: NDArray[np.float64]
    probability: NDArray[np.float64]


def relate(scores: Scores, same: NDArray[np.bool_]) -> NDArray[np.object_]:
    """The relation of each pair.

    Args:
        scores: What is known of all candidates.
        same: The pairs that are taken as the same product, bool [pairs].

    Returns:
        The words of :data:`RELATIONS`, object [pairs].
    """
    relations = np.full(len(scores.pairs), NONE, object)
    best = np.full(int(scores.pairs.ours.max(initial=-1)) + 1, -np.inf)
    np.maximum.at(best, scores.pairs.ours, scores.content)
    is_near = scores.content >= best[scores.pairs.ours] - _BEHIND
    fits = ~(scores.category <= _OTHER_CATEGORY) & ~(scores.size_ratio > _MOST_SIZE_RATIO)
    is_alike = (scores.kind_share >= _SAME_KIND) | (scores.category >= _SAME_CATEGORY)
    relations[_best_of_each(scores, is_alike & fits & ~same)] = SUBSTITUTE
    is_one = (sigmoid(scores.content) >= 0.5) & is_near & (scores.kind_share >= _SAME_KIND)
    relations[(scores.size < 0) & is_one] = OTHER_SIZE
    relations[same] = SAME
    return relations


def _best_of_each(scores: Scores, allowed: NDArray[np.bool_]) -> NDArray[np.int64]:
    """The places of the best allowed pairs of each of our rows, a few for each."""
    places = np.flatnonzero(allowed)
    rows = scores.pairs.ours[places]
    order = np.lexsort((-scores.content[places], -scores.kind_share[places], rows))
    sorted_rows = rows[order]
    starts = np.flatnonzero(np.r_[True, sorted_rows[1:] != sorted_rows[:-1]])
    group = np.repeat(starts, np.diff(np.r_[starts, len(order)]))
    return places[order[np.arange(len(order)) - group < _MOST_SUBSTITUTES]]
