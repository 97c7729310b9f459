"""Probabilities of labels and answers, from models that were not trained on the rows."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prodcat.insight.arrays import Floats, Ints
from prodcat.taxonomy.tree import Taxonomy


@dataclass(frozen=True, eq=False)
class OutOfFold:
    """Probabilities of each row's label and answer, from a model that was not trained on the row.

    Attributes:
        levels: float64 [rows, levels]: the probability of the label's ancestor at each level; from
            the level of the label on, the probability of the label itself.
        best: int64 [rows]: the answer, which is the node of the most probable outcome.
        sure: float64 [rows]: the probability of the answer.
        department: float64 [rows]: the probability of the answer's department.
    """

    levels: Floats
    best: Ints
    sure: Floats
    department: Floats

    @classmethod
    def zeros(cls, rows: int, taxonomy: Taxonomy) -> "OutOfFold":
        """Create arrays of zeros for a number of rows, to be filled by :meth:`put`."""
        levels = np.zeros((rows, taxonomy.depth))
        return cls(levels, np.zeros(rows, np.int64), np.zeros(rows), np.zeros(rows))

    def put(self, rows: Ints, part: "OutOfFold") -> None:
        """Write the probabilities of some of the rows into these arrays.

        Args:
            rows: int64 [part]: positions of these rows.
            part: The probabilities of these rows.
        """
        for name in ("levels", "best", "sure", "department"):
            getattr(self, name)[rows] = getattr(part, name)


def out_of_fold(
    probabilities: NDArray[np.floating[Any]], targets: Ints, taxonomy: Taxonomy
) -> OutOfFold:
    """Reduce the probabilities of all outcomes to those of the labels and answers.

    Args:
        probabilities: float [rows, outcomes]: the probability of each outcome.
        targets: int64 [rows]: the labelled node of each row.
        taxonomy: The tree.

    Returns:
        The probabilities of each row's label and answer.
    """
    sums = np.zeros((len(targets), probabilities.shape[1] + 1))
    np.cumsum(probabilities, axis=1, out=sums[:, 1:])
    rows = np.arange(len(targets))

    def between(spans: Ints, at: Ints) -> Floats:
        probability: Floats = np.clip(sums[at, spans[..., 1]] - sums[at, spans[..., 0]], 0, 1)
        return probability

    chains = taxonomy.chains[targets]
    chains = np.where(chains < 0, targets[:, None], chains)
    ends = (chains == targets[:, None])[..., None]
    spans = np.where(ends, taxonomy.target_spans[chains], taxonomy.spans[chains])
    outcome = probabilities.argmax(axis=1)
    best = taxonomy.outcomes[outcome]
    return OutOfFold(
        between(spans, rows[:, None]),
        best,
        probabilities[rows, outcome].astype(np.float64),
        between(taxonomy.spans[taxonomy.chains[best, 0]], rows),
    )
