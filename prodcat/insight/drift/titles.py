"""Whether the titles of a category are worded as before."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from prodcat.insight.arrays import Flags, Floats, Ints
from prodcat.insight.drift.permutation import (
    DEALS,
    PooledTitles,
    corrected_p,
    equal_runs,
    rows_of_nodes,
)
from prodcat.taxonomy.tree import Taxonomy

_SIZE = 128  # numbers of a title's vector
_MOST_TITLES = 40_000  # distinct ones whose vectors are compared


@dataclass(frozen=True, eq=False)
class _Sample:
    """Distinct titles of categories that both sets have.

    Attributes:
        rows: int64 [titles]: their positions in the pool.
        nodes: int64 [titles]: the node at which each title ends.
        categories: int64 [titles]: a number from 0 for each of these nodes.
        second: Bool [titles]: whether the title is of the second set.
    """

    rows: Ints
    nodes: Ints
    categories: Ints
    second: Flags


def p_of_titles(
    tree: Taxonomy, pool: PooledTitles, rng: np.random.Generator
) -> tuple[Floats, float]:
    """Test the wording of every node's titles.

    Args:
        tree: The tree.
        pool: The titles of both sets.
        rng: Draws the deals.

    Returns:
        float64 [nodes]: p, corrected for all nodes; and the p of all titles together.
    """
    sample = _comparable(pool, rng)
    if not len(sample.rows):
        return np.ones(len(tree)), 1.0
    vectors = _vectors([pool.texts[row] for row in sample.rows])
    lengths = _squared_lengths(tree, sample, vectors, rng)
    p = corrected_p(_standardised(lengths), np.append(tree.level, 0))
    return p[:-1], float(p[-1])


def _comparable(pool: PooledTitles, rng: np.random.Generator) -> _Sample:
    # Of titles that are listed often one is looked at: on the side where it is first seen.
    _, rows = np.unique(pool.groups, return_index=True)
    share = np.bincount(pool.groups, pool.second) / np.bincount(pool.groups)
    rows = rows[(share == 0) | (share == 1)]  # what is on both sides has not changed
    if len(rows) > _MOST_TITLES:
        rows = rng.choice(rows, _MOST_TITLES, replace=False)
    categories = np.unique(pool.nodes[rows], return_inverse=True)[1]
    size = np.bincount(categories)
    second = np.bincount(categories, pool.second[rows])
    mixed = ((second > 0) & (second < size))[categories]  # one side alone cannot be compared
    rows = rows[mixed]
    return _Sample(rows, pool.nodes[rows], categories[mixed], pool.second[rows])


def _squared_lengths(
    tree: Taxonomy, sample: _Sample, vectors: NDArray[np.float32], rng: np.random.Generator
) -> Floats:
    """How far the two sets' titles are from each other, as they are and as they are dealt.

    Args:
        tree: The tree.
        sample: The titles.
        vectors: float32 [titles, size]: their vectors, which are centred in place.
        rng: Draws the deals.

    Returns:
        float64 [1 + deals, nodes + 1]: of each node and, last, of all titles.
    """
    by_category = np.argsort(sample.categories, kind="stable")
    for start, end in equal_runs(sample.categories[by_category]):
        # Around the category's mean, so that sums are differences of the two sets.
        rows = by_category[start:end]
        vectors[rows] -= vectors[rows].mean(axis=0)
    rows_at = rows_of_nodes(tree, sample.nodes)
    lengths = np.empty((DEALS + 1, len(tree) + 1))
    side = sample.second.astype(np.float32)
    for deal in range(DEALS + 1):
        if deal:
            side = side.copy()
            # Sorted by category and chance, so that titles are dealt within each category.
            order = np.lexsort((rng.random(len(side)), sample.categories))
            side[by_category] = sample.second[order]
        moved = vectors * side[:, None]
        lengths[deal, :-1] = ((rows_at @ moved) ** 2).sum(axis=1)
        lengths[deal, -1] = (moved.sum(axis=0) ** 2).sum()
    return lengths


def _standardised(statistics: Floats) -> Floats:
    """Each column with mean 0 and variance 1; one that never varies is 0."""
    spread = statistics.std(axis=0)
    standardised: Floats = np.divide(
        statistics - statistics.mean(axis=0),
        spread,
        out=np.zeros_like(statistics),
        where=spread > 1e-12,
    )
    return standardised


def _vectors(texts: list[str]) -> NDArray[np.float32]:
    """float32 [titles, size]: n-grams, projected at random, of about length 1."""
    from sklearn.feature_extraction.text import HashingVectorizer
    from sklearn.random_projection import SparseRandomProjection

    ngrams = HashingVectorizer(
        analyzer="char_wb", ngram_range=(2, 4), n_features=1 << 18, norm="l2", dtype=np.float32
    ).transform(texts)
    projection = SparseRandomProjection(_SIZE, dense_output=True, random_state=0)
    vectors: NDArray[np.float32] = np.ascontiguousarray(
        projection.fit_transform(ngrams), np.float32
    )
    return vectors
