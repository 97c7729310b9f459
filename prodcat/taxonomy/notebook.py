"""What notebooks show of a result: small tables as HTML, and rows as data frames.

The HTML has the colours of the notebook around it, so that it can be read in light and in dark
ones, and it is small: ten rows and twelve columns of a table, 200 letters of a cell.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from itertools import islice
from types import NoneType
from typing import TYPE_CHECKING, Any, Literal, overload

import numpy as np

from prodcat.errors import ConfigError, check_choice
from prodcat.storage.containers import is_missing
from prodcat.text_encoding import for_html

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

Library = Literal["pandas", "polars"]
MOST_ROWS = 10
_MOST_COLUMNS = 12
_MOST_LETTERS = 200
_NUMBER = re.compile(r"[-+]?\d[\d,]*(\.\d+)?( ?%)?|–?")
_STYLE = (
    "<style>.prodcat table{border-collapse:collapse;margin:.4em 0;color:inherit}"
    ".prodcat caption{text-align:left;opacity:.75}"
    ".prodcat th,.prodcat td{text-align:left;vertical-align:top;padding:.2em .7em;max-width:36em;"
    "white-space:normal;overflow-wrap:break-word;border-bottom:1px solid rgba(128,128,128,.35)}"
    ".prodcat td.number{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}"
    "</style>"
)


@dataclass(frozen=True)
class NotebookTable:
    """A table of which a notebook shows the first rows.

    Attributes:
        header: The name of each column.
        rows: The texts of each row; only the first of them are read.
        caption: What the table has; empty for no caption.
        total: The number of all rows, if ``rows`` has fewer; by default that of ``rows``.
        most: The greatest number of rows to show.
        is_folded: Whether the table appears when a reader clicks on its caption.
    """

    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    caption: str = ""
    total: int | None = None
    most: int = MOST_ROWS
    is_folded: bool = False

    def html(self) -> str:
        """The table as HTML with escaped texts; empty if it has no rows."""
        shown = [_narrow(row) for row in islice(self.rows, self.most)]
        total = len(self.rows) if self.total is None else self.total
        if not shown:
            return ""
        caption = self.caption
        if total > len(shown):
            caption = f"{caption or 'rows'} ({len(shown):,} of {total:,})"
        kinds = [_kind(column) for column in zip(*shown, strict=True)]
        head = "".join(f"<th>{for_html(cut(name))}</th>" for name in _narrow(self.header))
        body = "".join(
            "<tr>"
            + "".join(
                f"<td{kind}>{for_html(cut(cell))}</td>"
                for kind, cell in zip(kinds, row, strict=True)
            )
            + "</tr>"
            for row in shown
        )
        title = for_html(cut(caption))
        if self.is_folded:
            return (
                f"<details><summary>{title}</summary><table><tr>{head}</tr>{body}</table></details>"
            )
        above = f"<caption>{title}</caption>" if caption else ""
        return f"<table>{above}<tr>{head}</tr>{body}</table>"


def _narrow(row: Sequence[str]) -> list[str]:
    """The cells of at most twelve columns, with a mark in the place of the others."""
    if len(row) <= _MOST_COLUMNS:
        return list(row)
    half = _MOST_COLUMNS // 2
    return [*row[:half], "…", *row[half + 1 - _MOST_COLUMNS :]]


def _kind(column: Iterable[str]) -> str:
    """The attribute of the cells of a column: numbers are aligned on the right."""
    return ' class="number"' if all(_NUMBER.fullmatch(cell) for cell in column) else ""


def cut(text: str) -> str:
    """The first 200 letters of a text."""
    return text if len(text) <= _MOST_LETTERS else f"{text[: _MOST_LETTERS - 1]}…"


def notebook_html(
    heading: str, numbers: Iterable[str], *tables: NotebookTable, further: str = ""
) -> str:
    """The HTML of a result for a notebook: its main numbers, and then its tables.

    Args:
        heading: What the result is.
        numbers: Its main numbers, as texts with what they count.
        tables: Its tables, of which those without rows are left out.
        further: HTML that is added below, in which all texts are escaped.

    >>> notebook_html("Tea", ["2 cups"]).removeprefix(_STYLE)
    '<div class="prodcat"><div><b>Tea</b> 2 cups</div></div>'
    """
    listed = for_html(", ".join(cut(number) for number in numbers))
    body = "".join(table.html() for table in tables)
    return (
        f'{_STYLE}<div class="prodcat"><div><b>{for_html(cut(heading))}</b> {listed}</div>'
        f"{body}{further}</div>"
    )


class Framed(ABC):
    """A result with rows, which :meth:`to_frame` gives as a data frame."""

    __slots__ = ()

    @abstractmethod
    def _columns(self) -> Mapping[str, Any]:
        """The values of each column by its name."""

    @overload
    def to_frame(self, *, library: Literal["pandas"] = "pandas") -> "pd.DataFrame": ...
    @overload
    def to_frame(self, *, library: Literal["polars"]) -> "pl.DataFrame": ...
    def to_frame(self, *, library: Library = "pandas") -> Any:
        """The rows as a data frame.

        Rows are numbered in the column ``row_number``, from 1 as people count.  A column that is
        added to those of your table has ``prodcat_`` before its name if your table has this name.

        Args:
            library: The library of the data frame: ``"pandas"`` or ``"polars"``.

        Returns:
            A ``DataFrame`` of this library.

        Raises:
            ConfigError: The library is not installed, or is another one.
        """
        return data_frame(self._columns(), library)


def data_frame(columns: Mapping[str, Any], library: Library = "pandas") -> Any:
    """Make a data frame of columns.

    Args:
        columns: The columns by name: NumPy arrays [rows], or sequences of Python objects, which
            stay as they are if they have no common type.
        library: The library of the data frame: ``"pandas"`` or ``"polars"``.

    Raises:
        ConfigError: The library is not installed, or is another one.
    """
    check_choice("library", library, ("pandas", "polars"))
    try:
        package = import_module(library)
    except ImportError as error:
        other = "polars" if library == "pandas" else "pandas"
        raise ConfigError(
            f"A data frame of {library} needs {library}, which is not installed. Install it with "
            f"pip install 'prodcat[{library}]', or choose library={other!r}."
        ) from error
    column = _pandas_column if library == "pandas" else _polars_column
    return package.DataFrame({name: column(package, values) for name, values in columns.items()})


def _pandas_column(pd: Any, values: Any) -> Any:
    if isinstance(values, np.ndarray):
        return pd.Series(values)
    listed = list(values)
    # By default whole numbers become fractions where one is missing.
    nullable = {frozenset({int, NoneType}): "Int64", frozenset({bool, NoneType}): "boolean"}
    try:
        return pd.Series(listed, dtype=nullable.get(frozenset(map(type, listed))))
    except (UnicodeEncodeError, OverflowError, TypeError):  # lone surrogates, large numbers
        return pd.Series(listed, dtype=object)


def _polars_column(pl: Any, values: Any) -> Any:
    if isinstance(values, np.ndarray) and values.dtype != object:
        return pl.Series(values)
    listed = list(values)
    if frozenset(map(type, listed)) - {NoneType} == {int, float}:
        listed = [None if value is None else float(value) for value in listed]
    try:
        return pl.Series(listed)
    except (UnicodeEncodeError, OverflowError, TypeError, pl.exceptions.PolarsError):
        return pl.Series(listed, dtype=pl.Object)


def columns_of_rows(
    rows: Sequence[int] | np.ndarray[Any, Any],
    kept: Mapping[str, Sequence[Any]],
    computed: Mapping[str, Any],
) -> dict[str, Any]:
    """The columns of a data frame: the number of each row, a user's columns, and those of prodcat.

    Args:
        rows: The number of each row, counted from 0.
        kept: The columns of the user's table by name; their names never change.
        computed: Further columns by name, which get ``prodcat_`` before a name that is taken.

    >>> list(columns_of_rows([0], {"id": ["a"], "path": ["x"]}, {"path": ["Food"]}))
    ['row_number', 'id', 'path', 'prodcat_path']
    """
    numbered = free_columns(kept, {"row_number": np.asarray(rows, np.int64) + 1, **computed})
    first = next(name for name in numbered if name not in kept)
    return {first: numbered[first], **numbered}


def free_columns(kept: Mapping[str, Any], computed: Mapping[str, Any]) -> dict[str, Any]:
    """Add columns to those of a user's table, whose names never change.

    Args:
        kept: The columns of the user's table by name.
        computed: Further columns by name, which get ``prodcat_`` before a name that is taken.
    """

    def free(name: str) -> str:
        return free(f"prodcat_{name}") if name in kept else name

    return {**kept, **{free(name): values for name, values in computed.items()}}


def texts_of_rows(columns: Mapping[str, Sequence[Any]]) -> list[tuple[str, ...]]:
    """The rows of columns as texts for a :class:`NotebookTable`; what is missing is empty.

    >>> texts_of_rows({"row_number": [1], "title": ["milk"], "path": [None]})
    [('1', 'milk', '')]
    """
    texts = ([_text(value) for value in values] for values in columns.values())
    return list(zip(*texts, strict=True))


def _text(value: Any) -> str:
    if is_missing(value):
        return ""
    if isinstance(value, (float, np.floating)):
        return str(round(float(value), 4))
    return str(value)
