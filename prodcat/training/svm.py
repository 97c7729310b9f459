"""One-vs-rest linear support vector machines, the same for any number of processes.

liblinear draws its order of coordinates from one generator for the whole process, so that threads
would change each other's solutions.  Here each machine is solved in a process that does nothing
else meanwhile.  This module imports nothing heavy, because each of those processes imports it.
"""

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

_PAYS = 1e8  # entries times machines, seconds of work, from which processes are worth starting
_PIECES = 8  # pieces of work for each process


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
        matrix: Sparse rows [rows, features], float64.
        targets: int64 [rows].
        weights: float32 [rows], or None for 1.
        classes: The values of ``targets`` to tell from all others.
        cost: Weight of the squared hinge losses.
        processes: Number of processes to solve in, if the work is large enough.

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
