"""Columns of Arrow are converted only where they are read, and no value is lost in silence."""

import datetime

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import prodcat
from prodcat import CatalogError
from prodcat.storage.arrow_values import LazyColumn, arrow_values
from prodcat.testing import tiny_classifier


def integers(*values):
    return pa.array(values, pa.int64())


def texts(*raw):
    """Texts with these bytes, which need not be UTF-8."""
    stored = pa.array(raw, pa.binary())
    return pa.Array.from_buffers(pa.string(), len(raw), stored.buffers())


def lists(values):
    """A list with one of the values in each row."""
    return pa.ListArray.from_arrays(pa.array(range(len(values) + 1), pa.int32()), values)


TENSORS = pa.FixedShapeTensorArray.from_numpy_ndarray(np.arange(4, dtype=np.float32).reshape(1, 4))
TWINS = pa.StructArray.from_arrays([integers(1), integers(2)], names=["a", "a"])
UNHOLDABLE = {
    "far date": (pa.array([3_000_000], pa.int32()).cast(pa.date32()), "out of range"),
    "far date in ms": (integers(10**9 * 86_400_000).cast(pa.date64()), "days=1000000000"),
    "far timestamp": (integers(10**15).cast(pa.timestamp("ms")), "out of range"),
    "long duration": (integers(10**17).cast(pa.duration("s")), "too large"),
    "unknown time zone": (
        integers(1).cast(pa.timestamp("ms", "Mars/Olympus")),
        "the time zone 'Mars/Olympus' is not known",
    ),
    "fields of one name": (TWINS, "duplicate field names"),
    "nanoseconds": (integers(1).cast(pa.time64("ns")), "would lose data: 1"),
    "nanoseconds in lists": (lists(integers(1).cast(pa.time64("ns"))), "would lose data: 1"),
}


@pytest.mark.parametrize(("column", "reason"), UNHOLDABLE.values(), ids=UNHOLDABLE)
def test_what_python_cannot_hold_stops_only_who_reads_it(tmp_path, column, reason):
    table = pa.table({"odd": column, "title": ["Milk"], "path": ["Food > Milk"]})
    pq.write_table(table, tmp_path / "t.parquet")
    for source in (tmp_path / "t.parquet", table):
        assert prodcat.read_catalog(source).titles == ("Milk",)
        with pytest.raises(CatalogError, match=f"column 'odd' of the type .*{reason}.*Leave it"):
            prodcat.read_catalog(source, keep=["odd"])
    classifier = tiny_classifier()
    assert classifier.predict(table) == classifier.predict(["Milk"])


HOLDABLE = {
    "text that is not UTF-8": (texts(b"\xffx"), "\udcffx"),
    "texts that are not UTF-8 in lists": (lists(texts(b"\xffx")), ["\udcffx"]),
    "texts that are not UTF-8 in structs": (
        pa.StructArray.from_arrays([lists(texts(b"\xff")), integers(1)], names=["a", "n"]),
        {"a": ["\udcff"], "n": 1},
    ),
    "texts that are not UTF-8 in large lists": (
        pa.LargeListArray.from_arrays(pa.array([0, 1], pa.int64()), texts(b"\xff")),
        ["\udcff"],
    ),
    "texts that are not UTF-8 in lists of one size": (
        pa.FixedSizeListArray.from_arrays(texts(b"\xff"), 1),
        ["\udcff"],
    ),
    "texts that are not UTF-8 in maps": (
        pa.MapArray.from_arrays(pa.array([0, 1], pa.int32()), pa.array(["k"]), texts(b"\xff")),
        [("k", "\udcff")],
    ),
    "microseconds": (integers(1_000).cast(pa.time64("ns")), datetime.time(microsecond=1)),
    "embedding": (TENSORS, [0.0, 1.0, 2.0, 3.0]),
}


@pytest.mark.parametrize(("column", "value"), HOLDABLE.values(), ids=HOLDABLE)
def test_what_python_can_hold_is_read_whole(tmp_path, column, value):
    table = pa.table({"odd": column, "title": ["Milk"], "path": ["Food > Milk"]})
    pq.write_table(table, tmp_path / "t.parquet")
    for source in (tmp_path / "t.parquet", table):
        assert prodcat.read_catalog(source, keep=["odd"]).columns["odd"] == (value,)


def test_frames_are_converted_only_where_they_are_read():
    far = pa.array([3_000_000], pa.int32()).cast(pa.date32())
    table = pa.table({"odd": far, "title": ["Milk"], "path": ["Food > Milk"]})
    frame = table.to_pandas(types_mapper=pd.ArrowDtype)
    assert prodcat.read_catalog(frame).titles == ("Milk",)
    with pytest.raises(CatalogError, match=r"column 'odd' of the type date32.*out of range"):
        prodcat.read_catalog(frame, keep=["odd"])


def test_a_column_is_a_sequence_of_its_values():
    column = LazyColumn("n", pa.chunked_array([[1, 2], [3]]), arrow_values)
    assert (len(column), column[0], column[-1], list(column)) == (3, 1, 3, [1, 2, 3])
    assert column[1:] == [2, 3]
    with pytest.raises(IndexError):
        column[3]
