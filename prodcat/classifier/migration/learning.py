"""Learns from titles how the probability of a split category is shared out, and what is added.

Each part of a split category gets a logistic regression on the n-grams of titles, against the other
parts.  Its name is one more title, so that a part without titles is known by its name.  Each added
category gets a regression against the names of all other categories and a sample of their titles,
which weigh as much as all titles that the classifier has learned: a category with few titles stays
a rare one, and one of which no other titles are given is told by its name at least.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from prodcat.classifier.migration.outcomes import OutcomePlan, SharedOutcome
from prodcat.classifier.migration.regressions import (
    Collected,
    Problem,
    scale_of_added,
    scale_of_parts,
    solve,
)
from prodcat.classifier.migration.title_scores import TitleScores
from prodcat.model.ngrams import Features, NGrams
from prodcat.taxonomy.arrays import Ints
from prodcat.taxonomy.tree import Taxonomy

# Titles of others that added categories are told from: so many for each of theirs, and at least.
_OTHERS = 2, 600
_SEED = 0
_Floats = NDArray[np.float64]
_LEAST_LIKELY = 0.1  # probability of the split category for a title of a part that others became


@dataclass(frozen=True)
class LabelledTitles:
    """Titles with their categories in the new tree.

    Attributes:
        titles: The titles.
        outcomes: int64 [titles]: the position of each label among the new outcomes, or -1 if the
            label is no outcome.
        likely: By old outcome, float32 [titles]: its probability, where it is needed.
    """

    titles: list[str]
    outcomes: Ints
    likely: Mapping[int, NDArray[np.float32]] = field(default_factory=dict)

    def counts(self, outcomes: int) -> Ints:
        """The number of titles of each new outcome, int64 [outcomes]."""
        return np.bincount(self.outcomes[self.outcomes >= 0], minlength=outcomes)


@dataclass(frozen=True)
class LearnedShares:
    """What was learned.

    Attributes:
        scores: The scores of titles, or None if none are needed.
        columns: For each shared outcome of the plan the columns of its scores.
        added: The columns of the scores of added outcomes that have titles.
        used: int64: the positions of the titles that were learned, ascending.
        titles: int64 [new outcome]: the number of these titles with each label.
    """

    scores: TitleScores | None
    columns: list[tuple[int, ...]]
    added: dict[int, int]
    used: Ints
    titles: Ints


@dataclass(frozen=True)
class TitleReading:
    """How the titles of a migration are read.

    Attributes:
        characters: Lengths of the shortest and the longest character n-gram.
        most: The largest number of n-grams.
        like: N-grams of titles whose frequencies are used, or None.
    """

    characters: tuple[int, int]
    most: int
    like: NGrams | None


def learn_shares(
    plan: OutcomePlan, given: LabelledTitles, reading: TitleReading, learned: int
) -> LearnedShares:
    """Learn the scores that a migration needs.

    Args:
        plan: What becomes of each outcome.
        given: Titles that are labelled with the new tree; there may be none.
        reading: How they are read.
        learned: The number of titles that the classifier has learned.
    """
    size = len(plan.new.outcomes)
    counts = given.counts(size)
    added = [outcome for outcome in plan.added if counts[outcome]]
    groups = [_rows_of(share, plan, given) for share in plan.shared]
    others, weight = _others(plan, given, added, learned)
    rows = np.unique(np.concatenate([*groups, others, np.zeros(0, np.int64)]))
    rows = rows.astype(np.int64)
    if not added and not any(share.scored for share in plan.shared):
        return LearnedShares(None, [()] * len(plan.shared), {}, rows, np.zeros(size, np.int64))
    # The last row of each outcome is its name.
    texts = [given.titles[row] for row in rows.tolist()]
    texts += [_name(plan.new, node) for node in plan.new.outcomes.tolist()]
    ngrams, features = NGrams.fit(texts, reading.characters, reading.most, reading.like)
    learning = _Learning(features, rows, np.concatenate([given.outcomes[rows], np.arange(size)]))
    problems = [
        learning.parts(share, group) if share.scored else None
        for share, group in zip(plan.shared, groups, strict=True)
    ]
    scale = scale_of_parts([problem for problem in problems if problem is not None])
    collected = Collected()
    columns = [
        () if problem is None else collected.add(solve(problem).scaled(scale))
        for problem in problems
    ]
    added_columns: dict[int, int] = {}
    if added:
        names = _name_weights(plan, counts, learned)
        problem = learning.added(added, others, weight, names)
        solution = solve(problem).scaled(*scale_of_added(problem))
        added_columns = dict(zip(added, collected.add(solution)[1:], strict=True))
    titles = np.bincount(given.outcomes[rows], minlength=size)
    return LearnedShares(collected.scores(ngrams), columns, added_columns, rows, titles)


@dataclass(frozen=True)
class _Learning:
    """The titles to learn, followed by the names of all outcomes.

    Attributes:
        features: Their n-grams.
        rows: int64 [titles]: the positions of the titles among those that were given, ascending.
        labels: int64 [titles + outcomes]: the new outcome of each.
    """

    features: Features
    rows: Ints
    labels: Ints

    def parts(self, share: SharedOutcome, group: Ints) -> Problem:
        """The problem of telling the parts of an outcome apart.

        Args:
            share: The outcome.
            group: int64: the titles of its parts, as positions among those that were given.
        """
        parts = np.array(share.new, np.int64)
        picked = np.concatenate([np.searchsorted(self.rows, group), len(self.rows) + parts])
        classes = np.searchsorted(parts, self.labels[picked])
        return self._problem(picked, classes, np.ones(len(picked)))

    def added(self, added: list[int], others: Ints, weight: _Floats, by_name: _Floats) -> Problem:
        """The problem of telling what was added from all others.

        Args:
            added: The added outcomes.
            others: int64: the titles to learn, as positions among those that were given.
            weight: float64: the weight of each of these titles.
            by_name: float64 [new outcome]: the weight of the name of each outcome.
        """
        picked, count = np.searchsorted(self.rows, others), len(self.rows)
        names = np.arange(count, len(self.labels))
        names = names[by_name > 0]
        picked = np.concatenate([picked, names])
        weight = np.concatenate([weight, by_name[by_name > 0]])
        labels = self.labels[picked]
        classes = np.where(np.isin(labels, added), np.searchsorted(added, labels) + 1, 0)
        return self._problem(picked, classes, weight, against_others=True)

    def _problem(
        self,
        picked: Ints,
        classes: Ints,
        weight: _Floats,
        against_others: bool = False,
    ) -> Problem:
        matrix = self.features.matrix[picked].astype(np.float64)
        return Problem(matrix, classes, weight, picked >= len(self.rows), against_others)


def _rows_of(share: SharedOutcome, plan: OutcomePlan, given: LabelledTitles) -> Ints:
    """The titles that teach how a shared outcome is shared out, int64.

    Titles of a part that has other sources count only if they may have been of this outcome.
    """
    if not share.scored:
        return np.zeros(0, np.int64)
    rows = np.flatnonzero(np.isin(given.outcomes, share.new))
    if share.old not in given.likely:
        return rows
    of_others = np.isin(given.outcomes[rows], [o for o in share.new if plan.sources[o]])
    return rows[~of_others | (given.likely[share.old][rows] >= _LEAST_LIKELY)]


def _others(
    plan: OutcomePlan, given: LabelledTitles, added: list[int], learned: int
) -> tuple[Ints, _Floats]:
    """The titles that teach what was added, int64, and their weights, float64.

    Of the titles of all others, those of the same parents and a sample of the rest are learned,
    which stand for all titles that the classifier has learned.
    """
    if not added:
        return np.zeros(0, np.int64), np.zeros(0)
    inside = np.isin(given.outcomes, added)
    parents = plan.new.parent[plan.new.outcomes[added]]
    near = np.isin(plan.new.parent[plan.new.outcomes[given.outcomes]], parents)
    near &= (given.outcomes >= 0) & ~inside
    rest = np.flatnonzero((given.outcomes >= 0) & ~inside & ~near)
    most = max(_OTHERS[0] * int(inside.sum()), _OTHERS[1])
    rng = np.random.default_rng(_SEED)
    strata = [np.flatnonzero(near), rest]
    rows, weights = [np.flatnonzero(inside)], [np.ones(int(inside.sum()))]
    total = sum(map(len, strata))
    for stratum in strata:
        drawn = stratum
        if len(stratum) > most:
            drawn = np.sort(rng.choice(stratum, most, replace=False))
        factor = len(stratum) / max(len(drawn), 1) * max(learned / max(total, 1), 1.0)
        rows.append(drawn)
        weights.append(np.full(len(drawn), factor))
    return np.concatenate(rows), np.concatenate(weights)


def _name_weights(plan: OutcomePlan, counts: Ints, learned: int) -> _Floats:
    """The weight of the name of each outcome where added ones are learned, float64 [new outcome].

    The name of a category without titles stands for its share of the titles that the classifier has
    learned.  Added categories without titles are no answers, so their names tell nothing.
    """
    is_added = np.isin(np.arange(len(counts)), plan.added)
    each = max(learned / max(int((~is_added).sum()), 1), 1.0)
    return np.where(is_added, np.minimum(counts, 1.0), np.where(counts > 0, 1.0, each))


def _name(tree: Taxonomy, node: int) -> str:
    """The names of a node in all languages, as one text."""
    names = [tree.names[node], *(column[node] for column in tree.translations.values())]
    return " ".join(dict.fromkeys(names))
