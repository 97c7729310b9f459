"""Converts the cells of a catalog's table to text and to paths."""

import numpy as np

from prodcat.storage.tables import MOST_LETTERS, is_missing
from prodcat.taxonomy.cells import cell_text
from prodcat.taxonomy.paths import split_path


def shortened(value: object) -> object:
    """The value of a cell, cut soon after the most letters of a text if it is longer.

    A text that was cut is still too long, but takes little memory.

    >>> len(shortened("milk" * 100_000)), shortened(["milk"])
    (10001, ['milk'])
    """
    if isinstance(value, (str, bytes, list, dict)) and len(value) > MOST_LETTERS // 8:
        text = cell_text(value)
        if len(text) > MOST_LETTERS:
            return text[: MOST_LETTERS + 1]
    return value


def path_names(value: object, separator: str) -> list[str]:
    """The names on a path in one cell; empty for a missing value, a dict or a set.

    Args:
        value: A list, tuple or array of names, or one text, which may be a list too.
        separator: The text between two names in one text.

    >>> path_names("Food > Fruit", ">"), path_names(["Food", "Fruit"], ">"), path_names(None, ">")
    (['Food', 'Fruit'], ['Food', 'Fruit'], [])
    """
    if isinstance(value, (dict, set)):
        return []
    if isinstance(value, (list, tuple, np.ndarray)):
        return [cell_text(part) for part in value]
    return list(split_path(cell_text(value), separator))


def group_text(value: object) -> str:
    """The value of a group as text, whether the table has it as 1 or 1.0; empty if missing.

    >>> group_text(1), group_text(1.0), group_text(None)
    ('1', '1', '')
    """
    if is_missing(value):
        return ""
    whole = isinstance(value, float | np.floating) and float(value).is_integer()
    return str(int(value) if whole else value).strip()  # type: ignore[call-overload]
