"""A scoring that is killed or told to stop goes on to the same bytes."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from scoring_outputs import files_of

from prodcat import ScoringConfig
from prodcat.scoring.jobs import score

ROOT = Path(__file__).parents[2]

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
    assert "Stopped by SIGTERM after" in said and "Run the same command again to continue" in said
    done = list(out.glob("_prodcat/part-*"))
    assert 0 < len(done) < 40 and not list(out.glob("_prodcat/*lease*"))
    process = start(folder, out)
    assert f"{len(done)} parts were there already" in process.communicate(timeout=60)[0]
    assert files_of(out) == clean
