"""The server, as a process on loopback."""

import concurrent.futures
import csv
import io
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.parse
from pathlib import Path

import httpx
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import servers
from hypothesis import given
from hypothesis import strategies as st

from prodcat.serving.media import Limits, picked_type, read_body, write_body
from prodcat.serving.refusal import Refusal

ROOT = Path(__file__).parents[2]
ATTRIBUTES = "X-Amzn-SageMaker-Custom-Attributes"


class Running:
    """A server's process, and a client for it."""

    def __init__(self, *arguments, ready=200, environment=None):
        self.port = servers.free_port()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "prodcat", "serve", "--port", str(self.port), "--host",
             "127.0.0.1", "--device", "cpu", *map(str, arguments)],
            cwd=ROOT, stderr=subprocess.PIPE, text=True,
            env={**os.environ, **(environment or {})},
        )  # fmt: skip
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=60)
        self.seen = []
        servers.wait_until(lambda: self.ping() == ready, "the server")

    def ping(self):
        assert self.process.poll() is None, self.process.communicate()
        try:
            self.seen.append(self.client.get("/ping").status_code)
        except httpx.TransportError:
            return None
        return self.seen[-1]

    def ask(self, body, content_type="application/json", path="/invocations", **headers):
        if not isinstance(body, (str, bytes)):
            body = json.dumps(body)
        own = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.post(path, content=body, headers={"Content-Type": content_type, **own})

    def stop(self):
        self.client.close()
        servers.stop(self.process)
        self.process.stderr.close()


@pytest.fixture(scope="module")
def folder(classifier, tmp_path_factory):
    own = tmp_path_factory.mktemp("served") / "model"
    classifier.save(str(own))
    return own


@pytest.fixture(scope="module")
def server(folder):
    own = Running("--model", folder)
    yield own
    own.stop()


@pytest.fixture(scope="module")
def wanted(classifier, titles):
    precision = classifier.pick_precision("auto")
    return classifier.predict(titles, precision=precision)


@pytest.fixture(scope="module")
def titles(rows):
    return [row.title for row in rows[:40]]


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
        assert "no JSON" in found[1]["error"] and "no JSON" in found[3]["error"]
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


WRONG = [
    (b"", "application/json", 400, "empty"),
    (b"[]", "application/json", 400, "no title"),
    (b"{", "application/json", 400, "no JSON"),
    (b"[NaN]", "application/json", 400, "no JSON"),
    (b"\xff\xfe", "application/json", 400, "no UTF-8|no JSON"),
    (b'["a", 7]', "application/json", 400, "Title 1"),
    (b"7", "application/json", 400, "list of titles"),
    (b'{"instances": "a"}', "application/json", 400, "expected a list"),
    (b'{"instances": ["a"], "topk": 2}', "application/json", 400, "'topk' is not known"),
    (b'{"instances": ["a"], "top_k": 0}', "application/json", 400, "1 to 100"),
    (b'{"instances": ["a"], "top_k": "2"}', "application/json", 400, "expected int"),
    (b'{"instances": ["a"], "objective": "x"}', "application/json", 400, "not known"),
    (b'{"inputs": ["a"], "parameters": 1}', "application/json", 400, "expected an object"),
    (b'{"titles": ["a"]}', "application/json", 400, "instances"),
    (b'[{"title": "a", "colour": "b"}]', "application/json", 400, "not read by this model"),
    (b"[" * 100_000, "application/json", 400, "deep|no JSON"),
    (json.dumps(["a"] * 10_000).encode(), "application/json", 413, "4,096"),
    (json.dumps(["a" * 20_000]).encode(), "application/json", 400, "letters"),
    (b"[" + b" " * (6 << 20) + b'"a"]', "application/json", 413, "6,291,456"),
    (b"a", "text/plain", 415, "application/json"),
    (b"a", "application/jsonx", 415, "application/json"),
    (b"\xff", "text/csv", 400, "no UTF-8"),
    (b"a,b\nc,d\n", "text/csv", 400, "header"),
    (b"title,b\nc\n", "text/csv", 400, "one length"),
    (b'"a', "text/csv", 400, "no CSV"),
    (b"PAR1", "application/x-parquet", 400, "no Parquet"),
]


