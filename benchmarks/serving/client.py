"""A client as light as Python allows; it keeps connections open, sends, and times answers.

    python client.py PORT PATH BODIES once CONCURRENCY SECONDS
    python client.py PORT PATH BODIES closed CONCURRENCY SECONDS
    python client.py PORT PATH BODIES open RATE SECONDS

``BODIES``: a file with one JSON body a line.  Closed: each of so many connections asks again as
soon as it is answered.  Once: the same, and it ends when every body has been sent.  Open: so many
requests a second begin whatever happens to those before.
Prints one JSON object.  It is run as a file, so that nothing else is imported.
"""

import asyncio
import itertools
import json
import sys
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any


class Connection(asyncio.Protocol):
    """One connection: one request at a time."""

    def __init__(self) -> None:
        self.transport: Any = None
        self.waiting: asyncio.Future[tuple[int, bytes]] | None = None
        self.buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """Hand the answer over once all of it is there."""
        self.buffer += data
        head, separator, rest = self.buffer.partition(b"\r\n\r\n")
        if not separator:
            return
        size = 0
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                size = int(line[15:])
        if len(rest) < size:
            return
        self.buffer = b""
        status = int(head[9:12])
        body, waiting, self.waiting = rest[:size], self.waiting, None
        if waiting is not None and not waiting.done():
            waiting.set_result((status, body))

    def connection_lost(self, error: Exception | None) -> None:
        """Fail the request that waits."""
        if self.waiting is not None and not self.waiting.done():
            self.waiting.set_exception(ConnectionError(str(error or "closed")))

    async def ask(self, request: bytes) -> tuple[int, bytes]:
        """Send one request; its status and body."""
        if self.transport.is_closing():
            raise ConnectionError("closed")
        self.waiting = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return await self.waiting


def requests_of(path: str, bodies: Sequence[bytes]) -> list[bytes]:
    """Whole requests, head and body."""
    requests = []
    for body in bodies:
        head = (
            f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            f"Accept: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        requests.append(head.encode() + body)
    return requests


async def connect(port: int) -> Connection:
    """A new connection."""
    loop = asyncio.get_running_loop()
    _, connection = await loop.create_connection(Connection, "127.0.0.1", port)
    return connection


async def ask_in_turn(
    port: int, requests: Iterable[bytes], concurrency: int, seconds: float
) -> tuple[list[float], Counter[int | str], float]:
    """Each of so many connections asks again as soon as it is answered.

    Args:
        port: Where the server listens.
        requests: The requests, of which each connection takes the next one.
        concurrency: The number of connections.
        seconds: After so many seconds no more requests are sent.

    Returns:
        Seconds of each accepted request, how many had each status, and how long it took.
    """
    times: list[float] = []
    statuses: Counter[int | str] = Counter()
    end = time.perf_counter() + seconds
    waiting = iter(requests)

    async def run_connection() -> None:
        connection = await connect(port)
        for request in waiting:
            began = time.perf_counter()
            status: int | str
            try:
                status, _ = await asyncio.wait_for(connection.ask(request), 60)
            except (TimeoutError, OSError) as error:
                status, connection = type(error).__name__, await connect(port)
            statuses[status] += 1
            if status == 200:
                times.append(time.perf_counter() - began)
            else:
                await asyncio.sleep(0.1)
            if time.perf_counter() >= end:
                break
        connection.transport.close()

    began = time.perf_counter()
    await asyncio.gather(*(run_connection() for _ in range(concurrency)))
    return times, statuses, time.perf_counter() - began


async def ask_at_rate(
    port: int, requests: Sequence[bytes], rate: float, seconds: float
) -> tuple[dict[int | str, list[float]], Counter[int | str], float]:
    """So many requests a second begin, whatever happens to those before.

    Returns:
        Seconds of the requests by status, how many had each, and how long sending took.
    """
    times: dict[int | str, list[float]] = {}
    statuses: Counter[int | str] = Counter()
    free: list[Connection] = []
    tasks: set[asyncio.Future[None]] = set()
    began = time.perf_counter()

    async def ask(number: int) -> None:
        start = time.perf_counter()
        status: int | str
        try:
            connection = free.pop() if free else await connect(port)
            request = requests[number % len(requests)]
            status, _ = await asyncio.wait_for(connection.ask(request), 120)
            free.append(connection)
        except (TimeoutError, OSError) as error:
            status = type(error).__name__
        statuses[status] += 1
        times.setdefault(status, []).append(time.perf_counter() - start)

    number = 0
    while time.perf_counter() - began < seconds:
        due = int((time.perf_counter() - began) * rate)
        while number < due:
            task = asyncio.ensure_future(ask(number))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
            number += 1
        await asyncio.sleep(0.001)
    sent = time.perf_counter() - began
    while tasks:
        await asyncio.wait(tasks)
    return times, statuses, sent


def quantile(times: Sequence[float], share: float) -> float | None:
    """The time within which this share was answered, or None if nothing was."""
    ordered = sorted(times)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)] if ordered else None


def measure(
    port: int, path: str, bodies: str, way: str, load: float, seconds: float
) -> dict[str, Any]:
    """Send requests for a time; see the top of this file."""
    lines = Path(bodies).read_bytes().splitlines()
    requests = requests_of(path, lines)
    if way in ("once", "closed"):
        sent = requests if way == "once" else itertools.cycle(requests)
        times, statuses, took = asyncio.run(ask_in_turn(port, sent, int(load), seconds))
        by_status = {}
    else:
        parted, statuses, took = asyncio.run(ask_at_rate(port, requests, load, seconds))
        times = parted.get(200, [])
        by_status = {
            str(status): {
                "p50": quantile(answered, 0.5),
                "p99": quantile(answered, 0.99),
                "most": max(answered),
            }
            for status, answered in parted.items()
        }
    count = sum(statuses.values())
    return {
        "requests": count,
        "seconds": took,
        "sent_rate": count / took,
        "rate": statuses[200] / took,
        "statuses": {str(status): number for status, number in statuses.items()},
        "p50": quantile(times, 0.5),
        "p99": quantile(times, 0.99),
        "by_status": by_status,
    }


if __name__ == "__main__":
    _, port, path, bodies, way, load, seconds = sys.argv
    print(json.dumps(measure(int(port), path, bodies, way, float(load), float(seconds))))
