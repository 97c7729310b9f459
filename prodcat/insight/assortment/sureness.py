"""How sure a figure is: intervals of differences and ratios, and the words that a buyer uses.

Differences and ratios of two figures with intervals get theirs by the method of variance estimates
recovery (Zou and Donner, *Construction of confidence limits about effect measures*, Statistics in
Medicine 27, 2008); ratios on the logarithmic scale.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

import numpy as np

from prodcat.insight.arrays import Floats

Sureness = Literal["almost certain", "likely", "uncertain"]
_CERTAIN, _PROBABLE = 0.95, 0.8
_SIDES = 1.959964  # standard deviations of a 95 % interval
_NORMAL = NormalDist()
_TINY = 1e-12


@dataclass(frozen=True)
class Figure:
    """A figure with the ends of its 95 % interval."""

    value: float
    low: float
    high: float

    def chance(self, neutral: float) -> float:
        """The probability that the true figure is on the same side of a neutral one."""
        distance = abs(self.value - neutral)
        near = self.value - self.low if self.value > neutral else self.high - self.value
        if distance == 0:
            return 0.5
        return _NORMAL.cdf(_SIDES * distance / near) if near > 0 else 1.0


def sureness(probability: float) -> Sureness:
    """The words for a probability.

    >>> sureness(0.99), sureness(0.9), sureness(0.5)
    ('almost certain', 'likely', 'uncertain')
    """
    if probability >= _CERTAIN:
        return "almost certain"
    return "likely" if probability >= _PROBABLE else "uncertain"


def difference(one: Figure, other: Figure) -> Figure:
    """One figure less another.

    >>> difference(Figure(5.0, 5.0, 5.0), Figure(2.0, 1.0, 3.0))
    Figure(value=3.0, low=2.0, high=4.0)
    """
    value = one.value - other.value
    low = value - math.hypot(one.value - one.low, other.high - other.value)
    high = value + math.hypot(one.high - one.value, other.value - other.low)
    return Figure(value, low, high)


def ratio(one: Figure, other: Figure) -> Figure | None:
    """One figure divided by another; None if either is 0.

    >>> ratio(Figure(4.0, 4.0, 4.0), Figure(2.0, 2.0, 2.0))
    Figure(value=2.0, low=2.0, high=2.0)
    """
    if one.value <= 0 or other.value <= 0:
        return None
    value = one.value / other.value
    falls = (_log(one.value, one.low), _log(other.high, other.value))
    rises = (_log(one.high, one.value), _log(other.value, other.low))
    low, high = value * math.exp(-math.hypot(*falls)), value * math.exp(math.hypot(*rises))
    return Figure(value, low, high)


def _log(large: float, small: float) -> float:
    return math.log(max(large, 1e-12) / max(small, 1e-3 * max(large, 1e-12)))


def typical(values: Floats) -> tuple[Figure, float]:
    """The mean of some values with Student's interval, and the p-value of its being 0.

    Args:
        values: float64 [values]: at least two values.
    """
    from scipy.stats import t

    mean, spread = float(values.mean()), float(values.std(ddof=1)) / math.sqrt(len(values))
    if spread < _TINY:
        return Figure(mean, mean, mean), float(abs(mean) < _TINY)
    degrees = len(values) - 1
    half = spread * float(t.ppf(0.975, degrees))
    p_value = 2 * float(t.sf(abs(mean) / spread, degrees))
    return Figure(mean, mean - half, mean + half), p_value


def shift(ours: Floats, theirs: Floats) -> tuple[Figure, float]:
    """By how much values are larger than others, and the p-value of their being alike.

    The shift is the median of all differences, with the interval of the rank test (Hodges and
    Lehmann, *Estimates of location based on rank tests*, 1963).

    Args:
        ours: float64 [values]: at least one value.
        theirs: float64 [other values]: at least one value.
    """
    gaps = np.sort((ours[:, None] - theirs[None, :]).ravel())
    spread = math.sqrt(len(gaps) * (len(ours) + len(theirs) + 1) / 12)
    outside = max(int(len(gaps) / 2 - _SIDES * spread), 0)
    figure = Figure(float(np.median(gaps)), float(gaps[outside]), float(gaps[-1 - outside]))
    wins = float((gaps > 0).sum() + (gaps == 0).sum() / 2)
    distance = max(abs(wins - len(gaps) / 2) - 0.5, 0.0) / spread
    return figure, 2 * (1 - _NORMAL.cdf(distance))


def sureness_of_all(p_values: Sequence[float]) -> list[Sureness]:
    """How sure each of many differences is, as a few of many are large by chance.

    Of the differences that are called almost certain at most one in twenty is expected to be
    chance, and of those that are called at least likely one in five (Benjamini and Hochberg,
    *Controlling the false discovery rate*, 1995).

    Args:
        p_values: The p-value of each difference.

    >>> sureness_of_all([0.001, 0.9, 0.1])
    ['almost certain', 'uncertain', 'likely']
    """
    values = np.array(p_values, np.float64)
    order = np.argsort(-values, kind="stable")
    ranks = np.arange(len(values), 0, -1)
    rates = np.minimum.accumulate(values[order] * len(values) / ranks)
    adjusted = np.empty(len(values))
    adjusted[order] = rates
    return [sureness(1 - rate) for rate in adjusted.tolist()]
