"""Compute the next item of an iterator in another thread while the caller uses the current one."""

import queue
import threading
from collections.abc import Iterator
from typing import Generic, TypeVar

_Item = TypeVar("_Item")


class Prefetch(Generic[_Item]):
    """A context manager; it returns an iterator whose next item is computed in another thread.

    Args:
        items: The iterator to run in the other thread.  No item may be None.
    """

    def __init__(self, items: Iterator[_Item]) -> None:
        self.items = items
        # Tuples: an item and None, or None and the error of the iterator, or two Nones at the end.
        self.queue: queue.Queue[tuple[_Item | None, BaseException | None]] = queue.Queue(1)
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._run, name="prodcat-ahead", daemon=True)

    def __enter__(self) -> Iterator[_Item]:
        """Start the thread, and return the iterator over the items."""
        self.thread.start()
        return iter(self)

    def __exit__(self, *_: object) -> None:
        """Stop the thread, and discard the remaining items."""
        self.over.set()
        while self.thread.is_alive():
            try:
                self.queue.get(timeout=0.05)
            except queue.Empty:
                continue
            self.queue.task_done()
        self.thread.join()

    def __iter__(self) -> Iterator[_Item]:
        """Yield each item; raise the error that the iterator raised in the thread."""
        while True:
            item, error = self.queue.get()
            self.queue.task_done()
            if error is not None:
                raise error
            if item is None:
                return
            yield item

    def _run(self) -> None:
        try:
            for item in self.items:
                self.queue.put((item, None))
                self.queue.join()  # at most one item waits, as items take memory
                if self.over.is_set():
                    return
        except BaseException as error:
            self.queue.put((None, error))
        else:
            self.queue.put((None, None))
