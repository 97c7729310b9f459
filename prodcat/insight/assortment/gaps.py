"""Categories that other retailers have and the first one does not."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from prodcat.insight.arrays import Flags
from prodcat.insight.assortment.retailer import HALF_A_PRODUCT, Retailer
from prodcat.insight.prevalence.counts import Counts
from prodcat.taxonomy.tree import Taxonomy


@dataclass(frozen=True, eq=False)
class Gap:
    """A category that another retailer has and the first one does not.

    Attributes:
        node: The highest node of which this is so.
        retailer: Name of the retailer that has it.
        count: Products that this retailer is expected to have there.
        low: Products that it has at least, with 97.5 % probability.
        sure: Whether the first retailer's interval excludes that it has a product there.
    """

    node: int
    retailer: str
    count: float
    low: float
    sure: bool


def lacking(first: Counts, other: Counts) -> Flags:
    """Tell what a retailer has for sure and the first one is expected not to have.

    Args:
        first: Products of the first retailer.
        other: Products of the other retailer.

    Returns:
        Bool [nodes].
    """
    # Where labels stop above a node nobody knows what is there.
    unknown = first.open > 0
    present, absent = other.low > HALF_A_PRODUCT, first.count < HALF_A_PRODUCT
    lacks: Flags = present & absent & ~unknown
    return lacks


def gaps_of(tree: Taxonomy, retailers: Sequence[Retailer]) -> tuple[Gap, ...]:
    """The gaps of the first retailer against all others, the most products first.

    Args:
        tree: The tree.
        retailers: The retailers.
    """
    first = retailers[0].counts
    gaps = []
    for other in retailers[1:]:
        lacks = lacking(first, other.counts)
        for node in np.flatnonzero(lacks).tolist():
            parent = int(tree.parent[node])
            if parent >= 0 and lacks[parent]:
                continue
            count, low = float(other.counts.count[node]), float(other.counts.low[node])
            sure = bool(first.high[node] < HALF_A_PRODUCT)
            gaps.append(Gap(node, other.name, count, low, sure))
    return tuple(sorted(gaps, key=lambda gap: (-gap.count, gap.node)))
