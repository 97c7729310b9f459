"""Draws of the true departments of the titles in each cell from the posterior distribution."""

import numpy as np

from prodcat.insight.arrays import Floats, Ints

_WARM_UP = 20  # first draws, which are discarded
_ROUNDS = 4  # steps of Gibbs sampling for each draw


def draw_departments(sizes: Ints, shape: Floats, draws: int, rng: np.random.Generator) -> Floats:
    """Draw the true departments of the titles in each cell by Gibbs sampling.

    Args:
        sizes: int64 [cells]: number of titles in each cell.
        shape: float64 [departments, cells]: parameters of each department's Dirichlet distribution
            over cells.
        draws: Number of draws from the posterior.
        rng: Random numbers.

    Returns:
        float64 [draws, departments, cells]: number of titles of each department in each cell.
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
        for _ in range(_ROUNDS):
            odds = shares[:, None] * cell_shares + 1e-300
            odds /= odds.sum(axis=0)
            assigned = rng.multinomial(sizes[used], odds.T)
            shares = rng.dirichlet(assigned.sum(axis=0) + 1 / departments)
        if draw >= _WARM_UP:
            drawn[draw - _WARM_UP][:, used] = assigned.T
    return drawn


def _dirichlet(shape: Floats, rng: np.random.Generator) -> Floats:
    gamma = rng.standard_gamma(shape) + 1e-300
    shares: Floats = gamma / gamma.sum(axis=1, keepdims=True)
    return shares
