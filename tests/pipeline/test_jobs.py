"""Countries' jobs: the whole cycle."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from country_jobs import edit, report_of, run

import prodcat
from prodcat import ConfigError, Store
from prodcat.demo.countries import COUNTRIES
from prodcat.pipeline.countries import read_countries

ROOT = Path(__file__).parents[2]


system = pytest.mark.system


def test_seven_countries_in_one_command(home, capsys):
    said = run(capsys, home, "all", "--run", "first")
    store = Store(str(home / "store"))
    assert len(COUNTRIES) == 7
    for country in COUNTRIES:
        [version] = store.list(country)
        assert version.aliases == ("production",) and f"{version.reference}: promoted" in said
        report = report_of(home, country)
        assert report["passed"] and report["production"] is None and report["rows"] > 20
        assert report["reasons"] == ["There is no version in production yet."]
        scores = home / "work" / country / "scores/first"
        table = pq.read_table(scores)
        assert len(table) == 200 and set(table["model"].to_pylist()) == {version.reference}
        assert json.loads((scores / "_prodcat/summary.json").read_text())["rows"] == 200
        assert not (home / "work" / country / "checkpoints").exists() or not list(
            (home / "work" / country / "checkpoints").glob("*/*")
        )
    said = run(capsys, home, "tr,nl", "--run", "first")
    assert said.count("nothing has changed since production was trained") == 2
    assert said.count("2 parts were there already") == 2
    assert len(store.list()) == 7
    frozen = set(prodcat.read_catalog(str(home / "data/tr/frozen.csv"), path=None).titles)
    labelled = set(prodcat.read_catalog(str(home / "data/tr/labelled.csv"), path=None).titles)
    assert frozen and not frozen & labelled


def test_a_run_keeps_the_version_that_it_began_with(home, capsys):
    run(capsys, home, "tr", "--step", "train")
    store = Store(str(home / "store"))
    first = store.list("tr")[0].reference
    run(capsys, home, "tr", "--step", "score", "--run", "x", "--shard", "0/2")
    path = home / "data/tr/labelled.csv"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[:-5]))
    edit(home, "[countries.tr]\n", "[countries.tr]\nmargin = -1.0\n")
    run(capsys, home, "tr", "--step", "train")
    [second] = [own.reference for own in store.list("tr") if "production" in own.aliases]
    assert second != first
    said = run(capsys, home, "tr", "--step", "score", "--run", "x", "--shard", "1/2")
    assert "is complete" in said
    table = pq.read_table(home / "work/tr/scores/x")
    assert len(table) == 200 and set(table["model"].to_pylist()) == {first}
    run(capsys, home, "tr", "--step", "score", "--run", "y")
    assert set(pq.read_table(home / "work/tr/scores/y")["model"].to_pylist()) == {second}


def test_a_country_that_fails_keeps_no_other_waiting(home, capsys):
    (home / "data/de/labelled.csv").unlink()
    said = run(capsys, home, "de,tr", "--step", "train", code=2)
    assert "de: FAILED" in said and "tr@" in said and "promoted" in said
    assert "1 of 2 countries failed: de" in said


def test_answers_have_the_countrys_names(home, capsys):
    labelled = str(home / "data/tr/labelled.csv")
    levels = ["department", "category", "subcategory", "type"]
    tree = prodcat.read_catalog(labelled, path=levels).tree
    named = tree.with_names("tr", {own: f"tr:{own}" for own in tree.ids})
    (home / "data/tr/tree.json").write_text(named.to_json())
    edit(home, "[countries.tr]\n", '[countries.tr]\ntaxonomy = "data/tr/tree.json"\n')
    run(capsys, home, "tr,nl", "--run", "first")
    names = pq.read_table(home / "work/tr/scores/first")["predicted_names"].to_pylist()
    assert len(names) == 200 and all(own[0].startswith("tr:") for own in names)
    others = pq.read_table(home / "work/nl/scores/first")["predicted_names"].to_pylist()
    assert not any(own[0].startswith("tr:") for own in others)


def test_a_promise_is_measured_and_kept(home, capsys):
    from prodcat.demo.csv_catalog import write_catalog
    from prodcat.demo.quick_commerce import generate

    write_catalog(generate(150, "tr", seed=9), home / "more.csv")
    edit(home, 'encoder = "none"', 'encoder = "none"\ncalibration = "more.csv"\nguarantee = 0.97')
    run(capsys, home, "tr", "--run", "x")
    own = Store(str(home / "store")).load("tr@production", device="cpu")
    assert not own.training.learn_validation, "the gate asks for titles that nobody learned"
    assert own.guarantee is not None
    depths = {
        len(own or [])
        for own in pq.read_table(home / "work/tr/scores/x")["predicted_ids"].to_pylist()
    }
    assert len(depths) > 1, "some answers are coarser"


def test_countries_that_are_not_there_are_named(home, capsys):
    assert "There is no country 'xx'; found tr, en" in run(capsys, home, "xx", code=2)
    assert "--shard is for scoring jobs" in run(capsys, home, "tr", "--shard", "0/2", code=2)
    with pytest.raises(ConfigError, match="There is no file"):
        read_countries(str(home / "none.toml"))


@system
def test_a_countrys_jobs_on_a_real_s3(ceph_server, home):
    import s3fs

    bucket, options = ceph_server.bucket(), ceph_server.options
    edit(home, 'store = "store"', f'store = "s3://{bucket}/models"')
    edit(home, 'work = "work"', f'work = "s3://{bucket}/work"')
    path = home / "countries.toml"
    path.write_text(path.read_text().replace('"data/', f'"s3://{bucket}/data/'))
    place = s3fs.S3FileSystem(**options, skip_instance_cache=True)
    place.put(str(home / "data/de"), f"{bucket}/data/de", recursive=True)
    place.put(str(path), f"{bucket}/work/countries.toml")
    environment = {
        **os.environ,
        "AWS_ENDPOINT_URL": options["endpoint_url"],
        "AWS_ACCESS_KEY_ID": options["key"],
        "AWS_SECRET_ACCESS_KEY": options["secret"],
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_REQUEST_CHECKSUM_CALCULATION": "when_required",
        "PRODCAT_CACHE": str(home / "cache"),
        "AWS_BATCH_JOB_ID": "ab12",
        "AWS_BATCH_JOB_ATTEMPT": "1",
    }

    def job(step, **more):
        command = [
            sys.executable, "-m", "prodcat.aws.batch", "pipeline", "run", "de", "--step", step,
            "--config", f"s3://{bucket}/work/countries.toml",
            "--summary", f"s3://{bucket}/work/de/summary-{step}.json",
        ]  # fmt: skip
        more_arguments = ["--run", "2026-11-25T03:00:00Z"] if step == "score" else []
        done = subprocess.run(
            [*command, *more_arguments],
            env={**environment, **more},
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=240,
        )
        assert done.returncode == 0, done.stderr

    job("train")
    for index in range(2):
        job("score", AWS_BATCH_JOB_ARRAY_INDEX=str(index), AWS_BATCH_JOB_ARRAY_SIZE="2")
    trained = json.loads(place.cat_file(f"{bucket}/work/de/summary-train.json"))
    assert trained["countries"]["de"]["train"]["passed"]
    last = json.loads(place.cat_file(f"{bucket}/work/de/summary-score-00001.json"))
    assert last["countries"]["de"]["score"]["summary"]["rows"] == 200
    found = place.find(f"{bucket}/work/de/scores/2026-11-25T03:00:00Z")
    assert sum(name.endswith(".parquet") for name in found) == 2
