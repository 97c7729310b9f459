"""Titles of a million letters get an error row each, in memory that does not grow with them."""

import csv
import json
import os
import re
import subprocess
import sys
import threading
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import prodcat
from prodcat.scoring.answering import PartScorer
from prodcat.scoring.jobs import score

LONG = "x" * 1_000_000
_CHILD = """
import sys
import prodcat
from prodcat.cli.command import main

def most():
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmHWM")) >> 10

model, first, long, output = sys.argv[1:]
assert main(["predict", first, "--model", model, "--output", output + "/first"]) == 0
before = most()
assert main(["predict", long, "--model", model, "--output", output + "/long", "--quiet"]) == 0
print("took", most() - before)
"""


@pytest.fixture(scope="module")
def model(small, tmp_path_factory):
    path = str(tmp_path_factory.mktemp("model") / "small")
    small.save(path)
    return path


def _shared(value, rows):
    return pa.DictionaryArray.from_arrays(pa.array([0] * rows, pa.int32()), pa.array([value]))


@pytest.mark.slow
def test_the_command_answers_a_small_file_of_many_long_titles(model, tmp_path):
    rows = 1_000
    table = pa.table({"sku": range(rows), "title": _shared(LONG, rows)})
    pq.write_table(table, tmp_path / "long.parquet", compression="zstd", store_schema=False)
    pq.write_table(pa.table({"sku": [1], "title": ["sut"]}), tmp_path / "first.parquet")
    assert (tmp_path / "long.parquet").stat().st_size < 10_000
    done = subprocess.run(
        [sys.executable, "-c", _CHILD, model]
        + [str(tmp_path / name) for name in ("first.parquet", "long.parquet", "out")],
        capture_output=True,
        text=True,
        cwd="/",
        env={**os.environ, "PYTHONPATH": str(Path(prodcat.__file__).parents[1])},
    )
    assert done.returncode == 0, done.stderr[-2_000:]
    assert int(re.search(r"took (\d+)", done.stdout)[1]) < 500
    answers = pq.read_table(tmp_path / "out" / "long", columns=["sku", "error", "predicted_path"])
    assert answers["sku"].to_pylist() == list(range(rows))
    assert set(answers["error"].to_pylist()) == {"text too long"}
    assert answers["predicted_path"].null_count == rows


@pytest.mark.parametrize("kind", ["parquet", "csv", "jsonl"])
def test_each_row_keeps_its_place_and_its_columns(small, tmp_path, kind):
    titles = ["sut", LONG, "ekmek", " ", "x" * 10_001, "y" * 10_000]
    html = ["<p>" + LONG] * len(titles)
    source = tmp_path / "in.parquet"
    pq.write_table(pa.table({"title": titles, "html": html}), source)
    score(small, str(source), str(tmp_path / f"out.{kind}"))
    read = _read(tmp_path / f"out.{kind}")
    assert read["title"] == titles and read["html"] == html
    errors = [error or None for error in read["error"]]
    assert errors == [None, "text too long", None, "empty title", "text too long", None]
    answered = [bool(path) for path in read["predicted_path"]]
    assert answered == [True, False, True, False, False, True]


def test_parts_are_cut_by_bytes_alike_by_all(small, tmp_path):
    rows = 120
    columns = {"title": [f"sut {n}" for n in range(rows)], "html": _shared(LONG, rows)}
    source = tmp_path / "in.parquet"
    pq.write_table(pa.table(columns), source, store_schema=False)
    whole = score(small, str(source), str(tmp_path / "whole"))
    assert whole.rows == rows and whole.parts > 3
    shares = [score(small, str(source), str(tmp_path / "s"), shard=(n, 2)) for n in range(2)]
    assert [report.complete for report in shares] == [False, True]
    assert sum(report.rows for report in shares) == rows
    names = [sorted(p.name for p in (tmp_path / o).glob("part*")) for o in ("whole", "s")]
    assert names[0] == names[1] and len(names[0]) == whole.parts
    for name in names[0]:
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "s" / name).read_bytes()


def test_too_little_memory_is_said_in_a_sentence(small, tmp_path):
    (tmp_path / "in.csv").write_text("title\nsut\n")
    scorer = PartScorer.of(small, str(tmp_path / "in.csv"), prodcat.ScoringConfig())

    def is_due(file, number):
        return len(bytearray(1 << 60)) == number

    with pytest.raises(prodcat.ScoringError, match="too little memory for a part of the input"):
        list(scorer.answered(is_due, threading.Event()))


def _read(path):
    if path.suffix == ".parquet":
        return pq.read_table(path).to_pydict()
    csv.field_size_limit(2**31 - 1)
    with path.open(newline="", encoding="utf-8") as file:
        records = list(csv.DictReader(file)) if path.suffix == ".csv" else map(json.loads, file)
        records = list(records)
    return {name: [record[name] for record in records] for name in records[0]}
