"""Scoring: every row once, whatever happens on the way; the same answers as predict."""

import csv
import gzip
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import prodcat
from prodcat import CatalogError, ConfigError, ScoringConfig, ScoringError
from prodcat.model.encoder import build_encoder
from prodcat.model.reading import (
    PackedEncoder,
    QuantizedEncoder,
    Ranges,
    make_reading,
    measure_ranges,
    precisions,
)
from prodcat.model.tokenization import TokenTable, plan_batches
from prodcat.scoring.jobs import _Pace, file_kind, score
from prodcat.scoring.ledger import identity_of
from prodcat.scoring.parts import _cut, list_files, read_parts

ROOT = Path(__file__).parents[2]
SMALL_PARTS = ScoringConfig(part_rows=40)


@pytest.fixture(scope="module")
def titles(rows):
    own = [row.title for row in rows[:150]]
    return own + own[:30]  # some are there twice


@pytest.fixture
def table(titles, tmp_path):
    path = tmp_path / "in" / "catalog.parquet"
    path.parent.mkdir()
    columns = {"sku": list(range(len(titles))), "title": titles, "tags": [["a", "b"]] * len(titles)}
    pq.write_table(pa.table(columns), path, row_group_size=20)
    return path


def rows_of(output):
    files = sorted(Path(output).glob("part-*.parquet"))
    return [row for file in files for row in pq.read_table(file).to_pylist()]


def files_of(output):
    return {
        str(path.relative_to(output)): path.read_bytes()
        for path in Path(output).rglob("*")
        if path.is_file()
    }


# -- answers ------------------------------------------------------------------


def test_answers_are_those_of_predict_beside_the_own_columns(classifier, table, titles, tmp_path):
    scoring = replace(SMALL_PARTS, precision="float32")
    report = score(classifier, str(table), str(tmp_path / "out"), scoring=scoring)
    assert report.complete and report.rows == 180 and report.parts == 5 and report.errors == 0
    found = rows_of(tmp_path / "out")
    assert [row["sku"] for row in found] == list(range(180)) and found[7]["tags"] == ["a", "b"]
    for row, [wanted] in zip(found, classifier.predict(titles), strict=True):
        assert tuple(row["predicted_names"]) == wanted.path
        assert row["predicted_path"] == " > ".join(wanted.path)
        assert row["predicted_id"] == wanted.node_id == row["predicted_ids"][-1]
        assert row["confidence"] == pytest.approx(wanted.confidence, abs=2e-5)
        assert np.allclose(row["level_confidences"], wanted.level_confidences, atol=2e-5)
        assert row["model"] == classifier.fingerprint and row["error"] is None
    assert report.summary["rows"] == 180 and "rows/s" in str(report)


def test_rows_that_cannot_be_answered_keep_their_place(small, tmp_path):
    (tmp_path / "a.csv").write_bytes(b'title,n\nsut,1\n,2\nk\xffse,3\n"  ",4\n')
    score(small, str(tmp_path / "a.csv"), str(tmp_path / "out"))
    found = rows_of(tmp_path / "out")
    assert [row["n"] for row in found] == ["1", "2", "3", "4"]
    assert [row["error"] for row in found] == [None, "empty title", "invalid UTF-8", "empty title"]
    assert found[1]["predicted_path"] is None and found[1]["confidence"] is None
    assert found[1]["predicted_ids"] is None and found[2]["predicted_path"]
    assert found[2]["title"] == "k\ufffdse"
    summary = json.loads((tmp_path / "out/_prodcat/summary.json").read_text())
    assert (summary["rows"], summary["errors"]) == (4, 3)


def test_the_next_best_and_other_objectives(small, table, titles, tmp_path):
    three = ScoringConfig(top_k=3, format="jsonl")
    score(small, str(table), str(tmp_path / "three"), scoring=three)
    lines = [
        json.loads(line)
        for path in sorted((tmp_path / "three").glob("*.jsonl"))
        for line in path.read_text().splitlines()
    ]
    for line, wanted in zip(lines, small.predict(titles, 3), strict=True):
        assert [line["predicted_path"], line["predicted_path_2"], line["predicted_path_3"]] == [
            " > ".join(own.path) for own in wanted
        ]
        assert line["confidence_2"] == pytest.approx(wanted[1].confidence, abs=1e-5)
    coarse = ScoringConfig(objective="tree_distance")
    score(small, str(table), str(tmp_path / "coarse"), scoring=coarse)
    wanted = [own.path for [own] in small.predict(titles, objective="tree_distance")]
    found = rows_of(tmp_path / "coarse")
    assert [tuple(row["predicted_names"]) for row in found] == wanted
    assert any(row["predicted_path"] == "" and row["level_confidences"] == [] for row in found)


def test_promises_by_group_are_kept_row_by_row(classifier, parts, tmp_path):
    catalog = parts.test
    own = classifier.with_guarantee(catalog, group="brand", pool_below=30)
    some = catalog.take(np.arange(len(catalog)) < 60)
    columns = {
        "title": list(some.titles) * 2,
        "brand": some.column("brand") + some.column("brand")[::-1],
    }
    pq.write_table(pa.table(columns), tmp_path / "a.parquet")
    scoring = ScoringConfig(guarantee=0.7)
    score(own, str(tmp_path / "a.parquet"), str(tmp_path / "out"), scoring=scoring)
    wanted = own.predict(columns["title"], guarantee=0.7, groups=columns["brand"])
    found = rows_of(tmp_path / "out")
    assert [tuple(row["predicted_names"]) for row in found] == [best.path for [best] in wanted]
    with pytest.raises(CatalogError, match="no column 'brand'"):
        (tmp_path / "b.csv").write_text("title\nsut\n")
        score(own, str(tmp_path / "b.csv"), str(tmp_path / "none"), scoring=scoring)


