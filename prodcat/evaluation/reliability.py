"""Compares confidence and accuracy in 15 bins of equal width."""

from dataclasses import dataclass

import numpy as np

from prodcat.taxonomy.arrays import Flags, Floats, Ints

BINS = 15


@dataclass(frozen=True)
class ReliabilityBin:
    """A bin of rows with similar confidence.

    Attributes:
        rows: The number of rows in the bin.
        confidence: The mean confidence of these rows.
        accuracy: The share of these rows whose answer is right, 0 to 1.
    """

    rows: int
    confidence: float
    accuracy: float


def bins(confidence: Floats) -> Ints:
    """The number of each confidence's bin, from 0: int64 [rows].

    The bins divide the range from 0 to 1 equally; a confidence of 1 is in the last one.

    Args:
        confidence: float64 [rows].

    >>> bins(np.array([0.0, 0.5, 1.0])).tolist()
    [0, 7, 14]
    """
    return np.clip((confidence * BINS).astype(np.int64), 0, BINS - 1)


def reliability_bins(confidence: Floats, right: Flags) -> tuple[ReliabilityBin, ...]:
    """The bins that contain rows, from low to high confidence.

    Args:
        confidence: float64 [rows]: the probability that each row is right.
        right: bool [rows]: whether each row is right.

    >>> reliability_bins(np.array([0.75, 0.75, 0.25]), np.array([True, False, False]))[1]
    ReliabilityBin(rows=2, confidence=0.75, accuracy=0.5)
    """
    place = bins(confidence)
    counts = np.bincount(place, minlength=BINS)
    sums = (np.bincount(place, values, BINS) for values in (confidence, right))
    return tuple(
        ReliabilityBin(int(count), float(sure / count), float(hits / count))
        for count, sure, hits in zip(counts, *sums, strict=True)
        if count
    )


def weighted_calibration_error(weights: Floats, confidence: Floats, right: Flags) -> Floats:
    """The expected calibration error for several sets of weights of the rows.

    It is the mean absolute difference between confidence and accuracy over 15 bins of equal width,
    weighted by their rows (Guo et al., "On Calibration of Modern Neural Networks", ICML 2017).

    Args:
        weights: float64 [weighting, rows]: sets of weights of the rows.
        confidence: float64 [rows]: the probability that each row is right.
        right: bool [rows]: whether each row is right.

    Returns:
        float64 [weighting]: the error for each set of weights.

    >>> weighted_calibration_error(np.ones((1, 2)), np.array([0.75, 0.75]), np.array([True, False]))
    array([0.25])
    """
    gaps = np.zeros((len(confidence), BINS))
    gaps[np.arange(len(confidence)), bins(confidence)] = confidence - right
    error: Floats = np.abs(weights @ gaps).sum(axis=1) / weights.sum(axis=1)
    return error
