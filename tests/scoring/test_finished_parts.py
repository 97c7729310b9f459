"""Every part once: what is finished is not done again, and answers of two are not mixed."""

import os
import shutil
from dataclasses import replace

import pytest
from scoring_outputs import files_of, rows_of

import prodcat
from prodcat import CatalogError, ScoringConfig, ScoringError
from prodcat.scoring.inputs import identity_of
from prodcat.scoring.jobs import score

SMALL_PARTS = ScoringConfig(part_rows=40)


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
    with pytest.raises(ScoringError, match="changed after"):
        score(small, str(text), str(tmp_path / "text"), scoring=SMALL_PARTS)
    anew = score(small, str(text), str(tmp_path / "text"), scoring=SMALL_PARTS, overwrite=True)
    assert anew.rows == 60 and anew.complete


def test_an_input_that_changes_between_processes_is_never_complete(small, tmp_path):
    out, text = str(tmp_path / "out"), tmp_path / "in.csv"
    text.write_text("title\n" + "sut 1 l\n" * 80)
    score(small, str(text), out, scoring=SMALL_PARTS, shard=(0, 2))
    text.write_text("title\n" + "l 1 tus\n" * 80)  # of the same size: the job is the same
    with pytest.raises(ScoringError, match="belong to the old content"):
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
        change, "changed after" if change == "content" else change
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


def test_a_file_is_known_by_its_content(tmp_path):
    (tmp_path / "a").write_bytes(b"x")
    (tmp_path / "b").write_bytes(b"x")
    assert identity_of(str(tmp_path / "a")) == identity_of(str(tmp_path / "b"))
    with pytest.raises(prodcat.StoreError, match="Cannot read"):
        identity_of(str(tmp_path / "none"))
