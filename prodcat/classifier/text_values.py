"""The values of Arrow columns as values of JSON and as text, whatever the type of the column.

text                   as it is
boolean, integer       ``true``, ``12``; in JSON without quotes, however large
float                  a number with all its digits; infinity as text, NaN as null (CSV: ``NaN``)
decimal                text with all digits, such as ``12.50``
date, time, timestamp  ISO 8601 with all digits of the unit: ``2026-11-27T09:30:00.000+03:00``
duration               ISO 8601 in seconds: ``PT90.000000S``; months and days: ``P1M2DT0.5S``
binary                 base64
list                   an array
map                    an array of pairs ``[key, value]``
struct                 an object; an array of pairs if two of its fields have the same name
dictionary, run-end    their values
extension types        ``arrow.uuid`` as usual, ``arrow.bool8`` as booleans, others as stored
"""

import base64
import math
import re
import uuid
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from prodcat.catalog.text import readable
from prodcat.storage.document import json_text
from prodcat.storage.tables import arrow_values

_DIGITS = {"s": 0, "ms": 3, "us": 6, "ns": 9}
_FAR = 10**11  # seconds from 1970: Arrow writes the local times of later years wrong
_OFFSET = re.compile(r"([+-]\d\d)(\d\d)$")


def json_values(column: Any) -> list[Any]:
    """The values of an Arrow array or chunked array as values that JSON can represent.

    >>> import pyarrow as pa
    >>> json_values(pa.array([b"ab", None]))
    ['YWI=', None]
    """
    chunks = getattr(column, "chunks", None)
    if chunks is not None:
        return [value for chunk in chunks for value in json_values(chunk)]
    return _converter(column.type)(column)


def text_values(column: Any) -> list[str | None]:
    """The values of an Arrow array or chunked array as texts; None for null.

    >>> import pyarrow as pa
    >>> text_values(pa.array([[1, 2], None])), text_values(pa.array([2.0, float("nan")]))
    (['[1, 2]', None], ['2.0', 'NaN'])
    """
    import pyarrow as pa

    if pa.types.is_floating(column.type):
        return [
            "NaN" if value is not None and math.isnan(value) else text_of(plain_json(value))
            for value in column.to_pylist()
        ]
    return [text_of(value) for value in json_values(column)]


def text_of(value: object) -> str | None:
    """A value of JSON as text: texts as they are, None for null, and the JSON of all others."""
    return value if value is None or isinstance(value, str) else json_text(value, end="")


def plain_json(value: Any) -> Any:
    r"""A value of Python as a value that JSON can represent, with U+FFFD for lone surrogates.

    >>> plain_json([float("nan"), float("inf"), "s\udcfct"])
    [None, 'Infinity', 's�t']
    """
    if isinstance(value, str):
        return readable(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, (list, tuple)):
        return [plain_json(part) for part in value]
    if isinstance(value, dict):
        return {key: plain_json(part) for key, part in value.items()}
    if value is None or isinstance(value, (bool, int, float)):
        return value
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _converter(kind: Any) -> Callable[[Any], list[Any]]:
    """The function that turns arrays of this Arrow type into values of JSON."""
    import pyarrow as pa
    import pyarrow.types as kinds

    converters: Sequence[tuple[bool, Callable[[Any], list[Any]]]] = (
        (isinstance(kind, pa.BaseExtensionType), _extension),
        (kinds.is_dictionary(kind), _dictionary),
        (kinds.is_run_end_encoded(kind), _runs),
        (kinds.is_struct(kind), _structs),
        (kinds.is_map(kind), _maps),
        (kinds.is_nested(kind) and not kinds.is_union(kind), _lists),
        (kinds.is_decimal(kind), _decimals),
        (kinds.is_date(kind), _dates),
        (kinds.is_time(kind), _strings),
        (kinds.is_timestamp(kind), _timestamps),
        (kinds.is_duration(kind), _durations),
        (kinds.is_interval(kind), _intervals),
        (is_binary(kind), _binary),
    )
    return next((convert for applies, convert in converters if applies), _simple)


def is_binary(kind: Any) -> bool:
    """Whether an Arrow type is one of binary values."""
    import pyarrow as pa
    import pyarrow.types as kinds

    return bool(
        kinds.is_binary(kind)
        or kinds.is_large_binary(kind)
        or kinds.is_fixed_size_binary(kind)
        or kind == pa.binary_view()
    )


