"""Finds the header among the first rows of a table."""

from collections import Counter
from collections.abc import Collection, Sequence

_MOST_ABOVE = 30  # lines above the header


def header_place(
    rows: Sequence[Sequence[str] | None], above: int, names: Collection[str]
) -> int | None:
    """The position of the header: the first row with an expected name, or else of a table's width.

    Args:
        rows: The first rows; None for a line that is not valid.
        above: The number of rows that are known to stand above the header.
        names: Names of columns that the header is expected to have.

    Returns:
        The position, from 0; None if there is no row.
    """
    filled = [
        place
        for place, row in enumerate(rows)
        if place >= above and row and any(map(str.strip, row))
    ]
    if not filled:
        return next((place for place, row in enumerate(rows) if place >= above and row), None)
    for place in filled[:_MOST_ABOVE]:
        if not {cell.strip() for cell in rows[place] or ()}.isdisjoint(names):
            return place
    widths = Counter(len(trimmed(row)) for row in rows if row)
    width = max(widths, key=lambda width: (widths[width], width))
    for place in filled[:_MOST_ABOVE] if width > 1 else ():
        row = rows[place] or []
        is_short = len(row) < width or (width > 2 and len(row) > 1)
        if not (is_short and sum(bool(cell.strip()) for cell in row) < 2):
            return place
    return filled[0]


def trimmed(row: Sequence[str]) -> Sequence[str]:
    """A row without the blank cells at its end.

    >>> trimmed(["sku", "title", "", " "])
    ['sku', 'title']
    """
    end = len(row)
    while end and not row[end - 1].strip():
        end -= 1
    return row[:end]
