"""The result of an evaluation: metrics with intervals, tables and plots."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, overload

from prodcat.errors import CatalogError
from prodcat.evaluation.baseline import Baseline
from prodcat.evaluation.comparison import Comparison, compare_rows
from prodcat.evaluation.confusions import ConfusionGroup
from prodcat.evaluation.displays import evaluation_html, summary
from prodcat.evaluation.frames import By, columns_by
from prodcat.evaluation.intervals import Interval, metric_intervals
from prodcat.evaluation.judged_rows import JudgedRows
from prodcat.evaluation.levels import LEVEL_HEADER, LevelResult, level_table
from prodcat.evaluation.plots import (
    plot_categories,
    plot_evaluation,
    plot_levels,
    plot_reliability,
    plot_risk_coverage,
)
from prodcat.evaluation.reliability import ReliabilityBin
from prodcat.evaluation.tables import text_tables
from prodcat.taxonomy.arrays import Flags
from prodcat.taxonomy.notebook import Library, data_frame

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Evaluation:
    """The metrics of one set of answers.

    The metrics of confidence (``ece``, ``brier``, ``risk_coverage``, ``reliability``) leave out the
    rows whose answer is the root, which is no category and never wrong.

    Attributes:
        rows: The number of rows.
        path_accuracy: Share of rows whose answer is right at every level.
        coverage: Share of rows whose answer is the truth or an ancestor of it.
        answered_accuracy: Share of right answers among those that are not the root.  Where answers
            may be coarser on purpose, an ancestor of the truth is right.  None if all answers
            are the root.
        macro_f1: Mean F1 over the outcomes that occur as truth or answer.
        hierarchical_precision: Hierarchical precision of all rows together;
            :mod:`prodcat.evaluation.metrics` defines it.
        hierarchical_recall: Hierarchical recall of all rows together.
        hierarchical_f1: Hierarchical F1 of all rows together.
        macro_hierarchical_precision: Mean of the hierarchical precision of individual rows, which
            is 0 for a row whose answer is the root.
        macro_hierarchical_recall: Mean of the hierarchical recall of individual rows.
        macro_hierarchical_f1: Mean of the hierarchical F1 of individual rows.
        tree_distance: Mean number of steps along the tree from answer to truth.
        error_distance: Mean number of steps from answer to truth in the wrong rows; 0 if there are
            none.
        inconsistent: Share of answers that are not a path of the tree.
        levels: The metrics of each level, coarsest first.
        answers_end_at_root: Share of answers that are the root, that is, no category, as those to
            empty titles are.
        tail_recall: Path accuracy on the tenth of the rows whose labels had the fewest
            training titles; None if the numbers of training titles are not known.
        log_loss: Mean negative log-probability of the truth, in nats; None without
            probabilities.
        ece: Expected calibration error of the confidence in 15 equal bins; None without
            probabilities.
        brier: Mean squared difference between confidence and correctness (0 or 1); None without
            probabilities.
        risk_coverage_area: Area under ``risk_coverage``: the mean error among the answered
            rows while the least confident ones are left out one by one; None without
            probabilities.
        risk_coverage: Up to 100 triples: the share of answered rows, the error among them, and the
            lowest confidence of an answered row.
        reliability: The bins of ``ece`` that contain rows.
        confusions: The most frequent mistakes: (path of the truth, path of the answer, rows).
        confusion_groups: All mistakes, grouped by the deepest common ancestor of truth and
            answer, most frequent first.
        baseline: The results of a baseline on these rows, if :func:`prodcat.fit` measured it;
            see :class:`prodcat.evaluation.baseline.Baseline`.
        judged: The labels and answers of individual rows, or None if the evaluation was read from
            JSON.
    """

    rows: int
    path_accuracy: float
    coverage: float
    answered_accuracy: float | None
    macro_f1: float
    hierarchical_precision: float
    hierarchical_recall: float
    hierarchical_f1: float
    macro_hierarchical_precision: float
    macro_hierarchical_recall: float
    macro_hierarchical_f1: float
    tree_distance: float
    error_distance: float
    inconsistent: float
    levels: tuple[LevelResult, ...]
    answers_end_at_root: float = 0.0
    tail_recall: float | None = None
    log_loss: float | None = None
    ece: float | None = None
    brier: float | None = None
    risk_coverage_area: float | None = None
    risk_coverage: tuple[tuple[float, float, float], ...] = field(repr=False, default=())
    reliability: tuple[ReliabilityBin, ...] = field(repr=False, default=())
    confusions: tuple[tuple[str, str, int], ...] = field(repr=False, default=())
    confusion_groups: tuple[ConfusionGroup, ...] = field(repr=False, default=())
    baseline: Baseline | None = None
    judged: JudgedRows | None = field(repr=False, compare=False, default=None)
    _intervals: dict[str, Interval] = field(repr=False, compare=False, default_factory=dict)

    # -- individual rows ----------------------------------------------------------

    @property
    def correct(self) -> Flags:
        """Whether the whole path of each row is right: bool [rows].

        Raises:
            CatalogError: The evaluation was read from JSON, which does not contain individual rows.
        """
        return self._rows.correct

    @property
    def _rows(self) -> JudgedRows:
        if self.judged is None:
            raise CatalogError(
                "This evaluation was read from JSON, which does not contain individual rows; "
                "expected the result of evaluate(). Evaluate again."
            )
        return self.judged

    @property
    def level_accuracy(self) -> tuple[float, ...]:
        """The accuracy of each level, coarsest first."""
        return tuple(level.accuracy for level in self.levels)

    @property
    def intervals(self) -> Mapping[str, Interval]:
        """The 95 % bootstrap interval over rows of every metric, by name.

        The metrics of a level have names such as ``level_1_accuracy``.  Resampling biases some
        metrics (calibration errors upward; macro F1 downward, because a resample may lack rare
        categories), and the intervals are corrected for this bias.  They are computed at the first
        access, from 1,000 resamples, or from fewer (at least 200) for more than 50,000 rows.
        """
        if not self._intervals and self.judged is not None:
            self._intervals.update(metric_intervals(self.judged))
        return self._intervals

    def compare(self, other: "Evaluation") -> Comparison:
        """Compute the differences to another evaluation of the same rows in the same order.

        Args:
            other: The evaluation that is subtracted from this one.

        Raises:
            CatalogError: The rows are not the same, or an evaluation was read from JSON.
        """
        return compare_rows(self._rows, other._rows)

    # -- writing and reading ------------------------------------------------------

    def to_dict(self) -> dict[str, Any]:
        """The evaluation as values for JSON, with intervals but without individual rows."""
        intervals = {name: asdict(interval) for name, interval in self.intervals.items()}
        values = {
            name: value
            for name, value in vars(self).items()
            if name
            not in ("judged", "_intervals", "levels", "reliability", "confusion_groups", "baseline")
        }
        if self.baseline is not None:
            values["baseline"] = self.baseline.to_dict()
        return {
            **values,
            "levels": [asdict(level) for level in self.levels],
            "reliability": [asdict(one_bin) for one_bin in self.reliability],
            "confusion_groups": [asdict(group) for group in self.confusion_groups],
            "intervals": intervals,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Evaluation":
        """Make an evaluation without individual rows from the result of :meth:`to_dict`."""
        values = dict(values)
        intervals = {name: Interval(**entry) for name, entry in values.pop("intervals", {}).items()}
        baseline = values.pop("baseline", None)

        def bins_of(entries: Sequence[Mapping[str, Any]]) -> tuple[ReliabilityBin, ...]:
            return tuple(ReliabilityBin(**entry) for entry in entries)

        def tuples(entries: Sequence[Sequence[Any]]) -> tuple[tuple[Any, ...], ...]:
            return tuple(tuple(entry) for entry in entries)

        levels = tuple(
            LevelResult(**{**level, "reliability": bins_of(level.get("reliability", ()))})
            for level in values.pop("levels")
        )
        groups = tuple(
            ConfusionGroup(**{**group, "branches": tuples(group["branches"])})
            for group in values.pop("confusion_groups", ())
        )
        return cls(
            **{
                **values,
                "levels": levels,
                "baseline": None if baseline is None else Baseline.from_dict(baseline),
                "confusion_groups": groups,
                "reliability": bins_of(values.get("reliability", ())),
                "confusions": tuples(values.get("confusions", ())),
                "risk_coverage": tuples(values.get("risk_coverage", ())),
                "_intervals": intervals,
            }
        )

    def to_json(self) -> str:
        """The evaluation as a JSON document."""
        return json.dumps(self.to_dict(), ensure_ascii=False, indent=2) + "\n"

    # -- showing ------------------------------------------------------------------

    def __str__(self) -> str:
        """The evaluation as text tables for people, with 95 % intervals."""
        return text_tables(summary(self), [LEVEL_HEADER, *level_table(self.levels)])

    def _repr_html_(self) -> str:
        return evaluation_html(self)

    def plot(self) -> "Figure":
        """Plot the reliability of whole paths and of each level, and the risk-coverage curve.

        Raises:
            ConfigError: matplotlib is not installed, or the evaluation has no probabilities.
        """
        return plot_evaluation(self)

    def plot_reliability(
        self, ax: "Axes | None" = None, *, before: "Evaluation | None" = None
    ) -> "Axes":
        """Plot the accuracy of whole paths against their confidence.

        Args:
            ax: The axes to plot on; None for a new figure.
            before: The evaluation before calibration, which is plotted for comparison; or None.

        Raises:
            ConfigError: matplotlib is not installed, or the evaluation has no probabilities.
        """
        return plot_reliability(self, ax, before=before)

    def plot_risk_coverage(self, ax: "Axes | None" = None) -> "Axes":
        """Plot the error among the answered rows against their share of all rows.

        Args:
            ax: The axes to plot on; None for a new figure.

        Raises:
            ConfigError: matplotlib is not installed, or the evaluation has no probabilities.
        """
        return plot_risk_coverage(self, ax)

    def plot_levels(self, ax: "Axes | None" = None) -> "Axes":
        """Plot the accuracy of each level, with its 95 % interval.

        Args:
            ax: The axes to plot on; None for a new figure.

        Raises:
            ConfigError: matplotlib is not installed.
        """
        return plot_levels(self, ax)

    def plot_categories(self, ax: "Axes | None" = None, *, most: int = 15) -> "Axes":
        """Plot the right and wrong answers of the categories with the most wrong ones.

        Args:
            ax: The axes to plot on; None for a new figure.
            most: The greatest number of categories.

        Raises:
            CatalogError: The evaluation was read from JSON, which lacks individual rows.
            ConfigError: matplotlib is not installed, or ``most`` is below 1.
        """
        return plot_categories(columns_by(self, "category"), ax, most)

    # -- data frames --------------------------------------------------------------

    @overload
    def to_frame(self, by: By = ..., *, library: Literal["pandas"] = ...) -> "pd.DataFrame": ...
    @overload
    def to_frame(self, by: By = ..., *, library: Literal["polars"]) -> "pl.DataFrame": ...
    def to_frame(self, by: By = "level", *, library: Library = "pandas") -> Any:
        """A table of the evaluation as a data frame.

        Args:
            by: What a row of the table is: a ``"level"``; a ``"category"``, the one with the most
                wrong answers first; a ``"confusion"``, which is a label with a wrong answer; a
                ``"metric"`` with its 95 % interval; or an evaluated ``"row"`` with its number, from
                1, and with the columns that the catalog kept.
            library: The library of the data frame: ``"pandas"`` or ``"polars"``.

        Returns:
            A ``DataFrame`` of this library.

        Raises:
            CatalogError: The evaluation was read from JSON, and has no rows or categories.
            ConfigError: The library is not installed, or there is no such library or table.
        """
        return data_frame(columns_by(self, by), library)

    def with_columns(self, columns: Mapping[str, Any]) -> "Evaluation":
        """The same evaluation with columns that tell its rows from each other.

        Args:
            columns: The columns by name, each with a value for each evaluated row.
        """
        judged = replace(self._rows, columns=columns)
        return replace(self, judged=judged)
