r"""How good the answers are; nodes are identified by their path, never by name alone.

With ``A(n)`` the ancestors of a node and itself, the root not counted, ``y`` the truth and
``p`` the answer: hierarchical precision is ``sum |A(p) & A(y)| / sum |A(p)|``, recall the
same over ``sum |A(y)|``, F1 their harmonic mean (Kiritchenko et al., 2006; sums over rows,
so "micro").  A row whose label stops at a node where no product ends says nothing about the
levels below, so an answer below it is right, and is judged down to the label's level.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prodcat.errors import CatalogError
from prodcat.taxonomy import Taxonomy

_BINS = 15


@dataclass(frozen=True)
class LevelResult:
    """One level, 1 = coarsest.

    Attributes:
        level: Its number.
        rows: Rows whose truth or answer reaches the level.
        accuracy: Share of rows that are right at this level; a level that is missing in
            both counts as right, and rows whose label says nothing of it do not count.
        macro_f1: Mean F1 of the level's nodes that occur as truth or answer.
    """

    level: int
    rows: int
    accuracy: float
    macro_f1: float


@dataclass(frozen=True)
class Evaluation:
    """The metrics of one set of answers.

    Attributes:
        rows: Rows that were judged.
        path_accuracy: Share of rows with every level right.
        macro_f1: Mean F1 over the outcomes that occur as truth or answer.
        hierarchical_precision: Micro; see the module's text.
        hierarchical_recall: Micro.
        hierarchical_f1: Micro.
        log_loss: Mean of minus the log-probability of the truth, in nats; None where no
            probabilities were given.
        ece: Expected calibration error of the path confidence in 15 equal bins, or None.
        inconsistent: Share of answers that are no path of the tree.
        levels: One result for each level.
        correct: Whether each row is right, for paired comparisons.
        confusions: The commonest mistakes: (truth, answer, rows).
    """

    rows: int
    path_accuracy: float
    macro_f1: float
    hierarchical_precision: float
    hierarchical_recall: float
    hierarchical_f1: float
    log_loss: float | None
    ece: float | None
    inconsistent: float
    levels: tuple[LevelResult, ...]
    correct: NDArray[np.bool_] = field(repr=False, compare=False)
    confusions: tuple[tuple[str, str, int], ...] = field(repr=False, default=())

    @property
    def level_accuracy(self) -> tuple[float, ...]:
        """Accuracy of each level, coarse to fine."""
        return tuple(level.accuracy for level in self.levels)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; the single rows are left out."""
        values = asdict(self)
        del values["correct"]
        return values

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Evaluation":
        """Read what :meth:`to_dict` gave; the single rows are not known any more."""
        return cls(
            **{
                **values,
                "levels": tuple(LevelResult(**level) for level in values["levels"]),
                "confusions": tuple(tuple(entry) for entry in values["confusions"]),
                "correct": np.zeros(0, np.bool_),
            }
        )

    def to_json(self) -> str:
        """The same as JSON text."""
        return json.dumps(self.to_dict(), ensure_ascii=False, indent=2) + "\n"

    def _summary(self) -> list[tuple[str, str]]:
        lines = [
            ("rows", f"{self.rows:,}"),
            ("path accuracy", f"{self.path_accuracy:.4f}"),
            ("macro F1", f"{self.macro_f1:.4f}"),
            ("hierarchical precision", f"{self.hierarchical_precision:.4f}"),
            ("hierarchical recall", f"{self.hierarchical_recall:.4f}"),
            ("hierarchical F1", f"{self.hierarchical_f1:.4f}"),
        ]
        if self.log_loss is not None:
            lines.append(("log loss", f"{self.log_loss:.4f}"))
        if self.ece is not None:
            lines.append(("ECE", f"{self.ece:.4f}"))
        return [*lines, ("inconsistent paths", f"{self.inconsistent:.2%}")]

    def __str__(self) -> str:
        """A table for people."""
        lines = [f"{name:<24}{value:>10}" for name, value in self._summary()]
        lines += ["", f"{'level':<8}{'rows':>10}{'accuracy':>12}{'macro F1':>12}"]
        lines += [
            f"{level.level:<8}{level.rows:>10,}{level.accuracy:>12.4f}{level.macro_f1:>12.4f}"
            for level in self.levels
        ]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        import html

        def table(rows: Sequence[Sequence[str]], header: Sequence[str] = ()) -> str:
            head = "".join(f"<th>{html.escape(cell)}</th>" for cell in header)
            body = "".join(
                "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>"
                for row in rows
            )
            return f"<table><tr>{head}</tr>{body}</table>"

        levels = [
            (str(x.level), f"{x.rows:,}", f"{x.accuracy:.4f}", f"{x.macro_f1:.4f}")
            for x in self.levels
        ]
        mistakes = [(truth, answer, str(count)) for truth, answer, count in self.confusions[:10]]
        return (
            table(self._summary())
            + table(levels, ("level", "rows", "accuracy", "macro F1"))
            + (table(mistakes, ("truth", "answer", "rows")) if mistakes else "")
        )


