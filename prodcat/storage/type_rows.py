"""Recognises a row below the header that has the types of the columns, as databases write it."""

import re
from collections.abc import Sequence

_TEXT = r"(?:n?varchar2?|n?char|character(?: varying)?|bpchar|n?text|string|str|clob|object)"
_OTHER = (
    r"(?:(?:small|big|tiny|medium)?int(?:8|16|32|64)?|integer|number|numeric|decimal|dec|float(?:32|64)?"
    r"|double(?: precision)?|real|money|currency|bool(?:ean)?|bit|date|time|datetime(?:64)?2?"
    r"|timestamp(?: with(?:out)? time zone)?|timestamptz|uuid|jsonb?|blob|long)"
)
_SIZE = r"(?: ?\( ?(?:\d+|max)(?: ?, ?\d+)? ?\))"
_IS_TEXT = re.compile(rf"{_TEXT}{_SIZE}?", re.IGNORECASE)
_IS_SIZED = re.compile(rf"{_TEXT}{_SIZE}", re.IGNORECASE)
_IS_TYPE = re.compile(rf"(?:{_TEXT}|{_OTHER}){_SIZE}?", re.IGNORECASE)
_CURRENCIES = {"EUR", "USD", "GBP", "CHF", "TRY", "TL", "PLN", "SEK", "JPY", "€", "$", "£", "%"}
_UNITS = frozenset({"kg", "g", "l", "ml", "mm", "cm", "m", "pcs"} | _CURRENCIES)


def is_type_row(row: Sequence[str]) -> bool:
    """Whether a row has the type of each column, at least one of them a type of texts.

    A unit or currency may stand for the type of some numbers.  A single cell must name a size, as
    a word such as "Text" or "Date" may be a product.

    >>> is_type_row(["VARCHAR(255)", "INTEGER"]), is_type_row(["Text", "Text", "EUR"])
    (True, True)
    >>> is_type_row(["Date"]), is_type_row(["Date", "Fruit"]), is_type_row(["Text", "kg"])
    (False, False, False)
    """
    cells = [cell.strip() for cell in row]
    if len(cells) == 1:
        return _IS_SIZED.fullmatch(cells[0]) is not None
    types = sum(_IS_TYPE.fullmatch(cell) is not None for cell in cells)
    units = sum(cell in _UNITS for cell in cells)
    has_text = any(_IS_TEXT.fullmatch(cell) for cell in cells)
    return has_text and types > units and types + units == len(cells)
