"""Converts the cells of a catalog's table to text."""

from math import isfinite

import numpy as np

from prodcat.storage.tables import MOST_LETTERS, is_missing
from prodcat.taxonomy.cells import cell_text

_MOST_EXACT = 2.0**53  # larger whole numbers are not all floats


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


def lost_digits(value: object, column: str) -> str:
    """What is wrong with an id that is a float of more digits than floats have; or no text.

    Two ids of 17 digits may be the same float, so that its text may be that of another product.

    Args:
        value: The value of a cell.
        column: The name of its column.

    >>> lost_digits(4006381333931.0, "ean"), lost_digits("12345678901234567", "id")
    ('', '')
    >>> lost_digits(12345678901234567.0, "id")[:46]
    'id=1.2345678901234568e+16 is a float, which ha'
    """
    if not isinstance(value, (float, np.floating)):
        return ""
    number = float(value)
    if not isfinite(number) or abs(number) < _MOST_EXACT:
        return ""
    return (
        f"{column}={number!r} is a float, which has not all digits of such a number; expected text "
        "or an integer. Read the column as text where the table comes from, such as with dtype=str "
        "in pandas"
    )


def group_text(value: object) -> str:
    """The value of a group as text, whether the table has it as 1 or 1.0; empty if missing.

    >>> group_text(1), group_text(1.0), group_text(None)
    ('1', '1', '')
    """
    if is_missing(value):
        return ""
    whole = isinstance(value, float | np.floating) and float(value).is_integer()
    return str(int(value) if whole else value).strip()  # type: ignore[call-overload]
