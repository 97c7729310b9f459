"""Requests that hypothesis, schemathesis and plain malice make."""

import contextlib
import io
import json
import random
import re
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.jobs import Options
from benchmarks.reporting import Row, cpu
from benchmarks.serving.peers import Peer, prodcat_server, started, started_many

if TYPE_CHECKING:
    from hypothesis.strategies import DataObject, SearchStrategy

HOSTILE = 20_000
SETTINGS = ["instances", "inputs", "title", "top_k", "objective", "guarantee", "max_error",
            "parameters", "model_name", "url", "x"]  # fmt: skip
TYPES = ["application/json", "application/jsonlines", "text/csv", "application/x-parquet",
         "text/plain", "application/json; charset=utf-16", "", "application/jsonx"]  # fmt: skip
BODIES = [
    b"[" * 50_000, b'{"inputs":' * 5_000, b'["' + b"a" * 300_000 + b'"]', b"\0" * 1_000,
    b'["\\ud800"]', b"PAR1" + b"\0" * 200 + b"PAR1", b"title,title\na,b\n",
    json.dumps(["a"] * 10_000).encode(), b"\xff\xfe[\"\0a\0\"\0]\0", b"1e999999",
    b'{"instances":["a"],"top_k":1e3}', b'{"inputs":["a"],"guarantee":-1}',
]  # fmt: skip


@dataclass
class Outcome:
    """What the servers answered to all requests.

    Attributes:
        requests: How many were sent.
        statuses: How many of each status.
        bad: Answers that must not be: 5xx, tracebacks, hangs.
        slowest: Seconds of the slowest answer.
    """

    requests: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    bad: list[list[Any]] = field(default_factory=list)
    slowest: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self, status: str, number: int = 1) -> None:
        """Count so many answers of a status."""
        with self.lock:
            self.requests += number
            self.statuses[status] += number

    def ask(self, peer: Peer, body: bytes, path: str, method: str, kind: str) -> None:
        """Send one request, and judge its answer."""
        began = time.perf_counter()
        status, answer = peer.ask(body, path, method, kind, timeout=30)
        seconds = time.perf_counter() - began
        with self.lock:
            self.slowest = max(self.slowest, seconds)
        self.count(str(status))
        crashed = not isinstance(status, int) or (status >= 500 and status != 507)
        if crashed or b"Traceback" in answer:
            self.bad.append([method, path, kind, str(status), body[:200].decode("latin1"),
                             answer[:300].decode("latin1")])  # fmt: skip


def ask_hostile_requests(options: Options) -> Row:
    """All hostile requests, against a server with one model and one with many."""
    outcome = Outcome()
    with (
        started(prodcat_server(options)) as [single],
        started_many(options, 2 << 30) as several,
    ):
        peers = (single, several)
        body = json.dumps({"model_name": "m", "url": str((options.work / "model").resolve())})
        assert several.ask(body.encode(), "/models")[0] == 200
        for peer in peers:  # what is made at first use is made, a child for Parquet too
            run_schemathesis(options, peer, outcome, 40)
            for number in range(200):
                ask_mutated(peer, random.Random(-number), outcome)
        before = [peer.memory() for peer in peers]
        for peer in peers:
            run_schemathesis(options, peer, outcome, 100)
        ask_generated(peers, outcome)

        def ask_malicious(number: int) -> None:
            peer, rng = peers[number % 2], random.Random(number)
            (send_garbage if number % 20 == 0 else ask_mutated)(peer, rng, outcome)

        with ThreadPoolExecutor(4) as pool:
            number = HOSTILE // 10 if options.quick else HOSTILE
            list(pool.map(ask_malicious, range(max(number - outcome.requests, 0))))
        after = [peer.memory() for peer in peers]
        alive = all(peer.is_running() for peer in peers)
        answers = single.answers()
    logs = single.log.read_text() + several.log.read_text()
    return {
        "requests": outcome.requests, "statuses": dict(outcome.statuses),
        "bad": outcome.bad[:50], "slowest": outcome.slowest,
        "memory": [list(pair) for pair in zip(before, after, strict=True)],
        "alive": alive, "answers": answers, "tracebacks": logs.count("Traceback"), "cpu": cpu(),
    }  # fmt: skip


def run_schemathesis(options: Options, peer: Peer, outcome: Outcome, examples: int) -> None:
    """Requests that schemathesis makes of the published document."""
    finished = subprocess.run(
        [Path(sys.executable).with_name("schemathesis"), "run",
         f"http://127.0.0.1:{peer.port}/openapi.json", "--checks",
         "not_a_server_error,status_code_conformance,content_type_conformance,"
         "response_schema_conformance", "--phases", "examples,coverage,fuzzing",
         "--suppress-health-check", "all", "--seed", "7", "--no-shrink", "--continue-on-failure",
         "--max-examples", str(examples), "--exclude-path-regex", "^/(ping|metrics|openapi)"],
        capture_output=True, text=True, cwd=options.work,
    )  # fmt: skip
    total = re.search(r"(\d+) generated", finished.stdout)
    assert total, finished.stdout[-2_000:]
    outcome.count("schemathesis", int(total[1]))
    if finished.returncode:
        outcome.bad.append(["schemathesis", finished.stdout[-6_000:]])
    print("schemathesis", total[1], finished.returncode, flush=True)


