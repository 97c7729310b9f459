"""The estimated counts of a set of titles, corrected for the classifier's confusions."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from prodcat.insight.arrays import Floats, Ints
from prodcat.insight.prevalence.confusion import Confusion
from prodcat.insight.prevalence.counts import Counts, at_or_below
from prodcat.insight.prevalence.evidence import TINY, Evidence
from prodcat.insight.prevalence.posterior import draw_departments
from prodcat.taxonomy.tree import Taxonomy

_DRAWS = 400  # from the posterior


def prevalence(
    tree: Taxonomy,
    evidence: Evidence,
    confusion: Confusion,
    known: Ints | None = None,
    *,
    draws: int = _DRAWS,
    seed: int = 0,
) -> Counts:
    """Estimate the number of products in each category.

    Args:
        tree: The tree.
        evidence: The classifier's answers to the titles whose category is not known.
        confusion: The same classifier's confusions of departments.
        known: int64 [titles]: the labelled nodes of further titles, which are counted as certain.
        draws: Number of draws from the posterior.
        seed: Seed of the draws.

    Returns:
        The counts of every node with 95 % intervals.
    """
    rng = np.random.default_rng(seed)
    tops = np.array(tree.children(), np.int64)
    sure = at_or_below(tree, np.zeros(0, np.int64) if known is None else known)
    departments = draw_departments(evidence.sizes, confusion.shape(evidence), draws, rng)
    parts = _NodeParts.of(tree, evidence)
    expected = departments.mean(axis=0)
    count = parts.counts(expected)
    count[tops] = expected.sum(axis=1)
    departments = _spread(departments, confusion.dispersion)
    drawn = _drawn_counts(tree, parts, confusion, departments, rng)
    low, high = np.quantile(drawn, (0.025, 0.975), axis=0)
    titles = int(evidence.sizes.sum())
    stops = _labels_above(tree, known)
    return Counts(
        rows=titles + int(sure[tops].sum()),
        count=count + sure,
        low=np.clip(low, 0, titles) + sure,
        high=np.clip(high, 0, titles) + sure + stops,
        naive=at_or_below(tree, evidence.answers) + sure,
        open=stops,
    )


@dataclass(frozen=True, eq=False)
class _NodeParts:
    """For each cell and node, the part of the department's titles in the cell that are at the node.

    Titles below the node count as well.

    Attributes:
        department: int64 [nodes]: the department of each node.
        part: float64 [cells, nodes]: the expected part, 0 to 1.
        variance: float64 [cells, nodes]: the variance of the part if there is a single title.
    """

    department: Ints
    part: Floats
    variance: Floats

    @classmethod
    def of(cls, tree: Taxonomy, evidence: Evidence) -> "_NodeParts":
        """Compute the parts from the classifier's probabilities in ``evidence``."""
        department = tree.chains[:, 0]  # departments are the first nodes
        whole = evidence.sums[:, department]
        # A cell whose titles are nearly impossible in a department says nothing about their nodes
        # there: then all titles say it or, if none is possible, each outcome counts alike.
        sizes = (tree.spans[:, 1] - tree.spans[:, 0]).astype(np.float64)
        total = evidence.sums.sum(axis=0)
        usual = np.where(
            total[department] > TINY,
            total / np.maximum(total[department], TINY),
            sizes / sizes[department],
        )
        part = np.where(whole > TINY, evidence.sums / np.maximum(whole, TINY), usual)
        square = np.where(whole > TINY, evidence.squares / np.maximum(whole, TINY), 0.0)
        return cls(department, part, np.maximum(part - square, 0.0))

    def counts(self, titles: Floats) -> Floats:
        """float64 [nodes]: expected counts, given the number of titles [departments, cells]."""
        counts: Floats = np.einsum("nc,cn->n", titles[self.department], self.part)
        return counts

    def count_variance(self, titles: Floats) -> Floats:
        """float64 [nodes]: variances of these counts, given the number of titles likewise."""
        variance: Floats = np.einsum("nc,cn->n", titles[self.department], self.variance)
        return variance


def _drawn_counts(
    tree: Taxonomy,
    parts: _NodeParts,
    confusion: Confusion,
    departments: Floats,
    rng: np.random.Generator,
) -> NDArray[np.float32]:
    """float32 [draws, nodes]: random draws of all nodes' counts, given those of the departments."""
    errors = confusion.relative[tree.level - 1]
    drawn = np.empty((len(departments), len(tree)), np.float32)
    for draw, titles in enumerate(departments):  # [departments, cells]
        counts = parts.counts(titles)
        variance = parts.count_variance(titles) * confusion.dispersion
        variance += (errors * counts) ** 2
        drawn[draw] = _around(counts, variance, rng)
    drawn[:, np.array(tree.children(), np.int64)] = departments.sum(axis=2)
    return drawn


def _labels_above(tree: Taxonomy, known: Ints | None) -> Ints:
    """int64 [nodes]: the number of titles that are labelled with an ancestor of each node."""
    stopping = np.zeros(len(tree), np.int64)
    if known is not None:
        np.add.at(stopping, known[~tree.terminal[known]], 1)
    above = np.zeros(len(tree), np.int64)
    for node in np.flatnonzero(tree.parent >= 0).tolist():  # parents come before children
        parent = int(tree.parent[node])
        above[node] = above[parent] + stopping[parent]
    return above


def _around(mean: Floats, variance: Floats, rng: np.random.Generator) -> Floats:
    """Draw whole numbers with these means and variances: gamma variates, rounded at random."""
    varying = (mean > TINY) & (variance > TINY)
    counts = mean.copy()
    scale = variance[varying] / mean[varying]
    counts[varying] = rng.standard_gamma(mean[varying] / scale) * scale
    return np.floor(counts + rng.random(len(counts)))


def _spread(departments: Floats, dispersion: float) -> Floats:
    """Multiply the variances of the departments' totals by the dispersion and keep their means."""
    total = departments.sum(axis=2)
    mean = total.mean(axis=0)
    wide = np.maximum(mean + (total - mean) * np.sqrt(dispersion), 0.0)
    spread: Floats = departments * (wide / np.maximum(total, TINY))[:, :, None]
    return spread