def test_further_text_is_read_as_in_training(catalog, rows, tmp_path):
    table = [{"title": r.title, "brand": r.brand, "path": list(r.path)} for r in rows[:150]]
    own = prodcat.fit(
        prodcat.read_catalog(table, text=["brand"]),
        model=prodcat.ModelConfig(encoder=None),
        progress=False,
    )
    lines = [json.dumps({"title": row["title"], "brand": row["brand"]}) for row in table]
    (tmp_path / "a.jsonl").write_text("\n".join(lines))
    score(own, str(tmp_path / "a.jsonl"), str(tmp_path / "out"))
    both = prodcat.read_catalog(table, path=None, text=["brand"])
    wanted = [" > ".join(best.path) for [best] in own.predict(both)]
    assert [row["predicted_path"] for row in rows_of(tmp_path / "out")] == wanted


# -- inputs and outputs -------------------------------------------------------


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


def test_many_files_of_a_folder_or_a_glob(small, tmp_path):
    folder = tmp_path / "in"
    (folder / "deep").mkdir(parents=True)
    (folder / "_hidden").mkdir()
    (folder / "_hidden/x.txt").write_text("x")
    (folder / "a.csv").write_text("title,n\nsut,1\n")
    (folder / "b.csv").write_text("title,n\n")
    (folder / "deep/c.csv").write_text("n,title\n2,ekmek\n")
    (folder / "d.jsonl").write_text("")
    report = score(small, str(folder), str(tmp_path / "out"))
    assert report.complete and report.summary["files"] == 4 and report.rows == 2
    assert [(row["title"], row["n"]) for row in rows_of(tmp_path / "out")] == [
        ("sut", "1"),
        ("ekmek", "2"),
    ]
    assert score(small, f"{folder}/*.csv", str(tmp_path / "glob")).summary["files"] == 2
    (folder / "e.txt").write_text("x")
    with pytest.raises(CatalogError, match="ends with '.txt'"):
        list_files(str(folder))
    (tmp_path / "empty").mkdir()
    with pytest.raises(CatalogError, match="has no files"):
        list_files(str(tmp_path / "empty"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"title": "a"}\n' * 40 + '{"title": "a", "x": 1}\n', "'x' appears after the first rows"),
        ('{"title": "a", "x": 1}\n' * 40 + '{"title": "a", "x": "b"}\n', "changes its type"),
        ('{"name": "a"}\n', "no column 'title'; found \\['name'\\]"),
        ('{"title": "a", "confidence": 1}\n', "has a column 'confidence' already"),
    ],
)
def test_inputs_that_do_not_fit_are_named(small, tmp_path, content, message):
    (tmp_path / "a.jsonl").write_text(content)
    with pytest.raises(CatalogError, match=message):
        score(small, str(tmp_path / "a.jsonl"), str(tmp_path / "out"), scoring=SMALL_PARTS)


def test_outputs_that_cannot_be_are_named(small, table, tmp_path):
    with pytest.raises(ConfigError, match="Parquet is compressed inside"):
        file_kind("a.parquet.gz")
    with pytest.raises(ConfigError, match="ends with '.xls'; expected one of"):
        file_kind("a.xls")
    assert file_kind("scores.v2/") is None and file_kind("2026.11") is None
    with pytest.raises(ConfigError, match="one file, which processes cannot share"):
        score(small, str(table), str(tmp_path / "a.csv"), shard=(0, 2))
    with pytest.raises(ConfigError, match=r"shard=\(2, 2\) is out of range"):
        score(small, str(table), str(tmp_path / "a"), shard=(2, 2))
    with pytest.raises(CatalogError, match="is an input file too"):
        score(small, str(table), str(table))
    with pytest.raises(ScoringError, match="holds 'catalog.parquet' and is no output"):
        score(small, str(table), str(table.parent))
    with pytest.raises(ConfigError, match="would remove what the others did"):
        score(small, str(table), str(tmp_path / "a"), shard=(0, 2), overwrite=True)
    with pytest.raises(CatalogError, match="lies in the input"):
        score(small, str(table.parent), str(table.parent / "out"))
    with pytest.raises(CatalogError, match="Protocol not known"):
        score(small, "nowhere://a.csv", str(tmp_path / "a"))
    # What another program wrote is not removed, whatever its name.
    spark = tmp_path / "spark/part-00000-ab12.c000.snappy.parquet"
    spark.parent.mkdir()
    spark.write_bytes(b"x")
    with pytest.raises(ScoringError, match="is no output of a scoring"):
        score(small, str(table), str(spark.parent), overwrite=True)
    assert spark.exists()
    for wrong in ({"top_k": 0}, {"precision": "int4"}, {"format": "xml"}, {"text": "brand"}):
        with pytest.raises(ConfigError):
            ScoringConfig(**wrong)


