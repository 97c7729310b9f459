"""The Batch contract, run for real: subprocesses with the variables that Batch sets."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import servers

import prodcat
from prodcat.demo.csv_catalog import write_catalog

ROOT = Path(__file__).parents[2]
JOB = {"AWS_BATCH_JOB_ID": "0f1e2d3c", "AWS_BATCH_JOB_ATTEMPT": "1"}


@pytest.fixture
def environment(tmp_path):
    return {**os.environ, **JOB, "PRODCAT_CACHE": str(tmp_path / "cache"), "OMP_NUM_THREADS": "1"}


def start(environment, *arguments, **more):
    return subprocess.Popen(
        [sys.executable, "-m", "prodcat.aws.batch", *map(str, arguments)],
        env={**environment, **more},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )


def run(environment, *arguments, code=0, **more):
    process = start(environment, *arguments, **more)
    out, logs = process.communicate(timeout=240)
    assert process.returncode == code, logs
    assert out == ""
    return [json.loads(line) for line in logs.splitlines()]


@pytest.fixture
def scoring(small, rows, tmp_path):
    small.save(str(tmp_path / "model"))
    titles = [row.title for row in rows[:210]]
    pq.write_table(pa.table({"title": titles}), tmp_path / "in.parquet", row_group_size=10)
    return [
        "predict", tmp_path / "in.parquet", "--model", tmp_path / "model", "--part-rows", 10,
    ]  # fmt: skip


def test_array_children_take_their_shares(scoring, environment, tmp_path):
    command = [*scoring, "--output", tmp_path / "out", "--summary", tmp_path / "summary.json"]
    for index in (2, 0, 1):
        logs = run(
            environment,
            *command,
            AWS_BATCH_JOB_ARRAY_INDEX=str(index),
            AWS_BATCH_JOB_ARRAY_SIZE="3",
        )
        assert all(
            line["job"] == "0f1e2d3c" and line["index"] == str(index) and line["attempt"] == "1"
            for line in logs
        )
        assert any("70 titles answered" in line["message"] for line in logs)
    summaries = [
        json.loads((tmp_path / f"summary-{index:05d}.json").read_text()) for index in range(3)
    ]
    assert [own["rows"] for own in summaries] == [70] * 3
    assert [own["complete"] for own in summaries] == [False, True, False]
    assert summaries[1]["summary"]["rows"] == 210 and summaries[1]["exit_code"] == 0
    assert len(pq.read_table(tmp_path / "out")) == 210


def test_mistakes_and_faults_have_codes_of_their_own(scoring, environment, tmp_path):
    command = [*scoring, "--output", tmp_path / "out"]
    logs = run(environment, *command, "--title", "name", code=2)
    assert any("no column 'name'" in line["message"] for line in logs)
    logs = run(environment, "predict", "--nonsense", code=2)
    assert any("no option --nonsense" in line["message"] for line in logs)
    logs = run(environment, *command, "--summary", code=2)
    assert any("--summary is empty" in line["message"] for line in logs)
    run(environment, *command, f"--summary={tmp_path / 'equals.json'}")
    assert json.loads((tmp_path / "equals.json").read_text())["exit_code"] == 0
    nowhere = {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{servers.free_port()}"}
    keys = {
        "AWS_ACCESS_KEY_ID": "k",
        "AWS_SECRET_ACCESS_KEY": "s",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    at = scoring.index("--model") + 1
    gone = [*scoring[:at], "s3://models/tr/x", *scoring[at + 1 :], "--output", tmp_path / "out"]
    logs = run(environment, *gone, "--summary", tmp_path / "s.json", code=75, **nowhere, **keys)
    assert json.loads((tmp_path / "s.json").read_text())["exit_code"] == 75


def test_told_to_stop_a_scoring_ends_in_time_and_goes_on(small, rows, environment, tmp_path):
    small.save(str(tmp_path / "model"))
    titles = [f"{row.title} {number}" for number in range(60) for row in rows]
    pq.write_table(pa.table({"title": titles}), tmp_path / "in.parquet", row_group_size=500)
    command = [
        "predict", tmp_path / "in.parquet", "--model", tmp_path / "model", "--part-rows", 500,
        "--output", tmp_path / "out", "--summary", tmp_path / "summary.json",
    ]  # fmt: skip
    process = start(environment, *command)
    while not list(tmp_path.glob("out/_prodcat/part-*")):
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    began = time.monotonic()
    logs = process.communicate(timeout=60)[1]
    assert process.returncode == 75 and time.monotonic() - began < 30, logs
    assert json.loads((tmp_path / "summary.json").read_text())["exit_code"] == 75
    logs = run({**environment, "AWS_BATCH_JOB_ATTEMPT": "2"}, *command)
    assert any("were there already" in line["message"] for line in logs)
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["attempt"] == "2" and summary["summary"]["rows"] == len(titles)


@pytest.fixture
def training(rows, encoder_folder, tmp_path):
    path = write_catalog(rows, tmp_path / "catalog.csv")
    return [
        "train", path, "--path", "department", "category", "subcategory", "type",
        "--encoder", encoder_folder, "--epochs", 3, "--quiet", "--device", "cpu",
        "--precision", "float32", "--belief-width", 8,
    ]  # fmt: skip


def node(index, port):
    own = {
        "AWS_BATCH_JOB_ID": f"0f1e2d3c#{index}",
        "AWS_BATCH_JOB_NUM_NODES": "2",
        "AWS_BATCH_JOB_NODE_INDEX": str(index),
        "AWS_BATCH_JOB_MAIN_NODE_INDEX": "0",
        "PRODCAT_PORT": str(port),
    }
    if index:
        own["AWS_BATCH_JOB_MAIN_NODE_PRIVATE_IPV4_ADDRESS"] = "127.0.0.1"
    return own


def test_nodes_train_together(training, environment, tmp_path):
    port = servers.free_port()
    command = [*training, "--output", tmp_path / "model", "--summary", tmp_path / "summary.json"]
    nodes = [start(environment, *command, **node(index, port)) for index in range(2)]
    logs = [process.communicate(timeout=240)[1] for process in nodes]
    assert [process.returncode for process in nodes] == [0, 0], logs
    summary = json.loads((tmp_path / "summary.json").read_text())
    own = prodcat.load(str(tmp_path / "model"), device="cpu")
    assert summary["path_accuracy"] == own.validation.path_accuracy > 0.3
    assert summary["fingerprint"] == own.fingerprint


def test_nodes_that_are_told_to_stop_go_on_in_the_next_attempt(training, environment, tmp_path):
    command = [
        *training,
        "--epochs",
        12,
        "--patience",
        50,
        "--checkpoint-steps",
        1,
        "--frozen-layers",
        0,
    ]
    whole = [*command, "--output", tmp_path / "whole"]
    cut = [*command, "--output", tmp_path / "cut", "--checkpoints", tmp_path / "checkpoints"]
    port = servers.free_port()
    nodes = [start(environment, *whole, **node(index, port)) for index in range(2)]
    assert [process.communicate(timeout=240) and process.returncode for process in nodes] == [0, 0]
    port = servers.free_port()
    nodes = [start(environment, *cut, **node(index, port)) for index in range(2)]
    while not list(tmp_path.glob("checkpoints/*/step-*")):
        assert nodes[0].poll() is None, nodes[0].communicate()
        time.sleep(0.02)
    for process in nodes:
        process.send_signal(signal.SIGTERM)
    logs = [process.communicate(timeout=60)[1] for process in nodes]
    assert [process.returncode for process in nodes] == [75, 75], logs
    assert not (tmp_path / "cut").exists(), "\n".join(logs)
    port = servers.free_port()
    again = {**environment, "AWS_BATCH_JOB_ATTEMPT": "2"}
    nodes = [start(again, *cut, **node(index, port)) for index in range(2)]
    logs = [process.communicate(timeout=240)[1] for process in nodes]
    assert [process.returncode for process in nodes] == [0, 0], logs
    weights = [(tmp_path / name / "model.safetensors").read_bytes() for name in ("whole", "cut")]
    assert weights[0] == weights[1]


@pytest.fixture
def on_s3(ceph_server, environment):
    """Variables, a bucket and its filesystem, as a job on AWS has them."""
    import s3fs

    own = {
        **environment,
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{ceph_server.port}",
        "AWS_ACCESS_KEY_ID": ceph_server.key,
        "AWS_SECRET_ACCESS_KEY": ceph_server.secret,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_REQUEST_CHECKSUM_CALCULATION": "when_required",
    }
    place = s3fs.S3FileSystem(**ceph_server.options, skip_instance_cache=True)
    return own, ceph_server.bucket(), place


@pytest.mark.system
def test_array_children_on_a_real_s3_of_which_one_is_told_to_stop(small, rows, tmp_path, on_s3):
    own, bucket, place = on_s3
    small.save(str(tmp_path / "model"))
    titles = [f"{row.title} {number}" for number in range(40) for row in rows]
    pq.write_table(pa.table({"title": titles}), tmp_path / "in.parquet", row_group_size=500)
    place.put(str(tmp_path / "model"), f"{bucket}/model", recursive=True)
    place.put(str(tmp_path / "in.parquet"), f"{bucket}/in.parquet")
    prodcat.score(
        small, str(tmp_path / "in.parquet"), str(tmp_path / "whole"), device="cpu",
        scoring=prodcat.ScoringConfig(part_rows=500),
    )  # fmt: skip
    command = [
        "predict", f"s3://{bucket}/in.parquet", "--model", f"s3://{bucket}/model",
        "--part-rows", 500, "--output", f"s3://{bucket}/out", "--device", "cpu",
        "--summary", f"s3://{bucket}/summary.json",
    ]  # fmt: skip

    def child(index):
        return {"AWS_BATCH_JOB_ARRAY_INDEX": str(index), "AWS_BATCH_JOB_ARRAY_SIZE": "3"}

    def summary(index):
        return json.loads(place.cat(f"{bucket}/summary-{index:05d}.json"))

    run(own, *command, **child(2))
    process = start(own, *command, **child(0))
    first = f"{bucket}/out/_prodcat/part-00000-00000.json"
    while not place.exists(first):
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
        place.invalidate_cache()
    process.send_signal(signal.SIGTERM)
    began = time.monotonic()
    logs = process.communicate(timeout=60)[1]
    assert process.returncode == 75 and time.monotonic() - began < 30, logs
    assert summary(0)["exit_code"] == 75 and summary(2)["exit_code"] == 0
    run(own, *command, **child(1))
    run({**own, "AWS_BATCH_JOB_ATTEMPT": "2"}, *command, **child(0))
    assert summary(0)["complete"] and summary(0)["summary"]["rows"] == len(titles)
    place.invalidate_cache()
    parts = sorted(name.rpartition("/")[2] for name in place.glob(f"{bucket}/out/part-*"))
    assert parts == sorted(path.name for path in (tmp_path / "whole").glob("part-*"))
    origin = pq.read_table(tmp_path / "whole").drop_columns(["model"])
    place.get(f"{bucket}/out/", str(tmp_path / "out"), recursive=True)
    assert pq.read_table(tmp_path / "out").drop_columns(["model"]).equals(origin)


@pytest.mark.system
def test_nodes_on_a_real_s3_stop_and_go_on(training, tmp_path, on_s3):
    own, bucket, place = on_s3
    command = [
        *training, "--epochs", 12, "--patience", 50, "--checkpoint-steps", 1, "--frozen-layers", 0,
        "--output", f"s3://{bucket}/cut", "--checkpoints", f"s3://{bucket}/checkpoints",
        "--summary", f"s3://{bucket}/summary.json",
    ]  # fmt: skip
    port = servers.free_port()
    nodes = [start(own, *command, **node(index, port)) for index in range(2)]
    while not place.glob(f"{bucket}/checkpoints/*/step-*"):
        assert nodes[0].poll() is None, nodes[0].communicate()
        time.sleep(0.05)
        place.invalidate_cache()
    for process in nodes:
        process.send_signal(signal.SIGTERM)
    logs = [process.communicate(timeout=60)[1] for process in nodes]
    assert [process.returncode for process in nodes] == [75, 75], logs
    assert not place.exists(f"{bucket}/cut/manifest.json")
    port = servers.free_port()
    again = {**own, "AWS_BATCH_JOB_ATTEMPT": "2"}
    nodes = [start(again, *command, **node(index, port)) for index in range(2)]
    logs = [process.communicate(timeout=240)[1] for process in nodes]
    assert [process.returncode for process in nodes] == [0, 0], logs
    whole = [*command, "--output", tmp_path / "whole"]
    del whole[whole.index("--checkpoints") : whole.index("--checkpoints") + 2]
    port = servers.free_port()
    nodes = [start(own, *whole, **node(index, port)) for index in range(2)]
    assert [process.communicate(timeout=240) and process.returncode for process in nodes] == [0, 0]
    place.invalidate_cache()
    weights = place.cat(f"{bucket}/cut/model.safetensors")
    assert weights == (tmp_path / "whole/model.safetensors").read_bytes()


@pytest.mark.slow
def test_what_the_image_installs_runs_the_jobs(scoring, environment, tmp_path):
    """No container engine is needed to try the one list of commands that both images run."""
    venv = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", venv], check=True)
    own = {
        **environment,
        "PATH": f"{venv / 'bin'}:{environment['PATH']}",
        "PIP_TORCH_ARGS": "",
    }
    script = ["sh", ROOT / "examples/aws/install.sh", "cpu", ROOT]
    done = subprocess.run(script, env=own, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert f"prodcat {prodcat.__version__}" in done.stdout
    command = [
        venv / "bin/python",
        "-m",
        "prodcat.aws.batch",
        *scoring,
        "--output",
        tmp_path / "out",
    ]
    done = subprocess.run(
        list(map(str, command)), env=own, cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert len(pq.read_table(tmp_path / "out")) == 210


@pytest.mark.parametrize("kind", ["cpu", "gpu"])
def test_images_run_that_list_and_the_adapter(kind):
    text = (ROOT / f"examples/aws/Dockerfile.{kind}").read_text()
    assert f"RUN sh examples/aws/install.sh {kind} ." in text
    entry = next(line for line in text.splitlines() if line.startswith("ENTRYPOINT"))
    assert json.loads(entry.removeprefix("ENTRYPOINT ")) == ["python", "-m", "prodcat.aws.batch"]
    assert "USER prodcat" in text