@pytest.mark.parametrize(("body", "kind", "status", "said"), WRONG)
def test_wrong_requests_get_a_sentence(server, body, kind, status, said):
    answer = server.ask(body, kind)
    assert answer.status_code == status, answer.text
    reason = answer.json()["error"]
    assert re.search(said, reason) and "Traceback" not in reason and len(reason) < 600


@pytest.mark.parametrize(
    ("body", "kind", "status", "said"), [own for own in WRONG if b"objective" not in own[0]]
)
def test_wrong_bodies_are_refused_without_a_server_too(body, kind, status, said):
    with pytest.raises(Refusal, match=said) as caught:
        read_body(body, kind, [], Limits())
    assert caught.value.status == status


KINDS = ["application/json", "application/jsonlines", "text/csv", "application/x-parquet", None]
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=8) | st.integers(),
    lambda own: (
        st.lists(own, max_size=4)
        | st.dictionaries(
            st.sampled_from(["instances", "inputs", "title", "brand", "top_k", "parameters", "x"]),
            own,
            max_size=4,
        )
    ),
)


def understood_or_refused(body, kind):
    try:
        query = read_body(body, kind, ["brand"], Limits(titles=50))
    except Refusal as refusal:
        assert 400 <= refusal.status < 500 and len(refusal.reason) < 1_000
        return
    sizes = {len(column) for column in query.columns.values()}
    assert sizes == {len(query)} and 0 < len(query) <= 50
    records = [{"error": "x"}] * len(query)
    for own in KINDS[:4]:
        assert write_body(records, query, own)


@given(st.binary(max_size=300), st.sampled_from(KINDS))
def test_any_bytes_are_understood_or_refused(body, kind):
    understood_or_refused(body, kind)


@given(JSON_VALUES, st.sampled_from(KINDS))
def test_any_json_is_understood_or_refused(value, kind):
    understood_or_refused(json.dumps(value).encode(), kind)


@given(st.text(st.sampled_from('ab,"\n title'), max_size=60))
def test_any_csv_is_understood_or_refused(text):
    understood_or_refused(text.encode(), "text/csv")


@given(st.text(max_size=40))
def test_any_accept_is_understood_or_refused(accept):
    try:
        assert picked_type(accept, "text/csv") in KINDS
    except Refusal as refusal:
        assert refusal.status == 406


# -- what waits -------------------------------------------------------------------


@pytest.fixture
def slow(small):
    """Four milliseconds a title, and the classifier's own answers."""
    import types

    from prodcat.serving.batching import Batcher

    inference, decide = small.inference(), small.decision()

    def late(log_probs, groups=None):
        time.sleep(0.004 * len(log_probs))
        return decide(log_probs, groups)

    batcher = Batcher(batch=64, piece=8, most_wait=0.2)

    def ask(titles, patience=30.0):
        return batcher.submit(inference, titles, late, None, patience)

    def answers(titles):
        return inference.answers(inference.ready(titles), decide).nodes.tolist()

    yield types.SimpleNamespace(ask=ask, answers=answers, batcher=batcher)
    batcher.close()


def test_a_long_request_keeps_no_short_one_waiting(slow, titles):
    many = titles * 10
    long = slow.ask(many)
    began = time.monotonic()
    found = slow.ask(titles[:1]).result(10)
    assert time.monotonic() - began < 0.6 and not long.done()
    assert found.nodes.tolist() == slow.answers(titles[:1])
    assert long.result(30).nodes.tolist() == slow.answers(many)


