r"""Promises about answers, from labelled titles that nothing else has seen.

**Coverage.**  An answer's path gives a climb: its nodes from the whole path up to the root,
with probabilities that only grow.  With a threshold, the deepest node whose probability is
above it is answered.  A calibration title's score is the probability of the first wrong node
of its path, 0 where all are right: from this threshold on, the answer is the truth or an
ancestor of it.  With the ``ceil((n + 1) (1 - alpha))``-th smallest of ``n`` scores as the
threshold, an exchangeable new title is answered with the truth or an ancestor of it with
probability at least ``1 - alpha``, whatever the model is, and at most ``1 - alpha +
1/(n + 1)`` where no two scores are equal (split conformal prediction: Vovk et al., 2005;
Lei et al., JASA 2018).  With groups, each has its own threshold and promise (Mondrian).

**Error among the answered.**  Not monotone in the threshold, so it is tested: thresholds in
an order fixed before the calibration titles are seen, each kept as long as the exact
binomial tail of "so few errors among so many answered, if the true error were too high" is
small (Learn then Test: Angelopoulos et al., 2021; fixed sequences with several starts).

Both hold for titles drawn like the calibration titles, and end where the assortment drifts.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from numbers import Real
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from prodcat.decisions.decoding import (
    Answers,
    HierarchicalF,
    MostLikelyPath,
    Objective,
    TreeDistance,
)
from prodcat.errors import ArtifactError, ConfigError
from prodcat.taxonomy.tree import Taxonomy

_STARTS = (0.2, 0.4, 0.6, 0.8)
_STEP = 0.01
_OBJECTIVES = {kind.__name__: kind for kind in (MostLikelyPath, HierarchicalF, TreeDistance)}
DEPARTMENT = "the answer's department"
POOLED = "(small groups)"


@dataclass(frozen=True, eq=False)
class Guarantee:
    """What the calibration titles showed; thresholds for any promise come from it.

    Attributes:
        tree_hash: Of the tree that the titles were labelled with.
        date: When they were judged, ISO 8601 in UTC.
        objective: Whose answers are climbed.
        scores: float64 [rows]: the probability of the first wrong node, 0 for none.
        confidence: float64 [rows]: of the answer; -1 for the root, which is never given.
        right: bool [rows]: the answer is right: the whole path or, where the objective may
            answer coarser, the truth or an ancestor of it.
        group_by: What tells the groups: a column's name, ``DEPARTMENT`` for the answer's own
            top-level node, or None for one promise over all.
        groups: int64 [rows]: the place of each row's group in ``names``.
        names: The groups.  A department goes by its id.
        pooled: The groups that share the promise of ``POOLED``.
        reference: float64: confidences of other titles, ascending; they fix which
            thresholds are tested, and in which order.
    """

    tree_hash: str
    date: str
    objective: Objective
    scores: NDArray[np.float64]
    confidence: NDArray[np.float64]
    right: NDArray[np.bool_]
    group_by: str | None
    groups: NDArray[np.int64]
    names: tuple[str, ...]
    pooled: tuple[str, ...] = ()
    reference: NDArray[np.float64] = field(default_factory=lambda: np.linspace(0, 1, 101))

    def __len__(self) -> int:
        """The number of calibration titles."""
        return len(self.scores)

    @property
    def sizes(self) -> dict[str, int]:
        """Calibration titles of each group."""
        counts = np.bincount(self.groups, minlength=len(self.names))
        return dict(zip(self.names, counts.tolist(), strict=True))

    def __repr__(self) -> str:
        """Size, date and groups in one line."""
        groups = f", {len(self.names)} groups by {self.group_by}" if self.group_by else ""
        return f"Guarantee({len(self):,} titles, {self.date}{groups})"

    def check(self, taxonomy: Taxonomy) -> None:
        """Refuse another tree.

        Raises:
            ArtifactError: The tree is not the one that the titles were labelled with.
        """
        if taxonomy.hash != self.tree_hash:
            raise ArtifactError(
                f"The guarantee was measured on the tree {self.tree_hash[:12]}…, this classifier "
                f"has the tree {taxonomy.hash[:12]}…. Measure it anew with with_guarantee()."
            )

    # -- thresholds ---------------------------------------------------------------

    def node_thresholds(self, guarantee: float) -> dict[str, float]:
        """For each group the probability above which a node may be answered.

        Args:
            guarantee: The least probability that the answer is the truth or an ancestor.

        Raises:
            ConfigError: It is no share, or a group has too few titles to promise it.
        """
        _share("guarantee", guarantee)
        needed = math.ceil(guarantee / (1 - guarantee) - 1e-9)
        self._enough(needed, f"guarantee={guarantee:g}", "a lower guarantee")
        return {
            name: conformal_threshold(self.scores[self.groups == place], guarantee)
            for place, name in enumerate(self.names)
        }

    def confidence_thresholds(self, max_error: float, certainty: float = 0.95) -> dict[str, float]:
        """For each group the confidence from which on whole answers are given.

        Args:
            max_error: The largest share of wrong paths among the answered.
            certainty: The least probability, over draws of the calibration titles, that the
                true share is no larger.

        Raises:
            ConfigError: They are no shares, or the titles of a group do not allow it.
        """
        _share("max_error", max_error)
        _share("certainty", certainty)
        needed = _least_answered(max_error, 1 - certainty)
        self._enough(needed, f"max_error={max_error:g}", "a larger error")
        found: dict[str, float] = {}
        failed = []
        for place, name in enumerate(self.names):
            own = self.groups == place
            threshold = selective_threshold(
                self.confidence[own], self.right[own], max_error, certainty, self.reference
            )
            if threshold is None:
                failed.append(name)
            else:
                found[name] = threshold
        if failed:
            where = f" for {', '.join(failed[:5])}" if self.group_by else ""
            raise ConfigError(
                f"max_error={max_error:g} with certainty {certainty:g} cannot be promised{where}: "
                "the errors among the calibration titles do not show it at any tested "
                "threshold. Allow a larger error, or calibrate on more titles."
            )
        return found

    def _enough(self, needed: int, what: str, other: str) -> None:
        short = {name: size for name, size in self.sizes.items() if size < needed}
        if short:
            empty = "(no value)" if self.group_by else "all"
            shown = ", ".join(f"{name or empty}: {size}" for name, size in list(short.items())[:5])
            more = f" and {len(short) - 5} more" if len(short) > 5 else ""
            pooled = " pool small groups with pool_below=," if self.group_by else ""
            raise ConfigError(
                f"{what} needs at least {needed} calibration titles"
                f"{' in each group' if self.group_by else ''}; found {shown}{more}. Give more "
                f"titles,{pooled} or ask for {other}."
            )

    def lookup(self, names: Sequence[str], values: Mapping[str, float]) -> NDArray[np.float64]:
        """The value of each row's group, float64 [rows]; small groups are those of the pool.

        Raises:
            ConfigError: A group had no calibration titles.
        """
        if POOLED in values:
            # A department without a single calibration title is as small as a group can be.
            small = set(names) if self.group_by == DEPARTMENT else set(self.pooled)
            values = {name: values[POOLED] for name in small} | dict(values)
        unknown = sorted({name for name in names if name not in values})
        if unknown:
            raise ConfigError(
                f"{len(unknown)} groups by {self.group_by} had no calibration titles, e.g. "
                f"{unknown[:3]}; found {sorted(values)[:5]}. Calibrate on titles of every group, "
                "or pool small ones with pool_below=."
            )
        return np.array([values[name] for name in names])

    # -- keeping ------------------------------------------------------------------

    def to_dict(self) -> dict[str, Any]:
        """All but the arrays, for JSON."""
        return {
            "rows": len(self),
            "date": self.date,
            "tree_hash": self.tree_hash,
            "objective": {"kind": type(self.objective).__name__, **vars(self.objective)},
            "group_by": self.group_by,
            "groups": self.sizes,
            "pooled": list(self.pooled),
        }

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The arrays, by name."""
        names = ("scores", "confidence", "right", "groups", "reference")
        return {name: getattr(self, name) for name in names}

    @classmethod
    def from_parts(cls, values: Mapping[str, Any], arrays: Mapping[str, Any]) -> "Guarantee":
        """Read what :meth:`to_dict` and :meth:`arrays` gave."""
        objective = dict(values["objective"])
        kind = _OBJECTIVES[objective.pop("kind")]
        return cls(
            tree_hash=values["tree_hash"],
            date=values["date"],
            objective=kind(**objective),
            group_by=values["group_by"],
            names=tuple(values["groups"]),
            pooled=tuple(values.get("pooled", ())),
            **arrays,
        )


