"""F1 of every node, averaged so that each node counts once."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class NodeMatches:
    """Where nodes occur as truth and as answer.

    Attributes:
        hits: Sparse [rows, node]: 1 where the node is both truth and answer.
        occurrences: Sparse [rows, node]: how often the node occurs in the row, as truth, as
            answer or as both.
    """

    hits: Any
    occurrences: Any

    @classmethod
    def of(cls, truth: NDArray[np.int64], answer: NDArray[np.int64]) -> "NodeMatches":
        """The matches of two columns of nodes, int64 [rows], in which -1 stands for none."""
        from scipy.sparse import csr_array

        nodes, place = np.unique(np.stack([truth, answer]), return_inverse=True)
        place = place.reshape(2, -1)
        rows = np.arange(len(truth))

        def one_hot(places: NDArray[np.intp], kept: NDArray[np.bool_]) -> Any:
            entries = (np.ones(int(kept.sum())), (rows[kept], places[kept]))
            return csr_array(entries, shape=(len(truth), len(nodes)))

        return cls(
            hits=one_hot(place[0], (truth == answer) & (truth >= 0)),
            occurrences=one_hot(place[0], truth >= 0) + one_hot(place[1], answer >= 0),
        )

    def macro_f1(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Mean F1 of the nodes that occur, 1 where none does.

        Args:
            weights: float64 [weighting, rows].

        Returns:
            float64 [weighting].
        """
        right, total = ((matrix.T @ weights.T).T for matrix in (self.hits, self.occurrences))
        occurs = total > 0
        sums: NDArray[np.float64]
        sums = np.where(occurs, 2 * right / np.maximum(total, 1e-300), 0.0).sum(axis=1)
        return np.where(occurs.any(axis=1), sums / np.maximum(occurs.sum(axis=1), 1), 1.0)
