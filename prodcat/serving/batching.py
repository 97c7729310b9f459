"""Many requests, one device: titles of all of them in batches, each request in its time.

A thread owns the device.  Whenever it is free it takes what waits, a piece of each request of
one model, and reads all of that at once: at low load a title is alone and waits for nobody, at
high load batches are full.  What would wait too long is refused when it comes.
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

from prodcat.classifier.inference import Inference
from prodcat.decisions.answers import Answers, join_answers
from prodcat.decisions.decider import Decide
from prodcat.errors import is_fault
from prodcat.serving.refusal import Refusal

_PATIENCE = 50.0
_BATCH_SECONDS = 0.5  # of a batch, so that nobody waits for long for the next one
_LEAST = 32  # titles of a batch that is worth the name, whatever it takes
_LINGER = 0.1  # of the time of the last batch, for those whom it answered to come again
_MOST_LINGER = 0.02
logger = logging.getLogger("prodcat")


@dataclass
class _Work:
    """A request on its way."""

    inference: Inference
    texts: Sequence[str]
    decide: Decide
    groups: Sequence[str] | None
    deadline: float
    answered: "Future[Answers]" = field(default_factory=Future)
    parts: dict[int, Answers] = field(default_factory=dict)  # by their first title
    done: int = 0
    ended: bool = False

    @property
    def left(self) -> int:
        return len(self.texts) - self.done


class Batcher:
    """A device's thread and what waits for it.

    Args:
        most_waiting: Titles; what comes beyond is refused.
        batch: Titles that are read at once, at most; fewer where these would take over
            half a second.
        piece: Of one request where there are many, so that a long one does not keep all others
            waiting.
        most_wait: Seconds that others may keep a request waiting, or twice what it takes itself
            where that is more; what would wait longer is refused.
        own_thread: Whether it reads in a thread of its own; otherwise whoever calls :meth:`run`
            lends it one.
        told: Told of each batch: how many titles, and how many seconds.
    """

    def __init__(
        self,
        most_waiting: int = 8_192,
        batch: int = 256,
        piece: int = 64,
        most_wait: float = 1.5,
        own_thread: bool = True,
        told: Callable[[int, float], None] = lambda titles, seconds: None,
    ) -> None:
        self.most_waiting, self.batch, self.piece, self.told = most_waiting, batch, piece, told
        self.most_wait = most_wait
        self._waiting: deque[_Work] = deque()
        self._titles = 0
        # For a title in a batch of many, lately: what is alone takes longer and says nothing of
        # how long many will take.
        self._seconds: WeakKeyDictionary[Inference, float] = WeakKeyDictionary()
        self._until = 0.0  # when what is being read will be
        self._last: tuple[int, float, float] = (0, 0.0, 0.0)  # titles, seconds, end
        self._closing = False
        self._changed = threading.Condition()
        self._ended = threading.Event()
        if own_thread:
            threading.Thread(target=self.run, name="prodcat-device", daemon=True).start()

    @property
    def waiting(self) -> int:
        """Titles that wait or are being read."""
        return self._titles

    def submit(
        self,
        inference: Inference,
        texts: Sequence[str],
        decide: Decide,
        groups: Sequence[str] | None = None,
        patience: float = _PATIENCE,
        expected: float = 0.0,
    ) -> "Future[Answers]":
        """Ask for answers.

        Args:
            inference: Of the model.
            texts: At least one.
            decide: See :meth:`Classifier.decision`.
            groups: Of the texts, where something is promised by group.
            patience: Seconds after which an answer is of no use.
            expected: Seconds for a title, where nothing is known of this model yet.

        Returns:
            The answers on the host, or a :class:`Refusal`: 503 where it was not read in time.

        Raises:
            Refusal: 429: too much waits already.
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

    def _wait(self, inference: Inference, size: int) -> tuple[float, float]:
        """Seconds for which others would keep so many titles waiting, and that they take."""
        piece = self._piece(inference)
        share = piece * -(-size // piece)  # of others, while these are read
        wait = sum(
            min(work.left, share) * self._seconds.get(work.inference, 0.0) for work in self._waiting
        )
        wait += max(self._until - time.monotonic(), 0.0)  # what is being read
        return wait, size * self._seconds.get(inference, 0.0)

    def _most(self, inference: Inference) -> int:
        """How many titles are read at once."""
        seconds = self._seconds.get(inference)
        if not seconds:
            return self.batch
        return min(self.batch, max(int(_BATCH_SECONDS / seconds), _LEAST))

    def _piece(self, inference: Inference) -> int:
        """How much of one request is read at once: few requests share a batch whole."""
        whole = self._most(inference)
        return min(max(self.piece, whole // max(len(self._waiting), 1)), whole)

    def _linger(self) -> None:
        """Let those whom the last batch answered come again before the next one begins.

        They would otherwise be split: whoever is first is read alone, and the others wait for it.
        """
        titles, seconds, end = self._last
        limit = end + min(_LINGER * seconds, _MOST_LINGER)
        while titles > 1 and self._titles < titles and not self._closing:
            left = limit - time.monotonic()
            if left <= 0 or not self._changed.wait(left):
                return

    def close(self, patience: float = 30.0) -> None:
        """Take nothing more, and answer what is there."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._ended.wait(patience)

    @property
    def ended(self) -> bool:
        """Whether nothing is read any more."""
        return self._ended.is_set()

    def run(self) -> None:
        """Answer until it is closed and nothing waits."""
        try:
            self._run()
        finally:
            self._ended.set()
            with self._changed:
                self._closing = True
                left = list(self._waiting)
                self._waiting.clear()
            for work in left:
                self._end(work, Refusal(503, "The server cannot read any more.", 1.0))

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
            del late, taken  # a model that is dropped while nothing is asked for can go

    def _turn(self, late: list[_Work], taken: list[tuple[_Work, slice]]) -> None:
        for work in late:
            self._end(work, Refusal(503, "It was not this request's turn in time.", 1.0))
        if taken:
            self._read(taken)

    def _take(self) -> tuple[list[_Work], list[tuple[_Work, slice]]]:
        """What is too late, and a piece of each request of the model whose turn it is."""
        now = time.monotonic()
        late, kept, taken = [], [], []
        size = 0
        first: Inference | None = None
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
        # What was not read to its end waits behind the others.
        more = [work for work, rows in taken if rows.stop < len(work.texts)]
        self._waiting = deque(kept + more)
        return late, taken

    def _read(self, taken: list[tuple[_Work, slice]]) -> None:
        began = time.monotonic()
        inference = taken[0][0].inference
        size = sum(rows.stop - rows.start for _, rows in taken)
        self._until = began + size * self._seconds.get(inference, 0.0)
        try:
            self._answer(taken)
        except BaseException as error:
            if not is_fault(error):
                raise
            if len(taken) > 1:  # one of them may be the reason
                for one in taken:
                    if not one[0].ended:
                        self._read([one])
                return
            logger.exception("A batch could not be read.")
            with self._changed:
                self._waiting = deque(work for work in self._waiting if work is not taken[0][0])
            self._end(taken[0][0], error)
            return
        seconds = time.monotonic() - began
        self._last = size, seconds, time.monotonic()
        if 4 * size >= self._most(inference):
            lately = self._seconds.get(inference, seconds / size)
            self._seconds[inference] = 0.8 * lately + 0.2 * seconds / size
        self.told(size, seconds)

    def _answer(self, taken: list[tuple[_Work, slice]]) -> None:
        inference = taken[0][0].inference
        texts = [text for work, rows in taken for text in work.texts[rows]]
        with torch.inference_mode():
            log_probs = inference.log_probs(inference.ready(texts))
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
        with suppress(InvalidStateError):  # who asked may have gone, this very moment too
            if isinstance(outcome, BaseException):
                work.answered.set_exception(outcome)
            else:
                work.answered.set_result(outcome)
