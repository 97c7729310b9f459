"""Requests whose titles wait for the device, and what one batch takes of them."""

import itertools
import operator
import time
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from prodcat.classifier.inference import BatchInference
from prodcat.classifier.sifting import window_of
from prodcat.decisions.answers import Answers
from prodcat.decisions.decider import Decide
from prodcat.serving.title_costs import Speed, TitleCosts

_PREPARING = 0.1  # maximum seconds of a batch to prepare titles; longer saves nothing


@dataclass(frozen=True)
class Question:
    """What is asked about the titles of a request.

    Attributes:
        texts: The texts of the titles.
        decide: Makes answers from log-probabilities and groups; see :meth:`Classifier.decision`.
        groups: The group of each title, if the guarantee depends on groups.
    """

    texts: Sequence[str]
    decide: Decide
    groups: Sequence[str] | None = None

    def part(self, rows: slice) -> "Question":
        """The same question about some of the titles."""
        return Question(
            self.texts[rows], self.decide, None if self.groups is None else self.groups[rows]
        )

    def only(self, chosen: NDArray[np.bool_]) -> "Question":
        """The same question about the titles that are chosen, bool [title]."""
        if chosen.all():
            return self
        texts, groups = (
            None if texts is None else list(itertools.compress(texts, chosen))
            for texts in (self.texts, self.groups)
        )
        return Question(texts or [], self.decide, groups)


def decide_each(questions: Sequence[Question], log_probs: Tensor) -> list[Answers]:
    """Answer questions whose titles follow each other in a batch.

    Questions that have the same decider and follow each other are decided at once.

    Args:
        questions: The questions.
        log_probs: float32 [title, outcome], of all titles of all questions.

    Returns:
        The answers to each question, in CPU memory.
    """
    parts: list[Answers] = []
    start = 0
    for (_, grouped), run in itertools.groupby(
        questions, key=lambda one: (id(one.decide), one.groups is not None)
    ):
        alike = list(run)
        ends = list(itertools.accumulate(len(one.texts) for one in alike))
        groups = [group for one in alike for group in one.groups or ()] if grouped else None
        decided = alike[0].decide(log_probs[start : start + ends[-1]], groups).each(Tensor.cpu)
        start += ends[-1]
        if len(alike) == 1:
            parts.append(decided)
        else:
            bounds = itertools.starmap(slice, itertools.pairwise([0, *ends]))
            parts += [decided.each(operator.itemgetter(rows)) for rows in bounds]
    return parts


@dataclass
class WaitingRequest:
    """A request that waits or is being answered.

    Attributes:
        inference: The model's batch inference.
        question: What is asked about the titles.
        costs: The sizes of the titles, from which their times are estimated.
        margins: float32 [title, choice]: the n-grams' margins if they are known already, or None.
        deadline: The time on the monotonic clock after which the request is refused.
        answered: The future that gets the answers.
        parts: The answers so far, by the position of their first title.
        done: The number of titles that are answered.
        ended: Whether the request was answered or refused.
    """

    inference: BatchInference
    question: Question
    costs: TitleCosts
    margins: Tensor | None
    deadline: float
    answered: "Future[Answers]" = field(default_factory=Future)
    parts: dict[int, Answers] = field(default_factory=dict)
    done: int = 0
    ended: bool = False

    def __post_init__(self) -> None:
        if not self.question.texts:  # a batch of nothing would end the batcher
            raise ValueError("a request needs at least one title")

    def __len__(self) -> int:
        """The number of titles."""
        return len(self.question.texts)

    @property
    def left(self) -> int:
        """The number of titles that are not answered yet."""
        return len(self) - self.done


class BatchLimits:
    """The limits of a batch, and what is left of them while titles are added."""

    def __init__(
        self, inference: BatchInference, speed: Speed, titles: int, seconds: float
    ) -> None:
        self.inference, self.speed = inference, speed
        self.titles, self.whole = titles, seconds
        self.seconds, self.preparing = seconds, _PREPARING
        self.is_empty = True

    def take(self, work: WaitingRequest, piece: float) -> int:
        """Add as many titles of a request to the batch as fit, and return their number.

        Args:
            work: The request.
            piece: Maximum seconds for the titles of this request; one title may take longer.
        """
        start, speed = work.done, self.speed
        one = speed.seconds(work.costs, start, start + 1)
        share = max(piece, one) / self.whole if self.whole else 1.0
        seconds = min(share * self.whole, self.seconds)
        preparing = min(max(share * _PREPARING, one), self.preparing)
        count = speed.most(work.costs, start, seconds, preparing)
        count = min(max(count, int(self.is_empty)), self.titles)
        if count:
            self.is_empty = False
            self.titles -= count
            self.seconds -= speed.seconds(work.costs, start, start + count)
            letters = work.costs.letters[start + count] - work.costs.letters[start]
            self.preparing -= speed.preparing * float(letters)
        return count


def answer_batch(taken: Sequence[tuple[WaitingRequest, slice]]) -> tuple[list[Answers], float]:
    """Answer slices of requests to one model in one batch.

    Returns:
        The answers for each slice, in CPU memory, and the monotonic time at which the titles were
        prepared.
    """
    inference = taken[0][0].inference
    questions = [work.question.part(rows) for work, rows in taken]
    texts = [text for question in questions for text in question.texts]
    margins = [work.margins[rows] for work, rows in taken if work.margins is not None]
    with torch.inference_mode():
        if len(margins) == len(taken):
            window = window_of(inference, texts, torch.cat(margins))
        else:
            window = inference.prepare(texts)
        prepared = time.monotonic()
        return decide_each(questions, inference.log_probs(window)), prepared
