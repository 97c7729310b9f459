"""The lines by which a runner of a race says what happens when."""

import json
import time
from typing import Any

Event = dict[str, Any]


def say(event: str, **values: Any) -> None:
    """Print one event as a JSON line, with the system's monotonic clock.

    Whoever started the process can so leave out the time in which it was stopped.
    """
    print(json.dumps({"event": event, "clock": time.monotonic(), **values}), flush=True)


def read_event(line: str) -> Event | None:
    """The event of a line, or None where the line is something else."""
    if not line.startswith('{"event"'):
        return None
    event: Event = json.loads(line)
    return event


def of_kind(events: list[Event], kind: str) -> list[Event]:
    """The events of one kind, in their order."""
    return [event for event in events if event["event"] == kind]


def seconds_at(events: list[Event], kind: str) -> float:
    """The runner's own seconds at the first event of a kind, NaN if there was none."""
    return next((float(event["active"]) for event in of_kind(events, kind)), float("nan"))


def accuracy_on(events: list[Event], part: str) -> float | None:
    """The final accuracy on ``"validation"`` or ``"test"``, None if it was not measured."""
    judged = of_kind(events, "judged")
    return next((event["accuracy"] for event in judged if event["part"] == part), None)
