"""The labels and answers of individual rows, and every metric as a function of the rows' weights.

If all weights are 1, the functions compute the metric itself.  If the weight of a row is the number
of times that it was drawn with replacement, they compute the metric on a bootstrap resample (Efron,
1979).  So the value and its interval come from the same formula.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prodcat.evaluation.macro_f1 import NodeMatches
from prodcat.evaluation.reliability import weighted_calibration_error
from prodcat.evaluation.risk import SurestFirst
from prodcat.taxonomy.arrays import Flags, Floats, Ints
from prodcat.taxonomy.tree import Taxonomy

ROOT = -1
NO_PATH = -2
_MOST_CELLS = 4_000_000  # the greatest number of weights, resamples times rows, at a time
_TAIL = 0.1


@dataclass(frozen=True, eq=False)
class JudgedRows:
    """The truth and the answer of each row.

    Attributes:
        targets: int64 [rows]: the node of the label.
        answers: int64 [rows]: the node of the answer; ``ROOT`` (-1) if the answer is no category,
            ``NO_PATH`` (-2) if it is not a path of the tree.
        truth: int64 [rows, level]: the node of the label's path at each level, -1 below its end.
        answer: int64 [rows, level]: the node of the answer's path at each level, -1 below its
            end, and below the end of a partial label.
        known: bool [rows, level]: whether the label determines the truth at the level.
        partial: bool [rows]: whether the label ends at a node where no product may end.
        confidence: float64 [rows]: the probability that the answer is right, or None if unknown.
        level_confidence: float64 [rows, level]: the probability of the answer's node at each
            level, or None if unknown.
        log_probs: float64 [rows]: the log-probability of the label, or None if unknown.
        exact: Whether ``confidence`` is the probability that the whole path is right;
            otherwise it is the probability that the product is at or below the answer.
        support: int64 [rows]: the number of training titles of the label's node, or None if
            unknown.
        tree_hash: The hash of the tree to which the nodes belong.
        taxonomy: This tree, or None if it is not known.
        columns: Columns that tell the rows from each other, by name, such as their numbers.
    """

    targets: Ints
    answers: Ints
    truth: Ints
    answer: Ints
    known: Flags
    partial: Flags
    confidence: Floats | None
    level_confidence: Floats | None
    log_probs: Floats | None
    exact: bool
    support: Ints | None
    tree_hash: str
    taxonomy: Taxonomy | None = None
    columns: Mapping[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        """The number of rows."""
        return len(self.targets)

    @cached_property
    def same(self) -> Flags:
        """Whether truth and answer have the same node, or both none: bool [rows, level]."""
        return np.asarray(self.truth == self.answer)

    @cached_property
    def correct(self) -> Flags:
        """Whether the whole path is right: bool [rows]."""
        return np.asarray(self.same.all(axis=1))

    @cached_property
    def covered(self) -> Flags:
        """Whether the answer is the truth or an ancestor of it: bool [rows]."""
        prefix = (self.same | (self.answer < 0)).all(axis=1)
        return np.asarray(prefix & (self.answers != NO_PATH))

    @property
    def right(self) -> Flags:
        """Whether the answer is right in the sense of ``confidence``: bool [rows]."""
        return self.correct if self.exact else self.covered

    @cached_property
    def rated(self) -> NDArray[np.intp]:
        """The positions of the rows whose answer is not the root: int [rated].

        Metrics of the confidence are computed for these rows.
        """
        return np.flatnonzero(self.answers != ROOT)

    @cached_property
    def tail(self) -> Flags | None:
        """Whether a row is in the tenth whose labels had the fewest training titles: bool [rows].

        Rows with as many training titles as the last row of the tenth are in it, too.  None if the
        numbers of training titles are unknown.
        """
        if self.support is None:
            return None
        tail: Flags = self.support <= np.quantile(self.support, _TAIL, method="inverted_cdf")
        return tail

    @cached_property
    def ends(self) -> Ints:
        """The answer's node; the label's, if this is partial and the answer right: int64 [rows]."""
        return np.where(self.partial & self.correct, self.targets, self.answers)

    def reach(self, level: int) -> Flags:
        """Whether the label determines a level, and the answer has a node there: bool [rows].

        Args:
            level: The level, counted from 0.
        """
        return self.known[:, level] & (self.answer[:, level] >= 0)

    # -- metrics ------------------------------------------------------------------

    def scores(self, weights: Floats) -> dict[str, Floats]:
        """Compute every metric for several sets of weights.

        Args:
            weights: float64 [weighting, rows]: the weight of each row in each set, at least 0.

        Returns:
            float64 [weighting] by the names of the metrics; NaN where a metric is not defined.
        """
        total = weights.sum(axis=1)
        names, columns = self._linear
        sums = dict(zip(names, (weights @ columns).T, strict=True))
        with np.errstate(invalid="ignore", divide="ignore"):
            precision = sums["shared"] / np.maximum(sums["answered"], 1e-300)
            recall = sums["shared"] / np.maximum(sums["true"], 1e-300)
            metrics = {
                "path_accuracy": sums["correct"] / total,
                "coverage": sums["covered"] / total,
                "answered_accuracy": sums["answered_right"] / sums["category"],
                "macro_f1": self._matches[-1].macro_f1(weights),
                "hierarchical_precision": precision,
                "hierarchical_recall": recall,
                "hierarchical_f1": 2 * precision * recall / np.maximum(precision + recall, 1e-300),
                "macro_hierarchical_precision": sums["row_precision"] / total,
                "macro_hierarchical_recall": sums["row_recall"] / total,
                "macro_hierarchical_f1": sums["row_f1"] / total,
                "tree_distance": sums["distance"] / total,
                "error_distance": np.where(
                    total - sums["correct"] > 0,
                    sums["distance"] / np.maximum(total - sums["correct"], 1e-300),
                    0.0,
                ),
                "inconsistent": sums["inconsistent"] / total,
            }
            if self.tail is not None:
                metrics["tail_recall"] = sums["tail_correct"] / sums["tail"]
            if self.log_probs is not None:
                metrics["log_loss"] = -sums["log_probs"] / total
            metrics |= self._confidence_scores(weights, sums)
            for level in range(self.truth.shape[1]):
                metrics |= self._level_scores(weights, sums, level)
        return metrics

    def _confidence_scores(self, weights: Floats, sums: dict[str, Floats]) -> dict[str, Floats]:
        """The metrics of the confidence in whole answers by name, float64 [weighting].

        Args:
            weights: float64 [weighting, rows].
            sums: float64 [weighting]: the weighted sums of the columns of :attr:`_linear`.
        """
        rows = self.rated
        if self.confidence is None or not len(rows):
            return {}
        rated_weights, right = weights[:, rows], self.right[rows]
        return {
            "ece": weighted_calibration_error(rated_weights, self.confidence[rows], right),
            "brier": sums["brier"] / rated_weights.sum(axis=1),
            "risk_coverage_area": self._surest_first.area(rated_weights, right),
        }

    @cached_property
    def _linear(self) -> tuple[list[str], Floats]:
        """The names and values, float64 [rows, column], of columns for most of the metrics.

        The metrics are computed from weighted sums of these columns.
        """
        shared = (self.same & (self.truth >= 0)).sum(axis=1)
        answered, true = (self.answer >= 0).sum(axis=1), (self.truth >= 0).sum(axis=1)
        columns: dict[str, Any] = {
            "correct": self.correct,
            "covered": self.covered,
            "category": answered > 0,
            "answered_right": self.right & (answered > 0),
            "shared": shared,
            "answered": answered,
            "true": true,
            "row_precision": shared / np.maximum(answered, 1),
            "row_recall": shared / np.maximum(true, 1),
            "row_f1": 2 * shared / np.maximum(answered + true, 1),
            "distance": answered + true - 2 * shared,
            "inconsistent": self.answers == NO_PATH,
        }
        if self.tail is not None:
            columns |= {"tail": self.tail, "tail_correct": self.tail & self.correct}
        if self.log_probs is not None:
            columns["log_probs"] = self.log_probs
        if self.confidence is not None:
            rated = self.answers != ROOT
            columns["brier"] = np.where(rated, (self.confidence - self.right) ** 2, 0.0)
        for level in range(self.truth.shape[1]):
            columns[f"known {level}"] = self.known[:, level]
            columns[f"same {level}"] = self.known[:, level] & self.same[:, level]
            if self.level_confidence is not None:
                gap = self.level_confidence[:, level] - self.same[:, level]
                columns[f"reach {level}"] = self.reach(level)
                columns[f"brier {level}"] = np.where(self.reach(level), gap**2, 0.0)
        values = [np.asarray(column, np.float64) for column in columns.values()]
        return list(columns), np.stack(values, axis=1)

    def _level_scores(
        self, weights: Floats, sums: dict[str, Floats], level: int
    ) -> dict[str, Floats]:
        """The metrics of one level by name, float64 [weighting].

        Args:
            weights: float64 [weighting, rows].
            sums: float64 [weighting]: the weighted sums of the columns of :attr:`_linear`.
            level: The level, counted from 0.
        """
        name = f"level_{level + 1}"
        known = sums[f"known {level}"]
        metrics = {
            f"{name}_accuracy": np.where(known > 0, sums[f"same {level}"] / known, 1.0),
            f"{name}_macro_f1": self._matches[level].macro_f1(weights),
        }
        if self.level_confidence is not None and self.reach(level).any():
            rows = self.reach(level)
            metrics[f"{name}_ece"] = weighted_calibration_error(
                weights[:, rows], self.level_confidence[rows, level], self.same[rows, level]
            )
            metrics[f"{name}_brier"] = sums[f"brier {level}"] / sums[f"reach {level}"]
        return metrics

    @cached_property
    def _matches(self) -> dict[int, NodeMatches]:
        """The nodes of truth and answer by level, from 0; -1 stands for the ends of the paths."""
        levels = enumerate(zip(self.truth.T, self.answer.T, strict=True))
        matches = {level: NodeMatches.of(truth, answer) for level, (truth, answer) in levels}
        return matches | {-1: NodeMatches.of(self.targets, self.ends)}

    @cached_property
    def _surest_first(self) -> SurestFirst:
        """The order of the rated rows by their confidence."""
        assert self.confidence is not None
        return SurestFirst.of(self.confidence[self.rated])

    # -- tables -------------------------------------------------------------------

    def risk_coverage(self, points: int = 100) -> list[tuple[float, float, float]]:
        """Triples: the share of answered rows, the error among them, and their lowest confidence.

        Args:
            points: The greatest number of triples.
        """
        assert self.confidence is not None
        confidence, right = self.confidence[self.rated], self.right[self.rated]
        return self._surest_first.curve(confidence, right, len(self), points)

    def resampled(self, other: "JudgedRows | None", resamples: int, seed: int) -> list[Any]:
        """Compute every metric on bootstrap resamples of the rows.

        Args:
            other: Other answers to the same rows, evaluated on the same resamples; or None.
            resamples: The number of resamples.
            seed: The seed of the resamples.

        Returns:
            One mapping for these answers and one for the other ones: float64 [resamples] by the
            names of the metrics.
        """
        rng = np.random.default_rng(seed)
        both = [self] if other is None else [self, other]
        pieces: list[list[dict[str, Floats]]] = [[] for _ in both]
        left = resamples
        while left:
            count = min(left, max(_MOST_CELLS // len(self), 1))
            draws = rng.integers(0, len(self), (count, len(self)))
            draws += np.arange(count)[:, None] * len(self)
            weights = np.bincount(draws.ravel(), minlength=count * len(self))
            for rows, scores in zip(both, pieces, strict=True):
                scores.append(rows.scores(weights.reshape(count, -1).astype(np.float64)))
            left -= count
        return [
            {name: np.concatenate([piece[name] for piece in scores]) for name in scores[0]}
            for scores in pieces
        ]
