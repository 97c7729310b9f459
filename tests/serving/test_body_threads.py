"""Bodies are read by size and kind: none waits for a kind that is slow, and none for ever."""

import asyncio
import threading
import time

import event_loops
import pytest

from prodcat.serving.body_threads import BodyThreads
from prodcat.serving.refusal import Refusal

LARGE = 1 << 20


def run(scenario, most_wait=1.5):
    threads = BodyThreads(most_wait)
    try:
        return event_loops.run(asyncio.wait_for(scenario(threads), 20))
    finally:
        threads.end()


def test_a_small_body_waits_for_no_large_one_and_for_no_child():
    free = threading.Event()

    async def scenario(threads):
        until = time.monotonic() + 10
        slow = [
            asyncio.ensure_future(threads.read(free.wait, size, until, isolated))
            for size, isolated in [(LARGE, False)] * 2 + [(100, True)] * 4
        ]
        await asyncio.sleep(0.05)
        assert await threads.read(lambda: "read", 10_000, until) == "read"
        assert await threads.write(lambda: "written", 10_000, until) == "written"
        free.set()
        assert await asyncio.gather(*slow) == [True] * 6

    run(scenario)


def test_a_body_whose_client_has_gone_is_never_read():
    free, read = threading.Event(), []

    async def scenario(threads):
        until = time.monotonic() + 10
        first = asyncio.ensure_future(threads.read(free.wait, LARGE, until))
        gone = asyncio.ensure_future(threads.read(lambda: read.append(1), LARGE, until))
        await asyncio.sleep(0.05)
        gone.cancel()
        await asyncio.sleep(0.05)
        free.set()
        await first
        await threads.read(int, LARGE, until)

    run(scenario)
    assert read == []


def test_a_body_that_would_wait_too_long_or_comes_too_late_is_refused():
    free = threading.Event()

    async def scenario(threads):
        until = time.monotonic() + 10
        for _ in range(5):  # so that it is known how long a body takes
            await threads.read(lambda: time.sleep(0.1), LARGE, until)
        waiting = [asyncio.ensure_future(threads.read(free.wait, LARGE, until))]
        late = asyncio.ensure_future(threads.read(int, LARGE, time.monotonic() + 0.1))
        await asyncio.sleep(0.15)
        refusals = []
        for _ in range(20):
            waiting.append(asyncio.ensure_future(threads.read(int, LARGE, until)))
            await asyncio.sleep(0)
            if waiting[-1].done():
                refusals.append(waiting.pop().exception())
        assert 1 <= len(waiting) < 15
        assert {refusal.status for refusal in refusals} == {429}
        assert all(0 < refusal.retry_after < 5 for refusal in refusals)
        free.set()
        with pytest.raises(Refusal) as caught:
            await late
        assert caught.value.status == 503
        await asyncio.gather(*waiting)

    run(scenario, most_wait=0.3)
