"""A report as Markdown, for a pull request or a wiki."""

from collections.abc import Sequence

from prodcat.insight.page import shown
from prodcat.insight.report.contents import Contents, Table

_MOST_ROWS = 20  # in a table


def report_markdown(contents: Contents) -> str:
    """Write the report as Markdown.

    Args:
        contents: The contents of the report.
    """
    lines = [f"# {contents.name}: evaluation", ""]
    lines += _lines(["", "value", "95 % interval"], contents.headlines())
    lines += ["", "## By level", "", *_table(contents.levels())]
    if contents.comparison is not None:
        lines += ["", f"## Against production, on {contents.comparison.rows:,} rows", ""]
        lines += _lines(
            ["metric", "difference", "95 % interval", "verdict"],
            [
                (metric, f"{value:+.4f}", f"{low:+.4f} to {high:+.4f}", verdict)
                for metric, value, low, high, verdict in contents.differences()
            ],
        )
    if contents.worst:
        lines += ["", "## Worst categories", "", *_table(contents.worst_categories())]
    lines += ["", "## Confusions by common ancestor", "", *_table(contents.confusions())]
    if contents.examples:
        lines += ["", "## Examples", "", *_table(contents.wrong_answers())]
    return "\n".join(lines) + "\n"


def _table(table: Table) -> list[str]:
    columns, rows = table
    cells = [
        [shown(kind, value) for (_, kind), value in zip(columns, row, strict=True)]
        for row in rows[:_MOST_ROWS]
    ]
    return _lines([name for name, _ in columns], cells)


def _lines(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    def line(cells: Sequence[str]) -> str:
        safe = [cell.replace("|", "\\|").replace("\n", " ") for cell in cells]
        return f"| {' | '.join(safe)} |"

    return [line(head), "|" + "---|" * len(head), *(line(row) for row in rows)]
