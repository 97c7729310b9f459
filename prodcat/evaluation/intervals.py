"""Computes 95 % intervals of metrics from bootstrap resamples of the rows (Efron, 1979)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prodcat.errors import CatalogError
from prodcat.evaluation.judged_rows import JudgedRows
from prodcat.taxonomy.arrays import Floats

_RESAMPLES = 1_000
_FEWEST_RESAMPLES = 200
_MOST_DRAWS = 50_000_000  # the greatest number of rows in all resamples together


@dataclass(frozen=True)
class Interval:
    """An estimate with its 95 % interval.

    Attributes:
        value: The estimate.
        low: The lower end of the interval.
        high: The upper end of the interval.

    >>> print(Interval(0.0312, 0.0251, 0.037))
    +0.0312 [+0.0251, +0.0370]
    """

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        """The estimate and its interval, with signs and four decimals."""
        return f"{self.value:+.4f} [{self.low:+.4f}, {self.high:+.4f}]"


def metric_intervals(rows: JudgedRows) -> dict[str, Interval]:
    """The interval of every metric that is defined, by name; its low end is at least 0."""
    values = rows.scores(np.ones((1, len(rows))))
    draws = rows.resampled(None, _resamples(len(rows)), seed=0)[0]
    intervals = {}
    for name, drawn in draws.items():
        if np.isfinite(values[name][0]):
            interval = _percentiles(float(values[name][0]), drawn)
            intervals[name] = Interval(interval.value, max(interval.low, 0.0), interval.high)
    return intervals


def difference_intervals(ours: JudgedRows, theirs: JudgedRows) -> Mapping[str, Interval]:
    """The difference ours minus theirs, with its interval, for every metric that both have.

    Args:
        ours: The answers of one system.
        theirs: The answers of another system to the same rows.

    Returns:
        The differences by the names of the metrics.
    """
    ones = np.ones((1, len(ours)))
    values = [rows.scores(ones) for rows in (ours, theirs)]
    draws = ours.resampled(theirs, _resamples(len(ours)), seed=0)
    differences = {n: values[0][n] - values[1][n] for n in values[0] if n in values[1]}
    return {
        name: _percentiles(float(difference[0]), draws[0][name] - draws[1][name])
        for name, difference in differences.items()
        if np.isfinite(difference).all()
    }


def paired_bootstrap(
    ours: NDArray[Any], theirs: NDArray[Any], *, resamples: int = 2_000, seed: int = 0
) -> Interval:
    """The mean of ours minus theirs for scores of the same rows, with its 95 % interval.

    Args:
        ours: The scores of one system, [rows], or [rows, runs] for several runs to be averaged.
        theirs: The scores of the other system, in either of these shapes.
        resamples: The number of bootstrap resamples of the rows.
        seed: The seed of the resamples.

    Raises:
        CatalogError: The systems have different numbers of rows.

    >>> paired_bootstrap(np.array([1, 1, 0, 1]), np.array([1, 0, 0, 0]), resamples=100).value
    0.5
    """
    our_means, their_means = (
        np.asarray(values, float).reshape(len(values), -1).mean(axis=1) for values in (ours, theirs)
    )
    if len(our_means) != len(their_means):
        raise CatalogError(
            f"Got scores of {len(our_means)} and of {len(their_means)} rows; a paired comparison "
            "needs scores of the same rows. Evaluate both systems on the same rows."
        )
    difference = our_means - their_means
    rng = np.random.default_rng(seed)
    rows = len(difference)
    draws = [difference[rng.integers(0, rows, rows)].mean() for _ in range(resamples)]
    return _percentiles(float(difference.mean()), np.array(draws))


def _resamples(rows: int) -> int:
    """The number of resamples for a number of rows: 1,000, but fewer for many rows."""
    return int(np.clip(_MOST_DRAWS // rows, _FEWEST_RESAMPLES, _RESAMPLES))


def _percentiles(value: float, draws: Floats) -> Interval:
    """The interval between the 2.5 % and 97.5 % quantiles of a metric, corrected for bias.

    Args:
        value: The metric of all rows.
        draws: float64 [resamples]: the metric of each resample, NaN where it is not defined.
    """
    finite = draws[np.isfinite(draws)]
    # Resampling enlarges absolute differences and removes rare categories from means, so the mean
    # of the resamples is moved to the value.
    finite = finite + value - finite.mean() if len(finite) else finite
    low, high = np.quantile(finite, [0.025, 0.975]) if len(finite) else (value, value)
    return Interval(value, float(low), float(high))
