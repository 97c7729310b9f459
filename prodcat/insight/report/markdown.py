"""A report as Markdown, for a pull request or a wiki."""

from collections.abc import Sequence

from prodcat.evaluation.evaluation import Evaluation
from prodcat.insight.page import shown
from prodcat.insight.report.contents import Contents
from prodcat.insight.report.mistakes import Example, WorstCategory

_MOST_ROWS = 20  # of a table


def report_markdown(contents: Contents) -> str:
    """The whole text.

    Args:
        contents: What the report shows.
    """
    lines = [f"# {contents.name}: evaluation", ""]
    lines += _table(["", "value", "95 % interval"], contents.headlines())
    lines += _levels(contents.evaluation)
    if contents.comparison is not None:
        lines += _differences(contents, contents.comparison.rows)
    if contents.worst:
        lines += _worst(contents.worst)
    lines += _confusions(contents.evaluation)
    if contents.examples:
        lines += _examples(contents.examples)
    return "\n".join(lines) + "\n"


def _levels(evaluation: Evaluation) -> list[str]:
    return _section(
        "By level",
        ["level", "rows", "accuracy", "macro F1", "calibration error"],
        [
            (str(level.level), f"{level.rows:,}", shown("share", level.accuracy),
             shown("share", level.macro_f1), shown("figure", level.ece))
            for level in evaluation.levels
        ],
    )  # fmt: skip


def _differences(contents: Contents, rows: int) -> list[str]:
    return _section(
        f"Against production, on {rows:,} rows",
        ["metric", "difference", "95 % interval", "verdict"],
        [
            (metric, f"{value:+.4f}", f"{low:+.4f} to {high:+.4f}", verdict)
            for metric, value, low, high, verdict in contents.differences()
        ],
    )


def _worst(worst: Sequence[WorstCategory]) -> list[str]:
    return _section(
        "Worst categories",
        ["category", "rows", "wrong", "accuracy", "95 % interval", "commonest wrong answer"],
        [
            (category.path, f"{category.rows:,}", f"{category.wrong:,}",
             shown("share", category.accuracy), shown("interval", category.interval),
             category.answer)
            for category in worst[:_MOST_ROWS]
        ],
    )  # fmt: skip


def _confusions(evaluation: Evaluation) -> list[str]:
    return _section(
        "Confusions by common ancestor",
        ["they part below", "mistakes", "of all", "commonest"],
        [
            (group.ancestor, f"{group.rows:,}", shown("share", group.share),
             "; ".join(f"{truth} → {answer} ({rows:,})"
                       for truth, answer, rows in group.branches[:2]))
            for group in evaluation.confusion_groups[:_MOST_ROWS]
        ],
    )  # fmt: skip


def _examples(examples: Sequence[Example]) -> list[str]:
    return _section(
        "Examples",
        ["title", "label", "answer", "confidence", "most like it"],
        [
            (example.title, example.label, example.answer, shown("share", example.confidence),
             example.neighbour_text)
            for example in examples[:_MOST_ROWS]
        ],
    )  # fmt: skip


def _section(title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return ["", f"## {title}", "", *_table(head, rows)]


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    def line(cells: Sequence[str]) -> str:
        safe = [cell.replace("|", "\\|").replace("\n", " ") for cell in cells]
        return f"| {' | '.join(safe)} |"

    return [line(head), "|" + "---|" * len(head), *(line(row) for row in rows)]
