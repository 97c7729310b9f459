"""An input that is changed while it is read gives no finished output."""

import json
import os
import threading
import time

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from scoring_outputs import rows_of

import prodcat
from prodcat import ScoringConfig, ScoringError
from prodcat.cli.command import main
from prodcat.scoring.jobs import score, stream

PARTS = ScoringConfig(part_rows=20)
ROWS = 2_000


def text(word):
    return "title,sku\n" + "".join(f"{word} {number:05d},{number}\n" for number in range(ROWS))


def rewrite_in_place(path):
    with open(path, "r+b") as file:
        file.write(text("tus").encode())


def rewrite_and_restore(path):
    before, times = path.read_bytes(), path.stat()
    rewrite_in_place(path)
    path.write_bytes(before)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def replace(path):
    path.with_name("new").write_text(text("tus"))
    path.with_name("new").replace(path)


def append(path):
    with open(path, "a", encoding="utf-8") as file:
        file.write("ekmek,1\n")


def cut(path):
    os.truncate(path, 500)


def remove(path):
    path.unlink()


@pytest.fixture
def during_scoring():
    """Does something in another thread once the first part of an output is written."""
    threads = []

    def arrange(output, change):
        def wait():
            until = time.monotonic() + 30
            while not list(output.glob("_prodcat/part-*")) and time.monotonic() < until:
                time.sleep(0.001)
            change()

        threads.append(threading.Thread(target=wait))
        threads[-1].start()

    yield arrange
    for thread in threads:
        thread.join()


@pytest.mark.parametrize(
    "change", [rewrite_in_place, rewrite_and_restore, replace, append, cut, remove]
)
def test_text_that_changes_is_noticed(small, tmp_path, during_scoring, change):
    source, out = tmp_path / "in.csv", tmp_path / "out"
    source.write_text(text("sut"))
    during_scoring(out, lambda: change(source))
    with pytest.raises(ScoringError, match="in.csv' was changed while it was read"):
        score(small, str(source), str(out), scoring=PARTS)
    assert not (out / "_prodcat/summary.json").exists()


def test_a_single_file_is_not_written_from_an_input_that_changes(small, tmp_path, during_scoring):
    source, out = tmp_path / "in.csv", tmp_path / "out.csv"
    source.write_text(text("sut"))
    small.save(str(tmp_path / "model"))
    during_scoring(tmp_path / ".out.csv.parts", lambda: rewrite_in_place(source))
    command = ["predict", str(source), "--model", str(tmp_path / "model"), "--output", str(out)]
    assert main([*command, "--part-rows", "20", "--quiet"]) == 75
    assert not out.exists()
    # What was answered of the old content is not joined with answers for the new one.
    assert main([*command, "--part-rows", "20", "--quiet"]) == 2
    assert main([*command, "--part-rows", "20", "--quiet", "--overwrite"]) == 0
    assert out.read_text().count("\ntus ") == ROWS


@pytest.mark.parametrize("restored", [False, True])
def test_row_groups_that_change_are_noticed(small, tmp_path, during_scoring, restored):
    source, other, out = tmp_path / "in.parquet", tmp_path / "other.parquet", tmp_path / "out"
    for path, word in ((source, "sut"), (other, "tus")):
        table = pa.table({"title": [f"{word} {number:05d}" for number in range(ROWS)]})
        pq.write_table(table, path, row_group_size=20, compression="none")
    before = source.read_bytes()
    assert len(before) == other.stat().st_size

    def change():
        for content in (other.read_bytes(), *([before] if restored else [])):
            with open(source, "r+b") as file:
                file.write(content)

    during_scoring(out, change)
    with pytest.raises(ScoringError, match="was changed while it was read"):
        score(small, str(source), str(out), scoring=PARTS)
    assert not (out / "_prodcat/summary.json").exists()
    # The parts that were written belong to the content that they name.
    if restored:
        assert score(small, str(source), str(out), scoring=PARTS).skipped > 0
        assert all("sut" in title for title in pq.read_table(out)["title"].to_pylist())
    else:
        with pytest.raises(ScoringError, match="changed after"):
            score(small, str(source), str(out), scoring=PARTS)


def test_an_object_that_is_replaced_is_noticed(small, tmp_path, during_scoring):
    memory, out = fsspec.filesystem("memory"), tmp_path / "out"
    memory.pipe("/changing/in.csv", text("sut").encode())
    during_scoring(out, lambda: memory.pipe("/changing/in.csv", text("tus").encode()))
    with pytest.raises(ScoringError, match="was changed while it was read"):
        score(small, "memory://changing/in.csv", str(out), scoring=PARTS)
    memory.rm("/changing", recursive=True)


@pytest.mark.parametrize("server", ["moto_server", pytest.param("ceph_server", marks=pytest.mark.system)])  # fmt: skip
@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_an_object_in_s3_that_is_replaced_is_noticed(
    small, tmp_path, during_scoring, request, monkeypatch, server, kind
):
    import s3fs

    server = request.getfixturevalue(server)
    options, bucket, out = server.options, server.bucket(), tmp_path / "out"
    monkeypatch.setenv("AWS_ENDPOINT_URL", options["endpoint_url"])
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", options["key"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", options["secret"])
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    s3fs.S3FileSystem.clear_instance_cache()
    place = s3fs.S3FileSystem(**options, skip_instance_cache=True)
    contents = []
    for word in ("sut", "tus"):
        path = tmp_path / f"{word}.{kind}"
        path.write_text(text(word))
        if kind == "parquet":
            table = pa.table({"title": [f"{word} {number:05d}" for number in range(ROWS)]})
            pq.write_table(table, path, row_group_size=20)
        contents.append(path.read_bytes())
    place.pipe_file(f"{bucket}/in.{kind}", contents[0])
    during_scoring(out, lambda: place.pipe_file(f"{bucket}/in.{kind}", contents[1]))
    with pytest.raises(ScoringError, match="was changed while it was read"):
        score(small, f"s3://{bucket}/in.{kind}", str(out), scoring=PARTS)
    assert not (out / "_prodcat/summary.json").exists()


