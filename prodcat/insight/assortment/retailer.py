"""What one retailer sells."""

from dataclasses import dataclass

import numpy as np

from prodcat.insight.arrays import Ints
from prodcat.insight.assortment.prices import Prices
from prodcat.insight.prevalence.counts import Counts, at_or_below
from prodcat.taxonomy.tree import Taxonomy

HALF_A_PRODUCT = 0.5  # a retailer has a category in which it is expected to have more than this


@dataclass(frozen=True, eq=False)
class Retailer:
    """One assortment.

    Attributes:
        name: Name of the retailer.
        counts: Products of each node, with their intervals.
        leaves: int64 [nodes]: number of categories at or below the node that the retailer has.
        prices: Prices of its products, or None.
        labelled: Number of products whose category was known.
        without_price: Number of products whose price is missing or not a number.
    """

    name: str
    counts: Counts
    leaves: Ints
    prices: Prices | None
    labelled: int
    without_price: int


def leaves_of(tree: Taxonomy, counts: Counts) -> Ints:
    """Count the categories at or below each node in which at least half a product is expected.

    Args:
        tree: The tree.
        counts: Products of each node.

    Returns:
        int64 [nodes].
    """
    # Products that end at the node itself, not below it.
    ending = counts.count.copy()
    below = np.flatnonzero(tree.parent >= 0)
    np.subtract.at(ending, tree.parent[below], counts.count[below])
    leaves = tree.outcomes[ending[tree.outcomes] >= HALF_A_PRODUCT]
    return at_or_below(tree, leaves)
