"""Orders rows by a column as what it holds: numbers, dates, or texts; refuses what is not clear.

numbers     also in texts that all are numbers: ``"9"`` comes before ``"10"``
dates       dates and times of Python, NumPy and pandas, and texts of ISO 8601, to the nanosecond;
            those with time zones by their moment; a date is its midnight
parts       of years, such as ``"2024-W05"`` and ``"2023 Q4"``, all with the same letters
counts      a word that is the same in all rows and a number, such as ``"v009"`` and ``"v010"``
durations   of Python, NumPy and pandas; and times of a day

Other texts are refused, as the order of their letters is hardly that of time: ``"April"`` comes
before ``"January"``, and ``"01/26"`` before ``"12/25"``.
"""

import re
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import numpy as np

from prodcat.catalog.text import is_blank
from prodcat.errors import CatalogError
from prodcat.storage.tables import is_missing

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?")
_MONTH = re.compile(r"\d{4}-\d{2}")
_FRACTION = re.compile(r"(:\d{2})[.,](\d{1,9})(?=$|[Z+-])")
_ZONE_NAME = re.compile(r"\[[\w/+-]+\]$")  # after the offset, as Java writes it
_UTC_NAME = re.compile(r" ?UTC$")
_DAY = re.compile(r"0\d+\.")  # of a month, as in "01.12"
_PART = re.compile(r"(\d{4})[-_/ ]?([^\W\d_]{1,2})[-_ ]?(\d{1,2})")
_COUNT = re.compile(r"([^\d]*[^\d.,+/'’-])(\d+)")
_NANOSECONDS = {"ns": 1, "us": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9}
_NANOSECONDS |= {"h": 3_600 * 10**9, "D": 86_400 * 10**9, "W": 7 * 86_400 * 10**9}
_EPOCH = datetime(1970, 1, 1)
_MICROSECOND = timedelta(microseconds=1)
_NUMBERS, _ZONED, _PLAIN, _TEXTS = "a number", "a date with a time zone", "a date", "a text"
_EXPECTED = (
    "expected in all rows numbers, or dates such as 2024-05-01, 2024-05, 2024-W18, 2024-Q2 or "
    "2024-05-01T09:30:00+02:00"
)


def order_of(values: Sequence[object], column: str, rows: Sequence[int] = ()) -> list[int]:
    """The positions of values in their order; equal ones stay as they are.

    Args:
        values: The values of a column.
        column: The name of the column, for error messages.
        rows: The number of the row of each value in its source, from 0, for error messages; the
            positions of the values if empty.

    Raises:
        CatalogError: A value is missing or has another type than the others, or it is not clear
            how the values are ordered.

    >>> order_of(["10", "9"], "week"), order_of(["2024-05-02T00Z", "2024-05-02T01+02:00"], "t")
    ([1, 0], [1, 0])
    """
    reader = _Reader(column, rows)
    keys = [reader.key(value, place) for place, value in enumerate(values)]
    kinds = [kind for kind, _ in keys]
    if _TEXTS in kinds and all(isinstance(value, str) for value in values):
        counts = reader.counts([str(value) for value in values], kinds)
        return sorted(range(len(values)), key=counts.__getitem__)
    for place, kind in enumerate(kinds):
        if kind != kinds[0]:
            raise reader.error(
                place,
                f"{_shown(values[place])} is {kind}, and {_shown(values[0])} in "
                f"{reader.name(0)} is {kinds[0]}",
            )
    return sorted(range(len(values)), key=lambda place: keys[place][1])


class _Reader:
    """Reads the values of a column as what can be ordered.

    Args:
        column: The name of the column.
        rows: As for :func:`order_of`.
    """

    def __init__(self, column: str, rows: Sequence[int]) -> None:
        self.column, self.rows = column, rows

    def name(self, place: int) -> str:
        """The row of a value, as people count it."""
        return f"row no. {(self.rows[place] if len(self.rows) else place) + 1:,}"

    def error(self, place: int, what: str, expected: str = _EXPECTED) -> CatalogError:
        """An error about a value."""
        return CatalogError(
            f"Column {self.column!r}, {self.name(place)}: {what}; {expected}. Correct the column."
        )

    def key(self, value: Any, place: int) -> tuple[str, Any]:
        """What a value is, and the key by which values of this kind are ordered."""
        if is_missing(value) or (isinstance(value, str) and is_blank(value)):
            raise self.error(place, "the value is empty in some rows, which have no place in order")
        if isinstance(value, str):
            return _key_of_text(value.strip())
        if isinstance(value, np.generic) and not isinstance(value, (np.datetime64, np.timedelta64)):
            value = value.item()
        if isinstance(value, (bool, int, float, Decimal)):
            return _NUMBERS, value
        if isinstance(value, np.datetime64):
            return _PLAIN, _nanoseconds(value)
        if isinstance(value, datetime):
            return _key_of_moment(value, getattr(value, "nanosecond", 0))
        if isinstance(value, date):
            return _key_of_moment(datetime.combine(value, time()), 0)
        if isinstance(value, time):
            return _key_of_time(value)
        if isinstance(value, (timedelta, np.timedelta64)):
            return _key_of_duration(value)
        kind = type(value).__name__
        raise self.error(place, f"{_shown(value)} is of the type {kind}, which has no order")

    def counts(self, values: Sequence[str], kinds: Sequence[str]) -> list[int]:
        """The numbers in texts that are a word, equal in all rows, and a number.

        They must be ordered in the same way by their letters, or the word may be part of what
        orders them, such as the first part of ``"v1"`` and ``"v10"``.

        Args:
            values: Texts, of which some are no numbers, dates, or parts of years.
            kinds: What each of them is.

        Raises:
            CatalogError: The texts are something else.
        """
        other = next((place for place, kind in enumerate(kinds) if kind != _TEXTS), None)
        matches = [_COUNT.fullmatch(value.strip()) for value in values]
        for place, (value, kind, match) in enumerate(zip(values, kinds, matches, strict=True)):
            if kind != _TEXTS:
                continue
            if other is not None:
                what = f", as {_shown(values[other])} is {kinds[other]}"
                raise self.error(place, f"{_shown(value)} cannot be read{what}")
            if match is None or matches[0] is None or match[1] != matches[0][1]:
                raise self.error(place, f"{_shown(value)} cannot be read as a time or a number")
        numbers = [int(match[2]) for match in matches if match]
        by_number = sorted(range(len(values)), key=numbers.__getitem__)
        for before, after in pairwise(by_number):
            if values[before].strip() > values[after].strip():
                raise self.error(
                    after,
                    f"{_shown(values[after])} comes before {_shown(values[before])} as a text, but "
                    "after it as a number",
                )
        return numbers


