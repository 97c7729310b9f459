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
        node: The node of the category; the parent of the node is not a gap.
        retailer: Name of the retailer that has it.
        count: Expected number of products that this retailer has there.
        low: Lower end of the 95 % interval of that number.
        sure: Whether the upper end of the first retailer's interval is below half a product;
            otherwise only its expected number is.
    """

    node: int
    retailer: str
    count: float
    low: float
    sure: bool


def lacking(first: Counts, other: Counts) -> Flags:
    """Find the nodes that another retailer has and the first one lacks.

    The lower end of the other retailer's interval is above half a product, and the first retailer's
    expected number is below it.

    Args:
        first: Numbers of products of the first retailer.
        other: Numbers of products of the other retailer.

    Returns:
        Bool [nodes]: whether the first retailer lacks the node.
    """
    # Products of the first retailer that are labelled with an ancestor of the node may be in it.
    present, absent = other.low > HALF_A_PRODUCT, first.count < HALF_A_PRODUCT
    lacks: Flags = present & absent & (first.open == 0)
    return lacks


def gaps_of(tree: Taxonomy, retailers: Sequence[Retailer]) -> tuple[Gap, ...]:
    """Find the gaps of the first retailer.

    Args:
        tree: The tree.
        retailers: All retailers.

    Returns:
        The gaps, those with the most products first.
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
