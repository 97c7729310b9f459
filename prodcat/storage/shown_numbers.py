"""Gives numbers of Excel cells as they are meant, where their format says more than their value."""

from collections.abc import Sequence
from datetime import time
from typing import Any

from prodcat.storage import reading_notes
from prodcat.storage.sheet_markup import MarkedCells


def show_zeros(rows: list[list[Any]], marked: MarkedCells) -> None:
    """Change the cells whose value is not what the number and its format mean.

    A number such as 42 with the format ``00000`` becomes the text ``"00042"``, as Excel shows it.
    A negative number that is formatted as a date, which Excel cannot show, becomes a number.  The
    cells that are not changed are removed from ``marked``.

    Args:
        rows: The values of the sheet.
        marked: What is known of its cells.
    """
    for (row, column), width in list(marked.digits.items()):
        value = _value(rows, row, column)
        if type(value) is int and value >= 0 and len(str(value)) < width:
            rows[row][column] = str(value).zfill(width)
        else:
            del marked.digits[row, column]
    for (row, column), text in list(marked.negative.items()):
        if type(_value(rows, row, column)) is time:
            number = float(text)
            rows[row][column] = int(number) if number.is_integer() else number
        else:
            del marked.negative[row, column]


def _value(rows: list[list[Any]], row: int, column: int) -> Any:
    return rows[row][column] if row < len(rows) and column < len(rows[row]) else None


def tell_shown(uri: str, marked: MarkedCells, names: Sequence[str], rows: range) -> None:
    """Tell of the cells that :func:`show_zeros` changed.

    Args:
        uri: The name of the file.
        marked: What is known of the cells of the sheet.
        names: The names of its columns.
        rows: The positions of the rows that are read.
    """
    for column, name in enumerate(names):
        zeros = sorted(row + 1 for row, place in marked.digits if place == column and row in rows)
        if zeros:
            text = "numbers are read with the zeros that their format shows before them"
            reading_notes.tell_cells(
                uri, text, name, zeros, "If they are no ids, format the column without them."
            )
        wrong = sorted(row + 1 for row, place in marked.negative if place == column and row in rows)
        if wrong:
            text = "negative numbers that are formatted as dates or times are read as numbers"
            reading_notes.tell_cells(
                uri, text, name, wrong, "Correct them, or format them as numbers."
            )
