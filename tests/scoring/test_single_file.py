"""An output that is one file."""

import contextlib
import csv
import gzip
import json
import time

import pyarrow.parquet as pq
import pytest

from prodcat import ScoringConfig, StoreError
from prodcat.scoring.jobs import score

SMALL_PARTS = ScoringConfig(part_rows=40)


@pytest.mark.parametrize(
    "name", ["a.csv", "a.tsv", "a.csv.gz", "a.jsonl", "a.jsonl.gz", "a.parquet"]
)
def test_one_file_in_any_format(small, table, titles, tmp_path, name):
    output = tmp_path / "out" / name
    output.parent.mkdir()
    report = score(small, str(table), str(output), scoring=SMALL_PARTS)
    assert report.complete and report.output == str(output)
    assert [path.name for path in output.parent.iterdir()] == [name], "nothing else is left"
    if name.endswith("parquet"):
        found = pq.read_table(output).to_pylist()
    else:
        opened = gzip.open if name.endswith("gz") else open
        with opened(output, "rt", encoding="utf-8", newline="") as file:
            if "jsonl" in name:
                found = [json.loads(line) for line in file]
            else:
                found = list(csv.DictReader(file, delimiter="\t" if "tsv" in name else ","))
                assert "predicted_names" not in found[0]
                assert found[0]["tags"] == '["a", "b"]'
    wanted = [" > ".join(best.path) for [best] in small.predict(titles)]
    assert [row["predicted_path"] for row in found] == wanted
    assert [int(row["sku"]) for row in found] == list(range(180))


def test_one_file_has_the_same_bytes_each_time_and_is_whole_or_not_there(
    small, table, tmp_path, monkeypatch
):
    for name in ("a.csv.gz", "b.csv.gz"):
        score(small, str(table), str(tmp_path / name), scoring=SMALL_PARTS)
        time.sleep(1.1)
    assert (tmp_path / "a.csv.gz").read_bytes() == (tmp_path / "b.csv.gz").read_bytes()
    import fsspec

    memory = fsspec.filesystem("memory")
    score(small, str(table), "memory://shop/out.csv", scoring=SMALL_PARTS)
    before = memory.cat("/shop/out.csv")
    assert before == gzip.decompress((tmp_path / "a.csv.gz").read_bytes())

    @contextlib.contextmanager
    def failing(file, kind):
        def append(content):
            file.write(b"half")
            raise OSError("the disk is full")

        yield append

    monkeypatch.setattr("prodcat.scoring.single_file._appender", failing)
    for place in ("memory://shop/out.csv", str(tmp_path / "c.csv")):
        with pytest.raises(StoreError, match="the disk is full"):
            score(small, str(table), place, scoring=SMALL_PARTS)
    assert memory.cat("/shop/out.csv") == before
    assert [path.name for path in tmp_path.glob("c.csv*")] == []
    memory.rm("/shop", recursive=True)
