r"""How many products of each category there are, counted by a classifier that errs.

Counting answers is biased: what is mistaken for a category need not be made up for by what is
mistaken for others, and the fewer products a category has the worse.  Here the answers are
corrected by how the classifier confuses departments, as labelled titles that it was not trained on
show it, and everything that is not known goes into the intervals.

Titles fall into cells, the answered department and how sure the answer is.  With ``C`` the
probability of a cell given the true department, ``C_i ~ Dirichlet(n_i + 10 m_i)``: ``n_i`` are the
labelled titles of the department in each cell, and ``m_i`` is what the classifier's own
probabilities expect, which counts for ten titles.  What ends in a cell is then dealt out among
departments in proportion to ``q_i C_ic``, and the shares ``q`` are drawn again from what they were
dealt: the posterior of the counts that a set of titles really has, by Gibbs sampling (the
assumption is label shift: titles of a department are of one kind everywhere; Saerens, Latinne and
Decaestecker, 2002, estimate the shares alone).  ``C`` is drawn from the labelled titles only, so
that a large set cannot bend it.

Titles of a category are right or wrong together, so there is less to learn from than their number
suggests.  How much less is measured: the labelled titles are cut in two again and again, no
category in both, sets with other shares are drawn from one part and counted by the other.  Where
these counts are off by more than their posterior says, intervals are made so much wider (the
dispersion of a quasi-likelihood).

Within a department the classifier's probabilities are taken as they are, with the chance of the
titles themselves, the dispersion, and an error in proportion to the count that is measured, level
by level, on the labelled titles.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from prodcat.catalog.catalog import Catalog
from prodcat.classifier.classifier import Classifier
from prodcat.decisions.options import ReadingPrecision
from prodcat.errors import CatalogError
from prodcat.taxonomy.tree import Taxonomy

logger = logging.getLogger("prodcat")
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

EDGES = (0.6, 0.8, 0.9, 0.97, 0.995)  # of how sure an answer is
_CELLS = len(EDGES) + 1
_STRENGTH = 10.0  # titles that the probabilities count for
_LEAST = 1e-6
_WARM, _INNER, _DRAWS = 20, 4, 400
_CUTS, _PART, _SHIFT, _FEW = 25, 0.2, 0.7, 60  # of the dispersion's measure
_CHUNK = 4_096


@dataclass(frozen=True, eq=False)
class Evidence:
    """What is kept of titles that were answered.

    Attributes:
        sizes: int64 [cells]: titles in each.
        sums: float64 [cells, nodes]: their probabilities, added up.
        squares: float64 [cells, nodes]: the squares of the probabilities over that of the
            department, added up.
        answers: int64 [titles]: the node that each was answered with.
        cells: int64 [titles]: where each is.
        tops: float64 [departments, cells]: the probabilities of departments, added up.
        each: float32 [titles, departments]: the probability of each; empty where it is not wanted.
    """

    sizes: Ints
    sums: Floats
    squares: Floats
    answers: Ints
    cells: Ints
    tops: Floats
    each: NDArray[np.float32]


def gather(
    classifier: Classifier,
    catalog: Catalog,
    *,
    precision: ReadingPrecision = "auto",
    keep_each: bool = False,
) -> Evidence:
    """Answer all titles of a catalog.

    Args:
        classifier: What answers.
        catalog: Titles.
        precision: Of its encoder; see :meth:`Classifier.predict`.
        keep_each: Whether each title's probabilities of departments are kept.
    """
    from scipy.sparse import csr_matrix

    tree = classifier.taxonomy
    tops = np.array(tree.children(), np.int64)
    department = tree.chains[:, 0]
    cells = len(tops) * _CELLS
    sizes = np.zeros(cells, np.int64)
    sums, squares = np.zeros((cells, len(tree))), np.zeros((cells, len(tree)))
    kept: list[NDArray[np.float32]] = [np.zeros((0, len(tops)), np.float32)]
    answers, places = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for best, nodes in node_probabilities(classifier, catalog, precision):
        own = nodes[:, tops]
        cell = own.argmax(axis=1) * _CELLS + np.searchsorted(EDGES, own.max(axis=1), "right")
        rows = len(nodes)
        onto = csr_matrix((np.ones(rows, np.float32), (cell, np.arange(rows))), (cells, rows))
        sizes += np.bincount(cell, minlength=cells)
        sums += onto @ nodes
        nodes *= nodes / np.maximum(nodes[:, department], _LEAST)
        squares += onto @ nodes
        answers.append(best)
        places.append(cell.astype(np.int64))
        if keep_each:
            kept.append(own)
    return Evidence(
        sizes,
        sums,
        squares,
        np.concatenate(answers),
        np.concatenate(places),
        sums[:, tops].T,
        np.concatenate(kept),
    )


def node_probabilities(
    classifier: Classifier, catalog: Catalog, precision: ReadingPrecision = "auto"
) -> Iterator[tuple[Ints, NDArray[np.float32]]]:
    """The answered node, int64 [titles], and all nodes' probabilities, float32 [titles, nodes].

    Args:
        classifier: What answers.
        catalog: Titles.
        precision: Of its encoder.

    Returns:
        Some titles at a time, in order.
    """
    texts = classifier.texts_of(catalog)
    paths = classifier.network.paths
    inference = classifier.inference(classifier.pick_precision(precision))
    outcomes = classifier.taxonomy.outcomes
    for start in range(0, len(texts), _CHUNK):
        with torch.inference_mode():
            log_probs = inference.log_probs(inference.ready(texts[start : start + _CHUNK]))
            nodes = paths.node_probs(log_probs.exp()).float().cpu().numpy()
            best = log_probs.argmax(dim=1).cpu().numpy()
        yield outcomes[best], nodes


def judged_rows(classifier: Classifier, labelled: Catalog) -> Catalog:
    """The labelled rows of titles that a classifier's mistakes are to be measured on.

    Args:
        classifier: What answers.
        labelled: Titles; if it has seen some of them that is said to the log.

    Raises:
        CatalogError: None is labelled.
    """
    judged = labelled.take(labelled.labelled)
    if not len(judged):
        raise CatalogError(
            f"{labelled!r} has no labelled row; expected titles with categories that the "
            "classifier was not trained on, to measure its mistakes on."
        )
    seen = int(classifier.has_seen(classifier.texts_of(judged)).sum())
    if seen:
        logger.warning(
            "Training, its validation or a calibration saw %s of the %s labelled titles: the "
            "classifier errs less on what it was trained on, and what is measured there is too "
            "good. Give others.",
            f"{seen:,}",
            f"{len(judged):,}",
        )
    return judged


class Confusion:
    """How departments are confused, and how far that is known.

    Args:
        tree: The tree.
        evidence: Of labelled titles that the classifier was not trained on, with ``each``.
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
        """float64 [departments, cells]: of the Dirichlet distributions.

        What the classifier expects is that of the labelled titles and of those that are counted: a
        department of which none is labelled is known by its probabilities alone.

        Args:
            evidence: Of the titles that are counted.
        """
        return _shape(self.counts, self.tops + evidence.tops)


