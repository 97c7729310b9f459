"""Macro F1: the mean F1 over nodes, each with the same weight."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prodcat.taxonomy.arrays import Flags, Floats, Ints


@dataclass(frozen=True, eq=False)
class NodeMatches:
    """The rows in which each node occurs as truth and as answer.

    Attributes:
        hits: Sparse float64 [rows, node]: 1 where the node is both truth and answer.
        occurrences: Sparse float64 [rows, node]: 1 where the node is either truth or answer, 2
            where it is both.
    """

    hits: Any
    occurrences: Any

    @classmethod
    def of(cls, truth: Ints, answer: Ints) -> "NodeMatches":
        """Find the rows in which each node occurs.

        Args:
            truth: int64 [rows]: the true node of each row, -1 for none.
            answer: int64 [rows]: the answered node of each row, -1 for none.
        """
        from scipy.sparse import csr_array

        nodes, place = np.unique(np.stack([truth, answer]), return_inverse=True)
        place = place.reshape(2, -1)
        rows = np.arange(len(truth))

        def one_hot(places: NDArray[np.intp], kept: Flags) -> Any:
            entries = (np.ones(int(kept.sum())), (rows[kept], places[kept]))
            return csr_array(entries, shape=(len(truth), len(nodes)))

        return cls(
            hits=one_hot(place[0], (truth == answer) & (truth >= 0)),
            occurrences=one_hot(place[0], truth >= 0) + one_hot(place[1], answer >= 0),
        )

    def macro_f1(self, weights: Floats) -> Floats:
        """The mean F1 of the nodes that occur; 1 if no node occurs.

        Args:
            weights: float64 [weighting, rows]: sets of weights of the rows.

        Returns:
            float64 [weighting]: the mean F1 for each set of weights.
        """
        right, total = ((matrix.T @ weights.T).T for matrix in (self.hits, self.occurrences))
        occurs = total > 0
        sums: Floats
        sums = np.where(occurs, 2 * right / np.maximum(total, 1e-300), 0.0).sum(axis=1)
        return np.where(occurs.any(axis=1), sums / np.maximum(occurs.sum(axis=1), 1), 1.0)
