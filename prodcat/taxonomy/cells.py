"""Reads the rows of a table that describes a taxonomy, and the values of their cells."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import numpy as np

from prodcat.errors import TaxonomyError
from prodcat.storage.read_options import DEFAULTS, ReadOptions
from prodcat.storage.tables import is_missing, iter_tables
from prodcat.taxonomy.paths import Path, split_path

_MANY = (list, tuple, np.ndarray)


def records_of(source: object, options: ReadOptions = DEFAULTS) -> list[dict[str, Any]]:
    """The rows of a table, each as a mapping from column names to values.

    Args:
        source: Any table that :func:`prodcat.storage.tables.iter_tables` reads.
        options: What is known of a file.

    Raises:
        CatalogError: The table cannot be read.
    """
    records: list[dict[str, Any]] = []
    for piece in iter_tables(source, options=options):
        names = list(piece)
        rows = zip(*piece.values(), strict=True)
        records += [dict(zip(names, row, strict=True)) for row in rows]
    return records


def cell_text(value: object) -> str:
    """The value of a cell as text without surrounding blanks; empty if the value is missing.

    Whole numbers are written without a decimal point, because data frames convert a column of
    whole numbers to floats if one of its values is missing.

    A list is written in one way, whatever container it comes from.

    >>> cell_text(" Fruit "), cell_text(12.0), cell_text(Decimal("12.00")), cell_text(None)
    ('Fruit', '12', '12', '')
    >>> cell_text(["a", 1]), cell_text(np.array(["a", "b"], object)), cell_text(("a",))
    ("['a', 1]", "['a', 'b']", "['a']")
    """
    if is_missing(value):
        return ""
    if isinstance(value, (*_MANY, Mapping)):
        value = _plain(value)
    if isinstance(value, bytes):
        value = value.decode("utf-8", "surrogateescape")
    if (isinstance(value, (float, np.floating)) and float(value).is_integer()) or (
        isinstance(value, Decimal) and value.is_finite() and value == value.to_integral_value()
    ):
        value = int(value)
    return str(value).strip()


def _plain(value: Any) -> Any:
    """Lists and objects with lists in them in the place of arrays and tuples."""
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, (list, tuple)):
        return [_plain(part) for part in value]
    return {key: _plain(part) for key, part in value.items()} if isinstance(value, dict) else value


def kind_of_many(value: object) -> str:
    """What a value is that holds several others, in words; empty for another one.

    >>> kind_of_many({"de": "Milch"}), kind_of_many(["Milk"]), kind_of_many("Milk")
    ('an object', 'a list', '')
    """
    if isinstance(value, _MANY):
        return "a list"
    return _kind(value) if isinstance(value, (Mapping, set, frozenset)) else ""


def cell_path(value: object, separator: str) -> Path:
    """The path in a cell: a list of names, or one text with separators; empty if it is missing.

    Raises:
        TaxonomyError: The cell has an object, a list inside a list, or a list that is cut.

    >>> cell_path("Food > Fruit", ">"), cell_path(["Food", "Fruit"], ">"), cell_path(7, ">")
    (('Food', 'Fruit'), ('Food', 'Fruit'), ('7',))
    """
    if isinstance(value, _MANY):
        inner = [part for part in value if isinstance(part, (*_MANY, Mapping, set))]
        if inner:
            raise TaxonomyError(
                f"found {_kind(inner[0])} inside a list of names, {inner[0]!r:.60}; expected texts."
            )
        return tuple(cell_text(part) for part in value)
    if isinstance(value, (Mapping, set)):
        raise TaxonomyError(f"expected a path, got {_kind(value)}: {value!r:.60}")
    return split_path(cell_text(value), separator)


def _kind(value: object) -> str:
    return "an object" if isinstance(value, Mapping) else f"a {type(value).__name__}"


def cell_mark(value: object) -> bool:
    """Whether a cell means yes: true, 1, yes, y or on, in upper or lower case.

    >>> cell_mark("Yes"), cell_mark(True), cell_mark("no")
    (True, True, False)
    """
    return cell_text(value).lower() in ("true", "1", "yes", "y", "on")
