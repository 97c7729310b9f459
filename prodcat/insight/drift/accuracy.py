"""The share of right answers, estimated where there are no labels."""

from dataclasses import dataclass

import numpy as np

from prodcat.insight.arrays import Flags, Floats, Ints
from prodcat.insight.drift.answers import Answers

_CONFIDENCES = (0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.995)  # where one bin ends, the next begins
_BINS = len(_CONFIDENCES) + 1
_DRAWS = 2_000
_CUTS = 25


@dataclass(frozen=True)
class AccuracyEstimate:
    """The share of right answers, without labels.

    Attributes:
        value: The share that is expected.
        low: Lower end of its interval of 95 %.
        high: Upper end of its interval of 95 %.
        before: The share that is expected of the titles before.
        doubtful: Whether the titles changed, so that a confidence may not mean what it meant.
    """

    value: float
    low: float
    high: float
    before: float
    doubtful: bool


@dataclass(frozen=True, eq=False)
class LabelledAnswers:
    """Answers to labelled titles, by which it is known what a confidence means.

    Attributes:
        targets: int64 [titles]: the labelled node of each.
        right: Bool [titles]: whether the answer is the label.
        confidence: float64 [titles]: the probability of the answer.
    """

    targets: Ints
    right: Flags
    confidence: Floats

    @classmethod
    def of(cls, answers: Answers, targets: Ints) -> "LabelledAnswers":
        """Compare answers with labels.

        Args:
            answers: The answers.
            targets: int64 [titles]: the labelled node of each title.
        """
        return cls(targets, answers.nodes == targets, answers.confidence)


def estimate_accuracy(
    labelled: LabelledAnswers,
    before: Floats,
    after: Floats,
    doubtful: bool,
    rng: np.random.Generator,
) -> AccuracyEstimate:
    """Estimate the share of right answers by how often such confidence is right.

    Args:
        labelled: Answers to labelled titles.
        before: float64 [titles]: confidence in the answers to the titles before.
        after: float64 [titles]: confidence in the answers to the titles after.
        doubtful: Whether the titles changed.
        rng: Draws the intervals.
    """
    bins = _bins(labelled.confidence)
    accuracy = _BinAccuracy(labelled.right, labelled.confidence, bins)
    drawn = accuracy.drawn(_count(after), rng)
    value = accuracy.expected(_count(after))
    # Titles of a category are right or wrong together: how much farther off than that?
    dispersion = _dispersion(labelled, bins, rng)
    low, high = np.quantile(value + (drawn - value) * np.sqrt(dispersion), (0.025, 0.975))
    return AccuracyEstimate(
        value,
        float(np.clip(low, 0, 1)),
        float(np.clip(high, 0, 1)),
        accuracy.expected(_count(before)),
        doubtful,
    )


def _bins(confidence: Floats) -> Ints:
    """int64 [titles]: the bin of each confidence."""
    return np.searchsorted(_CONFIDENCES, confidence, "right")


def _count(confidence: Floats) -> Ints:
    """int64 [bins]: titles in each bin."""
    return np.bincount(_bins(confidence), minlength=_BINS).astype(np.int64)


class _BinAccuracy:
    """How often answers of each bin are right, by labelled titles.

    Where there are few, what the confidence itself says counts for one title more.
    """

    def __init__(self, right: Flags, confidence: Floats, bins: Ints) -> None:
        self.rows = np.bincount(bins, minlength=_BINS)
        edges = np.array([0.0, *_CONFIDENCES, 1.0])
        middle = np.bincount(bins, confidence, minlength=_BINS) / np.maximum(self.rows, 1)
        middle = np.where(self.rows > 0, middle, (edges[:-1] + edges[1:]) / 2)
        self.right = np.bincount(bins, right, minlength=_BINS) + middle

    def expected(self, counts: Ints) -> float:
        """The share of right answers among so many titles of each bin."""
        return float(counts @ (self.right / (self.rows + 1)) / counts.sum())

    def drawn(self, counts: Ints, rng: np.random.Generator) -> Floats:
        """float64 [draws]: shares of right answers that are possible among so many titles."""
        accuracy = rng.beta(
            self.right + 1e-3, self.rows + 1 - self.right + 1e-3, (_DRAWS, len(self.rows))
        )
        shares: Floats = rng.binomial(counts, accuracy).sum(axis=1) / counts.sum()
        return shares


def _dispersion(labelled: LabelledAnswers, bins: Ints, rng: np.random.Generator) -> float:
    """How much farther off estimates are than they say, as a ratio of variances.

    The labelled titles are cut in two, no category in both, and one part is estimated by the other.
    """
    right, confidence = labelled.right, labelled.confidence
    categories, place = np.unique(labelled.targets, return_inverse=True)
    error = variance = 0.0
    for _ in range(_CUTS):
        estimated = (rng.random(len(categories)) < 0.5)[place]
        if estimated.all() or not estimated.any():
            continue
        accuracy = _BinAccuracy(right[~estimated], confidence[~estimated], bins[~estimated])
        counts = np.bincount(bins[estimated], minlength=_BINS).astype(np.int64)
        error += (accuracy.expected(counts) - float(right[estimated].mean())) ** 2
        variance += float(accuracy.drawn(counts, rng).var())
    return max(error / variance, 1.0) if variance else 1.0
