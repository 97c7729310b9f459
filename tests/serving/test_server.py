"""The server, as a process on loopback."""

import concurrent.futures
import csv
import io
import json
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import servers
from prodcat_server import Running
from starlette.testclient import TestClient

from prodcat.serving.application import make_app
from prodcat.serving.loaded_models import Models
from prodcat.serving.server import Server
from prodcat.serving.settings import Settings

ATTRIBUTES = "X-Amzn-SageMaker-Custom-Attributes"


def test_ping_waits_for_the_model(server):
    assert server.seen[-1] == 200 and set(server.seen[:-1]) <= {503}
    assert server.client.get("/execution-parameters").json() == {
        "MaxConcurrentTransforms": 4, "BatchStrategy": "MULTI_RECORD", "MaxPayloadInMB": 6,
    }  # fmt: skip


@pytest.mark.parametrize("form", ["list", "instances", "inputs", "objects"])
def test_answers_of_json_are_those_of_the_library(server, titles, wanted, form):
    body = {
        "list": titles,
        "instances": {"instances": titles},
        "inputs": {"inputs": titles, "parameters": {"top_k": 1}},
        "objects": [{"title": title} for title in titles],
    }[form]
    answer = server.ask(body, **{ATTRIBUTES: "trace=7"})
    assert answer.status_code == 200 and answer.headers["content-type"] == "application/json"
    assert answer.headers[ATTRIBUTES] == "trace=7"
    found = answer.json()["predictions"] if form == "instances" else answer.json()
    for own, (best,) in zip(found, wanted, strict=True):
        assert tuple(own["path"]) == best.path and own["id"] == best.node_id == own["ids"][-1]
        assert own["confidence"] == pytest.approx(best.confidence, abs=5e-3)
        assert own["level_confidences"] == pytest.approx(best.level_confidences, abs=5e-3)


def test_settings_of_a_request(server, classifier, titles):
    [own] = server.ask({"instances": titles[:1], "top_k": 3}).json()["predictions"]
    [best] = classifier.predict(titles[:1], top_k=3)
    assert [own["id"], *(other["id"] for other in own["others"])] == [one.node_id for one in best]
    assert server.ask(json.dumps(titles[0])).json()["path"]
    assert server.ask({"inputs": titles[0]}).json()["path"]
    found = server.ask({"inputs": titles, "objective": "hierarchical_f1"}).json()
    answers = classifier.predict(titles, objective="hierarchical_f1")
    assert [one["id"] for one in found] == [own[0].node_id for own in answers]
    refused = server.ask({"inputs": titles, "guarantee": 0.9})
    assert refused.status_code == 400 and "calibration titles" in refused.json()["error"]


def test_lines_come_back_one_for_one(server, titles, wanted):
    lines = [json.dumps(titles[0]), "{", json.dumps({"title": titles[1]}), "", "7", '{"name": "x"}']
    for kind in ("application/jsonlines", "application/jsonl"):
        answer = server.ask("\n".join(lines) + "\n", kind)
        assert answer.headers["content-type"] == "application/jsonlines"
        found = [json.loads(line) for line in answer.text.splitlines()]
        assert len(found) == 6
        assert [tuple(found[row]["path"]) for row in (0, 2)] == [own[0].path for own in wanted[:2]]
        assert "not valid JSON" in found[1]["error"] and "not valid JSON" in found[3]["error"]
        assert "expected a text" in found[4]["error"] and "expected a title" in found[5]["error"]
    assert json.loads(server.ask('" "', "application/jsonlines").text)["error"] == "empty title"


def test_tables(server, titles, wanted):
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerows([["sku", "title"], *([str(n), title] for n, title in enumerate(titles))])
    answer = server.ask(text.getvalue(), "text/csv; charset=utf-8")
    found = list(csv.DictReader(io.StringIO(answer.text)))
    assert [own["predicted_id"] for own in found] == [own[0].node_id for own in wanted]
    alone = server.ask("\n".join(f'"{title}"' for title in titles), "text/csv")
    assert [row[1] for row in csv.reader(io.StringIO(alone.text))] == [
        own[0].node_id for own in wanted
    ]
    out = io.BytesIO()
    pq.write_table(pa.table({"sku": range(40), "title": titles}), out)
    answer = server.ask(out.getvalue(), "application/x-parquet")
    table = pq.read_table(io.BytesIO(answer.content))
    assert table["predicted_id"].to_pylist() == [own[0].node_id for own in wanted]
    lines = server.ask(out.getvalue(), "application/x-parquet", Accept="application/jsonlines")
    assert [json.loads(line)["id"] for line in lines.text.splitlines()] == [
        own[0].node_id for own in wanted
    ]


def test_what_is_odd_is_answered(server):
    for title in ("a\0b", "\ud83d\ude00" * 10, "\\ud800", "  ", "ş" * 9_000):
        body = json.dumps([title]) if title != "\\ud800" else '["\\ud800"]'
        assert server.ask(body).status_code == 200
    assert server.ask('["a"]', Accept="image/png").status_code == 406
    assert server.ask('["a"]', Accept="text/csv;q=0.5, */*;q=0.1").text.startswith("predicted_path")
    assert server.client.get("/invocations").status_code == 405
    assert server.client.get("/nothing").status_code == 404
    assert server.ask('["a"]', path="/models/tr/invoke").status_code == 404


