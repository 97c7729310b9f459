"""The values of Arrow columns in JSON and CSV."""

import decimal
import json

import pyarrow as pa
import pytest

from prodcat.classifier.text_values import json_values, text_values


@pytest.mark.parametrize(
    ("column", "values"),
    [
        (pa.array([1, None], pa.duration("s")), ["PT1S", None]),
        (pa.array([-1_500_000], pa.duration("us")), ["PT-1.500000S"]),
        (pa.array([(1, 2, 3)], pa.month_day_nano_interval()), ["P1M2DT0.000000003S"]),
        (pa.array([0], pa.timestamp("s", "+05:30")), ["1970-01-01T05:30:00+05:30"]),
        (pa.array([0], pa.timestamp("ms", "Mars/Olympus")), ["1970-01-01T00:00:00.000Z"]),
        (pa.array([2**40], pa.timestamp("s")), ["36812-02-20T00:36:16"]),
        (pa.array([2**40], pa.timestamp("s", "Asia/Tokyo")), ["36812-02-20T00:36:16Z"]),
        (pa.array([-(2**31), 0], pa.date32()), ["-5877641-06-23", "1970-01-01"]),
        (pa.array([5], pa.time32("s")), ["00:00:05"]),
        (pa.array([86_400_000]).cast(pa.date64()), ["1970-01-02"]),
        (pa.array([decimal.Decimal("1E+3")], pa.decimal128(5, 0)), ["1000"]),
        (pa.array([2**64 - 1], pa.uint64()), [2**64 - 1]),
        (pa.array([float("inf"), float("-inf"), None]), ["Infinity", "-Infinity", None]),
        (pa.array([b"\xff\x00"], pa.binary(2)), ["/wA="]),
        (pa.array([b"s\xfct"]).view(pa.string()), ["s\ufffdt"]),
        (pa.array([[1], [2, 3], None, []])[1:], [[2, 3], None, []]),
        (pa.array([[1, 2], None, [3, 4]], pa.list_(pa.int8(), 2))[1:], [None, [3, 4]]),
        (pa.array([[("a", 1)], [("b", 2)]], pa.map_(pa.string(), pa.int8()))[1:], [[["b", 2]]]),
        (pa.array([{"a": b"x"}, None, {"a": None}])[1:], [None, {"a": None}]),
        (
            pa.StructArray.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"]),
            [[["a", 1], ["a", 2]]],
        ),
        (pa.array(["a", "a", "b"]).dictionary_encode()[1:], ["a", "b"]),
        (pa.RunEndEncodedArray.from_arrays([2, 3], ["a", None])[1:], ["a", None]),
        (pa.chunked_array([[1], [], [2]]), [1, 2]),
    ],
)
def test_each_type_has_one_form_that_says_its_value(column, values):
    assert json_values(column) == values
    json.dumps(values, allow_nan=False)


def test_text_of_columns():
    assert text_values(pa.array([float("nan"), float("inf"), 1.5, None])) == [
        "NaN",
        "Infinity",
        "1.5",
        None,
    ]
    assert text_values(pa.array([True, None])) == ["true", None]
    nested = pa.array([{"a": [0.5, float("nan")], "b": "ş"}])
    assert text_values(nested) == ['{"a": [0.5, null], "b": "ş"}']
