r"""How good the answers are; nodes are identified by their path, never by name alone.

With ``A(n)`` the ancestors of a node and itself, the root not counted, ``y`` the truth and
``p`` the answer: hierarchical precision is ``sum |A(p) & A(y)| / sum |A(p)|``, recall the
same over ``sum |A(y)|``, F1 their harmonic mean (Kiritchenko et al., 2006; sums over rows,
so "micro").  Their "macro" forms are means of the same three over single rows.  The tree
distance is the number of steps from answer to truth along the tree.

A row whose label stops at a node where no product ends says nothing about the levels
below, so an answer below it is right, and is judged down to the label's level.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from prodcat.errors import CatalogError
from prodcat.evaluation.judging import BINS, NO_PATH, JudgedRows, bins, judge_rows
from prodcat.taxonomy.tree import Taxonomy, join_path

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_RESAMPLES = 1_000
_MOST_DRAWS = 50_000_000
_SHOWN_CONFUSIONS = 50
_NO_PATH_NAME = "(no path of the tree)"
_ROOT_NAME = "(root)"
# Where less is better.
_LOSSES = ("distance", "inconsistent", "log_loss", "ece", "brier", "risk_coverage_area")


@dataclass(frozen=True)
class Interval:
    """An estimate with its 95 % interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        """As ``+0.0312 [+0.0251, +0.0370]``."""
        return f"{self.value:+.4f} [{self.low:+.4f}, {self.high:+.4f}]"


@dataclass(frozen=True)
class ReliabilityBin:
    """Rows of about the same confidence.

    Attributes:
        rows: How many.
        confidence: Their mean confidence.
        accuracy: The share of them that is right.
    """

    rows: int
    confidence: float
    accuracy: float


@dataclass(frozen=True)
class LevelResult:
    """One level, 1 = coarsest.

    Attributes:
        level: Its number.
        rows: Rows whose truth or answer reaches the level.
        accuracy: Share of rows that are right at this level; a level that is missing in
            both counts as right, and rows whose label says nothing of it do not count.
        macro_f1: Mean F1 of the level's nodes that occur as truth or answer.
        answers_end: Share of all answers that end at this level.
        ece: Expected calibration error of the answers that reach the level, in 15 equal
            bins; None without probabilities.
        brier: Mean square of confidence minus being right, of the same answers; or None.
        reliability: The bins of ``ece`` that hold rows.
    """

    level: int
    rows: int
    accuracy: float
    macro_f1: float
    answers_end: float = 0.0
    ece: float | None = None
    brier: float | None = None
    reliability: tuple[ReliabilityBin, ...] = field(repr=False, default=())


@dataclass(frozen=True)
class ConfusionGroup:
    """Mistakes that part at one node of the tree.

    Attributes:
        ancestor: The deepest node that truth and answer share; ``(root)`` for none.
        level: Its level, 0 for the root: the smaller, the worse the mistake.
        rows: How many.
        share: Of all mistakes.
        branches: The commonest pairs of names just below it: (truth, answer, rows).
    """

    ancestor: str
    level: int
    rows: int
    share: float
    branches: tuple[tuple[str, str, int], ...]


