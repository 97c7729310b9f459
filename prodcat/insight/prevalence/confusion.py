"""A classifier's confusions of departments, measured on labelled titles."""

import numpy as np

from prodcat.insight.arrays import Floats, Ints
from prodcat.insight.prevalence.counts import at_or_below
from prodcat.insight.prevalence.evidence import CELLS, TINY, Evidence
from prodcat.insight.prevalence.posterior import draw_departments
from prodcat.taxonomy.tree import Taxonomy

_PRIOR_TITLES = 40.0  # the classifier's probabilities weigh as much as so many titles
_USUAL_TITLES = 3.0  # of the usual confusions, which each department's probabilities start from
# Settings for measuring the dispersion.
_CUTS = 25  # random divisions of the labelled titles into two parts
_PART = 0.2  # share of the categories in the part that is counted with the help of the other
_SHIFT = 0.7  # standard deviation of the logarithms of the departments' weights
_DRAWS = 60  # from the posterior
_LEAST_TITLES = 10  # in the part that is counted
_ROUNDING = 0.15  # variance of a count that is due to whole numbers
_NORMAL = 1.96  # standard deviations in half of a 95 % interval


class Confusion:
    """A classifier's confusions of departments, with the uncertainty of their measurement.

    Args:
        tree: The tree.
        evidence: The classifier's answers to labelled titles that it was not trained on, from
            :func:`gather` with ``keep_each=True``.
        targets: int64 [titles]: the labelled nodes of these titles.
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
        """Compute the parameters of the Dirichlet distribution over cells of each department.

        The prior comes from the classifier's probabilities for the labelled titles and for the
        titles to be counted; for a department without labelled titles, nothing else is known.

        Args:
            evidence: The classifier's answers to the titles to be counted.

        Returns:
            float64 [departments, cells].
        """
        return _shape(self.counts, self.tops + evidence.tops)


def _counts(true: Ints, cells: Ints, departments: int) -> Floats:
    """float64 [departments, cells]: number of labelled titles by true department and cell."""
    counts = np.zeros((departments, departments * CELLS))
    np.add.at(counts, (true, cells), 1.0)
    return counts


def _shape(counts: Floats, tops: Floats) -> Floats:
    expected = tops + TINY
    # A title of any department may fall into any cell, so each department gets a small part of the
    # mean of all departments.
    expected = expected + 1e-3 * expected.mean(axis=0)
    # The probabilities of a department without titles are small ones, in the cells of others: they
    # would say that its titles are always answered wrongly, and it would take those of others.
    expected = expected + _USUAL_TITLES * _usual(counts, tops)
    shape: Floats = counts + _PRIOR_TITLES * expected / expected.sum(axis=1, keepdims=True)
    return shape


def _usual(counts: Floats, tops: Floats) -> Floats:
    """The confusions of a department that is like all others, float64 [departments, cells].

    Its titles are answered correctly as often as those of all departments together, with the same
    confidence; if not, they fall into each cell as often as all titles do.

    Args:
        counts: float64 [departments, cells]: labelled titles by true department and cell.
        tops: float64 [departments, cells]: sums of the titles' probabilities.
    """
    departments, cells = counts.shape
    blocks = counts.reshape(departments, departments, cells // departments)
    every = np.arange(departments)
    right = blocks[every, every].sum(axis=0) / max(counts.sum(), 1.0)  # [cells of a department]
    anywhere = (tops.sum(axis=0) + TINY) / (tops.sum() + TINY * cells)
    usual = np.tile((1 - right.sum()) * anywhere, (departments, 1))
    usual.reshape(blocks.shape)[every, every] += right
    return usual


def _dispersion(true: Ints, targets: Ints, evidence: Evidence) -> float:
    """Measure by which factor the variance of the posterior is too small; at least 1.

    With this factor the intervals of 95 % of the departments that have titles hold their counts.

    Args:
        true: int64 [titles]: the department of each labelled title.
        targets: int64 [titles]: the labelled node of each title.
        evidence: The classifier's answers to the titles.
    """
    rng = np.random.default_rng(0)
    departments = evidence.each.shape[1]
    categories, category_of = np.unique(targets, return_inverse=True)
    ratios: list[float] = []  # of errors and half intervals
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
        unused = np.zeros_like(evidence.tops)  # probabilities of the titles in neither part
        left = np.setdiff1d(rows, chosen)
        np.add.at(unused.T, evidence.cells[left], evidence.each[left].astype(np.float64))
        shape = _shape(counts, evidence.tops - unused)
        drawn = draw_departments(sizes, shape, _DRAWS, rng).sum(axis=2)
        error = np.abs(drawn.mean(axis=0) - at_departments)
        ratio = error / (_NORMAL * np.sqrt(drawn.var(axis=0) + _ROUNDING))
        ratios += ratio[at_departments > 0].tolist()
    return max(float(np.quantile(ratios, 0.95)) ** 2, 1.0) if ratios else 1.0


def _relative_errors(tree: Taxonomy, evidence: Evidence, targets: Ints) -> Floats:
    """float64 [depth]: the relative error of counts at each level, beyond random variation.

    If ``v`` is the variance that the probabilities predict, ``(counted - expected)^2`` has the mean
    ``v + (error * expected)^2``.  The error of departments, the first level, is 0.
    """
    tops = np.array(tree.children(), np.int64)
    department = tree.chains[:, 0]
    counted = at_or_below(tree, targets)
    expected, variance = evidence.sums.sum(axis=0), evidence.squares.sum(axis=0)
    # The expected counts are scaled to the true number of titles in each department.
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
