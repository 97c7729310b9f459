"""Tables that a page shows and programs read: the same rows under headings and under names."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["text", "count", "share", "bar", "points", "figure", "price", "interval"]
SMALLEST_SHARE = 0.0005  # the smallest share that is not shown as 0.0 %


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        name: The name for programs, which stays the same from version to version.
        heading: The heading for people.
        kind: What the values are; :func:`shown` lists the kinds.
    """

    name: str
    heading: str
    kind: Kind


@dataclass(frozen=True)
class PageTable:
    """A table of a page.

    Attributes:
        columns: The columns.
        rows: A value for each column in each row; None for a value that is not known.
        caption: The caption of the table on the page.
        most: The greatest number of rows on the page.
    """

    columns: tuple[Column, ...]
    rows: Sequence[Sequence[Any]]
    caption: str = ""
    most: int | None = None

    @property
    def headings(self) -> list[tuple[str, Kind]]:
        """The heading and the kind of each column."""
        return [(column.heading, column.kind) for column in self.columns]

    def arrow(self) -> Any:
        """All rows as an Arrow table.

        Returns:
            The columns by their names.  Shares are numbers from 0 to 1.  A column of intervals
            becomes two, whose names end with ``_low`` and ``_high``.
        """
        import pyarrow as pa

        arrays: dict[str, Any] = {}
        for position, column in enumerate(self.columns):
            values = [row[position] for row in self.rows]
            if column.kind == "interval":
                for place, end in enumerate(("low", "high")):
                    ends = [None if value is None else float(value[place]) for value in values]
                    arrays[f"{column.name}_{end}"] = pa.array(ends, pa.float64())
                continue
            kinds = {"text": pa.string(), "count": pa.int64()}
            arrays[column.name] = pa.array(values, kinds.get(column.kind, pa.float64()))
        return pa.table(arrays)


def shown(kind: Kind, value: Any) -> str:
    """Format a value for people; a dash means that it is not known.

    Args:
        kind: The kind of the value: a ``"text"``; a whole number (``"count"``); a ``"share"`` from
            0 to 1, which a ``"bar"`` also draws; a difference of two shares (``"points"``); a
            decimal number (``"figure"``); a ``"price"``; or an ``"interval"``, which is a pair of
            shares.
        value: The value, or None.

    >>> shown("share", 0.25), shown("share", 0.0123), shown("share", 0.0001), shown("count", None)
    ('25.0 %', '1.2 %', '< 0.1 %', '–')
    >>> shown("points", -0.012), shown("interval", (0.1, 0.25))
    ('-1.2 points', '10.0 to 25.0 %')
    """
    if value is None:
        return "–"
    if kind == "count":
        return f"{value:,}"
    if kind in ("share", "bar"):
        if 0 < value < SMALLEST_SHARE:
            return "< 0.1 %"
        return "> 99.9 %" if 1 - SMALLEST_SHARE < value < 1 else f"{100 * value:.1f} %"
    if kind == "points":
        return f"{round(100 * value, 1) + 0.0:+.1f} points"
    if kind in ("figure", "price"):
        return f"{value:,.2f}"
    if kind == "interval":
        return f"{100 * value[0]:.1f} to {100 * value[1]:.1f} %"
    return str(value)