def test_what_would_wait_too_long_is_refused_at_once(slow, titles):
    slow.ask(titles * 4).result(10)  # so that it knows how long a title takes
    taken, refused = [], []
    for _ in range(100):
        began = time.monotonic()
        try:
            taken.append(slow.ask(titles[:8]))
        except Refusal as refusal:
            refused.append(refusal)
            assert time.monotonic() - began < 0.1
    assert refused and {refusal.status for refusal in refused} == {429}
    assert all(0 < refusal.retry_after < 2 for refusal in refused)
    # Those that were taken are answered soon: what waits is bounded in time.
    assert len(taken) < 25
    began = time.monotonic()
    assert all(len(one.result(10).nodes) == 8 for one in taken)
    assert time.monotonic() - began < 1.5
    # A longer one may wait for longer, and afterwards all is as before.
    assert slow.ask(titles[:1]).result(10)


def test_whose_turn_does_not_come_in_time_is_told(slow, titles):
    long = slow.ask(titles * 4)
    late = slow.ask(titles * 2, patience=0.05)
    with pytest.raises(Refusal, match="turn in time") as caught:
        late.result(10)
    assert caught.value.status == 503
    assert len(long.result(10).nodes) == 160


# -- Batch Transform and asynchronous endpoints -----------------------------------


def transform(server, lines, kind, strategy, join=False, at_once=4):
    """What SageMaker's Batch Transform does with SplitType and AssembleWith Line.

    Lines are sent as many at a time as the server says it takes, or one by one; what comes back
    is put together in order, and joined to what was sent line by line.
    """
    most = server.client.get("/execution-parameters").json()["MaxPayloadInMB"] << 20
    groups, size = [[]], 0
    for line in lines:
        if groups[-1] and (strategy == "SINGLE_RECORD" or size + len(line) + 1 > min(most, 2_000)):
            groups.append([])
            size = 0
        groups[-1].append(line)
        size += len(line) + 1

    def send(group):
        answer = server.ask(b"\n".join(group), kind, Accept=kind)
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"].partition(";")[0] == kind
        return answer.content.removesuffix(b"\n").split(b"\n")

    with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
        found = [line for own in pool.map(send, groups) for line in own]
    if not join:
        return found
    assert len(found) == len(lines)
    if kind == "text/csv":
        return [line + b"," + own for line, own in zip(lines, found, strict=True)]
    return [
        {**(own if isinstance(own := json.loads(line), dict) else {"SageMakerInput": own}),
         "SageMakerOutput": json.loads(answer)}
        for line, answer in zip(lines, found, strict=True)
    ]  # fmt: skip


@pytest.mark.parametrize("strategy", ["MULTI_RECORD", "SINGLE_RECORD"])
def test_batch_transform_of_lines(server, titles, wanted, strategy):
    lines = [json.dumps({"title": title}).encode() for title in titles]
    for row in (3, 17):
        lines[row] = b'{"title": 7}'
    lines[39] = b"{"
    found = [json.loads(own) for own in transform(server, lines, "application/jsonlines", strategy)]
    assert len(found) == 40
    for row, (own, [best]) in enumerate(zip(found, wanted, strict=True)):
        if row in (3, 17, 39):
            assert set(own) == {"error"}
        else:
            assert own["id"] == best.node_id
    joined = transform(server, lines[:39], "application/jsonlines", strategy, join=True)
    assert joined[0]["title"] == titles[0]
    assert joined[0]["SageMakerOutput"]["id"] == wanted[0][0].node_id
    assert "expected a text" in joined[3]["SageMakerOutput"]["error"]


@pytest.mark.parametrize("strategy", ["MULTI_RECORD", "SINGLE_RECORD"])
def test_batch_transform_of_a_table(server, titles, wanted, strategy):
    lines = [json.dumps(title, ensure_ascii=False).encode() for title in titles]
    found = transform(server, lines, "text/csv", strategy, join=True)
    text = b"\n".join(found).decode()
    for row, title, [best] in zip(csv.reader(io.StringIO(text)), titles, wanted, strict=True):
        assert row[0] == title and row[2] == best.node_id


