"""Objectives: what the best answer is the best for.

These are plain values, and this module imports neither torch nor NumPy at its top; see
:mod:`prodcat.decisions.decoding` for the computation of the best answer.
"""

from dataclasses import dataclass
from numbers import Real
from typing import TYPE_CHECKING, Any

from prodcat.errors import ConfigError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class MostLikelyPath:
    """The outcome with the greatest probability."""


@dataclass(frozen=True)
class HierarchicalF:
    """The node with the greatest expected hierarchical F-beta.

    It may be an inner node: if the model is undecided between two shelves, their common
    aisle scores better than the wrong shelf.

    Attributes:
        beta: Above 1 for recall (finer answers), below 1 for precision (coarser answers).
        count_root: Whether the root counts as an ancestor.  It does not in Kiritchenko et al.
            (2006), and therefore not in prodcat's metrics.  If it counts, every answer shares it
            with the truth, and the root, whose path is empty, may be the answer.
        only_outcomes: Whether to answer only with nodes at which a product may end.

    >>> HierarchicalF(beta=0.5)
    HierarchicalF(beta=0.5, count_root=False, only_outcomes=False)
    """

    beta: float = 1.0
    count_root: bool = False
    only_outcomes: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.beta, Real) or not 1e-6 <= self.beta <= 1e6:
            raise ConfigError(
                f"beta={self.beta!r} is out of range; expected a number between 1e-6 and 1e6."
            )
        object.__setattr__(self, "beta", float(self.beta))


@dataclass(frozen=True)
class TreeDistance:
    """The node with the least expected number of steps to the truth along the tree.

    If no top-level node has more than half of the probability, this is the root, whose path is
    empty.

    Attributes:
        only_outcomes: Whether to answer only with nodes at which a product may end.
    """

    only_outcomes: bool = False


@dataclass(frozen=True, eq=False)
class ExpectedCost:
    """The outcome with the least expected cost.

    Attributes:
        cost: float [outcome, outcome]: ``cost[truth, answer]``, any finite numbers, in the
            order of ``Classifier.outcomes``.

    Raises:
        ConfigError: The cost is not a square matrix of finite numbers.
    """

    cost: "NDArray[np.floating[Any]]"

    def __post_init__(self) -> None:
        import numpy as np

        try:
            cost = np.asarray(self.cost, np.float64)
        except (TypeError, ValueError) as error:
            raise ConfigError(f"The cost matrix is not a table of numbers: {error}.") from error
        if cost.ndim != 2 or cost.shape[0] != cost.shape[1] or not np.isfinite(cost).all():
            raise ConfigError(
                f"Found a cost matrix of shape {cost.shape}"
                f"{'' if np.isfinite(cost).all() else ' with entries that are not finite'}; "
                "expected finite numbers, one row for each true and one column for each "
                "answered outcome."
            )
        object.__setattr__(self, "cost", cost)


Objective = MostLikelyPath | HierarchicalF | TreeDistance | ExpectedCost
OBJECTIVES: dict[str, Objective] = {
    "path": MostLikelyPath(),
    "hierarchical_f1": HierarchicalF(),
    "tree_distance": TreeDistance(),
}


def pick_objective(objective: str | Objective) -> Objective:
    """The objective with a name; an objective is returned as it is.

    Args:
        objective: A key of :data:`OBJECTIVES`, or an objective.

    Raises:
        ConfigError: It is neither of these.

    >>> pick_objective("hierarchical_f1")
    HierarchicalF(beta=1.0, count_root=False, only_outcomes=False)
    >>> pick_objective(TreeDistance(only_outcomes=True))
    TreeDistance(only_outcomes=True)
    """
    if isinstance(objective, str) and objective in OBJECTIVES:
        return OBJECTIVES[objective]
    if isinstance(objective, Objective):
        return objective
    raise ConfigError(
        f"objective={objective!r} is not known; expected one of {list(OBJECTIVES)}, or a "
        "HierarchicalF, TreeDistance or ExpectedCost."
    )
