"""What may crash: it ends a child, and the server goes on."""

import base64
import concurrent.futures
import contextlib
import io
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import servers

from prodcat.serving.isolated import Deadline, IsolatedFunction
from prodcat.serving.refusal import Refusal


def test_what_crashes_its_reader_is_refused_and_the_next_one_is_read(server, titles):
    own = IsolatedFunction("faulthandler:_sigsegv", "It did not survive.")
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


def test_a_child_answers_until_nothing_more_comes():
    """What the child does, seen from the other end of its pipes."""
    out = io.BytesIO()
    pq.write_table(pa.table({"title": ["a", "b"]}), out)
    child = subprocess.Popen(
        [sys.executable, "-m", "prodcat.serving.isolated",
         "prodcat.serving.parquet_bodies:parquet_texts"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    answers = []
    for body in (out.getvalue(), b"PAR1"):
        message = json.dumps([base64.b64encode(body).decode(), [], 10_000, 10]).encode()
        child.stdin.write(len(message).to_bytes(8, "big") + message)
        child.stdin.flush()
        answers.append(json.loads(child.stdout.read(int.from_bytes(child.stdout.read(8), "big"))))
    assert answers[0] == {"value": {"title": ["a", "b"]}}
    assert answers[1]["status"] == 400 and "not a Parquet table" in answers[1]["reason"]
    assert child.communicate()[0] == b"" and child.returncode == 0


def table(titles):
    out = io.BytesIO()
    pq.write_table(pa.table({"title": titles}), out)
    return out.getvalue()


def test_a_good_body_survives_the_end_of_the_child_that_reads_it(server, titles):
    body = table(titles[:3])
    assert server.ask(body, "application/x-parquet").status_code == 200
    for child in servers.children(server.process.pid):
        os.kill(child, signal.SIGSTOP)  # so that it ends while it has the body
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        asked = pool.submit(server.ask, body, "application/x-parquet")
        time.sleep(0.3)
        for child in servers.children(server.process.pid):
            os.kill(child, signal.SIGKILL)
        assert asked.result().status_code == 200
    assert server.ask(body, "application/x-parquet").status_code == 200


def test_slow_children_keep_no_other_body_waiting_and_what_is_abandoned_is_never_read(
    server, titles
):
    body = table(titles[:3])
    assert server.ask(body, "application/x-parquet").status_code == 200
    head = (
        f"POST /invocations HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n"
        "Content-Type: application/x-parquet\r\n\r\n"
    )
    stopped = servers.children(server.process.pid)
    for child in stopped:
        os.kill(child, signal.SIGSTOP)
    try:
        for _ in range(40):
            with socket.create_connection(("127.0.0.1", server.port)) as gone:
                gone.sendall(head.encode() + body)
        began = time.monotonic()
        assert server.ask([f"{title} {n}" for title in titles for n in range(10)]).is_success
        assert time.monotonic() - began < 5
    finally:
        for child in stopped:
            os.kill(child, signal.SIGCONT)
    began = time.monotonic()
    servers.wait_until(
        lambda: server.ask(body, "application/x-parquet").status_code == 200, "its turn", 10
    )


def test_a_child_has_little_memory_and_little_time(server, titles):
    assert server.ask(table(titles[:3]), "application/x-parquet").status_code == 200

    def are_limited():
        limits = [Path(f"/proc/{child}/limits").read_text()
                  for child in servers.children(server.process.pid)]  # fmt: skip
        return all("Max address space         unlimited" not in text for text in limits)

    servers.wait_until(are_limited, "the import of the libraries")
    for child in servers.children(server.process.pid):
        size = int(Path(f"/proc/{child}/statm").read_text().split()[0]) * 4_096
        limits = Path(f"/proc/{child}/limits").read_text().splitlines()
        [memory] = [line.split()[3] for line in limits if line.startswith("Max address space")]
        [seconds] = [line.split()[3] for line in limits if line.startswith("Max cpu time")]
        assert size < int(memory) < size + (1 << 30) + (64 << 20)
        assert int(seconds) < 60


def test_a_child_ends_soon_after_the_client_of_its_call_has_gone(server, titles):
    body = table(titles[:3])
    assert server.ask(body, "application/x-parquet").status_code == 200
    head = (
        f"POST /invocations HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n"
        "Content-Type: application/x-parquet\r\n\r\n"
    )
    stopped = set(servers.children(server.process.pid))
    for child in stopped:
        os.kill(child, signal.SIGSTOP)  # as if the body took it long
    try:
        with socket.create_connection(("127.0.0.1", server.port)) as gone:
            gone.sendall(head.encode() + body)
            time.sleep(0.2)
        servers.wait_until(
            lambda: not stopped <= set(servers.children(server.process.pid)), "its end", 3
        )
    finally:
        for child in stopped:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGCONT)
    assert server.ask(body, "application/x-parquet").status_code == 200


def test_a_call_whose_caller_gives_up_has_half_a_second():
    calls = IsolatedFunction("builtins:eval", "It did not survive.")
    try:
        assert calls(b"6 * 7") == 42
        [child] = calls._idle
        deadline = Deadline(60)
        began = time.monotonic()
        threading.Timer(0.1, deadline.give_up).start()
        with pytest.raises(Refusal):
            calls(b"__import__('time').sleep(9)", deadline=deadline)
        assert 0.4 < time.monotonic() - began < 3 and child.returncode == -signal.SIGKILL
        with pytest.raises(Refusal):  # it is not even begun
            calls(b"6 * 7", deadline=deadline)
        assert calls(b"6 * 7") == 42  # in a new child, whose start may take longer than the calls
        [child] = calls._idle
        brief = Deadline(60)
        threading.Timer(0.02, brief.give_up).start()
        calls(b"__import__('time').sleep(0.1)", deadline=brief)  # its child need not be replaced
        assert calls._idle == [child]
        assert child.poll() is None
    finally:
        calls.close()


def test_the_server_itself_loads_no_library_for_parquet(server, titles):
    answer = server.ask(table(titles[:3]), "application/x-parquet", Accept="application/x-parquet")
    assert answer.status_code == 200 and pq.read_table(io.BytesIO(answer.content)).num_rows == 3
    assert "arrow" not in Path(f"/proc/{server.process.pid}/maps").read_text()


def test_a_call_that_takes_too_long_ends_its_child_alone():
    waits = IsolatedFunction("prodcat.serving.parquet_bodies:parquet_texts", "It took too long.")
    try:
        with pytest.raises(Refusal) as caught:
            waits(
                b"", [], 10, 10, deadline=Deadline(0.05)
            )  # not even the libraries are imported by then
        assert caught.value.status == 503
        assert waits(table(["a"]), [], 10_000, 10) == {"title": ["a"]}
    finally:
        waits.close()
