"""The confusions of departments by a classifier, measured on labelled titles."""

import numpy as np

from prodcat.insight.arrays import Floats, Ints
from prodcat.insight.prevalence.counts import at_or_below
from prodcat.insight.prevalence.evidence import CELLS, TINY, Evidence
from prodcat.insight.prevalence.posterior import draw_departments
from prodcat.taxonomy.tree import Taxonomy

_PRIOR_TITLES = 10.0  # the weight of the classifier's probabilities, in titles
# Settings of the measurement of the dispersion.
_CUTS = 25
_PART = 0.2  # share of the categories that are counted with the help of the others
_SHIFT = 0.7  # standard deviation of the logarithms of the departments' weights
_DRAWS = 60
_LEAST_TITLES = 10  # in a part that is counted


class Confusion:
    """The confusions of departments, with the uncertainty of their measurement.

    Args:
        tree: The tree.
        evidence: The classifier's answers to labelled titles that it was not trained on, gathered
            with ``keep_each``.
        targets: int64 [titles]: the labels of these titles.
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

        The classifier's probabilities for the labelled titles and for the titles to be counted are
        the prior; a department without labelled titles is known by them alone.

        Args:
            evidence: The classifier's answers to the titles to be counted.

        Returns:
            float64 [departments, cells].
        """
        return _shape(self.counts, self.tops + evidence.tops)


def _counts(true: Ints, cells: Ints, departments: int) -> Floats:
    """float64 [departments, cells]: the number of labelled titles."""
    counts = np.zeros((departments, departments * CELLS))
    np.add.at(counts, (true, cells), 1.0)
    return counts


def _shape(counts: Floats, tops: Floats) -> Floats:
    expected = tops + TINY
    # Any department may end up in any cell: the mean of all departments has a small weight.
    expected = expected + 1e-3 * expected.mean(axis=0)
    shape: Floats = counts + _PRIOR_TITLES * expected / expected.sum(axis=1, keepdims=True)
    return shape


def _dispersion(true: Ints, targets: Ints, evidence: Evidence) -> float:
    """The squared errors of counts divided by the variance of their posterior; at least 1.

    Args:
        true: int64 [titles]: the department of each labelled title.
        targets: int64 [titles]: the label of each title.
        evidence: The classifier's answers to the titles.
    """
    rng = np.random.default_rng(0)
    departments = evidence.each.shape[1]
    categories, category_of = np.unique(targets, return_inverse=True)
    error = variance = 0.0
    for _ in range(_CUTS):
        counted = (rng.random(len(categories)) < _PART)[category_of]
        rows = np.flatnonzero(counted)
        if len(rows) < _LEAST_TITLES or len(rows) == len(true):
            continue
        counts = _counts(true[~counted], evidence.cells[~counted], departments)
        weight = np.exp(rng.normal(0, _SHIFT, departments))[true[rows]]
        chosen = rng.choice(rows, len(rows) // 2, replace=False, p=weight / weight.sum())
        sizes = np.bincount(evidence.cells[chosen], minlength=counts.shape[1])
        at_departments = np.bincount(true[chosen], minlength=departments)
        unused = np.zeros_like(evidence.tops)  # of titles that are in neither part
        left = np.setdiff1d(rows, chosen)
        np.add.at(unused.T, evidence.cells[left], evidence.each[left].astype(np.float64))
        shape = _shape(counts, evidence.tops - unused)
        drawn = draw_departments(sizes, shape, _DRAWS, rng).sum(axis=2)
        error += float(((drawn.mean(axis=0) - at_departments) ** 2).sum())
        variance += float((drawn.var(axis=0) + 0.05).sum())
    return max(error / variance, 1.0) if variance else 1.0


def _relative_errors(tree: Taxonomy, evidence: Evidence, targets: Ints) -> Floats:
    """float64 [depth]: relative errors of counts below departments, beyond random variation.

    With ``v`` the variance that the probabilities predict, ``(counted - expected)^2`` has the mean
    ``v + (error * expected)^2``.
    """
    tops = np.array(tree.children(), np.int64)
    department = tree.chains[:, 0]
    counted = at_or_below(tree, targets)
    expected, variance = evidence.sums.sum(axis=0), evidence.squares.sum(axis=0)
    # Scaled to the true number of titles in each department.
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
