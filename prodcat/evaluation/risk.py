"""The error among the answered rows, if only the most confident rows are answered."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from prodcat.taxonomy.arrays import Flags, Floats


@dataclass(frozen=True, eq=False)
class SurestFirst:
    """Rows in the order of decreasing confidence.

    Attributes:
        order: int [rows]: the rows, the most confident one first.
        last: int [rows]: for each place in that order, the last place with the same confidence;
            rows with equal confidence are answered together.
    """

    order: NDArray[np.intp]
    last: NDArray[np.intp]

    @classmethod
    def of(cls, confidence: Floats) -> "SurestFirst":
        """Sort rows by their confidence.

        Args:
            confidence: float64 [rows].
        """
        order = np.argsort(-confidence, kind="stable")
        ordered = confidence[order]
        last = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True))
        return cls(order, last[np.searchsorted(last, np.arange(len(order)))])

    def area(self, weights: Floats, right: Flags) -> Floats:
        """The area under the risk-coverage curve for several sets of weights of the rows.

        It is the mean error among the answered rows over all shares of answered rows.

        Args:
            weights: float64 [weighting, rows]: sets of weights of the rows.
            right: bool [rows]: whether each row is right.

        Returns:
            float64 [weighting]: the area for each set of weights.
        """
        ordered = weights[:, self.order]
        answered = ordered.cumsum(axis=1)
        wrong = (ordered * ~right[self.order]).cumsum(axis=1)
        risk = (wrong / np.maximum(answered, 1e-300))[:, self.last]
        area: Floats = (ordered * risk).sum(axis=1) / weights.sum(axis=1)
        return area

    def curve(
        self, confidence: Floats, right: Flags, rows: int, points: int
    ) -> list[tuple[float, float, float]]:
        """Triples: the share of answered rows, the error among them, and their lowest confidence.

        Args:
            confidence: float64 [rows]: the probability that each row is right.
            right: bool [rows]: whether each row is right.
            rows: The number of all rows, the denominator of the share.
            points: The greatest number of triples.
        """
        if not len(self.order):
            return []
        wrong = np.cumsum(~right[self.order])
        sure = confidence[self.order]
        steps = np.ceil(np.linspace(1, len(self.order), points)).astype(int) - 1
        return [
            ((place + 1) / rows, float(wrong[place] / (place + 1)), float(sure[place]))
            for place in np.unique(self.last[steps]).tolist()
        ]
