"""Answers of one system to test rows, compared with their labels."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.quality.sets import Record, label

if TYPE_CHECKING:
    from prodcat import Catalog, Classifier


@dataclass(frozen=True)
class Answers:
    """What one system answered.

    Attributes:
        paths: The answered path of each test row, as ids or names from the top level down.
        confidence: float [rows, level + 1]: the probability of the answer's node at each level,
            NaN below its end, and in the last column that of the whole path; or None.
        seconds: How long training took.
    """

    paths: list[tuple[str, ...]]
    confidence: NDArray[np.float64] | None
    seconds: float

    def arrays(self, records: Sequence[Record], prefix: str) -> dict[str, NDArray[Any]]:
        """Which answers are right, by name: the path, level 1, and each level with confidence."""
        truth = [label(record) for record in records]
        pairs = list(zip(self.paths, truth, strict=True))
        arrays: dict[str, NDArray[Any]] = {
            f"{prefix}path": np.array([answer == true for answer, true in pairs]),
            f"{prefix}level1": np.array([answer[:1] == true[:1] for answer, true in pairs]),
        }
        if self.confidence is not None:
            levels = self.confidence.shape[1] - 1
            arrays[f"{prefix}confidence"] = self.confidence.astype(np.float32)
            arrays[f"{prefix}right"] = np.array(
                [
                    [
                        len(true) > level and answer[: level + 1] == true[: level + 1]
                        for level in range(levels)
                    ]
                    + [answer == true]
                    for answer, true in pairs
                ]
            )
        return arrays


def answers_of(
    classifier: "Classifier", titles: "Sequence[str] | Catalog", seconds: float, ids: bool
) -> Answers:
    """The most likely path of each title, with its confidence at every level.

    Args:
        classifier: The classifier.
        titles: The test titles, or a catalog of them.
        seconds: How long training took.
        ids: Whether paths are compared by ids.
    """
    tree, paths, confidences = classifier.taxonomy, [], []
    probabilities = classifier.predict_proba(titles)
    sums = np.concatenate(
        [np.zeros((len(probabilities), 1)), np.cumsum(probabilities, axis=1, dtype=np.float64)],
        axis=1,
    )
    for row, place in enumerate(probabilities.argmax(axis=1)):
        chain = tree.ancestors(int(tree.outcomes[place]))
        paths.append(tuple(tree.ids[node] if ids else tree.names[node] for node in chain))
        spans = tree.spans[list(chain)]
        line = np.full(tree.depth + 1, np.nan)
        line[: len(chain)] = sums[row, spans[:, 1]] - sums[row, spans[:, 0]]
        line[-1] = probabilities[row, place]
        confidences.append(line)
    return Answers(paths, np.stack(confidences), seconds)


def calibration_error(confidence: NDArray[Any], right: NDArray[Any], bins: int = 15) -> float:
    """The expected calibration error with bins of equal width, as ``evaluate`` computes it."""
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    sizes = np.bincount(place, minlength=bins)
    gaps = np.bincount(place, confidence - right, bins)
    return float(np.abs(gaps).sum() / sizes.sum())


def error_by_chance(confidence: NDArray[Any], draws: int = 200) -> float:
    """The median error of answers that are right as often as they say."""
    rng = np.random.default_rng(0)
    drawn = [
        calibration_error(confidence, rng.random(len(confidence)) < confidence)
        for _ in range(draws)
    ]
    return float(np.median(drawn))
