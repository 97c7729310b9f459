"""What a report shows, whatever its form."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from prodcat.evaluation.comparison import Comparison
from prodcat.evaluation.evaluation import Evaluation
from prodcat.insight.page import Kind, shown
from prodcat.insight.report.figures import NodeFigures, node_figures
from prodcat.insight.report.mistakes import (
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
    ("coverage", "truth or an ancestor of it", "share"),
    ("hierarchical_f1", "hierarchical F1", "share"),
    ("macro_f1", "macro F1", "share"),
    ("tail_recall", "recall of the rarest tenth", "share"),
    ("tree_distance", "tree distance", "figure"),
    ("ece", "calibration error", "figure"),
    ("risk_coverage_area", "area under risk and coverage", "figure"),
)


@dataclass(frozen=True, eq=False)
class Contents:
    """What a report shows.

    Attributes:
        name: What was evaluated.
        evaluation: The evaluation.
        taxonomy: The tree that it judged in.
        comparison: Differences from what is in production, or None.
        figures: How the rows of each node went; None where single rows are not known.
        worst: Categories with the most wrong answers.
        examples: Wrong answers; none where titles were not given.
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
        """Work out what the report shows.

        Args:
            evaluation: The evaluation.
            taxonomy: The tree that it judged in.
            titles: Titles of its rows, or None.
            known: Labelled titles among which neighbours are looked for, or None.
            comparison: Differences from what is in production, or None.
            name: What was evaluated; may be empty.
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
        headlines = [("judged rows", f"{self.evaluation.rows:,}", "")]
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
        """Metric, difference, lower and upper end, and verdict of each; none without production."""
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