@dataclass(frozen=True)
class Evaluation:
    """The metrics of one set of answers.

    What is said of confidence (``ece``, ``brier``, ``risk_coverage``, reliability) is about the
    rows that were answered with a category; the root is never wrong, and says nothing.

    Attributes:
        rows: Rows that were judged.
        path_accuracy: Share of rows with every level right.
        coverage: Share of rows whose answer is the truth or an ancestor of it.
        answered_accuracy: Share of right answers among those that are a category, not the
            root: whole paths, or, where answers may be coarser, the truth or an ancestor.
            None where all answers are the root.
        macro_f1: Mean F1 over the outcomes that occur as truth or answer.
        hierarchical_precision: Micro; see the module's text.
        hierarchical_recall: Micro.
        hierarchical_f1: Micro.
        macro_hierarchical_precision: Mean over rows; 0 for the root as the answer.
        macro_hierarchical_recall: Mean over rows.
        macro_hierarchical_f1: Mean over rows.
        tree_distance: Mean number of steps between answer and truth.
        error_distance: The same over the wrong rows alone; 0 without any.
        inconsistent: Share of answers that are no path of the tree.
        levels: One result for each level.
        answers_end_at_root: Share of answers that are the root: no category.
        tail_recall: Path accuracy on the tenth of the rows whose labels had the fewest
            training titles; None where these are not known.
        log_loss: Mean of minus the log-probability of the truth, in nats; None where no
            probabilities were given.
        ece: Expected calibration error of the confidence in 15 equal bins, or None.
        brier: Mean square of confidence minus being right, or None.
        risk_coverage_area: Area under ``risk_coverage``: the mean error among the answered
            while the least sure are left out one by one; or None.
        risk_coverage: Up to 100 triples of the share answered, the error among the
            answered, and the confidence from which on rows are answered.
        reliability: The bins of ``ece`` that hold rows.
        confusions: The commonest mistakes: (truth, answer, rows).
        confusion_groups: All mistakes by the node where they part, commonest first.
    """

    rows: int
    path_accuracy: float
    coverage: float
    answered_accuracy: float | None
    macro_f1: float
    hierarchical_precision: float
    hierarchical_recall: float
    hierarchical_f1: float
    macro_hierarchical_precision: float
    macro_hierarchical_recall: float
    macro_hierarchical_f1: float
    tree_distance: float
    error_distance: float
    inconsistent: float
    levels: tuple[LevelResult, ...]
    answers_end_at_root: float = 0.0
    tail_recall: float | None = None
    log_loss: float | None = None
    ece: float | None = None
    brier: float | None = None
    risk_coverage_area: float | None = None
    risk_coverage: tuple[tuple[float, float, float], ...] = field(repr=False, default=())
    reliability: tuple[ReliabilityBin, ...] = field(repr=False, default=())
    confusions: tuple[tuple[str, str, int], ...] = field(repr=False, default=())
    confusion_groups: tuple[ConfusionGroup, ...] = field(repr=False, default=())
    judged: JudgedRows | None = field(repr=False, compare=False, default=None)
    _intervals: dict[str, Interval] = field(repr=False, compare=False, default_factory=dict)

    # -- single rows --------------------------------------------------------------

    @property
    def correct(self) -> NDArray[np.bool_]:
        """Bool [rows]: whether each row's whole path is right.

        Raises:
            CatalogError: The evaluation was read from JSON, which holds no single rows.
        """
        return self._rows.correct

    @property
    def _rows(self) -> JudgedRows:
        if self.judged is None:
            raise CatalogError(
                "This evaluation was read from JSON, so its single rows are not known any more; "
                "expected one that evaluate() gave. Evaluate again."
            )
        return self.judged

    @property
    def level_accuracy(self) -> tuple[float, ...]:
        """Accuracy of each level, coarse to fine."""
        return tuple(level.accuracy for level in self.levels)

    @property
    def intervals(self) -> Mapping[str, Interval]:
        """Every metric by name with its 95 % bootstrap interval over rows.

        Levels' metrics are named ``level_1_accuracy`` and so on.  Intervals are moved by the
        bias that resampling adds (upward to calibration errors, downward to macro F1, where
        rare categories fall out of a resample).  They are drawn
        when first asked for: 1,000 times, above 50,000 rows fewer (200 at least).
        """
        if not self._intervals and self.judged is not None:
            values = self.judged.scores(np.ones((1, self.rows)))
            draws = self.judged.resampled(None, _resamples(self.rows), seed=0)[0]
            for name, drawn in draws.items():
                if np.isfinite(values[name][0]):
                    own = _percentiles(float(values[name][0]), drawn)
                    self._intervals[name] = Interval(own.value, max(own.low, 0.0), own.high)
        return self._intervals

    def compare(self, other: "Evaluation") -> "Comparison":
        """This evaluation minus another one of the same rows, in the same order.

        Raises:
            CatalogError: The rows are not the same, or one of them was read from JSON.
        """
        own, theirs = self._rows, other._rows
        same_tree = own.tree_hash == theirs.tree_hash
        if not same_tree or not np.array_equal(own.targets, theirs.targets):
            raise CatalogError(
                f"Found {len(own):,} and {len(theirs):,} rows with different labels; a paired "
                "comparison needs the same rows of one tree in the same order. Evaluate both "
                "on one catalog."
            )
        ones = np.ones((1, len(own)))
        values = [rows.scores(ones) for rows in (own, theirs)]
        draws = own.resampled(theirs, _resamples(len(own)), seed=0)
        return Comparison(
            rows=len(own),
            differences={
                name: _percentiles(
                    float(values[0][name][0] - values[1][name][0]),
                    draws[0][name] - draws[1][name],
                )
                for name in values[0]
                if name in values[1] and np.isfinite(values[0][name] - values[1][name]).all()
            },
        )

    # -- writing and reading ------------------------------------------------------

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON, intervals included; the single rows are left out."""
        intervals = {name: asdict(interval) for name, interval in self.intervals.items()}
        values = {
            name: value
            for name, value in vars(self).items()
            if name not in ("judged", "_intervals", "levels", "reliability", "confusion_groups")
        }
        return {
            **values,
            "levels": [asdict(level) for level in self.levels],
            "reliability": [asdict(own) for own in self.reliability],
            "confusion_groups": [asdict(group) for group in self.confusion_groups],
            "intervals": intervals,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Evaluation":
        """Read what :meth:`to_dict` gave; the single rows are not known any more."""
        values = dict(values)
        intervals = {name: Interval(**own) for name, own in values.pop("intervals", {}).items()}

        def bins_of(entries: Sequence[Mapping[str, Any]]) -> tuple[ReliabilityBin, ...]:
            return tuple(ReliabilityBin(**entry) for entry in entries)

        def tuples(entries: Sequence[Sequence[Any]]) -> tuple[tuple[Any, ...], ...]:
            return tuple(tuple(entry) for entry in entries)

        levels = tuple(
            LevelResult(**{**level, "reliability": bins_of(level.get("reliability", ()))})
            for level in values.pop("levels")
        )
        groups = tuple(
            ConfusionGroup(**{**group, "branches": tuples(group["branches"])})
            for group in values.pop("confusion_groups", ())
        )
        return cls(
            **{
                **values,
                "levels": levels,
                "confusion_groups": groups,
                "reliability": bins_of(values.get("reliability", ())),
                "confusions": tuples(values.get("confusions", ())),
                "risk_coverage": tuples(values.get("risk_coverage", ())),
                "_intervals": intervals,
            }
        )

    def to_json(self) -> str:
        """The same as JSON text."""
        return json.dumps(self.to_dict(), ensure_ascii=False, indent=2) + "\n"

    # -- showing ------------------------------------------------------------------

    def _summary(self) -> list[tuple[str, str, str]]:
        lines = [("rows", f"{self.rows:,}", "")]
        for name in _SUMMARY:
            value = getattr(self, name)
            if value is not None:
                own = self.intervals.get(name)
                shown = f"[{own.low:.4f}, {own.high:.4f}]" if own is not None else ""
                lines.append((_SUMMARY[name], f"{value:.4f}", shown))
        lines.append(("answers with no category", f"{self.answers_end_at_root:.2%}", ""))
        return [*lines, ("inconsistent paths", f"{self.inconsistent:.2%}", "")]

    def _level_table(self) -> list[tuple[str, ...]]:
        def number(value: float | None) -> str:
            return "" if value is None else f"{value:.4f}"

        return [
            (
                str(x.level),
                f"{x.rows:,}",
                number(x.accuracy),
                number(x.macro_f1),
                number(x.ece),
                number(x.brier),
                f"{x.answers_end:.1%}",
            )
            for x in self.levels
        ]

    def __str__(self) -> str:
        """A table for people, with 95 % intervals."""
        lines = [
            f"{name:<32}{value:>10}  {shown}".rstrip() for name, value, shown in self._summary()
        ]
        rows = [_LEVEL_HEADER, *self._level_table()]
        lines += ["", *("".join(f"{cell:>12}" for cell in row) for row in rows)]
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

        mistakes = [(truth, answer, str(count)) for truth, answer, count in self.confusions[:10]]
        groups = [
            (group.ancestor, str(group.rows), f"{group.share:.1%}")
            for group in self.confusion_groups[:10]
        ]
        return (
            table(self._summary(), ("metric", "value", "95 % interval"))
            + table(self._level_table(), _LEVEL_HEADER)
            + (table(groups, ("mistakes part at", "rows", "share")) if groups else "")
            + (table(mistakes, ("truth", "answer", "rows")) if mistakes else "")
        )

    def plot(self) -> "Figure":
        """Reliability at each level, and risk against the share answered, in one figure.

        Raises:
            ConfigError: matplotlib is not there, or there were no probabilities.
        """
        from prodcat.evaluation.plots import plot_evaluation

        return plot_evaluation(self)

    def plot_reliability(
        self, ax: "Axes | None" = None, *, before: "Evaluation | None" = None
    ) -> "Axes":
        """Accuracy against confidence of the whole path, also as it was before calibration.

        Raises:
            ConfigError: matplotlib is not there, or there were no probabilities.
        """
        from prodcat.evaluation.plots import plot_reliability

        return plot_reliability(self, ax, before=before)

    def plot_risk_coverage(self, ax: "Axes | None" = None) -> "Axes":
        """The error among the answered against the share answered.

        Raises:
            ConfigError: matplotlib is not there, or there were no probabilities.
        """
        from prodcat.evaluation.plots import plot_risk_coverage

        return plot_risk_coverage(self, ax)


_SUMMARY = {
    "path_accuracy": "path accuracy",
    "coverage": "truth or an ancestor",
    "answered_accuracy": "right among the answered",
    "macro_f1": "macro F1",
    "hierarchical_precision": "hierarchical precision",
    "hierarchical_recall": "hierarchical recall",
    "hierarchical_f1": "hierarchical F1",
    "macro_hierarchical_f1": "hierarchical F1, mean of rows",
    "tree_distance": "tree distance",
    "error_distance": "tree distance of errors",
    "tail_recall": "recall of the rarest tenth",
    "log_loss": "log loss",
    "ece": "ECE",
    "brier": "Brier score",
    "risk_coverage_area": "area under risk-coverage",
}
_LEVEL_HEADER = ("level", "rows", "accuracy", "macro F1", "ECE", "Brier", "end here")


@dataclass(frozen=True)
class Comparison:
    """One evaluation minus another one of the same rows.

    Attributes:
        rows: Rows that both judged.
        differences: For each metric by name the difference with its 95 % interval, from
            paired bootstrap resamples of the rows.
    """

    rows: int
    differences: Mapping[str, Interval]

    def verdict(self, name: str) -> str:
        """``"better"``, ``"worse"``, or ``"even"`` where the interval holds 0."""
        own = self.differences[name]
        if own.low <= 0 <= own.high:
            return "even"
        less_is_better = name.endswith(_LOSSES)
        return "better" if (own.value < 0) == less_is_better else "worse"

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "rows": self.rows,
            "differences": {
                name: {**asdict(own), "verdict": self.verdict(name)}
                for name, own in self.differences.items()
            },
        }

    def to_json(self) -> str:
        """The same as JSON text."""
        return json.dumps(self.to_dict(), ensure_ascii=False, indent=2) + "\n"

    def __str__(self) -> str:
        """A table for people."""
        lines = [f"{'difference on ' + format(self.rows, ',') + ' rows':<32}{'95 % interval':>29}"]
        for name, own in self.differences.items():
            lines.append(
                f"{_SUMMARY.get(name, name.replace('_', ' ')):<32}{own}  {self.verdict(name)}"
            )
        return "\n".join(lines)


def evaluate_nodes(
    taxonomy: Taxonomy,
    targets: NDArray[np.int64],
    answers: NDArray[np.int64],
    confidence: NDArray[np.floating[Any]] | None = None,
    target_log_probs: NDArray[np.floating[Any]] | None = None,
    *,
    level_confidence: NDArray[np.floating[Any]] | None = None,
    exact: bool = True,
    counts: NDArray[np.int64] | None = None,
) -> Evaluation:
    """Judge answers.

    Args:
        taxonomy: The tree.
        targets: int64 [rows]: the node each row is labelled with.
        answers: int64 [rows]: the node each row was answered with; -1 for the root (no
            category), -2 for an answer that is no path of the tree.
        confidence: float [rows]: probability that the answer is right.
        target_log_probs: float [rows]: log-probability of the label.
        level_confidence: float [rows, level]: probability of the answer's node at each
            level.
        exact: What ``confidence`` is the probability of: that the whole path is right, or,
            where answers may be coarser on purpose (False), that the product is at or
            below the answer.
        counts: int64 [nodes]: training titles of each node.

    Raises:
        CatalogError: There are no rows, or the lengths differ.
    """
    rows = judge_rows(
        taxonomy,
        targets,
        answers,
        confidence=confidence,
        level_confidence=level_confidence,
        target_log_probs=target_log_probs,
        exact=exact,
        counts=counts,
    )
    values = {name: float(own[0]) for name, own in rows.scores(np.ones((1, len(rows)))).items()}
    length = (rows.answer >= 0).sum(axis=1)
    ends = np.bincount(length, minlength=taxonomy.depth + 1) / len(rows)
    no_path = float((rows.answers == NO_PATH).mean())
    scalars: dict[str, Any] = {
        name: None if np.isnan(value) else value
        for name, value in values.items()
        if not name.startswith("level_")
    }
    length = (rows.answer >= 0).sum(axis=1)
    ends = np.bincount(length, minlength=taxonomy.depth + 1) / len(rows)
    no_path = float((rows.answers == NO_PATH).mean())
    known = rows.confidence is not None
    return Evaluation(
        rows=len(rows),
        **scalars,
        levels=tuple(
            _level(rows, values, level, float(ends[level + 1])) for level in range(taxonomy.depth)
        ),
        answers_end_at_root=float(ends[0]) - no_path,
        risk_coverage=tuple(rows.risk_coverage()) if known else (),
        reliability=_reliability(rows.confidence[rows.rated], rows.right[rows.rated])
        if rows.confidence is not None
        else (),
        confusions=_confusions(taxonomy, rows),
        confusion_groups=_confusion_groups(taxonomy, rows),
        judged=rows,
    )


def _level(rows: JudgedRows, values: Mapping[str, float], level: int, ends: float) -> LevelResult:
    reach = rows.reach(level)
    reliability: tuple[ReliabilityBin, ...] = ()
    if rows.level_confidence is not None:
        reliability = _reliability(rows.level_confidence[reach, level], rows.same[reach, level])
    name = f"level_{level + 1}"
    return LevelResult(
        level=level + 1,
        rows=int(((rows.truth[:, level] >= 0) | (rows.answer[:, level] >= 0)).sum()),
        accuracy=values[f"{name}_accuracy"],
        macro_f1=values[f"{name}_macro_f1"],
        answers_end=ends,
        ece=values.get(f"{name}_ece"),
        brier=values.get(f"{name}_brier"),
        reliability=reliability,
    )


def _reliability(
    confidence: NDArray[np.float64], right: NDArray[np.bool_]
) -> tuple[ReliabilityBin, ...]:
    place = bins(confidence)
    counts = np.bincount(place, minlength=BINS)
    sums = (np.bincount(place, values, BINS) for values in (confidence, right))
    return tuple(
        ReliabilityBin(int(count), float(sure / count), float(hits / count))
        for count, sure, hits in zip(counts, *sums, strict=True)
        if count
    )


def _confusions(taxonomy: Taxonomy, rows: JudgedRows) -> tuple[tuple[str, str, int], ...]:
    wrong = ~rows.correct
    if not wrong.any():
        return ()
    both = np.stack([rows.targets[wrong], rows.answers[wrong]], axis=1)
    pairs, counts = np.unique(both, axis=0, return_counts=True)
    names = [*map(join_path, taxonomy.paths), _NO_PATH_NAME, _ROOT_NAME]
    order = np.argsort(-counts, kind="stable")[:_SHOWN_CONFUSIONS]
    return tuple((names[pairs[i, 0]], names[pairs[i, 1]], int(counts[i])) for i in order)


def _confusion_groups(taxonomy: Taxonomy, rows: JudgedRows) -> tuple[ConfusionGroup, ...]:
    wrong = np.flatnonzero(~rows.correct)
    if not len(wrong):
        return ()
    level = (rows.same[wrong] & (rows.truth[wrong] >= 0)).sum(axis=1)
    inside = np.clip(level - 1, 0, None)
    ancestor = np.where(level > 0, rows.truth[wrong, inside], -1)
    ended = np.full((len(wrong), 1), -1)
    below = [
        np.concatenate([chain[wrong], ended], axis=1)[np.arange(len(wrong)), level]
        for chain in (rows.truth, rows.answer)
    ]
    below[1] = np.where(rows.answers[wrong] == NO_PATH, NO_PATH, below[1])
    names = [*taxonomy.names, _NO_PATH_NAME, "(ends here)"]
    groups = []
    nodes, counts = np.unique(ancestor, return_counts=True)
    for node, count in sorted(
        zip(nodes.tolist(), counts.tolist(), strict=True), key=lambda g: -g[1]
    ):
        mine = ancestor == node
        pairs, rows_of = np.unique(np.stack(below, axis=1)[mine], axis=0, return_counts=True)
        order = np.argsort(-rows_of, kind="stable")[:10]
        groups.append(
            ConfusionGroup(
                ancestor=join_path(taxonomy.paths[node]) if node >= 0 else _ROOT_NAME,
                level=int(taxonomy.level[node]) if node >= 0 else 0,
                rows=count,
                share=count / len(wrong),
                branches=tuple(
                    (names[pairs[i, 0]], names[pairs[i, 1]], int(rows_of[i])) for i in order
                ),
            )
        )
    return tuple(groups)


def expected_calibration_error(
    confidence: NDArray[np.floating[Any]], correct: NDArray[np.bool_]
) -> float:
    """Mean gap between confidence and accuracy over 15 equal bins, weighted by rows.

    Source: Guo et al., "On Calibration of Modern Neural Networks", ICML 2017.
    """
    return sum(
        own.rows * abs(own.confidence - own.accuracy)
        for own in _reliability(np.asarray(confidence, np.float64), correct)
    ) / len(confidence)


def _resamples(rows: int) -> int:
    return int(np.clip(_MOST_DRAWS // rows, 200, _RESAMPLES))


def _percentiles(value: float, draws: NDArray[np.float64]) -> Interval:
    finite = draws[np.isfinite(draws)]
    # Noise adds to an absolute gap, and takes rare categories out of a mean: move it back.
    finite = finite + value - finite.mean() if len(finite) else finite
    low, high = np.quantile(finite, [0.025, 0.975]) if len(finite) else (value, value)
    return Interval(value, float(low), float(high))


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
    draws = np.array(
        [
            difference[rng.integers(0, len(difference), len(difference))].mean()
            for _ in range(resamples)
        ]
    )
    return _percentiles(float(difference.mean()), draws)