@pytest.mark.parametrize("added", ["b.csv", "deep/b.csv", "b.txt"])
def test_a_file_that_is_added_is_noticed(small, tmp_path, during_scoring, added):
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    (folder / "a.csv").write_text(text("sut"))

    def add():
        (folder / added).parent.mkdir(exist_ok=True)
        (folder / added).write_text("title,sku\ntus,1\n")

    during_scoring(out, add)
    with pytest.raises(prodcat.InputChangedError, match=f"added to .* or removed .*{added}"):
        score(small, str(folder), str(out), scoring=PARTS)
    assert not (out / "_prodcat/summary.json").exists()
    if added != "b.txt":
        with pytest.raises(ScoringError, match="was begun with another input"):
            score(small, str(folder), str(out), scoring=PARTS)
    (folder / added).unlink()
    again = score(small, str(folder), str(out), scoring=PARTS)
    assert again.complete and again.rows == 0, "what was scored is kept"


def test_a_file_that_is_added_while_a_glob_is_streamed_is_noticed(small, tmp_path):
    (tmp_path / "a.csv").write_text(text("sut"))
    pieces = stream(small, f"{tmp_path}/*.csv", scoring=PARTS)
    next(pieces)
    (tmp_path / "b.csv").write_text("title,sku\ntus,1\n")
    with pytest.raises(prodcat.InputChangedError, match="added to .* or removed .*b.csv"):
        list(pieces)


@pytest.mark.parametrize("more", [{}, {"overwrite": True}])
def test_a_run_that_goes_on_after_the_input_changed_is_not_complete(
    small, tmp_path, during_scoring, more
):
    """One file was answered before a kill, and was changed in the same size before the next run."""
    folder, out, larger = tmp_path / "in", tmp_path / "out", ScoringConfig(part_rows=100)
    folder.mkdir()
    for name in ("a.csv", "b.csv"):
        (folder / name).write_text(text("sut"))
    during_scoring(out, lambda: os.truncate(folder / "b.csv", 10))
    with pytest.raises(prodcat.InputChangedError):
        score(small, str(folder), str(out), scoring=larger)
    written = len(list(out.glob("part-00000-*")))
    assert written > 0 and not list(out.glob("part-00001-*"))
    (folder / "a.csv").write_text(text("tus"))
    (folder / "b.csv").write_text(text("sut"))
    if not more:
        with pytest.raises(ScoringError, match="a.csv' changed after part-00000-00000"):
            score(small, str(folder), str(out), scoring=larger)
        assert not (out / "_prodcat/summary.json").exists()
        # With the content that was answered the job goes on.
        (folder / "a.csv").write_text(text("sut"))
    report = score(small, str(folder), str(out), scoring=larger, **more)
    assert report.complete and report.skipped == (0 if more else written)
    titles = [row["title"] for row in rows_of(out)]
    assert len(titles) == 2 * ROWS and ("tus 00000" in titles) is bool(more)


def test_a_stream_ends_with_an_error_if_its_input_changes(small, tmp_path):
    source = tmp_path / "in.csv"
    source.write_text(text("sut"))
    pieces = stream(small, str(source), scoring=PARTS)
    next(pieces)
    rewrite_in_place(source)
    with pytest.raises(ScoringError, match="was changed while it was read"):
        list(pieces)


def test_who_comes_last_compares_the_files_of_all_processes(small, tmp_path):
    """A file that another process answered may have changed since then."""
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.csv").write_text("id,title\n1,milch a\n2,brot b\n")
    (folder / "b.csv").write_text("id,title\n3,kaese c\n4,apfel d\n")
    output, scoring = str(tmp_path / "out"), ScoringConfig(format="csv")
    score(small, str(folder), output, scoring=scoring, shard=(1, 2))
    (folder / "b.csv").write_text("id,title\n3,KAESE C\n4,BIRNE Y\n")
    with pytest.raises(ScoringError, match="b.csv' changed after part-00001-00000"):
        score(small, str(folder), output, scoring=scoring, shard=(0, 2))
    assert not (tmp_path / "out/_prodcat/summary.json").exists()


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_a_byte_that_is_not_utf8_is_an_error_in_any_column(small, tmp_path, kind):
    source, output = tmp_path / f"in.{kind}", tmp_path / "out.jsonl"
    if kind == "csv":
        source.write_bytes("title,x\nMilk,café\n".encode() + b"Tea,caf\xe9\n,caf\xe9\n")
    else:
        source.write_text(
            '{"title": "Milk", "x": "caf\\u00e9"}\n{"title": "Tea", "x": "\\udcff"}\n'
            '{"title": "", "x": "\\udcff"}\n'
        )
    report = score(small, str(source), str(output))
    rows = [json.loads(line) for line in output.read_text().splitlines()]
    assert [row["error"] for row in rows] == [None, "invalid UTF-8", "empty title"]
    assert rows[1]["predicted_path"] and "\ufffd" in rows[1]["x"]
    assert report.errors == 2
