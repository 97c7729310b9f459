"""Gaps: categories that other retailers have and the first one lacks."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from prodcat.insight.arrays import Flags
from prodcat.insight.assortment.retailer import HALF_A_PRODUCT, Retailer
from prodcat.insight.prevalence.counts import Counts
from prodcat.taxonomy.tree import Taxonomy


@dataclass(frozen=True, eq=False)
class Gap:
    """A category that another retailer has and the first one lacks.

    Attributes:
        node: The category; its parent is not a gap.
        retailer: Name of the retailer that has it.
        count: Expected number of products that this retailer has there.
        low: Lower end of the 95 % interval of that number.
        sure: Whether the first retailer's interval excludes that it has a product there.
    """

    node: int
    retailer: str
    count: float
    low: float
    sure: bool


def lacking(first: Counts, other: Counts) -> Flags:
    """Find the nodes where the other retailer surely has products and the first probably has none.

    Args:
        first: Products of the first retailer.
        other: Products of the other retailer.

    Returns:
        Bool [nodes].
    """
    # If labels of the first retailer stop above a node, its products may be there.
    present, absent = other.low > HALF_A_PRODUCT, first.count < HALF_A_PRODUCT
    lacks: Flags = present & absent & (first.open == 0)
    return lacks


def gaps_of(tree: Taxonomy, retailers: Sequence[Retailer]) -> tuple[Gap, ...]:
    """Find the gaps of the first retailer, those with the most products first.

    Args:
        tree: The tree.
        retailers: All retailers.
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
