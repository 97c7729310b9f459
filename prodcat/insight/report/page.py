"""The HTML page of a report, with its charts as traces and layouts of Plotly."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from prodcat.evaluation.evaluation import Evaluation
from prodcat.evaluation.reliability import ReliabilityBin
from prodcat.insight.page import Page
from prodcat.insight.report.contents import Contents
from prodcat.insight.report.figures import NodeFigures, wilson
from prodcat.taxonomy.tree import Taxonomy

_MOST_FIELDS = 1_500  # in the treemap
_LEVELS = 2  # of the treemap that are drawn at once
# Colour-blind people can tell blue (correct) from orange (wrong).
_SCALE = [[0.0, "#b35806"], [0.5, "#f7f7f7"], [1.0, "#2166ac"]]
_LINE = "#2166ac"
_SHARE_AXIS = {"range": [0, 1.02], "tickformat": ".0%"}


def report_page(contents: Contents) -> str:
    """Write the contents of a report as a self-contained HTML page.

    Raises:
        ConfigError: Plotly is not installed, and the page has charts.
    """
    page = Page(f"{contents.name}: evaluation", "The ranges in small print are 95 % intervals.")
    page.section("Headline figures")
    page.numbers(contents.headlines())
    page.table(*contents.levels(), "By level of the tree")
    if contents.comparison is not None:
        _add_differences(page, contents, contents.comparison.rows)
    if contents.figures is not None:
        _add_tree(page, contents.taxonomy, contents.figures)
        page.section("Worst categories", "Categories with the most wrong answers.")
        page.table(*contents.worst_categories(), "Categories by the number of wrong answers")
    page.section(
        "Confusions",
        "Mistakes, grouped by the deepest category that contains both the label and the answer. "
        "The higher this category is in the tree, the worse the mistake.",
    )
    page.table(*contents.confusions(), "Confusions by common ancestor")
    if contents.evaluation.reliability:
        _add_curves(page, contents.evaluation)
    if contents.examples:
        page.section(
            "Examples",
            "Wrong answers, beginning with the most confident one of each category, with the most "
            "similar labelled titles. In some of them, it is the label that is wrong.",
        )
        page.table(*contents.wrong_answers(), "Wrong answers")
    return page.html()


def _add_differences(page: Page, contents: Contents, rows: int) -> None:
    page.section(
        "Against production",
        "This classifier's figures minus those of the classifier in production, on the same "
        f"{rows:,} rows.",
    )
    page.table(
        [("metric", "text"), ("difference", "figure"), ("from", "figure"),
         ("to", "figure"), ("verdict", "text")],
        contents.differences(),
        "Differences with 95 % intervals",
    )  # fmt: skip


def _add_tree(page: Page, tree: Taxonomy, figures: NodeFigures) -> None:
    low, high = wilson(figures.right, figures.rows)
    recall, precision = figures.recall, figures.precision
    cells = [
        (
            int(figures.rows[node]),
            _or_none(recall[node]),
            (float(low[node]), float(high[node])) if figures.rows[node] else None,
            _or_none(precision[node]),
            int(figures.rows[node] - figures.right[node]),
        )
        for node in range(len(tree))
    ]
    used = np.flatnonzero((figures.rows > 0) | (figures.answered > 0))
    page.section(
        "The tree by accuracy",
        "Accuracy is the share of a category's products for which the answer is this category or "
        "one below it. In the map, click a category to see those below it, and the bar at the top "
        "to go back.",
    )
    label = "Map of the categories by size, coloured by accuracy; the table below has all of them"
    page.charts([(label, *tree_map(tree, figures))], tall=True)
    page.tree(
        "Categories with their accuracy",
        tree,
        [
            {"label": "rows", "kind": "count"},
            {"label": "accuracy", "kind": "share", "colour": True},
            {"label": "95 % interval", "kind": "interval"},
            {"label": "precision", "kind": "share", "colour": True},
            {"label": "wrong", "kind": "count"},
        ],
        cells,
        kept=used.tolist(),
        only={"with wrong answers": 4},
    )


def _or_none(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _add_curves(page: Page, evaluation: Evaluation) -> None:
    page.section(
        "Confidence",
        "Reliability: the share of correct answers among those with about the same "
        "confidence; on the dotted line, this share equals the confidence. Risk and coverage: the "
        "error rate if only the most confident answers are given, by the share of titles that are "
        "answered.",
    )
    reliability = f"Reliability; calibration error {evaluation.ece:.3f}"
    risk = f"Risk and coverage; area {evaluation.risk_coverage_area:.4f}"
    page.charts([(reliability, *reliability_curves(evaluation)), (risk, *risk_curve(evaluation))])
    page.table(
        [("confidence", "share"), ("rows", "count"), ("share correct", "share")],
        [(part.confidence, part.rows, part.accuracy) for part in evaluation.reliability],
        "Reliability of the whole path",
    )


def tree_map(tree: Taxonomy, figures: NodeFigures) -> tuple[Any, Any]:
    """Draw the tree as a treemap, coloured by accuracy.

    Args:
        tree: The tree.
        figures: Rows and correct answers of each node.

    Returns:
        Plotly's traces and layout.
    """
    # Thousands of fields take seconds to lay out. An ancestor has no fewer rows, so it is kept too.
    least = np.sort(figures.rows)[-_MOST_FIELDS - 1] if len(tree) > _MOST_FIELDS else 0
    used = np.flatnonzero(figures.rows > least).tolist()
    recall = figures.recall
    data = {
        "type": "treemap",
        "ids": [str(node) for node in used],
        "labels": [tree.paths[node][-1] for node in used],
        "parents": [str(tree.parent[node]) if tree.parent[node] >= 0 else "" for node in used],
        "values": figures.rows[used].tolist(),
        "branchvalues": "total",
        "maxdepth": _LEVELS,
        "marker": {
            "colors": [round(float(recall[node]), 4) for node in used],
            "colorscale": _SCALE,
            "cmin": 0,
            "cmax": 1,
            "colorbar": {"title": {"text": "accuracy"}, "tickformat": ".0%"},
        },
        "hovertemplate": "%{label}<br>%{value:,} rows<br>accuracy %{color:.1%}<extra></extra>",
        "pathbar": {"visible": True},
    }
    return [data], {"margin": {"t": 30, "l": 5, "r": 5, "b": 5}}


def reliability_curves(evaluation: Evaluation) -> tuple[Any, Any]:
    """Draw the share of correct answers by confidence; returns Plotly's traces and layout."""
    curves = [("whole path", evaluation.reliability)]
    curves += [
        (f"level {level.level}", level.reliability)
        for level in evaluation.levels
        if level.reliability
    ]
    traces = [_line("calibrated", [0, 1], [0, 1], dash="dot", colour="#888888")]
    traces += [
        _reliability_curve(name, bins, visible=not number)
        for number, (name, bins) in enumerate(curves)
    ]
    layout = {
        "xaxis": {"title": {"text": "confidence"}, **_SHARE_AXIS},
        "yaxis": {"title": {"text": "share correct"}, **_SHARE_AXIS},
    }
    return traces, layout


