"""Tables that a reader of a page can sort, filter, expand and download."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from prodcat.text_encoding import for_terminal

# texts; whole numbers; shares and differences of 0 to 1; prices; and components of their own
ColumnKind = Literal[
    "text", "count", "share", "range", "points", "change", "price", "factor", "bar", "badge",
    "bands", "flag", "code", "more_count",
]  # fmt: skip


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        key: The name of the column in the rows.
        label: Its heading.
        kind: How its values are shown: as a ``text``, a ``count``, a ``share``, a ``range`` (two
            shares), percentage ``points`` or a relative ``change`` with ▲ and ▼, a ``price``, a
            ``factor`` such as 2.1, a ``bar`` of 0 to 100, a ``badge`` whose text is that of a code,
            ``bands`` (three shares in one bar), a ``flag`` that is shown if it is true, the text of
            a ``code``, or a difference of counts with ▲ and ▼ (``more_count``).
        small: The key and the kind of a value in small print below.
        unit: The key of a text behind the value, such as kg.
        sortable: Whether the reader can sort by the column.
        wide: Whether a narrow screen leaves the column out.
        doubt: The key of how sure the value is; an uncertain one has no colour.
    """

    key: str
    label: str
    kind: ColumnKind = "text"
    small: tuple[str, ColumnKind] | None = None
    unit: str | None = None
    sortable: bool = True
    wide: bool = False
    doubt: str | None = None


@dataclass(frozen=True)
class Filters:
    """Which values of a table's rows the filters of the page look at.

    Attributes:
        department: The key of the department.
        brand: The key of the brand.
        price: The key of the price.
        words: The keys of the texts that the search looks through.

    In a tree, the department is that of the uppermost row above a row, and the search looks through
    the texts of all rows above it too, so that no row need repeat them.
    """

    department: str | None = None
    brand: str | None = None
    price: str | None = None
    words: Sequence[str] = ()


@dataclass(frozen=True)
class Table:
    """A table of a page.

    Attributes:
        caption: What the table shows.
        columns: The columns that are shown.
        rows: The rows as mappings; each has all keys that the columns and filters name.
        empty: What is said if there is no row.
        limit: Number of rows that are shown at first.
        filters: What the filters of the page look at.
        parent: The key of the position of the row above in a tree; None for a plain table.
        is_compact: Whether the table is part of a card.
    """

    caption: str
    columns: Sequence[Column]
    rows: Sequence[Mapping[str, Any]]
    empty: str
    limit: int = 10
    filters: Filters = field(default_factory=Filters)
    parent: str | None = None
    is_compact: bool = False

    def spec(self) -> dict[str, Any]:
        """The table for the script of the page."""
        keys = list(
            dict.fromkeys(
                key
                for column in self.columns
                for key in (column.key, column.small and column.small[0], column.unit, column.doubt)
                if key
            )
        )
        filters = self.filters
        looked_at = [filters.department, filters.brand, filters.price, self.parent, *filters.words]
        keys += [key for key in dict.fromkeys(looked_at) if key and key not in keys]
        place = {key: number for number, key in enumerate(keys)}
        return {
            "caption": self.caption,
            "columns": [
                {
                    "at": place[column.key],
                    "label": column.label,
                    "kind": column.kind,
                    "small": [place[column.small[0]], column.small[1]] if column.small else None,
                    "unit": place[column.unit] if column.unit else None,
                    "doubt": place[column.doubt] if column.doubt else None,
                    "sortable": column.sortable,
                    "wide": column.wide,
                }
                for column in self.columns
            ],
            "rows": [[_short(row[key]) for key in keys] for row in self.rows],
            "empty": self.empty,
            "limit": self.limit,
            "parent": place[self.parent] if self.parent else None,
            "filters": {
                "department": place[filters.department] if filters.department else None,
                "brand": place[filters.brand] if filters.brand else None,
                "price": place[filters.price] if filters.price else None,
                "words": [place[key] for key in filters.words],
            },
        }


def _short(value: Any) -> Any:
    """A value in as few letters as the page needs, with controls in texts made visible."""
    if isinstance(value, float):
        return round(value, 5)
    if isinstance(value, str):
        return for_terminal(value)
    if isinstance(value, (list, tuple)):
        return [_short(each) for each in value]
    return value