def _simple(array: Any) -> list[Any]:
    return [plain_json(value) for value in arrow_values(array)]


def _extension(array: Any) -> list[Any]:
    name = getattr(array.type, "extension_name", "")
    if name == "arrow.uuid":
        stored = array.storage.to_pylist()
        return [None if value is None else str(uuid.UUID(bytes=value)) for value in stored]
    if name == "arrow.bool8":
        return [None if value is None else bool(value) for value in array.storage.to_pylist()]
    return json_values(array.storage)


def _dictionary(array: Any) -> list[Any]:
    values = json_values(array.dictionary)
    return [None if place is None else values[place] for place in array.indices.to_pylist()]


def _runs(array: Any) -> list[Any]:
    import pyarrow.compute as pc

    return json_values(pc.run_end_decode(array))


def _structs(array: Any) -> list[Any]:
    names = [array.type.field(place).name for place in range(array.type.num_fields)]
    columns = [json_values(child) for child in array.flatten()]
    rows = zip(*columns, strict=True) if columns else [()] * len(array)
    made = dict if len(set(names)) == len(names) else lambda pairs: [list(pair) for pair in pairs]
    return [
        made(zip(names, row, strict=True)) if is_valid else None
        for row, is_valid in zip(rows, array.is_valid().to_pylist(), strict=True)
    ]


def _maps(array: Any) -> list[Any]:
    ends = array.offsets.to_pylist()
    size = ends[-1] - ends[0]
    keys, items = (json_values(part.slice(ends[0], size)) for part in (array.keys, array.items))
    pairs = [list(pair) for pair in zip(keys, items, strict=True)]
    return [
        pairs[start - ends[0] : end - ends[0]] if is_valid else None
        for start, end, is_valid in zip(ends, ends[1:], array.is_valid().to_pylist(), strict=False)
    ]


def _lists(array: Any) -> list[Any]:
    values = json_values(array.flatten())
    rows, start = [], 0
    for length in array.value_lengths().to_pylist():
        rows.append(None if length is None else values[start : start + length])
        start += length or 0
    return rows


def _decimals(array: Any) -> list[Any]:
    return [None if value is None else format(value, "f") for value in array.to_pylist()]


def _strings(array: Any) -> list[Any]:
    import pyarrow as pa

    return list(array.cast(pa.string()).to_pylist())


def _dates(array: Any) -> list[Any]:
    import pyarrow as pa

    days = array.cast(pa.date32()).cast(pa.int32()).to_pylist()
    return [None if day is None else str(np.datetime64(day, "D")) for day in days]


def _timestamps(array: Any) -> list[Any]:
    import pyarrow as pa

    unit, zone = array.type.unit, array.type.tz
    numbers = array.cast(pa.int64()).to_pylist()
    most = _FAR * 10 ** _DIGITS[unit]
    if zone is not None and all(number is None or abs(number) < most for number in numbers):
        try:
            return [
                None if text is None else _OFFSET.sub(r"\1:\2", text.replace(" ", "T", 1))
                for text in _strings(array)
            ]
        except pa.ArrowInvalid:  # this machine does not know the time zone
            pass
    end = "" if zone is None else "Z"
    return [None if number is None else f"{np.datetime64(number, unit)}{end}" for number in numbers]


def _durations(array: Any) -> list[Any]:
    import pyarrow as pa

    digits = _DIGITS[array.type.unit]
    return [
        None if value is None else f"PT{_seconds(value, digits)}S"
        for value in array.cast(pa.int64()).to_pylist()
    ]


def _intervals(array: Any) -> list[Any]:
    return [
        None
        if value is None
        else f"P{value.months}M{value.days}DT{_seconds(value.nanoseconds, 9)}S"
        for value in array.to_pylist()
    ]


def _seconds(count: int, digits: int) -> str:
    """A number of units of time in seconds, where a second has 10 to the power ``digits`` units."""
    sign, text = "-" if count < 0 else "", str(abs(count)).rjust(digits + 1, "0")
    return sign + (f"{text[:-digits]}.{text[-digits:]}" if digits else text)


def _binary(array: Any) -> list[Any]:
    values = array.to_pylist()
    return [None if value is None else base64.b64encode(value).decode() for value in values]
