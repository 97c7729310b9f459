"""The share of correct answers, estimated for titles without labels."""

from dataclasses import dataclass

import numpy as np

from prodcat.insight.arrays import Flags, Floats, Ints
from prodcat.insight.drift.answers import Answers
from prodcat.insight.page_table import shown

_CONFIDENCES = (0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.995)  # edges of the bins
_BINS = len(_CONFIDENCES) + 1
_DRAWS = 2_000  # from the posterior of the accuracy
_CUTS = 25  # random divisions of the labelled titles into two parts


@dataclass(frozen=True)
class AccuracyEstimate:
    """The estimated share of correct answers to the later titles.

    Attributes:
        value: The expected share, 0 to 1.
        low: Lower end of its 95 % interval.
        high: Upper end of its 95 % interval.
        before: The expected share for the earlier titles.
        doubtful: Whether the words of the titles changed, so that the classifier's confidences may
            no longer be calibrated.
    """

    value: float
    low: float
    high: float
    before: float
    doubtful: bool

    @property
    def details(self) -> str:
        """The interval, the share before, and whether the estimate is doubtful, as a text."""
        doubt = "; doubtful, because the titles changed" if self.doubtful else ""
        interval = shown("interval", (self.low, self.high))
        return f"{interval}, before {shown('share', self.before)}{doubt}"


@dataclass(frozen=True, eq=False)
class LabelledAnswers:
    """Answers to labelled titles, which show how often answers of each confidence are correct.

    Attributes:
        targets: int64 [titles]: the labelled node of each title.
        right: Bool [titles]: whether the answer is the label.
        confidence: float64 [titles]: the probability of the answer.
    """

    targets: Ints
    right: Flags
    confidence: Floats

    @classmethod
    def of(cls, answers: Answers, targets: Ints) -> "LabelledAnswers":
        """Compare answers with the labels of the same titles.

        Args:
            answers: The answers.
            targets: int64 [titles]: the labelled node of each title.

        Returns:
            The answers with their labels.
        """
        return cls(targets, answers.nodes == targets, answers.confidence)


def estimate_accuracy(
    labelled: LabelledAnswers,
    before: Floats,
    after: Floats,
    doubtful: bool,
    rng: np.random.Generator,
) -> AccuracyEstimate:
    """Estimate the share of correct answers to unlabelled titles from their confidences.

    How often an answer of some confidence is correct is measured on labelled titles.

    Args:
        labelled: Answers to labelled titles.
        before: float64 [titles]: confidences of the answers to the earlier titles.
        after: float64 [titles]: confidences of the answers to the later titles.
        doubtful: Whether the words of the titles changed.
        rng: Random numbers for the interval.

    Returns:
        The estimate.
    """
    bins = _bins(labelled.confidence)
    accuracy = _BinAccuracy(labelled.right, labelled.confidence, bins)
    drawn = accuracy.drawn(_count(after), rng)
    value = accuracy.expected(_count(after))
    # Answers within a category tend to be all correct or all wrong, so the draws vary too little.
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
    """int64 [bins]: the number of titles in each bin."""
    return np.bincount(_bins(confidence), minlength=_BINS).astype(np.int64)


class _BinAccuracy:
    """How often the answers of each bin are correct, measured on labelled titles.

    One imaginary title is added to each bin, which is correct with a probability of the bin's mean
    confidence.  It matters only in bins with few titles.

    Args:
        right: Bool [titles]: whether the answer to each labelled title is correct.
        confidence: float64 [titles]: the confidence of each answer.
        bins: int64 [titles]: the bin of each confidence.
    """

    def __init__(self, right: Flags, confidence: Floats, bins: Ints) -> None:
        self.rows = np.bincount(bins, minlength=_BINS)
        edges = np.array([0.0, *_CONFIDENCES, 1.0])
        middle = np.bincount(bins, confidence, minlength=_BINS) / np.maximum(self.rows, 1)
        middle = np.where(self.rows > 0, middle, (edges[:-1] + edges[1:]) / 2)
        self.right = np.bincount(bins, right, minlength=_BINS) + middle

    def expected(self, counts: Ints) -> float:
        """The expected share of correct answers, given the number of titles in each bin."""
        return float(counts @ (self.right / (self.rows + 1)) / counts.sum())

    def drawn(self, counts: Ints, rng: np.random.Generator) -> Floats:
        """float64 [draws]: random draws of that share from its posterior distribution."""
        accuracy = rng.beta(
            self.right + 1e-3, self.rows + 1 - self.right + 1e-3, (_DRAWS, len(self.rows))
        )
        shares: Floats = rng.binomial(counts, accuracy).sum(axis=1) / counts.sum()
        return shares


def _dispersion(labelled: LabelledAnswers, bins: Ints, rng: np.random.Generator) -> float:
    """Measure by which factor the variance of the estimates is too small; at least 1.

    The labelled titles are divided into two parts at random, with no category in both parts, and
    the accuracy of one part is estimated from the other.  The factor is the sum of the squared
    errors of these estimates divided by the sum of their variances.
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
