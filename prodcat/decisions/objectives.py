"""Objectives: the measures for which an answer can be the best.

:mod:`prodcat.decisions.decoding` computes the best answer.  This module imports neither torch nor
NumPy when it is imported, so that the command line starts quickly.
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

    It may be an inner node: if two sibling categories are about equally likely, their parent has a
    better expected F-beta than either of them.

    Attributes:
        beta: Above 1 favours recall (finer answers), below 1 precision (coarser answers).
        count_root: Whether the root counts as an ancestor.  In Kiritchenko et al. (2006) and in
            prodcat's metrics it does not.  If it counts, it is an ancestor of every answer and
            every truth, and it may be the answer, with an empty path.
        only_outcomes: Whether the answer must be a node at which a product may end.

    Raises:
        ConfigError: ``beta`` is not a number between 1e-6 and 1e6.

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
    """The node with the smallest expected number of steps along the tree to the truth.

    If no top-level node has a probability above one half, this is the root, whose path is empty.

    Attributes:
        only_outcomes: Whether the answer must be a node at which a product may end.
    """

    only_outcomes: bool = False


@dataclass(frozen=True, eq=False)
class ExpectedCost:
    """The outcome with the smallest expected cost.

    Attributes:
        cost: float [outcome, outcome]: ``cost[truth, answer]``, finite numbers; rows and columns
            are in the order of ``Classifier.outcomes``.

    Raises:
        ConfigError: The cost is not a square matrix of finite numbers.
    """

    cost: "NDArray[np.floating[Any]]"

    def __post_init__(self) -> None:
        import numpy as np

        try:
            cost = np.asarray(self.cost, np.float64)
        except (TypeError, ValueError) as error:
            raise ConfigError(f"The cost matrix does not consist of numbers: {error}.") from error
        if cost.ndim != 2 or cost.shape[0] != cost.shape[1] or not np.isfinite(cost).all():
            raise ConfigError(
                f"The cost matrix has the shape {cost.shape}"
                f"{'' if np.isfinite(cost).all() else ' and entries that are not finite'}; "
                "expected finite numbers in a square, with one row for each true outcome and one "
                "column for each answer."
            )
        object.__setattr__(self, "cost", cost)


Objective = MostLikelyPath | HierarchicalF | TreeDistance | ExpectedCost
OBJECTIVES: dict[str, Objective] = {
    "path": MostLikelyPath(),
    "hierarchical_f1": HierarchicalF(),
    "tree_distance": TreeDistance(),
}


def pick_objective(objective: str | Objective) -> Objective:
    """The objective with a name.

    Args:
        objective: A key of :data:`OBJECTIVES`, or an objective, which is returned unchanged.

    Raises:
        ConfigError: ``objective`` is neither.

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
        f"objective={objective!r} is not supported; expected one of {list(OBJECTIVES)}, or a "
        "HierarchicalF, TreeDistance or ExpectedCost."
    )
