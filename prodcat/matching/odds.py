"""How likely a pair is the same product, without any labelled pair.

The log-odds are a weighted sum of the features, with round weights that are the same for every
table.  What tables differ in is in the features: how rare each word is, and how often it tells
products apart.  Then pairs compete: a product is seldom sold twice by one retailer, so a pair is
doubtful if one of its products goes as well with another one.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from prodcat.matching.comparison import Candidates

_START = -4.0
_AGREEMENT = {
    "word_cosine": 3.0,
    "letter_cosine": 4.0,
    "jaccard": 3.0,
    "least_share": 1.0,
    "largest_share": 2.0,
    "common_codes": 2.0,
}
_CONTRADICTION = {
    "conflict_numbers": 3.0,
    "conflict_codes": 3.0,
    "conflict_words": 1.0,
    "both_lack_rare": 1.0,
    "conflict_distinct": 12.0,
    "missing_distinct": 8.0,
}
# The weights of agreement, and of contradiction.
_BRANDS = (1.0, 6.0)
_CODES = (3.0, 2.0)
_CATEGORIES = (1.0, 4.0)
_PRICES = 1.5
_ENOUGH = 6.0  # log-odds of agreement, over which more of it hardly counts
_REST = 0.2  # share of what is over it that counts
_SAME_SIZE, _OTHER_SIZE = 1.0, 12.0
_MOST = 30.0  # log-odds that are told apart


def log_odds(features: Mapping[str, NDArray[np.float64]]) -> NDArray[np.float64]:
    """The log-odds that pairs are the same product but for the size.

    Agreement counts up to a limit, so that titles that are alike in all other words do not outweigh
    one word that tells the products apart.

    Args:
        features: The features of :func:`~prodcat.matching.features.pair_features`.

    Returns:
        The log-odds, float [pairs].
    """
    agreement = np.full(len(features["jaccard"]), _START)
    for name, weight in _AGREEMENT.items():
        agreement += weight * features[name]
    contradiction = np.zeros(len(agreement))
    for name, weight in _CONTRADICTION.items():
        contradiction += weight * features[name]
    for name, middle, weights in (
        ("brand", 0.5, _BRANDS),
        ("code", 0.5, _CODES),
        ("category", 0.0, _CATEGORIES),
    ):
        value = np.nan_to_num(features[name] - middle)
        agreement += weights[0] * value.clip(0)
        contradiction += weights[1] * (-value).clip(0)
    prices = np.fmin(features["price_ratio"], features["unit_price_ratio"])
    agreement += _PRICES * np.nan_to_num(np.exp(-2 * prices) - 0.5)
    over = (agreement - _ENOUGH).clip(0)
    return agreement - (1 - _REST) * over - contradiction


def size_odds(size: NDArray[np.float64]) -> NDArray[np.float64]:
    """What the agreement of sizes adds to the log-odds.

    Args:
        size: 1 for the same size, -1 for different ones, 0 where it is not known.
    """
    return np.where(size > 0, _SAME_SIZE, np.where(size < 0, -_OTHER_SIZE, 0.0))


def margins(
    odds: NDArray[np.float64], pairs: Candidates, listed: Candidates | None = None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """How much each pair is ahead of the best other pair with the same row, on either side.

    Rows of one table that list the same product are no rivals of each other.

    Args:
        odds: The log-odds of each pair.
        pairs: The pairs.
        listed: The number of the product that each row of a pair lists, equal for rows that repeat
            each other; by default each row lists another one.

    Returns:
        The margin among the pairs of our row, and that of their row, each [pairs]; 30 if there is
        no pair with another product.
    """
    listed = pairs if listed is None else listed
    return _margin(odds, pairs.ours, listed.theirs), _margin(odds, pairs.theirs, listed.ours)


def _margin(
    odds: NDArray[np.float64], rows: NDArray[np.int64], partners: NDArray[np.int64]
) -> NDArray[np.float64]:
    """How much each pair is ahead of the best pair of its row with another partner."""
    if not len(odds):
        return np.empty(0)
    order = np.lexsort((-odds, rows))
    sorted_rows = rows[order]
    is_first = np.r_[True, sorted_rows[1:] != sorted_rows[:-1]]
    starts = order[np.flatnonzero(is_first)]
    group = np.empty(len(odds), np.int64)
    group[order] = np.cumsum(is_first) - 1
    with_best = partners == partners[starts][group]
    second = np.full(len(starts), -np.inf)
    np.maximum.at(second, group[~with_best], odds[~with_best])
    margin = odds - np.where(with_best, second[group], odds[starts][group])
    return margin.clip(-_MOST, _MOST)


def competing(
    odds: NDArray[np.float64], pairs: Candidates, listed: Candidates | None = None
) -> NDArray[np.float64]:
    """The probability that pairs are the same product, given their rivals on both sides.

    Args:
        odds: The log-odds of each pair.
        pairs: The pairs, all candidates of both tables among them.
        listed: The product that each row lists, as for :func:`margins`.

    Returns:
        The probabilities, float [pairs].
    """
    mine, theirs = margins(odds, pairs, listed)
    return sigmoid(odds) * sigmoid(mine) * sigmoid(theirs)


def sigmoid(odds: NDArray[np.float64]) -> NDArray[np.float64]:
    """The probabilities that log-odds stand for.

    >>> float(sigmoid(np.array([0.0]))[0])
    0.5
    """
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(odds, -_MOST, _MOST))))
