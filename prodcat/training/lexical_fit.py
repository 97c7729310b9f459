"""Fit the n-gram branch: a linear support vector machine for each outcome and each branch."""

import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypedDict, Unpack

import numpy as np
import torch
from numpy.typing import NDArray

from prodcat.classifier.classifier import Classifier
from prodcat.errors import check_keywords, takes_keywords
from prodcat.model.lexical import ABSENT, LexicalBranch
from prodcat.model.ngrams import CountedNGrams, Features, NGrams, newest_version
from prodcat.model.path_steps import choice_nodes, choice_spans
from prodcat.taxonomy.tree import Taxonomy
from prodcat.training.progress import progress_bar
from prodcat.training.rows import LabelledRows
from prodcat.training.settings import Setup
from prodcat.training.svm import MachineRows, solve_all
from prodcat.training.warm_start import match_nodes

logger = logging.getLogger("prodcat")
_NEGLIGIBLE = 1e-3
SHARE_TO_MEASURE = 0.4  # of the rows of others, for machines that only measure


@dataclass(frozen=True)
class FittedNGrams:
    """The fitted n-gram branch of a classifier.

    Attributes:
        ngrams: The vocabulary.
        branch: The linear map from n-grams to the scores of outcomes and branches.
    """

    ngrams: NGrams
    branch: LexicalBranch

    def margins(self, texts: list[str]) -> torch.Tensor:
        """The scores of texts, float32 [texts, choice]."""
        with torch.no_grad():
            scores: torch.Tensor = self.branch(self.ngrams(texts))
        return scores


def fit_lexical(
    rows: LabelledRows,
    taxonomy: Taxonomy,
    setup: Setup,
    warm: Classifier | None = None,
    counts: NDArray[np.int64] | None = None,
    progress: bool = False,
    counted: CountedNGrams | None = None,
    share: float = 1.0,
) -> FittedNGrams:
    """Choose the n-grams and fit a support vector machine for each outcome and each branch.

    Partial labels teach the machines of the nodes along them.

    Args:
        rows: The rows to learn.
        taxonomy: The tree.
        setup: The settings of the fit.
        warm: A classifier whose machines are reused, or None.  If it has the same settings of
            n-grams, the machines of nodes whose titles did not change are kept.
        counts: int64 [nodes]: number of titles labelled with each node; needed with ``warm``.
        progress: Whether to show a progress bar of the machines that are solved.
        counted: The n-grams of the rows by :func:`count_ngrams`, if they are counted already.
        share: Of the rows of others that a machine usually learns; the setting ``lexical_share``
            if that is less.

    Returns:
        The n-grams and the machines.
    """
    model, ranks = setup.model, setup.ranks
    if warm is not None and (counts is None or not _same_kind(setup, warm)):
        warm = None
    if counted is None:
        counted = count_ngrams(rows, setup, warm, progress)
    machines = len(choice_nodes(taxonomy))
    with progress_bar(machines, "n-grams", "machine", progress and ranks.writes) as bar:
        like = None if warm is None else warm.ngrams
        ngrams, features = NGrams.of_counts(counted, model.characters, like)
        kept = None
        if warm is not None and counts is not None:
            kept = _kept_machines(rows, counts, taxonomy, warm, ngrams)
        branch = None
        if ranks.writes:
            branch = solve(
                features,
                taxonomy.target_spans[rows.targets],
                choice_spans(taxonomy),
                cost=setup.training.lexical_cost,
                weights=rows.weights,
                processes=_processes(setup),
                kept=None if kept is None else kept.branch,
                again=None if kept is None else kept.again,
                share=min(share, setup.training.lexical_share),
                solved=bar.update,
            )
    branch = ranks.agree(branch)
    assert branch is not None
    return FittedNGrams(ngrams, branch)


def count_ngrams(
    rows: LabelledRows, setup: Setup, warm: Classifier | None = None, progress: bool = False
) -> CountedNGrams:
    """Count the n-grams of rows, once for all machines; arguments as for :func:`fit_lexical`."""
    model = setup.model
    like = None if warm is None or not _same_kind(setup, warm) else warm.ngrams
    fields = None if like is None else like.fields
    shown = progress and setup.ranks.writes
    with progress_bar(len(rows), "counting n-grams", "title", shown) as bar:
        return CountedNGrams.of(
            rows.texts, model.characters, model.max_features, fields, bar.update
        )


def _processes(setup: Setup) -> int:
    # torchrun gives each process one thread; the others wait for this one.
    return torch.get_num_threads() if setup.ranks.size == 1 else os.cpu_count() or 1


