"""Fit the n-gram branch, one linear support vector machine for each outcome."""

import logging
import os
from dataclasses import dataclass
from typing import TypedDict, Unpack

import numpy as np
import torch
from numpy.typing import NDArray

from prodcat.classifier.classifier import Classifier
from prodcat.errors import CatalogError, check_keywords, takes_keywords
from prodcat.model.lexical import ABSENT, LexicalBranch
from prodcat.model.ngrams import Features, NGrams
from prodcat.training.dataset import Dataset
from prodcat.training.settings import Setup
from prodcat.training.svm import solve_all
from prodcat.training.warm_start import match_nodes

logger = logging.getLogger("prodcat")
_NEGLIGIBLE = 1e-3


@dataclass(frozen=True)
class FittedNGrams:
    """The fitted n-gram branch of a classifier.

    Attributes:
        ngrams: The vocabulary.
        branch: The linear map from n-grams to outcome scores.
        held_out: The n-gram features of the validation titles.
    """

    ngrams: NGrams
    branch: LexicalBranch
    held_out: Features


def fit_lexical(dataset: Dataset, setup: Setup, warm: Classifier | None) -> FittedNGrams:
    """Choose the n-grams and fit a support vector machine for each outcome.

    Rows with partial labels are left out, because they have no outcome to learn.

    Args:
        dataset: The titles.
        setup: The settings of the fit.
        warm: A classifier whose machines are reused, or None.  If it has the same settings of
            n-grams, the machines of outcomes whose titles did not change are kept.

    Returns:
        The n-grams, the machines, and the features of the validation titles.

    Raises:
        CatalogError: All labels are partial.
    """
    model, ranks, rows = setup.model, setup.ranks, dataset.training_rows
    if warm is not None and not _same_kind(setup, warm):
        warm = None
    vocabulary = None if warm is None else warm.ngrams
    ngrams, features = NGrams.fit(rows.texts, model.characters, model.max_features, vocabulary)
    outcomes = dataset.taxonomy.outcome_positions[rows.targets]
    complete = _complete_rows(outcomes)
    kept = None if warm is None else _kept_machines(dataset, warm, ngrams)
    branch = None
    if ranks.writes:
        branch = solve(
            features.take(complete),
            len(ngrams.hashes),
            outcomes[complete],
            len(dataset.taxonomy.outcomes),
            cost=setup.training.lexical_cost,
            weights=rows.weights[complete],
            # torchrun gives each process one thread; the others wait for this one.
            threads=torch.get_num_threads() if ranks.size == 1 else os.cpu_count() or 1,
            kept=None if kept is None else kept.branch,
            again=None if kept is None else kept.again,
        )
    branch = ranks.agree(branch)
    assert branch is not None
    return FittedNGrams(ngrams, branch, ngrams(dataset.validation_rows.texts))


def _same_kind(setup: Setup, warm: Classifier) -> bool:
    """Whether the warm start's machines were fitted with the same settings of n-grams."""
    requested = (setup.model.characters, setup.model.max_features, setup.training.lexical_cost)
    available = (warm.model.characters, warm.model.max_features, warm.training.lexical_cost)
    return warm.ngrams is not None and requested == available


def _complete_rows(outcomes: NDArray[np.int64]) -> NDArray[np.int64]:
    """The positions, int64, of the rows whose labels are outcomes.

    Raises:
        CatalogError: There are none.
    """
    complete = np.flatnonzero(outcomes >= 0)
    if not len(complete):
        raise CatalogError(
            f"All {len(outcomes)} labels are partial, so the n-grams have nothing to learn; "
            "expected some complete paths. Add titles with complete paths, or set lexical=False."
        )
    if len(complete) < len(outcomes):
        logger.info(
            "%d of %d labels are partial; the encoder learns from them, the n-grams do not.",
            len(outcomes) - len(complete),
            len(outcomes),
        )
    return complete


@dataclass(frozen=True)
class _KeptMachines:
    """Machines of a warm start, moved to the new n-grams and outcomes.

    Attributes:
        branch: The machines.
        again: bool [outcomes]: which of them must be solved again.
    """

    branch: LexicalBranch
    again: NDArray[np.bool_]


