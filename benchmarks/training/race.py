"""Processes that take turns on one machine, so that a slow moment is slow for all of them."""

import json
import os
import signal
import subprocess
import threading
import time
from dataclasses import dataclass, field

SLICE = 20.0  # seconds of a turn


@dataclass
class Runner:
    """One process and the turns that it had.

    Attributes:
        name: Who it is.
        command: How it is started; it prints one JSON line with ``event`` and ``clock`` each.
        most: Seconds of turns after which it is ended; None lets it end by itself.
        events: What it has said, with ``active``: the seconds of its own turns until then.
    """

    name: str
    command: list[str]
    most: float | None = None
    process: subprocess.Popen | None = None
    turns: list[list[float]] = field(default_factory=list)
    events: list[dict] = field(default_factory=list)

    def active(self, until: float) -> float:
        return sum(max(min(end, until) - start, 0.0) for start, end in self.turns)

    def start(self, environment: dict[str, str]) -> None:
        self.process = subprocess.Popen(
            self.command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            start_new_session=True, env=environment,
        )  # fmt: skip
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        for line in self.process.stdout:
            if line.startswith('{"event"'):
                self.events.append(json.loads(line))

    def turn(self, environment: dict[str, str]) -> bool:
        """Run for a slice; whether it goes on after it."""
        self.turns.append([time.monotonic(), float("inf")])
        if self.process is None:
            self.start(environment)
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

    def told(self) -> list[dict]:
        return [{**own, "active": self.active(own["clock"])} for own in self.events]


def race(lanes: list[list[Runner]], environment: dict[str, str]) -> None:
    """Let the lanes take turns; in a lane, one runner follows the other."""
    waiting = [list(lane) for lane in lanes]
    try:
        while any(waiting):
            for lane in waiting:
                if lane and not lane[0].turn(environment):
                    lane.pop(0)
    finally:
        for lane in lanes:
            for runner in lane:
                if runner.process is not None and runner.process.poll() is None:
                    os.killpg(runner.process.pid, signal.SIGKILL)
    time.sleep(0.5)  # until the last lines are read
