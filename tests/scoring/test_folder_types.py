"""Files of one folder may differ in their columns, types and formats; every value comes out."""

import contextlib
import csv
import json
import math
import shutil

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from arrow_columns import SIMPLE, TEXT, array_of, column_types
from example_counts import example_count
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st

from prodcat.classifier.text_values import json_values, text_of, text_values
from prodcat.scoring.jobs import score

ROWS = 2  # of each file
NAMES = ("c0", "c1", "c2")
WORD = TEXT.map(lambda text: text or "x")  # an empty cell of CSV may be null
JSON = st.one_of(
    st.just(st.none()),
    st.just(st.booleans()),
    st.just(st.integers(-(2**80), 2**80)),
    st.just(st.integers(-9, 9)),
    st.just(st.floats(allow_nan=False, allow_infinity=False)),
    st.just(TEXT),
    st.just(st.lists(st.integers(-9, 9), max_size=2)),
    st.just(st.dictionaries(st.sampled_from(["a", "b"]), st.integers(-9, 9), min_size=1)),
)
NUMBERS = [own for own in SIMPLE if pa.types.is_integer(own[0]) or pa.types.is_floating(own[0])]
TIMES = [own for own in SIMPLE if pa.types.is_temporal(own[0])]


@st.composite
def kinds_of_a_column(draw):
    """The types that the values of one column may have in the files."""
    family = draw(st.sampled_from([NUMBERS, TIMES, SIMPLE, None]))
    kind = column_types() if family is None else st.sampled_from(family)
    return [draw(kind), draw(kind), SIMPLE[0]]


@st.composite
def files(draw):
    """Files as pairs of an ending and columns: Arrow arrays, or lists of values for text files."""
    kinds = {name: draw(kinds_of_a_column()) for name in NAMES}
    made = []
    for _ in range(draw(st.integers(2, 3))):
        ending = draw(st.sampled_from(["parquet", "parquet", "jsonl", "csv"]))
        columns = {}
        for name in draw(st.lists(st.sampled_from(NAMES), unique=True)):
            if ending == "parquet":
                kind, values = draw(st.sampled_from(kinds[name]))
                listed = draw(st.lists(st.none() | values, min_size=ROWS, max_size=ROWS))
                columns[name] = array_of(kind, listed)
            else:
                values = draw(JSON) if ending == "jsonl" else WORD
                columns[name] = draw(st.lists(values, min_size=ROWS, max_size=ROWS))
        made.append((ending, columns))
    return made


@settings(
    max_examples=example_count(40),
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(files(), st.sampled_from(["csv", "jsonl"]))
def test_every_value_of_a_folder_comes_out(scored, given_files, text_format):
    out = pq.read_table(scored(given_files, "parquet"))
    assert out["title"].to_pylist() == ["sut"] * ROWS * len(given_files)
    for name in {name for _, columns in given_files for name in columns}:
        for number, (_, columns) in enumerate(given_files):
            part = out[name].slice(number * ROWS, ROWS)
            check(part, columns.get(name, [None] * ROWS))
    check_texts(given_files, scored(given_files, text_format))


@pytest.fixture(scope="module")
def scored(small, tmp_path_factory):
    """A function that scores files, and returns the path of the output."""
    place = tmp_path_factory.mktemp("place")
    folder = place / "in"

    def run(given_files, kind):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        for number, (ending, columns) in enumerate(given_files):
            write(folder / f"{number}.{ending}", columns)
        score(small, str(folder), str(place / f"out.{kind}"), overwrite=True)
        return place / f"out.{kind}"

    return run


def write(path, columns):
    """Write a file with a title in each row."""
    rows = {**columns, "title": ["sut"] * ROWS}
    if path.suffix == ".parquet":
        try:
            pq.write_table(pa.table(rows), path)
        except pa.ArrowNotImplementedError:  # Parquet has no such type
            reject()
    elif path.suffix == ".jsonl":
        records = [dict(zip(rows, row, strict=True)) for row in zip(*rows.values(), strict=True)]
        path.write_text("".join(json.dumps(record) + "\n" for record in records))
    else:
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, quoting=csv.QUOTE_ALL)
            writer.writerows([list(rows), *zip(*rows.values(), strict=True)])


def check(part, column):
    """Check that a part of a column has the values of a file, or their texts."""
    values = part.to_pylist()
    if isinstance(column, list):
        is_text = pa.types.is_string(part.type) or pa.types.is_large_string(part.type)
        wanted = [text_of(value) for value in column] if is_text else column
        assert all(map(agrees, values, wanted)), (part.type, values, wanted)
        return
    if all(map(agrees, values, column.to_pylist())):
        return
    with contextlib.suppress(pa.ArrowException):
        stored = column.storage if isinstance(column, pa.ExtensionArray) else column
        if all(map(agrees, values, stored.to_pylist())):
            return
        if part.type != column.type and part.cast(stored.type).to_pylist() == stored.to_pylist():
            return
    assert pa.types.is_string(part.type), (part.type, column.type, values, column.to_pylist())
    assert values == text_values(column)


def agrees(value, wanted):
    """Whether a value is the wanted one; structs may have further fields, which are null."""
    if isinstance(wanted, (float, np.floating)) and math.isnan(wanted):
        return isinstance(value, (float, np.floating)) and math.isnan(value)
    if isinstance(wanted, dict) and isinstance(value, dict):
        return all(agrees(value.get(key), wanted.get(key)) for key in {*value, *wanted})
    if isinstance(wanted, (list, tuple)) and isinstance(value, (list, tuple)):
        return len(value) == len(wanted) and all(map(agrees, value, wanted))
    if isinstance(value, bool) != isinstance(wanted, bool):
        return False
    return value == wanted


def check_texts(given_files, path):
    """Check that a file of text has the values of all files as they were."""
    if path.suffix == ".jsonl":
        rows = [json.loads(line) for line in path.read_bytes().decode().split("\n")[:-1]]
    else:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
    for name in {name for _, columns in given_files for name in columns}:
        wanted = []
        for _, columns in given_files:
            column = columns.get(name, [None] * ROWS)
            if path.suffix == ".jsonl":
                wanted += column if isinstance(column, list) else json_values(column)
            else:
                is_list = isinstance(column, list)
                texts = map(text_of, column) if is_list else text_values(column)
                wanted += [text or "" for text in texts]
        found = [row[name] for row in rows]
        assert repr(found) == repr(wanted), name