def _kept_machines(dataset: Dataset, warm: Classifier, ngrams: NGrams) -> _KeptMachines:
    """The machines of a warm start; those of outcomes whose titles changed are solved again."""
    assert warm.network.lexical is not None and warm.ngrams is not None
    taxonomy, rows = dataset.taxonomy, dataset.training_rows
    source = match_nodes(warm.taxonomy, taxonomy)
    counts_before = np.where(source >= 0, warm.counts[source], -1)
    new_targets = rows.targets[~warm.knows(rows.hashes)]
    new_counts = np.bincount(new_targets, minlength=len(taxonomy))
    again = ((counts_before != dataset.counts) | (new_counts > 0))[taxonomy.outcomes]
    places = np.where(source >= 0, warm.taxonomy.outcome_positions[source], -1)[taxonomy.outcomes]
    again |= places < 0
    return _KeptMachines(warm.network.lexical.moved(warm.ngrams, ngrams, places), again)


class SolveKeywords(TypedDict, total=False):
    """The less common keyword arguments of :func:`solve`."""

    negligible: float
    kept: LexicalBranch | None
    again: NDArray[np.bool_] | None


@takes_keywords(SolveKeywords, negligible=_NEGLIGIBLE)
def solve(
    features: Features,
    size: int,
    targets: NDArray[np.int64],
    outcomes: int,
    *,
    cost: float = 1.0,
    weights: NDArray[np.float32] | None = None,
    threads: int = 1,
    **named: Unpack[SolveKeywords],
) -> LexicalBranch:
    """Fit one linear support vector machine for each outcome, with scikit-learn's liblinear.

    The result does not depend on the number of processes.

    Args:
        features: The n-gram features of the training rows.
        size: Number of n-grams.
        targets: int64 [rows]: the outcome of each row, as a position among the outcomes.
        outcomes: Number of outcomes; an outcome without rows gets a score below all others.
        cost: The cost parameter C: the weight of the squared hinge losses.
        weights: float32 [rows]: weight of each row, 1 by default.
        threads: Number of processes to solve in, if the work is large enough.
        named: ``negligible``: weights with a smaller absolute value are dropped (default 0.001).
            ``kept``: a map over the same n-grams and outcomes, whose machines are reused.
            ``again``: bool [outcomes]: which of these machines are solved again.  If one of the
            last two is missing, all machines are solved.

    Returns:
        The linear map from n-grams to outcome scores.

    Raises:
        TypeError: A keyword argument is unknown.
    """
    check_keywords(solve, named)
    kept, again = named.get("kept"), named.get("again")
    present = np.unique(targets)
    if kept is not None and again is not None:
        machines = _Machines.kept_from(kept, again)
        unsolved = present[again[present]]
    else:
        machines = _Machines(outcomes)
        unsolved = present
    if len(present) > 1:
        matrix = features.matrix.astype(np.float64)
        solved = solve_all(matrix, targets, weights, unsolved.tolist(), cost, threads)
        for outcome, (intercept, weight) in zip(unsolved.tolist(), solved, strict=True):
            machines.add(outcome, intercept, weight, named.get("negligible", _NEGLIGIBLE))
    else:
        machines.bias[present] = 1.0
    return machines.to_branch(size)


class _Machines:
    """The weights of a map, collected machine by machine."""

    def __init__(self, outcomes: int) -> None:
        none = np.zeros(0, np.int64)
        self.bias = np.full(outcomes, ABSENT, np.float32)
        self.features = [none]
        self.outcomes = [none]
        self.values = [none.astype(np.float16)]

    @classmethod
    def kept_from(cls, branch: LexicalBranch, again: NDArray[np.bool_]) -> "_Machines":
        """The machines of a map without those that are solved again, bool [outcomes]."""
        machines = cls(len(again))
        features, outcomes, values = branch.entries()
        stays = ~again[outcomes]
        machines.features.append(features[stays])
        machines.outcomes.append(outcomes[stays])
        machines.values.append(values[stays])
        machines.bias[~again] = branch.bias.cpu().numpy()[~again]
        return machines

    def add(
        self, outcome: int, intercept: float, weight: NDArray[np.float16], negligible: float
    ) -> None:
        """Add a machine, without weights of a smaller absolute value than ``negligible``."""
        self.bias[outcome] = intercept
        features = np.flatnonzero(np.abs(weight) >= negligible)
        self.features.append(features)
        self.outcomes.append(np.full(len(features), outcome))
        self.values.append(weight[features])

    def to_branch(self, size: int) -> LexicalBranch:
        """The map of all machines over ``size`` n-grams."""
        return LexicalBranch.from_entries(
            np.concatenate(self.features),
            np.concatenate(self.outcomes),
            np.concatenate(self.values),
            self.bias,
            size,
        )
