"""Clients that are slow, silent or greedy, while others ask for answers and for /ping."""

import contextlib
import json
import random
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from benchmarks.serving.peers import Peer

SILENT = 600  # connections that are opened and never say anything
PAUSE = 0.2  # seconds between two calls of /ping


@dataclass
class Pings:
    """What /ping answered while the server was attacked.

    Attributes:
        seconds: How long each answer took.
        failures: Calls that were not answered with 200.
    """

    seconds: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


@contextlib.contextmanager
def watched(peer: Peer) -> Iterator[Pings]:
    """Call /ping again and again, on a new connection each time."""
    pings, stopped = Pings(), threading.Event()

    def watch() -> None:
        while not stopped.wait(PAUSE):
            began = time.perf_counter()
            status, _ = peer.ask(None, "/ping", "GET", timeout=20)
            pings.seconds.append(time.perf_counter() - began)
            if status != 200:
                pings.failures.append(str(status))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield pings
    finally:
        stopped.set()
        thread.join()


@contextlib.contextmanager
def attacked(peer: Peer) -> Iterator[list[int]]:
    """Attack a server in all ways at once; yields how many attacks there were so far."""
    stopped, counts = threading.Event(), [0]
    ways: list[Callable[[Peer, random.Random, threading.Event], None]] = [
        send_almost_all, send_headers_slowly, leave_answers_unread, send_repeated_parquet,
        send_many_headers, send_letters,
    ]  # fmt: skip

    def attack(number: int) -> None:
        rng = random.Random(number)
        while not stopped.is_set():
            with contextlib.suppress(OSError):
                ways[number % len(ways)](peer, rng, stopped)
            counts[0] += 1

    silent: list[socket.socket] = []
    for _ in range(SILENT):
        with contextlib.suppress(OSError):
            silent.append(socket.create_connection(("127.0.0.1", peer.port), timeout=5))
    threads = [threading.Thread(target=attack, args=(number,)) for number in range(2 * len(ways))]
    for thread in threads:
        thread.start()
    try:
        yield counts
    finally:
        stopped.set()
        for thread in threads:
            thread.join()
        for connection in silent:
            connection.close()


def _connected(peer: Peer) -> socket.socket:
    return socket.create_connection(("127.0.0.1", peer.port), timeout=5)


def _head(size: int, kind: str = "application/json") -> bytes:
    return (
        f"POST {{}} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {kind}\r\n"
        f"Content-Length: {size}\r\n\r\n"
    ).encode()


def _post(peer: Peer, size: int, kind: str = "application/json") -> bytes:
    return _head(size, kind).replace(b"{}", peer.path.encode())


def send_almost_all(peer: Peer, rng: random.Random, stopped: threading.Event) -> None:
    """A body of some megabytes, of which the last byte does not come."""
    size = rng.randrange(1 << 20, 6 << 20)
    with _connected(peer) as connection:
        connection.sendall(_post(peer, size) + b" " * (size - 1))
        stopped.wait(8)


def send_headers_slowly(peer: Peer, rng: random.Random, stopped: threading.Event) -> None:
    """A header of which a byte comes now and then."""
    with _connected(peer) as connection:
        connection.sendall(b"POST /invocations HTTP/1.1\r\nHost: localhost\r\n")
        for _ in range(30):
            connection.sendall(b"X")
            if stopped.wait(0.5):
                return


def leave_answers_unread(peer: Peer, rng: random.Random, stopped: threading.Event) -> None:
    """A small request with a large answer, which nobody reads."""
    body = json.dumps({"inputs": ["a"] * 2_000, "top_k": 40}).encode()
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        connection.settimeout(5)
        connection.connect(("127.0.0.1", peer.port))
        connection.sendall(_post(peer, len(body)) + body)
        stopped.wait(8)


def send_repeated_parquet(peer: Peer, rng: random.Random, stopped: threading.Event) -> None:
    """A small Parquet file with one text many million times, from a client that goes at once."""
    body = _repeated_parquet()
    with _connected(peer) as connection:
        connection.sendall(_post(peer, len(body), "application/x-parquet") + body)
        if rng.random() < 0.5:
            connection.recv(100)
    stopped.wait(0.05)


def _repeated_parquet() -> bytes:
    import io

    import pyarrow as pa
    import pyarrow.parquet as pq

    lists = pa.array([["süt"] * 2_000_000], pa.list_(pa.string()))
    out = io.BytesIO()
    pq.write_table(pa.table({"title": lists}), out, compression="none")
    return out.getvalue()


def send_many_headers(peer: Peer, rng: random.Random, stopped: threading.Event) -> None:
    """Headers without an end."""
    with _connected(peer) as connection:
        connection.sendall(b"GET /ping HTTP/1.1\r\nHost: localhost\r\n")
        for number in range(2_000):
            connection.sendall(f"X-{number}: {'y' * 1_000}\r\n".encode())
            if stopped.is_set():
                return


def send_letters(peer: Peer, rng: random.Random, stopped: threading.Event) -> None:
    """Titles of ten thousand random letters each."""
    letters = "abcdefghijklmnopqrstuvwxyz "
    titles = ["".join(rng.choices(letters, k=10_000)) for _ in range(100)]
    status, _ = peer.ask(json.dumps(titles).encode(), timeout=60)
    if status == 429:
        stopped.wait(0.2)