def out_of_fold_margins(
    rows: LabelledRows,
    fold: NDArray[np.int64],
    asked: NDArray[np.int64],
    taxonomy: Taxonomy,
    setup: Setup,
    progress: bool = False,
    counted: CountedNGrams | None = None,
) -> torch.Tensor:
    """The scores of rows by machines that did not learn their fold.

    Each fold's vocabulary and frequencies are those of the other folds, as a new title's are those
    of the titles that were learned.

    Args:
        rows: All rows to learn.
        fold: int64 [rows]: the fold of each row; -1 for rows that are always learned.
        asked: int64 [n]: the positions of the rows to score; folds without any are not solved.
        taxonomy: The tree.
        setup: The settings of the fit.
        progress: Whether to show a progress bar of the machines that are solved.
        counted: The n-grams of the rows by :func:`count_ngrams`, if they are counted already.

    Returns:
        float32 [n, choice].
    """
    ranks = setup.ranks
    spans, machines = taxonomy.target_spans[rows.targets], choice_spans(taxonomy)
    margins = torch.zeros(len(asked), len(machines))
    if ranks.writes:
        numbers = np.unique(fold[asked]).tolist()
        if counted is None:
            counted = count_ngrams(rows, setup, progress=progress)
        total = len(numbers) * len(machines)
        with progress_bar(total, "n-grams out of fold", "machine", progress) as bar:
            for number in numbers:
                learned = fold != number
                features = counted.features(counted.idf(learned))
                branch = solve(
                    features.take(np.flatnonzero(learned)),
                    spans[learned],
                    machines,
                    cost=setup.training.lexical_cost,
                    weights=rows.weights[learned],
                    processes=_processes(setup),
                    share=min(SHARE_TO_MEASURE, setup.training.lexical_share),
                    solved=bar.update,
                )
                places = np.flatnonzero(fold[asked] == number)
                with torch.no_grad():
                    margins[torch.from_numpy(places)] = branch(features.take(asked[places]))
    return ranks.agree(margins)


def _same_kind(setup: Setup, warm: Classifier) -> bool:
    """Whether the warm start's machines were fitted with the same settings of n-grams."""
    requested, available = (
        (
            model.characters,
            model.max_features,
            training.lexical_cost,
            training.lexical_share,
        )
        for model, training in ((setup.model, setup.training), (warm.model, warm.training))
    )
    machines = len(choice_nodes(warm.taxonomy))
    return (
        warm.ngrams is not None
        and warm.reader.migrations is None  # its machines are those of another tree
        and warm.ngrams.version == newest_version(len(warm.text_columns))
        and warm.network.lexical is not None
        and len(warm.network.lexical.bias) == machines
        and requested == available
    )


@dataclass(frozen=True)
class _KeptMachines:
    """Machines of a warm start, moved to the new n-grams and nodes.

    Attributes:
        branch: The machines.
        again: bool [choice]: which of them must be solved again.
    """

    branch: LexicalBranch
    again: NDArray[np.bool_]


def _kept_machines(
    rows: LabelledRows,
    counts: NDArray[np.int64],
    taxonomy: Taxonomy,
    warm: Classifier,
    ngrams: NGrams,
) -> _KeptMachines:
    """The machines of a warm start; those of nodes whose titles changed are solved again."""
    assert warm.network.lexical is not None and warm.ngrams is not None
    source = match_nodes(warm.taxonomy, taxonomy)
    before = np.where(source >= 0, warm.counts[source], -1)
    new = np.bincount(rows.targets[~warm.knows(rows.hashes)], minlength=len(taxonomy))
    changed = (before != counts) | (new > 0)
    below = changed.copy()
    for start, end in reversed(taxonomy.level_bounds[1:]):
        nodes = np.flatnonzero(below[start:end]) + start
        below[taxonomy.parent[nodes]] = True
    nodes, outcomes = choice_nodes(taxonomy), len(taxonomy.outcomes)
    again = np.concatenate([changed[nodes[:outcomes]], below[nodes[outcomes:]]])
    old_nodes = choice_nodes(warm.taxonomy)
    places = np.full((2, len(warm.taxonomy)), -1, np.int64)
    old_outcomes = len(warm.taxonomy.outcomes)
    places[0, old_nodes[:old_outcomes]] = np.arange(old_outcomes)
    places[1, old_nodes[old_outcomes:]] = np.arange(old_outcomes, len(old_nodes))
    kind = (np.arange(len(nodes)) >= outcomes).astype(np.int64)
    moved = np.where(source[nodes] >= 0, places[kind, source[nodes]], -1)
    return _KeptMachines(
        warm.network.lexical.moved(warm.ngrams, ngrams, moved), again | (moved < 0)
    )


