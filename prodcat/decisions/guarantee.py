"""The measurements on calibration titles, and the thresholds of guarantees that follow from them.

They are saved with the classifier.  Calibration titles are labelled titles used for nothing else;
:mod:`prodcat.decisions.conformal` explains what is guaranteed, and why it is true.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prodcat.decisions.conformal import conformal_threshold, least_answered, selective_threshold
from prodcat.decisions.objectives import HierarchicalF, MostLikelyPath, Objective, TreeDistance
from prodcat.errors import ArtifactError, ConfigError
from prodcat.taxonomy.arrays import Flags, Floats, Ints
from prodcat.taxonomy.notebook import Framed, NotebookTable, notebook_html
from prodcat.taxonomy.tree import Taxonomy

_OBJECTIVES = {kind.__name__: kind for kind in (MostLikelyPath, HierarchicalF, TreeDistance)}
DEPARTMENT = "the answer's department"
_SHOWN_ERRORS = (0.02, 0.05, 0.1)  # shares of wrong answers
POOLED = "(small groups)"  # the group of all titles whose group has too few titles


@dataclass(frozen=True)
class Promise:
    """What a guarantee buys if some share of the answers may be wrong.

    Attributes:
        max_error: The largest share of wrong paths among the answered titles.
        answered: The share of the calibration titles that are answered then; None if so small a
            share of errors cannot be promised.
        reason: Why it cannot be promised; empty if it can.
    """

    max_error: float
    answered: float | None
    reason: str = ""

    @property
    def cells(self) -> tuple[str, str, str]:
        """The share of errors, that of answered titles and a remark, as texts for a table."""
        answered = "none" if self.answered is None else f"{self.answered:.1%}"
        needed = re.search(r"needs at least [\d,]+ calibration titles", self.reason)
        reason = needed[0] if needed else "too many answers are wrong, or too few titles show it"
        return f"{self.max_error:.0%}", answered, "" if self.answered is not None else reason


@dataclass(frozen=True, eq=False)
class Guarantee(Framed):
    """The measurements on calibration titles, one row for each title.

    A notebook shows what it buys, and ``to_frame()`` gives the same as a data frame with the
    columns ``max_error``, ``answered`` and ``reason``; see :meth:`promises`.

    Attributes:
        tree_hash: Hash of the tree that the titles were labelled with.
        date: Time of the measurement, ISO 8601 in UTC.
        objective: The objective with which the answers were chosen.
        scores: float64 [rows]: the probability of the first wrong node on the answer's path, or 0
            if none is wrong.
        confidence: float64 [rows]: the confidence of the answer, or -1 if the answer is the root,
            which does not count as an answer.
        right: bool [rows]: whether the answer is right: the whole path or, if the objective may
            give coarser answers, the truth or an ancestor of it.
        group_by: What determines the group of a title: the name of a column, ``DEPARTMENT`` for
            the top-level node of the answer, or None for one guarantee over all titles.
        groups: int64 [rows]: the position of each title's group in ``names``.
        names: The names of the groups; for departments their ids.
        pooled: The names of the groups whose titles are in the group ``POOLED``.
        reference: float64 [n]: confidences of other titles, ascending, which determine the
            thresholds that are tested.
        whole_paths: Whether it holds for whole paths alone, and no longer for coarser answers,
            because categories have moved since.
    """

    tree_hash: str
    date: str
    objective: Objective
    scores: Floats
    confidence: Floats
    right: Flags
    group_by: str | None
    groups: Ints
    names: tuple[str, ...]
    pooled: tuple[str, ...] = ()
    reference: Floats = field(default_factory=lambda: np.linspace(0, 1, 101))
    whole_paths: bool = False

    def __len__(self) -> int:
        """The number of calibration titles."""
        return len(self.scores)

    @property
    def sizes(self) -> dict[str, int]:
        """The number of calibration titles of each group."""
        counts = np.bincount(self.groups, minlength=len(self.names))
        return dict(zip(self.names, counts.tolist(), strict=True))

    def __repr__(self) -> str:
        """The number of titles, the date and the number of groups in one line."""
        groups = f", {len(self.names)} groups by {self.group_by}" if self.group_by else ""
        return f"Guarantee({len(self):,} titles, {self.date}{groups})"

    def check(self, taxonomy: Taxonomy) -> None:
        """Check that the calibration titles were labelled with a tree.

        Raises:
            ArtifactError: They were labelled with another tree.
        """
        if taxonomy.hash != self.tree_hash:
            raise ArtifactError(
                f"The guarantee was measured on the tree {self.tree_hash[:12]}…, but this "
                f"classifier has the tree {taxonomy.hash[:12]}…. Measure it again with "
                "with_guarantee()."
            )

    # -- thresholds ---------------------------------------------------------------

    def node_thresholds(self, guarantee: float) -> dict[str, float]:
        """The threshold of each group: only a node of higher probability may be the answer.

        Args:
            guarantee: The least probability that the answer is the truth or an ancestor of it.

        Returns:
            Probabilities by the names of the groups.

        Raises:
            ConfigError: The guarantee is not between 0 and 1, a group has too few titles for it,
                or it holds for whole paths alone.
        """
        _check_share("guarantee", guarantee)
        if self.whole_paths:
            raise ConfigError(
                f"guarantee={guarantee:g} cannot be given: categories have moved since it was "
                "measured, so coarser answers are others. Ask for max_error=, which still holds, "
                "or measure it again with with_guarantee(catalog)."
            )
        needed = math.ceil(guarantee / (1 - guarantee) - 1e-9)
        self._check_sizes(needed, f"guarantee={guarantee:g}", "a lower guarantee")
        return {
            name: conformal_threshold(self.scores[self.groups == place], guarantee)
            for place, name in enumerate(self.names)
        }

    def confidence_thresholds(self, max_error: float, certainty: float = 0.95) -> dict[str, float]:
        """The threshold of each group: only titles with at least this confidence are answered.

        Args:
            max_error: The largest share of wrong paths among the answered titles.
            certainty: The least probability, over draws of the calibration titles, that the
                true share is no larger.

        Returns:
            Confidences by the names of the groups.

        Raises:
            ConfigError: A number is not between 0 and 1, a group has too few titles, or its titles
                do not show for any threshold that the error is so small.
        """
        _check_share("max_error", max_error)
        _check_share("certainty", certainty)
        needed = least_answered(max_error, 1 - certainty)
        self._check_sizes(needed, f"max_error={max_error:g}", "a larger error")
        thresholds: dict[str, float] = {}
        failed = []
        for place, name in enumerate(self.names):
            members = self.groups == place
            threshold = selective_threshold(
                self.confidence[members], self.right[members], max_error, certainty, self.reference
            )
            if threshold is None:
                failed.append(name)
            else:
                thresholds[name] = threshold
        if failed:
            where = f" for {', '.join(failed[:5])}" if self.group_by else ""
            raise ConfigError(
                f"max_error={max_error:g} with certainty {certainty:g} cannot be promised{where}: "
                "at every tested threshold, too many answers to calibration titles are wrong. "
                "Allow a larger error, or calibrate on more titles."
            )
        return thresholds

    def _check_sizes(self, needed: int, what: str, other: str) -> None:
        """Check that each group has enough calibration titles.

        Args:
            needed: The number of titles that each group needs.
            what: The option and its value, for the message.
            other: What to ask for instead, for the message.

        Raises:
            ConfigError: A group has fewer titles.
        """
        short = [f"{name or '(no value)'}: {n}" for name, n in self.sizes.items() if n < needed]
        if not short:
            return
        where, pooled = "; found", ""
        if self.group_by:
            where, pooled = " in each group; found", " pool small groups with pool_below=,"
        more = f" and {len(short) - 5} more" if len(short) > 5 else ""
        sizes = ", ".join(short[:5]) + more if self.group_by else len(self)
        raise ConfigError(
            f"{what} needs at least {needed} calibration titles{where} {sizes}. Give more titles,"
            f"{pooled} or ask for {other}."
        )

    def promises(
        self, max_errors: Sequence[float] = _SHOWN_ERRORS, certainty: float = 0.95
    ) -> tuple[Promise, ...]:
        """What the guarantee buys: the share of titles that are answered for each share of errors.

        Args:
            max_errors: The largest shares of wrong paths among the answered titles.
            certainty: The least probability, over draws of the calibration titles, that the
                true share is no larger.

        Returns:
            One promise for each share of errors, in the same order; the shares of answered titles
            are those of the calibration titles.

        Raises:
            ConfigError: A number is not between 0 and 1.
        """
        for name, values in (("max_error", max_errors), ("certainty", (certainty,))):
            for value in values:
                _check_share(name, value)
        return tuple(self._promise(max_error, certainty) for max_error in max_errors)

    def _promise(self, max_error: float, certainty: float) -> Promise:
        try:
            thresholds = self.confidence_thresholds(max_error, certainty)
        except ConfigError as reason:
            return Promise(max_error, None, str(reason))
        limits = np.array([thresholds[name] for name in self.names])
        return Promise(max_error, float(np.mean(self.confidence >= limits[self.groups])))

    def _columns(self) -> Mapping[str, Any]:
        promises = self.promises()
        return {
            name: [getattr(promise, name) for promise in promises]
            for name in ("max_error", "answered", "reason")
        }

    def _repr_html_(self) -> str:
        table = NotebookTable(
            ("wrong at most", "answered", "why not"),
            [promise.cells for promise in self.promises()],
            "what it buys, on these titles, with a certainty of 95 %",
        )
        by = [f"{len(self.names):,} groups by {self.group_by}"] if self.group_by else []
        return notebook_html("Guarantee", [f"{len(self):,} titles", self.date, *by], table)

    def lookup(self, names: Sequence[str], values: Mapping[str, float]) -> Floats:
        """The threshold of each row's group, float64 [rows].

        Args:
            names: The name of each row's group, which may be a pooled group.
            values: The threshold of each group by its name.

        Raises:
            ConfigError: A group had no calibration titles.
        """
        if POOLED in values:
            # Departments without any calibration title count as small groups, too.
            small = set(names) if self.group_by == DEPARTMENT else set(self.pooled)
            values = {name: values[POOLED] for name in small} | dict(values)
        unknown = sorted({name for name in names if name not in values})
        if unknown:
            raise ConfigError(
                f"{len(unknown)} groups by {self.group_by} had no calibration titles, e.g. "
                f"{unknown[:3]}; there were titles of {sorted(values)[:5]}. Calibrate on titles of "
                "every group, or pool small groups with pool_below=."
            )
        return np.array([values[name] for name in names])

    # -- writing and reading ------------------------------------------------------

    def to_dict(self) -> dict[str, Any]:
        """The number of titles and all attributes except the arrays, as values for JSON."""
        return {
            **({"whole_paths": True} if self.whole_paths else {}),  # as before this existed
            "rows": len(self),
            "date": self.date,
            "tree_hash": self.tree_hash,
            "objective": {"kind": type(self.objective).__name__, **vars(self.objective)},
            "group_by": self.group_by,
            "groups": self.sizes,
            "pooled": list(self.pooled),
        }

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The attributes that are arrays, by name."""
        names = ("scores", "confidence", "right", "groups", "reference")
        return {name: getattr(self, name) for name in names}

    @classmethod
    def from_parts(cls, values: Mapping[str, Any], arrays: Mapping[str, Any]) -> "Guarantee":
        """Make a guarantee from the results of its :meth:`to_dict` and :meth:`arrays`.

        Args:
            values: The result of :meth:`to_dict`.
            arrays: The result of :meth:`arrays`.
        """
        objective = dict(values["objective"])
        kind = _OBJECTIVES[objective.pop("kind")]
        return cls(
            tree_hash=values["tree_hash"],
            date=values["date"],
            objective=kind(**objective),
            group_by=values["group_by"],
            names=tuple(values["groups"]),
            pooled=tuple(values.get("pooled", ())),
            whole_paths=values.get("whole_paths", False) is True,
            **arrays,
        )


