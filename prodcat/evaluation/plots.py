"""Plots evaluations and shares with matplotlib, which ``pip install prodcat[plot]`` installs.

A figure that is made here, and each of its axes, is shown by a notebook without any command.
"""

import io
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from prodcat.errors import ConfigError, check_whole
from prodcat.evaluation.intervals import Interval
from prodcat.evaluation.levels import LevelResult
from prodcat.evaluation.reliability import ReliabilityBin
from prodcat.text_encoding import for_terminal

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_RIGHT, _WRONG, _BEFORE = "#2166ac", "#b2182b", "#a6a6a6"
_MOST_LETTERS = 50  # of a category's name


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

    @property
    def intervals(self) -> Mapping[str, Interval]:
        """The 95 % interval of every metric."""


def _figure(
    columns: int = 1, width: float = 4.8, height: float = 4.2
) -> "tuple[Figure, Sequence[Axes]]":
    """Create a figure with axes side by side.

    Args:
        columns: The number of axes.
        width: The width of each of the axes, in inches.
        height: The height of the figure, in inches.

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
    # pyplot would keep the figure in memory and may open a window.  Without pyplot, notebooks show
    # what has this method.
    figure = Figure(figsize=(width * columns, height), layout="constrained")
    axes: Any = figure.subplots(1, columns, squeeze=False)
    for shown in (figure, *axes[0]):
        shown._repr_png_ = partial(_png, figure)
    return figure, list(axes[0])


def _png(figure: "Figure") -> bytes:
    """The picture of a figure, as a PNG file."""
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=100)
    return picture.getvalue()


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


def plot_levels(evaluation: Plottable, ax: "Axes | None" = None) -> "Axes":
    """Plot the accuracy of each level as bars, with their 95 % intervals.

    The arguments are those of :meth:`prodcat.Evaluation.plot_levels`.

    Raises:
        ConfigError: matplotlib is not installed.
    """
    ax = _figure()[1][0] if ax is None else ax
    levels = [level.level for level in evaluation.levels]
    accuracies = [level.accuracy for level in evaluation.levels]
    ax.bar(levels, accuracies, width=0.6, color=_RIGHT)
    for level in levels:
        interval = evaluation.intervals.get(f"level_{level}_accuracy")
        if interval is not None:
            ax.vlines(level, interval.low, interval.high, color="black", linewidth=1)
    ax.set(xlabel="level", ylabel="accuracy", title="accuracy by level", ylim=(0, 1.02))
    shown = zip(levels, accuracies, strict=True)
    ax.set_xticks(levels, [f"{level}\n{accuracy:.1%}" for level, accuracy in shown])
    return ax


def plot_categories(
    categories: Mapping[str, Any], ax: "Axes | None" = None, most: int = 15
) -> "Axes":
    """Plot the right and wrong answers of the categories with the most wrong ones as bars.

    Args:
        categories: The columns ``path``, ``right`` and ``wrong`` of
            :func:`prodcat.evaluation.frames.by_category`.
        ax: The axes to plot on; None for a new figure.
        most: The greatest number of categories.

    Raises:
        ConfigError: matplotlib is not installed, or ``most`` is below 1.
    """
    check_whole("most", most, 1)
    shown = [place for place, wrong in enumerate(categories["wrong"]) if wrong][:most]
    ax = _figure(1, 8.5, 1.4 + 0.26 * max(len(shown), 4))[1][0] if ax is None else ax
    from matplotlib.ticker import MaxNLocator

    names = [_name(categories["path"][place]) for place in shown]
    places = range(len(shown))
    wrong = [int(categories["wrong"][place]) for place in shown]
    ax.barh(places, wrong, color=_WRONG, label="wrong")
    right = [int(categories["right"][place]) for place in shown]
    ax.barh(places, right, left=wrong, color=_RIGHT, label="right")
    ax.set_yticks(places, names, parse_math=False)
    ax.invert_yaxis()
    ax.set(xlabel="rows with this label", title="categories with the most wrong answers")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.legend(loc="lower right")
    return ax


def plot_shares(
    rows: Sequence[tuple[str, float, float]], ax: "Axes | None" = None, title: str = ""
) -> "Axes":
    """Plot shares before and after as pairs of bars, the first row on top.

    Args:
        rows: For each category its name and its share before and after, 0 to 1.
        ax: The axes to plot on; None for a new figure.
        title: The title of the axes.

    Raises:
        ConfigError: matplotlib is not installed.
    """
    ax = _figure(1, 8.5, 1.4 + 0.4 * max(len(rows), 3))[1][0] if ax is None else ax
    places = range(len(rows))
    for number, (label, colour) in enumerate((("before", _BEFORE), ("after", _RIGHT))):
        shares = [row[number + 1] for row in rows]
        ax.barh([place + 0.4 * number for place in places], shares, 0.38, color=colour, label=label)
    names = [_name(row[0]) for row in rows]
    ax.set_yticks([place + 0.2 for place in places], names, parse_math=False)
    ax.invert_yaxis()
    ax.set(xlabel="share of the titles", title=title)
    ax.legend(loc="lower right")
    return ax


def _name(path: str) -> str:
    """The end of a path, as a label of an axis."""
    text = for_terminal(path)
    return text if len(text) <= _MOST_LETTERS else f"…{text[1 - _MOST_LETTERS :]}"
