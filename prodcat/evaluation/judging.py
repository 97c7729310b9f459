"""Rows judged one by one, and every metric as a function of the rows' weights.

With all weights 1 the functions give the metric; with the counts of a random draw with
replacement they give one bootstrap resample (Efron, 1979), so that value and interval come
from one formula.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prodcat.errors import CatalogError
from prodcat.taxonomy.tree import Taxonomy

ROOT = -1
NO_PATH = -2
BINS = 15
_MOST_CELLS = 4_000_000
_TAIL = 0.1

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Nodes = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class JudgedRows:
    """Truth and answer of each row, side by side.

    Attributes:
        targets: int64 [rows]: the labelled node.
        answers: int64 [rows]: the answered node; ``ROOT``: no category was answered;
            ``NO_PATH``: the answer is no path of the tree.
        truth: int64 [rows, level]: the label's node at each level, -1 below its end.
        answer: int64 [rows, level]: the same of the answer, cut to the label's level where
            the label is partial.
        known: bool [rows, level]: whether the label says anything of the level.
        partial: bool [rows]: the label stops where no product ends.
        confidence: float64 [rows], or None.
        level_confidence: float64 [rows, level], or None.
        log_probs: float64 [rows]: of the labels, or None.
        exact: Whether ``confidence`` is the probability that the whole path is right, or
            else that the product is at or below the answer.
        support: int64 [rows]: training titles of the label's node, or None.
        tree_hash: Of the tree whose nodes these are.
    """

    targets: Nodes
    answers: Nodes
    truth: Nodes
    answer: Nodes
    known: Bools
    partial: Bools
    confidence: Floats | None
    level_confidence: Floats | None
    log_probs: Floats | None
    exact: bool
    support: Nodes | None
    tree_hash: str

    def __len__(self) -> int:
        """The number of rows."""
        return len(self.targets)

    @cached_property
    def same(self) -> Bools:
        """Bool [rows, level]: truth and answer agree; so do two that have both ended."""
        return np.asarray(self.truth == self.answer)

    @cached_property
    def correct(self) -> Bools:
        """Bool [rows]: the whole path is right."""
        return np.asarray(self.same.all(axis=1))

    @cached_property
    def covered(self) -> Bools:
        """Bool [rows]: the answer is the truth or an ancestor of it."""
        prefix = (self.same | (self.answer < 0)).all(axis=1)
        return np.asarray(prefix & (self.answers != NO_PATH))

    @property
    def right(self) -> Bools:
        """Bool [rows]: what ``confidence`` is the probability of."""
        return self.correct if self.exact else self.covered

    @cached_property
    def rated(self) -> NDArray[np.intp]:
        """Rows whose confidence is judged: those answered with more than the root."""
        return np.flatnonzero(self.answers != ROOT)

    @cached_property
    def tail(self) -> Bools | None:
        """Bool [rows]: the tenth of the rows whose labels had the fewest training titles.

        Rows with as many as the last of the tenth belong to it too.
        """
        if self.support is None:
            return None
        tail: Bools = self.support <= np.quantile(self.support, _TAIL, method="inverted_cdf")
        return tail

    @cached_property
    def ends(self) -> Nodes:
        """int64 [rows]: the answered node, or the label where a partial one is met."""
        return np.where(self.partial & self.correct, self.targets, self.answers)

    def reach(self, level: int) -> Bools:
        """Bool [rows]: the answer has a node at the level, and the label says of it."""
        return self.known[:, level] & (self.answer[:, level] >= 0)

    # -- metrics ------------------------------------------------------------------

    def scores(self, weights: Floats) -> dict[str, Floats]:
        """Every metric under every weighting.

        Args:
            weights: float64 [weighting, rows], not negative.

        Returns:
            By name, float64 [weighting]; not a number where nothing can be said.
        """
        total = weights.sum(axis=1)
        names, columns = self._linear
        sums = dict(zip(names, (weights @ columns).T, strict=True))
        with np.errstate(invalid="ignore", divide="ignore"):
            precision = sums["shared"] / np.maximum(sums["answered"], 1e-300)
            recall = sums["shared"] / np.maximum(sums["true"], 1e-300)
            found = {
                "path_accuracy": sums["correct"] / total,
                "coverage": sums["covered"] / total,
                "answered_accuracy": sums["answered_right"] / sums["category"],
                "macro_f1": self._macro_f1(weights, -1),
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
                found["tail_recall"] = sums["tail_correct"] / sums["tail"]
            if self.log_probs is not None:
                found["log_loss"] = -sums["log_probs"] / total
            if self.confidence is not None:
                rows = self.rated
                if len(rows):
                    mine = weights[:, rows]
                    found["ece"] = self._ece(mine, self.confidence[rows], self.right[rows])
                    found["brier"] = sums["brier"] / mine.sum(axis=1)
                    found["risk_coverage_area"] = self._area(mine)
            for level in range(self.truth.shape[1]):
                found |= self._level_scores(weights, sums, level)
        return found

    @cached_property
    def _linear(self) -> tuple[list[str], Floats]:
        """Named columns, float64 [rows, column], whose weighted sums make up most metrics."""
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
        name = f"level_{level + 1}"
        known = sums[f"known {level}"]
        found = {
            f"{name}_accuracy": np.where(known > 0, sums[f"same {level}"] / known, 1.0),
            f"{name}_macro_f1": self._macro_f1(weights, level),
        }
        if self.level_confidence is not None and self.reach(level).any():
            rows = self.reach(level)
            found[f"{name}_ece"] = self._ece(
                weights[:, rows], self.level_confidence[rows, level], self.same[rows, level]
            )
            found[f"{name}_brier"] = sums[f"brier {level}"] / sums[f"reach {level}"]
        return found

    def _macro_f1(self, weights: Floats, level: int) -> Floats:
        """Mean F1 of the nodes that occur as truth or answer at a level; -1: of the ends."""
        right, total = ((matrix.T @ weights.T).T for matrix in self._one_hot[level])
        occurs = total > 0
        means: Floats = np.where(occurs, 2 * right / np.maximum(total, 1e-300), 0.0).sum(axis=1)
        return np.where(occurs.any(axis=1), means / np.maximum(occurs.sum(axis=1), 1), 1.0)

    @cached_property
    def _one_hot(self) -> dict[int, tuple[Any, Any]]:
        """Sparse [rows, node] of hits, and of truths and answers together, for each level."""
        levels = range(self.truth.shape[1])
        pairs = {level: (self.truth[:, level], self.answer[:, level]) for level in levels}
        return {level: _hits_and_all(*pair) for level, pair in pairs.items()} | {
            -1: _hits_and_all(self.targets, self.ends)
        }

    @staticmethod
    def _ece(weights: Floats, confidence: Floats, right: Bools) -> Floats:
        gaps = np.zeros((len(confidence), BINS))
        gaps[np.arange(len(confidence)), bins(confidence)] = confidence - right
        error: Floats = np.abs(weights @ gaps).sum(axis=1) / weights.sum(axis=1)
        return error

    @cached_property
    def by_confidence(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Rated rows by falling confidence; for each the last place with the same one."""
        assert self.confidence is not None
        confidence = self.confidence[self.rated]
        order = np.argsort(-confidence, kind="stable")
        ordered = confidence[order]
        last = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True))
        return order, last[np.searchsorted(last, np.arange(len(order)))]

    def _area(self, weights: Floats) -> Floats:
        order, last = self.by_confidence
        ordered = weights[:, order]
        answered = ordered.cumsum(axis=1)  # weights are those of the rated rows
        wrong = (ordered * ~self.right[self.rated][order]).cumsum(axis=1)
        risk = (wrong / np.maximum(answered, 1e-300))[:, last]
        area: Floats = (ordered * risk).sum(axis=1) / weights.sum(axis=1)
        return area

    # -- tables -------------------------------------------------------------------

    def risk_coverage(self, points: int = 100) -> list[tuple[float, float, float]]:
        """Share answered, error among the answered, and the confidence that divides them."""
        assert self.confidence is not None
        order, last = self.by_confidence
        if not len(order):
            return []
        order = self.rated[order]
        wrong = np.cumsum(~self.right[order])
        places = np.unique(last[np.ceil(np.linspace(1, len(order), points)).astype(int) - 1])
        return [
            ((p + 1) / len(self), float(wrong[p] / (p + 1)), float(self.confidence[order[p]]))
            for p in places.tolist()
        ]

    def resampled(self, other: "JudgedRows | None", resamples: int, seed: int) -> list[Any]:
        """Scores under random draws of the rows, the same draws for both.

        Returns:
            One dict of arrays [resamples] for these rows, and one for the other's.
        """
        rng = np.random.default_rng(seed)
        both = [self] if other is None else [self, other]
        found: list[list[dict[str, Floats]]] = [[] for _ in both]
        left = resamples
        while left:
            count = min(left, max(_MOST_CELLS // len(self), 1))
            draws = rng.integers(0, len(self), (count, len(self)))
            draws += np.arange(count)[:, None] * len(self)
            weights = np.bincount(draws.ravel(), minlength=count * len(self))
            for rows, parts in zip(both, found, strict=True):
                parts.append(rows.scores(weights.reshape(count, -1).astype(np.float64)))
            left -= count
        return [
            {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
            for parts in found
        ]


def _hits_and_all(truth: Nodes, answer: Nodes) -> tuple[Any, Any]:
    from scipy.sparse import csr_array

    seen, place = np.unique(np.stack([truth, answer]), return_inverse=True)
    place = place.reshape(2, -1)
    rows = np.arange(len(truth))

    def one_hot(places: NDArray[np.intp], kept: Bools) -> Any:
        entries = (np.ones(int(kept.sum())), (rows[kept], places[kept]))
        return csr_array(entries, shape=(len(truth), len(seen)))

    hits = one_hot(place[0], (truth == answer) & (truth >= 0))
    return hits, one_hot(place[0], truth >= 0) + one_hot(place[1], answer >= 0)


def bins(confidence: Floats) -> NDArray[np.int64]:
    """The bin of each confidence: equal ones from 0 to 1, the upper edge in the last."""
    return np.clip((confidence * BINS).astype(np.int64), 0, BINS - 1)


def judge_rows(
    taxonomy: Taxonomy,
    targets: Nodes,
    answers: Nodes,
    *,
    confidence: Any = None,
    level_confidence: Any = None,
    target_log_probs: Any = None,
    exact: bool = True,
    counts: Nodes | None = None,
) -> JudgedRows:
    """Put truth and answers side by side; see :func:`prodcat.evaluation.metrics.evaluate_nodes`.

    Raises:
        CatalogError: There are no rows, or the lengths differ.
    """
    if not len(targets) or len(targets) != len(answers):
        raise CatalogError(
            f"Found {len(targets)} targets and {len(answers)} answers; expected the same number, "
            "at least one."
        )
    targets, answers = np.asarray(targets), np.asarray(answers)
    for name, nodes, least in (("targets", targets, 0), ("answers", answers, NO_PATH)):
        if nodes.min() < least or nodes.max() >= len(taxonomy):
            raise CatalogError(
                f"Found {name} from {nodes.min()} to {nodes.max()}; expected nodes from {least} to "
                f"{len(taxonomy) - 1}, the last of this tree."
            )
    depth = (len(targets), taxonomy.depth)
    for name, values, shape in (
        ("confidence", confidence, depth[:1]),
        ("target_log_probs", target_log_probs, depth[:1]),
        ("level_confidence", level_confidence, depth),
    ):
        if values is not None and (np.shape(values) != shape or np.isnan(values).any()):
            raise CatalogError(
                f"Found {name} of shape {np.shape(values)}; expected numbers of shape {shape}."
            )
    # The two last rows stand for ROOT and NO_PATH.
    chains = np.concatenate([taxonomy.chains, np.full((2, taxonomy.depth), -1, np.int64)])
    truth, answer = chains[targets], chains[answers].copy()
    # A partial label says nothing about the levels below it.
    partial = ~taxonomy.terminal[targets]
    beyond = partial[:, None] & (truth < 0)
    answer[beyond] = -1

    def floats(values: Any) -> Any:
        return None if values is None else np.asarray(values, np.float64)

    return JudgedRows(
        targets=np.asarray(targets),
        answers=np.asarray(answers),
        truth=truth,
        answer=answer,
        known=~beyond,
        partial=partial,
        confidence=floats(confidence),
        level_confidence=floats(level_confidence),
        log_probs=floats(target_log_probs),
        exact=exact,
        support=None if counts is None else np.asarray(counts)[targets],
        tree_hash=taxonomy.hash,
    )
