"""Rows of a large table, which are held as columns."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, overload

import numpy as np

from prodcat.insight.arrays import Ints

Row = dict[str, Any]
_PIECE = 1_024  # rows that are made at a time


class ColumnRows(Sequence[Row]):
    """Rows that become mappings only where they are read.

    A million mappings take gigabytes of memory, and columns of the same values a tenth of it.

    Args:
        columns: The values of each column by its name, all of one length.  NaN in an array stands
            for a value that is not known, and is read as None.
    """

    def __init__(self, columns: Mapping[str, Sequence[Any] | np.ndarray]) -> None:
        self.columns = dict(columns)
        self._size = len(next(iter(self.columns.values()), ()))

    @classmethod
    def collect(cls, names: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> "ColumnRows":
        """Take up rows one at a time.

        Args:
            names: The names of the columns.
            rows: The rows, each with all columns; others are left out.
        """
        values: list[list[Any]] = [[] for _ in names]
        for row in rows:
            for column, name in zip(values, names, strict=True):
                column.append(row[name])
        return cls(dict(zip(names, values, strict=True)))

    @classmethod
    def chain(cls, parts: Sequence["ColumnRows"]) -> "ColumnRows":
        """All rows of one part after the other; all parts have the same columns."""
        joined: dict[str, Any] = {}
        for name in parts[0].columns:
            columns = [part.columns[name] for part in parts]
            is_array = isinstance(columns[0], np.ndarray)
            joined[name] = np.concatenate(columns) if is_array else [*chain(*columns)]
        return cls(joined)

    def __len__(self) -> int:
        """The number of rows."""
        return self._size

    @overload
    def __getitem__(self, place: int) -> Row: ...

    @overload
    def __getitem__(self, place: slice) -> "list[Row]": ...

    def __getitem__(self, place: int | slice) -> "Row | list[Row]":
        """One row, or a list of the rows in a slice."""
        if isinstance(place, slice):
            columns = [_plain(column[place]) for column in self.columns.values()]
            return [
                dict(zip(self.columns, values, strict=True))
                for values in zip(*columns, strict=True)
            ]
        number = range(self._size)[place]
        return self[number : number + 1][0]

    def __iter__(self) -> Iterator[Row]:
        """The rows, of which only a few are in memory at a time."""
        for start in range(0, self._size, _PIECE):
            yield from self[start : start + _PIECE]

    def column(self, name: str) -> list[Any]:
        """The values of a column; None for what is not known."""
        return _plain(self.columns[name])

    def take(self, order: Ints) -> "ColumnRows":
        """The rows in another order.

        Args:
            order: int64 [rows]: the number of each row that is kept.
        """
        numbers = order.tolist()
        return ColumnRows(
            {
                name: column[order] if isinstance(column, np.ndarray)
                else [column[number] for number in numbers]
                for name, column in self.columns.items()
            }
        )  # fmt: skip


def _plain(column: Any) -> list[Any]:
    """The values of a column as Python's own."""
    if not isinstance(column, np.ndarray):
        return list(column)
    values: list[Any] = column.tolist()
    if column.dtype.kind == "f":
        for number in np.flatnonzero(np.isnan(column)).tolist():
            values[number] = None
    return values
