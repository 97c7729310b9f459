"""SIGTERM as an event that a job can poll, so that it can save its state before it ends."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def told_to_stop(listens: bool = True) -> Iterator[threading.Event]:
    """A context manager that yields an event, which SIGTERM sets during the context.

    Args:
        listens: Whether to handle SIGTERM; otherwise nothing sets the event.  Outside of the main
            thread, SIGTERM is never handled.
    """
    stop = threading.Event()
    if not listens or threading.current_thread() is not threading.main_thread():
        yield stop
        return
    before = signal.signal(signal.SIGTERM, lambda number, frame: stop.set())
    try:
        yield stop
    finally:
        signal.signal(signal.SIGTERM, before)
