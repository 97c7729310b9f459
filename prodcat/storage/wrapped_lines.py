"""Reads CSV files of which whole lines are enclosed in quotes: ``"1;""Milk; fresh"";Food"``.

A program writes so that takes each line of a CSV file for one text: Excel does if it opened a file
whose delimiter is not that of the country, and put each line into one cell.
"""

import csv
import io
import re
from collections.abc import Callable, Iterator, Sequence

# A line that is one field in quotes; each repetition takes all that it can, so that it is linear.
_WRAPPED = re.compile(r'(?:^|(?<=[\r\n]))"(?:[^"\r\n]++|"")*+"(?=[,;\t|]*(?:[\r\n]|$))')


def may_be_wrapped(sample: str) -> bool:
    r"""Whether a line of a text is one field in quotes.

    >>> may_be_wrapped('"1;""Milk"";Food"\n'), may_be_wrapped('1;"Milk";Food\n')
    (True, False)
    """
    return _WRAPPED.search(sample) is not None


class UnwrappedRows:
    """The rows of a CSV file, of which those with one field in use are divided once more.

    Args:
        rows: The rows, which may have one field each.
        reader: Makes a reader of the lines of such a field.
    """

    def __init__(
        self,
        rows: Iterator[list[str]],
        reader: Callable[[Iterator[str]], Iterator[list[str]]],
    ) -> None:
        self._rows, self._reader = rows, reader

    def __iter__(self) -> "UnwrappedRows":
        return self

    def __next__(self) -> list[str]:
        """The next row.

        Raises:
            csv.Error: It is not valid; the rows after it can still be read.
            StopIteration: There are no more rows.
        """
        row = next(self._rows)
        return row if any(row[1:]) or not row else unwrapped(row, self._reader)


def unwrapped(row: list[str], reader: Callable[[Iterator[str]], Iterator[list[str]]]) -> list[str]:
    """The fields of a row with one field in use; the row itself if that is not a line of CSV."""
    try:
        rows = list(reader(iter(io.StringIO(row[0], newline=""))))
    except csv.Error:
        return row
    return rows[0] if len(rows) == 1 and len(rows[0]) > 1 else row


def are_fields(rows: Sequence[list[str] | None]) -> bool:
    """Whether the fields of lines in quotes are no pieces of texts, which begin with blanks."""
    return not any(cell[:1] == " " for row in rows for cell in (row or ())[1:])
