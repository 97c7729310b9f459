"""Numbers of rows and correct answers at each node, and intervals of shares."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prodcat.evaluation.judged_rows import JudgedRows
from prodcat.insight.arrays import Floats, Ints

_Z = 1.959963984540054


@dataclass(frozen=True)
class NodeFigures:
    """Numbers of rows and correct answers at each node.

    Attributes:
        rows: int64 [nodes]: number of rows whose label is at or below the node.
        right: int64 [nodes]: number of these rows whose answer is at or below the node too.
        answered: int64 [nodes]: number of rows whose answer is at or below the node.
        exact: int64 [nodes]: number of the labelled rows whose whole answer is correct.
    """

    rows: Ints
    right: Ints
    answered: Ints
    exact: Ints

    @property
    def recall(self) -> Floats:
        """float64 [nodes]: correct rows divided by labelled rows; NaN if there are none."""
        return _ratio(self.right, self.rows)

    @property
    def accuracy(self) -> Floats:
        """float64 [nodes]: whole answers that are correct by labelled rows; NaN without rows."""
        return _ratio(self.exact, self.rows)

    @property
    def precision(self) -> Floats:
        """float64 [nodes]: correct rows divided by answered rows; NaN if there are none."""
        return _ratio(self.right, self.answered)


def _ratio(part: Ints, whole: Ints) -> Floats:
    return np.where(whole > 0, part / np.maximum(whole, 1), np.nan)


def node_figures(judged: JudgedRows, nodes: int) -> NodeFigures:
    """Count rows and correct answers at each node of the tree.

    Args:
        judged: The rows with their labels and answers.
        nodes: Number of nodes of the tree.

    Returns:
        The numbers for all nodes.
    """

    def count(ends: Ints) -> Ints:
        return np.bincount(ends[ends >= 0], minlength=nodes).astype(np.int64)

    rows, right, answered, exact = (np.zeros(nodes, np.int64) for _ in range(4))
    for level in range(judged.truth.shape[1]):
        truth, answer = judged.truth[:, level], judged.answer[:, level]
        rows += count(truth)
        right += count(truth[truth == answer])
        exact += count(truth[judged.correct])
        answered += count(answer[judged.known[:, level]])
    return NodeFigures(rows, right, answered, exact)


def wilson(right: NDArray[Any], rows: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Compute 95 % intervals of shares of correct rows (Wilson, 1927).

    Args:
        right: Integers of any shape: number of correct rows.
        rows: Integers of the same shape: number of all rows.

    Returns:
        float64 arrays of the same shape: the lower and the upper ends; 0 and 1 where there are no
        rows.

    >>> low, high = wilson(np.array([8]), np.array([10]))
    >>> low.round(3), high.round(3)
    (array([0.49]), array([0.943]))
    """
    n = np.maximum(rows, 1)
    share = right / n
    centre = (share + _Z**2 / (2 * n)) / (1 + _Z**2 / n)
    half = _Z * np.sqrt(share * (1 - share) / n + _Z**2 / (4 * n**2)) / (1 + _Z**2 / n)
    empty = np.asarray(rows) == 0
    return np.where(empty, 0.0, centre - half), np.where(empty, 1.0, centre + half)
