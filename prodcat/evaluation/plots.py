"""Plots evaluations with matplotlib, which ``pip install prodcat[plot]`` installs."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

from prodcat.errors import ConfigError
from prodcat.evaluation.levels import LevelResult
from prodcat.evaluation.reliability import ReliabilityBin

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


class Plottable(Protocol):
    """The parts of an evaluation that are plotted."""

    @property
    def reliability(self) -> tuple[ReliabilityBin, ...]:
        """The bins of the confidence in whole paths."""

    @property
    def ece(self) -> float | None:
        """The expected calibration error of the confidence in whole paths."""

    @property
    def levels(self) -> tuple[LevelResult, ...]:
        """The metrics of each level."""

    @property
    def risk_coverage(self) -> tuple[tuple[float, float, float], ...]:
        """Triples: share of answered rows, error among them, and their lowest confidence."""

    @property
    def risk_coverage_area(self) -> float | None:
        """The area under ``risk_coverage``."""


def _figure(columns: int = 1) -> "tuple[Figure, Sequence[Axes]]":
    """Create a figure with axes side by side.

    Raises:
        ConfigError: matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ConfigError(
            "Plots need matplotlib, which is not installed. Install it with "
            "pip install 'prodcat[plot]'."
        ) from error
    # pyplot would keep the figure in memory and may open a window; notebooks show it without.
    figure = Figure(figsize=(4.8 * columns, 4.2), layout="constrained")
    axes: Any = figure.subplots(1, columns, squeeze=False)
    return figure, list(axes[0])


def _check_probabilities(evaluation: Plottable) -> None:
    """Check that an evaluation has probabilities.

    Raises:
        ConfigError: It has none.
    """
    if not evaluation.reliability:
        raise ConfigError(
            "This evaluation has no probabilities, so there is nothing to plot; expected the "
            "result of Classifier.evaluate(), or of an evaluation with confidence=."
        )


def plot_reliability(
    evaluation: Plottable, ax: "Axes | None" = None, *, before: Plottable | None = None
) -> "Axes":
    """Plot accuracy against confidence; the area of a dot shows the share of rows in its bin.

    The arguments are those of :meth:`prodcat.Evaluation.plot_reliability`.

    Raises:
        ConfigError: matplotlib is not installed, or an evaluation has no probabilities.
    """
    _check_probabilities(evaluation)
    ax = _figure()[1][0] if ax is None else ax
    if before is not None:
        _check_probabilities(before)
        _dots(ax, before.reliability, f"before, ECE {before.ece:.3f}")
    name = "ECE" if before is None else "after, ECE"
    _dots(ax, evaluation.reliability, f"{name} {evaluation.ece:.3f}")
    _finish(ax, "whole path")
    return ax


def _dots(ax: "Axes", reliability: Sequence[ReliabilityBin], label: str) -> None:
    rows = sum(one_bin.rows for one_bin in reliability)
    x = [one_bin.confidence for one_bin in reliability]
    y = [one_bin.accuracy for one_bin in reliability]
    (line,) = ax.plot(x, y, label=label, linewidth=1)
    sizes = [300 * one_bin.rows / rows + 8 for one_bin in reliability]
    ax.scatter(x, y, sizes, color=line.get_color())


def _finish(ax: "Axes", title: str) -> None:
    ax.plot([0, 1], [0, 1], color="gray", linestyle=":", linewidth=1)
    ax.set(xlabel="confidence", ylabel="accuracy", title=title, xlim=(0, 1.02), ylim=(0, 1.02))
    ax.legend(loc="upper left")


def plot_risk_coverage(evaluation: Plottable, ax: "Axes | None" = None) -> "Axes":
    """Plot the error among the answered rows against their share of all rows.

    The arguments are those of :meth:`prodcat.Evaluation.plot_risk_coverage`.

    Raises:
        ConfigError: matplotlib is not installed, or the evaluation has no probabilities.
    """
    _check_probabilities(evaluation)
    ax = _figure()[1][0] if ax is None else ax
    x, y, _ = zip(*evaluation.risk_coverage, strict=True)
    ax.plot(x, y, label=f"area {evaluation.risk_coverage_area:.4f}")
    ax.set(xlabel="share answered", ylabel="error among the answered", xlim=(0, 1.02))
    ax.set_title("risk and coverage")
    ax.set_ylim(bottom=0)
    ax.legend(loc="upper left")
    return ax


def plot_evaluation(evaluation: Plottable) -> "Figure":
    """Plot the reliability of whole paths and of each level, and the risk-coverage curve.

    Raises:
        ConfigError: matplotlib is not installed, or the evaluation has no probabilities.
    """
    _check_probabilities(evaluation)
    figure, (whole, levels, risk) = _figure(3)
    plot_reliability(evaluation, whole)
    for level in evaluation.levels:
        if level.reliability:
            _dots(levels, level.reliability, f"level {level.level}, ECE {level.ece:.3f}")
    _finish(levels, "each level")
    plot_risk_coverage(evaluation, risk)
    return figure