def test_a_container_is_set_by_its_environment(folder, titles, wanted):
    """As of an asynchronous endpoint: large bodies, and much time."""
    own = Running(environment={
        "PRODCAT_MODEL": str(folder), "PRODCAT_MAX_TITLES": "100000", "PRODCAT_PATIENCE": "3600",
        "PRODCAT_MAX_WAITING": "100000", "SAGEMAKER_MAX_PAYLOAD_IN_MB": "50",
        "SAGEMAKER_BATCH_STRATEGY": "SINGLE_RECORD", "PRODCAT_TRANSFORMS": "2",
    })  # fmt: skip
    try:
        said = own.client.get("/execution-parameters").json()
        assert said == {
            "MaxPayloadInMB": 50, "BatchStrategy": "SINGLE_RECORD", "MaxConcurrentTransforms": 2,
        }  # fmt: skip
        answer = own.ask(titles * 200, **{"X-Amzn-SageMaker-Inference-Id": "7"})
        assert [one["id"] for one in answer.json()] == [best[0].node_id for best in wanted] * 200
    finally:
        own.stop()
    # Batch Transform fills a request up to what it may have.
    own = Running(environment={"PRODCAT_MODEL": str(folder), "SAGEMAKER_BATCH": "true"})
    try:
        lines = "\n".join(json.dumps(title) for title in titles * 500)
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            found = list(pool.map(lambda _: own.ask(lines, "application/jsonlines"), range(4)))
        assert [len(answer.text.splitlines()) for answer in found] == [20_000] * 4
    finally:
        own.stop()
    wrong = subprocess.run(
        [sys.executable, "-m", "prodcat", "serve"], capture_output=True, text=True, cwd=ROOT,
        env={**os.environ, "PRODCAT_MAX_TITLES": "many"},
    )  # fmt: skip
    assert wrong.returncode == 2 and "invalid int value: 'many'" in wrong.stderr


def test_limits_of_a_container():
    from prodcat.aws.environment import limits_of, precision_of
    from prodcat.errors import ConfigError

    assert limits_of({}) == Limits(6 << 20, 4_096)
    # SageMaker's 0 is no limit.
    batch = {"SAGEMAKER_BATCH": "true", "SAGEMAKER_MAX_PAYLOAD_IN_MB": "0"}
    assert limits_of(batch) == Limits(1 << 30, 1_000_000)
    for wrong in ({"PRODCAT_MAX_TITLES": "x"}, {"SAGEMAKER_MAX_PAYLOAD_IN_MB": "-1"}):
        with pytest.raises(ConfigError, match="expected"):
            limits_of(wrong)
    with pytest.raises(ConfigError, match="PRODCAT_PRECISION is 'int4'"):
        precision_of({"PRODCAT_PRECISION": "int4"})


def test_what_is_free_is_known(tmp_path):
    from prodcat.serving.memory import free_memory, memory_setting

    (tmp_path / "meminfo").write_text("MemTotal: 9000 kB\nMemAvailable: 5000 kB\n")
    group = tmp_path / "group"
    group.mkdir()
    own = ("cpu", str(tmp_path / "meminfo"), str(group))
    assert free_memory(*own) == 5_000 << 10
    (group / "memory.max").write_text("max\n")
    (group / "memory.current").write_text("100\n")
    assert free_memory(*own) == 5_000 << 10
    (group / "memory.max").write_text("3000000\n")
    (group / "memory.current").write_text("2500000\n")
    (group / "memory.stat").write_text("anon 1\ninactive_file 200000\n")
    assert free_memory(*own) == 700_000
    assert free_memory("cpu", str(tmp_path / "none"), str(tmp_path / "none")) is None
    assert memory_setting({}) is None and memory_setting({"PRODCAT_MEMORY_MB": "2"}) == 2 << 20
    with pytest.raises(ValueError, match="expected a number of megabytes"):
        memory_setting({"PRODCAT_MEMORY_MB": "much"})


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
    assert server.client.post("/models", content=body).status_code == 403
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


