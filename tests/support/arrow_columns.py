"""Arrow columns of every type, for property tests."""

import numpy as np
import pyarrow as pa
from hypothesis import strategies as st

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=6)
WHOLE = st.integers(-(2**31), 2**31 - 1)
DECIMAL = st.decimals(-999, 999, places=2)
DIGITS = {"ms": 3, "us": 6, "ns": 9}
SIMPLE = [
    (pa.null(), st.none()),
    (pa.bool_(), st.booleans()),
    (pa.int8(), st.integers(-128, 127)),
    (pa.uint16(), st.integers(0, 65_535)),
    (pa.int64(), st.integers(-(2**63), 2**63 - 1)),
    (pa.uint64(), st.integers(0, 2**64 - 1)),
    (pa.float16(), st.floats(width=16).map(np.float16)),
    (pa.float32(), st.floats(width=32)),
    (pa.float64(), st.floats()),
    *((kind, TEXT) for kind in (pa.string(), pa.large_string(), pa.string_view())),
    *((kind, st.binary(max_size=5)) for kind in (pa.binary(), pa.large_binary())),
    (pa.binary_view(), st.binary(max_size=20)),
    (pa.binary(3), st.binary(min_size=3, max_size=3)),
    *((make(9, 2), DECIMAL) for make in (pa.decimal32, pa.decimal64, pa.decimal128)),
    (pa.decimal256(60, 2), DECIMAL),
    (pa.date32(), st.dates()),
    (pa.time32("ms"), st.integers(0, 86_399_999)),
    *((pa.time64(unit), st.integers(0, 86_399_999_999)) for unit in ("us", "ns")),
    *((pa.timestamp(unit, zone), WHOLE) for unit in DIGITS for zone in (None, "UTC", "Asia/Tokyo")),
    *((pa.duration(unit), WHOLE) for unit in DIGITS),
    (pa.dictionary(pa.int8(), pa.string()), st.sampled_from(["a", "b\r\n", ""])),
    (pa.dictionary(pa.uint32(), pa.string()), st.sampled_from(["a", "ş"])),
    (pa.uuid(), st.uuids().map(lambda value: value.bytes)),
    (pa.json_(), st.sampled_from(["{}", "[1]"])),
    (pa.bool8(), st.integers(0, 1)),
]
FLAT = [
    each
    for each in SIMPLE[1:]
    if not isinstance(each[0], (pa.BaseExtensionType, pa.DictionaryType))
]


def _nested(inner):
    kind, values = inner
    pair = st.lists(values, min_size=2, max_size=2)
    return st.sampled_from(
        [
            (pa.list_(kind), st.lists(values, max_size=2)),
            (pa.large_list(kind), st.lists(values, max_size=2)),
            (pa.list_(kind, 2), pair),
            (pa.struct([("a", kind), ("b", pa.int64())]), st.builds(_struct, values)),
            (pa.map_(pa.string(), kind), st.lists(st.tuples(TEXT, values), max_size=2)),
        ]
    )


def _struct(value):
    return {"a": value, "b": None}


VIEWS = (pa.string_view(), pa.binary_view())  # Arrow cannot write them in structs in lists
NESTED = st.sampled_from(FLAT).flatmap(_nested)
TWICE = st.sampled_from([each for each in FLAT if each[0] not in VIEWS]).flatmap(_nested)


def column_types():
    """Arrow types, each with a strategy of its values; nested ones too."""
    return st.one_of(st.sampled_from(SIMPLE), NESTED, TWICE.flatmap(_nested))


@st.composite
def columns(draw):
    """An Arrow array, and its values as Arrow takes them."""
    kind, values = draw(column_types())
    listed = draw(st.lists(st.none() | values, min_size=2, max_size=2))
    return array_of(kind, listed), listed


def array_of(kind, values):
    """An Arrow array of any type, from values as Arrow takes them."""
    if isinstance(kind, pa.BaseExtensionType):
        return pa.ExtensionArray.from_storage(kind, pa.array(values, kind.storage_type))
    return pa.array(values, kind)
