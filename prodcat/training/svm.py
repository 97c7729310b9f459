"""One-vs-rest linear support vector machines, the same for any number of processes.

liblinear draws the order of its coordinates from one random generator for the whole process, so
threads would change each other's solutions.  So machines are solved in parallel processes, one at
a time in each.  This module imports nothing heavy, because each of these processes imports it.
"""

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

_PAYS = 1e8  # matrix entries times machines (seconds of work) above which processes pay off
_PIECES = 8  # chunks of classes for each process


def solve_all(
    matrix: Any,
    targets: NDArray[np.int64],
    weights: NDArray[np.float32] | None,
    classes: Sequence[int],
    cost: float,
    processes: int,
) -> list[tuple[float, NDArray[np.float16]]]:
    """Solve one machine for each class, with liblinear (Fan et al., 2008).

    Args:
        matrix: A sparse matrix of scipy, float64 [rows, features].
        targets: int64 [rows]: the class of each row.
        weights: float32 [rows]: the weight of each row; None for 1 each.
        classes: The classes to solve a machine for, each against all other rows.
        cost: The cost parameter C: the weight of the squared hinge losses.
        processes: Number of processes to solve in, if the work is large enough.

    Returns:
        For each class its intercept and its weights, float16 [features].
    """
    if not len(classes):
        return []
    processes = min(processes, os.cpu_count() or 1, len(classes))
    if processes < 2 or matrix.nnz * len(classes) < _PAYS:
        return _solve(matrix, targets, weights, classes, cost)
    from joblib import Parallel, delayed

    pieces = np.array_split(np.asarray(classes), min(processes * _PIECES, len(classes)))
    solved = Parallel(n_jobs=processes)(
        delayed(_solve)(matrix, targets, weights, piece.tolist(), cost) for piece in pieces
    )
    return [machine for part in solved for machine in part]


def _solve(
    matrix: Any,
    targets: NDArray[np.int64],
    weights: NDArray[np.float32] | None,
    classes: Sequence[int],
    cost: float,
) -> list[tuple[float, NDArray[np.float16]]]:
    from sklearn.svm import LinearSVC

    machines = []
    for label in classes:
        machine = LinearSVC(C=cost, tol=0.1, dual=True, random_state=0)
        machine.fit(matrix, targets == label, sample_weight=weights)
        machines.append((float(machine.intercept_[0]), machine.coef_[0].astype(np.float16)))
    return machines