def storable(objective: Objective) -> Objective:
    """The objective, if a guarantee can be kept with it.

    Raises:
        ConfigError: It is a cost matrix.
    """
    if type(objective).__name__ not in _OBJECTIVES:
        raise ConfigError(
            "A guarantee cannot be kept for a cost matrix; expected 'path', 'hierarchical_f1', "
            "'tree_distance', a HierarchicalF or a TreeDistance."
        )
    return objective


def _share(name: str, value: float) -> None:
    if isinstance(value, bool) or not isinstance(value, Real) or not 0 < value < 1:
        raise ConfigError(f"{name}={value!r} is out of range; expected a share between 0 and 1.")


def conformal_threshold(scores: NDArray[np.float64], guarantee: float) -> float:
    """The ceil((n + 1) guarantee)-th smallest score.

    Args:
        scores: float64 [n], with ``n >= guarantee / (1 - guarantee)``.
        guarantee: ``1 - alpha``.
    """
    rank = math.ceil((len(scores) + 1) * guarantee - 1e-9)
    return float(np.partition(scores, rank - 1)[rank - 1])


def _least_answered(max_error: float, level: float) -> int:
    """How many answers without an error show at this level that the error is small enough."""
    needed = math.log(level) / min(math.log1p(-max_error), -1e-15)
    return math.ceil(needed - 1e-9)


