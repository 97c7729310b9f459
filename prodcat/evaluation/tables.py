"""Tables as text and as HTML."""

import html
from collections.abc import Sequence


def text_tables(summary: Sequence[tuple[str, str, str]], columns: Sequence[Sequence[str]]) -> str:
    """Two tables as text, one above the other.

    Args:
        summary: The rows of the first table: a name, a value and a remark.
        columns: The rows of the second table, header first; its columns have equal widths.
    """
    lines = [f"{name:<32}{value:>10}  {remark}".rstrip() for name, value, remark in summary]
    lines += ["", *("".join(f"{cell:>12}" for cell in row) for row in columns)]
    return "\n".join(lines)


def html_table(rows: Sequence[Sequence[str]], header: Sequence[str]) -> str:
    """A table with a header as HTML, with its texts escaped."""
    head = "".join(f"<th>{html.escape(cell)}</th>" for cell in header)
    body = "".join(
        "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in rows
    )
    return f"<table><tr>{head}</tr>{body}</table>"
