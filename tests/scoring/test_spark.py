"""The same answers from Spark."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

import prodcat
from prodcat import CatalogError
from prodcat.scoring.spark import map_in_pandas, output_schema

ROOT = Path(__file__).parents[2]


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
        list(map_in_pandas(str(job / "model"), device="cpu")(iter([frame.assign(confidence=1.0)])))
    with pytest.raises(CatalogError, match="no column 'title'"):
        list(map_in_pandas(str(job / "model"), device="cpu")(iter([frame.drop(columns="title")])))


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
