"""Confidence against accuracy, in 15 equal bins."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BINS = 15


@dataclass(frozen=True)
class ReliabilityBin:
    """Rows of about the same confidence.

    Attributes:
        rows: Number of rows in the bin.
        confidence: Their mean confidence.
        accuracy: The share of them that is right.
    """

    rows: int
    confidence: float
    accuracy: float


def bins(confidence: NDArray[np.float64]) -> NDArray[np.int64]:
    """The bin of each confidence: equal ones from 0 to 1, the upper edge in the last."""
    return np.clip((confidence * BINS).astype(np.int64), 0, BINS - 1)


def reliability_bins(
    confidence: NDArray[np.float64], right: NDArray[np.bool_]
) -> tuple[ReliabilityBin, ...]:
    """The bins that hold rows, from low to high confidence.

    Args:
        confidence: float64 [rows]: the probability that each row is right.
        right: bool [rows]: whether it is.
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

    That is the mean gap between confidence and accuracy over 15 equal bins, weighted by rows.
    Source: Guo et al., "On Calibration of Modern Neural Networks", ICML 2017.

    Args:
        weights: float64 [weighting, rows].
        confidence: float64 [rows]: the probability that each row is right.
        right: bool [rows]: whether it is.

    Returns:
        float64 [weighting].
    """
    gaps = np.zeros((len(confidence), BINS))
    gaps[np.arange(len(confidence)), bins(confidence)] = confidence - right
    error: NDArray[np.float64] = np.abs(weights @ gaps).sum(axis=1) / weights.sum(axis=1)
    return error
