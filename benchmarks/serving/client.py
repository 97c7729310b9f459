"""A client as light as Python allows: keeps connections open, sends, and times answers.

    python client.py PORT PATH BODIES closed CONCURRENCY SECONDS
    python client.py PORT PATH BODIES open RATE SECONDS

``BODIES``: a file with one JSON body a line.  Closed: each of so many connections asks again as
soon as it is answered.  Open: so many requests a second begin whatever happens to those before.
Prints one JSON object.
"""

import asyncio
import json
import sys
import time
from collections import Counter
from pathlib import Path


class Connection(asyncio.Protocol):
    """One connection: one request at a time."""

    def __init__(self):
        self.transport = None
        self.waiting = None
        self.buffer = b""

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.buffer += data
        head, found, rest = self.buffer.partition(b"\r\n\r\n")
        if not found:
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

    def connection_lost(self, error):
        if self.waiting is not None and not self.waiting.done():
            self.waiting.set_exception(ConnectionError(str(error or "closed")))

    async def ask(self, request):
        if self.transport.is_closing():
            raise ConnectionError("closed")
        self.waiting = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return await self.waiting


def requests_of(path, bodies):
    found = []
    for body in bodies:
        head = (
            f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            f"Accept: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        found.append(head.encode() + body)
    return found


async def connect(port):
    _, own = await asyncio.get_running_loop().create_connection(Connection, "127.0.0.1", port)
    return own


async def closed(port, requests, concurrency, seconds):
    times, statuses = [], Counter()
    end = time.perf_counter() + seconds

    async def one(number):
        own = await connect(port)
        place = number * 7_919
        while time.perf_counter() < end:
            place += 1
            began = time.perf_counter()
            try:
                status, _ = await asyncio.wait_for(own.ask(requests[place % len(requests)]), 60)
            except (TimeoutError, OSError) as error:
                status, own = type(error).__name__, await connect(port)
            statuses[status] += 1
            if status == 200:
                times.append(time.perf_counter() - began)
            else:
                await asyncio.sleep(0.1)
        own.transport.close()

    began = time.perf_counter()
    await asyncio.gather(*(one(number) for number in range(concurrency)))
    return times, statuses, time.perf_counter() - began


async def opened(port, requests, rate, seconds):
    times, statuses, free, tasks = {}, Counter(), [], set()
    began = time.perf_counter()

    async def one(number):
        start = time.perf_counter()
        try:
            own = free.pop() if free else await connect(port)
            status, _ = await asyncio.wait_for(own.ask(requests[number % len(requests)]), 120)
            free.append(own)
        except (TimeoutError, OSError) as error:
            status = type(error).__name__
        statuses[status] += 1
        times.setdefault(status, []).append(time.perf_counter() - start)

    number = 0
    while time.perf_counter() - began < seconds:
        due = int((time.perf_counter() - began) * rate)
        while number < due:
            task = asyncio.ensure_future(one(number))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
            number += 1
        await asyncio.sleep(0.001)
    sent = time.perf_counter() - began
    while tasks:
        await asyncio.wait(tasks)
    return times, statuses, sent


def quantile(times, share):
    own = sorted(times)
    return own[min(int(len(own) * share), len(own) - 1)] if own else None


def main(port, path, bodies, way, load, seconds):
    lines = Path(bodies).read_bytes().splitlines()
    requests = requests_of(path, lines)
    if way == "closed":
        times, statuses, took = asyncio.run(closed(port, requests, int(load), seconds))
        by_status = {}
    else:
        parted, statuses, took = asyncio.run(opened(port, requests, load, seconds))
        times = parted.get(200, [])
        by_status = {
            str(status): {"p50": quantile(own, 0.5), "p99": quantile(own, 0.99), "most": max(own)}
            for status, own in parted.items()
        }
    count = sum(statuses.values())
    return {
        "requests": count,
        "seconds": took,
        "sent_rate": count / took,
        "rate": statuses[200] / took,
        "statuses": {str(own): n for own, n in statuses.items()},
        "p50": quantile(times, 0.5),
        "p99": quantile(times, 0.99),
        "by_status": by_status,
    }


if __name__ == "__main__":
    _, port, path, bodies, way, load, seconds = sys.argv
    print(json.dumps(main(int(port), path, bodies, way, float(load), float(seconds))))
