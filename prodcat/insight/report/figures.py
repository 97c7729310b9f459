"""How the rows of each node of the tree went, and how far such shares are known."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from prodcat.insight.arrays import Floats, Ints

if TYPE_CHECKING:
    from prodcat.evaluation.judged_rows import JudgedRows

_Z = 1.959963984540054


@dataclass(frozen=True)
class NodeFigures:
    """How the rows of each node went.

    Attributes:
        rows: int64 [nodes]: rows whose label is at or below the node.
        right: int64 [nodes]: those of them whose answer is, too.
        answered: int64 [nodes]: rows whose answer is at or below it.
    """

    rows: Ints
    right: Ints
    answered: Ints

    @property
    def recall(self) -> Floats:
        """float64 [nodes]: NaN where there are no rows."""
        return _ratio(self.right, self.rows)

    @property
    def precision(self) -> Floats:
        """float64 [nodes]: NaN where nothing was answered."""
        return _ratio(self.right, self.answered)


def _ratio(part: Ints, whole: Ints) -> Floats:
    return np.where(whole > 0, part / np.maximum(whole, 1), np.nan)


def node_figures(judged: "JudgedRows", nodes: int) -> NodeFigures:
    """Count rows at each node of the tree.

    Args:
        judged: The rows with their labels and answers.
        nodes: How many nodes the tree has.
    """

    def count(places: Ints) -> Ints:
        return np.bincount(places[places >= 0], minlength=nodes).astype(np.int64)

    rows, right, answered = (np.zeros(nodes, np.int64) for _ in range(3))
    for level in range(judged.truth.shape[1]):
        truth, answer = judged.truth[:, level], judged.answer[:, level]
        rows += count(truth)
        right += count(truth[truth == answer])
        answered += count(answer[judged.known[:, level]])
    return NodeFigures(rows, right, answered)


def wilson(right: NDArray[Any], rows: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """The 95 % interval of shares (Wilson, 1927).

    Args:
        right: Integers of any shape: rows that are right.
        rows: Integers of the same shape: all rows.

    Returns:
        Lower and upper ends; 0 and 1 where there are no rows.
    """
    n = np.maximum(rows, 1)
    share = right / n
    middle = (share + _Z**2 / (2 * n)) / (1 + _Z**2 / n)
    half = _Z * np.sqrt(share * (1 - share) / n + _Z**2 / (4 * n**2)) / (1 + _Z**2 / n)
    nothing = np.asarray(rows) == 0
    return np.where(nothing, 0.0, middle - half), np.where(nothing, 1.0, middle + half)
