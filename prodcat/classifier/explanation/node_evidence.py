"""Where the words of a category are known from, also if changes of the tree have made it.

A category that the classifier has learned has scores by the n-grams of titles.  One that others
were merged into has the scores of each of them.  A part of a split category, and an added one, have
the scores that were learned from titles when the tree changed.
"""

from dataclasses import dataclass

import numpy as np

from prodcat.classifier.migration.title_scores import TitleScores
from prodcat.classifier.parts import ClassifierParts
from prodcat.model.outcome_map import OutcomeMap


@dataclass(frozen=True, eq=False)
class LearnedColumn:
    """A score of titles that was learned when the tree changed.

    Attributes:
        scores: The scores of titles.
        column: The column of the score.
        others: The columns of the other parts of the same split category; none for an added one.
    """

    scores: TitleScores
    column: int
    others: tuple[int, ...] = ()


@dataclass(frozen=True, eq=False)
class NodeEvidence:
    """Where the words of a category are known from.

    Attributes:
        learned: The nodes of the learned tree that have become it.
        columns: The scores by which it was told from others when the tree changed.
    """

    learned: tuple[int, ...] = ()
    columns: tuple[LearnedColumn, ...] = ()


def node_evidence(parts: ClassifierParts, node: int) -> NodeEvidence:
    """Where the words of a category are known from.

    Args:
        parts: The parts of the classifier.
        node: The category, a node of the tree of the answers.
    """
    migrations = parts.reader.migrations
    if migrations is None:
        return NodeEvidence((node,))
    same = int(migrations.learned_nodes[node])
    if same >= 0:
        return NodeEvidence((same,))
    start, end = parts.taxonomy.target_spans[node].tolist()
    outcomes, columns = set(range(start, end)), list[LearnedColumn]()
    for step in reversed(migrations.steps):
        before, told = _before(step.outcome_map, outcomes)
        if step.scores is not None:
            columns += [LearnedColumn(step.scores, column, others) for column, others in told]
        outcomes = before
    learned = parts.learned_tree.outcomes[sorted(outcomes)].tolist()
    return NodeEvidence(tuple(learned), tuple(columns))


def _before(
    outcomes: OutcomeMap, after: set[int]
) -> tuple[set[int], list[tuple[int, tuple[int, ...]]]]:
    """What outcomes were before a change of the tree.

    Args:
        outcomes: The map of the change.
        after: Outcomes of the tree after it.

    Returns:
        The outcomes before that have become only these, and the columns of scores that give some
        of these a part of others, or make them of nothing, each with those of the other parts.
    """
    first, merged = outcomes.first.cpu().numpy(), outcomes.merged_from.cpu().numpy()
    before = {int(first[outcome]) for outcome in after}
    into = outcomes.merged_into.cpu().tolist()
    before.update(
        each for place, outcome in enumerate(into) if outcome in after
        for each in merged[place].tolist()
    )  # fmt: skip
    columns: list[tuple[int, tuple[int, ...]]] = [
        (column, ()) for outcome, column in outcomes.added.cpu().tolist() if outcome in after
    ]
    shared = outcomes.shared.cpu().numpy()
    for start, end, scored in outcomes.groups:
        [old, *_], parts, of_parts = shared[start:end].T.tolist()
        inside = [part in after for part in parts]
        if all(inside):
            before.add(old)
        elif scored and any(inside):
            others = tuple(np.array(of_parts)[~np.array(inside)].tolist())
            columns += [
                (column, others)
                for column, is_inside in zip(of_parts, inside, strict=True)
                if is_inside
            ]
    return before - {outcomes.outcomes}, columns
