"""What went wrong: categories with the most wrong answers, and wrong answers to look at."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from prodcat.insight.arrays import Ints
from prodcat.insight.neighbours import Neighbours
from prodcat.insight.report.figures import wilson
from prodcat.taxonomy.paths import join_path
from prodcat.taxonomy.tree import Taxonomy

if TYPE_CHECKING:
    from prodcat.catalog.catalog import Catalog
    from prodcat.evaluation.judged_rows import JudgedRows

WORST = 40  # categories
_EXAMPLES = 60
_NEIGHBOURS = 3


@dataclass(frozen=True)
class WorstCategory:
    """A category in which products end and many were answered wrongly.

    Attributes:
        path: Its path as a text.
        rows: Rows that are labelled with it.
        wrong: Those of them that were answered wrongly.
        accuracy: Share of them that was answered rightly.
        interval: The 95 % interval of that share.
        answer: The commonest wrong answer, and how often it was given.
    """

    path: str
    rows: int
    wrong: int
    accuracy: float
    interval: tuple[float, float]
    answer: str


@dataclass(frozen=True)
class Example:
    """A wrong answer.

    Attributes:
        title: The title.
        label: Path of its label as a text.
        answer: Path of the answer as a text.
        confidence: Probability of the answer, or None where it is not known.
        neighbours: The labelled titles that are most like it: title and path of each.
    """

    title: str
    label: str
    answer: str
    confidence: float | None
    neighbours: tuple[tuple[str, str], ...] = ()

    @property
    def neighbour_text(self) -> str:
        """The neighbours in one line; empty if there are none."""
        return "; ".join(f"{title} [{path}]" for title, path in self.neighbours)


def worst_categories(judged: "JudgedRows", taxonomy: Taxonomy) -> list[WorstCategory]:
    """Where products end and most are lost, with what is answered instead.

    Args:
        judged: The rows with their labels and answers.
        taxonomy: The tree.
    """
    wrong = ~judged.correct
    size = len(taxonomy) + 2  # two answers are no nodes
    pairs, counts = np.unique(
        judged.targets[wrong] * size + judged.ends[wrong] + 2, return_counts=True
    )
    targets, answers = pairs // size, pairs % size - 2
    lost = np.bincount(targets, counts, minlength=len(taxonomy)).astype(np.int64)
    rows = np.bincount(judged.targets, minlength=len(taxonomy))
    low, high = wilson(rows - lost, rows)
    worst = []
    for node in np.argsort(-lost, kind="stable")[:WORST].tolist():
        if not lost[node]:
            break
        of_node = np.flatnonzero(targets == node)
        commonest = of_node[np.argmax(counts[of_node])]
        answer = _path_text(taxonomy, int(answers[commonest]))
        worst.append(
            WorstCategory(
                path=_path_text(taxonomy, node),
                rows=int(rows[node]),
                wrong=int(lost[node]),
                accuracy=float(1 - lost[node] / rows[node]),
                interval=(float(low[node]), float(high[node])),
                answer=f"{answer} ({counts[commonest]:,})",
            )
        )
    return worst


def examples_of(
    judged: "JudgedRows", taxonomy: Taxonomy, titles: Sequence[str], known: "Catalog | None"
) -> list[Example]:
    """Mistakes: the surest first, each node once before any is there twice.

    Args:
        judged: The rows with their labels and answers.
        taxonomy: The tree.
        titles: The title of each row.
        known: Labelled titles among which neighbours are looked for, or None.
    """
    examples = [
        Example(
            title=titles[row],
            label=_path_text(taxonomy, int(judged.targets[row])),
            answer=_path_text(taxonomy, int(judged.ends[row])),
            confidence=None if judged.confidence is None else float(judged.confidence[row]),
        )
        for row in _rows_of_examples(judged).tolist()
    ]
    if known is None or not examples:
        return examples
    return _with_neighbours(examples, known.take(known.labelled))


def _rows_of_examples(judged: "JudgedRows") -> Ints:
    rows = np.flatnonzero(~judged.correct)
    if judged.confidence is not None:
        rows = rows[np.argsort(-judged.confidence[rows], kind="stable")]
    seen: dict[int, int] = {}
    turn = []
    for row in rows.tolist():
        target = int(judged.targets[row])
        turn.append(seen.get(target, 0))
        seen[target] = turn[-1] + 1
    return rows[np.argsort(turn, kind="stable")][:_EXAMPLES]


def _with_neighbours(examples: Sequence[Example], labelled: "Catalog") -> list[Example]:
    nearest = Neighbours(labelled.titles)
    places, likeness = nearest([example.title for example in examples], _NEIGHBOURS)
    paths = labelled.paths
    return [
        replace(
            example,
            neighbours=tuple(
                (labelled.titles[place], join_path(paths[place] or ()))
                for place, value in zip(near.tolist(), alike, strict=True)
                if value > 0
            ),
        )
        for example, near, alike in zip(examples, places, likeness, strict=True)
    ]


def _path_text(taxonomy: Taxonomy, node: int) -> str:
    return join_path(taxonomy.paths[node]) if node >= 0 else "(no category)"
