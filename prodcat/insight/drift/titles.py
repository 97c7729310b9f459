"""The test whether the words in the titles of a category changed."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from prodcat.insight.arrays import Flags, Floats, Ints
from prodcat.insight.drift.permutation import (
    PERMUTATIONS,
    PooledTitles,
    corrected_p,
    equal_runs,
    rows_of_nodes,
)
from prodcat.taxonomy.tree import Taxonomy

_DIMENSIONS = 128  # of a title's vector
_MOST_TITLES = 40_000  # different titles that are compared; a random sample if there are more


@dataclass(frozen=True, eq=False)
class _Sample:
    """The titles that are compared: all different, and of categories that both sets contain.

    Attributes:
        rows: int64 [titles]: positions of the titles in the pool.
        nodes: int64 [titles]: the node of each title.
        categories: int64 [titles]: a number from 0 for each of these nodes.
        second: Bool [titles]: whether the title is in the second set.
    """

    rows: Ints
    nodes: Ints
    categories: Ints
    second: Flags


def p_of_titles(
    tree: Taxonomy, pool: PooledTitles, rng: np.random.Generator
) -> tuple[Floats, float]:
    """Test for every node whether the words in its titles changed.

    Args:
        tree: The tree.
        pool: The titles of both sets.
        rng: Random numbers for the permutations.

    Returns:
        float64 [nodes]: p-values, corrected for the number of nodes; and the p-value of all titles
        together.
    """
    sample = _comparable(pool, rng)
    if not len(sample.rows):
        return np.ones(len(tree)), 1.0
    vectors = _vectors([pool.texts[row] for row in sample.rows])
    lengths = _squared_lengths(tree, sample, vectors, rng)
    p = corrected_p(_standardised(lengths), np.append(tree.level, 0))
    return p[:-1], float(p[-1])


def _comparable(pool: PooledTitles, rng: np.random.Generator) -> _Sample:
    # Of equal titles, only the first one is compared.
    _, rows = np.unique(pool.groups, return_index=True)
    share = np.bincount(pool.groups, pool.second) / np.bincount(pool.groups)
    rows = rows[(share == 0) | (share == 1)]  # without titles that both sets contain
    if len(rows) > _MOST_TITLES:
        rows = rng.choice(rows, _MOST_TITLES, replace=False)
    categories = np.unique(pool.nodes[rows], return_inverse=True)[1]
    size = np.bincount(categories)
    second = np.bincount(categories, pool.second[rows])
    mixed = ((second > 0) & (second < size))[categories]  # categories that both sets have
    rows = rows[mixed]
    return _Sample(rows, pool.nodes[rows], categories[mixed], pool.second[rows])


def _squared_lengths(
    tree: Taxonomy, sample: _Sample, vectors: NDArray[np.float32], rng: np.random.Generator
) -> Floats:
    """Compute the squared distances between the two sets' titles.

    Args:
        tree: The tree.
        sample: The titles.
        vectors: float32 [titles, dimensions]: vectors of the titles; changed in place, so that the
            mean of each category is 0.
        rng: Random numbers for the permutations.

    Returns:
        float64 [1 + permutations, nodes + 1]: the distances of the actual division in the first
        row and those of the permutations in the others; a column for each node and a last one for
        all titles together.
    """
    by_category = np.argsort(sample.categories, kind="stable")
    for start, end in equal_runs(sample.categories[by_category]):
        # If the mean of a category is 0, its sum over one set measures the sets' difference.
        rows = by_category[start:end]
        vectors[rows] -= vectors[rows].mean(axis=0)
    rows_at = rows_of_nodes(tree, sample.nodes)
    lengths = np.empty((PERMUTATIONS + 1, len(tree) + 1))
    second = sample.second.astype(np.float32)
    for number in range(PERMUTATIONS + 1):
        if number:
            second = second.copy()
            # Sorted by category, then by chance: titles are permuted within each category.
            order = np.lexsort((rng.random(len(second)), sample.categories))
            second[by_category] = sample.second[order]
        in_second = vectors * second[:, None]
        lengths[number, :-1] = ((rows_at @ in_second) ** 2).sum(axis=1)
        lengths[number, -1] = (in_second.sum(axis=0) ** 2).sum()
    return lengths


def _standardised(statistics: Floats) -> Floats:
    """Scale each column to mean 0 and variance 1; a constant column becomes 0."""
    spread = statistics.std(axis=0)
    standardised: Floats = np.divide(
        statistics - statistics.mean(axis=0),
        spread,
        out=np.zeros_like(statistics),
        where=spread > 1e-12,
    )
    return standardised


def _vectors(texts: list[str]) -> NDArray[np.float32]:
    """float32 [titles, dimensions]: random projections of the n-grams, of a length of about 1."""
    from sklearn.feature_extraction.text import HashingVectorizer
    from sklearn.random_projection import SparseRandomProjection

    ngrams = HashingVectorizer(
        analyzer="char_wb", ngram_range=(2, 4), n_features=1 << 18, norm="l2", dtype=np.float32
    ).transform(texts)
    projection = SparseRandomProjection(_DIMENSIONS, dense_output=True, random_state=0)
    vectors: NDArray[np.float32] = np.ascontiguousarray(
        projection.fit_transform(ngrams), np.float32
    )
    return vectors
