"""Windows: chunks of titles that are prepared, and read in one way or another."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from prodcat.catalog.fields import are_titles_alone, title_of
from prodcat.classifier.migration.migrations import Migrations
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
        migrations: The changes of the tree since the network learned, or None.
        promised: Whether the answers are to have a guarantee.
    """

    scorer: PieceScorer | None
    weights: Weights
    encoded: bool
    migrations: Migrations | None = None
    promised: bool = False

    @cached_property
    def acting(self) -> tuple[bool, bool]:
        """Which weights have an effect; see :meth:`prodcat.decisions.weights.Weights.acting`."""
        return self.weights.acting()

    def shares(self, texts: Sequence[str]) -> Tensor | None:
        """The scores of texts that changes of the tree need, float32 [text, column], or None."""
        return None if self.migrations is None else self.migrations.scores(texts)

    def migrated(self, log_probs: Tensor, shares: Tensor | None) -> Tensor:
        """The log-probabilities of the outcomes of the present tree, float [text, outcome].

        Args:
            log_probs: float [text, outcome of the tree that the network learned].
            shares: What :meth:`shares` returned for the texts.
        """
        if self.migrations is None:
            return log_probs
        return self.migrations(log_probs, shares, self.promised)


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
            already, before any change of the tree; None to compute them.
        shares: float32 [text, column]: the scores that changes of the tree need, or None.
    """

    reading: Reading
    start: int
    table: TokenTable | None
    features: PieceFeatures | None
    batches: list[NDArray[np.int64]]
    margins: Tensor | None = None
    log_probs: Tensor | None = None
    shares: Tensor | None = None

    def shares_of(self, rows: Tensor) -> Tensor | None:
        """The scores of some texts, by their positions, int64 [rows]; or None."""
        return None if self.shares is None else self.shares[rows]


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
