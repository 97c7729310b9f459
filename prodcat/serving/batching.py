"""Batch the titles of many requests for one device.

One thread uses the device.  Whenever it is free, it takes a piece of each waiting request of one
model and answers all these titles in one batch: at low load a request does not wait for others, at
high load batches are full.  A request that would wait too long is refused when it arrives.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from prodcat.classifier.inference import BatchInference
from prodcat.decisions.answers import Answers, join_answers
from prodcat.decisions.decider import Decide
from prodcat.errors import is_fault
from prodcat.serving.refusal import Refusal

_PATIENCE = 50.0  # seconds
_BATCH_SECONDS = 0.5  # longest time for a batch, so that new requests soon get their turn
_LEAST = 32  # titles in a batch, even if they take longer
_LINGER = 0.1  # share of the last batch's time to wait for clients to send their next requests
_MOST_LINGER = 0.02  # seconds
logger = logging.getLogger("prodcat")


@dataclass
class _Work:
    """A request that waits or is being answered.

    Attributes:
        inference: The model's batch inference.
        texts: The titles.
        decide: Makes answers of log-probabilities and groups.
        groups: The group of each title, or None.
        deadline: The time after which the answers are of no use, on the monotonic clock.
        answered: The answers to come.
        parts: The answers so far, by the position of their first title.
        done: The number of titles that are answered.
        ended: Whether the request was answered or refused.
    """

    inference: BatchInference
    texts: Sequence[str]
    decide: Decide
    groups: Sequence[str] | None
    deadline: float
    answered: "Future[Answers]" = field(default_factory=Future)
    parts: dict[int, Answers] = field(default_factory=dict)
    done: int = 0
    ended: bool = False

    @property
    def left(self) -> int:
        """The number of titles that are not answered yet."""
        return len(self.texts) - self.done


class Batcher:
    """The thread that uses the device, and the requests that wait for it.

    Args:
        most_waiting: The most titles that may wait; requests beyond that are refused.
        batch: The most titles in a batch; a batch has fewer if it would take over half a second.
        piece: The most titles of one request in a batch when many requests wait, so that a long
            request does not delay all others.
        most_wait: The most seconds that a request may wait for others, or twice its duration if
            that is longer; a request that would wait longer is refused.
        starts_thread: Whether a new thread answers; otherwise the thread that calls :meth:`run`.
        on_batch: Called after each batch with the number of titles and the seconds it took.
    """

    def __init__(
        self,
        most_waiting: int = 8_192,
        batch: int = 256,
        piece: int = 64,
        most_wait: float = 1.5,
        starts_thread: bool = True,
        on_batch: Callable[[int, float], None] = lambda titles, seconds: None,
    ) -> None:
        self.most_waiting, self.batch, self.piece = most_waiting, batch, piece
        self.most_wait, self.on_batch = most_wait, on_batch
        self._waiting: deque[_Work] = deque()
        self._titles = 0
        # Recent seconds for a title in a large batch; a title alone takes longer, so small
        # batches do not count.
        self._seconds: WeakKeyDictionary[BatchInference, float] = WeakKeyDictionary()
        self._until = 0.0  # expected end of the current batch
        self._last: tuple[int, float, float] = (0, 0.0, 0.0)  # titles, seconds, end
        self._closing = False
        self._changed = threading.Condition()
        self._ended = threading.Event()
        if starts_thread:
            threading.Thread(target=self.run, name="prodcat-device", daemon=True).start()

    @property
    def waiting(self) -> int:
        """The number of titles that wait or are being answered."""
        return self._titles

    def submit(
        self,
        inference: BatchInference,
        texts: Sequence[str],
        decide: Decide,
        groups: Sequence[str] | None = None,
        patience: float = _PATIENCE,
        expected: float = 0.0,
    ) -> "Future[Answers]":
        """Ask for answers.

        Args:
            inference: The model's batch inference.
            texts: The titles, at least one.
            decide: Makes answers of log-probabilities; see :meth:`Classifier.decision`.
            groups: The group of each title, if the guarantee depends on it.
            patience: Seconds after which the answers are of no use.
            expected: Expected seconds for a title; used until this model has answered a batch.

        Returns:
            The answers on the host, or a :class:`Refusal` with 503 if they came too late.

        Raises:
            Refusal: 429: too many titles wait already.
        """
        with self._changed:
            if self._closing:
                raise Refusal(503, "The server is stopping. Ask another one.", 1.0)
            if expected:
                self._seconds.setdefault(inference, expected)
            wait, itself = self._wait(inference, len(texts))
            if self._titles and (
                self._titles + len(texts) > max(self.most_waiting, len(texts))
                or wait > max(self.most_wait, 2 * itself)
                or wait > patience
            ):
                raise Refusal(
                    429,
                    f"{self._titles:,} titles wait already, for about {wait:.1f} s. Try again "
                    "later, or ask for fewer at a time.",
                    max(wait, 0.1),
                )
            work = _Work(inference, texts, decide, groups, time.monotonic() + patience)
            self._waiting.append(work)
            self._titles += len(texts)
            self._changed.notify()
        return work.answered

    def _wait(self, inference: BatchInference, size: int) -> tuple[float, float]:
        """Seconds that a request of this size would wait for others, and seconds that it takes."""
        piece = self._piece(inference)
        share = piece * -(-size // piece)  # titles of another request that are answered meanwhile
        wait = sum(
            min(work.left, share) * self._seconds.get(work.inference, 0.0) for work in self._waiting
        )
        wait += max(self._until - time.monotonic(), 0.0)  # the current batch
        return wait, size * self._seconds.get(inference, 0.0)

    def _most(self, inference: BatchInference) -> int:
        """The most titles in a batch of this model."""
        seconds = self._seconds.get(inference)
        if not seconds:
            return self.batch
        return min(self.batch, max(int(_BATCH_SECONDS / seconds), _LEAST))

    def _piece(self, inference: BatchInference) -> int:
        """The most titles of one request in a batch, which few requests fill together."""
        whole = self._most(inference)
        return min(max(self.piece, whole // max(len(self._waiting), 1)), whole)

    def _linger(self) -> None:
        """Wait shortly for the clients of the last batch to send their next requests.

        Otherwise the first of these requests would be answered alone, and the others would wait.
        """
        titles, seconds, end = self._last
        limit = end + min(_LINGER * seconds, _MOST_LINGER)
        while titles > 1 and self._titles < titles and not self._closing:
            left = limit - time.monotonic()
            if left <= 0 or not self._changed.wait(left):
                return

    def close(self, patience: float = 30.0) -> None:
        """Refuse further requests, and answer those that wait.

        Args:
            patience: The most seconds to wait for that.
        """
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._ended.wait(patience)

    @property
    def ended(self) -> bool:
        """Whether the thread has ended, so that no more requests are answered."""
        return self._ended.is_set()

    def run(self) -> None:
        """Answer requests until the batcher is closed and none waits."""
        try:
            self._run()
        finally:
            self._ended.set()
            with self._changed:
                self._closing = True
                left = list(self._waiting)
                self._waiting.clear()
            for work in left:
                self._end(
                    work, Refusal(503, "The server has stopped answering. Ask another one.", 1.0)
                )

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._waiting and not self._closing:
                    self._changed.wait()
                if not self._waiting:
                    return
                self._linger()
                late, taken = self._take()
            self._turn(late, taken)
            del late, taken  # or a dropped model would stay in memory until the next request

    def _turn(self, late: list[_Work], taken: list[tuple[_Work, slice]]) -> None:
        for work in late:
            self._end(
                work, Refusal(503, "The request was not answered in time. Try again later.", 1.0)
            )
        if taken:
            self._run_batch(taken)

    def _take(self) -> tuple[list[_Work], list[tuple[_Work, slice]]]:
        """Requests that are too late, and a piece of each request to the model that is next."""
        now = time.monotonic()
        late, kept, taken = [], [], []
        size = 0
        first: BatchInference | None = None
        most = piece = self.batch
        for work in self._waiting:
            if work.answered.cancelled() or now > work.deadline:
                late.append(work)
                continue
            if first is None:
                first = work.inference
                most, piece = self._most(first), self._piece(first)
            count = min(work.left, piece, most - size)
            if work.inference is first and count > 0:
                taken.append((work, slice(work.done, work.done + count)))
                size += count
            else:
                kept.append(work)
        # A request that is only partly taken goes to the end of the queue.
        more = [work for work, rows in taken if rows.stop < len(work.texts)]
        self._waiting = deque(kept + more)
        return late, taken

    def _run_batch(self, taken: list[tuple[_Work, slice]]) -> None:
        """Answer one batch, and measure its time; after an error, answer each request alone."""
        began = time.monotonic()
        inference = taken[0][0].inference
        size = sum(rows.stop - rows.start for _, rows in taken)
        self._until = began + size * self._seconds.get(inference, 0.0)
        try:
            self._answer(taken)
        except BaseException as error:
            if not is_fault(error):
                raise
            if len(taken) > 1:  # the fault may be in one of the requests
                for one in taken:
                    if not one[0].ended:
                        self._run_batch([one])
                return
            logger.exception("A batch could not be answered.")
            with self._changed:
                self._waiting = deque(work for work in self._waiting if work is not taken[0][0])
            self._end(taken[0][0], error)
            return
        seconds = time.monotonic() - began
        self._last = size, seconds, time.monotonic()
        if 4 * size >= self._most(inference):
            lately = self._seconds.get(inference, seconds / size)
            self._seconds[inference] = 0.8 * lately + 0.2 * seconds / size
        self.on_batch(size, seconds)

    def _answer(self, taken: list[tuple[_Work, slice]]) -> None:
        inference = taken[0][0].inference
        texts = [text for work, rows in taken for text in work.texts[rows]]
        with torch.inference_mode():
            log_probs = inference.log_probs(inference.prepare(texts))
            start = 0
            parts = []
            for work, rows in taken:
                size = rows.stop - rows.start
                groups = None if work.groups is None else work.groups[rows]
                answers = work.decide(log_probs[start : start + size], groups)
                parts.append(answers.each(Tensor.cpu))
                start += size
        for (work, rows), part in zip(taken, parts, strict=True):
            work.parts[rows.start] = part
            work.done = rows.stop
            if not work.left:
                self._end(work, join_answers([work.parts[place] for place in sorted(work.parts)]))

    def _end(self, work: _Work, outcome: Answers | BaseException) -> None:
        with self._changed:
            if work.ended:
                return
            work.ended = True
            self._titles -= len(work.texts)
        with suppress(InvalidStateError):  # the client may disconnect at any moment
            if isinstance(outcome, BaseException):
                work.answered.set_exception(outcome)
            else:
                work.answered.set_result(outcome)
