"""The counts of a set of titles, corrected by what is known of a classifier's mistakes."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from prodcat.insight.arrays import Floats, Ints
from prodcat.insight.prevalence.confusion import Confusion
from prodcat.insight.prevalence.counts import Counts, at_or_below
from prodcat.insight.prevalence.evidence import TINY, Evidence
from prodcat.insight.prevalence.posterior import deal
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
    """Tell how many products a set has of each category.

    Args:
        tree: The tree.
        evidence: What the classifier says about the titles whose category is not known.
        confusion: How that classifier confuses departments.
        known: int64 [titles]: labels of further titles, of which there is no doubt.
        draws: Draws from the posterior.
        seed: Seed of the draws.
    """
    rng = np.random.default_rng(seed)
    tops = np.array(tree.children(), np.int64)
    sure = at_or_below(tree, np.zeros(0, np.int64) if known is None else known)
    dealt = deal(evidence.sizes, confusion.shape(evidence), draws, rng)
    parts = _NodeParts.of(tree, evidence)
    expected = dealt.mean(axis=0)
    count = parts.counts(expected)
    count[tops] = expected.sum(axis=1)
    drawn = _drawn_counts(tree, parts, confusion, _spread(dealt, confusion.dispersion), rng)
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
    """Which part of a department's titles in a cell is at or below each of its nodes.

    Attributes:
        department: int64 [nodes]: the department of each node.
        part: float64 [cells, nodes]: the part that is expected.
        variance: float64 [cells, nodes]: the variance of a single title's part.
    """

    department: Ints
    part: Floats
    variance: Floats

    @classmethod
    def of(cls, tree: Taxonomy, evidence: Evidence) -> "_NodeParts":
        """What the classifier's probabilities say."""
        department = tree.chains[:, 0]  # departments are the first nodes
        whole = evidence.sums[:, department]
        part = np.where(whole > TINY, evidence.sums / np.maximum(whole, TINY), 0.0)
        square = np.where(whole > TINY, evidence.squares / np.maximum(whole, TINY), 0.0)
        return cls(department, part, np.maximum(part - square, 0.0))

    def counts(self, dealt: Floats) -> Floats:
        """float64 [nodes]: expected titles, of those dealt, float64 [departments, cells]."""
        counts: Floats = np.einsum("nc,cn->n", dealt[self.department], self.part)
        return counts

    def count_variance(self, dealt: Floats) -> Floats:
        """float64 [nodes]: the variance of these counts."""
        variance: Floats = np.einsum("nc,cn->n", dealt[self.department], self.variance)
        return variance


def _drawn_counts(
    tree: Taxonomy,
    parts: _NodeParts,
    confusion: Confusion,
    dealt: Floats,
    rng: np.random.Generator,
) -> NDArray[np.float32]:
    """float32 [draws, nodes]: counts that are possible."""
    errors = confusion.relative[tree.level - 1]
    drawn = np.empty((len(dealt), len(tree)), np.float32)
    for draw, titles in enumerate(dealt):  # [departments, cells]
        counts = parts.counts(titles)
        variance = parts.count_variance(titles) * confusion.dispersion
        variance += (errors * counts) ** 2
        drawn[draw] = _around(counts, variance, rng)
    drawn[:, np.array(tree.children(), np.int64)] = dealt.sum(axis=2)
    return drawn


def _labels_above(tree: Taxonomy, known: Ints | None) -> Ints:
    """int64 [nodes]: labels that stop above each node."""
    stopping = np.zeros(len(tree), np.int64)
    if known is not None:
        np.add.at(stopping, known[~tree.terminal[known]], 1)
    above = np.zeros(len(tree), np.int64)
    for node in np.flatnonzero(tree.parent >= 0).tolist():  # parents before children
        parent = int(tree.parent[node])
        above[node] = above[parent] + stopping[parent]
    return above


def _around(mean: Floats, variance: Floats, rng: np.random.Generator) -> Floats:
    """Counts that vary so much, not below 0: gamma distributed, and whole at random."""
    moving = (mean > TINY) & (variance > TINY)
    counts = mean.copy()
    scale = variance[moving] / mean[moving]
    counts[moving] = rng.standard_gamma(mean[moving] / scale) * scale
    return np.floor(counts + rng.random(len(counts)))


def _spread(dealt: Floats, dispersion: float) -> Floats:
    """Draws around the same middle, farther from each other."""
    total = dealt.sum(axis=2)
    middle = total.mean(axis=0)
    wide = np.maximum(middle + (total - middle) * np.sqrt(dispersion), 0.0)
    spread: Floats = dealt * (wide / np.maximum(total, TINY))[:, :, None]
    return spread
