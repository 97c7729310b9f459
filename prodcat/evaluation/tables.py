"""Writes tables as text."""

from collections.abc import Sequence


def text_tables(summary: Sequence[tuple[str, str, str]], columns: Sequence[Sequence[str]]) -> str:
    """Two tables as text, with a blank line between them.

    Args:
        summary: The rows of the first table: a name, a value and a remark.
        columns: The rows of the second table, header first.
    """
    width = max(32, *(len(name) for name, _, _ in summary))
    lines = [f"{name:<{width}}{value:>10}  {remark}".rstrip() for name, value, remark in summary]
    widths = [max(8, *map(len, cells)) + 2 for cells in zip(*columns, strict=True)]
    lines.append("")
    for row in columns:
        lines.append("".join(f"{cell:>{size}}" for cell, size in zip(row, widths, strict=True)))
    return "\n".join(lines)
