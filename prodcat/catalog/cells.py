"""The meaning of a table's cells in a catalog."""

import numpy as np

from prodcat.storage.tables import is_missing
from prodcat.taxonomy.paths import split_path


def cell_text(value: object) -> str:
    """A cell as text without the blanks around it; empty if the value is missing.

    Data frames turn whole numbers into floats if a value of the column is missing; they are
    written as whole numbers again.

    >>> cell_text(" Milk "), cell_text(12.0), cell_text(None)
    ('Milk', '12', '')
    """
    if is_missing(value):
        return ""
    if isinstance(value, bytes):
        value = value.decode("utf-8", "surrogateescape")
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).strip()


def path_names(value: object, separator: str) -> list[str]:
    """The names in one cell, which holds a list or array of names, or a path in one line.

    >>> path_names("Food > Fruit", ">"), path_names(["Food", "Fruit"], ">"), path_names(None, ">")
    (['Food', 'Fruit'], ['Food', 'Fruit'], [])
    """
    if isinstance(value, (dict, set)):
        return []
    if isinstance(value, (list, tuple, np.ndarray)):
        return [cell_text(part) for part in value]
    text = cell_text(value)
    return list(split_path(text, separator)) if text else []


def group_text(value: object) -> str:
    """The value of a group as text, the same in all kinds of tables; empty if it is missing.

    >>> group_text(1), group_text(1.0), group_text(None)
    ('1', '1', '')
    """
    if is_missing(value):
        return ""
    whole = isinstance(value, float | np.floating) and float(value).is_integer()
    return str(int(value) if whole else value).strip()  # type: ignore[call-overload]
