"""What is kept of a row's probabilities, from a model that has not seen the row."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prodcat.insight.arrays import Floats, Ints
from prodcat.taxonomy.tree import Taxonomy


@dataclass(frozen=True, eq=False)
class OutOfFold:
    """What is kept of a row's probabilities, from a model that has not seen it.

    Attributes:
        levels: float64 [rows, levels]: the probability of the label's node at each level, below
            its end that of the label itself.
        best: int64 [rows]: the most probable outcome's node.
        sure: float64 [rows]: the probability of that outcome.
        department: float64 [rows]: the probability of that outcome's department.
    """

    levels: Floats
    best: Ints
    sure: Floats
    department: Floats

    @classmethod
    def nothing(cls, rows: int, taxonomy: Taxonomy) -> "OutOfFold":
        """Room for so many rows."""
        return cls(
            np.zeros((rows, taxonomy.depth)),
            np.zeros(rows, np.int64),
            np.zeros(rows),
            np.zeros(rows),
        )

    def put(self, rows: Ints, some: "OutOfFold") -> None:
        """Fill some rows.

        Args:
            rows: int64 [some]: which ones.
            some: What is kept of these.
        """
        for name in ("levels", "best", "sure", "department"):
            getattr(self, name)[rows] = getattr(some, name)


def out_of_fold(
    probabilities: NDArray[np.floating[Any]], targets: Ints, taxonomy: Taxonomy
) -> OutOfFold:
    """Reduce probabilities to what is kept of them.

    Args:
        probabilities: float [rows, outcomes].
        targets: int64 [rows]: the labelled nodes.
        taxonomy: The tree.
    """
    sums = np.zeros((len(targets), probabilities.shape[1] + 1))
    np.cumsum(probabilities, axis=1, out=sums[:, 1:])
    at = np.arange(len(targets))

    def between(spans: Ints, rows: Ints) -> Floats:
        probability: Floats = np.clip(sums[rows, spans[..., 1]] - sums[rows, spans[..., 0]], 0, 1)
        return probability

    chains = taxonomy.chains[targets]
    chains = np.where(chains < 0, targets[:, None], chains)
    ends = (chains == targets[:, None])[..., None]
    spans = np.where(ends, taxonomy.target_spans[chains], taxonomy.spans[chains])
    place = probabilities.argmax(axis=1)
    best = taxonomy.outcomes[place]
    return OutOfFold(
        between(spans, at[:, None]),
        best,
        probabilities[at, place].astype(np.float64),
        between(taxonomy.spans[taxonomy.chains[best, 0]], at),
    )