def test_tables_with_faults_are_answered_or_refused(small, table, tmp_path):
    # Text that is no UTF-8, and numbers that are none.
    own = pa.table(
        {
            "title": pa.array([b"s\xfct", b"ekmek"]).cast(pa.binary()).view(pa.string()),
            "price": [float("nan"), 2.5],
        }
    )
    pq.write_table(own, tmp_path / "odd.parquet")
    score(small, str(tmp_path / "odd.parquet"), str(tmp_path / "odd.jsonl"))
    lines = (tmp_path / "odd.jsonl").read_text().splitlines()
    found = [json.loads(line, parse_constant=pytest.fail) for line in lines]
    assert [line["price"] for line in found] == [None, 2.5]
    assert found[0]["title"] == "s\ufffdt" and found[0]["predicted_path"]
    (tmp_path / "open.csv").write_text('title\n"a\nb\nc\n')
    with pytest.raises(CatalogError, match="unexpected end of data"):
        score(small, str(tmp_path / "open.csv"), str(tmp_path / "a"))
    two = tmp_path / "two"
    two.mkdir()
    (two / "a.csv").write_text("title,sku\nsut,1\n")
    (two / "b.csv").write_text("sku\n2\n")
    with pytest.raises(CatalogError, match="no column 'title'"):
        score(small, str(two), str(tmp_path / "b"))
    strict = pa.schema([pa.field("title", pa.string()), pa.field("sku", pa.int64(), False)])
    (two / "b.csv").unlink()
    (two / "a.csv").unlink()
    pq.write_table(pa.table({"title": ["sut"], "sku": [1]}, schema=strict), two / "a.parquet")
    pq.write_table(pa.table({"title": ["ekmek"]}), two / "b.parquet")
    score(small, str(two), str(tmp_path / "c"))
    assert pq.read_table(tmp_path / "c")["sku"].to_pylist() == [1, None]


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

    def failing(file, kind):
        def append(content):
            file.write(b"half")
            raise OSError("the disk is full")

        return append

    monkeypatch.setattr("prodcat.scoring.jobs._appender", failing)
    for place in ("memory://shop/out.csv", str(tmp_path / "c.csv")):
        with pytest.raises(OSError, match="the disk is full"):
            score(small, str(table), place, scoring=SMALL_PARTS)
    assert memory.cat("/shop/out.csv") == before
    assert [path.name for path in tmp_path.glob("c.csv*")] == []
    memory.rm("/shop", recursive=True)


def test_titles_without_a_token_are_answered():
    encoder = build_encoder({"model_type": "bert", **_SIZES}).eval()
    for precision in ("float32", "bfloat16"):
        reading = make_reading(encoder, precision)
        with torch.inference_mode():
            none = reading(torch.zeros(2, 0, dtype=torch.int64), None)
            mask = torch.tensor([[True, True], [False, False]])
            mixed = reading(torch.tensor([[5, 6], [1, 1]]), mask)
        assert none.shape == (2, 32) and mixed.isfinite().all() and none.isfinite().all()
    table = TokenTable(np.array([5, 6], np.int32), np.array([0, 2, 2]), 0)
    assert measure_ranges(encoder, table).fits(encoder)


THREADS = """
import threading, torch
from concurrent.futures import ThreadPoolExecutor
from prodcat.classifier.inference import _workers
torch.set_num_threads(4)
seen = []
def late(): seen.append(torch.get_num_threads())
import os
pool = _workers(os.getpid(), 2, 4)
assert list(pool.map(lambda _: torch.get_num_threads(), range(4))) == [2] * 4
assert torch.get_num_threads() == 4
for _ in range(3):
    thread = threading.Thread(target=late); thread.start(); thread.join()
    list(pool.map(lambda _: torch.get_num_threads(), range(4)))
assert seen == [4] * 3, seen
assert _workers(os.getpid(), 2, 4) is pool
"""


def test_threads_that_come_later_have_all_cores():
    subprocess.run([sys.executable, "-c", THREADS], check=True, cwd=ROOT)


def test_two_threads_answer_at_once(classifier, titles):
    wanted = classifier.predict(titles)
    failed = []

    def ask():
        try:
            for _ in range(5):
                assert classifier.predict(titles) == wanted
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed, failed


# -- exactly once -------------------------------------------------------------


def test_a_job_that_ended_before_its_first_answer_binds_nothing(small, table, tmp_path):
    out = str(tmp_path / "out")
    with pytest.raises(CatalogError, match="no column 'name'"):
        score(small, str(table), out, scoring=replace(SMALL_PARTS, title="name"))
    assert score(small, str(table), out, scoring=SMALL_PARTS).complete


def test_overwrite_begins_anew_only_where_the_job_is_another(small, table, tmp_path):
    out = tmp_path / "out"
    score(small, str(table), str(out), scoring=SMALL_PARTS)
    again = score(small, str(table), str(out), scoring=SMALL_PARTS, overwrite=True)
    assert again.skipped == 5 and again.complete
    other = ScoringConfig(part_rows=60)
    anew = score(small, str(table), str(out), scoring=other, overwrite=True)
    assert anew.skipped == 0 and anew.rows == 180 and anew.complete
    # The same size, another content: a new job could not tell.
    text = tmp_path / "in.csv"
    text.write_text("title\n" + "sut 1 l\n" * 60)
    score(small, str(text), str(tmp_path / "text"), scoring=SMALL_PARTS)
    text.write_text("title\n" + "l 1 tus\n" * 60)
    with pytest.raises(ScoringError, match="has changed since"):
        score(small, str(text), str(tmp_path / "text"), scoring=SMALL_PARTS)
    anew = score(small, str(text), str(tmp_path / "text"), scoring=SMALL_PARTS, overwrite=True)
    assert anew.rows == 60 and anew.complete


