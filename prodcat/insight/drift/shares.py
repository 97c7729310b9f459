"""Whether categories have other shares of the titles than before."""

import numpy as np

from prodcat.insight.arrays import Floats
from prodcat.insight.drift.permutation import (
    PooledTitles,
    corrected_p,
    dealt_sets,
    rows_of_nodes,
)
from prodcat.taxonomy.tree import Taxonomy


def p_of_shares(tree: Taxonomy, pool: PooledTitles, rng: np.random.Generator) -> Floats:
    """Test the share of every node.

    Args:
        tree: The tree.
        pool: The titles of both sets.
        rng: Draws the deals.

    Returns:
        float64 [nodes]: p, corrected for all nodes.
    """
    rows = rows_of_nodes(tree, pool.nodes)
    total = np.asarray(rows.sum(axis=1)).ravel()
    statistics = []
    for deals in dealt_sets(pool.groups, pool.second, rng):
        at_nodes = (rows @ deals.T).T.astype(np.float64)  # [deals, nodes]
        altogether = deals.sum(axis=1, dtype=np.float64)[:, None]
        statistics.append(_likelihood_ratio(at_nodes, total, altogether, len(pool.nodes)))
    return corrected_p(np.concatenate(statistics), tree.level)


def _likelihood_ratio(at_nodes: Floats, total: Floats, second: Floats, titles: int) -> Floats:
    """G of the two by two table of each node: in the node or not, in the second set or not.

    Args:
        at_nodes: float64 [deals, nodes]: titles of the second set at or below each node.
        total: float64 [nodes]: titles of both sets at or below each node.
        second: float64 [deals, 1]: titles of the second set.
        titles: Titles of both sets.
    """
    ratio = np.zeros_like(at_nodes)
    share = second / titles
    for seen, whole, part in (
        (at_nodes, total, share),
        (total - at_nodes, total, 1 - share),
        (second - at_nodes, titles - total, share),
        (titles - total - (second - at_nodes), titles - total, 1 - share),
    ):
        expected = whole * part
        some = (seen > 1e-9) & (expected > 1e-9)
        quotient = np.divide(seen, expected, out=np.ones_like(seen), where=some)
        ratio += 2 * np.where(some, seen, 0.0) * np.log(quotient)
    return ratio
