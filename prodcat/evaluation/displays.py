"""An evaluation as the lines of a text, and as HTML for notebooks."""

from dataclasses import replace

from prodcat.evaluation.levels import LEVEL_HEADER, level_table
from prodcat.evaluation.measurements import Measurements
from prodcat.evaluation.metric_names import METRIC_NAMES
from prodcat.taxonomy.notebook import MOST_ROWS, NotebookTable, notebook_html

_MOST_METRICS = 40


def summary(evaluation: Measurements) -> list[tuple[str, str, str]]:
    """The name, value and interval of each metric as texts; no interval is an empty text."""
    lines = [("rows", f"{evaluation.rows:,}", "")]
    for attribute, name in METRIC_NAMES.items():
        value = getattr(evaluation, attribute)
        if value is not None:
            interval = evaluation.intervals.get(attribute)
            shown = "" if interval is None else f"[{interval.low:.4f}, {interval.high:.4f}]"
            lines.append((name, f"{value:.4f}", shown))
    lines.append(("answers with no category", f"{evaluation.answers_end_at_root:.2%}", ""))
    lines.append(("inconsistent paths", f"{evaluation.inconsistent:.2%}", ""))
    baseline = evaluation.baseline
    return lines if baseline is None else [*lines, *baseline.summary()]


def notebook_tables(evaluation: Measurements) -> list[NotebookTable]:
    """The tables that a notebook shows: levels and mistakes, and all metrics on a click."""
    mistakes = [(truth, answer, f"{count:,}") for truth, answer, count in evaluation.confusions]
    groups = [
        (group.ancestor, f"{group.rows:,}", f"{group.share:.1%}")
        for group in evaluation.confusion_groups
    ]
    header = ("truth", "answer", "rows")
    all_mistakes = NotebookTable(header, mistakes, "most frequent mistakes")
    return [
        NotebookTable(LEVEL_HEADER, level_table(evaluation.levels)),
        replace(all_mistakes, most=MOST_ROWS // 2),
        NotebookTable(("mistakes below", "rows", "share"), groups, "mistakes", is_folded=True),
        NotebookTable(
            ("metric", "value", "95 % interval"),
            summary(evaluation),
            "all metrics, with their 95 % intervals",
            most=_MOST_METRICS,
            is_folded=True,
        ),
    ]


def evaluation_html(evaluation: Measurements) -> str:
    """The main numbers of an evaluation and its tables, as HTML for a notebook."""
    interval = evaluation.intervals.get("path_accuracy")
    ends = "" if interval is None else f" [{interval.low:.1%}, {interval.high:.1%}]"
    numbers = [
        f"{evaluation.rows:,} rows",
        f"path accuracy {evaluation.path_accuracy:.1%}{ends}",
    ]
    if evaluation.baseline is not None:
        numbers.append(f"baseline {evaluation.baseline.path_accuracy:.1%}")
    return notebook_html("Evaluation", numbers, *notebook_tables(evaluation))
