"""Answer easy titles on the event loop, before the encoder reads any other.

The titles of requests that arrive at the same moment are read by the n-grams together: this takes a
fraction of the time, and no other thread, for which a request would have to wait.  Only small
requests are read here, so that the event loop soon attends to other connections.
"""

import asyncio
import itertools
import logging
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from prodcat.classifier.inference import BatchInference
from prodcat.classifier.sifting import can_sift, sift
from prodcat.decisions.answers import Answers, join_answers
from prodcat.errors import is_fault
from prodcat.serving.refusal import Refusal
from prodcat.serving.title_costs import TitleCosts
from prodcat.serving.waiting_requests import Question, decide_each

_MOST_TITLES = 64  # of a request that is read on the event loop
_MOST_LETTERS = 4_000  # of such a request, and of the requests that are read together
_LETTER = 3e-6  # assumed seconds for a letter, until they are measured
_LATELY = 0.2  # weight of the last titles in the running mean of seconds
logger = logging.getLogger("prodcat")


@dataclass(frozen=True)
class Sifted:
    """What n-grams alone could answer of a request.

    Attributes:
        sure: bool [title]: whether they answered the title.
        answers: The answers to these titles, in their order; may be None if there is none.
        margins: float32 [other title, choice]: the n-grams' margins of the other titles.
    """

    sure: NDArray[np.bool_]
    answers: Answers | None
    margins: Tensor

    @cached_property
    def complete(self) -> Answers | None:
        """The answers to all titles of the request; None if one was left over."""
        return self.answers if self.sure.all() else None

    def joined(self, others: Answers) -> Answers:
        """The answers to all titles of the request, in their order.

        Args:
            others: The answers to the titles of which n-grams alone are not sure.
        """
        if self.answers is None or not self.sure.any():
            return others
        rows = np.argsort(np.concatenate([np.flatnonzero(self.sure), np.flatnonzero(~self.sure)]))
        return join_answers([self.answers, others]).take(torch.from_numpy(rows))


@dataclass(frozen=True)
class _Waiting:
    inference: BatchInference
    question: Question
    letters: int
    sifted: "asyncio.Future[Sifted]"


class Sifter:
    """Lets n-grams read the titles of small requests.  All calls must be on one event loop.

    Args:
        most_wait: Maximum seconds that a request may wait for others.
    """

    def __init__(self, most_wait: float) -> None:
        self.most_wait = most_wait
        self._waiting: deque[_Waiting] = deque()
        self._letters, self._seconds = 0, _LETTER  # letters that wait, and seconds for one

    def takes(self, inference: BatchInference, costs: TitleCosts) -> bool:
        """Whether a request is small enough, and n-grams alone answer any title of its model."""
        is_small = len(costs) <= _MOST_TITLES and int(costs.letters[-1]) <= _MOST_LETTERS
        return is_small and can_sift(inference)

    async def sift(
        self, inference: BatchInference, question: Question, costs: TitleCosts
    ) -> Sifted:
        """Answer the titles of which n-grams alone are sure.

        Args:
            inference: The model's batch inference.
            question: What is asked about at least one title.
            costs: The sizes of the titles; :meth:`takes` is true for them.

        Raises:
            Refusal: With status 429 if the request would wait too long for others.
        """
        wait = self._letters * self._seconds
        if wait > self.most_wait:
            raise Refusal(
                429,
                f"The request would wait about {wait:.1f} s for other requests. Try again later.",
                wait,
            )
        loop = asyncio.get_running_loop()
        letters = int(costs.letters[-1])
        waiting = _Waiting(inference, question, letters, loop.create_future())
        if not self._waiting:
            loop.call_soon(self._run)
        self._waiting.append(waiting)
        self._letters += letters
        return await waiting.sifted

    def _run(self) -> None:
        """Read the titles of the requests that wait, and then let others have the event loop."""
        taken: list[_Waiting] = []
        letters = 0
        while self._waiting and (one := self._waiting[0]).letters + letters <= _MOST_LETTERS:
            if taken and one.inference is not taken[0].inference:
                break
            taken.append(self._waiting.popleft())
            letters += one.letters
        self._letters -= letters
        began = time.perf_counter()
        _sift(taken)
        seconds = (time.perf_counter() - began) / letters
        self._seconds += _LATELY * (seconds - self._seconds)
        if self._waiting:
            asyncio.get_running_loop().call_soon(self._run)


def _sift(taken: list[_Waiting]) -> None:
    """Read titles of one model; after an error, read those of each request separately."""
    taken = [one for one in taken if not one.sifted.done()]  # a client may be gone
    if not taken:
        return
    try:
        results = _results(taken)
    except BaseException as error:
        if not is_fault(error):
            raise
        if len(taken) > 1:
            for one in taken:
                _sift([one])
            return
        logger.exception("Titles could not be read by n-grams.")
        taken[0].sifted.set_exception(error)
        return
    for one, result in zip(taken, results, strict=True):
        one.sifted.set_result(result)


def _results(taken: list[_Waiting]) -> list[Sifted]:
    texts = [text for one in taken for text in one.question.texts]
    sifted = sift(taken[0].inference, texts)
    ends = itertools.accumulate((len(one.question.texts) for one in taken), initial=0)
    masks = [sifted.sure[start:end] for start, end in itertools.pairwise(ends)]
    questions = [one.question.only(sure) for one, sure in zip(taken, masks, strict=True)]
    answers: Sequence[Answers | None] = [None] * len(taken)
    if len(sifted.log_probs):
        answers = decide_each(questions, sifted.log_probs)
    others = torch.split(sifted.margins, [int((~sure).sum()) for sure in masks])
    return [Sifted(*parts) for parts in zip(masks, answers, others, strict=True)]
