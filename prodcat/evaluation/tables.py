"""Tables of cells, as text and as HTML."""

import html
from collections.abc import Sequence


def text_tables(summary: Sequence[tuple[str, str, str]], columns: Sequence[Sequence[str]]) -> str:
    """Two tables one above the other.

    Args:
        summary: Rows of a name, a value and what stands behind it.
        columns: Rows of a table whose columns are of equal width, header first.
    """
    lines = [f"{name:<32}{value:>10}  {behind}".rstrip() for name, value, behind in summary]
    lines += ["", *("".join(f"{cell:>12}" for cell in row) for row in columns)]
    return "\n".join(lines)


def html_table(rows: Sequence[Sequence[str]], header: Sequence[str]) -> str:
    """A table under its header."""
    head = "".join(f"<th>{html.escape(cell)}</th>" for cell in header)
    body = "".join(
        "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in rows
    )
    return f"<table><tr>{head}</tr>{body}</table>"
