"""What a client may cost that is slow, silent or greedy: memory, time and connections."""

import json
import select
import socket
import subprocess
import sys
import time
from pathlib import Path

import hasty_server
import pytest
import servers

pytestmark = pytest.mark.slow
BODY = json.dumps(["süt"]).encode()
MEGABYTES = 1 << 20


class Hasty:
    """A server that waits half a second for slow clients, and connections to it."""

    def __init__(self, folder):
        self.port = servers.free_port()
        script = Path(hasty_server.__file__)
        self.process = subprocess.Popen([sys.executable, script, folder, str(self.port)],
                                        stderr=subprocess.DEVNULL)  # fmt: skip
        self.opened = []
        servers.wait_until(lambda: self.ping()[0] == 200, "the server")

    def connect(self, *pieces, buffer=None):
        connection = socket.socket()
        if buffer is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        connection.settimeout(10)
        connection.connect(("127.0.0.1", self.port))
        self.opened.append(connection)
        for piece in pieces:
            connection.sendall(piece)
        return connection

    def ping(self):
        """The status of /ping, and the seconds until it came."""
        began = time.monotonic()
        try:
            with socket.create_connection(("127.0.0.1", self.port), 20) as connection:
                connection.sendall(b"GET /ping HTTP/1.1\r\nHost: localhost\r\n\r\n")
                answer = connection.recv(4_096)
        except OSError:
            return None, time.monotonic() - began
        return int(answer[9:12] or 0), time.monotonic() - began

    def ask(self, body=BODY):
        return answer_of(self.connect(head(len(body)), body))

    def memory(self):
        """Bytes of the server in memory, without its children."""
        return int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]) * 4_096

    def close(self):
        while self.opened:
            self.opened.pop().close()

    def stop(self):
        self.close()
        servers.stop(self.process)


def head(size, more=""):
    return (
        f"POST /invocations HTTP/1.1\r\nHost: localhost\r\nContent-Length: {size}\r\n{more}\r\n"
    ).encode()


