"""The contents of a report, which the HTML page and the Markdown share."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from prodcat.catalog.catalog import Catalog
from prodcat.evaluation.comparison import Comparison
from prodcat.evaluation.evaluation import Evaluation
from prodcat.evaluation.judged_rows import JudgedRows
from prodcat.insight.arrays import Floats, Ints
from prodcat.insight.neighbours import labelled_neighbours
from prodcat.insight.page_table import Column, Kind, PageTable, shown
from prodcat.insight.report.categories import (
    WORST,
    CategoryFigures,
    categories_table,
    departments,
    to_check,
    worst_categories,
)
from prodcat.insight.report.example_reasons import ExampleReasons
from prodcat.insight.report.figures import NodeFigures, node_figures
from prodcat.taxonomy.paths import join_path
from prodcat.taxonomy.tree import Taxonomy

_MOST_EXAMPLES = 60
_HEADLINES: tuple[tuple[str, str, Kind], ...] = (
    ("path_accuracy", "path accuracy", "share"),
    ("coverage", "answer is the label or above it", "share"),
    ("hierarchical_f1", "hierarchical F1", "share"),
    ("macro_f1", "macro F1", "share"),
    ("tail_recall", "recall of the rarest categories", "share"),
    ("tree_distance", "tree distance", "figure"),
    ("ece", "calibration error", "share"),
    ("risk_coverage_area", "area under the risk-coverage curve", "share"),
)


@dataclass(frozen=True)
class Example:
    """A title with a wrong answer.

    Attributes:
        title: The title.
        label: Path of its label as text.
        answer: Path of the answer as text.
        confidence: Probability of the answer, or None if it is not known.
        neighbours: Title and path of each of the labelled titles that are most similar to it.
        reason: Why the answer is not the label; empty if the classifier was not asked.
    """

    title: str
    label: str
    answer: str
    confidence: float | None
    neighbours: tuple[tuple[str, str], ...] = ()
    reason: str = ""

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
        weights: float64 [rows]: what a wrong answer to each row costs; None if all cost the same.
        reasons: Says why the answers of the examples are wrong, or None.
    """

    name: str
    evaluation: Evaluation
    taxonomy: Taxonomy
    comparison: Comparison | None
    titles: Sequence[str] | None
    known: Catalog | None
    weights: Floats | None = None
    reasons: ExampleReasons | None = None

    @cached_property
    def figures(self) -> NodeFigures | None:
        """Rows and correct answers of each node; None if individual rows are not known."""
        judged = self.evaluation.judged
        return None if judged is None else node_figures(judged, len(self.taxonomy))

    @cached_property
    def departments(self) -> Sequence[CategoryFigures]:
        """The departments, the costliest first; empty if individual rows are not known."""
        judged = self.evaluation.judged
        return [] if judged is None else departments(judged, self.taxonomy, self._cost(judged))

    @cached_property
    def worst(self) -> Sequence[CategoryFigures]:
        """The categories with the costliest wrong answers; empty without individual rows."""
        judged = self.evaluation.judged
        return [] if judged is None else worst_categories(judged, self.taxonomy, self._cost(judged))

    @property
    def checks(self) -> Sequence[CategoryFigures]:
        """The categories that are to be checked first."""
        return to_check(self.worst)

    def _cost(self, judged: JudgedRows) -> Floats:
        return np.ones(len(judged)) if self.weights is None else self.weights

    @cached_property
    def examples(self) -> Sequence[Example]:
        """Examples of wrong answers; empty without titles or if individual rows are not known."""
        judged = self.evaluation.judged
        if judged is None or self.titles is None:
            return []
        return examples_of(judged, self.taxonomy, self.titles, self.known, self.reasons)

    def headlines(self) -> list[tuple[str, str, str]]:
        """The figures of all rows: name, value, and the interval or an empty string."""
        headlines = [("evaluated rows", f"{self.evaluation.rows:,}", "")]
        for metric, label, kind in _HEADLINES:
            value = getattr(self.evaluation, metric)
            if value is None:
                continue
            interval = self.evaluation.intervals.get(metric)
            text = "" if interval is None else _range(kind, interval.low, interval.high)
            headlines.append((label, shown(kind, value), text))
        return headlines

    def metrics(self) -> PageTable:
        """A table of the figures of all rows for programs, with the names of their attributes."""
        rows = []
        for metric, _, _ in _HEADLINES:
            value, interval = (
                getattr(self.evaluation, metric),
                self.evaluation.intervals.get(metric),
            )
            if value is not None:
                ends = (None, None) if interval is None else (interval.low, interval.high)
                rows.append((metric, value, *ends))
        return PageTable(
            (
                Column("metric", "metric", "text"),
                Column("value", "value", "figure"),
                Column("low", "from", "figure"),
                Column("high", "to", "figure"),
            ),
            rows,
        )

    def differences(self) -> PageTable:
        """The differences from production for programs; without rows if there is no comparison."""
        rows = []
        if self.comparison is not None:
            for metric, difference in self.comparison.differences.items():
                verdict = self.comparison.verdict(metric)
                rows.append((metric, difference.value, difference.low, difference.high, verdict))
        return PageTable(
            (
                Column("metric", "metric", "text"),
                Column("difference", "difference", "figure"),
                Column("low", "from", "figure"),
                Column("high", "to", "figure"),
                Column("verdict", "verdict", "text"),
            ),
            rows,
        )

    def shown_differences(self) -> list[tuple[str, str, str, str]]:
        """The differences from production as texts: metric, difference, interval and verdict."""
        texts = []
        for metric, value, low, high, verdict in self.differences().rows:
            kind: Kind = "figure" if "distance" in metric or "loss" in metric else "points"
            name = metric.replace("_", " ")
            texts.append((name, shown(kind, value), _range(kind, low, high), verdict))
        return texts

    def levels(self) -> PageTable:
        """A table of the figures of each level of the tree."""
        return PageTable(
            (
                Column("level", "level", "count"),
                Column("rows", "titles", "count"),
                Column("accuracy", "right", "share"),
                Column("macro_f1", "macro F1", "share"),
                Column("ece", "calibration error", "share"),
                Column("answers_end", "answers that end here", "share"),
            ),
            [
                (level.level, level.rows, level.accuracy, level.macro_f1, level.ece,
                 level.answers_end)
                for level in self.evaluation.levels
            ],
            "By level of the tree; level 1 is the department",
        )  # fmt: skip

    def department_table(self) -> PageTable:
        """A table of the departments, the costliest wrong answers first."""
        return categories_table(
            self.departments,
            f"Departments by {self._measure}",
            has_weights=self.weights is not None,
        )

    def category_table(self) -> PageTable:
        """A table of the categories with wrong answers, the costliest first."""
        return categories_table(
            self.worst,
            f"Categories by {self._measure}; those better than average last",
            has_weights=self.weights is not None,
            most=WORST,
        )

    @property
    def _measure(self) -> str:
        cost = "" if self.weights is None else ", each times its weight"
        return f"the number of wrong answers{cost}"

    def confusions(self) -> PageTable:
        """A table of the mistakes, grouped by the deepest common ancestor of label and answer."""
        return PageTable(
            (
                Column("ancestor", "mixed up within", "text"),
                Column("level", "level", "count"),
                Column("mistakes", "mistakes", "count"),
                Column("share", "share of all mistakes", "bar"),
                Column("most_common", "most common: label → answer", "text"),
            ),
            [
                (group.ancestor, group.level, group.rows, group.share,
                 "; ".join(f"{truth} → {answer} ({rows:,})"
                           for truth, answer, rows in group.branches[:3]))
                for group in self.evaluation.confusion_groups
            ],
            "Mistakes by the deepest category that contains both the label and the answer",
            WORST,
        )  # fmt: skip

    def reliability(self) -> PageTable:
        """A table of the share of correct answers by confidence."""
        return PageTable(
            (
                Column("confidence", "mean confidence", "share"),
                Column("rows", "titles", "count"),
                Column("accuracy", "right", "share"),
            ),
            [(part.confidence, part.rows, part.accuracy) for part in self.evaluation.reliability],
            "How often answers of each confidence are right",
        )

    def wrong_answers(self) -> PageTable:
        """A table of the examples of wrong answers."""
        columns = (
            Column("title", "title", "text"),
            Column("label", "label", "text"),
            Column("answer", "answer", "text"),
            Column("confidence", "confidence", "share"),
            Column("reason", "why", "text"),
            Column("similar", "most similar labelled titles", "text"),
        )
        rows = [
            (example.title, example.label, example.answer, example.confidence,
             example.reason or None, example.neighbour_text or None)
            for example in self.examples
        ]  # fmt: skip
        empty = {4: self.reasons is None, 5: self.known is None}
        kept = [place for place in range(len(columns)) if not empty.get(place)]
        return PageTable(
            tuple(columns[place] for place in kept),
            [[row[place] for place in kept] for row in rows],
            "Wrong answers",
        )

    def tables(self) -> dict[str, PageTable]:
        """All tables of the report that have rows, by name."""
        tables = {
            "metrics": self.metrics(),
            "levels": self.levels(),
            "departments": self.department_table(),
            "categories": self.category_table(),
            "differences": self.differences(),
            "confusions": self.confusions(),
            "reliability": self.reliability(),
            "examples": self.wrong_answers(),
        }
        return {name: table for name, table in tables.items() if table.rows}