def test_an_input_whose_store_fails_may_go_well_later(small, tmp_path, monkeypatch):
    import fsspec

    def reset(*arguments, **named):
        raise ConnectionResetError("reset by peer")

    memory = fsspec.filesystem("memory")
    memory.pipe("/shop/in.csv", b"title\nsut\n")
    memory.pipe("/shop/in.parquet", b"PAR1")
    monkeypatch.setattr(type(memory), "_open", reset)
    for name in ("in.csv", "in.parquet"):
        with pytest.raises(prodcat.StoreError, match="reset by peer") as caught:
            list(read_parts([f"memory://shop/{name}"], lambda *_: True, 50))
        assert caught.value.unreachable
    monkeypatch.undo()
    memory.rm("/shop", recursive=True)


def test_answers_that_would_replace_a_column_are_refused_first(small, tmp_path):
    (tmp_path / "a.csv").write_text("title,error\nsut,x\n")
    with pytest.raises(CatalogError, match="has a column 'error' already"):
        score(small, str(tmp_path / "a.csv"), str(tmp_path / "out"))
    assert not list(tmp_path.glob("out/part-*"))


def test_an_input_that_changes_between_processes_is_never_complete(small, tmp_path):
    out, text = str(tmp_path / "out"), tmp_path / "in.csv"
    text.write_text("title\n" + "sut 1 l\n" * 80)
    score(small, str(text), out, scoring=SMALL_PARTS, shard=(0, 2))
    text.write_text("title\n" + "l 1 tus\n" * 80)  # of the same size: the job is the same
    with pytest.raises(ScoringError, match="answers for two contents"):
        score(small, str(text), out, scoring=SMALL_PARTS, shard=(1, 2))
    text.write_text("title\n" + "sut 1\n" * 80)
    with pytest.raises(ScoringError, match="another input"):
        score(small, str(text), out, scoring=SMALL_PARTS, shard=(1, 2))
    assert not (tmp_path / "out/_prodcat/summary.json").exists()


def test_what_is_done_is_not_done_again(small, table, tmp_path):
    out = tmp_path / "out"
    score(small, str(table), str(out), scoring=SMALL_PARTS)
    before = files_of(out)
    times = {path: path.stat().st_mtime_ns for path in out.glob("part-*")}
    again = score(small, str(table), str(out), scoring=SMALL_PARTS)
    assert again.rows == 0 and again.skipped == 5 and again.complete
    assert files_of(out) == before
    assert times == {path: path.stat().st_mtime_ns for path in out.glob("part-*")}
    # What is cut, gone or half there is done again, and nothing else.
    (out / "part-00000-00001.parquet").write_bytes(b"PAR1")
    (out / "part-00000-00002.parquet").unlink()
    (out / "_prodcat/part-00000-00003.json").write_text("{")
    leftover = out / f".part-00000-00000.parquet.{'0' * 32}.part"
    leftover.write_text("x")
    again = score(small, str(table), str(out), scoring=SMALL_PARTS)
    assert again.parts == 3 and again.skipped == 2 and files_of(out) == before


@pytest.mark.parametrize("change", ["model", "tree", "settings", "input", "content"])
def test_answers_of_two_jobs_are_not_mixed(small, rows, table, tmp_path, change):
    out = str(tmp_path / "out")
    score(small, str(table), out, scoring=SMALL_PARTS)
    own, scoring = small, SMALL_PARTS
    if change == "model":
        own = small.uncalibrated()
    elif change == "tree":
        own = prodcat.fit(
            prodcat.read_catalog([{"title": r.title, "path": list(r.path)} for r in rows[50:250]]),
            model=prodcat.ModelConfig(encoder=None),
            progress=False,
        )
    elif change == "settings":
        scoring = replace(scoring, top_k=2)
    elif change == "input":
        shutil.copy(table, table.parent / "more.parquet")
        table = table.parent
    else:  # of the same size
        content = bytearray(table.read_bytes())
        place = content.index(b"sku")
        content[place : place + 3] = b"SKU"
        table.write_bytes(content)
    before = files_of(out)
    names = {"settings": "setting top_k"}.get(
        change, "has changed" if change == "content" else change
    )
    with pytest.raises(ScoringError, match=names):
        score(own, str(table), out, scoring=scoring)
    assert files_of(out) == before
    report = score(own, str(table), out, scoring=scoring, overwrite=True)
    assert report.complete and report.skipped == 0


def test_processes_share_the_parts_without_speaking(small, table, tmp_path):
    whole, shared = tmp_path / "whole", tmp_path / "shared"
    score(small, str(table), str(whole), scoring=SMALL_PARTS)
    reports = [
        score(small, str(table), str(shared), scoring=SMALL_PARTS, shard=(index, 3))
        for index in (2, 0, 1)
    ]
    assert [own.complete for own in reports] == [False, False, True]
    assert "other shares are still missing" in str(reports[0])
    assert sum(own.rows for own in reports) == 180 and files_of(shared) == files_of(whole)
    # With another number of processes what is there is taken over.
    shutil.rmtree(shared / "_prodcat")
    shutil.rmtree(shared)
    score(small, str(table), str(shared), scoring=SMALL_PARTS, shard=(1, 3))
    rest = score(small, str(table), str(shared), scoring=SMALL_PARTS)
    assert rest.skipped == 2 and rest.complete and files_of(shared) == files_of(whole)