def schemathesis(url, folder, *options):
    """Requests made from what the server says of itself, and answers held against it."""
    checks = ["not_a_server_error", "status_code_conformance", "content_type_conformance",
              "response_schema_conformance"]  # fmt: skip
    done = subprocess.run(
        [Path(sys.executable).with_name("schemathesis"), "run", f"{url}/openapi.json",
         "--checks", ",".join(checks), "--phases", "examples,coverage,fuzzing",
         "--suppress-health-check", "all", "--seed", "7", "--no-shrink",
         "--continue-on-failure", *options],
        capture_output=True, text=True, cwd=folder,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-6_000:]
    return done.stdout


def test_the_server_does_what_its_document_says(server, tmp_path):
    said = schemathesis(str(server.client.base_url).rstrip("/"), tmp_path, "--max-examples", "25")
    assert int(re.search(r"(\d+) generated, (\d+) passed", said)[2]) > 500
    assert server.ask(["a"]).status_code == 200


def test_the_one_model_stays(server):
    body = json.dumps({"model_name": "tr", "url": "tr"})
    assert server.ask(body, path="/models").status_code == 403
    assert server.client.delete("/models/").status_code == 403
    assert server.ask(["a"]).status_code == 200


def test_figures_for_prometheus(server, titles):
    def titles_so_far():
        text = server.client.get("/metrics").text
        [line] = [own for own in text.splitlines() if own.startswith("prodcat_titles_total")]
        return float(line.split()[1])

    before = titles_so_far()
    server.ask(titles)
    assert titles_so_far() == before + len(titles)
    text = server.client.get("/metrics").text
    assert 'prodcat_requests_total{route="invocations",status="200"}' in text
    assert "prodcat_models 1.0" in text and "prodcat_waiting_titles 0.0" in text


def test_what_nobody_waits_for_any_more_is_not_read(server, titles):
    import socket

    def waiting():
        text = server.client.get("/metrics").text
        return float(re.search(r"prodcat_waiting_titles ([0-9.]+)", text)[1])

    def read():
        return float(re.search(r"prodcat_batch_titles_sum ([0-9.]+)",
                               server.client.get("/metrics").text)[1])  # fmt: skip

    body = json.dumps([f"{title} {n}" for n in range(100) for title in titles]).encode()
    head = f"POST /invocations HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n"
    before = read()
    for _ in range(3):
        with socket.create_connection(("127.0.0.1", server.port)) as own:
            own.sendall(head.encode() + body)
            servers.wait_until(lambda: waiting() > 0, "the request")
    servers.wait_until(lambda: waiting() == 0, "its end")
    assert read() - before < 3 * 4_000


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_server_that_cannot_read_says_so(small, tmp_path):
    small.save(str(tmp_path / "model"))
    server = Server(Models(), Settings(), str(tmp_path / "model"))

    def broken(titles, seconds):
        raise SystemExit  # whatever ends the thread that reads

    server.batcher.on_batch = broken
    with TestClient(make_app(server)) as client:
        servers.wait_until(lambda: client.get("/ping").status_code == 200, "the model")
        client.post("/invocations", json=["sut"] * 100)  # too many for the event loop
        servers.wait_until(lambda: server.batcher.ended, "its end")
        assert client.get("/ping").status_code == 503
        assert client.post("/invocations", json=["sut"]).status_code == 503


def test_many_at_once_get_their_own_answers(server, titles, wanted):
    def one(number):
        row = number % len(titles)
        size = 1 + number % 5
        found = server.ask((titles * 2)[row : row + size]).json()
        return [own["id"] for own in found] == [
            own[0].node_id for own in (wanted * 2)[row : row + size]
        ]

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        assert all(pool.map(one, range(200)))


def test_too_much_is_refused_at_once_and_told_to_stop_it_finishes(folder, titles):
    own = Running("--model", folder, "--max-waiting", 300, "--max-titles", 4096)
    try:
        with concurrent.futures.ThreadPoolExecutor(24) as pool:
            found = list(pool.map(lambda _: own.ask(titles * 5), range(48)))
            codes = {answer.status_code for answer in found}
            assert codes == {200, 429}
            late = next(answer for answer in found if answer.status_code == 429)
            assert int(late.headers["retry-after"]) >= 1 and "wait already" in late.json()["error"]
            # Told to stop in the middle of an answer: it is finished.
            long = pool.submit(own.ask, titles * 100)
            time.sleep(0.05)
            own.process.send_signal(signal.SIGTERM)
            assert long.result().status_code == 200 and len(long.result().json()) == 4_000
        own.process.wait(30)
        assert own.process.returncode == 0
    finally:
        own.stop()


def test_nothing_is_answered_before_the_model_is_there(small, tmp_path):
    small.save(str(tmp_path / "model"))
    may_load = threading.Event()

    def slow(uri, device):
        assert may_load.wait(30)
        return small

    server = Server(Models(opener=slow), Settings(), str(tmp_path / "model"))
    with TestClient(make_app(server)) as client:
        assert client.get("/ping").status_code == 503
        assert client.post("/invocations", json=["sut"]).status_code == 503
        may_load.set()
        servers.wait_until(lambda: client.get("/ping").status_code == 200, "the model")
        assert client.post("/invocations", json=["sut"]).status_code == 200


def test_a_model_that_cannot_be_loaded_is_never_ready(tmp_path):
    environment = {"SAGEMAKER_BIND_TO_PORT": "0"}  # elsewhere the server ends
    own = Running("--model", tmp_path / "nothing", ready=503, environment=environment)
    try:
        servers.wait_until(
            lambda: "could not be loaded" in own.client.get("/ping").text, "the failure"
        )
        assert own.ask(["a"]).status_code == 503
    finally:
        own.stop()
