"""Countries' jobs: the whole cycle, the gate's verdicts, and the infrastructure that runs them."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml

import prodcat
from prodcat import ConfigError, Store
from prodcat.cli.command import main
from prodcat.demo.countries import COUNTRIES, write_demo
from prodcat.pipeline.countries import read_countries
from prodcat.pipeline.infrastructure import render, template

ROOT = Path(__file__).parents[2]
system = pytest.mark.system


@pytest.fixture
def home(tmp_path):
    write_demo(tmp_path, 200, "none")
    return tmp_path


def run(capsys, home, *arguments, code=0):
    config = ["--config", str(home / "countries.toml")]
    assert main(["pipeline", "run", *arguments, *config]) == code
    captured = capsys.readouterr()
    return captured.out + captured.err


def edit(home, old, new):
    path = home / "countries.toml"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


def report_of(home, country):
    [path] = sorted((home / "work" / country / "gate").glob("*.json"))[-1:]
    return json.loads(path.read_text())


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


def test_who_does_not_beat_production_is_published_and_not_promoted(home, capsys):
    run(capsys, home, "tr", "--step", "train")
    store = Store(str(home / "store"))
    before = store.aliases("tr")
    edit(home, 'encoder = "none"', 'encoder = "none"\nmargin = 0.9\ntraining = {seed = 5}')
    said = run(capsys, home, "tr", "--step", "train")
    report = report_of(home, "tr")
    assert "published, NOT promoted. It does not beat production by the margin" in said
    assert not report["passed"] and report["production"] == f"tr@{before['production']}"
    assert store.aliases("tr") == before and len(store.list("tr")) == 2
    assert report["difference"]["value"] == pytest.approx(
        report["accuracy"]["candidate"] - report["accuracy"]["production"]
    )
    [text] = (home / "work/tr/gate").glob(f"{report['candidate'].split('@')[1]}.md")
    assert "published, not promoted" in text.read_text()
    edit(home, "margin = 0.9", "margin = -0.5")
    edit(home, "seed = 5", "seed = 6")
    run(capsys, home, "tr", "--step", "train")
    assert report_of(home, "tr")["passed"] and store.aliases("tr") != before
    event = store.history("tr", "production")[-1]
    assert "beats production by the margin" in event.reason
    assert store.show("tr@production").parent == f"tr@{before['production']}"


def test_who_loses_to_n_grams_is_not_promoted(home, encoder_folder, capsys):
    edit(
        home,
        'encoder = "none"',
        f'encoder = "{encoder_folder}"\nmodel = {{lexical = false}}\ntraining = {{epochs = 0}}',
    )
    run(capsys, home, "tr", "--step", "train")
    report = report_of(home, "tr")
    assert not report["passed"]
    assert "It loses to n-grams alone" in report["reasons"][1]
    assert report["accuracy"]["candidate"] < report["accuracy"]["baseline"]
    store = Store(str(home / "store"))
    assert store.aliases("tr") == {} and len(store.list("tr")) == 1
    assert "has no alias 'production'" in run(capsys, home, "tr", "--step", "score", code=2)


def test_versions_of_different_trees_are_compared_by_their_answers(home, capsys):
    labelled = home / "data/tr/labelled.csv"
    lines = labelled.read_text().splitlines(keepends=True)
    labelled.write_text("".join(lines[:80]))
    frozen = home / "data/tr/frozen.csv"
    whole = frozen.read_text().splitlines(keepends=True)
    known = {tuple(line.rstrip().rsplit(",", 4)[1:]) for line in lines[:80]}
    some = [line for line in whole[1:] if tuple(line.rstrip().rsplit(",", 4)[1:]) in known]
    frozen.write_text("".join([whole[0], *some]))
    run(capsys, home, "tr", "--step", "train")
    labelled.write_text("".join(lines))
    frozen.write_text("".join(whole))
    run(capsys, home, "tr", "--step", "train")
    report = report_of(home, "tr")
    assert report["difference"] is None and "The trees differ" in report["notes"][0]
    assert report["accuracy"]["production"] < report["accuracy"]["candidate"] and report["passed"]


def test_a_promise_is_measured_and_kept(home, capsys):
    from prodcat.demo.quick_commerce import generate
    from prodcat.demo.run import write_catalog

    write_catalog(generate(150, "tr", seed=9), home / "more.csv")
    edit(home, 'encoder = "none"', 'encoder = "none"\ncalibration = "more.csv"\nguarantee = 0.97')
    run(capsys, home, "tr", "--run", "x")
    own = Store(str(home / "store")).load("tr@production", device="cpu")
    assert own.guarantee is not None
    depths = {
        len(own or [])
        for own in pq.read_table(home / "work/tr/scores/x")["predicted_ids"].to_pylist()
    }
    assert len(depths) > 1, "some answers are coarser"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("[pipeline]", "[pipelines]", "has 'pipelines', .* Did you mean 'pipeline'"),
        ("store =", "shop =", "has 'shop', which is not known"),
        ('encoder = "none"', "encodr = 1", "Did you mean 'encoder'"),
        ("cron(0 3 ? * SUN *)", "every day", "train_schedule='every day' is none; expected cron"),
        ("Europe/Istanbul", "Turkey/Ankara", "timezone='Turkey/Ankara' is not known"),
        ('encoder = "none"', 'margin = "x"', "margin='x' is no number"),
        ('encoder = "none"', "array = 0", "array=0 is no number of children"),
        ('encoder = "none"', "guarantee = 0.9", "needs titles to be measured on; add calibration"),
        ('encoder = "none"', "training = {epochs = -1}", "country 'tr': epochs=-1"),
        ('encoder = "none"', "training = {epoch = 1}", "country 'tr': .*'epoch'"),
        ('labelled = "data/tr/labelled.csv"', "", "\\[countries.tr\\] lacks labelled"),
        ("[countries.tr]", "[countries.T-R]", "expected a name of 2 to 31"),
        ("[defaults]", "[defaults", "Cannot read"),
    ],
)
def test_mistakes_in_the_file_are_named(home, old, new, message):
    edit(home, old, new)
    with pytest.raises(ConfigError, match=message):
        read_countries(str(home / "countries.toml"))


def test_countries_that_are_not_there_are_named(home, capsys):
    assert "There is no country 'xx'; found tr, en" in run(capsys, home, "xx", code=2)
    assert "--shard shares a scoring alone" in run(capsys, home, "tr", "--shard", "0/2", code=2)
    with pytest.raises(ConfigError, match="Found no file at"):
        read_countries(str(home / "none.toml"))


# -- infrastructure -----------------------------------------------------------


@pytest.fixture
def on_aws(home):
    edit(home, 'store = "store"', 'store = "s3://shop-models/all"')
    edit(home, 'work = "work"', 'work = "s3://shop-jobs"\nimage = "shop/prodcat:7"')
    path = home / "countries.toml"
    path.write_text(path.read_text().replace('"data/', '"s3://shop-data/'))
    edit(home, 'language = "tr"', 'language = "tr"\narray = 4\ninstance = "g5.2xlarge"')
    return read_countries(str(path))


def test_the_template_passes_the_linter(on_aws, tmp_path):
    path = tmp_path / "stack.yaml"
    path.write_text(render(on_aws, "s3://shop-jobs/countries.toml"))
    linter = [str(Path(sys.executable).with_name("cfn-lint")), str(path)]
    done = subprocess.run(linter, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    # The linter would notice.
    broken = path.read_text().replace("Type: GPU", "Type: TPU", 1)
    path.write_text(broken)
    assert subprocess.run(linter, capture_output=True).returncode != 0


def test_jobs_are_tried_again_where_that_helps_and_run_where_it_is_night(on_aws):
    own = template(on_aws, "s3://shop-jobs/countries.toml")["Resources"]
    job = own["TrScoreJob"]["Properties"]
    assert job["RetryStrategy"]["EvaluateOnExit"] == [
        {"Action": "RETRY", "OnStatusReason": "Host EC2*"},
        {"Action": "RETRY", "OnExitCode": "75"},
        {"Action": "EXIT", "OnReason": "*"},
    ]
    needs = {
        own["Type"]: own["Value"] for own in job["ContainerProperties"]["ResourceRequirements"]
    }
    assert needs == {"GPU": "1", "VCPU": "8", "MEMORY": "29000"}
    schedule = own["TrScoreSchedule"]["Properties"]
    assert schedule["ScheduleExpressionTimezone"] == "Europe/Istanbul"
    submit = json.loads(schedule["Target"]["Input"]["Fn::Sub"])
    assert submit["ArrayProperties"] == {"Size": 4}
    command = submit["ContainerOverrides"]["Command"]
    assert command[:5] == ["pipeline", "run", "tr", "--step", "score"]
    assert command[-2:] == ["--run", "<aws.scheduler.scheduled-time>"]
    assert own["Compute"]["Properties"]["ComputeResources"]["Type"] == "SPOT"
    kinds = [value["Type"] for value in own.values()]
    assert kinds.count("AWS::Scheduler::Schedule") == 14 and kinds.count("AWS::S3::Bucket") == 2


def test_a_job_may_touch_its_own_country_alone(on_aws):
    own = template(on_aws, "s3://shop-jobs/countries.toml")["Resources"]

    def rights(role):
        [policy] = own[role]["Properties"]["Policies"]
        return {
            str(statement["Action"]): [
                arn["Fn::Sub"].split(":::")[1] for arn in statement["Resource"]
            ]
            for statement in policy["PolicyDocument"]["Statement"]
        }

    train, scores = rights("NlTrainRole"), rights("NlScoreRole")
    writes = "['s3:PutObject', 's3:DeleteObject', 's3:AbortMultipartUpload']"
    assert scores[writes] == ["shop-jobs/nl/*"]
    assert train[writes] == ["shop-jobs/nl/*", "shop-models/all/nl/*", "shop-models/all/store.json"]
    assert "shop-data/nl/labelled.csv" in train["s3:GetObject"]
    assert not any("/tr/" in place for place in train["s3:GetObject"] + scores["s3:GetObject"])
    wild = [
        place for place in train[writes] + scores[writes] if not re.search("/nl|store.json", place)
    ]
    assert not wild
    text = yaml.safe_dump(own)
    assert "Action: '*'" not in text and "Resource: '*'" not in text


def test_what_cannot_run_on_aws_is_named(home, on_aws, capsys):
    with pytest.raises(ConfigError, match="'/x/countries.toml' is not on S3"):
        render(on_aws, "/x/countries.toml")
    edit(home, 'instance = "g5.2xlarge"', 'instance = "t2.nano"')
    command = ["pipeline", "render", "--config", str(home / "countries.toml")]
    assert main(command) == 2
    assert "instance='t2.nano' is not known; expected one of g4dn" in capsys.readouterr().err
    edit(home, 'instance = "t2.nano"', "")
    assert main([*command, "--output", str(home / "stack.yaml")]) == 0
    assert "s3://shop-jobs/countries.toml" in (home / "stack.yaml").read_text()


# -- as Batch runs it ---------------------------------------------------------


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
