"""The same answers from a Ray cluster of this machine and from Spark."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import servers

import prodcat
from prodcat import CatalogError, ConfigError, ScoringConfig
from prodcat.scoring.jobs import score
from prodcat.scoring.spark import answer_frame, map_in_pandas, output_schema

ROOT = Path(__file__).parents[2]
PARTS = ScoringConfig(part_rows=50)


@pytest.fixture
def job(small, rows, tmp_path):
    small.save(str(tmp_path / "model"))
    titles = [f"{row.title} {number}" for number in range(3) for row in rows[:500]]
    table = pa.table({"sku": list(range(len(titles))), "title": titles})
    pq.write_table(table, tmp_path / "titles.parquet", row_group_size=50)
    score(small, str(tmp_path / "titles.parquet"), str(tmp_path / "clean"), scoring=PARTS)
    return tmp_path


def files_of(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in Path(folder).rglob("*")
        if path.is_file()
    }


def on_ray(job, out, *more):
    return subprocess.Popen(
        [
            sys.executable, "-m", "prodcat", "predict", str(job / "titles.parquet"),
            "--model", str(job / "model"), "--output", str(out), "--part-rows", "50",
            "--engine", "ray", "--actors", "2", *more,
        ],
        env={**os.environ, "RAY_USAGE_STATS_ENABLED": "0", "RAY_TMPDIR": "/tmp"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        start_new_session=True,
    )  # fmt: skip


def test_a_ray_cluster_writes_the_same_bytes_also_after_a_kill(job):
    out = job / "out"
    process = on_ray(job, out)
    began = time.monotonic()
    while len(list(out.glob("_prodcat/part-*"))) < 3:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() - began < 120
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    servers.wait_for_session(process.pid)
    done = len(list(out.glob("_prodcat/part-*")))
    process = on_ray(job, out)
    said = process.communicate(timeout=180)[1]
    assert process.returncode == 0, said
    assert "is complete" in said
    assert done >= 3 and files_of(out) == files_of(job / "clean")


def test_what_an_actor_says_is_said_as_anywhere(job):
    process = on_ray(job, job / "out", "--title", "name")
    said = process.communicate(timeout=120)[1]
    assert process.returncode == 2 and "has no column 'name'; found ['sku', 'title']" in said


def test_ray_needs_a_folder_and_no_shard(job, capsys):
    from prodcat.cli.command import main

    command = ["predict", str(job / "titles.parquet"), "--model", "x", "--engine", "ray"]
    assert main([*command, "--output", str(job / "a.csv")]) == 2
    assert "is one file; expected a folder" in capsys.readouterr().err
    assert main([*command, "--output", str(job / "a"), "--shard", "0/2"]) == 2
    assert "two ways to share" in capsys.readouterr().err


def test_frames_are_answered_as_spark_hands_them_over(small, job, rows):
    titles = [row.title for row in rows[:20]] + [None]
    frame = pd.DataFrame({"sku": range(21), "title": titles}, index=range(100, 121))
    frames = [frame.iloc[:10], frame.iloc[10:], frame.iloc[:0]]
    answered = list(map_in_pandas(str(job / "model"), device="cpu")(iter(frames)))
    assert [len(own) for own in answered] == [10, 11, 0]
    found = pd.concat(answered[:2])
    assert found.index.tolist() == list(range(100, 121))
    wanted = [" > ".join(best.path) for [best] in small.predict(titles[:20])]
    assert found["predicted_path"].tolist()[:20] == wanted
    assert found["error"].tolist()[-1] == "empty title"
    three = output_schema("title string", prodcat.ScoringConfig(top_k=3))
    assert "confidence_3 double" in three and "predicted_ids array<string>" in three
    names = [own.split()[0] for own in output_schema("sku long, title string").split(", ")]
    assert list(found.columns) == names
    with pytest.raises(CatalogError, match="'confidence' already"):
        answer_frame(small, frame.assign(confidence=1.0), ScoringConfig())
    with pytest.raises(CatalogError, match="no column 'title'"):
        answer_frame(small, frame.drop(columns="title"), ScoringConfig())


@pytest.mark.system
def test_a_spark_job(job):
    if shutil.which("java") is None:
        pytest.skip("not installed: java (Debian: openjdk-17-jre-headless)")
    script = ROOT / "examples" / "spark_job.py"
    done = subprocess.run(
        [sys.executable, script, job / "model", job / "titles.parquet", job / "answers"],
        env={
            **os.environ,
            "PYSPARK_PYTHON": sys.executable,
            "PYTHONPATH": str(ROOT),
            "SPARK_LOCAL_IP": "127.0.0.1",
        },
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr[-3_000:]
    found = pq.read_table(job / "answers").sort_by("sku")
    clean = pq.read_table(job / "clean").sort_by("sku")
    assert found["predicted_path"].to_pylist() == clean["predicted_path"].to_pylist()
    wanted = clean["confidence"].to_numpy()
    assert np.allclose(found["confidence"].to_numpy(), wanted, atol=1e-5)


def test_a_missing_ray_is_named(monkeypatch, job):
    from prodcat.scoring.ray_engine import score_on_ray

    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ConfigError, match="pip install 'prodcat\\[ray\\]'"):
        score_on_ray("x", str(job / "titles.parquet"), str(job / "out"))
    assert prodcat