def _key_of_text(text: str) -> tuple[str, Any]:
    if _NUMBER.fullmatch(text) and not _DAY.match(text):
        return _NUMBERS, Decimal(text)
    if _MONTH.fullmatch(text):
        text += "-01"
    if part := _PART.fullmatch(text):
        return _key_of_part(int(part[1]), part[2], int(part[3]))
    text = _UTC_NAME.sub("Z", _ZONE_NAME.sub("", text))
    fraction = _FRACTION.search(text)
    nanoseconds = 0
    if fraction:
        digits = fraction[2].ljust(9, "0")
        nanoseconds = int(digits[6:])
        text = _FRACTION.sub(rf"\1.{digits[:6]}", text)
    try:
        return _key_of_moment(datetime.fromisoformat(text), nanoseconds)
    except ValueError:
        return _TEXTS, text


def _key_of_part(year: int, letters: str, number: int) -> tuple[str, Any]:
    """What a part of a year is, such as its fifth week; a week of ISO 8601 is its Monday."""
    if letters.upper() != "W":
        return f"a year with {letters!r}", (year, number)
    try:
        monday = date.fromisocalendar(year, number, 1)
    except ValueError:
        return _TEXTS, (year, number)
    return _key_of_moment(datetime.combine(monday, time()), 0)


def _key_of_moment(moment: datetime, nanoseconds: int) -> tuple[str, int]:
    is_zoned = moment.tzinfo is not None and moment.utcoffset() is not None
    if is_zoned:
        offset = moment.utcoffset() or timedelta()
        passed = moment.replace(tzinfo=None) - _EPOCH - offset
    else:
        passed = moment.replace(tzinfo=None) - _EPOCH
    return _ZONED if is_zoned else _PLAIN, passed // _MICROSECOND * 1_000 + nanoseconds


def _nanoseconds(value: np.datetime64) -> int:
    """The nanoseconds from 1970 to a moment, however far it is."""
    unit, count = np.datetime_data(value.dtype)
    if unit in ("Y", "M"):
        unit, count, value = "D", 1, value.astype("datetime64[D]")
    if unit in ("ps", "fs", "as"):
        return int(value.astype("datetime64[ns]").astype(np.int64))
    return int(value.astype(np.int64)) * count * _NANOSECONDS[unit]


def _key_of_time(value: time) -> tuple[str, int]:
    """What a time of a day is, and its microseconds from midnight, in UTC if it has an offset."""
    passed = datetime.combine(_EPOCH, value.replace(tzinfo=None)) - _EPOCH
    offset = value.utcoffset()
    if offset is None:
        return "a time of a day", passed // _MICROSECOND
    return "a time of a day with a time zone", (passed - offset) // _MICROSECOND


def _key_of_duration(value: Any) -> tuple[str, int]:
    """What a duration is, and its length in nanoseconds, or in months."""
    if isinstance(value, timedelta):
        length = timedelta(value.days, value.seconds, value.microseconds)
        return "a duration", length // _MICROSECOND * 1_000 + getattr(value, "nanoseconds", 0)
    unit, count = np.datetime_data(value.dtype)
    number = int(value.astype(np.int64)) * count
    if unit in ("Y", "M"):
        return "a duration in months or years", number * (12 if unit == "Y" else 1)
    if unit == "generic":
        return "a duration without a unit", number
    if unit in ("ps", "fs", "as"):
        return "a duration", int(value.astype("timedelta64[ns]").astype(np.int64))
    return "a duration", number * _NANOSECONDS[unit]


def _shown(value: object) -> str:
    return f"{value!r:.60}"