def _drawn(shape: Floats, rng: np.random.Generator) -> Floats:
    drawn = rng.standard_gamma(shape) + 1e-300
    found: Floats = drawn / drawn.sum(axis=1, keepdims=True)
    return found


def _counts(true: Ints, cells: Ints, departments: int) -> Floats:
    """float64 [departments, cells]: labelled titles."""
    counts = np.zeros((departments, departments * _CELLS))
    np.add.at(counts, (true, cells), 1.0)
    return counts


def _shape(counts: Floats, tops: Floats) -> Floats:
    expected = tops + _LEAST
    # Nobody is mistaken for nothing at all: what all are taken for has a little weight.
    expected = expected + 1e-3 * expected.mean(axis=0)
    found: Floats = counts + _STRENGTH * expected / expected.sum(axis=1, keepdims=True)
    return found


def _dispersion(true: Ints, targets: Ints, evidence: Evidence) -> float:
    """How much farther counts are off than their posterior says, as a ratio of variances."""
    rng = np.random.default_rng(0)
    departments = evidence.each.shape[1]
    names, group = np.unique(targets, return_inverse=True)
    error = variance = 0.0
    for _ in range(_CUTS):
        other = (rng.random(len(names)) < _PART)[group]
        rows = np.flatnonzero(other)
        if len(rows) < 10 or len(rows) == len(true):
            continue
        counts = _counts(true[~other], evidence.cells[~other], departments)
        weight = np.exp(rng.normal(0, _SHIFT, departments))[true[rows]]
        chosen = rng.choice(rows, len(rows) // 2, replace=False, p=weight / weight.sum())
        sizes = np.bincount(evidence.cells[chosen], minlength=counts.shape[1])
        there = np.bincount(true[chosen], minlength=departments)
        apart = np.zeros_like(evidence.tops)  # of what is neither
        left = np.setdiff1d(rows, chosen)
        np.add.at(apart.T, evidence.cells[left], evidence.each[left].astype(np.float64))
        shape = _shape(counts, evidence.tops - apart)
        dealt = _deal(sizes, shape, _FEW, rng).sum(axis=2)
        error += float(((dealt.mean(axis=0) - there) ** 2).sum())
        variance += float((dealt.var(axis=0) + 0.05).sum())
    return max(error / variance, 1.0) if variance else 1.0


def _relative_errors(tree: Taxonomy, evidence: Evidence, targets: Ints) -> Floats:
    """float64 [depth]: of counts below a department, beyond the chance of the titles.

    With ``v`` the variance that the probabilities expect, the mean of ``(found - expected)^2`` is
    ``v + (error * expected)^2``.
    """
    tops = np.array(tree.children(), np.int64)
    department = tree.chains[:, 0]
    found = at_or_below(tree, targets)
    expected, variance = evidence.sums.sum(axis=0), evidence.squares.sum(axis=0)
    # As if the departments were known.
    scale = np.ones(len(tree))
    scale[tops] = found[tops] / np.maximum(expected[tops], _LEAST)
    scale = scale[department]
    variance = np.maximum(expected - variance, 0.0) * scale
    expected = expected * scale
    errors = np.zeros(tree.depth)
    for level, (start, end) in enumerate(tree.level_bounds):
        own = slice(start, end)
        excess = ((found[own] - expected[own]) ** 2 - variance[own]).sum()
        if level:
            errors[level] = np.sqrt(max(excess, 0.0) / max((expected[own] ** 2).sum(), _LEAST))
    return errors


@dataclass(frozen=True, eq=False)
class Counts:
    """How many products there are at or below each node.

    Attributes:
        rows: Of the set.
        count: float64 [nodes]: as many as are expected; children add up to their parent.
        low: float64 [nodes]: the lower end of the interval of 95 %.
        high: float64 [nodes]: the upper one.
        naive: int64 [nodes]: answers at or below the node.
        open: int64 [nodes]: products whose label stops above the node: they may be here, which
            ``high`` has in it, but not ``count``.
    """

    rows: int
    count: Floats
    low: Floats
    high: Floats
    naive: Ints
    open: Ints


def prevalence(
    tree: Taxonomy,
    evidence: Evidence,
    confusion: Confusion,
    known: Ints | None = None,
    *,
    draws: int = _DRAWS,
    seed: int = 0,
) -> Counts:
    """How many products a set has of each category.

    Args:
        tree: The tree.
        evidence: Of the titles whose category is not known.
        confusion: Of the classifier that answered them.
        known: int64 [titles]: labels of further titles, of which there is no doubt.
        draws: From the posterior.
        seed: Of the draws.
    """
    rng = np.random.default_rng(seed)
    tops = np.array(tree.children(), np.int64)
    sure = at_or_below(tree, np.zeros(0, np.int64) if known is None else known)
    naive = at_or_below(tree, evidence.answers)
    dealt = _deal(evidence.sizes, confusion.shape(evidence), draws, rng)
    usual = dealt.mean(axis=0)
    dealt = _spread(dealt, confusion.dispersion)
    # Within departments: how much of a cell's share of a department each node has.
    mine = tree.chains[:, 0]  # departments are the first nodes
    inside = evidence.sums[:, mine]
    share = np.where(inside > _LEAST, evidence.sums / np.maximum(inside, _LEAST), 0.0)
    square = np.where(inside > _LEAST, evidence.squares / np.maximum(inside, _LEAST), 0.0)
    spread = np.maximum(share - square, 0.0)  # of a title's share
    errors = confusion.relative[tree.level - 1]
    found = np.empty((len(dealt), len(tree)), np.float32)
    for number, own in enumerate(dealt):  # [departments, cells]
        counts = np.einsum("nc,cn->n", own[mine], share)
        variance = np.einsum("nc,cn->n", own[mine], spread) * confusion.dispersion
        variance += (errors * counts) ** 2
        found[number] = _around(counts, variance, rng)
    found[:, tops] = dealt.sum(axis=2)
    count = np.einsum("nc,cn->n", usual[mine], share)
    count[tops] = usual.sum(axis=1)
    low, high = np.quantile(found, (0.025, 0.975), axis=0)
    titles = int(evidence.sizes.sum())
    stops = _stops(tree, known)
    return Counts(
        titles + int(sure[tops].sum()),
        count + sure,
        np.clip(low, 0, titles) + sure,
        np.clip(high, 0, titles) + sure + stops,
        naive + sure,
        stops,
    )


def _stops(tree: Taxonomy, known: Ints | None) -> Ints:
    """int64 [nodes]: labels that stop above each node."""
    here = np.zeros(len(tree), np.int64)
    if known is not None:
        np.add.at(here, known[~tree.terminal[known]], 1)
    found = np.zeros(len(tree), np.int64)
    for node in np.flatnonzero(tree.parent >= 0).tolist():  # parents before children
        above = int(tree.parent[node])
        found[node] = found[above] + here[above]
    return found


def _around(mean: Floats, variance: Floats, rng: np.random.Generator) -> Floats:
    """Counts that vary so much, not below 0: gamma distributed, and whole at random."""
    moving = (mean > _LEAST) & (variance > _LEAST)
    found = mean.copy()
    scale = variance[moving] / mean[moving]
    found[moving] = rng.standard_gamma(mean[moving] / scale) * scale
    return np.floor(found + rng.random(len(found)))


def _spread(dealt: Floats, dispersion: float) -> Floats:
    """The same about the same middle, farther apart."""
    total = dealt.sum(axis=2)
    middle = total.mean(axis=0)
    wide = np.maximum(middle + (total - middle) * np.sqrt(dispersion), 0.0)
    found: Floats = dealt * (wide / np.maximum(total, _LEAST))[:, :, None]
    return found


def _deal(sizes: Ints, shape: Floats, draws: int, rng: np.random.Generator) -> Floats:
    """float64 [draws, departments, cells]: titles of each cell that are of each department."""
    departments = len(shape)
    found = np.zeros((draws, departments, len(sizes)))
    used = np.flatnonzero(sizes)
    if departments == 1 or not len(used):
        found[:, 0] = sizes
        return found
    shares = np.full(departments, 1 / departments)
    for draw in range(draws + _WARM):
        own = _drawn(shape, rng)[:, used]
        for _ in range(_INNER):
            odds = shares[:, None] * own + 1e-300
            odds /= odds.sum(axis=0)
            dealt = rng.multinomial(sizes[used], odds.T)
            shares = rng.dirichlet(dealt.sum(axis=0) + 1 / departments)
        if draw >= _WARM:
            found[draw - _WARM][:, used] = dealt.T
    return found


def at_or_below(tree: Taxonomy, nodes: Ints) -> Ints:
    """int64 [nodes]: how many of these are at or below each node."""
    chains = tree.chains[nodes]
    return np.bincount(chains[chains >= 0], minlength=len(tree)).astype(np.int64)


def shares(counts: Counts) -> dict[str, Any]:
    """The same as shares of all."""
    rows = max(counts.rows, 1)
    return {name: getattr(counts, name) / rows for name in ("count", "low", "high", "naive")}
