"""A job is complete if the parts of the input lie there, whatever the records say."""

import json
import os
import shutil
import stat
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from scoring_outputs import files_of, rows_of

import prodcat
from prodcat import ScoringConfig, ScoringError, StoreError
from prodcat.scoring.jobs import score


def parts_in(form):
    return ScoringConfig(part_rows=40, format=form)


@pytest.fixture(params=["parquet", "jsonl", "csv", "tsv"])
def form(request):
    return request.param


@pytest.fixture
def finished(small, table, tmp_path, form):
    """An output of five parts, and what lies in it."""
    score(small, str(table), str(tmp_path / "out"), scoring=parts_in(form))
    return tmp_path / "out", files_of(tmp_path / "out")


def altered(path):
    """One bit of a file is changed, but not its size."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def forged(path, **values):
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def test_bytes_that_were_altered_are_scored_again(small, table, finished, form):
    out, before = finished
    altered(out / f"part-00000-00001.{form}")
    report = score(small, str(table), str(out), scoring=parts_in(form))
    assert report.complete and report.parts == 1 and files_of(out) == before


def test_a_forged_number_is_not_believed(small, table, finished, form):
    out, before = finished
    forged(out / "_prodcat/part-00000-00001.json", rows=4_000)
    forged(out / "_prodcat/part-00000-00002.json", errors=1)
    report = score(small, str(table), str(out), scoring=parts_in(form))
    assert report.complete and report.summary["rows"] == 180 and files_of(out) == before


@pytest.mark.parametrize("form", ["parquet"], indirect=True)
@pytest.mark.parametrize(
    "values",
    [
        {"last": True}, {"rows": "a"}, {"rows": -1}, {"rows": True}, {"errors": None},
        {"errors": 10**400}, {"sha256": 5}, {"part": "../x"}, {"part": "part-00000-00002"},
        {"more": 1}, {"bytes": [1]}, {"rows": 40.0},
    ],
)  # fmt: skip
def test_an_entry_that_is_none_is_no_traceback(small, table, finished, form, values):
    out, before = finished
    forged(out / "_prodcat/part-00000-00001.json", **values)
    report = score(small, str(table), str(out), scoring=parts_in(form))
    assert report.complete and report.summary["rows"] == 180 and files_of(out) == before


def test_an_early_end_is_not_believed(small, table, finished, form):
    out, before = finished
    for number, end in ((3, ""), (4, ".end")):
        (out / f"_prodcat/part-00000-0000{number}{end}.json").unlink()
        (out / f"part-00000-0000{number}.{form}").unlink()
    entry = out / "_prodcat/part-00000-00002.json"
    forged(entry, last=True)
    entry.rename(out / "_prodcat/part-00000-00002.end.json")
    report = score(small, str(table), str(out), scoring=parts_in(form))
    assert report.complete and report.summary["rows"] == 180 and files_of(out) == before


def test_rows_that_were_taken_out_are_noticed(small, table, tmp_path):
    """The entry of a part that another share wrote states more rows than its file has."""
    out, scoring = tmp_path / "out", parts_in("parquet")
    score(small, str(table), str(out), scoring=scoring, shard=(0, 2))
    path, entry = out / "part-00000-00002.parquet", out / "_prodcat/part-00000-00002.json"
    pq.write_table(pq.read_table(path).slice(0, 39), path)
    import hashlib

    content = path.read_bytes()
    forged(entry, bytes=len(content), sha256=hashlib.sha256(content).hexdigest())
    report = score(small, str(table), str(out), scoring=scoring, shard=(1, 2))
    assert not report.complete and not (out / "_prodcat/summary.json").exists()
    assert score(small, str(table), str(out), scoring=scoring, shard=(0, 2)).complete
    assert len(rows_of(out)) == 180


def test_parts_of_nobody_are_neither_counted_nor_removed(small, table, finished, form):
    out, _ = finished
    other = out / f"part-00000-00005.{form}"
    shutil.copy(out / f"part-00000-00000.{form}", other)
    with pytest.raises(ScoringError, match=f"part-00000-00005.{form}' is no part of this job"):
        score(small, str(table), str(out), scoring=parts_in(form))
    assert other.exists()
    other.unlink()
    assert score(small, str(table), str(out), scoring=parts_in(form)).summary["rows"] == 180


@pytest.mark.parametrize("form", ["parquet"], indirect=True)
def test_parts_of_nobody_in_subfolders_are_noticed(small, table, finished, form):
    out, _ = finished
    other = out / f"country=tr/more/part-00000-00000.{form}"
    other.parent.mkdir(parents=True)
    shutil.copy(out / f"part-00000-00000.{form}", other)
    with pytest.raises(ScoringError, match="more/part-00000-00000.parquet' is no part of this job"):
        score(small, str(table), str(out), scoring=parts_in(form))
    assert other.exists()
    # Programs that read the folder do not read these.
    for name in ("_temporary", ".hidden"):
        shutil.copytree(other.parent, out / name)
    other.unlink()
    assert score(small, str(table), str(out), scoring=parts_in(form)).summary["rows"] == 180


def test_parts_of_nobody_are_not_joined(small, table, tmp_path):
    parts = tmp_path / ".a.csv.parts"
    parts.mkdir(mode=0o700)
    for number in (1, 99):
        (parts / f"part-00000-{number:05d}.csv").write_text("late\n")
    report = score(small, str(table), str(tmp_path / "a.csv"), scoring=parts_in("csv"))
    assert report.complete and (tmp_path / "a.csv").read_text().count("\n") == 181
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.csv", "in"]


def test_a_summary_does_not_outlive_what_it_states(small, table, tmp_path):
    out, scoring = tmp_path / "out", parts_in("csv")
    score(small, str(table), str(out), scoring=scoring)
    for number in range(4):
        (out / f"part-00000-0000{number}.csv").unlink()
    report = score(small, str(table), str(out), scoring=scoring, shard=(0, 4))
    assert not report.complete and not (out / "_prodcat/summary.json").exists()


def test_a_job_names_the_version_of_prodcat_and_another_one_does_not_go_on(small, table, tmp_path):
    out, scoring = tmp_path / "out", parts_in("parquet")
    score(small, str(table), str(out), scoring=scoring, shard=(0, 2))
    job = json.loads((out / "_prodcat/job.json").read_text())
    assert job["prodcat"] == prodcat.__version__ and job["model"] == small.content_hash
    forged(out / "_prodcat/job.json", prodcat="0.0.1")
    with pytest.raises(ScoringError, match=r"another prodcat \(prodcat: 0.0.1 then, .* now\)"):
        score(small, str(table), str(out), scoring=scoring)
    assert score(small, str(table), str(out), scoring=scoring, overwrite=True).rows == 180


@pytest.mark.parametrize("damage", ["{", "[1]", '"x"', "null"])
def test_a_damaged_job_is_refused_or_begun_anew(small, table, tmp_path, damage):
    out, scoring = tmp_path / "out", parts_in("parquet")
    score(small, str(table), str(out), scoring=scoring)
    (out / "_prodcat/job.json").write_text(damage)
    with pytest.raises(ScoringError, match="was begun with another"):
        score(small, str(table), str(out), scoring=scoring)
    assert score(small, str(table), str(out), scoring=scoring, overwrite=True).complete


def test_unfinished_files_are_private_and_finished_ones_as_the_umask_says(
    small, table, tmp_path, monkeypatch
):
    seen, replace = [], Path.replace

    def look(self, target):
        if "parts" in str(self):
            seen.append(self)
            assert stat.S_IMODE(self.parent.stat().st_mode) == 0o700
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", look)
    before = os.umask(0o027)
    try:
        for _ in range(2):
            score(small, str(table), str(tmp_path / "a.csv"), scoring=parts_in("csv"))
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a.csv").stat().st_mode) == 0o640
    assert len(set(seen)) == len(seen) > 10, "no name is used twice"


def test_a_planted_folder_of_parts_is_refused(small, table, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / ".a.csv.parts").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StoreError, match="is a link, or another user made it"):
        score(small, str(table), str(tmp_path / "a.csv"))
    (tmp_path / "out").mkdir()
    (tmp_path / "out/_prodcat").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StoreError, match="is a symbolic link; expected a folder"):
        score(small, str(table), str(tmp_path / "out"))
    assert not list((tmp_path / "elsewhere").iterdir())


@pytest.mark.skipif(os.geteuid() != 0, reason="not root: files of other users cannot be made")
def test_what_another_user_made_is_not_trusted(small, table, tmp_path):
    (tmp_path / ".a.csv.parts").mkdir()
    os.chown(tmp_path / ".a.csv.parts", 12_345, 12_345)
    with pytest.raises(StoreError, match="another user made it"):
        score(small, str(table), str(tmp_path / "a.csv"))
    (tmp_path / "b.csv").symlink_to(tmp_path / "precious")
    os.lchown(tmp_path / "b.csv", 12_345, 12_345)
    with pytest.raises(StoreError, match="is a link that another user made"):
        score(small, str(table), str(tmp_path / "b.csv"))
    assert not (tmp_path / "precious").exists()


def test_an_output_that_is_an_input_by_another_name_is_refused(small, tmp_path):
    (tmp_path / "in.csv").write_text("title\nsut\n")
    os.link(tmp_path / "in.csv", tmp_path / "hard.csv")
    (tmp_path / "soft.csv").symlink_to(tmp_path / "in.csv")
    for name in ("hard.csv", "soft.csv"):
        with pytest.raises(prodcat.CatalogError, match="is an input file too"):
            score(small, str(tmp_path / "in.csv"), str(tmp_path / name))


def test_a_disk_that_fills_up_while_parts_are_joined_leaves_the_old_file(
    small, table, tmp_path, monkeypatch
):
    out = tmp_path / "a.csv"
    out.write_text("old")
    whole = os.fsync

    def full(number):
        if Path(f"/proc/self/fd/{number}").readlink().name.endswith("-a.csv"):
            raise OSError(28, "No space left on device")
        whole(number)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreError, match="The disk is full"):
        score(small, str(table), str(out), scoring=parts_in("csv"))
    monkeypatch.undo()
    assert out.read_text() == "old"
    assert score(small, str(table), str(out), scoring=parts_in("csv")).skipped == 5
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.csv", "in"]


def test_a_part_that_vanishes_is_no_raw_error(small, table, tmp_path, monkeypatch):
    out, replace = tmp_path / "out", Path.replace

    def vanish(self, target):
        shutil.rmtree(out)
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", vanish)
    with pytest.raises(ScoringError, match="its files were removed"):
        score(small, str(table), str(out), scoring=parts_in("parquet"))


def test_empty_inputs_are_complete(small, tmp_path):
    pq.write_table(pa.table({"title": pa.array([], pa.string())}), tmp_path / "in.parquet")
    report = score(small, str(tmp_path / "in.parquet"), str(tmp_path / "out"))
    assert report.complete and report.summary["rows"] == 0
    assert score(small, str(tmp_path / "in.parquet"), str(tmp_path / "out")).skipped == 1
