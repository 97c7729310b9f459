"""What an answer is to be the best one for.

This module is made of plain values and imports neither torch nor NumPy when it is imported; see
:mod:`prodcat.decisions.decoding` for how the best answer is computed.
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
    """The path that is most probably the product's whole path."""


@dataclass(frozen=True)
class HierarchicalF:
    """The node with the greatest expected hierarchical F-beta.

    It may be an inner node: where the model hesitates between two shelves, their common
    aisle scores better than the wrong shelf.

    Attributes:
        beta: Above 1 for recall (finer answers), below 1 for precision (coarser ones).
        count_root: Whether the root is an ancestor that counts.  It does not in Kiritchenko
            et al. (2006), and so in prodcat's metrics; where it does, every answer shares
            it with the truth, and the root itself, the empty path, may be the answer.
        only_outcomes: Answer only with nodes at which a product may end.
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

    Where no top-level node holds more than half of the probability this is the root, the
    empty path.

    Attributes:
        only_outcomes: Answer only with nodes at which a product may end.
    """

    only_outcomes: bool = False


@dataclass(frozen=True, eq=False)
class ExpectedCost:
    """The outcome with the least expected cost.

    Attributes:
        cost: float [outcome, outcome]: ``cost[truth, answer]``, any finite numbers, in the
            order of ``Classifier.outcomes``.
    """

    cost: "NDArray[np.floating[Any]]"

    def __post_init__(self) -> None:
        import numpy as np

        try:
            cost = np.asarray(self.cost, np.float64)
        except (TypeError, ValueError) as error:
            raise ConfigError(f"The cost matrix is no table of numbers: {error}.") from error
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
    """The objective that a name stands for, or the given objective itself.

    Args:
        objective: A key of :data:`OBJECTIVES`, or an objective.

    Raises:
        ConfigError: It is neither.
    """
    if isinstance(objective, str) and objective in OBJECTIVES:
        return OBJECTIVES[objective]
    if isinstance(objective, Objective):
        return objective
    raise ConfigError(
        f"objective={objective!r} is not known; expected one of {list(OBJECTIVES)}, or a "
        "HierarchicalF, TreeDistance or ExpectedCost."
    )