def test_progress_says_how_much_is_left(small, table, tmp_path, capsys):
    two = tmp_path / "two"
    two.mkdir()
    shutil.copy(table, two / "a.parquet")
    shutil.copy(table, two / "b.parquet")
    files = [str(two / "a.parquet"), str(two / "b.parquet")]
    sizes = [Path(file).stat().st_size for file in files]
    pace = _Pace(False, 0.0, sizes, 1)
    left, rows = [], 0
    for part in read_parts(files, lambda *_: True, 60):
        rows += len(part.table)
        left.append(pace.left(rows, part))
    assert left == [300, 240, 180, 120, 60, 0]
    # A call that goes on in the middle; one of two processes.
    on = _Pace(False, 0.0, sizes, 1)
    [fifth] = read_parts(files, lambda file, number: (file, number) == (1, 1), 60)
    assert on.left(60, fifth) == 60
    shared = _Pace(False, 0.0, sizes, 2)
    [second] = read_parts(files, lambda file, number: (file, number) == (0, 1), 60)
    assert shared.left(60, second) == 120
    score(small, str(two), str(tmp_path / "out"), scoring=SMALL_PARTS, progress=True)
    assert "360/360" in capsys.readouterr().err


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_parts_of_text_are_cut_alike_by_all(small, table, tmp_path, kind):
    text = str(tmp_path / f"a.{kind}")
    score(small, str(table), text)
    columns = pq.read_table(table).drop_columns(["tags"])
    lines = [{"sku": str(n), "title": own} for n, own in enumerate(columns["title"].to_pylist())]
    with open(text, "w", encoding="utf-8", newline="") as file:
        if kind == "csv":
            writer = csv.DictWriter(file, ["sku", "title"])
            writer.writeheader()
            writer.writerows(lines)
        else:
            file.writelines(json.dumps(line) + "\n" for line in lines)
    parts = list(read_parts([text], lambda *_: True, 50))
    assert [(own.number, own.first, own.last) for own in parts] == [
        (0, 0, False), (1, 50, False), (2, 100, False), (3, 150, True),
    ]  # fmt: skip
    spans = [own.span for own in parts]
    assert spans[0][0] == 0 and spans[-1][1] == 1
    assert all(a[1] == b[0] for a, b in zip(spans[:-1], spans[1:], strict=True))
    [third] = read_parts([text], lambda file, number: number == 2, 50)
    assert third.table == parts[2].table
    scoring = ScoringConfig(part_rows=60)
    score(small, text, str(tmp_path / "whole"), scoring=scoring)
    for index in range(2):
        score(small, text, str(tmp_path / "shared"), scoring=scoring, shard=(index, 2))
    assert files_of(tmp_path / "whole") == files_of(tmp_path / "shared")


@given(st.lists(st.integers(0, 50), max_size=30), st.integers(1, 60))
def test_row_groups_are_all_there_once_and_large_ones_in_pieces(sizes, rows):
    cuts = _cut(sizes, rows)
    assert [group for cut in cuts for group in cut.groups] == list(range(len(sizes)))
    for cut in cuts:
        assert sum(cut.sizes) == sum(sizes[group] for group in cut.groups)
        assert all(size < 3 * rows for size in cut.sizes)
        assert len(cut.sizes) == 1 or (len(cut.groups) == 1 and min(cut.sizes) >= rows)


def test_a_large_row_group_is_many_parts(small, table, tmp_path):
    whole = pq.read_table(table)
    one = tmp_path / "one.parquet"
    pq.write_table(whole, one, row_group_size=10**6)
    assert pq.ParquetFile(one).num_row_groups == 1
    parts = list(read_parts([str(one)], lambda *_: True, 50))
    assert [(own.first, len(own.table), own.last) for own in parts] == [
        (0, 50, False), (50, 50, False), (100, 80, True),
    ]  # fmt: skip
    assert pa.concat_tables([own.table for own in parts]).equals(whole)
    [second] = read_parts([str(one)], lambda file, number: number == 1, 50)
    assert second.table.equals(parts[1].table) and second.span == (50 / 180, 100 / 180)
    scoring = ScoringConfig(part_rows=50)
    score(small, str(one), str(tmp_path / "a"), scoring=scoring)
    for index in range(2):
        score(small, str(one), str(tmp_path / "b"), scoring=scoring, shard=(index, 2))
    assert files_of(tmp_path / "a") == files_of(tmp_path / "b")
    assert pq.read_table(tmp_path / "a")["sku"].equals(whole["sku"])


SCRIPT = """
import sys, prodcat
from prodcat.scoring.jobs import score
from prodcat.scoring.config import ScoringConfig
model = prodcat.load(sys.argv[1], device="cpu")
print("ready", flush=True)
print(score(model, sys.argv[2], sys.argv[3], scoring=ScoringConfig(part_rows=200)), flush=True)
"""


