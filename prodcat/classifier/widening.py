"""One Arrow type for a column whose type differs between the files of an input.

A type is widened only to one that holds every value exactly:

integers of several sizes    the larger one; signed and unsigned 64 bits: decimal128(20, 0)
integers and floats          float64, if every integer fits (up to 2**53)
decimals, with integers      a decimal with enough digits, up to 76
dates, times, timestamps     the finer unit; timestamps of several time zones in UTC
texts, or binary values      large_string or large_binary
lists, maps, structs         widened inside; a struct gets the fields of all
nulls                        the type of the others
extension types              as what they store; booleans of 8 bits only with nulls

All other mixtures become text: texts stay as they are, and other values are written as
:mod:`prodcat.classifier.text_values` says.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, time, timedelta
from itertools import chain
from typing import Any

from prodcat.classifier.text_values import is_binary, plain_json, text_of, text_values

_EXACT = 2**53  # up to here, every integer is a float64
_INT64 = 2**63
_DIGITS = {8: 3, 16: 5, 32: 10, 64: 20}  # of integers with this number of bits
_MOST_FIELDS = 1_000  # of a struct that is made from objects of JSON
_UNITS = ("s", "ms", "us", "ns")


def type_of(values: Sequence[Any]) -> Any | None:
    """The Arrow type that holds values of JSON or of a workbook exactly; None if only text does.

    >>> type_of([1, None, 2.5]), type_of([1, "a"]), type_of([10**30])
    (DataType(double), None, None)
    """
    import pyarrow as pa

    kinds = set(map(type, values)) - {type(None)}
    if not kinds:
        return pa.null()
    if kinds <= {int, float}:
        integers = [value for value in values if type(value) is int]
        largest = max(max(integers, default=0), -min(integers, default=0))
        if float in kinds:
            return pa.float64() if largest <= _EXACT else None
        return pa.int64() if largest < _INT64 else None
    if len(kinds) > 1:
        return None
    [kind] = kinds
    if kind is list:
        inner = type_of(list(chain.from_iterable(value for value in values if value is not None)))
        return None if inner is None else pa.list_(inner)
    if kind is dict:
        return _struct_of([value for value in values if value is not None])
    simple = {bool: pa.bool_(), str: pa.string(), date: pa.date32(), time: pa.time64("us")}
    moments = {datetime: pa.timestamp("us"), timedelta: pa.duration("us")}
    return {**simple, **moments}.get(kind)


def _struct_of(values: Sequence[dict[str, Any]]) -> Any | None:
    import pyarrow as pa

    names = list(dict.fromkeys(chain.from_iterable(values)))
    if not 0 < len(names) <= _MOST_FIELDS:
        return None
    kinds = [type_of([value.get(name) for value in values]) for name in names]
    return None if None in kinds else pa.struct(list(zip(names, kinds, strict=True)))


def joint_type(types: Iterable[Any]) -> Any | None:
    """The Arrow type to which all of these can be widened, maybe for small values only.

    Args:
        types: At least one Arrow type.

    Returns:
        The type; None if only text can hold the values of all.  Whether a type holds all values
        is seen when they are cast (:func:`widened`), unless :func:`holds_all` says so.

    >>> import pyarrow as pa
    >>> joint_type([pa.null(), pa.int8(), pa.float32()]), joint_type([pa.int8(), pa.string()])
    (DataType(double), None)
    """
    first, *others = types
    for other in others:
        if first is None:
            return None
        first = _joint(first, other)
    return first


def holds_all(narrow: Any, wide: Any) -> bool:
    """Whether every value of one Arrow type is known to be a value of another."""
    import pyarrow.types as kinds

    return bool(
        narrow == wide
        or kinds.is_null(narrow)
        or all(map(kinds.is_integer, (narrow, wide)))
        or all(map(kinds.is_floating, (narrow, wide)))
        or all(map(_is_text, (narrow, wide)))
    )


def widened(column: Any, kind: Any) -> Any:
    """A column with a wider type.

    Args:
        column: An Arrow array or chunked array, or a list of values of JSON.
        kind: The Arrow type: the column's, one from :func:`joint_type`, or text.

    Returns:
        An Arrow array or chunked array.

    Raises:
        pyarrow.ArrowException: The type does not hold a value.
        OverflowError: The type does not hold an integer.
    """
    import pyarrow as pa

    if isinstance(column, list):
        if all(value is None for value in column):
            return pa.nulls(len(column), kind)  # also of types of which Arrow makes no lists
        values = [plain_json(value) for value in column] if _is_text(kind) else column
        return pa.array([text_of(value) for value in values] if _is_text(kind) else values, kind)
    if column.type == kind:
        return column
    if isinstance(column, pa.ChunkedArray):
        return pa.chunked_array([widened(chunk, kind) for chunk in column.chunks], kind)
    if pa.types.is_null(column.type):
        return pa.nulls(len(column), kind)
    if isinstance(column, pa.ExtensionArray) and not _is_text(kind):
        return widened(column.storage, kind)
    if pa.types.is_dictionary(column.type):
        return widened(column.dictionary_decode(), kind)
    if _is_text(kind) and not _is_text(column.type):
        return pa.array(text_values(column), kind)
    return column.cast(kind)


def _is_text(kind: Any) -> bool:
    import pyarrow as pa

    return kind in (pa.string(), pa.large_string(), pa.string_view())


def _joint(one: Any, other: Any) -> Any | None:
    """The Arrow type to which two can be widened, maybe for small values only; None for text."""
    import pyarrow as pa
    import pyarrow.types as kinds

    for kind, second in ((one, other), (other, one)):
        if isinstance(kind, pa.BaseExtensionType) and kinds.is_null(second):
            return kind
        if kind != second and getattr(kind, "extension_name", "") == "arrow.bool8":
            return None  # a number beside it is no boolean
    one, other = _stored(one), _stored(other)
    pair = (one, other)
    if one == other or kinds.is_null(other):
        return one
    if kinds.is_null(one):
        return other
    if all(map(_is_text, pair)):
        return pa.large_string()
    if all(map(is_binary, pair)):
        return pa.large_binary()
    if all(map(_is_number, pair)):
        return _joint_number(one, other)
    if all(map(kinds.is_temporal, pair)):
        return _joint_time(one, other)
    return _joint_nested(one, other)


def _joint_time(one: Any, other: Any) -> Any | None:
    import pyarrow as pa
    import pyarrow.types as kinds

    pair = (one, other)
    if all(map(kinds.is_date, pair)):
        return pa.date64()
    if all(map(kinds.is_time, pair)):
        unit = _finer(one, other)
        return pa.time64(unit) if unit in ("us", "ns") else pa.time32(unit)
    if all(map(kinds.is_duration, pair)):
        return pa.duration(_finer(one, other))
    if all(map(kinds.is_timestamp, pair)):
        if (one.tz is None) != (other.tz is None):
            return None
        return pa.timestamp(_finer(one, other), one.tz if one.tz == other.tz else "UTC")
    return None


def _stored(kind: Any) -> Any:
    """The type of the values that an extension type or a dictionary stores."""
    import pyarrow as pa

    if isinstance(kind, pa.BaseExtensionType):
        return _stored(kind.storage_type)
    return _stored(kind.value_type) if pa.types.is_dictionary(kind) else kind


def _is_number(kind: Any) -> bool:
    import pyarrow.types as kinds

    return bool(kinds.is_integer(kind) or kinds.is_floating(kind) or kinds.is_decimal(kind))


def _finer(one: Any, other: Any) -> str:
    """The finer one of the units of two types of time."""
    return _UNITS[max(_UNITS.index(one.unit), _UNITS.index(other.unit))]


def _joint_number(one: Any, other: Any) -> Any | None:
    import pyarrow as pa
    import pyarrow.types as kinds

    wide, narrow = sorted((one, other), key=lambda kind: -kind.bit_width)
    if kinds.is_decimal(one) or kinds.is_decimal(other):
        return _joint_decimal(one, other)
    if kinds.is_floating(one) and kinds.is_floating(other):
        return wide
    if kinds.is_floating(one) or kinds.is_floating(other):
        return pa.float64()
    signed = kinds.is_signed_integer
    if signed(wide) == signed(narrow) or (signed(wide) and wide.bit_width > narrow.bit_width):
        return wide
    larger = {16: pa.int16(), 32: pa.int32(), 64: pa.int64()}
    return larger.get(2 * wide.bit_width, pa.decimal128(_DIGITS[64], 0))


def _joint_decimal(one: Any, other: Any) -> Any | None:
    import pyarrow as pa
    import pyarrow.types as kinds

    if kinds.is_floating(one) or kinds.is_floating(other):
        return None
    shapes = [
        (kind.precision - kind.scale, kind.scale)
        if kinds.is_decimal(kind)
        else (_DIGITS[kind.bit_width], 0)
        for kind in (one, other)
    ]
    whole, scale = (max(sizes) for sizes in zip(*shapes, strict=True))
    if whole + scale > 76:
        return None
    make = pa.decimal128 if whole + scale <= 38 else pa.decimal256
    return make(whole + scale, scale)


def _joint_nested(one: Any, other: Any) -> Any | None:
    import pyarrow as pa
    import pyarrow.types as kinds

    if kinds.is_struct(one) and kinds.is_struct(other):
        return _joint_struct(one, other)
    if kinds.is_map(one) and kinds.is_map(other):
        key, item = _joint(one.key_type, other.key_type), _joint(one.item_type, other.item_type)
        return None if key is None or item is None else pa.map_(key, item)
    if all(map(_is_list, (one, other))):
        inner = _joint(one.value_type, other.value_type)
        return None if inner is None else pa.large_list(inner)
    return None


def _is_list(kind: Any) -> bool:
    import pyarrow.types as kinds

    return kinds.is_nested(kind) and hasattr(kind, "value_type") and not kinds.is_map(kind)


def _joint_struct(one: Any, other: Any) -> Any | None:
    import pyarrow as pa

    fields = [[kind.field(place) for place in range(kind.num_fields)] for kind in (one, other)]
    joined: dict[str, Any] = {}
    for field in chain(*fields):
        seen = joined.get(field.name)
        kind = field.type if seen is None else _joint(seen, field.type)
        if kind is None:
            return None
        joined[field.name] = kind
    if len(joined) < max(map(len, fields)):  # two fields of one struct have the same name
        return None
    return pa.struct(list(joined.items()))


def without_inner_views(kind: Any, *, in_list: bool = False) -> Any:
    """An Arrow type whose structs in lists have no views, which Arrow cannot write to Parquet.

    Args:
        kind: The type.
        in_list: Whether it is the type of values in a list or a map.
    """
    import pyarrow as pa
    import pyarrow.types as kinds

    if kinds.is_struct(kind):
        plain = {pa.string_view(): pa.string(), pa.binary_view(): pa.binary()} if in_list else {}
        fields = [kind.field(place) for place in range(kind.num_fields)]
        inner = [without_inner_views(field.type, in_list=in_list) for field in fields]
        return pa.struct(
            [
                field.with_type(plain.get(each, each))
                for field, each in zip(fields, inner, strict=True)
            ]
        )
    if kinds.is_map(kind):
        key, item = (
            without_inner_views(each, in_list=True) for each in (kind.key_type, kind.item_type)
        )
        same = (key, item) == (kind.key_type, kind.item_type)
        return kind if same else pa.map_(key, item)
    if _is_list(kind):
        each = without_inner_views(kind.value_type, in_list=True)
        if each == kind.value_type:
            return kind
        return pa.list_(each) if kinds.is_list(kind) else pa.large_list(each)
    return kind
