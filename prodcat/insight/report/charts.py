"""The charts of a report, as traces and layouts of Plotly."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from prodcat.evaluation.evaluation import Evaluation
from prodcat.evaluation.reliability import ReliabilityBin
from prodcat.insight.report.figures import NodeFigures
from prodcat.taxonomy.tree import Taxonomy

_MOST_FIELDS = 1_500  # in the map
_LEVELS = 2  # of the map that are drawn at once
# Colour-blind people can tell blue (correct) from orange (wrong).
_SCALE = [[0.0, "#b35806"], [0.5, "#f7f7f7"], [1.0, "#2166ac"]]
_LINE = "#2166ac"
_SHARE_AXIS = {"range": [0, 1.02], "tickformat": ".0%"}


def tree_map(tree: Taxonomy, figures: NodeFigures) -> tuple[Any, Any]:
    """Traces and layout of a treemap, coloured by accuracy.

    Args:
        tree: The tree.
        figures: Rows and correct answers of each node.
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
    """Traces and layout of reliability curves: the share of correct answers by confidence."""
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
    """Traces and layout of the error rate if only the most confident answers are given."""
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