@pytest.fixture
def long_job(small, rows, tmp_path):
    """A job of 40 parts, and what a clean run of it writes."""
    small.save(str(tmp_path / "model"))
    titles = [f"{row.title} {number}" for number in range(16) for row in rows[:500]]
    pq.write_table(pa.table({"title": titles}), tmp_path / "long.parquet", row_group_size=200)
    clean = tmp_path / "clean"
    scoring = ScoringConfig(part_rows=200)
    score(small, str(tmp_path / "long.parquet"), str(clean), scoring=scoring)
    return tmp_path, files_of(clean)


def start(folder, out):
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT, folder / "model", folder / "long.parquet", out],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )


def test_a_killed_job_goes_on_to_the_same_bytes(long_job):
    folder, clean = long_job
    out = folder / "out"
    kills = 0
    for pause in (0.05, 0.15, 0.3, 0.1):
        process = start(folder, out)
        assert process.stdout.readline() == "ready\n"
        time.sleep(pause)
        process.kill()
        process.communicate()
        kills += process.returncode == -signal.SIGKILL
        done = list(out.glob("_prodcat/part-*"))
        for entry in done:
            own = json.loads(entry.read_text())
            assert (out / f"{own['part']}.parquet").stat().st_size == own["bytes"]
    assert kills
    process = start(folder, out)
    assert "complete" in process.communicate(timeout=60)[0]
    assert files_of(out) == clean


def test_told_to_stop_it_stops_in_good_order(long_job):
    folder, clean = long_job
    out = folder / "out"
    process = start(folder, out)
    assert process.stdout.readline() == "ready\n"
    while not list(out.glob("_prodcat/part-*")) if out.exists() else True:
        time.sleep(0.01)
    process.send_signal(signal.SIGTERM)
    said = process.communicate(timeout=30)[1]
    assert "Stopped by SIGTERM after" in said and "Run the same again to go on" in said
    done = list(out.glob("_prodcat/part-*"))
    assert 0 < len(done) < 40
    process = start(folder, out)
    assert f"{len(done)} parts were there already" in process.communicate(timeout=60)[0]
    assert files_of(out) == clean


def test_a_full_disk_leaves_nothing_half_written(small, table, tmp_path, monkeypatch):
    out = tmp_path / "out"
    whole = os.fsync

    def full(number):
        if len(list(out.glob("part-*"))) == 2:
            raise OSError(28, "No space left on device")
        whole(number)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(prodcat.StoreError, match="The disk is full"):
        score(small, str(table), str(out), scoring=SMALL_PARTS)
    monkeypatch.undo()
    assert not [name for name in files_of(out) if name.endswith(".part")]
    report = score(small, str(table), str(out), scoring=SMALL_PARTS)
    assert report.complete and report.skipped >= 1 and len(rows_of(out)) == 180


def test_on_the_command_line(small, table, tmp_path, capsys):
    from prodcat.cli.command import main

    small.save(str(tmp_path / "model"))
    command = ["predict", str(table), "--model", str(tmp_path / "model")]
    folder = str(tmp_path / "out")
    many = [*command, "--output", folder, "--part-rows", "40", "--format", "csv"]
    assert main([*many, "--shard", "0/2"]) == 0
    assert "other shares are still missing" in capsys.readouterr().err
    assert main([*many, "--shard", "1/2"]) == 0
    assert "is complete" in capsys.readouterr().err
    assert main([*command, "--output", folder, "--part-rows", "30"]) == 2
    assert "was begun with another setting" in capsys.readouterr().err
    assert main([*command, "--output", folder, "--part-rows", "30", "--overwrite"]) == 0
    assert main([*many, "--shard", "2"]) == 2
    assert "expected INDEX/COUNT" in capsys.readouterr().err


def test_a_scoring_on_s3_goes_on_too(small, table, tmp_path, moto_server):
    bucket, options = moto_server.bucket(), moto_server.options
    env = {
        **os.environ,
        "AWS_ENDPOINT_URL": options["endpoint_url"],
        "AWS_ACCESS_KEY_ID": options["key"],
        "AWS_SECRET_ACCESS_KEY": options["secret"],
        "AWS_DEFAULT_REGION": "us-east-1",
        "PRODCAT_CACHE": str(tmp_path / "cache"),
    }
    import s3fs

    place = s3fs.S3FileSystem(**options, skip_instance_cache=True)
    place.put(str(table), f"{bucket}/in/catalog.parquet")
    prodcat.Store(f"s3://{bucket}/models", storage_options=options).publish(
        small, "tr", alias="production"
    )

    def run(*more):
        command = [
            sys.executable, "-m", "prodcat", "predict", f"s3://{bucket}/in/*.parquet", "--model",
            f"s3://{bucket}/models/tr@production", "--output", f"s3://{bucket}/out",
            "--part-rows", "40", *more,
        ]  # fmt: skip
        done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return done.stderr

    assert "180 titles answered" in run()
    place.rm(f"{bucket}/out/part-00000-00003.parquet")
    assert "40 titles answered" in run()
    place.invalidate_cache()
    with place.open(f"{bucket}/out/part-00000-00003.parquet", "rb") as file:
        row = pq.read_table(file).to_pylist()[0]
    assert row["sku"] == 120 and row["model"].startswith("tr@")
    info = place.info(f"{bucket}/in/catalog.parquet")
    entry = json.loads(place.cat_file(f"{bucket}/out/_prodcat/part-00000-00000.json"))
    assert entry["input"] == f"{info['size']}-{info['ETag'].strip(chr(34))}"