def selective_threshold(
    confidence: NDArray[np.float64],
    right: NDArray[np.bool_],
    max_error: float,
    certainty: float,
    reference: NDArray[np.float64],
) -> float | None:
    """The lowest confidence from which on the error among the answered is surely small.

    Args:
        confidence: float64 [rows].
        right: bool [rows].
        max_error: The largest share of errors among rows of at least the threshold.
        certainty: The probability that it holds, at least.
        reference: float64, ascending: confidences of other titles.  Their quantiles are
            the thresholds, from few answered to all.

    Returns:
        None where no threshold can be shown to do.
    """
    from scipy.stats import binom

    starts = [
        share
        for share in _STARTS
        if share * len(right) >= _least_answered(max_error, (1 - certainty) / len(_STARTS))
    ] or [1.0]
    level = (1 - certainty) / len(starts)
    best = None
    for start in starts:
        shares = np.arange(start, 1, _STEP)
        # The last threshold answers all titles, also those below every reference.
        for threshold in [*np.quantile(reference, 1 - shares, method="lower").tolist(), 0.0]:
            answered = confidence >= threshold
            errors = int((answered & ~right).sum())
            if binom.cdf(errors, int(answered.sum()), max_error) > level:
                break
            best = threshold if best is None else min(best, threshold)
    return best


def reference(confidence: NDArray[Any]) -> NDArray[np.float64]:
    """What a guarantee keeps of other titles' confidences: 1,001 quantiles, ascending."""
    return np.quantile(confidence.astype(np.float64), np.linspace(0, 1, 1_001))


def climb_scores(
    answers: Answers, truth: NDArray[np.int64], chains: NDArray[np.int64]
) -> NDArray[np.float64]:
    """The score of each row, float64 [rows]; see the module's text.

    Args:
        answers: Of the rows, one each.
        truth: int64 [rows, level]: the label's chain, -1 below its end.  Below a partial
            label any node counts as wrong, so that the promise holds whatever is true.
        chains: int64 [rows, level]: the answer's chain.
    """
    levels = answers.level_confidence[:, 0].cpu().numpy().astype(np.float64)
    wrong = (chains >= 0) & (chains != truth)
    first = wrong.argmax(axis=1)
    scores = np.where(wrong.any(axis=1), levels[np.arange(len(levels)), first], 0.0)
    return np.asarray(scores, np.float64)


def stop(
    answers: Answers, chains: NDArray[np.int64], limits: NDArray[np.float64], whole: bool
) -> Answers:
    """Answer with a coarser node where the promise asks for it.

    Args:
        answers: Of the rows, one each.
        chains: int64 [rows, level]: the answers' chains, -1 below their ends.
        limits: float64 [rows]: the threshold of each row.
        whole: Whether an answer stays whole or becomes the root, by its confidence; or else
            keeps the nodes whose probability is above the threshold.
    """
    levels = answers.level_confidence[:, 0]
    if whole:
        sure = answers.confidence[:, 0].cpu().numpy().astype(np.float64) >= limits
        kept = np.where(sure, (chains >= 0).sum(axis=1), 0)
    else:
        sums = levels.cpu().numpy().astype(np.float64)
        kept = ((chains >= 0) & (sums > limits[:, None])).sum(axis=1)
    rooted = np.concatenate([np.full((len(chains), 1), -1), chains], axis=1)
    nodes = torch.from_numpy(rooted[np.arange(len(rooted)), kept]).to(levels.device)
    depth = torch.from_numpy(kept).to(levels.device)[:, None]
    levels = levels.masked_fill(torch.arange(levels.shape[1], device=levels.device) >= depth, 0.0)
    last = answers.confidence if whole else levels.gather(1, (depth - 1).clamp(min=0))
    confidence = torch.where(depth > 0, last, 1.0)
    exact = whole and answers.exact
    return Answers(nodes[:, None], confidence, levels[:, None], answers.value, exact)


def pooled_groups(
    names: NDArray[Any], pool_below: int
) -> tuple[NDArray[np.int64], tuple[str, ...], tuple[str, ...]]:
    """The place of each row's group among the groups, the groups, and those that share one."""
    found, counts = np.unique(names.astype(str), return_counts=True)
    small = set(found[counts < pool_below].tolist())
    own = [POOLED if name in small else name for name in names.tolist()]
    groups = tuple(sorted(set(own)))
    place = {name: number for number, name in enumerate(groups)}
    return np.array([place[name] for name in own], np.int64), groups, tuple(sorted(small))
