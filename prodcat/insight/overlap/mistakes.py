"""A matcher's mistakes, measured on reviewed products, and draws of the counts given them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from prodcat.errors import CatalogError
from prodcat.insight.arrays import Floats, Ints

EDGES = (0.02, 0.1, 0.25, 0.5, 0.75, 0.9, 0.98)  # probabilities that separate the cells
CELLS = len(EDGES) + 1
_TINY = 1e-6
_PRIOR_PRODUCTS = 4.0  # the matcher's probabilities weigh as much as so many reviewed products
_UNCHECKED_PRODUCTS = 20.0  # the same where no product was reviewed
_WARM_UP = 20  # first draws, which are discarded
_ROUNDS = 4  # steps of Gibbs sampling for each draw
# Settings for measuring the dispersion.
_CUTS = 25  # random divisions of the reviewed products into two parts
_PART = 0.2  # share of the categories in the part that is counted with the help of the other
_DRAWS = 60
_LEAST_PRODUCTS = 3  # of a category in the part that is counted
_LEAST_CATEGORIES = 5  # with reviewed products; fewer say nothing of how categories differ
_ROUNDING = 0.15  # variance of a count that is due to whole numbers
_NORMAL = 1.96  # standard deviations in half of a 95 % interval


@dataclass(frozen=True, eq=False)
class MatchMistakes:
    """How often a matcher is wrong, measured on reviewed products.

    Attributes:
        counts: float64 [2, cells]: number of reviewed products that we lack, and that we have, by
            range of their probability.
        sums: float64 [2, cells]: what their probabilities say that these numbers are.
        dispersion: The factor by which the variance of counts is too small without it, at least 1.
    """

    counts: Floats
    sums: Floats
    dispersion: float = 1.0

    @classmethod
    def unchecked(cls) -> "MatchMistakes":
        """No product was reviewed: the probabilities are trusted about as far as 20 reviews go."""
        return cls(np.zeros((2, CELLS)), np.zeros((2, CELLS)))

    @classmethod
    def measured(
        cls, probability: NDArray[np.floating], same: NDArray[np.bool_], category: Ints
    ) -> "MatchMistakes":
        """The mistakes on products that were reviewed, a random sample of those with any answer.

        Args:
            probability: float [products]: the matcher's probability that we have each product.
            same: bool [products]: whether we have it, as a person says.
            category: int64 [products]: the category of each product, any numbers.

        Raises:
            CatalogError: The three differ in length, or there is no product.
        """
        if not len(probability) == len(same) == len(category) or not len(same):
            raise CatalogError(
                f"Found {len(probability)} probabilities, {len(same)} reviews and {len(category)} "
                "categories; expected one of each for every reviewed product, and at least one."
            )
        counts, sums = _cell_counts(probability, same), expected_counts(probability)
        return cls(counts, sums, _dispersion(probability, same, category))

    def shape(self, sums: Floats) -> Floats:
        """The parameters of the distributions over cells, float64 [2, cells].

        Args:
            sums: float64 [2, cells]: what the probabilities of the products to count say about how
                many of each cell we lack and have.
        """
        expected = self.sums + sums + _TINY
        weight = _PRIOR_PRODUCTS if self.counts.any() else _UNCHECKED_PRODUCTS
        shape: Floats = self.counts + weight * expected / expected.sum(axis=1, keepdims=True)
        return shape


def cells_of(probability: NDArray[np.floating]) -> Ints:
    """The cell of each probability, int64 [products]."""
    return np.searchsorted(EDGES, probability, "right").astype(np.int64)


def cell_sizes(probability: NDArray[np.floating], category: Ints, categories: int) -> Ints:
    """Number of products by category and cell, int64 [categories, cells]."""
    places = category * CELLS + cells_of(probability)
    return np.bincount(places, minlength=categories * CELLS).reshape(categories, CELLS)


def _cell_counts(probability: NDArray[np.floating], same: NDArray[np.bool_]) -> Floats:
    return cell_sizes(probability, same.astype(np.int64), 2).astype(np.float64)


def expected_counts(probability: NDArray[np.floating]) -> Floats:
    """What probabilities say about how many products of each cell we lack and have, [2, cells]."""
    cell = cells_of(probability)
    sides = (1.0 - probability, probability)
    return np.stack([np.bincount(cell, weights, CELLS) for weights in sides])


def draw_counts(
    sizes: Ints, mistakes: MatchMistakes, sums: Floats, draws: int, rng: np.random.Generator
) -> Floats:
    """Draw how many products of each category we have, from the posterior distribution.

    Args:
        sizes: int64 [categories, cells]: number of products.
        mistakes: The matcher's mistakes.
        sums: float64 [2, cells]: what the probabilities of these products say.
        draws: Number of draws.
        rng: Random numbers.

    Returns:
        float64 [draws, categories], not yet spread by the dispersion.
    """
    shape, totals = mistakes.shape(sums), sizes.sum(axis=1)
    share = np.full(len(sizes), 0.5)
    drawn = np.empty((draws, len(sizes)))
    for draw in range(-_WARM_UP, draws):
        gamma = rng.standard_gamma(shape) + 1e-300
        without, having = gamma / gamma.sum(axis=1, keepdims=True)
        for _ in range(_ROUNDS):
            odds = share[:, None] * having
            count = rng.binomial(sizes, odds / (odds + (1 - share[:, None]) * without)).sum(axis=1)
            share = rng.beta(count + 0.5, totals - count + 0.5)
        if draw >= 0:
            drawn[draw] = count
    return drawn


def spread(drawn: Floats, dispersion: float, most: NDArray[np.int64] | int) -> Floats:
    """Multiply the variances of draws by the dispersion and keep their means, within 0 and most."""
    mean = drawn.mean(axis=0)
    wide: Floats = np.clip(mean + (drawn - mean) * np.sqrt(dispersion), 0, most)
    return wide


def _dispersion(
    probability: NDArray[np.floating], same: NDArray[np.bool_], category: Ints
) -> float:
    """The factor of the variance with which 95 % of the categories' intervals hold; at least 1."""
    names, number = np.unique(category, return_inverse=True)
    if len(names) < _LEAST_CATEGORIES:
        return 1.0
    rng = np.random.default_rng(0)
    ratios: list[float] = []  # of errors and half intervals
    for _ in range(_CUTS):
        counted = (rng.random(len(names)) < _PART)[number]
        if counted.all() or not counted.any():
            continue
        rest = ~counted
        others = MatchMistakes(
            _cell_counts(probability[rest], same[rest]), expected_counts(probability[rest])
        )
        chosen, place = np.unique(number[counted], return_inverse=True)
        sizes = cell_sizes(probability[counted], place, len(chosen))
        drawn = draw_counts(sizes, others, expected_counts(probability[counted]), _DRAWS, rng)
        true = np.bincount(place, same[counted], len(chosen))
        error = np.abs(drawn.mean(axis=0) - true)
        ratio = error / (_NORMAL * np.sqrt(drawn.var(axis=0) + _ROUNDING))
        ratios += ratio[sizes.sum(axis=1) >= _LEAST_PRODUCTS].tolist()
    return max(float(np.quantile(ratios, 0.95)) ** 2, 1.0) if ratios else 1.0
