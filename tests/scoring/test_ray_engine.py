"""The same answers from a Ray cluster of this machine."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import servers
from scoring_outputs import files_of

import prodcat
from prodcat import ConfigError

ROOT = Path(__file__).parents[2]


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


def test_a_missing_ray_is_named(monkeypatch, job):
    from prodcat.scoring.ray_engine import score_on_ray

    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ConfigError, match="pip install 'prodcat\\[ray\\]'"):
        score_on_ray("x", str(job / "titles.parquet"), str(job / "out"))
    assert prodcat


def test_arguments_that_an_actor_does_not_have_are_named(job):
    from prodcat.scoring.ray_engine import score_on_ray

    with pytest.raises(TypeError, match="argument 'key'; expected some of"):
        score_on_ray("x", str(job / "titles.parquet"), str(job / "out"), key="a")