def test_a_small_body_that_unpacks_to_a_large_one_is_refused(server):
    def table(**options):
        out = io.BytesIO()
        pq.write_table(pa.table({"title": ["a" * 1_000_000] * 4_000}), out, **options)
        return out.getvalue()

    small = table(compression="snappy")
    assert len(small) < 200_000
    answer = server.ask(small, "application/x-parquet")
    assert answer.status_code == 400 and "letters" in answer.json()["error"]
    answer = server.ask(table(compression="zstd"), "application/x-parquet")
    assert answer.status_code == 400 and "compressed with" in answer.json()["error"]
    out = io.BytesIO()
    pq.write_table(pa.table([["a"], ["b"], ["c"]], ["title", "brand", "brand"]), out)
    with pytest.raises(Refusal, match="two columns of one name"):
        read_body(out.getvalue(), "application/x-parquet", ["brand"], Limits())


def test_what_crashes_its_reader_is_refused_and_the_next_one_is_read(server, titles):
    from prodcat.serving.apart import Apart

    own = Apart("faulthandler:_sigsegv", "It did not survive.")
    with pytest.raises(Refusal, match="did not survive"):
        own(b"")
    own.close()
    # Whatever is done to a file, the server goes on.
    out = io.BytesIO()
    pq.write_table(pa.table({"title": titles[:4], "sku": [1, 2, 3, 4]}), out)
    whole = out.getvalue()
    rng = np.random.default_rng(0)
    for _ in range(150):
        body = bytearray(whole)
        for place in rng.integers(4, len(body) - 4, rng.integers(1, 12)):
            body[place] = rng.integers(256)
        status = server.ask(bytes(body), "application/x-parquet").status_code
        assert status in (200, 400, 413)
    assert server.ask(whole, "application/x-parquet").status_code == 200


def test_what_nobody_waits_for_any_more_is_not_read(server, titles):
    import socket

    def waiting():
        text = server.client.get("/metrics").text
        return float(re.search(r"prodcat_waiting_titles ([0-9.]+)", text)[1])

    def read():
        return float(re.search(r"prodcat_batch_titles_sum ([0-9.]+)",
                               server.client.get("/metrics").text)[1])  # fmt: skip

    body = json.dumps([f"{title} {n}" for n in range(100) for title in titles]).encode()
    head = f"POST /invocations HTTP/1.1\r\nHost: a\r\nContent-Length: {len(body)}\r\n\r\n"
    before = read()
    for _ in range(3):
        with socket.create_connection(("127.0.0.1", server.port)) as own:
            own.sendall(head.encode() + body)
            servers.wait_until(lambda: waiting() > 0, "the request")
    servers.wait_until(lambda: waiting() == 0, "its end")
    assert read() - before < 3 * 4_000


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_server_that_cannot_read_says_so(small, tmp_path):
    from starlette.testclient import TestClient

    from prodcat.serving.app import Server, Settings, make_app
    from prodcat.serving.models import Models

    small.save(str(tmp_path / "model"))
    server = Server(Models(), Settings(), str(tmp_path / "model"))

    def broken(titles, seconds):
        raise SystemExit  # whatever ends the thread that reads

    server.batcher.told = broken
    with TestClient(make_app(server)) as client:
        servers.wait_until(lambda: client.get("/ping").status_code == 200, "the model")
        client.post("/invocations", json=["sut"])
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
    from starlette.testclient import TestClient

    from prodcat.serving.app import Server, Settings, make_app
    from prodcat.serving.models import Models

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
    own = Running("--model", tmp_path / "nothing", ready=503)
    try:
        servers.wait_until(
            lambda: "could not be loaded" in own.client.get("/ping").text, "the failure"
        )
        assert own.ask(["a"]).status_code == 503
    finally:
        own.stop()


