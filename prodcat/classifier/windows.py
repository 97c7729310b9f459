"""Windows: chunks of titles that are prepared, and read in one way or another."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from prodcat.catalog.fields import are_titles_alone, title_of
from prodcat.decisions.weights import Weights
from prodcat.model.batches import TokenTable
from prodcat.model.piece_scores import PieceFeatures, PieceScorer


@dataclass(frozen=True, eq=False)
class Reading:
    """How a kind of titles is read.

    Attributes:
        scorer: The n-grams, or None without a lexical branch.
        weights: The weights of the calibration.
        encoded: Whether the encoder reads the titles too.
    """

    scorer: PieceScorer | None
    weights: Weights
    encoded: bool

    @cached_property
    def acting(self) -> tuple[bool, bool]:
        """Which weights have an effect; see :meth:`prodcat.decisions.weights.Weights.acting`."""
        return self.weights.acting()


@dataclass(frozen=True)
class Part:
    """Distinct texts of a window that are read in the same way.

    Attributes:
        reading: How they are read.
        start: The position of the first of them among the distinct texts of the window.
        table: Their tokens, or None if the encoder does not read them.
        features: Their n-grams, or None without a lexical branch.
        batches: Their positions among the texts of this part, an int64 array for each batch; each
            text is in exactly one batch.
        margins: float32 [text, choice]: the n-grams' margins if they are known already; None to
            compute them from ``features``.
        log_probs: float32 [text, outcome]: their calibrated log-probabilities if they are known
            already; None to compute them.
    """

    reading: Reading
    start: int
    table: TokenTable | None
    features: PieceFeatures | None
    batches: list[NDArray[np.int64]]
    margins: Tensor | None = None
    log_probs: Tensor | None = None


@dataclass(frozen=True)
class Window:
    """A chunk of titles: without duplicates, prepared, and divided into batches.

    Attributes:
        place: int64 [title]: the position of each title's text among the distinct texts.
        distinct: The number of distinct texts.
        parts: The distinct texts, part by part.
    """

    place: NDArray[np.int64]
    distinct: int
    parts: tuple[Part, ...]


def kinds_of(
    texts: Sequence[str], reading: Reading, titles: Reading | None
) -> Iterator[tuple[NDArray[np.int64], list[str], Reading]]:
    """Divide texts by how they are read.

    Args:
        texts: The texts.
        reading: How texts are read.
        titles: How titles without any further text are read; None to read all alike.

    Yields:
        The positions of texts that are read in the same way, int64, these texts, and how.
    """
    rows = np.arange(len(texts))
    if titles is None:
        yield rows, list(texts), reading
        return
    alone = are_titles_alone(texts)
    if not alone.all():
        picked = rows[~alone]
        yield picked, [texts[row] for row in picked.tolist()], reading
    if alone.any():
        picked = rows[alone]
        yield picked, [title_of(texts[row]) for row in picked.tolist()], titles
