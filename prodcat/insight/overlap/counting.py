"""Count the products of a competitor that we have."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from prodcat.errors import CatalogError
from prodcat.insight.arrays import Floats, Ints
from prodcat.insight.overlap.mistakes import (
    MatchMistakes,
    cell_sizes,
    draw_counts,
    expected_counts,
    spread,
)
from prodcat.insight.overlap.result import Overlap
from prodcat.storage.containers import is_missing

_DRAWS = 400  # from the posterior


def count_overlap(
    probability: ArrayLike,
    category: Sequence[str | None],
    *,
    same: Sequence[bool | None] | None = None,
    mistakes: MatchMistakes | None = None,
    certain: Sequence[bool] | None = None,
    seed: int = 0,
) -> Overlap:
    """Estimate how many of a competitor's products we have, by category.

    Args:
        probability: float [products]: for each of their products the probability that we have the
            same one, 0 if no product of ours is similar: ``probability`` of
            :func:`prodcat.matching.match_products`, the largest of each ``their_row``.
        category: The category of each product, such as its department; None or empty if unknown.
        same: For each of their products whether we have it, as a person says, which is certain;
            None where nobody has looked, by default everywhere.
        mistakes: The matcher's mistakes on other reviewed products; by default they are measured on
            those of ``same``, which are to be a random sample then.
        certain: Whether we certainly have each product, as by a reviewed match, by default none.
            The matcher's mistakes are not measured on these, which are no random sample.
        seed: Seed of the random draws that the intervals are computed from.

    Returns:
        The numbers with their 95 % intervals.

    Raises:
        CatalogError: There is no product, the arguments differ in length, or a probability is not
            between 0 and 1.

    >>> count_overlap([0.9, 0.1], ["Milk", "Tea"], same=[True, False])
    Overlap(1 of their 2 products (50% to 50%))
    """
    chances, reviews = _checked(probability, category, same)
    number_of, number = _numbered(category)
    is_certain = _certain(certain, len(number))
    if mistakes is None:
        mistakes = _mistakes(chances, np.where(is_certain, -1, reviews), number)
    reviews = np.where((reviews < 0) & is_certain, 1, reviews)
    known = reviews >= 0
    left = ~known
    sizes = cell_sizes(chances[left], number[left], len(number_of))
    rng = np.random.default_rng(seed)
    drawn = draw_counts(sizes, mistakes, expected_counts(chances[left]), _DRAWS, rng)
    sure = np.bincount(number[reviews > 0], minlength=len(number_of)).astype(np.float64)
    low, high = _interval(spread(drawn, mistakes.dispersion, sizes.sum(axis=1)))
    overall = _overall(drawn.sum(axis=1, keepdims=True), mistakes.dispersion, int(left.sum()))
    overall += sure.sum()
    return Overlap(
        categories=tuple(number_of),
        products=np.bincount(number, minlength=len(number_of)).astype(np.int64),
        count=drawn.mean(axis=0) + sure,
        low=low + sure,
        high=high + sure,
        overall=(float(overall[0]), float(overall[1]), float(overall[2])),
        reviewed=int(mistakes.counts.sum()),
        dispersion=mistakes.dispersion,
        certain=int(is_certain.sum()),
    )


def _numbered(category: Sequence[str | None]) -> tuple[dict[str, int], Ints]:
    """The number of each category, and that of each product's category."""
    labels = ["" if is_missing(each) else str(each) for each in category]
    number_of = {name: number for number, name in enumerate(dict.fromkeys(labels))}
    return number_of, np.array([number_of[label] for label in labels], np.int64)


def _overall(every: Floats, dispersion: float, products: int) -> Floats:
    """float64 [3]: the mean of the draws, float64 [draws, 1], and the ends of their interval."""
    [low], [high] = _interval(spread(every, dispersion, products))
    return np.array([every.mean(), low, high])


def _mistakes(chances: Floats, reviews: NDArray[np.integer], number: Ints) -> MatchMistakes:
    """The mistakes on the products with a review of 1 or 0; unchecked if there is none."""
    known = reviews >= 0
    if not known.any():
        return MatchMistakes.unchecked()
    return MatchMistakes.measured(chances[known], reviews[known] > 0, number[known])


def _certain(certain: Sequence[bool] | None, products: int) -> NDArray[np.bool_]:
    """Whether each product is certainly one of ours.

    Raises:
        CatalogError: There is not one value for each product.
    """
    values = np.zeros(products, bool) if certain is None else np.asarray(certain, bool)
    if values.shape != (products,):
        raise CatalogError(
            f"certain has {values.size:,} values; expected one for each of {products:,} products."
        )
    return values


def _interval(drawn: Floats) -> tuple[Floats, Floats]:
    """The 95 % interval of each column, in whole numbers."""
    low, high = np.quantile(drawn, (0.025, 0.975), axis=0)
    return np.rint(low), np.rint(high)


def _checked(
    probability: ArrayLike, category: Sequence[str | None], same: Sequence[bool | None] | None
) -> tuple[Floats, NDArray[np.int8]]:
    """The probabilities, and the reviews as 1, 0 and -1 for none.

    Raises:
        CatalogError: They differ in length, or a probability is not between 0 and 1.
    """
    chances = np.asarray(probability, np.float64).reshape(-1)
    reviews = [None] * len(chances) if same is None else list(same)
    if not len(chances) or not len(chances) == len(category) == len(reviews):
        raise CatalogError(
            f"Found {len(chances)} probabilities, {len(category)} categories and {len(reviews)} "
            "reviews; expected one of each for every product, and at least one product."
        )
    wrong = np.flatnonzero(~((chances >= 0) & (chances <= 1)))
    if len(wrong):
        place = int(wrong[0])
        raise CatalogError(
            f"The probability of row {place + 1} is {chances[place]}; expected a number from 0 to "
            "1, and 0 where no product is similar."
        )
    codes = [-1 if is_missing(each) else int(bool(each)) for each in reviews]
    return chances, np.array(codes, np.int8)
