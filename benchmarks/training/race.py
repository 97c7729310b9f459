"""Processes that take turns on one machine, so that a slow moment is slow for all of them."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from benchmarks.training.events import Event, read_event

SLICE = 20.0  # seconds of a turn


@dataclass
class Runner:
    """One process and the turns that it had.

    Attributes:
        name: The runner's name.
        command: How it is started; it prints events, see :mod:`benchmarks.training.events`.
        most: Seconds of turns after which it is ended; None lets it end by itself.
        environment: Variables besides those of this process.
        process: The process once it has started.
        turns: Start and end of each turn, on the monotonic clock.
        events: The events that it has printed.
    """

    name: str
    command: list[str]
    most: float | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    process: "subprocess.Popen[str] | None" = None
    turns: list[list[float]] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)

    def active(self, until: float) -> float:
        """Seconds of its own turns until a moment."""
        return sum(max(min(end, until) - start, 0.0) for start, end in self.turns)

    def start(self) -> "subprocess.Popen[str]":
        """Start the process, and a thread that reads its events."""
        process = subprocess.Popen(
            self.command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            start_new_session=True, env={**os.environ, **self.environment},
        )  # fmt: skip
        threading.Thread(target=self._listen, args=(process.stdout,), daemon=True).start()
        return process

    def _listen(self, lines: Any) -> None:
        for line in lines:
            event = read_event(line)
            if event is not None:
                self.events.append(event)

    def turn(self) -> bool:
        """Run for a slice of time.

        Returns:
            Whether the process goes on after it.
        """
        self.turns.append([time.monotonic(), float("inf")])
        if self.process is None:
            self.process = self.start()
        else:
            os.killpg(self.process.pid, signal.SIGCONT)
        deadline = time.monotonic() + SLICE
        while time.monotonic() < deadline and self.process.poll() is None:
            time.sleep(0.05)
        over = self.process.poll() is not None
        if not over:
            os.killpg(self.process.pid, signal.SIGSTOP)
        self.turns[-1][1] = time.monotonic()
        if self.most is not None and self.active(time.monotonic()) >= self.most and not over:
            os.killpg(self.process.pid, signal.SIGKILL)
            over = True
        return not over

    def timed_events(self) -> list[Event]:
        """Its events with ``active``: the seconds of its own turns until then."""
        return [{**event, "active": self.active(event["clock"])} for event in self.events]


def race(lanes: list[list[Runner]]) -> None:
    """Let the lanes take turns; in a lane, one runner follows the other."""
    waiting = [list(lane) for lane in lanes]
    try:
        while any(waiting):
            for lane in waiting:
                if lane and not lane[0].turn():
                    lane.pop(0)
    finally:
        for lane in lanes:
            for runner in lane:
                if runner.process is not None and runner.process.poll() is None:
                    os.killpg(runner.process.pid, signal.SIGKILL)
    time.sleep(0.5)  # until the last lines are read
