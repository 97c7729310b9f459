"""The curves of a report, as traces and layouts of Plotly."""

from collections.abc import Sequence
from typing import Any

from prodcat.evaluation.evaluation import Evaluation
from prodcat.evaluation.reliability import ReliabilityBin
from prodcat.insight.page_language import PageLanguage

_LINE = "#2f7fc1"
_TICKS = (0, 0.2, 0.4, 0.6, 0.8, 1)


def reliability_curves(evaluation: Evaluation, language: PageLanguage) -> tuple[Any, Any]:
    """Draw the share of correct answers by confidence; returns Plotly's traces and layout."""
    curves = [(language("report.whole.path"), evaluation.reliability)]
    curves += [
        (language("report.level", level=str(level.level)), level.reliability)
        for level in evaluation.levels
        if level.reliability
    ]
    traces = [_line(language("report.calibrated"), [0, 1], [0, 1], dash="dot", colour="#888888")]
    traces += [
        _reliability_curve(name, bins, language, visible=not number)
        for number, (name, bins) in enumerate(curves)
    ]
    layout = {
        "xaxis": {"title": {"text": language("report.head.confidence")}, **_share_axis(language)},
        "yaxis": {"title": {"text": language("report.axis.right")}, **_share_axis(language)},
        "legend": {"orientation": "h", "y": -0.25},
        "separators": language.separators,
    }
    return traces, layout


def risk_curve(evaluation: Evaluation, language: PageLanguage) -> tuple[Any, Any]:
    """Draw the error rate by the share answered; returns Plotly's traces and layout."""
    shares, errors, bounds = zip(*evaluation.risk_coverage, strict=True)
    text = [language("report.at.least", share=language.shown("share", bound)) for bound in bounds]
    layout = {
        "xaxis": {"title": {"text": language("report.axis.answered")}, **_share_axis(language)},
        "showlegend": False,
        "yaxis": {
            "title": {"text": language("report.axis.error")},
            "tickformat": ".1%",
            "rangemode": "tozero",
        },
        "separators": language.separators,
    }
    return [_line(language("report.error"), shares, errors, text=text)], layout


def _share_axis(language: PageLanguage) -> dict[str, Any]:
    """An axis from 0 to 1, whose ticks are percentages as the language writes them."""
    return {
        "range": [0, 1.02],
        "tickformat": ".0%",
        "tickvals": list(_TICKS),
        "ticktext": [language.whole_percent(tick) for tick in _TICKS],
    }


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


def _reliability_curve(
    name: str, bins: Sequence[ReliabilityBin], language: PageLanguage, *, visible: bool
) -> dict[str, Any]:
    rows = sum(part.rows for part in bins)
    return {
        "type": "scatter", "mode": "lines+markers", "name": name,
        "x": [part.confidence for part in bins], "y": [part.accuracy for part in bins],
        "text": [language.counted("report.rows", part.rows) for part in bins],
        "marker": {"size": [6 + 24 * (part.rows / rows) ** 0.5 for part in bins]},
        "visible": True if visible else "legendonly",
    }  # fmt: skip
