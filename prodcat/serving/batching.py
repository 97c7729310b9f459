"""Batch the titles of many requests for one device.

One thread uses the device.  Whenever the device is free, the thread takes some titles of each
waiting request to one model, and classifies them in one batch.  So a request need not wait for
others at low load, and batches are full at high load.  Each request gets an equal share of the
time of a batch, as titles have three to ten thousand letters.  A request that would wait too long
is refused when it arrives.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from weakref import WeakKeyDictionary

from torch import Tensor

from prodcat.classifier.inference import BatchInference
from prodcat.decisions.answers import Answers, join_answers
from prodcat.errors import is_fault
from prodcat.serving.refusal import Refusal, too_late
from prodcat.serving.title_costs import Speed, TitleCosts, costs_of
from prodcat.serving.waiting_requests import (
    BatchLimits,
    Question,
    WaitingRequest,
    answer_batch,
)

_PATIENCE = 50.0  # seconds
_BATCH_SECONDS = 0.5  # maximum duration of a batch, so that new requests soon get their turn
_MANY_LETTERS = 4_000  # minimum letters of a batch to measure the speed of preparing
_LEAST = 32  # usual titles that a batch may have, even if it then takes longer
_LINGER = 0.1  # time to wait for the clients' next requests, as a share of the last batch's time
_MOST_LINGER = 0.02  # seconds
logger = logging.getLogger("prodcat")


class Batcher:
    """Queues requests, and answers them in batches with one thread that uses the device.

    Args:
        most_waiting: Maximum number of titles that may wait; further requests are refused.
        batch: Maximum number of titles in a batch; fewer if it would take over half a second.
        piece: Maximum number of usual titles of one request in a batch if many requests wait.
        most_wait: Maximum seconds that a request may wait for others, or twice its own duration if
            that is longer; other requests are refused.
        starts_thread: Whether to start a thread that answers requests; if false, a thread must
            call :meth:`run`.
        on_batch: Called after each batch with its number of titles and its duration in seconds.
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
        self._waiting: deque[WaitingRequest] = deque()
        self._titles = 0
        # Measured on large batches; a title that is answered alone takes longer.
        self._speeds: WeakKeyDictionary[BatchInference, Speed] = WeakKeyDictionary()
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
        question: Question,
        patience: float = _PATIENCE,
        expected: float = 0.0,
        costs: TitleCosts | None = None,
        margins: Tensor | None = None,
    ) -> "Future[Answers]":
        """Queue a request, and return a future of its answers.

        Args:
            inference: The model's batch inference.
            question: What is asked about at least one title.
            patience: Time, in seconds from now, after which the request is refused.
            expected: Expected seconds for a title; used until this model has answered a batch.
            costs: The sizes of the titles; computed here if None.
            margins: float32 [title, choice]: the n-grams' margins of the titles if they are known
                already; the encoder then reads every title.

        Returns:
            A future of one answer for each title, in CPU memory.  It raises :class:`Refusal` with
            status 503 if the request waited too long, or the error of the model.

        Raises:
            Refusal: With status 429 if too many titles wait, or 503 if the batcher is closed.
        """
        costs = costs or costs_of(inference, question.texts)
        deadline = time.monotonic() + patience
        work = WaitingRequest(inference, question, costs, margins, deadline)
        with self._changed:
            self._check(inference, costs, patience, expected)
            self._waiting.append(work)
            self._titles += len(work)
            self._changed.notify()
        return work.answered

    def check(self, inference: BatchInference, costs: TitleCosts, expected: float) -> None:
        """Refuse a request that would not be taken now.

        Args:
            inference: The model's batch inference.
            costs: The sizes of the titles.
            expected: Expected seconds for a title; used until this model has answered a batch.

        Raises:
            Refusal: As for :meth:`submit`.
        """
        with self._changed:
            self._check(inference, costs, _PATIENCE, expected)

    def _check(
        self, inference: BatchInference, costs: TitleCosts, patience: float, expected: float
    ) -> None:
        if self._closing:
            raise Refusal(503, "The server is stopping. Try again later.", 1.0)
        titles = len(costs)
        speed = self._speeds.setdefault(inference, Speed.expected(expected))
        itself = speed.seconds(costs, 0, titles)
        wait = self._wait(inference, itself)
        if self._titles and (
            self._titles + titles > max(self.most_waiting, titles)
            or wait > max(self.most_wait, 2 * itself)
            or wait > patience
        ):
            raise Refusal(
                429,
                f"{self._titles:,} titles wait already; this request would wait about "
                f"{wait:.1f} s. Try again later, or send fewer titles per request.",
                max(wait, 0.1),
            )

    def _wait(self, inference: BatchInference, itself: float) -> float:
        """Seconds that a request would wait for others, which takes this many seconds itself."""
        piece = self._piece(inference)
        share = piece * -(-itself // piece)  # seconds that another request gets meanwhile
        wait = sum(min(self._left(other), share) for other in self._waiting)
        return wait + max(self._until - time.monotonic(), 0.0)  # the current batch

    def _left(self, work: WaitingRequest) -> float:
        """Seconds for the titles of a request that are not answered yet."""
        return self._seconds(work, slice(work.done, len(work)))

    def _seconds(self, work: WaitingRequest, rows: slice) -> float:
        """Seconds for a slice of a request's titles."""
        return self._speeds[work.inference].seconds(work.costs, rows.start, rows.stop)

    def _most(self, inference: BatchInference) -> float:
        """The maximum seconds for a batch of this model."""
        usual = self._speeds[inference].usual
        return min(self.batch * usual, max(_BATCH_SECONDS, _LEAST * usual))

    def _piece(self, inference: BatchInference) -> float:
        """The maximum seconds for one request in a batch; more if few requests wait."""
        whole = self._most(inference)
        least = self.piece * self._speeds[inference].usual
        return min(max(least, whole / max(len(self._waiting), 1)), whole)

    def _linger(self) -> None:
        """Wait a moment for the clients of the last batch to send their next requests.

        Otherwise the first of these requests would be answered alone, and the others would wait.
        """
        titles, seconds, end = self._last
        limit = end + min(_LINGER * seconds, _MOST_LINGER)
        while titles > 1 and self._titles < titles and not self._closing:
            left = limit - time.monotonic()
            if left <= 0 or not self._changed.wait(left):
                return

    def close(self, patience: float = 30.0) -> None:
        """Refuse further requests, and wait until the queued ones are answered.

        Args:
            patience: Maximum time to wait, in seconds.
        """
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._ended.wait(patience)

    @property
    def ended(self) -> bool:
        """Whether :meth:`run` has returned, so that no more requests are answered."""
        return self._ended.is_set()

    def run(self) -> None:
        """Answer requests until :meth:`close` was called and none waits."""
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
                    work,
                    Refusal(503, "The server has stopped answering. Try again later.", 1.0),
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
            del (
                late,
                taken,
            )  # otherwise an unloaded model would stay in memory until the next request

    def _turn(self, late: list[WaitingRequest], taken: list[tuple[WaitingRequest, slice]]) -> None:
        for work in late:
            self._end(work, too_late())
        if taken:
            self._run_batch(taken)

    def _take(self) -> tuple[list[WaitingRequest], list[tuple[WaitingRequest, slice]]]:
        """The requests that waited too long, and the slices of requests for the next batch."""
        now = time.monotonic()
        late, kept, taken = [], [], []
        batch: BatchLimits | None = None
        for work in self._waiting:
            if work.answered.cancelled() or now > work.deadline:
                late.append(work)
                continue
            if batch is None:
                speed, most = self._speeds[work.inference], self._most(work.inference)
                batch = BatchLimits(work.inference, speed, self.batch, most)
                piece = self._piece(work.inference)
            count = batch.take(work, piece) if work.inference is batch.inference else 0
            if count:
                taken.append((work, slice(work.done, work.done + count)))
            else:
                kept.append(work)
        # A request that is only partly taken goes to the end of the queue.
        more = [work for work, rows in taken if rows.stop < len(work)]
        self._waiting = deque(kept + more)
        return late, taken

    def _run_batch(self, taken: list[tuple[WaitingRequest, slice]]) -> None:
        """Answer a batch and measure its time; after an error, answer each request separately."""
        began = time.monotonic()
        size = sum(rows.stop - rows.start for _, rows in taken)
        self._until = began + sum(self._seconds(work, rows) for work, rows in taken)
        try:
            prepared = self._answer(taken)
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
        self._learn(taken, prepared - began, seconds)
        self.on_batch(size, seconds)

    def _learn(
        self, taken: list[tuple[WaitingRequest, slice]], preparing: float, seconds: float
    ) -> None:
        """Update the measured speed of a model from a batch, if the batch is large enough.

        Args:
            taken: The requests and their titles in the batch.
            preparing: Seconds that the batch took before the device was used.
            seconds: Seconds that the batch took in all.
        """
        inference = taken[0][0].inference
        size = sum(rows.stop - rows.start for _, rows in taken)
        letters, read = (
            sum(int(counts[rows.stop] - counts[rows.start]) for counts, rows in slices)
            for slices in (
                [(work.costs.letters, rows) for work, rows in taken],
                [(work.costs.read, rows) for work, rows in taken],
            )
        )
        expected = sum(self._seconds(work, rows) for work, rows in taken)
        is_large = 4 * max(size / self.batch, expected / self._most(inference)) >= 1
        self._speeds[inference].learn(
            (seconds - preparing) / read if is_large else None,
            preparing / letters if letters > _MANY_LETTERS else None,
        )

    def _answer(self, taken: list[tuple[WaitingRequest, slice]]) -> float:
        """Answer a batch, and return the monotonic time at which its titles were prepared."""
        answers, prepared = answer_batch(taken)
        for (work, rows), part in zip(taken, answers, strict=True):
            work.parts[rows.start] = part
            work.done = rows.stop
            if not work.left:
                self._end(work, join_answers([work.parts[place] for place in sorted(work.parts)]))
        return prepared

    def _end(self, work: WaitingRequest, outcome: Answers | BaseException) -> None:
        with self._changed:
            if work.ended:
                return
            work.ended = True
            self._titles -= len(work)
        with suppress(InvalidStateError):  # the client may disconnect at any moment
            if isinstance(outcome, BaseException):
                work.answered.set_exception(outcome)
            else:
                work.answered.set_result(outcome)
