"""Reads the rows of a table that describes a taxonomy, and the values of their cells."""

from decimal import Decimal
from typing import Any

import numpy as np

from prodcat.storage.tables import is_missing, iter_tables
from prodcat.taxonomy.paths import Path, split_path


def records_of(source: object) -> list[dict[str, Any]]:
    """The rows of a table, each as a mapping from column names to values.

    Args:
        source: Any table that :func:`prodcat.storage.tables.iter_tables` reads.

    Raises:
        CatalogError: The table cannot be read.
    """
    records: list[dict[str, Any]] = []
    for piece in iter_tables(source):
        names = list(piece)
        rows = zip(*piece.values(), strict=True)
        records += [dict(zip(names, row, strict=True)) for row in rows]
    return records


def cell_text(value: object) -> str:
    """The value of a cell as text without surrounding blanks; empty if the value is missing.

    Whole numbers are written without a decimal point, because data frames convert a column of
    whole numbers to floats if one of its values is missing.

    >>> cell_text(" Fruit "), cell_text(12.0), cell_text(Decimal("12.00")), cell_text(None)
    ('Fruit', '12', '12', '')
    """
    if is_missing(value):
        return ""
    if isinstance(value, bytes):
        value = value.decode("utf-8", "surrogateescape")
    if (isinstance(value, (float, np.floating)) and float(value).is_integer()) or (
        isinstance(value, Decimal) and value.is_finite() and value == value.to_integral_value()
    ):
        value = int(value)
    return str(value).strip()


def cell_path(value: object, separator: str) -> Path:
    """The path in a cell: a list of names, or one text with separators; else an empty path.

    >>> cell_path("Food > Fruit", ">"), cell_path(["Food", "Fruit"], ">"), cell_path(7, ">")
    (('Food', 'Fruit'), ('Food', 'Fruit'), ())
    """
    if isinstance(value, str):
        return split_path(value, separator)
    if isinstance(value, (list, tuple, np.ndarray)):
        return tuple(cell_text(part) for part in value)
    return ()


def cell_mark(value: object) -> bool:
    """Whether a cell means yes: true, 1, yes or y, in upper or lower case.

    >>> cell_mark("Yes"), cell_mark(True), cell_mark("no")
    (True, True, False)
    """
    return cell_text(value).lower() in ("true", "1", "yes", "y")
