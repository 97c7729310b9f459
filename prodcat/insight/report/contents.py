"""The contents of a report, which the HTML page and the Markdown share."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from prodcat.catalog.catalog import Catalog
from prodcat.evaluation.comparison import Comparison
from prodcat.evaluation.evaluation import Evaluation
from prodcat.evaluation.judged_rows import JudgedRows
from prodcat.insight.arrays import Ints
from prodcat.insight.neighbours import labelled_neighbours
from prodcat.insight.page import Kind, shown
from prodcat.insight.report.figures import NodeFigures, node_figures, wilson
from prodcat.taxonomy.paths import join_path
from prodcat.taxonomy.tree import Taxonomy

WORST = 40  # categories in a table
_MOST_EXAMPLES = 60
_HEADLINES: tuple[tuple[str, str, Kind], ...] = (
    ("path_accuracy", "path accuracy", "share"),
    ("coverage", "answer is the label or above it", "share"),
    ("hierarchical_f1", "hierarchical F1", "share"),
    ("macro_f1", "macro F1", "share"),
    ("tail_recall", "recall of the rarest categories", "share"),
    ("tree_distance", "tree distance", "figure"),
    ("ece", "calibration error", "figure"),
    ("risk_coverage_area", "area under the risk-coverage curve", "figure"),
)
Table = tuple[Sequence[tuple[str, Kind]], Sequence[Sequence[Any]]]  # columns with kinds, rows


@dataclass(frozen=True)
class WorstCategory:
    """A category that many wrongly answered rows are labelled with.

    Attributes:
        path: Path of the category as text.
        rows: Number of rows that are labelled with the category.
        wrong: Number of these rows that were answered wrongly.
        accuracy: Share of these rows that were answered correctly.
        interval: Lower and upper end of the 95 % interval of that share.
        answer: The most common wrong answer and, in brackets, how often it was given.
    """

    path: str
    rows: int
    wrong: int
    accuracy: float
    interval: tuple[float, float]
    answer: str


@dataclass(frozen=True)
class Example:
    """A title with a wrong answer.

    Attributes:
        title: The title.
        label: Path of its label as text.
        answer: Path of the answer as text.
        confidence: Probability of the answer, or None if it is not known.
        neighbours: Title and path of each of the labelled titles that are most similar to it.
    """

    title: str
    label: str
    answer: str
    confidence: float | None
    neighbours: tuple[tuple[str, str], ...] = ()

    @property
    def neighbour_text(self) -> str:
        """The neighbours in one line; an empty string if there are none."""
        return "; ".join(f"{title} [{path}]" for title, path in self.neighbours)


@dataclass(frozen=True, eq=False)
class Contents:
    """The contents of a report.

    Attributes:
        name: Name of the classifier that was evaluated.
        evaluation: The evaluation.
        taxonomy: The tree of the labels and answers.
        comparison: Differences from the classifier in production, or None.
        titles: Titles of the evaluated rows, or None.
        known: Labelled titles to search for neighbours of the examples, or None.
    """

    name: str
    evaluation: Evaluation
    taxonomy: Taxonomy
    comparison: Comparison | None
    titles: Sequence[str] | None
    known: Catalog | None

    @cached_property
    def figures(self) -> NodeFigures | None:
        """Rows and correct answers of each node; None if individual rows are not known."""
        judged = self.evaluation.judged
        return None if judged is None else node_figures(judged, len(self.taxonomy))

    @cached_property
    def worst(self) -> Sequence[WorstCategory]:
        """The categories with the most wrong answers; empty if individual rows are not known."""
        judged = self.evaluation.judged
        return [] if judged is None else worst_categories(judged, self.taxonomy)

    @cached_property
    def examples(self) -> Sequence[Example]:
        """Examples of wrong answers; empty without titles or if individual rows are not known."""
        judged = self.evaluation.judged
        if judged is None or self.titles is None:
            return []
        return examples_of(judged, self.taxonomy, self.titles, self.known)

    def headlines(self) -> list[tuple[str, str, str]]:
        """The figures of all rows: name, value, and the interval or an empty string."""
        headlines = [("evaluated rows", f"{self.evaluation.rows:,}", "")]
        for metric, label, kind in _HEADLINES:
            value = getattr(self.evaluation, metric)
            if value is None:
                continue
            interval = self.evaluation.intervals.get(metric)
            ends = [] if interval is None else [interval.low, interval.high]
            text = " to ".join(shown(kind, end) for end in ends)
            headlines.append((label, shown(kind, value), text))
        return headlines

    def differences(self) -> list[tuple[str, float, float, float, str]]:
        """The differences from production; empty without a comparison.

        Returns:
            For each metric its name, the difference, the lower and the upper end of the
            difference's interval, and the verdict.
        """
        if self.comparison is None:
            return []
        return [
            (
                metric.replace("_", " "),
                difference.value,
                difference.low,
                difference.high,
                self.comparison.verdict(metric),
            )
            for metric, difference in self.comparison.differences.items()
        ]

    def levels(self) -> Table:
        """A table of the figures of each level of the tree."""
        return (
            [("level", "count"), ("rows", "count"), ("accuracy", "share"), ("macro F1", "share"),
             ("calibration error", "figure"), ("answers that end here", "share")],
            [
                (level.level, level.rows, level.accuracy, level.macro_f1, level.ece,
                 level.answers_end)
                for level in self.evaluation.levels
            ],
        )  # fmt: skip

    def worst_categories(self) -> Table:
        """A table of the categories with the most wrong answers."""
        return (
            [("category", "text"), ("rows", "count"), ("wrong", "count"), ("accuracy", "share"),
             ("95 % interval", "interval"), ("most common wrong answer", "text")],
            [
                (category.path, category.rows, category.wrong, category.accuracy,
                 category.interval, category.answer)
                for category in self.worst
            ],
        )  # fmt: skip

    def confusions(self) -> Table:
        """A table of the mistakes, grouped by the deepest common ancestor of label and answer."""
        return (
            [("common ancestor", "text"), ("level", "count"), ("mistakes", "count"),
             ("share of all mistakes", "share"), ("most common: label → answer", "text")],
            [
                (group.ancestor, group.level, group.rows, group.share,
                 "; ".join(f"{truth} → {answer} ({rows:,})"
                           for truth, answer, rows in group.branches[:3]))
                for group in self.evaluation.confusion_groups[:WORST]
            ],
        )  # fmt: skip

    def wrong_answers(self) -> Table:
        """A table of the examples of wrong answers."""
        return (
            [("title", "text"), ("label", "text"), ("answer", "text"), ("confidence", "share"),
             ("most similar labelled titles", "text")],
            [
                (example.title, example.label, example.answer, example.confidence,
                 example.neighbour_text or None)
                for example in self.examples
            ],
        )  # fmt: skip


def worst_categories(judged: JudgedRows, taxonomy: Taxonomy) -> list[WorstCategory]:
    """Find the categories with the most wrong answers.

    Args:
        judged: The rows with their labels and answers.
        taxonomy: The tree.

    Returns:
        At most 40 categories, the one with the most wrong answers first.
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
    judged: JudgedRows, taxonomy: Taxonomy, titles: Sequence[str], known: Catalog | None
) -> list[Example]:
    """Choose wrong answers as examples.

    Args:
        judged: The rows with their labels and answers.
        taxonomy: The tree.
        titles: The title of each row.
        known: Labelled titles to search for neighbours, or None.

    Returns:
        At most 60 examples: first the most confident wrong answer of each label, then the second
        most confident one of each label, and so on.
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


def _rows_of_examples(judged: JudgedRows) -> Ints:
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