def examples_of(
    judged: JudgedRows,
    taxonomy: Taxonomy,
    titles: Sequence[str],
    known: Catalog | None,
    reasons: ExampleReasons | None = None,
) -> list[Example]:
    """Choose wrong answers as examples.

    Args:
        judged: The rows with their labels and answers.
        taxonomy: The tree.
        titles: The title of each row.
        known: Labelled titles to search for neighbours, or None.
        reasons: Says why the answers are wrong, or None.

    Returns:
        At most 60 examples: first the most confident wrong answer of each label, then the second
        most confident one of each label, and so on.
    """
    rows = _rows_of_examples(judged).tolist()
    neighbours = labelled_neighbours(known, [titles[row] for row in rows])
    labels = [taxonomy.paths[int(judged.targets[row])] for row in rows]
    told = [""] * len(rows) if reasons is None else reasons(rows, labels)
    return [
        Example(
            title=titles[row],
            label=_path_text(taxonomy, int(judged.targets[row])),
            answer=_path_text(taxonomy, int(judged.ends[row])),
            confidence=None if judged.confidence is None else float(judged.confidence[row]),
            neighbours=tuple((near.title, join_path(near.path)) for near in nearest),
            reason=reason,
        )
        for row, nearest, reason in zip(rows, neighbours, told, strict=True)
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


def _range(kind: Kind, low: float, high: float) -> str:
    """Both ends of an interval, with the unit once."""
    if kind == "share":
        return shown("interval", (low, high))
    return f"{shown(kind, low).removesuffix(' points')} to {shown(kind, high)}"


def _path_text(taxonomy: Taxonomy, node: int) -> str:
    return join_path(taxonomy.paths[node]) if node >= 0 else "(no category)"