def answer_of(connection):
    """The status and the parsed body of the next answer; None for what was closed before."""
    received = b""
    try:
        while b"\r\n\r\n" not in received:
            received += (piece := connection.recv(1 << 16))
            if not piece:
                return None, None
        first, body = received.split(b"\r\n\r\n", 1)
        size = int(first.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        while len(body) < size:
            body += connection.recv(1 << 16)
    except ConnectionError:
        return None, None
    return int(first[9:12]), json.loads(body)


def is_closed(connection, seconds):
    """Whether the server closes a connection within this time; what it sends is not kept."""
    limit = time.monotonic() + seconds
    while time.monotonic() < limit:
        if select.select([connection], [], [], max(limit - time.monotonic(), 0))[0]:
            try:
                if not connection.recv(1 << 16):
                    return True
            except ConnectionError:
                return True
    return False


@pytest.fixture(scope="module")
def hasty(folder):
    server = Hasty(folder)
    yield server
    server.stop()


@pytest.fixture(autouse=True)
def _closes_connections(hasty):
    yield
    hasty.close()


def test_a_head_that_is_not_complete_in_time_ends_its_connection(hasty):
    silent = hasty.connect()
    begun = hasty.connect(b"GET /ping HT")
    blank = hasty.connect(b"\r\n")
    again = hasty.connect(head(len(BODY)), BODY)
    assert answer_of(again)[0] == 200
    again.sendall(b"GET /pi")
    # Bytes that trickle in are no better than none.
    trickling = hasty.connect(b"GET /ping HTTP/1.1\r\n")
    limit = time.monotonic() + 4
    try:
        while time.monotonic() < limit:
            trickling.sendall(b"X: y\r\n")
            time.sleep(0.1)
    except ConnectionError:
        pass
    assert time.monotonic() < limit
    for connection in (begun, again):
        status, content = answer_of(connection)
        assert status == 408 and "head" in content["error"]
    assert all(is_closed(connection, 2) for connection in (silent, blank, begun, again))
    assert hasty.ping()[0] == 200


@pytest.mark.parametrize(
    ("pieces", "status", "said"),
    [
        ([b"GET /", b"x" * 20_000], 414, "URL"),
        ([b"GET /ping HTTP/1.1\r\n", *[b"X: y\r\n"] * 200], 431, "more than 100 headers"),
        ([b"GET /ping HTTP/1.1\r\n", *[b"X: " + b"y" * 4_000 + b"\r\n"] * 20], 431, "headers"),
        ([b"GET /ping HTTP/1.1\r\nX: ", *[b"y" * 50_000] * 4], 431, "header"),
        ([b"\r\n" * 50_000], 431, "header"),
        ([b"GET /ping HTTP/7\r\n"], 400, "not valid HTTP"),
        ([head(5)[:-2].replace(b"Content-Length: 5", b"Transfer-Encoding: chunked") + b"\r\n1;",
          *[b"x" * 50_000] * 4], 431, "header"),
        ([head(5)[:-2].replace(b"Content-Length: 5", b"Transfer-Encoding: chunked")
          + b"\r\n1\r\n[\r\n0\r\n", *[b"X: y\r\n"] * 200], 431, "more than 100 headers"),
    ],
    ids=["address", "many", "large", "one", "blank lines", "version", "chunk", "trailer"],
)  # fmt: skip
def test_a_head_is_bounded_and_every_refusal_is_json(hasty, pieces, status, said):
    connection = hasty.connect()
    try:
        for piece in pieces:
            connection.sendall(piece)
    except ConnectionError:
        pass
    found, content = answer_of(connection)
    assert found == status and said in content["error"]
    assert is_closed(connection, 3)


def test_requests_that_wait_on_one_connection_are_bounded(hasty):
    one = b"GET /ping HTTP/1.1\r\nHost: localhost\r\n\r\n"
    assert is_closed(hasty.connect(one * 5_000), 3)
    few = hasty.connect(one * 4)
    time.sleep(0.2)
    assert few.recv(1 << 16).count(b"200 OK") == 4


UPGRADES = [
    "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n",
    "Connection: Upgrade\r\nUpgrade: websocket\r\n",
]


@pytest.mark.parametrize("more", UPGRADES, ids=["h2c", "websocket"])
@pytest.mark.parametrize("pause", [0, 0.1])
def test_a_request_for_another_protocol_is_answered_in_this_one(hasty, more, pause):
    """As curl --http2 and clients of Java send it; bytes of the body are no second request."""
    body = b'["s\xc3\xbct",\n"GET /openapi.json HTTP/1.1\\r\\n"]'
    connection = hasty.connect(head(len(body), more))
    time.sleep(pause)
    connection.sendall(body[:4])
    time.sleep(pause)
    connection.sendall(body[4:] + head(len(BODY)) + BODY)
    status, first = answer_of(connection)
    assert status == 200 and len(first) == 2
    status, second = answer_of(connection)
    assert status == 200 and len(second) == 1


def test_a_body_that_stops_or_trickles_is_refused_in_time(hasty):
    began = time.monotonic()
    stopped = hasty.connect(head(100), b"[")
    chunked = hasty.connect(
        head(0).replace(b"Content-Length: 0", b"Transfer-Encoding: chunked"), b"1\r\n[\r\n"
    )
    trickling = hasty.connect(head(100))
    while not select.select([trickling], [], [], 0)[0] and time.monotonic() - began < 3:
        trickling.sendall(b" ")
        time.sleep(0.1)
    for connection in (stopped, chunked, trickling):
        status, content = answer_of(connection)
        assert status == 408 and "arrived in" in content["error"]
        assert is_closed(connection, 3)  # the rest of the body is not awaited for ever
    assert time.monotonic() - began < 5
    assert hasty.ask()[0] == 200


def test_bodies_one_byte_short_neither_fill_the_memory_nor_keep_others_out(hasty):
    size = 2 * MEGABYTES
    assert hasty.ask(b" " * size + BODY)[0] == 413
    hasty.ask(b" " * (size - 100) + BODY)
    before, most = hasty.memory(), 0
    limit = time.monotonic() + 3
    answered = 0
    while time.monotonic() < limit:
        hasty.connect(head(size), b" " * (size - 1))
        most = max(most, hasty.memory())
        if len(hasty.opened) % 10 == 0:
            answered += hasty.ask()[0] == 200
            assert hasty.ping()[1] < 1
    assert answered >= 1 and len(hasty.opened) > 40
    assert most - before < 130 * MEGABYTES
    time.sleep(1)  # the time within which nothing displaces a body
    assert hasty.ask(b" " * (size - 100) + BODY)[0] == 200


def test_a_client_that_does_not_read_is_dropped(hasty):
    body = json.dumps({"instances": [str(n) for n in range(400)], "top_k": 100}).encode()
    unread = hasty.connect(head(len(body)), body, buffer=4_096)
    servers.wait_until(lambda: select.select([unread], [], [], 0)[0], "the answer")
    time.sleep(4 * hasty_server.PACE)
    received = 0
    try:
        while piece := unread.recv(1 << 20):
            received += len(piece)
    except ConnectionError:
        pass
    else:
        assert not piece
    whole = hasty.connect(head(len(body)), body)
    size = len(json.dumps(answer_of(whole)[1], ensure_ascii=False))
    assert received < size - MEGABYTES
    # A client that reads slowly, but fast enough, gets all of it.
    steady = hasty.connect(head(len(body)), body, buffer=65_536)
    status = steady.recv(12)
    for _ in range(4):
        time.sleep(0.2)
        status += steady.recv(300_000)
    assert status.startswith(b"HTTP/1.1 200")


def test_silent_and_slow_connections_never_keep_a_ping_out(hasty):
    slowest = 0.0
    for number in range(6 * hasty_server.CONNECTIONS):
        begun = (b"", b"GET /ping HT", head(1_000) + b"[")[number % 3]
        hasty.connect(begun)
        if number % 10 == 0:
            status, seconds = hasty.ping()
            slowest = max(slowest, seconds)
            assert status == 200
        if number % 50 == 0:
            assert hasty.ask()[0] == 200
    assert slowest < 1


def test_answers_that_would_be_too_large_are_refused_before_they_are_made(hasty):
    titles = [str(n) for n in range(2_000)]
    status, content = hasty.ask(json.dumps({"instances": titles, "top_k": 100}).encode())
    assert status == 413 and "fewer titles or a smaller top_k" in content["error"]
    few = json.dumps({"instances": titles[:30], "top_k": 100}).encode()
    status, content = hasty.ask(few)
    assert status == 200 and len(content["predictions"][0]["others"]) == 99
