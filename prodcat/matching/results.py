"""The result of matching: a tidy table of pairs, and those that a person should look at."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prodcat.matching.columns import ANSWER, COLUMNS, arrow_table
from prodcat.matching.features import other_currencies
from prodcat.matching.products import Products
from prodcat.matching.relations import NONE, RELATIONS, Scores


@dataclass(frozen=True)
class Matches:
    """What the products of two tables have to do with each other.

    Attributes:
        table: An Arrow table with the columns of
            :data:`~prodcat.matching.columns.COLUMNS`.  It has all pairs with a relation, the most
            likely ones of each of our rows first, and the most likely pair of each of our rows that
            has no relation, as "none".
        doubtful: An Arrow table of the pairs about which the matcher is least sure, with a further
            column ``answer`` that is empty.
        our_rows: How many rows our table has.
        their_rows: How many rows their table has.
        counts: How many pairs have each relation.
        our_rows_with_none: How many of our rows have no relation to any row of theirs; those in no
            pair are among them.
    """

    table: Any
    doubtful: Any
    our_rows: int
    their_rows: int
    counts: Counter[str]
    our_rows_with_none: int

    def __str__(self) -> str:
        """The counts in a line."""
        pairs = ", ".join(f"{self.counts[each]:,} {each}" for each in RELATIONS[:-1])
        return (
            f"{self.our_rows:,} of our rows and {self.their_rows:,} of theirs: {pairs} (pairs); "
            f"{self.our_rows_with_none:,} of our rows with none"
        )


_DOUBTFUL = (0.05, 0.95)  # probabilities between which a pair may be doubtful
_MOST_DOUBTFUL = 500


def chosen_pairs(
    ours: Products,
    theirs: Products,
    scores: Scores,
    relations: NDArray[np.object_],
    reviewed: NDArray[np.int64],
) -> Matches:
    """Make the tables of all candidates.

    Args:
        ours: Our products.
        theirs: Theirs.
        scores: What is known of all candidates.
        relations: The relation of each.
        reviewed: The places of the candidates that were reviewed.
    """
    is_reviewed = np.zeros(len(relations), bool)
    is_reviewed[reviewed] = True
    related = (relations != NONE) | is_reviewed
    rest = np.flatnonzero(~related & ~_has(scores.pairs.ours, related))
    places = np.r_[np.flatnonzero(related), _firsts(scores, rest)]
    rank = np.array([RELATIONS.index(each) for each in relations[places]], np.int64)
    order = np.lexsort((-scores.content[places], -scores.probability[places], rank))
    places = places[order]
    places = places[np.argsort(scores.pairs.ours[places], kind="stable")]
    low, high = _DOUBTFUL
    doubt = np.abs(scores.probability - 0.5)
    open_places = np.flatnonzero(
        (scores.probability > low) & (scores.probability < high) & ~is_reviewed
    )
    open_places = open_places[np.argsort(doubt[open_places], kind="stable")][:_MOST_DOUBTFUL]
    arguments = ours, theirs, scores, relations, is_reviewed
    doubtful = arrow_table(
        {**_columns(*arguments, open_places), "answer": [None] * len(open_places)},
        {**COLUMNS, **ANSWER},
    )
    return Matches(
        arrow_table(_columns(*arguments, places), COLUMNS),
        doubtful,
        len(ours),
        len(theirs),
        Counter(relations[places].tolist()),
        len(ours) - len(np.unique(scores.pairs.ours[relations != NONE])),
    )


def _has(rows: NDArray[np.int64], chosen: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Whether the row of each pair is in a chosen pair."""
    return np.isin(rows, rows[chosen])


def _firsts(scores: Scores, places: NDArray[np.int64]) -> NDArray[np.int64]:
    """The place of the most likely pair of each of our rows, among some places."""
    rows = scores.pairs.ours[places]
    order = np.lexsort((-scores.content[places], -scores.probability[places], rows))
    sorted_rows = rows[order]
    is_first = np.r_[True, sorted_rows[1:] != sorted_rows[:-1]] if len(order) else order
    return np.asarray(places[order[is_first.astype(bool)]], np.int64)


def _columns(
    ours: Products,
    theirs: Products,
    scores: Scores,
    relations: NDArray[np.object_],
    reviewed: NDArray[np.bool_],
    places: NDArray[np.int64],
) -> dict[str, Any]:
    mine, others = scores.pairs.ours[places], scores.pairs.theirs[places]
    columns: dict[str, Any] = {
        "our_row": mine,
        "their_row": others,
        "relation": relations[places],
        "probability": scores.probability[places],
        "reviewed": reviewed[places],
    }
    for side, products, rows in (("our", ours, mine), ("their", theirs, others)):
        columns |= {
            f"{side}_id": _taken(products.ids or [""] * len(products), rows),
            f"{side}_title": _taken(products.titles, rows),
            f"{side}_brand": _taken(products.brands, rows),
            f"{side}_size": products.totals[rows],
            f"{side}_size_unit": _taken(products.total_units, rows),
            f"{side}_price": products.prices[rows],
        }
    return columns | _unit_prices(ours, theirs, mine, others)


def _unit_prices(
    ours: Products, theirs: Products, mine: NDArray[np.int64], others: NDArray[np.int64]
) -> dict[str, Any]:
    """The prices for one unit where both tables tell one for the same unit, and the difference.

    Prices in different currencies are not compared.
    """
    units = np.array(_taken(ours.units, mine), object)
    same = (units == np.array(_taken(theirs.units, others), object)) & (units != "")
    foreign = other_currencies(ours, theirs, mine, others)
    same &= ~foreign
    one = np.where(same, ours.unit_prices[mine], np.nan)
    other = np.where(same, theirs.unit_prices[others], np.nan)
    return {
        "our_price_per_unit": one,
        "their_price_per_unit": other,
        "unit": np.where(same, units, ""),
        "price_difference": np.where(
            same & np.isfinite(one) & np.isfinite(other),
            relative_difference(one, other),
            np.where(
                foreign, np.nan, relative_difference(ours.prices[mine], theirs.prices[others])
            ),
        ),
    }


def relative_difference(
    one: NDArray[np.float64], other: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The second number divided by the first, less 1; NaN if it is not known.

    >>> relative_difference(np.array([2.0, 0.0]), np.array([3.0, 1.0])).tolist()
    [0.5, nan]
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        difference = other / one - 1
    return np.where(np.isfinite(difference), difference, np.nan)


def _taken(values: Sequence[str], rows: NDArray[np.int64]) -> list[str]:
    return [values[row] for row in rows.tolist()]
