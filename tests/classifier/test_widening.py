"""Types to which the columns of several files are widened."""

import decimal
import itertools

import pyarrow as pa
import pytest

from prodcat.classifier.widening import (
    holds_all,
    joint_type,
    type_of,
    widened,
    without_inner_views,
)

EXTREMES = [
    *(
        (getattr(pa, f"int{bits}")(), [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1])
        for bits in (8, 16, 32, 64)
    ),
    *((getattr(pa, f"uint{bits}")(), [0, 2**bits - 1]) for bits in (8, 16, 32, 64)),
    (pa.float32(), [0.1, -(2.0**100)]),
    (pa.float64(), [0.1, 1e300]),
    (pa.decimal32(9, 2), [decimal.Decimal("9999999.99")]),
    (pa.decimal128(38, 10), [decimal.Decimal("9" * 28 + "." + "9" * 10)]),
    (pa.decimal256(76, 0), [decimal.Decimal("9" * 76)]),
    (pa.null(), [None]),
    (pa.bool_(), [True, False]),
    (pa.string(), ["a", ""]),
    (pa.binary(), [b"\xff"]),
    (pa.date32(), [0, 20_000]),
    (pa.time32("ms"), [0, 86_399_999]),
    (pa.time64("ns"), [0, 86_399_999_999_999]),
    (pa.list_(pa.int64()), [[1], []]),
    (pa.struct([("a", pa.int8())]), [{"a": 1}]),
    (pa.map_(pa.string(), pa.int8()), [[("a", 1)]]),
]


@pytest.mark.parametrize(("one", "other"), list(itertools.combinations(EXTREMES, 2)))
def test_a_joint_type_holds_the_extremes_of_both_or_text_does(one, other):
    joint = joint_type([one[0], other[0]])
    assert joint == joint_type([other[0], one[0]])
    for kind, values in (one, other):
        column = pa.array(values, kind)
        if joint is None:
            assert len(widened(column, pa.string()).drop_null()) == len(column.drop_null())
        elif holds_all(kind, joint) or not pa.types.is_floating(joint):
            back = widened(column, joint)
            assert back.type == joint
            assert back.to_pylist() == column.to_pylist()


def test_numbers_that_a_float_cannot_hold_are_refused():
    for column in (pa.array([2**53 + 1]), [2**53 + 1]):
        with pytest.raises(pa.ArrowInvalid):
            widened(column, pa.float64())
    assert widened(pa.array([2**53]), pa.float64()).to_pylist() == [2.0**53]


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([], pa.null()),
        ([None], pa.null()),
        ([2**63 - 1, None], pa.int64()),
        ([-(2**63)], None),
        ([2**63], None),
        ([2**53, 0.5], pa.float64()),
        ([2**53 + 1, 0.5], None),
        ([True, None], pa.bool_()),
        ([True, 1], None),
        ([[1], [0.5], []], pa.list_(pa.float64())),
        ([[1], [True]], None),
        ([{"a": 1}, {"b": "x"}], pa.struct([("a", pa.int64()), ("b", pa.string())])),
        ([{"a": 1}, {"a": True}], None),
        ([{}], None),
        ([{str(number): 1} for number in range(1_001)], None),
        (["a", ["b"]], None),
    ],
)
def test_types_of_json(values, kind):
    assert type_of(values) == kind


def test_views_that_arrow_cannot_write_become_plain():
    view = pa.string_view()
    struct = pa.struct([("a", view), ("b", pa.int8())])
    plain = pa.struct([("a", pa.string()), ("b", pa.int8())])
    for kind in (view, struct, pa.list_(view), pa.list_(pa.int8()), pa.map_(view, view)):
        assert without_inner_views(kind) == kind
    assert without_inner_views(pa.list_(struct)) == pa.list_(plain)
    assert without_inner_views(pa.map_(view, struct)) == pa.map_(view, plain)
    nested = without_inner_views(pa.struct([("x", pa.list_(struct))]))
    assert nested == pa.struct([("x", pa.list_(plain))])
    assert without_inner_views(pa.list_(struct, 2)) == pa.large_list(plain)
    assert widened(pa.array([[{"a": "x", "b": 1}]], pa.list_(struct)), pa.large_list(plain))


def test_extension_types_and_dictionaries_are_joined_by_what_they_store():
    stored = pa.array([b"0" * 16], pa.binary(16))
    uuids = pa.ExtensionArray.from_storage(pa.uuid(), stored)
    joint = joint_type([pa.uuid(), pa.binary(16)])
    assert joint == pa.binary(16) and widened(uuids, joint).to_pylist() == [b"0" * 16]
    assert widened(uuids, pa.string()).to_pylist() == ["30303030-3030-3030-3030-303030303030"]
    small = pa.dictionary(pa.int8(), pa.string())
    assert joint_type([small, pa.dictionary(pa.int32(), pa.string())]) == pa.string()
    assert widened(pa.array(["a", None]).cast(small), pa.string()).to_pylist() == ["a", None]
