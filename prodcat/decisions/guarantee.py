"""The measurements on calibration titles, from which the thresholds of any guarantee come.

They are saved with the classifier.  Calibration titles are labelled titles that nothing else has
used; :mod:`prodcat.decisions.conformal` says what is guaranteed and why it holds.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prodcat.decisions.conformal import (
    conformal_threshold,
    least_answered,
    selective_threshold,
)
from prodcat.decisions.objectives import HierarchicalF, MostLikelyPath, Objective, TreeDistance
from prodcat.errors import ArtifactError, ConfigError
from prodcat.taxonomy.tree import Taxonomy

_OBJECTIVES = {kind.__name__: kind for kind in (MostLikelyPath, HierarchicalF, TreeDistance)}
DEPARTMENT = "the answer's department"
POOLED = "(small groups)"  # the group of all titles whose group is too small for a guarantee


@dataclass(frozen=True, eq=False)
class Guarantee:
    """The measurements on calibration titles, one row for each title.

    Attributes:
        tree_hash: Hash of the tree that the titles were labelled with.
        date: Time of the measurement, ISO 8601 in UTC.
        objective: The objective of the answers, which become coarser to keep a guarantee.
        scores: float64 [rows]: the probability of the first wrong node, or 0 if none is wrong.
        confidence: float64 [rows]: the confidence of the answer, or -1 for the root, which never
            counts as an answer.
        right: bool [rows]: whether the answer is right: the whole path or, if the objective may
            give coarser answers, the truth or an ancestor of it.
        group_by: Where the groups come from: the name of a column, ``DEPARTMENT`` for the
            top-level node of the answer, or None for one guarantee over all titles.
        groups: int64 [rows]: the position of each title's group in ``names``.
        names: The groups; departments are given by their ids.
        pooled: The groups that share the guarantee of ``POOLED``.
        reference: float64: confidences of other titles, ascending; they determine which
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
        """The number of calibration titles of each group."""
        counts = np.bincount(self.groups, minlength=len(self.names))
        return dict(zip(self.names, counts.tolist(), strict=True))

    def __repr__(self) -> str:
        """The size, the date and the groups in one line."""
        groups = f", {len(self.names)} groups by {self.group_by}" if self.group_by else ""
        return f"Guarantee({len(self):,} titles, {self.date}{groups})"

    def check(self, taxonomy: Taxonomy) -> None:
        """Refuse a tree that the calibration titles were not labelled with.

        Raises:
            ArtifactError: The tree is another one.
        """
        if taxonomy.hash != self.tree_hash:
            raise ArtifactError(
                f"The guarantee was measured on the tree {self.tree_hash[:12]}…, this classifier "
                f"has the tree {taxonomy.hash[:12]}…. Measure it anew with with_guarantee()."
            )

    # -- thresholds ---------------------------------------------------------------

    def node_thresholds(self, guarantee: float) -> dict[str, float]:
        """The probability of each group above which a node may be the answer.

        Args:
            guarantee: The least probability that the answer is the truth or an ancestor of it.

        Raises:
            ConfigError: The guarantee is not between 0 and 1, or a group has too few titles for
                it.
        """
        _check_share("guarantee", guarantee)
        needed = math.ceil(guarantee / (1 - guarantee) - 1e-9)
        self._check_sizes(needed, f"guarantee={guarantee:g}", "a lower guarantee")
        return {
            name: conformal_threshold(self.scores[self.groups == place], guarantee)
            for place, name in enumerate(self.names)
        }

    def confidence_thresholds(self, max_error: float, certainty: float = 0.95) -> dict[str, float]:
        """The least confidence of each group with which a title is answered.

        Args:
            max_error: The largest share of wrong paths among the answered titles.
            certainty: The least probability, over draws of the calibration titles, that the
                true share is no larger.

        Raises:
            ConfigError: A number is not between 0 and 1, or the titles of a group do not allow so
                small an error.
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
                "the errors among the calibration titles do not show it at any tested "
                "threshold. Allow a larger error, or calibrate on more titles."
            )
        return thresholds

    def _check_sizes(self, needed: int, what: str, other: str) -> None:
        """Refuse a guarantee that needs more titles than a group has.

        Args:
            needed: Number of titles that each group needs.
            what: The option and its value, for the message.
            other: What to ask for instead, for the message.
        """
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
        """The value of each row's group, float64 [rows]; pooled groups share one value.

        Args:
            names: The group of each row.
            values: The value of each group.

        Raises:
            ConfigError: A group had no calibration titles.
        """
        if POOLED in values:
            # Departments without any calibration title belong to the small groups, too.
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
        """All attributes except the arrays, for JSON."""
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
        """The arrays by name."""
        names = ("scores", "confidence", "right", "groups", "reference")
        return {name: getattr(self, name) for name in names}

    @classmethod
    def from_parts(cls, values: Mapping[str, Any], arrays: Mapping[str, Any]) -> "Guarantee":
        """The guarantee with these results of :meth:`to_dict` and :meth:`arrays`."""
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
    """The objective, if a guarantee that was measured with it can be saved.

    Raises:
        ConfigError: The objective is a cost matrix.

    >>> storable(TreeDistance())
    TreeDistance(only_outcomes=False)
    """
    if type(objective).__name__ not in _OBJECTIVES:
        raise ConfigError(
            "A guarantee cannot be kept for a cost matrix; expected 'path', 'hierarchical_f1', "
            "'tree_distance', a HierarchicalF or a TreeDistance."
        )
    return objective


def _check_share(name: str, value: float) -> None:
    """Refuse a number that is not between 0 and 1."""
    if isinstance(value, bool) or not isinstance(value, Real) or not 0 < value < 1:
        raise ConfigError(f"{name}={value!r} is out of range; expected a share between 0 and 1.")


def pooled_groups(
    names: NDArray[Any], pool_below: int
) -> tuple[NDArray[np.int64], tuple[str, ...], tuple[str, ...]]:
    """Put the titles of small groups into one group, :data:`POOLED`.

    Args:
        names: [rows]: the group of each row.
        pool_below: Groups with fewer rows than this are small.

    Returns:
        The position of each row's group among the groups, int64 [rows]; the groups, ascending; and
        the small groups.

    >>> pooled_groups(np.array(["tr", "tr", "it", "fr"]), pool_below=2)
    (array([1, 1, 0, 0]), ('(small groups)', 'tr'), ('fr', 'it'))
    """
    every, counts = np.unique(names.astype(str), return_counts=True)
    small = set(every[counts < pool_below].tolist())
    pooled = [POOLED if name in small else name for name in names.tolist()]
    groups = tuple(sorted(set(pooled)))
    place = {name: number for number, name in enumerate(groups)}
    return np.array([place[name] for name in pooled], np.int64), groups, tuple(sorted(small))