def risk_curve(evaluation: Evaluation) -> tuple[Any, Any]:
    """Draw the error rate by the share answered; returns Plotly's traces and layout."""
    shares, errors, bounds = zip(*evaluation.risk_coverage, strict=True)
    text = [f"confidence of at least {bound:.3f}" for bound in bounds]
    layout = {
        "xaxis": {"title": {"text": "share answered"}, **_SHARE_AXIS},
        "showlegend": False,
        "yaxis": {
            "title": {"text": "error rate of these answers"},
            "tickformat": ".1%",
            "rangemode": "tozero",
        },
    }
    return [_line("error", shares, errors, text=text)], layout


def _line(
    name: str,
    x: Sequence[float],
    y: Sequence[float],
    dash: str = "solid",
    colour: str = _LINE,
    text: Sequence[str] | None = None,
) -> dict[str, Any]:
    trace: dict[str, Any] = {
        "type": "scatter", "mode": "lines", "name": name, "x": list(x), "y": list(y),
        "line": {"dash": dash, "color": colour},
    }  # fmt: skip
    return trace if text is None else {**trace, "text": list(text)}


def _reliability_curve(name: str, bins: Sequence[ReliabilityBin], visible: bool) -> dict[str, Any]:
    rows = sum(part.rows for part in bins)
    return {
        "type": "scatter", "mode": "lines+markers", "name": name,
        "x": [part.confidence for part in bins], "y": [part.accuracy for part in bins],
        "text": [f"{part.rows:,} rows" for part in bins],
        "marker": {"size": [6 + 24 * (part.rows / rows) ** 0.5 for part in bins]},
        "visible": True if visible else "legendonly",
    }  # fmt: skip
