"""The assortment of one retailer."""

from dataclasses import dataclass

import numpy as np

from prodcat.insight.arrays import Ints
from prodcat.insight.assortment.prices import Prices
from prodcat.insight.assortment.products import Products
from prodcat.insight.prevalence.counts import Counts, at_or_below
from prodcat.taxonomy.tree import Taxonomy

HALF_A_PRODUCT = 0.5  # a retailer has a category if its expected number of products is not below


@dataclass(frozen=True, eq=False)
class Retailer:
    """A retailer and its assortment.

    Attributes:
        name: Name of the retailer.
        counts: Numbers of products at or below each node, with their intervals.
        leaves: int64 [nodes]: number of categories at or below the node that the retailer has.
        prices: Prices of its products; None if prices are not compared.
        labelled: Number of products that had a category in the retailer's catalog.
        without_price: Number of products without a usable price; 0 if prices are not compared.
        products: The products themselves.
    """

    name: str
    counts: Counts
    leaves: Ints
    prices: Prices | None
    labelled: int
    without_price: int
    products: Products


def leaves_of(tree: Taxonomy, counts: Counts) -> Ints:
    """Count the categories that a retailer has at or below each node.

    It has a category if its expected number of products there is at least one half.

    Args:
        tree: The tree.
        counts: The retailer's numbers of products.

    Returns:
        int64 [nodes]: number of categories at or below the node that the retailer has.
    """
    # Products at the node itself, without those below it.
    ending = counts.count.copy()
    below = np.flatnonzero(tree.parent >= 0)
    np.subtract.at(ending, tree.parent[below], counts.count[below])
    leaves = tree.outcomes[ending[tree.outcomes] >= HALF_A_PRODUCT]
    return at_or_below(tree, leaves)