class SolveKeywords(TypedDict, total=False):
    """The less common keyword arguments of :func:`solve`."""

    negligible: float
    share: float
    kept: LexicalBranch | None
    again: NDArray[np.bool_] | None
    solved: Callable[[int], object]


@takes_keywords(SolveKeywords, negligible=_NEGLIGIBLE, share=1.0)
def solve(
    features: Features,
    spans: NDArray[np.int64],
    machines: NDArray[np.int64],
    *,
    cost: float = 1.0,
    weights: NDArray[np.float32] | None = None,
    processes: int = 1,
    **named: Unpack[SolveKeywords],
) -> LexicalBranch:
    """Fit linear support vector machines, with scikit-learn's liblinear.

    The result does not depend on the number of processes.

    Args:
        features: The n-gram features of the training rows.
        spans: int64 [rows, 2]: start and end of the outcomes that each row's label allows.
        machines: int64 [machines, 2]: the outcomes that each machine separates from all others; a
            machine without rows gets a score below all others.
        cost: The cost parameter C: the weight of the squared hinge losses.
        weights: float32 [rows]: weight of each row, 1 by default.
        processes: Number of processes to solve in, if the work is large enough.
        named: ``negligible``: weights with a smaller absolute value are dropped (default 0.001).
            ``share``: of the rows of others that a machine usually learns (default 1).
            ``kept``: a map over the same n-grams and machines, whose machines are reused.
            ``again``: bool [machines]: which of these machines are solved again.  If one of the
            last two is missing, all machines are solved.
            ``solved``: is called with the number of machines solved since the last call.

    Returns:
        The linear map from n-grams to the scores of the machines.

    Raises:
        TypeError: A keyword argument is unknown.
    """
    check_keywords(solve, named)
    kept, again = named.get("kept"), named.get("again")
    if kept is None or again is None:
        collected, again = _Machines(len(machines)), np.ones(len(machines), np.bool_)
    else:
        collected = _Machines.kept_from(kept, again)
    row_weights = np.ones(len(features), np.float32) if weights is None else weights
    rows = MachineRows(features.matrix, spans, row_weights)
    solved = solve_all(
        rows,
        machines[again],
        cost=cost,
        processes=processes,
        share=named.get("share", 1.0),
        negligible=named.get("negligible", _NEGLIGIBLE),
        solved=named.get("solved", int),
    )
    for machine, (intercept, feature, value) in zip(np.flatnonzero(again), solved, strict=True):
        collected.add(int(machine), intercept, feature, value)
    return collected.to_branch(features.matrix.shape[1])


class _Machines:
    """The weights of a map, collected machine by machine."""

    def __init__(self, machines: int) -> None:
        none = np.zeros(0, np.int32)
        self.bias = np.full(machines, ABSENT, np.float32)
        self.features: list[NDArray[np.integer[Any]]] = [none]
        self.machines: list[NDArray[np.integer[Any]]] = [none]
        self.values = [none.astype(np.float16)]

    @classmethod
    def kept_from(cls, branch: LexicalBranch, again: NDArray[np.bool_]) -> "_Machines":
        """The machines of a map without those that are solved again, bool [machines]."""
        machines = cls(len(again))
        features, columns, values = branch.entries()
        stays = ~again[columns]
        machines.features.append(features[stays])
        machines.machines.append(columns[stays])
        machines.values.append(values[stays])
        machines.bias[~again] = branch.bias.cpu().numpy()[~again]
        return machines

    def add(
        self,
        machine: int,
        intercept: float,
        features: NDArray[np.int32],
        values: NDArray[np.float16],
    ) -> None:
        """Add a machine; one that learned no row of its node keeps a score below all others."""
        if not len(features) and intercept < 0:
            return
        self.bias[machine] = intercept
        self.features.append(features)
        self.machines.append(np.full(len(features), machine, np.int32))
        self.values.append(values)

    def to_branch(self, size: int) -> LexicalBranch:
        """The map of all machines over ``size`` n-grams."""
        return LexicalBranch.from_entries(
            np.concatenate(self.features),
            np.concatenate(self.machines),
            np.concatenate(self.values),
            self.bias,
            size,
        )
