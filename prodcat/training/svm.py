"""One-vs-rest linear support vector machines, the same for any number of processes.

A machine separates the rows of a node (an outcome, or all outcomes below an inner node) from all
other rows.  Of many rows a machine learns its own, those of the others that are most like them, and
a weighted sample of the rest, so that the work for a machine does not grow with the catalog.

liblinear draws the order of its coordinates from one random generator for the whole process, so
threads would change each other's solutions.  So machines are solved in parallel processes, one at
a time in each.  This module imports nothing heavy, because each of these processes imports it.
"""

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

_PAYS = 1e8  # matrix entries times machines (seconds of work) above which processes pay off
_PIECE = 64  # machines that are solved together
_SIMILAR = 4, 600  # rows of others most like its own: so many for each of its own, and at least
_SAMPLED = 1, 1_200  # rows of the rest, drawn at random: the same
_AT_LEAST, _MOST_TIMES = 4_000_000, 3  # the least numbers are multiplied if all machines learn less
_SEED = 209_652_396  # of liblinear's order of coordinates: what LinearSVC draws from the seed 0
_TOLERANCE, _MOST_ROUNDS = 0.1, 1_000
_MACHINE = tuple[float, NDArray[np.int32], NDArray[np.float16]]


@dataclass(frozen=True)
class MachineRows:
    """The rows that machines are solved for.

    Outcomes are numbered depth first, so that the outcomes that a label allows, and those below a
    node, are ranges.  A row whose label allows outcomes both inside and outside of a machine's
    range says nothing about this machine, which does not learn it.

    Attributes:
        matrix: A sparse matrix of scipy, float32 [rows, features].
        spans: int64 [rows, 2]: start and end of the outcomes that each row's label allows.
        weights: float32 [rows]: the weight of each row.
    """

    matrix: Any
    spans: NDArray[np.int64]
    weights: NDArray[np.float32]

    def take(self, rows: NDArray[Any]) -> "MachineRows":
        """Some of the rows: bool [rows] or int64 positions."""
        return MachineRows(self.matrix[rows], self.spans[rows], self.weights[rows])

    def sides(self, span: NDArray[np.int64]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Which rows lie inside a machine's range, and which outside of it: bool [rows] each."""
        start, end = self.spans[:, 0], self.spans[:, 1]
        return (start >= span[0]) & (end <= span[1]), (end <= span[0]) | (start >= span[1])


def solve_all(
    rows: MachineRows,
    machines: NDArray[np.int64],
    *,
    cost: float,
    processes: int,
    share: float = 1.0,
    negligible: float = 0.0,
    solved: Callable[[int], object] = int,
) -> list[_MACHINE]:
    """Solve machines with liblinear (Fan et al., 2008).

    Args:
        rows: The rows to learn.
        machines: int64 [machines, 2]: the range of outcomes of each machine.
        cost: The cost parameter C: the weight of the squared hinge losses.
        processes: Number of processes to solve in, if the work is large enough.
        share: Of the rows of others that a machine usually learns, above 0; a large number makes
            every machine learn all rows.
        negligible: Weights with a smaller absolute value are dropped.
        solved: Is called with the number of machines that have been solved since the last call.

    Returns:
        For each machine its intercept, and the features, int32, and values, float16, of its
        weights.  A machine without rows on either side has no weights, and the intercept 1 if
        all rows are inside its range and -1 otherwise.
    """
    if not len(machines):
        return []
    distinct, place = _distinct(rows, machines)
    repeats = np.bincount(place)
    least = _AT_LEAST / len(distinct) / (_SIMILAR[1] + _SAMPLED[1])
    settings = cost, share, min(max(least, 1.0), _MOST_TIMES), negligible
    result: list[_MACHINE] = []
    for part in _parts(rows, distinct, processes, settings):
        solved(int(repeats[len(result) : len(result) + len(part)].sum()))
        result += part
    return [result[number] for number in place.tolist()]


def _parts(
    rows: MachineRows,
    machines: NDArray[np.int64],
    processes: int,
    settings: tuple[float, float, float, float],
) -> Iterable[list[_MACHINE]]:
    """The solved machines, piece by piece, in order."""
    pieces = np.array_split(machines, -(-len(machines) // _PIECE))
    processes = min(processes, os.cpu_count() or 1, len(pieces))
    if processes < 2 or float(rows.matrix.nnz) * len(machines) < _PAYS:
        return (_solve(rows, piece, *settings) for piece in pieces)
    from joblib import Parallel, delayed

    parallel = Parallel(n_jobs=processes, return_as="generator")
    parts: Iterable[list[_MACHINE]] = parallel(
        delayed(_solve)(rows, piece, *settings) for piece in pieces
    )
    return parts


def _distinct(
    rows: MachineRows, machines: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The machines that differ in their rows, and the position of each machine among these.

    A node with a single child has the same rows as the child, and so the same machine.
    """
    edges = np.sort(rows.spans, axis=0)
    ranks = [np.searchsorted(edges[:, 0], machines[:, side], "left") for side in (0, 1)]
    ranks += [np.searchsorted(edges[:, 1], machines[:, side], "right") for side in (0, 1)]
    _, first, place = np.unique(np.stack(ranks), axis=1, return_index=True, return_inverse=True)
    order = np.argsort(first)
    where = np.empty(len(order), np.int64)
    where[order] = np.arange(len(order))
    return machines[first[order]], where[place.reshape(-1)]


def _solve(
    rows: MachineRows,
    machines: NDArray[np.int64],
    cost: float,
    share: float,
    times: float,
    negligible: float,
) -> list[_MACHINE]:
    similar = _similarities(rows, machines)
    solved: list[_MACHINE] = []
    for number, span in enumerate(machines):
        inside, outside = rows.sides(span)
        if not inside.any() or not outside.any():
            none = np.zeros(0, np.int32)
            solved.append((1.0 if inside.any() else -1.0, none, none.astype(np.float16)))
            continue
        factor = _factors(similar[number], (inside, outside), share, times, int(span[0]))
        used = np.flatnonzero(factor)
        weights = (factor[used] * rows.weights[used]).astype(np.float64)
        weight = _separate(rows.matrix[used], inside[used], weights, cost)
        features = np.flatnonzero(np.abs(weight[:-1]) > negligible).astype(np.int32)
        solved.append((float(weight[-1]), features, weight[features].astype(np.float16)))
    return solved


def _separate(
    matrix: Any, inside: NDArray[np.bool_], weights: NDArray[np.float64], cost: float
) -> NDArray[np.float64]:
    """The weights of a machine and, last, its intercept, float64 [features + 1].

    Calls liblinear as :class:`sklearn.svm.LinearSVC` does, and to the same result: its checks take
    as long as solving a small machine.  Where a version of scikit-learn lacks this function,
    which is not public, the class itself is used.

    Args:
        matrix: A sparse matrix of scipy, float32 [rows, features].
        inside: bool [rows]: which rows are inside the machine's range.
        weights: float64 [rows].
        cost: The cost parameter C.
    """
    try:
        from sklearn.svm._liblinear import set_verbosity_wrap, train_wrap

        set_verbosity_wrap(0)  # it prints the course of every solution unless it is told not to
        # Sparse rows, L2-regularised squared hinge loss in the dual, an intercept of scale 1.
        classes, settings = np.ones(2), (_MOST_ROUNDS, _SEED, 0.0)
        side = inside.astype(np.float64)
        solved = train_wrap(
            matrix, side, True, 1, _TOLERANCE, 1.0, cost, classes, *settings, weights
        )
        weight: NDArray[np.float64] = np.asarray(solved[0])[0]
        return weight
    except (ImportError, TypeError, ValueError):  # the function is private, and may change
        from sklearn.svm import LinearSVC

        machine = LinearSVC(
            C=cost, tol=_TOLERANCE, max_iter=_MOST_ROUNDS, dual=True, random_state=0
        )
        machine.fit(matrix.astype(np.float64), inside, weights)
        return np.append(machine.coef_[0], machine.intercept_)


def _similarities(rows: MachineRows, machines: NDArray[np.int64]) -> NDArray[np.float32]:
    """How like the rows of each machine each row is, float32 [machines, rows]: a dot product."""
    from scipy.sparse import csr_matrix

    inside = [np.flatnonzero(rows.sides(span)[0]) for span in machines]
    ends = np.cumsum([0, *map(len, inside)])
    ones = np.ones(ends[-1], np.float32)
    chosen = csr_matrix((ones, np.concatenate(inside), ends), (len(machines), len(rows.weights)))
    sums = (chosen @ rows.matrix).toarray()
    similarities: NDArray[np.float32] = (rows.matrix @ np.ascontiguousarray(sums.T)).T
    return similarities


def _factors(
    similar: NDArray[np.float32],
    sides: tuple[NDArray[np.bool_], NDArray[np.bool_]],
    share: float,
    times: float,
    seed: int,
) -> NDArray[np.float32]:
    """The factor of each row's weight: 0 if not learned, above 1 for a sample, float32 [rows].

    Args:
        similar: float32 [rows]: how like the machine's rows each row is.
        sides: Which rows are inside the machine's range, and which outside of it: bool [rows] each.
        share: Of the rows of others that a machine usually learns.
        times: The factor of the least numbers of such rows.
        seed: Of the sample.
    """
    inside, outside = sides
    size = int(inside.sum())
    others = np.flatnonzero(outside)
    factor = inside.astype(np.float32)
    count, drawn = (
        int(share * max(for_each * size, times * at_least))
        for for_each, at_least in (_SIMILAR, _SAMPLED)
    )
    if len(others) <= count + drawn:
        factor[others] = 1
        return factor
    alike = similar[others]
    hard = np.zeros(len(others), np.bool_)
    hard[np.argpartition(-alike, count)[:count]] = True
    factor[others[hard]] = 1
    rest = others[~hard]
    sample = np.random.default_rng(seed).choice(rest, drawn, replace=False)
    factor[sample] = len(rest) / drawn
    return factor
