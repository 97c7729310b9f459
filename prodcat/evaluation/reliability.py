"""Comparison of confidence and accuracy in 15 equal bins."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BINS = 15


@dataclass(frozen=True)
class ReliabilityBin:
    """Rows of similar confidence.

    Attributes:
        rows: The number of rows in the bin.
        confidence: The mean confidence of these rows.
        accuracy: The share of these rows that are right.
    """

    rows: int
    confidence: float
    accuracy: float


def bins(confidence: NDArray[np.float64]) -> NDArray[np.int64]:
    """The bin of each confidence; the bins divide 0 to 1 equally, and 1 is in the last one.

    >>> bins(np.array([0.0, 0.5, 1.0])).tolist()
    [0, 7, 14]
    """
    return np.clip((confidence * BINS).astype(np.int64), 0, BINS - 1)


def reliability_bins(
    confidence: NDArray[np.float64], right: NDArray[np.bool_]
) -> tuple[ReliabilityBin, ...]:
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


def weighted_calibration_error(
    weights: NDArray[np.float64], confidence: NDArray[np.float64], right: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """The expected calibration error under several weightings of the rows.

    It is the mean difference between confidence and accuracy over 15 equal bins, weighted by their
    rows.  Source: Guo et al., "On Calibration of Modern Neural Networks", ICML 2017.

    Args:
        weights: float64 [weighting, rows].
        confidence: float64 [rows]: the probability that each row is right.
        right: bool [rows]: whether each row is right.

    Returns:
        float64 [weighting].

    >>> weighted_calibration_error(np.ones((1, 2)), np.array([0.75, 0.75]), np.array([True, False]))
    array([0.25])
    """
    gaps = np.zeros((len(confidence), BINS))
    gaps[np.arange(len(confidence)), bins(confidence)] = confidence - right
    error: NDArray[np.float64] = np.abs(weights @ gaps).sum(axis=1) / weights.sum(axis=1)
    return error
