"""One-vs-rest linear support vector machines, the same whatever they are solved in.

liblinear draws its order of coordinates from one generator for the whole process, so threads
that share it make each other's solutions vary.  Here each machine is solved in a process that
does nothing else meanwhile.  This module imports nothing heavy, since those processes do.
"""

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

_PAYS = 1e8  # entries times machines, some seconds of work, from which processes pay
_PIECES = 8  # of the work, for each process


def solve_all(
    matrix: Any,
    targets: NDArray[np.int64],
    weights: NDArray[np.float32] | None,
    classes: Sequence[int],
    cost: float,
    processes: int,
) -> list[tuple[float, NDArray[np.float16]]]:
    """Solve a machine for each class.

    Args:
        matrix: Sparse rows [rows, features], float64.
        targets: int64 [rows].
        weights: float32 [rows], or None for 1.
        classes: The values of ``targets`` to tell from all others.
        cost: Weight of the squared hinge losses.
        processes: How many to solve in, where that pays.

    Returns:
        Intercept and weights, float16 [features], for each class.
    """
    if not len(classes):
        return []
    processes = min(processes, os.cpu_count() or 1, len(classes))
    if processes < 2 or matrix.nnz * len(classes) < _PAYS:
        return _solve(matrix, targets, weights, classes, cost)
    from joblib import Parallel, delayed

    pieces = np.array_split(np.asarray(classes), min(processes * _PIECES, len(classes)))
    found = Parallel(n_jobs=processes)(
        delayed(_solve)(matrix, targets, weights, piece.tolist(), cost) for piece in pieces
    )
    return [machine for part in found for machine in part]


def _solve(
    matrix: Any,
    targets: NDArray[np.int64],
    weights: NDArray[np.float32] | None,
    classes: Sequence[int],
    cost: float,
) -> list[tuple[float, NDArray[np.float16]]]:
    from sklearn.svm import LinearSVC

    found = []
    for own in classes:
        machine = LinearSVC(C=cost, tol=0.1, dual=True, random_state=0)
        machine.fit(matrix, targets == own, sample_weight=weights)
        found.append((float(machine.intercept_[0]), machine.coef_[0].astype(np.float16)))
    return found
