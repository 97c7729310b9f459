"""Fit the n-gram branch: one linear support vector machine for each outcome."""

import numpy as np
from numpy.typing import NDArray

from prodcat.model.lexical import ABSENT, Features, LexicalBranch
from prodcat.training.svm import solve_all


def solve(
    features: Features,
    size: int,
    targets: NDArray[np.int64],
    outcomes: int,
    *,
    cost: float = 1.0,
    weights: NDArray[np.float32] | None = None,
    threads: int = 1,
    negligible: float = 1e-3,
    kept: LexicalBranch | None = None,
    again: NDArray[np.bool_] | None = None,
) -> LexicalBranch:
    """Fit the map with scikit-learn's liblinear; the same for any number of processes.

    Args:
        features: The training rows.
        size: Number of n-grams.
        targets: int64 [rows]: the outcome of each row, as a position among the outcomes.
        outcomes: Number of outcomes; one that no row has scores below all others.
        cost: Weight of the squared hinge losses against the squared length of the map.
        weights: float32 [rows]: weight of each row, 1 by default.
        threads: How many processes to solve in, where that pays.
        negligible: Entries below this size are left out.
        kept: A map over the same n-grams and outcomes, from which machines are taken.
        again: bool [outcomes]: which ones are solved even so; all without ``kept``.
    """
    from scipy.sparse import csr_matrix

    matrix = csr_matrix(
        (
            features.values.astype(np.float64),
            features.columns.astype(np.int32),
            features.offsets.astype(np.int32),
        ),
        shape=(len(features), size),
    )
    present = np.unique(targets)
    bias = np.full(outcomes, ABSENT, np.float32)
    none = np.zeros(0, np.int64)
    feature, outcome, value = [none], [none], [none.astype(np.float16)]
    if kept is not None and again is not None:
        features_kept, outcomes_kept, values_kept = kept.entries()
        stays = ~again[outcomes_kept]
        feature.append(features_kept[stays])
        outcome.append(outcomes_kept[stays])
        value.append(values_kept[stays])
        bias[~again] = kept.bias.cpu().numpy()[~again]
        wanted = present[again[present]]
    else:
        wanted = present
    if len(present) > 1:
        machines = solve_all(matrix, targets, weights, wanted.tolist(), cost, threads)
        for number, (intercept, weight) in zip(wanted.tolist(), machines, strict=True):
            bias[number] = intercept
            some = np.flatnonzero(np.abs(weight) >= negligible)
            feature.append(some)
            outcome.append(np.full(len(some), number))
            value.append(weight[some])
    else:
        bias[present] = 1.0
    return LexicalBranch.from_entries(
        np.concatenate(feature), np.concatenate(outcome), np.concatenate(value), bias, size
    )