def test_a_file_is_known_by_its_content(tmp_path):
    (tmp_path / "a").write_bytes(b"x")
    (tmp_path / "b").write_bytes(b"x")
    assert identity_of(str(tmp_path / "a")) == identity_of(str(tmp_path / "b"))
    with pytest.raises(prodcat.StoreError, match="Cannot read"):
        identity_of(str(tmp_path / "none"))


# -- the fast way through an encoder ------------------------------------------

_SIZES = {
    "vocab_size": 100, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4,
    "intermediate_size": 64, "pad_token_id": 1, "max_position_embeddings": 40,
}  # fmt: skip


@pytest.mark.parametrize("kind", ["bert", "roberta", "xlm-roberta", "camembert"])
@pytest.mark.parametrize("pooling", ["mean", "cls"])
@pytest.mark.parametrize("padded", [False, True])
def test_a_packed_encoder_is_the_encoder(kind, pooling, padded):
    torch.manual_seed(1)
    encoder = build_encoder({"model_type": kind, **_SIZES}, pooling).eval()
    for weight in encoder.parameters():
        torch.nn.init.normal_(weight, std=0.2)
    ids = torch.randint(2, 99, (5, 9))
    mask = None
    if padded:
        mask = torch.arange(9) < torch.tensor([9, 3, 1, 7, 9])[:, None]
        ids = ids.masked_fill(~mask, 1)
    reading = make_reading(encoder, "float32")
    assert isinstance(reading, PackedEncoder)
    with torch.inference_mode():
        wanted = encoder(ids, mask)
        torch.testing.assert_close(reading(ids, mask), wanted, atol=2e-5, rtol=2e-5)
        half = make_reading(encoder, "bfloat16")(ids, mask)
        assert half.dtype == torch.float32
        assert torch.nn.functional.cosine_similarity(half, wanted).min() > 0.995
        # The ranges are of other titles: what is beyond them is cut.
        others = torch.randint(2, 99, (200, 9))
        table = TokenTable(others.numpy().astype(np.int32).ravel(), np.arange(0, 1_801, 9), 0)
        ranges = measure_ranges(encoder, table)
        whole = make_reading(encoder, "int8", ranges)
        assert isinstance(whole, QuantizedEncoder) and ranges.fits(encoder)
        found = whole(ids, mask)
        assert found.dtype == torch.float32
        assert torch.nn.functional.cosine_similarity(found, wanted).min() > 0.98


def test_what_is_great_in_few_places_costs_int8_little(monkeypatch):
    torch.manual_seed(2)
    encoder = build_encoder({"model_type": "bert", **_SIZES}).eval()
    for layer in encoder.body.encoder.layer:
        torch.nn.init.normal_(layer.intermediate.dense.weight, std=0.2)
        torch.nn.init.normal_(layer.output.dense.weight, std=0.2)
        layer.intermediate.dense.bias.data[5] = 60.0  # as real encoders have it
        layer.output.dense.weight.data[:, 5] *= 0.05
        layer.output.LayerNorm.weight.data[3] = 20.0
    ids = torch.randint(2, 99, (50, 7))
    table = TokenTable(ids.numpy().astype(np.int32).ravel(), np.arange(0, 351, 7), 0)
    ranges = measure_ranges(encoder, table)
    with torch.inference_mode():
        wanted = encoder(ids, None)
        near = torch.nn.functional.cosine_similarity

        def least():
            return float(near(make_reading(encoder, "int8", ranges)(ids, None), wanted).min())

        # Where the processor has no products of 8 bits, weights have 7: what is moved into them
        # is then rounded more.
        eight = torch.cpu._is_vnni_supported()
        assert least() > (0.995 if eight else 0.985)
        for name, value, most in (("_APART", 0, 0.8), *([("_MOVED", 0.0, 0.996)] * eight)):
            with monkeypatch.context() as patch:
                patch.setattr(f"prodcat.model.reading.{name}", value)
                assert least() < most, name


def test_int8_is_measured_kept_and_refused_where_it_is_not(classifier, parts, tmp_path):
    texts = parts.validation.titles[:60]
    wanted = classifier.predict(texts, precision="int8")
    classifier.save(tmp_path / "model")
    again = prodcat.load(str(tmp_path / "model"), device="cpu")
    assert again.predict(texts, precision="int8") == wanted
    assert again.content_hash == classifier.content_hash
    same = [a[0].path == b[0].path for a, b in zip(wanted, classifier.predict(texts), strict=True)]
    assert np.mean(same) > 0.9
    without = replace(classifier, _ranges=None)
    with pytest.raises(ConfigError, match=r"Measure them with with_precisions"):
        without.predict(texts, precision="int8")
    assert "int8" in without.with_precisions(parts.validation)._stored["precisions"]
    wrong = replace(classifier, _ranges=Ranges(torch.ones(1, 3, 4), torch.ones(1, 4)))
    wrong.save(tmp_path / "wrong")
    with pytest.raises(prodcat.ArtifactError, match="fit another encoder"):
        prodcat.load(str(tmp_path / "wrong"), device="cpu")


