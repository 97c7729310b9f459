"""The categories with the most wrong answers, and examples of wrong answers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from prodcat.insight.arrays import Ints
from prodcat.insight.neighbours import labelled_neighbours
from prodcat.insight.report.figures import wilson
from prodcat.taxonomy.paths import join_path
from prodcat.taxonomy.tree import Taxonomy

if TYPE_CHECKING:
    from prodcat.catalog.catalog import Catalog
    from prodcat.evaluation.judged_rows import JudgedRows

WORST = 40  # categories in a table
_MOST_EXAMPLES = 60


@dataclass(frozen=True)
class WorstCategory:
    """A category that many rows are labelled with and were answered wrongly.

    Attributes:
        path: Path of the category as a text.
        rows: Rows that are labelled with it.
        wrong: How many of these rows were answered wrongly.
        accuracy: Share of these rows that were answered correctly.
        interval: The 95 % interval of that share.
        answer: The most common wrong answer, and how often it was given.
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
        confidence: Probability of the answer, or None if it is not known.
        neighbours: Title and path of the labelled titles that are most similar to it.
    """

    title: str
    label: str
    answer: str
    confidence: float | None
    neighbours: tuple[tuple[str, str], ...] = ()

    @property
    def neighbour_text(self) -> str:
        """The neighbours in one line; an empty text if there are none."""
        return "; ".join(f"{title} [{path}]" for title, path in self.neighbours)


def worst_categories(judged: "JudgedRows", taxonomy: Taxonomy) -> list[WorstCategory]:
    """The categories with the most wrong answers, the worst first.

    Args:
        judged: The rows with their labels and answers.
        taxonomy: The tree.
    """
    wrong = ~judged.correct
    size = len(taxonomy) + 2  # the answers -2 and -1 stand for no node
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
        mode = of_node[np.argmax(counts[of_node])]
        answer = _path_text(taxonomy, int(answers[mode]))
        worst.append(
            WorstCategory(
                path=_path_text(taxonomy, node),
                rows=int(rows[node]),
                wrong=int(lost[node]),
                accuracy=float(1 - lost[node] / rows[node]),
                interval=(float(low[node]), float(high[node])),
                answer=f"{answer} ({counts[mode]:,})",
            )
        )
    return worst


def examples_of(
    judged: "JudgedRows", taxonomy: Taxonomy, titles: Sequence[str], known: "Catalog | None"
) -> list[Example]:
    """Wrong answers to look at, the most confident first, one for each label before any second.

    Args:
        judged: The rows with their labels and answers.
        taxonomy: The tree.
        titles: The title of each row.
        known: Labelled titles to search for neighbours, or None.
    """
    rows = _rows_of_examples(judged).tolist()
    neighbours = labelled_neighbours(known, [titles[row] for row in rows])
    return [
        Example(
            title=titles[row],
            label=_path_text(taxonomy, int(judged.targets[row])),
            answer=_path_text(taxonomy, int(judged.ends[row])),
            confidence=None if judged.confidence is None else float(judged.confidence[row]),
            neighbours=tuple((near.title, join_path(near.path)) for near in nearest),
        )
        for row, nearest in zip(rows, neighbours, strict=True)
    ]


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
    return rows[np.argsort(turn, kind="stable")][:_MOST_EXAMPLES]


def _path_text(taxonomy: Taxonomy, node: int) -> str:
    return join_path(taxonomy.paths[node]) if node >= 0 else "(no category)"
