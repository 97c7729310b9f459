"""Numbers of products at or below each node, with intervals."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from prodcat.insight.arrays import Floats, Ints
from prodcat.taxonomy.tree import Taxonomy


@dataclass(frozen=True, eq=False)
class Counts:
    """The numbers of products at or below each node.

    Attributes:
        rows: Number of all products.
        count: float64 [nodes]: expected number of products at or below the node.
        low: float64 [nodes]: lower end of the 95 % interval of this number.
        high: float64 [nodes]: upper end of the 95 % interval of this number.
        naive: int64 [nodes]: number of labels and answers at or below the node, not corrected.
        open: int64 [nodes]: number of products that are labelled with an ancestor of the node.
            They may be at the node, so they are part of ``high`` but not of ``count``.
    """

    rows: int
    count: Floats
    low: Floats
    high: Floats
    naive: Ints
    open: Ints


def at_or_below(tree: Taxonomy, nodes: Ints) -> Ints:
    """Count the titles at or below every node of a tree.

    Args:
        tree: The tree.
        nodes: int64 [titles]: the node of each title.

    Returns:
        int64 [nodes]: the number of titles at or below each node.
    """
    chains = tree.chains[nodes]
    return np.bincount(chains[chains >= 0], minlength=len(tree)).astype(np.int64)


def shares(counts: Counts) -> dict[str, Any]:
    """Divide counts by the number of all products.

    Returns:
        A dictionary with the keys count, low, high and naive; each value is float64 [nodes].
    """
    rows = max(counts.rows, 1)
    return {name: getattr(counts, name) / rows for name in ("count", "low", "high", "naive")}
