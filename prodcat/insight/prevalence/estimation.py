"""The counts of a set of titles, corrected for the classifier's confusions."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from prodcat.insight.arrays import Floats, Ints
from prodcat.insight.prevalence.confusion import Confusion
from prodcat.insight.prevalence.counts import Counts, at_or_below
from prodcat.insight.prevalence.evidence import TINY, Evidence
from prodcat.insight.prevalence.posterior import draw_departments
from prodcat.taxonomy.tree import Taxonomy

_DRAWS = 400


def prevalence(
    tree: Taxonomy,
    evidence: Evidence,
    confusion: Confusion,
    known: Ints | None = None,
    *,
    draws: int = _DRAWS,
    seed: int = 0,
) -> Counts:
    """Estimate how many products of each category there are in a set.

    Args:
        tree: The tree.
        evidence: The classifier's answers to the titles whose category is not known.
        confusion: The confusions of departments by that classifier.
        known: int64 [titles]: labels of further titles; these count as certain.
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
    """The part of a department's titles in each cell that is at or below each of its nodes.

    Attributes:
        department: int64 [nodes]: the department of each node.
        part: float64 [cells, nodes]: the expected part.
        variance: float64 [cells, nodes]: the variance of the part for a single title.
    """

    department: Ints
    part: Floats
    variance: Floats

    @classmethod
    def of(cls, tree: Taxonomy, evidence: Evidence) -> "_NodeParts":
        """Compute the parts from the classifier's probabilities."""
        department = tree.chains[:, 0]  # departments are the first nodes
        whole = evidence.sums[:, department]
        part = np.where(whole > TINY, evidence.sums / np.maximum(whole, TINY), 0.0)
        square = np.where(whole > TINY, evidence.squares / np.maximum(whole, TINY), 0.0)
        return cls(department, part, np.maximum(part - square, 0.0))

    def counts(self, titles: Floats) -> Floats:
        """float64 [nodes]: expected counts, given the titles float64 [departments, cells]."""
        counts: Floats = np.einsum("nc,cn->n", titles[self.department], self.part)
        return counts

    def count_variance(self, titles: Floats) -> Floats:
        """float64 [nodes]: the variance of these counts."""
        variance: Floats = np.einsum("nc,cn->n", titles[self.department], self.variance)
        return variance


def _drawn_counts(
    tree: Taxonomy,
    parts: _NodeParts,
    confusion: Confusion,
    departments: Floats,
    rng: np.random.Generator,
) -> NDArray[np.float32]:
    """float32 [draws, nodes]: draws of the counts, given those of the departments."""
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
    """int64 [nodes]: the number of labels that stop above each node."""
    stopping = np.zeros(len(tree), np.int64)
    if known is not None:
        np.add.at(stopping, known[~tree.terminal[known]], 1)
    above = np.zeros(len(tree), np.int64)
    for node in np.flatnonzero(tree.parent >= 0).tolist():  # parents come before children
        parent = int(tree.parent[node])
        above[node] = above[parent] + stopping[parent]
    return above


def _around(mean: Floats, variance: Floats, rng: np.random.Generator) -> Floats:
    """Draw whole counts of this mean and variance: gamma variates that are rounded at random."""
    varying = (mean > TINY) & (variance > TINY)
    counts = mean.copy()
    scale = variance[varying] / mean[varying]
    counts[varying] = rng.standard_gamma(mean[varying] / scale) * scale
    return np.floor(counts + rng.random(len(counts)))


def _spread(departments: Floats, dispersion: float) -> Floats:
    """Multiply the variance of the departments' totals by the dispersion; their means stay."""
    total = departments.sum(axis=2)
    mean = total.mean(axis=0)
    wide = np.maximum(mean + (total - mean) * np.sqrt(dispersion), 0.0)
    spread: Floats = departments * (wide / np.maximum(total, TINY))[:, :, None]
    return spread
