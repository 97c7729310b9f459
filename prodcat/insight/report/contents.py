"""The contents of a report, which the page and the Markdown share."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from prodcat.evaluation.comparison import Comparison
from prodcat.evaluation.evaluation import Evaluation
from prodcat.insight.page import Kind, shown
from prodcat.insight.report.figures import NodeFigures, node_figures
from prodcat.insight.report.mistakes import (
    WORST,
    Example,
    WorstCategory,
    examples_of,
    worst_categories,
)
from prodcat.taxonomy.tree import Taxonomy

if TYPE_CHECKING:
    from prodcat.catalog.catalog import Catalog

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


@dataclass(frozen=True, eq=False)
class Contents:
    """The contents of a report.

    Attributes:
        name: Name of the classifier that was evaluated.
        evaluation: The evaluation.
        taxonomy: The tree of the labels and answers.
        comparison: Differences from the classifier in production, or None.
        figures: Rows and correct answers of each node; None if single rows are not known.
        worst: Categories with the most wrong answers.
        examples: Examples of wrong answers; empty without titles.
    """

    name: str
    evaluation: Evaluation
    taxonomy: Taxonomy
    comparison: Comparison | None
    figures: NodeFigures | None
    worst: Sequence[WorstCategory]
    examples: Sequence[Example]

    @classmethod
    def of(
        cls,
        evaluation: Evaluation,
        taxonomy: Taxonomy,
        *,
        titles: Sequence[str] | None,
        known: "Catalog | None",
        comparison: Comparison | None,
        name: str,
    ) -> "Contents":
        """Collect the contents.

        Args:
            evaluation: The evaluation.
            taxonomy: The tree of the labels and answers.
            titles: Titles of the evaluated rows, or None.
            known: Labelled titles to search for neighbours of the examples, or None.
            comparison: Differences from the classifier in production, or None.
            name: Name of the classifier; may be empty.
        """
        judged = evaluation.judged
        examples: list[Example] = []
        if judged is not None and titles is not None:
            examples = examples_of(judged, taxonomy, titles, known)
        return cls(
            name=name or "A classifier",
            evaluation=evaluation,
            taxonomy=taxonomy,
            comparison=comparison,
            figures=None if judged is None else node_figures(judged, len(taxonomy)),
            worst=[] if judged is None else worst_categories(judged, taxonomy),
            examples=examples,
        )

    def headlines(self) -> list[tuple[str, str, str]]:
        """The figures of all rows: name, value, and the interval or an empty text."""
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
        """Metric, difference, lower end, upper end and verdict; empty without a comparison."""
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
        """The figures of each level of the tree."""
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
        """The categories with the most wrong answers."""
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
        """The mistakes by the deepest category that label and answer have in common."""
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
        """The examples of wrong answers."""
        return (
            [("title", "text"), ("label", "text"), ("answer", "text"), ("confidence", "share"),
             ("most similar labelled titles", "text")],
            [
                (example.title, example.label, example.answer, example.confidence,
                 example.neighbour_text or None)
                for example in self.examples
            ],
        )  # fmt: skip
