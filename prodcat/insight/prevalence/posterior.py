"""Which departments the titles of each cell are really of, drawn from what is known of them."""

import numpy as np

from prodcat.insight.arrays import Floats, Ints

_WARM_UP = 20  # draws that are not kept
_INNER = 4  # rounds between what is drawn


def deal(sizes: Ints, shape: Floats, draws: int, rng: np.random.Generator) -> Floats:
    """Deal the titles of each cell out among departments, by Gibbs sampling.

    Args:
        sizes: int64 [cells]: titles in each cell.
        shape: float64 [departments, cells]: parameters of the Dirichlet distributions of cells,
            given the department.
        draws: Draws from the posterior.
        rng: Draws them.

    Returns:
        float64 [draws, departments, cells]: titles of each cell that are of each department.
    """
    departments = len(shape)
    drawn = np.zeros((draws, departments, len(sizes)))
    used = np.flatnonzero(sizes)
    if departments == 1 or not len(used):
        drawn[:, 0] = sizes
        return drawn
    shares = np.full(departments, 1 / departments)
    for draw in range(draws + _WARM_UP):
        cell_shares = _dirichlet(shape, rng)[:, used]
        for _ in range(_INNER):
            odds = shares[:, None] * cell_shares + 1e-300
            odds /= odds.sum(axis=0)
            dealt = rng.multinomial(sizes[used], odds.T)
            shares = rng.dirichlet(dealt.sum(axis=0) + 1 / departments)
        if draw >= _WARM_UP:
            drawn[draw - _WARM_UP][:, used] = dealt.T
    return drawn


def _dirichlet(shape: Floats, rng: np.random.Generator) -> Floats:
    gamma = rng.standard_gamma(shape) + 1e-300
    shares: Floats = gamma / gamma.sum(axis=1, keepdims=True)
    return shares
