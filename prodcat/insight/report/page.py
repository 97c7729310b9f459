"""The HTML page of a report, with its charts as traces and layouts of Plotly."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from prodcat.evaluation.evaluation import Evaluation
from prodcat.evaluation.reliability import ReliabilityBin
from prodcat.insight.files import HtmlPage
from prodcat.insight.page import Page
from prodcat.insight.page_table import shown
from prodcat.insight.report.contents import Contents
from prodcat.insight.report.figures import NodeFigures, wilson
from prodcat.insight.report.treemap import tree_map, treemap_legend
from prodcat.insight.report.verdict import details, verdict
from prodcat.taxonomy.tree import Taxonomy

_LINE = "#2f7fc1"
_SHARE_AXIS = {"range": [0, 1.02], "tickformat": ".0%"}


def report_page(contents: Contents) -> HtmlPage:
    """Write the contents of a report as a self-contained HTML page.

    Raises:
        ConfigError: Plotly is not installed, and the page has charts.
    """
    evaluation, checks = contents.evaluation, contents.checks
    page = Page(f"{contents.name}: evaluation")
    page.section("Verdict")
    sentences = details(evaluation, checks, has_weights=contents.weights is not None)
    page.verdict(verdict(evaluation, checks), [*sentences, *_against(contents)])
    if contents.worst:
        page.section(
            "Check these first",
            f'The first {len(checks)} are those of the verdict. "Worse" and "better" compare '
            f"with all titles, of which {shown('share', evaluation.path_accuracy)} are right; "
            "about average also means that there are too few titles to tell.",
        )
        page.show(contents.category_table())
    if contents.departments:
        page.section("Departments", "The department with the most wrong answers comes first.")
        page.show(contents.department_table())
    if contents.figures is not None:
        _add_tree(page, contents.taxonomy, contents.figures, evaluation.path_accuracy)
    page.section(
        "What is taken for what",
        "The higher the category within which two are mixed up, the worse the mistake.",
    )
    page.show(contents.confusions())
    if contents.examples:
        page.section(
            "Examples",
            "Wrong answers, beginning with the most confident one of each category. In some of "
            "them, it is the label that is wrong.",
        )
        page.show(contents.wrong_answers())
    if evaluation.reliability:
        _add_curves(page, contents)
    if contents.comparison is not None:
        _add_differences(page, contents, contents.comparison.rows)
    page.section("All figures", "The ranges in small print are 95 % intervals.")
    page.numbers(contents.headlines())
    page.show(contents.levels())
    return page.html()


def _against(contents: Contents) -> Iterator[str]:
    """How the classifier compares with the one in production, in a sentence."""
    for name, value, interval, result in contents.shown_differences():
        if name == "path accuracy":
            yield (
                "Against production, the share of right answers differs by no more than chance "
                f"explains ({interval})."
                if result == "even"
                else f"This is {result} than in production by {value} ({interval})."
            )


def _add_differences(page: Page, contents: Contents, rows: int) -> None:
    page.section(
        "Against production",
        "This classifier's figures minus those of the classifier in production, on the same "
        f"{rows:,} rows. A difference of shares is in points of a hundred; even means that the "
        "interval contains 0.",
    )
    page.table(
        [("metric", "text"), ("difference", "text"), ("95 % interval", "text"),
         ("verdict", "text")],
        contents.shown_differences(),
        "Differences with 95 % intervals",
    )  # fmt: skip


def _add_tree(page: Page, tree: Taxonomy, figures: NodeFigures, average: float) -> None:
    low, high = wilson(figures.exact, figures.rows)
    accuracy, recall, precision = figures.accuracy, figures.recall, figures.precision
    cells = [
        (
            int(figures.rows[node]),
            int(figures.rows[node] - figures.exact[node]),
            _or_none(accuracy[node]),
            (float(low[node]), float(high[node])) if figures.rows[node] else None,
            _or_none(recall[node]),
            _or_none(precision[node]),
        )
        for node in range(len(tree))
    ]
    used = np.flatnonzero((figures.rows > 0) | (figures.answered > 0))
    page.section(
        "The tree",
        f"Areas are titles; colours compare the share of right answers with that of all titles, "
        f"{shown('share', average)}. Click a category to see those below it, and the bar at the "
        "top to go back. The table below the map has all categories.",
    )
    page.legend(treemap_legend(average))
    page.charts([("Map of the categories", *tree_map(tree, figures, average))], tall=True)
    page.tree(
        "Categories with their accuracy",
        tree,
        [
            {"label": "titles", "kind": "count"},
            {"label": "wrong", "kind": "count"},
            {"label": "right", "kind": "share", "colour": True, "middle": average},
            {"label": "95 % interval", "kind": "interval", "extra": True},
            {"label": "kept in category", "kind": "share", "extra": True},
            {"label": "precision", "kind": "share", "extra": True},
        ],
        cells,
        kept=used.tolist(),
        only={"with wrong answers": 1},
        sort=1,
    )


def _or_none(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _add_curves(page: Page, contents: Contents) -> None:
    evaluation = contents.evaluation
    page.section(
        "Confidence",
        "Left: the share of right answers among those with about the same confidence; on the "
        "dotted line, the two are equal. Right: the error rate if only the most confident answers "
        "are given, by the share of titles that are answered.",
    )
    reliability = f"Reliability; calibration error {shown('share', evaluation.ece)}"
    risk = f"Risk and coverage; area {shown('share', evaluation.risk_coverage_area)}"
    page.charts([(reliability, *reliability_curves(evaluation)), (risk, *risk_curve(evaluation))])
    page.show(contents.reliability())


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
        "yaxis": {"title": {"text": "share right"}, **_SHARE_AXIS},
        "legend": {"orientation": "h", "y": -0.25},
    }
    return traces, layout


def risk_curve(evaluation: Evaluation) -> tuple[Any, Any]:
    """Draw the error rate by the share answered; returns Plotly's traces and layout."""
    shares, errors, bounds = zip(*evaluation.risk_coverage, strict=True)
    text = [f"confidence of at least {shown('share', bound)}" for bound in bounds]
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
