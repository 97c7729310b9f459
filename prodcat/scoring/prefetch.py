"""An iterator that prepares its next item while the caller works on the one before."""

import queue
import threading
from collections.abc import Iterator
from typing import Generic, TypeVar

_Item = TypeVar("_Item")


class Prefetch(Generic[_Item]):
    """A context whose iterator is one item ahead, in a thread of its own.

    Args:
        items: What that thread iterates.  No item may be None.
    """

    def __init__(self, items: Iterator[_Item]) -> None:
        self.items = items
        # An item, the error that came instead, or neither of them at the end.
        self.queue: queue.Queue[tuple[_Item | None, BaseException | None]] = queue.Queue(1)
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._run, name="prodcat-ahead", daemon=True)

    def __enter__(self) -> Iterator[_Item]:
        """Begin."""
        self.thread.start()
        return iter(self)

    def __exit__(self, *_: object) -> None:
        """Stop, whatever is still to come."""
        self.over.set()
        while self.thread.is_alive():
            try:
                self.queue.get(timeout=0.05)
            except queue.Empty:
                continue
            self.queue.task_done()
        self.thread.join()

    def __iter__(self) -> Iterator[_Item]:
        """Each item, or the error that came instead."""
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
                self.queue.join()  # no further ahead than that: what waits takes memory
                if self.over.is_set():
                    return
        except BaseException as error:
            self.queue.put((None, error))
        else:
            self.queue.put((None, None))
