"""SIGTERM as something that can be asked about, for jobs that end in good order."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def told_to_stop(listens: bool = True) -> Iterator[threading.Event]:
    """An event that SIGTERM sets, while it lasts; without listening nothing sets it."""
    stop = threading.Event()
    if not listens or threading.current_thread() is not threading.main_thread():
        yield stop
        return
    before = signal.signal(signal.SIGTERM, lambda number, frame: stop.set())
    try:
        yield stop
    finally:
        signal.signal(signal.SIGTERM, before)