def test_models_with_one_encoder_share_it(classifier, folder, tmp_path):
    import prodcat
    from prodcat.serving.models import Models, artifact_bytes

    other = classifier.calibrate(prodcat.read_catalog(
        [{"title": "sut", "path": list(classifier.outcomes[0])}] * 30
    ), method="temperature")  # fmt: skip
    other.save(str(tmp_path / "other"))
    models = Models(device="cpu")
    first = models.load("tr", str(folder))
    second = models.load("de", str(tmp_path / "other"))
    assert second.classifier.network.encoder is first.classifier.network.encoder
    assert second.fast.reading is first.fast.reading
    assert first.bytes == artifact_bytes(str(folder)) > 2 * classifier.encoder_memory
    whole = artifact_bytes(str(tmp_path / "other"))
    assert second.bytes == whole and second.own_bytes == whole - 2 * classifier.encoder_memory > 0
    assert models.bytes == first.bytes + second.own_bytes
    # Whoever goes, the encoder stays for the other one, and counts; who goes counts until then.
    models.drop("tr")
    assert models.bytes == second.bytes + first.own_bytes
    del first
    assert models.bytes == second.bytes
    models.drop("de")
    del second
    assert models.bytes == 0
    first, second = models.load("tr", str(folder)), models.load("de", str(tmp_path / "other"))
    titles = ["sut 1 l", "ekmek"]
    assert second.classifier.predict(titles) == prodcat.load(
        str(tmp_path / "other"), device="cpu"
    ).predict(titles)
    # Another encoder is not taken for the same.
    third = prodcat.load(str(folder), device="cpu")
    third.network.encoder.word_embeddings.weight.data[0, 0] += 1
    third.save(str(tmp_path / "third"))
    models.drop("de")
    del second
    third = models.load("nl", str(tmp_path / "third"))
    assert third.classifier.network.encoder is not first.classifier.network.encoder
    assert models.bytes == first.bytes + third.bytes


def test_many_models(folder, small, tmp_path, titles, wanted):
    small.save(str(tmp_path / "small"))
    size = sum(path.stat().st_size for path in folder.iterdir()) >> 20
    own = Running("--many", "--memory", 2 * size + 30)
    try:

        def load(name, place):
            body = json.dumps({"model_name": name, "url": str(place)})
            return own.client.post("/models", content=body)

        assert load("tr", folder).status_code == 200
        assert load("tr", folder).status_code == 409
        name = "a/b c?/invoke#ş"
        assert load(name, tmp_path / "small").status_code == 200
        place = f"/models/{urllib.parse.quote(name, safe='')}"
        assert own.client.get(place).json()["modelName"] == name
        assert own.ask(titles, path=f"{place}/invoke").status_code == 200
        assert own.client.delete(place).status_code == 200
        assert load("gone", tmp_path / "nothing").status_code == 404
        assert own.client.post("/models", content="{").status_code == 400
        found = own.ask(titles, path="/models/tr/invoke").json()
        assert [one["id"] for one in found] == [best[0].node_id for best in wanted]
        assert own.ask(titles, path="/models/de/invoke").status_code == 404
        assert own.ask(titles).status_code == 404
        assert own.client.get("/models/tr").json() == {"modelName": "tr", "modelUrl": str(folder)}
        full = [load(f"m{number}", folder).status_code for number in range(12)]
        assert full[-1] == 507 and set(full) <= {200, 507}
        names = [one["modelName"] for one in own.client.get("/models").json()["models"]]
        assert "tr" in names and names == sorted(names)
        assert own.client.get("/models?limit=00").status_code == 400
        page = own.client.get("/models?limit=1").json()
        assert [one["modelName"] for one in page["models"]] == names[:1]
        if len(names) > 1:
            rest = own.client.get(f"/models?next_page_token={page['nextPageToken']}").json()
            assert [one["modelName"] for one in rest["models"]] == names[1:]
        assert own.client.delete("/models/tr").status_code == 200
        assert own.client.delete("/models/tr").status_code == 404
        assert own.ask(titles, path="/models/tr/invoke").status_code == 404
        assert load("tr", folder).status_code == 200
        assert own.ask(titles, path="/models/tr/invoke").status_code == 200
    finally:
        own.stop()