def storable(objective: Objective) -> Objective:
    """Check that a guarantee with an objective can be saved, and return the objective.

    Raises:
        ConfigError: The objective is a cost matrix.

    >>> storable(TreeDistance())
    TreeDistance(only_outcomes=False)
    """
    if type(objective).__name__ not in _OBJECTIVES:
        raise ConfigError(
            "A guarantee cannot be kept for a cost matrix; expected the objective 'path', "
            "'hierarchical_f1', 'tree_distance', a HierarchicalF or a TreeDistance."
        )
    return objective


def _check_share(name: str, value: float) -> None:
    """Check that an option is a number between 0 and 1, both excluded.

    Raises:
        ConfigError: It is not.
    """
    if isinstance(value, bool) or not isinstance(value, Real) or not 0 < value < 1:
        raise ConfigError(f"{name}={value!r} is out of range; expected a share between 0 and 1.")


def pooled_groups(
    names: NDArray[Any], pool_below: int
) -> tuple[Ints, tuple[str, ...], tuple[str, ...]]:
    """Combine small groups into one, :data:`POOLED`.

    Args:
        names: Texts [rows]: the name of each row's group.
        pool_below: A group with fewer rows than this is small.

    Returns:
        int64 [rows]: the position of each row's group among the names of the groups; these names,
        ascending; and the names of the small groups, ascending.

    >>> pooled_groups(np.array(["tr", "tr", "it", "fr"]), pool_below=2)
    (array([1, 1, 0, 0]), ('(small groups)', 'tr'), ('fr', 'it'))
    """
    every, counts = np.unique(names.astype(str), return_counts=True)
    small = set(every[counts < pool_below].tolist())
    pooled = [POOLED if name in small else name for name in names.tolist()]
    groups = tuple(sorted(set(pooled)))
    place = {name: number for number, name in enumerate(groups)}
    return np.array([place[name] for name in pooled], np.int64), groups, tuple(sorted(small))
