"""Threads that unpack and parse bodies and write answers; requests wait only so long for them."""

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from prodcat.serving.isolated import CHILDREN
from prodcat.serving.refusal import Refusal, too_late

_LARGE = 128 << 10  # bytes of a job above which it waits only for other large ones
_LATELY = 0.2  # weight of the last job in the running mean of seconds
_Out = TypeVar("_Out")


class _Lane:
    """A thread pool for jobs of one kind, so that they need not wait for jobs of other kinds.

    Attributes:
        load: The size of all jobs that wait or run: in bytes, or in jobs if child processes do the
            work, or for bodies to unpack.
        seconds: Seconds for one byte or one job, as a running mean.
    """

    def __init__(self, name: str, threads: int = 1) -> None:
        self.threads, self.count = ThreadPoolExecutor(threads, f"prodcat-{name}"), threads
        self.load, self.seconds = 0, 0.0
        self._lock = threading.Lock()

    def check(self, load: int, most_wait: float, until: float) -> None:
        """Refuse a job that would wait too long for other jobs."""
        wait = self.load * self.seconds / self.count
        if self.load and wait > min(
            max(most_wait, 2 * load * self.seconds), until - time.monotonic()
        ):
            raise Refusal(
                429,
                f"The request would wait about {wait:.1f} s for other requests. Try again later.",
                max(wait, 0.1),
            )

    def submit(self, call: Callable[[], _Out], load: int, until: float) -> "asyncio.Future[_Out]":
        """Run a job after all earlier ones; its future can be cancelled until the job begins."""

        def timed() -> _Out:
            began = time.monotonic()
            if began > until:
                raise too_late()
            try:
                return call()
            finally:
                seconds = (time.monotonic() - began) / load
                self.seconds += _LATELY * (seconds - self.seconds)

        self._add(load)
        job = self.threads.submit(timed)
        job.add_done_callback(lambda _: self._add(-load))
        return asyncio.wrap_future(job)

    def _add(self, load: int) -> None:
        with self._lock:
            self.load += load


class BodyThreads:
    """Separate threads for small bodies, large ones, packed ones and those for child processes.

    Args:
        most_wait: Maximum time, in seconds, that a body may wait for other bodies, or twice its own
            duration if that is longer; other bodies are refused.
    """

    def __init__(self, most_wait: float) -> None:
        self.most_wait = most_wait
        self._small, self._large = _Lane("small"), _Lane("large")
        self._isolated = _Lane("isolated", CHILDREN)
        self._packed = _Lane("packed")
        # The answers to requests that were accepted do not wait for the bodies of others.
        self._isolated_answers = _Lane("isolated-answers")
        self._reasons = _Lane("reasons")

    async def unpack(self, call: Callable[[], _Out], until: float) -> _Out:
        """Unpack a body in a thread, one at a time; if the caller is cancelled before, it is not.

        Args:
            call: Unpacks the body.
            until: The time on the monotonic clock until which the request must be answered.

        Returns:
            The result of ``call``.

        Raises:
            Refusal: With status 429 if the body would wait too long, or 503 if ``until`` passed
                before unpacking began; or what ``call`` raises.
        """
        self._packed.check(1, self.most_wait, until)
        return await self._packed.submit(call, 1, until)

    async def read(
        self, call: Callable[[], _Out], size: int, until: float, isolated: bool = False
    ) -> _Out:
        """Parse a body in a thread; if the caller is cancelled before, it is not parsed.

        Args:
            call: Parses the body.
            size: The size of the body in bytes.
            until: The time on the monotonic clock until which the request must be answered.
            isolated: Whether ``call`` lets a child process parse the body.

        Returns:
            The result of ``call``.

        Raises:
            Refusal: With status 429 if the body would wait too long, or 503 if ``until`` passed
                before parsing began; or what ``call`` raises.
        """
        lane, load = (self._isolated, 1) if isolated else (self._lane(size), size)
        lane.check(load, self.most_wait, until)
        return await lane.submit(call, load, until)

    async def write(
        self, call: Callable[[], _Out], size: int, until: float, isolated: bool = False
    ) -> _Out:
        """Write an answer in a thread.

        Args:
            call: Writes the answer.
            size: The approximate size of the answer in bytes.
            until: The time on the monotonic clock until which the request must be answered.
            isolated: Whether ``call`` lets a child process write the answer.

        Returns:
            The result of ``call``.

        Raises:
            Refusal: With status 503 if ``until`` passed before writing began; or what ``call``
                raises.
        """
        lane = self._isolated_answers if isolated else self._lane(size)
        return await lane.submit(call, size, until)

    async def explain(self, call: Callable[[], _Out], letters: int, until: float) -> _Out:
        """Explain answers in a thread, those of one request at a time.

        Args:
            call: Explains them.
            letters: The number of letters of the titles, at least 1.
            until: The time on the monotonic clock until which the request must be answered.

        Returns:
            The result of ``call``.

        Raises:
            Refusal: With status 429 if the request would wait too long for others, or 503 if
                ``until`` passed before it began; or what ``call`` raises.
        """
        self._reasons.check(letters, self.most_wait, until)
        return await self._reasons.submit(call, letters, until)

    def _lane(self, size: int) -> _Lane:
        return self._large if size > _LARGE else self._small

    def end(self) -> None:
        """Accept no more jobs; those that were submitted still run."""
        isolated = (self._isolated, self._isolated_answers)
        for lane in (self._small, self._large, self._packed, self._reasons, *isolated):
            lane.threads.shutdown(wait=False)