def test_precisions_are_measured_on_so_many_titles_at_most(classifier, parts, monkeypatch):
    monkeypatch.setattr("prodcat.classifier.classifier._MOST_MEASURED", 40)
    measured = classifier.with_precisions(parts.validation, {"float32": 2.0})._stored["precisions"]
    rows = np.linspace(0, len(parts.validation) - 1, 40).astype(int)
    some = parts.validation.take(rows)
    assert measured["float32"] == classifier.evaluate(some).path_accuracy


def test_other_encoders_run_as_they_are():
    encoder = build_encoder({"model_type": "mpnet", **_SIZES}).eval()
    ids = torch.randint(2, 99, (3, 6))
    with torch.inference_mode():
        assert torch.equal(make_reading(encoder, "float32")(ids, None), encoder(ids, None))
    assert precisions(encoder) == ("float32", "bfloat16") and precisions(None) == ("float32",)


def test_the_fastest_precision_that_is_as_good_is_picked(classifier, parts, monkeypatch):
    def picked(measured, first, promised=False):
        monkeypatch.setattr("prodcat.classifier.classifier.fastest", lambda device: first)
        own = replace(classifier, _stored={**classifier._stored, "precisions": measured})
        return own.pick_precision("auto", promised)

    half_first = ("bfloat16", "int8", "float32")
    assert picked({"float32": 0.9, "bfloat16": 0.899}, half_first) == "bfloat16"
    assert picked({"float32": 0.9, "bfloat16": 0.8989}, half_first) == "float32"
    assert picked({"float32": 0.9, "bfloat16": 0.95}, half_first, promised=True) == "float32"
    assert picked({"float32": 0.9, "bfloat16": 0.95}, half_first[::-1]) == "float32"
    assert picked({"float32": 0.9, "bfloat16": 0.8, "int8": 0.9}, half_first) == "int8"
    assert picked({}, half_first) == "float32", "nothing was measured"
    assert classifier.pick_precision("bfloat16", promised=True) == "bfloat16"
    measured = classifier.with_precisions(parts.validation)._stored["precisions"]
    assert measured == classifier._stored["precisions"] and set(measured) == set(half_first)
    evaluation = classifier.evaluate(parts.validation, precision="bfloat16")
    assert measured["bfloat16"] == evaluation.path_accuracy


def test_equal_titles_are_read_once_and_answered_alike(classifier):
    inference = classifier.inference()
    texts = ["sut 1 l", "ekmek", "sut 1 l", "", "ekmek"]
    window = inference.ready(texts)
    assert window.distinct == 3
    answers = inference.answers(window, classifier.decision())
    nodes = answers.nodes[:, 0].tolist()
    assert nodes[0] == nodes[2] and nodes[1] == nodes[4] and len(nodes) == 5


def test_streams_change_no_answer_and_give_the_threads_back(classifier, titles, monkeypatch):
    monkeypatch.setattr("prodcat.classifier.inference._MOST_CELLS", 1_000)
    monkeypatch.setattr("prodcat.classifier.classifier.batch_tokens", lambda device: 200)
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        many = classifier.predict(titles)
        assert torch.get_num_threads() == 2
        monkeypatch.setattr("prodcat.classifier.inference._STREAMS", 1)
        assert classifier.predict(titles) == many
    finally:
        torch.set_num_threads(before)


def test_a_stream_keeps_its_cores_whatever_another_thread_sets(classifier, titles, monkeypatch):
    # The number of threads decides the order of sums, so the last bits of an answer.
    monkeypatch.setattr("prodcat.classifier.inference._MOST_CELLS", 1_000)
    monkeypatch.setattr("prodcat.classifier.classifier.batch_tokens", lambda device: 200)
    before, seen, done = torch.get_num_threads(), [], threading.Event()

    def meddle():
        while not done.wait(1e-4):
            torch.set_num_threads(2)

    def stopped():
        seen.append(torch.get_num_threads())
        return False

    torch.set_num_threads(2)
    other = threading.Thread(target=meddle)
    other.start()
    try:
        inference = classifier.inference()
        for _ in range(20):
            inference.answers(inference.ready(titles), classifier.decision(), stopped=stopped)
    finally:
        done.set()
        other.join()
        torch.set_num_threads(before)
    assert set(seen) == {1}, seen


def test_batches_end_where_rows_get_shorter():
    lengths = np.array([4] * 60 + [3] * 30)
    batches = plan_batches(lengths, 160)  # 40 of the longest
    assert [lengths[rows].tolist() for rows in batches] == [[4] * 40, [4] * 20, [3] * 28, [3] * 2]
    # A batch that is less than half full goes on.
    batches = plan_batches(np.array([4] * 50 + [3] * 60), 160)
    assert [len(rows) for rows in batches] == [40, 40, 28, 2]


def test_an_encoder_is_packed_once_and_not_kept_in_a_copy(classifier, monkeypatch):
    import pickle

    made = []

    def make(*arguments):
        made.append(arguments[1])
        return make_reading(*arguments)

    monkeypatch.setattr("prodcat.classifier.classifier.make_reading", make)
    own = replace(classifier)
    wanted = own.predict(["sut", "ekmek"])
    assert own.predict(["sut", "ekmek"]) == wanted and made == ["float32"]
    again = pickle.loads(pickle.dumps(own))
    assert again.predict(["sut", "ekmek"]) == wanted and made == ["float32"] * 2
    own.predict(["sut"], precision="bfloat16")
    assert made == ["float32", "float32", "bfloat16"]
    assert own.content_hash == classifier.content_hash != classifier.uncalibrated().content_hash
