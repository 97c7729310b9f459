"""How a classifier confuses departments, measured on labelled titles."""

import numpy as np

from prodcat.insight.arrays import Floats, Ints
from prodcat.insight.prevalence.counts import at_or_below
from prodcat.insight.prevalence.evidence import CELLS, TINY, Evidence
from prodcat.insight.prevalence.posterior import deal
from prodcat.taxonomy.tree import Taxonomy

_STRENGTH = 10.0  # titles that the probabilities count for
# How the dispersion is measured.
_CUTS = 25
_PART = 0.2  # of the categories that are counted by the others
_SHIFT = 0.7  # of the logarithms of the departments' weights
_DRAWS = 60
_LEAST_TITLES = 10  # that are counted


class Confusion:
    """How departments are confused, and how far that is known.

    Args:
        tree: The tree.
        evidence: What the classifier says about labelled titles that it was not trained on, with
            ``each``.
        targets: int64 [titles]: their labels.
    """

    def __init__(self, tree: Taxonomy, evidence: Evidence, targets: Ints) -> None:
        departments = len(tree.children())
        true = tree.chains[targets, 0]  # departments are the first nodes
        self.counts = _counts(true, evidence.cells, departments)
        self.tops = evidence.tops
        self.labelled = np.bincount(true, minlength=departments)
        self.dispersion = _dispersion(true, targets, evidence)
        self.relative = _relative_errors(tree, evidence, targets)

    def shape(self, evidence: Evidence) -> Floats:
        """Parameters of the Dirichlet distributions of cells, given the department.

        What the classifier expects is that of the labelled titles and of those that are counted: a
        department of which none is labelled is known by its probabilities alone.

        Args:
            evidence: What it says about the titles that are counted.

        Returns:
            float64 [departments, cells].
        """
        return _shape(self.counts, self.tops + evidence.tops)


def _counts(true: Ints, cells: Ints, departments: int) -> Floats:
    """float64 [departments, cells]: labelled titles."""
    counts = np.zeros((departments, departments * CELLS))
    np.add.at(counts, (true, cells), 1.0)
    return counts


def _shape(counts: Floats, tops: Floats) -> Floats:
    expected = tops + TINY
    # Nobody is mistaken for nothing at all: what all are taken for has a little weight.
    expected = expected + 1e-3 * expected.mean(axis=0)
    shape: Floats = counts + _STRENGTH * expected / expected.sum(axis=1, keepdims=True)
    return shape


def _dispersion(true: Ints, targets: Ints, evidence: Evidence) -> float:
    """How much farther counts are off than their posterior says, as a ratio of variances.

    Args:
        true: int64 [titles]: the department of each labelled title.
        targets: int64 [titles]: its label.
        evidence: What the classifier says about it.
    """
    rng = np.random.default_rng(0)
    departments = evidence.each.shape[1]
    categories, place = np.unique(targets, return_inverse=True)
    error = variance = 0.0
    for _ in range(_CUTS):
        counted = (rng.random(len(categories)) < _PART)[place]
        rows = np.flatnonzero(counted)
        if len(rows) < _LEAST_TITLES or len(rows) == len(true):
            continue
        counts = _counts(true[~counted], evidence.cells[~counted], departments)
        weight = np.exp(rng.normal(0, _SHIFT, departments))[true[rows]]
        chosen = rng.choice(rows, len(rows) // 2, replace=False, p=weight / weight.sum())
        sizes = np.bincount(evidence.cells[chosen], minlength=counts.shape[1])
        at_departments = np.bincount(true[chosen], minlength=departments)
        unused = np.zeros_like(evidence.tops)  # of what is neither counted nor learned from
        left = np.setdiff1d(rows, chosen)
        np.add.at(unused.T, evidence.cells[left], evidence.each[left].astype(np.float64))
        shape = _shape(counts, evidence.tops - unused)
        dealt = deal(sizes, shape, _DRAWS, rng).sum(axis=2)
        error += float(((dealt.mean(axis=0) - at_departments) ** 2).sum())
        variance += float((dealt.var(axis=0) + 0.05).sum())
    return max(error / variance, 1.0) if variance else 1.0


def _relative_errors(tree: Taxonomy, evidence: Evidence, targets: Ints) -> Floats:
    """float64 [depth]: errors of counts below a department, beyond the chance of the titles.

    With ``v`` the variance that the probabilities expect, the mean of ``(counted - expected)^2`` is
    ``v + (error * expected)^2``.
    """
    tops = np.array(tree.children(), np.int64)
    department = tree.chains[:, 0]
    counted = at_or_below(tree, targets)
    expected, variance = evidence.sums.sum(axis=0), evidence.squares.sum(axis=0)
    # As if the departments were known.
    scale = np.ones(len(tree))
    scale[tops] = counted[tops] / np.maximum(expected[tops], TINY)
    scale = scale[department]
    variance = np.maximum(expected - variance, 0.0) * scale
    expected = expected * scale
    errors = np.zeros(tree.depth)
    for level, (start, end) in enumerate(tree.level_bounds):
        nodes = slice(start, end)
        excess = ((counted[nodes] - expected[nodes]) ** 2 - variance[nodes]).sum()
        if level:
            errors[level] = np.sqrt(max(excess, 0.0) / max((expected[nodes] ** 2).sum(), TINY))
    return errors