def evaluate_nodes(
    taxonomy: Taxonomy,
    targets: NDArray[np.int64],
    answers: NDArray[np.int64],
    confidence: NDArray[np.floating[Any]] | None = None,
    target_log_probs: NDArray[np.floating[Any]] | None = None,
) -> Evaluation:
    """Judge answers.

    Args:
        taxonomy: The tree.
        targets: int64 [rows]: the node each row is labelled with.
        answers: int64 [rows]: the node each row was answered with; -1 for an answer that
            is no node of the tree.
        confidence: float [rows]: probability of the answered path.
        target_log_probs: float [rows]: log-probability of the label.

    Raises:
        CatalogError: There are no rows, or the lengths differ.
    """
    if not len(targets) or len(targets) != len(answers):
        raise CatalogError(
            f"Found {len(targets)} targets and {len(answers)} answers; expected the same number, "
            "at least one."
        )
    empty = np.full((1, taxonomy.depth), -1, np.int64)
    chains = np.concatenate([taxonomy.chains, empty])
    truth, answer = chains[targets], chains[answers].copy()
    # A partial label says nothing about the levels below it.
    partial = ~taxonomy.terminal[targets]
    beyond = partial[:, None] & (truth < 0)
    answer[beyond] = -1

    same = truth == answer
    correct = same.all(axis=1)
    shared = (same & (truth >= 0)).sum()
    precision = float(shared / max(int((answer >= 0).sum()), 1))
    recall = float(shared / max(int((truth >= 0).sum()), 1))
    end = np.where(partial & correct, targets, answers)
    return Evaluation(
        rows=len(targets),
        path_accuracy=float(correct.mean()),
        macro_f1=_macro_f1(targets, end, len(taxonomy)),
        hierarchical_precision=precision,
        hierarchical_recall=recall,
        hierarchical_f1=2 * precision * recall / max(precision + recall, 1e-300),
        log_loss=None if target_log_probs is None else float(-target_log_probs.mean()),
        ece=None if confidence is None else expected_calibration_error(confidence, correct),
        inconsistent=float((answers < 0).mean()),
        levels=tuple(
            LevelResult(
                level=level + 1,
                rows=int(((truth[:, level] >= 0) | (answer[:, level] >= 0)).sum()),
                accuracy=float(same[~beyond[:, level], level].mean())
                if not beyond[:, level].all()
                else 1.0,
                macro_f1=_macro_f1(truth[:, level], answer[:, level], len(taxonomy)),
            )
            for level in range(taxonomy.depth)
        ),
        correct=correct,
        confusions=_confusions(taxonomy, targets[~correct], answers[~correct]),
    )


def _macro_f1(truth: NDArray[np.int64], answer: NDArray[np.int64], nodes: int) -> float:
    hit = truth == answer
    right = np.bincount(truth[hit & (truth >= 0)], minlength=nodes)
    total = np.bincount(truth[truth >= 0], minlength=nodes)
    total += np.bincount(answer[answer >= 0], minlength=nodes)
    seen = total > 0
    return float((2 * right[seen] / total[seen]).mean()) if seen.any() else 1.0


def _confusions(
    taxonomy: Taxonomy, truth: NDArray[np.int64], answer: NDArray[np.int64]
) -> tuple[tuple[str, str, int], ...]:
    if not len(truth):
        return ()
    pairs, counts = np.unique(np.stack([truth, answer], axis=1), axis=0, return_counts=True)
    names = [" > ".join(path) for path in taxonomy.paths] + ["(no path of the tree)"]
    order = np.argsort(-counts, kind="stable")[:50]
    return tuple((names[pairs[i, 0]], names[pairs[i, 1]], int(counts[i])) for i in order)


def expected_calibration_error(
    confidence: NDArray[np.floating[Any]], correct: NDArray[np.bool_], bins: int = _BINS
) -> float:
    """Mean gap between confidence and accuracy over equal bins, weighted by rows.

    Source: Guo et al., "On Calibration of Modern Neural Networks", ICML 2017.
    """
    place = np.minimum((confidence * bins).astype(np.int64), bins - 1)
    gap = np.bincount(place, confidence, bins) - np.bincount(place, correct, bins)
    return float(np.abs(gap).sum() / len(confidence))


@dataclass(frozen=True)
class Interval:
    """An estimate with its 95 % interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        """As ``+0.0312 [+0.0251, +0.0370]``."""
        return f"{self.value:+.4f} [{self.low:+.4f}, {self.high:+.4f}]"


def paired_bootstrap(
    ours: NDArray[Any],
    theirs: NDArray[Any],
    *,
    resamples: int = 2_000,
    seed: int = 0,
) -> Interval:
    """The mean difference of two systems on the same rows, with a 95 % interval.

    Args:
        ours: [rows], or [rows, runs] for runs with several seeds, which are averaged.
        theirs: The same for the other system.
        resamples: How often the rows are drawn anew.
        seed: Of the draws.
    """
    own = np.asarray(ours, float).reshape(len(ours), -1).mean(axis=1)
    other = np.asarray(theirs, float).reshape(len(theirs), -1).mean(axis=1)
    if len(own) != len(other):
        raise CatalogError(
            f"Found {len(own)} and {len(other)} rows; a paired comparison needs the same rows."
        )
    difference = own - other
    rng = np.random.default_rng(seed)
    draws = [
        float(difference[rng.integers(0, len(difference), len(difference))].mean())
        for _ in range(resamples)
    ]
    low, high = np.quantile(draws, [0.025, 0.975])
    return Interval(float(difference.mean()), float(low), float(high))
