"""What one retailer sells."""

from dataclasses import dataclass

import numpy as np

from prodcat.insight.arrays import Ints
from prodcat.insight.assortment.prices import Prices
from prodcat.insight.prevalence.counts import Counts, at_or_below
from prodcat.taxonomy.tree import Taxonomy

HALF_A_PRODUCT = 0.5  # where more are expected, the retailer has the category


@dataclass(frozen=True, eq=False)
class Retailer:
    """One assortment.

    Attributes:
        name: Name of the retailer.
        counts: Products of each node, with their intervals.
        leaves: int64 [nodes]: categories at or below the node that are there: in which at least
            half a product is expected.
        prices: Prices of its products, or None.
        labelled: Products whose category was known.
        without_price: Products whose price is missing or no number.
    """

    name: str
    counts: Counts
    leaves: Ints
    prices: Prices | None
    labelled: int
    without_price: int


def leaves_of(tree: Taxonomy, counts: Counts) -> Ints:
    """int64 [nodes]: categories at or below each node in which a product is expected."""
    # Of a terminal inner node, what ends there and not below it.
    ending = counts.count.copy()
    below = np.flatnonzero(tree.parent >= 0)
    np.subtract.at(ending, tree.parent[below], counts.count[below])
    leaves = tree.outcomes[ending[tree.outcomes] >= HALF_A_PRODUCT]
    return at_or_below(tree, leaves)