def ask_generated(peers: tuple[Peer, Peer], outcome: Outcome) -> None:
    """A thousand requests that hypothesis makes up."""
    import hypothesis
    from hypothesis import strategies

    @hypothesis.settings(
        max_examples=1_000,
        deadline=None,
        database=None,
        suppress_health_check=list(hypothesis.HealthCheck),
        derandomize=True,
    )
    @hypothesis.given(strategies.data())
    def ask(data: "DataObject") -> None:
        peer = peers[data.draw(strategies.integers(0, 1))]
        path, kind = data.draw(paths()), data.draw(strategies.sampled_from(TYPES))
        body = data.draw(bodies())
        method = data.draw(
            strategies.sampled_from(["POST"] * 8 + ["GET", "PUT", "PATCH", "OPTIONS", "HEAD"])
        )
        outcome.ask(peer, body, path, method, kind)

    ask()


def paths() -> "SearchStrategy[str]":
    """Paths that there are, and others."""
    from hypothesis import strategies as st

    known = ["/invocations", "/models/m/invoke", "/models", "/ping", "/models/m"]
    texts = st.text(st.characters(codec="ascii", categories=["L", "N", "P"]), max_size=30)
    return st.sampled_from(known) | texts.map(
        lambda text: "/" + text.replace("?", "").replace("#", "").replace("/", "%2F")
    )


def bodies() -> "SearchStrategy[bytes]":
    """Bodies that nobody would send."""
    from hypothesis import strategies as st

    leaves: SearchStrategy[Any] = (
        st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=40)
    )
    value = st.recursive(
        leaves,
        lambda inner: (
            st.lists(inner, max_size=5)
            | st.dictionaries(st.sampled_from(SETTINGS), inner, max_size=5)
        ),
        max_leaves=12,
    )
    repeated = st.tuples(st.text(min_size=1, max_size=80), st.integers(1, 200))
    return (
        value.map(lambda drawn: json.dumps(drawn).encode())
        | st.binary(max_size=400)
        | st.sampled_from(BODIES)
        | repeated.map(lambda drawn: json.dumps([drawn[0]] * drawn[1]).encode())
    )


@cache
def seeds() -> list[tuple[bytes, str]]:
    """Good and nearly good bodies with their types, which are then changed."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    made = []
    variants: list[dict[str, Any]] = [{}, {"use_dictionary": False}, {"compression": "none"}]
    for variant in variants:
        out = io.BytesIO()
        pq.write_table(pa.table({"title": ["sofa", "lamp"], "sku": [1, 2]}), out, **variant)
        made.append((out.getvalue(), "application/x-parquet"))
    for body in (b'["sofa", "lamp"]', b'{"instances": [{"title": "sofa"}], "top_k": 3}',
                 b'{"inputs": "sofa", "parameters": {"objective": "tree_distance"}}',
                 b'{"inputs": ["a"], "max_error": 1e-310}', b'{"inputs": ["a"], "top_k": 99}',
                 b'{"model_name": "m", "url": "ftp:///x"}',
                 b'{"model_name": "x", "url": "a@b"}',
                 b'{"model_name": "x", "url": "memory://x"}'):  # fmt: skip
        made.append((body, "application/json"))
    made.append((b'"sofa"\n{"title": "lamp"}\n\n', "application/jsonlines"))
    made.append((b'sku,title\n1,"a ""b"" c"\n2,lamp\n', "text/csv"))
    return made


def ask_mutated(peer: Peer, rng: random.Random, outcome: Outcome) -> None:
    """A body that is nearly right: some of its bytes changed, cut, doubled or joined to others."""
    body, kind = rng.choice(seeds())
    content = bytearray(body)
    for _ in range(rng.choice([1, 1, 2, 5, 20])):
        mutate(content, rng)
    if rng.random() < 0.1:
        kind = rng.choice(seeds())[1]
    path = rng.choice(["/invocations", "/models/m/invoke", "/models"])
    outcome.ask(peer, bytes(content), path, "POST", kind)


def mutate(content: bytearray, rng: random.Random) -> None:
    """One change at a random place."""
    place = rng.randrange(len(content) + 1)
    end = min(place + rng.randrange(1, 20), len(content))
    change = rng.randrange(5)
    if change == 0 and place < len(content):
        content[place] = rng.randrange(256)
    elif change == 1:
        del content[place:end]
    elif change == 2:
        content[place:place] = content[place:end] * rng.choice([1, 2, 50])
    elif change == 3:
        content[place:place] = rng.choice(
            [b"\0", b"\xff", b"\r\n", b'"', b"[", b"{", b"1e400", b","]
        )
    else:
        content[place:end] = rng.choice(seeds())[0][:30]


def send_garbage(peer: Peer, rng: random.Random, outcome: Outcome) -> None:
    """What is no HTTP, or ends too early."""
    kind = rng.randrange(6)
    long = b"x" * rng.randrange(10, 100_000)
    sent = [
        rng.randbytes(rng.randrange(1, 2_000)),
        b"POST /invocations HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n[",
        b"POST /invocations HTTP/1.1\r\nHost: localhost\r\nContent-Length: -5\r\n\r\n[]",
        b"GET /" + long + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"POST /invocations HTTP/1.1\r\nHost: localhost\r\n"
        b"Transfer-Encoding: chunked\r\n\r\nzz\r\n[]",
        b"GET /ping HTTP/1.1\r\nHost: localhost\r\nX-A: " + long + b"\r\n\r\n",
    ][kind]
    with socket.create_connection(("127.0.0.1", peer.port), timeout=20) as connection:
        with contextlib.suppress(OSError):
            connection.sendall(sent)
            connection.shutdown(socket.SHUT_WR)
        answer = b""
        with contextlib.suppress(ConnectionError):
            while piece := connection.recv(65_536):
                answer += piece
    status = answer[9:12].decode("latin1") if answer.startswith(b"HTTP") else "closed"
    outcome.count(f"no HTTP: {status}")
    if status.startswith("5") or b"Traceback" in answer:
        outcome.bad.append(["garbage", kind, status, answer[:300].decode("latin1")])
