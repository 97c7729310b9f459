"""The test whether the categories' shares of the titles changed."""

import numpy as np

from prodcat.insight.arrays import Floats
from prodcat.insight.drift.permutation import (
    PooledTitles,
    corrected_p,
    permuted_sets,
    rows_of_nodes,
)
from prodcat.taxonomy.tree import Taxonomy


def p_of_shares(tree: Taxonomy, pool: PooledTitles, rng: np.random.Generator) -> Floats:
    """Test for every node whether its share of the titles changed.

    Args:
        tree: The tree.
        pool: The titles of both sets.
        rng: Random numbers for the permutations.

    Returns:
        float64 [nodes]: p-values, corrected for the number of nodes.
    """
    rows = rows_of_nodes(tree, pool.nodes)
    total = np.asarray(rows.sum(axis=1)).ravel()
    statistics = []
    for second in permuted_sets(pool.groups, pool.second, rng):
        at_nodes = (rows @ second.T).T.astype(np.float64)  # [permutations, nodes]
        size = second.sum(axis=1, dtype=np.float64)[:, None]
        statistics.append(_likelihood_ratio(at_nodes, total, size, len(pool.nodes)))
    return corrected_p(np.concatenate(statistics), tree.level)


def _likelihood_ratio(at_nodes: Floats, total: Floats, second: Floats, titles: int) -> Floats:
    """Compute the G statistic of each node's two-by-two table.

    The rows of the table are the first and the second set, its columns the titles that are at or
    below the node and those that are not.

    Args:
        at_nodes: float64 [permutations, nodes]: number of titles of the second set at or below each
            node.
        total: float64 [nodes]: number of titles of both sets at or below each node.
        second: float64 [permutations, 1]: number of titles of the second set.
        titles: Number of titles of both sets.

    Returns:
        float64 [permutations, nodes].
    """
    ratio = np.zeros_like(at_nodes)
    share = second / titles
    for count, whole, part in (
        (at_nodes, total, share),
        (total - at_nodes, total, 1 - share),
        (second - at_nodes, titles - total, share),
        (titles - total - (second - at_nodes), titles - total, 1 - share),
    ):
        expected = whole * part
        positive = (count > 1e-9) & (expected > 1e-9)
        quotient = np.divide(count, expected, out=np.ones_like(count), where=positive)
        ratio += 2 * np.where(positive, count, 0.0) * np.log(quotient)
    return ratio
