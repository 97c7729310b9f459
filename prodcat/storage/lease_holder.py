"""The process that holds a lease, and whether it is still alive."""

import os
import socket
import time
import uuid
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from prodcat.storage.document import json_bytes, printable, read_document

BYTES = 1024  # size of each lease's file; always the same, so that it can be rewritten in place


@dataclass(frozen=True)
class Holder:
    """The process that holds a lease.

    Attributes:
        token: A random text that no other holder has.
        host: The name of the process's machine, for messages.
        pid: The process's id on that machine.
        since: When the lease was taken, by the clock of that machine, for messages.
        machine: A text that all processes share that can see each other's ids; empty if unknown.
        started: When the process started, in clock ticks since its machine was booted, as text;
            empty if unknown.
        count: The number of signs of life so far.
        seconds: When the last sign of life was given, in seconds of the machine's monotonic clock.
    """

    token: str
    host: str
    pid: int
    since: str
    machine: str
    started: str
    count: int
    seconds: float

    @classmethod
    def of_this_process(cls) -> "Holder":
        """A new holder that stands for this process."""
        pid = os.getpid()
        return cls(
            token=uuid.uuid4().hex,
            host=socket.gethostname()[:64],
            pid=pid,
            since=f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC",
            machine=_machine(),
            started=_started(pid) or "",
            count=0,
            seconds=time.monotonic(),
        )

    @classmethod
    def parse(cls, content: bytes) -> "Holder | None":
        """Parse the content of a lease's file; return None if it is damaged."""
        try:
            body = read_document(content, "A lease", limit=BYTES)
            holder = cls(**body)
        except (TypeError, ValueError):
            return None
        typed = all(type(getattr(holder, field.name)) is field.type for field in fields(cls))
        return holder if typed and 0 < holder.pid < 1 << 31 else None

    def content(self) -> bytes:
        """The content of a lease's file that names this holder: ``BYTES`` bytes."""
        return json_bytes(asdict(self), ascii=True).ljust(BYTES)

    def beat(self) -> "Holder":
        """A copy of the holder with one more sign of life, given now."""
        return replace(self, count=self.count + 1, seconds=time.monotonic())

    def is_alive(self, expiry: float) -> bool | None:
        """Whether the process is alive; None if this process cannot know that at once.

        It cannot if the holder is on another machine, or in another container.

        Args:
            expiry: Seconds without a sign of life after which a holder counts as dead.
        """
        if not self.machine or self.machine != _machine():
            return None
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:  # it exists, and belongs to another user
            pass
        started = _started(self.pid)
        if started is None:
            return None
        return started == self.started and 0 <= time.monotonic() - self.seconds < expiry

    def __str__(self) -> str:
        return printable(f"process {self.pid} on {self.host} since {self.since}")


@cache
def _machine() -> str:
    """A text that is the same for all processes that see each other's ids and share a clock.

    Returns:
        The id of the machine's boot and that of the namespace of processes; empty if unknown.
    """
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return ""


def _started(pid: int) -> str | None:
    """When a process started, in clock ticks since the machine was booted, as text.

    Returns:
        An empty text if the process has ended; None if the time cannot be read.
    """
    try:
        fields_of_stat = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return None
    return "" if fields_of_stat[0] in (b"Z", b"X") else fields_of_stat[19].decode()
