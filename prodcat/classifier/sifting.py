"""Sift titles: n-grams alone answer easy titles before the encoder reads any other.

:meth:`BatchInference.prepare` sifts a window, too, but the window is answered as a whole, so that
its easy titles wait for the encoder.  A server answers them at once (:func:`sift`), and lets the
encoder read the others later, together with those of other requests (:func:`window_of`).  The
n-grams read every title only once.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from prodcat.classifier.inference import BatchInference
from prodcat.classifier.windows import Part, Reading, Window, kinds_of
from prodcat.model.batches import plan_window
from prodcat.model.elementwise import exp
from prodcat.model.tokenization import tokenize


@dataclass(frozen=True)
class SiftedTitles:
    """Titles divided into those that n-grams alone answer and the others.

    Attributes:
        sure: bool [title]: whether n-grams alone answer the title.
        log_probs: float32 [sure title, outcome]: calibrated log-probabilities of these titles.
        margins: float32 [other title, choice]: the n-grams' margins of the other titles.
    """

    sure: NDArray[np.bool_]
    log_probs: Tensor
    margins: Tensor


def can_sift(inference: BatchInference) -> bool:
    """Whether n-grams alone answer any title, and a thread beside the device's can compute this.

    On a GPU it would wait for the encoder's batch.
    """
    answers_some = inference.easy is not None or not inference.reading.encoded
    return answers_some and inference.network.device.type == "cpu"


def sift(inference: BatchInference, texts: Sequence[str]) -> SiftedTitles:
    """Let n-grams read titles, and answer those of which they are sure.

    Args:
        inference: The batch inference, with which :func:`can_sift` is true.
        texts: At least one text, made by :meth:`prodcat.classifier.reader.Reader.texts`.
    """
    sure = np.zeros(len(texts), np.bool_)
    places: list[NDArray[np.int64]] = []
    scored: list[tuple[Tensor, Tensor]] = []
    with torch.inference_mode():
        for rows, picked, reading in kinds_of(texts, inference.reading, inference.titles):
            assert reading.scorer is not None
            margins = reading.scorer.scores(reading.scorer(picked))
            alone, threshold = _reading_alone(inference, reading)
            paths = inference.network.paths
            log_probs = alone.weights.applied(paths, None, margins, *alone.acting)
            sure[rows] = (exp(log_probs.amax(dim=1)) >= threshold).numpy()
            log_probs = reading.migrated(log_probs, reading.shares(picked))
            places.append(rows)
            scored.append((log_probs, margins))
        log_probs, margins = scored[0]
        if len(scored) > 1:
            order = torch.from_numpy(np.argsort(np.concatenate(places)))
            log_probs, margins = (torch.cat(parts)[order] for parts in zip(*scored, strict=True))
        if not sure.all():
            log_probs = log_probs[torch.from_numpy(sure)]
        return SiftedTitles(sure, log_probs, margins[torch.from_numpy(~sure)])


def window_of(inference: BatchInference, texts: Sequence[str], margins: Tensor) -> Window:
    """Prepare titles that :func:`sift` has left over, all of which the encoder reads.

    Args:
        inference: The batch inference, with an encoder.
        texts: The texts of the titles.
        margins: float32 [title, choice]: the n-grams' margins of the titles.

    Returns:
        The window, as of :meth:`BatchInference.prepare` without a cascade.
    """
    assert inference.tokenizer is not None
    first: dict[str, int] = {}
    place = np.array([first.setdefault(text, len(first)) for text in texts], np.int64)
    distinct = list(first)
    title = np.unique(place, return_index=True)[1]  # the first title with each text
    order = np.empty(len(distinct), np.int64)
    parts: list[Part] = []
    start = 0
    for rows, picked, reading in kinds_of(distinct, inference.reading, inference.titles):
        table = tokenize(inference.tokenizer, picked, inference.max_tokens)
        batches = plan_window(table.lengths, inference.token_budget)
        of_texts = margins[torch.from_numpy(title[rows])]
        shares = reading.shares(picked)
        parts.append(Part(reading, start, table, None, batches, of_texts, shares=shares))
        order[rows] = np.arange(start, start + len(rows))
        start += len(rows)
    return Window(order[place], start, tuple(parts))


def _reading_alone(inference: BatchInference, reading: Reading) -> tuple[Reading, float]:
    """How texts are answered by n-grams alone, and the confidence that this needs."""
    if not reading.encoded:
        return reading, -np.inf
    if inference.easy is not None and reading is inference.reading:
        return inference.easy, inference.threshold
    return reading, np.inf
