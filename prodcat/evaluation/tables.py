"""Writes tables as text and as HTML."""

from collections.abc import Sequence

from prodcat.text_encoding import for_html


def text_tables(summary: Sequence[tuple[str, str, str]], columns: Sequence[Sequence[str]]) -> str:
    """Two tables as text, with a blank line between them.

    Args:
        summary: The rows of the first table: a name, a value and a remark.
        columns: The rows of the second table, header first; its columns have equal widths.
    """
    lines = [f"{name:<32}{value:>10}  {remark}".rstrip() for name, value, remark in summary]
    lines += ["", *("".join(f"{cell:>12}" for cell in row) for row in columns)]
    return "\n".join(lines)


def html_table(rows: Sequence[Sequence[str]], header: Sequence[str]) -> str:
    """An HTML table with escaped texts.

    Args:
        rows: The texts of each row.
        header: The texts of the header.
    """
    head = "".join(f"<th>{for_html(cell)}</th>" for cell in header)
    body = "".join(
        "<tr>" + "".join(f"<td>{for_html(cell)}</td>" for cell in row) + "</tr>" for row in rows
    )
    return f"<table><tr>{head}</tr>{body}</table>"
