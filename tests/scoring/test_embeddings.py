"""Columns of embeddings and of other extension types come through a run as they are."""

import json
import uuid

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from prodcat import ScoringConfig, score
from prodcat.testing import tiny_classifier

VALUES = np.arange(12, dtype=np.float32).reshape(3, 2, 2)
TENSORS = pa.FixedShapeTensorArray.from_numpy_ndarray(VALUES)
LISTS = pa.ListArray.from_arrays(pa.array([0, 1, 3, 3], pa.int32()), TENSORS)
COLUMNS = {
    "tensors": TENSORS,
    "lists": LISTS,
    "structs": pa.StructArray.from_arrays([TENSORS], names=["a"]),
}


@pytest.mark.parametrize("column", COLUMNS.values(), ids=COLUMNS)
@pytest.mark.parametrize("ending", ["parquet", "jsonl"])
def test_embeddings_come_out_as_they_went_in(tmp_path, column, ending):
    table = pa.table({"title": ["Milk", "Bread", "Tea"], "embedding": column})
    pq.write_table(table, tmp_path / "in.parquet", row_group_size=2)
    output = tmp_path / f"out.{ending}"
    report = score(
        tiny_classifier(), tmp_path / "in.parquet", output, scoring=ScoringConfig(part_rows=2)
    )
    assert report.complete
    if ending == "parquet":
        out = pq.read_table(output)["embedding"].combine_chunks()
        assert out.type == column.type
        assert out.equals(column)
    else:
        lines = [json.loads(line) for line in output.read_text("utf-8").splitlines()]
        flat = [list(map(float, part.reshape(-1))) for part in VALUES]
        shown = {"tensors": flat, "lists": [flat[:1], flat[1:], []]}
        shown["structs"] = [{"a": part} for part in flat]
        [name] = [name for name, each in COLUMNS.items() if each is column]
        assert [line["embedding"] for line in lines] == shown[name]


UUID = uuid.UUID(int=7)
UUIDS = pa.ExtensionArray.from_storage(pa.uuid(), pa.array([UUID.bytes], pa.binary(16)))
BOOLEANS = pa.ExtensionArray.from_storage(pa.bool8(), pa.array([1], pa.int8()))
FOLDERS = {
    "nulls and UUIDs": ([pa.nulls(1), UUIDS], pa.uuid(), [None, UUID]),
    "UUIDs and nulls": ([UUIDS, pa.nulls(1)], pa.uuid(), [UUID, None]),
    "nulls and tensors": ([pa.nulls(1), TENSORS.slice(0, 1)], None, [None, [0.0, 1.0, 2.0, 3.0]]),
    "integers and booleans": (
        [pa.array([5], pa.int8()), BOOLEANS],
        pa.string(),
        ["5", "true"],
    ),
    "booleans and nulls": ([BOOLEANS, pa.nulls(1)], pa.bool8(), [True, None]),
}


@pytest.mark.parametrize(("columns", "kind", "values"), FOLDERS.values(), ids=FOLDERS)
def test_files_of_a_folder_keep_the_values_of_extension_types(tmp_path, columns, kind, values):
    (tmp_path / "in").mkdir()
    for number, column in enumerate(columns):
        pq.write_table(
            pa.table({"title": ["Milk"], "x": column}), tmp_path / f"in/{number}.parquet"
        )
    assert score(tiny_classifier(), tmp_path / "in", tmp_path / "out.parquet").complete
    out = pq.read_table(tmp_path / "out.parquet")["x"]
    assert kind is None or out.type == kind
    assert out.to_pylist() == values


def test_a_text_file_without_values_may_lie_beside_embeddings(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.jsonl").write_text('{"title": "Tea", "x": null}\n', "utf-8")
    table = pa.table({"title": ["Milk"], "x": TENSORS.slice(1, 1)})
    pq.write_table(table, tmp_path / "in" / "b.parquet")
    assert score(tiny_classifier(), tmp_path / "in", tmp_path / "out.parquet").complete
    out = pq.read_table(tmp_path / "out.parquet")["x"].to_pylist()
    assert out == [None, [4.0, 5.0, 6.0, 7.0]]
