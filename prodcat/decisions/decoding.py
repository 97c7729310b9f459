r"""Probabilities to answers, each a real path of the tree and the best one for an objective.

With ``p(o)`` the probability of outcome ``o``, ``P(n)`` its sum at or below node ``n``,
``A(n)`` the ancestors of ``n`` and itself, and ``d(n) = |A(n)|`` its level, the expected
value of an answer is a sum along its path, so that one pass over the tree finds the best:

- most likely path: the outcome with the greatest ``p``;
- hierarchical F-beta: ``sum_o p(o) (1 + b^2) |A(n) & A(o)| / (d(n) + b^2 d(o))``, where
  ``sum_o p(o) f(d(o)) |A(n) & A(o)|`` is the sum over ``A(n)`` of the mass below, weighted
  by ``f`` of the depth at which it ends;
- tree distance: ``d(n) + sum_o p(o) d(o) - 2 sum_{m in A(n)} P(m)``, least where the path
  goes down as long as a child holds more than half of the probability;
- any cost: ``sum_o p(o) cost[o, a]`` for the answer ``a``.

The cost of each but the last is linear in the number of nodes.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from numbers import Real
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from prodcat.errors import ConfigError
from prodcat.model.path_model import PathModel, running_sums

_CELLS_IN_CACHE = 1 << 19


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

    cost: NDArray[np.floating[Any]]

    def __post_init__(self) -> None:
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
    """The objective that is meant.

    Raises:
        ConfigError: It is none.
    """
    if isinstance(objective, str) and objective in OBJECTIVES:
        return OBJECTIVES[objective]
    if isinstance(objective, Objective):
        return objective
    raise ConfigError(
        f"objective={objective!r} is not known; expected one of {list(OBJECTIVES)}, or a "
        "HierarchicalF, TreeDistance or ExpectedCost."
    )


@dataclass(frozen=True)
class Answers:
    """The best paths of a batch.

    Attributes:
        nodes: int64 [batch, k]: the node at which each path ends, best first; -1 for the
            root, the empty path.
        confidence: float [batch, k]: the probability that the path is right.  Where only
            outcomes are answered: that the product's whole path is this one.  Where the
            answer may be coarser: that the product is at or below the node.
        level_confidence: float [batch, k, level]: the probability of the path's node at
            each level, 0 below its end; it never rises with the level.
        value: float [batch, k]: the expected value of the objective: a probability, an F,
            a distance in steps, a cost.
        exact: Which of the two ``confidence`` is: of the whole path, or of at or below.
    """

    nodes: Tensor
    confidence: Tensor
    level_confidence: Tensor
    value: Tensor
    exact: bool = True

    def each(self, change: Callable[[Tensor], Tensor]) -> "Answers":
        """The same with each tensor changed."""
        return Answers(
            change(self.nodes),
            change(self.confidence),
            change(self.level_confidence),
            change(self.value),
            self.exact,
        )


Decoder = Callable[[Tensor], Answers]
# From outcome probabilities and their running sums to the best nodes and their values.
_Search = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]


def decoder(paths: PathModel, objective: Objective) -> Decoder:
    """A function from log-probabilities, float [batch, outcome], to one answer for each row.

    Raises:
        ConfigError: A cost matrix is of another size than the tree.
    """
    if isinstance(objective, MostLikelyPath):
        return partial(most_likely_paths, paths)
    exact = getattr(objective, "only_outcomes", True)
    search = _search(paths, objective)

    def decode(log_probs: Tensor) -> Answers:
        parts = []
        for some in _pieces(log_probs):
            probs = some.exp()
            sums = running_sums(probs)
            nodes, value = (found[:, None] for found in search(probs, sums))
            parts.append(_describe(paths, probs, sums, nodes, value, exact))
        return join_answers(parts)

    return decode


def most_likely_paths(paths: PathModel, log_probs: Tensor, k: int = 1) -> Answers:
    """The k most likely paths; ties go to the outcome that comes first in the tree.

    Args:
        paths: The path model.
        log_probs: float [batch, outcome].
        k: How many; no more than there are outcomes.
    """
    k = min(k, log_probs.shape[1])
    parts = []
    for some in _pieces(log_probs):
        outcome = _top(some, k)
        probs = some.exp()
        nodes, value = paths.outcomes[outcome], probs.gather(1, outcome)
        parts.append(_describe(paths, probs, running_sums(probs), nodes, value, True))
    return join_answers(parts)


def _pieces(log_probs: Tensor) -> Sequence[Tensor]:
    """All rows at once on a GPU; on a CPU as many as stay in its cache."""
    if log_probs.dtype in (torch.float16, torch.bfloat16):
        log_probs = log_probs.float()  # sums of thousands of such numbers would be none
    rows, width = log_probs.shape
    size = rows if log_probs.device.type != "cpu" else _CELLS_IN_CACHE // width
    return torch.split(log_probs, max(size, 1))


def join_answers(parts: Sequence[Answers]) -> Answers:
    """The rows of several batches as one."""
    if len(parts) == 1:
        return parts[0]
    return Answers(
        nodes=torch.cat([part.nodes for part in parts]),
        confidence=torch.cat([part.confidence for part in parts]),
        level_confidence=torch.cat([part.level_confidence for part in parts]),
        value=torch.cat([part.value for part in parts]),
        exact=parts[0].exact,
    )


def _describe(
    paths: PathModel,
    probs: Tensor,
    sums: Tensor,
    nodes: Tensor,
    value: Tensor,
    exact: bool,
) -> Answers:
    """Look up the probabilities along the answered paths; nodes are int64 [batch, k]."""
    spans = paths.spans
    chains = paths.chains[nodes]
    ends, starts = (spans[chains][..., side].flatten(1) for side in (1, 0))
    levels = (sums.gather(1, ends) - sums.gather(1, starts)).view(chains.shape)
    if exact:
        confidence = probs.gather(1, paths.target_spans[nodes][..., 0])
    else:
        confidence = (
            sums.gather(1, spans[nodes][..., 1]) - sums.gather(1, spans[nodes][..., 0])
        ).to(probs.dtype)
    levels = levels.masked_fill(chains < 0, 0.0).to(probs.dtype)
    return Answers(nodes, confidence.clamp(max=1.0), levels.clamp(max=1.0), value, exact)


def _argmax(values: Tensor) -> Tensor:
    """The first of the greatest in each row: NumPy finds it ten times as fast on a CPU."""
    if values.device.type == "cpu":
        return torch.from_numpy(values.detach().numpy().argmax(axis=1))
    return values.argmax(dim=1)


def _top(log_probs: Tensor, k: int) -> Tensor:
    """The k greatest of each row, int64 [batch, k]; of equal ones the first come first."""
    if k == 1:
        return _argmax(log_probs)[:, None]
    values, places = log_probs.topk(k, dim=1)
    tied = (log_probs >= values[:, -1:]).sum(dim=1) > k
    places = places.sort(dim=1).values
    order = log_probs.gather(1, places).sort(dim=1, descending=True, stable=True).indices
    places = places.gather(1, order)
    if bool(tied.any()):
        whole = log_probs[tied].sort(dim=1, descending=True, stable=True).indices
        places[tied] = whole[:, :k]
    return places


def _search(paths: PathModel, objective: HierarchicalF | TreeDistance | ExpectedCost) -> _Search:
    if isinstance(objective, HierarchicalF):
        return _best_f(paths, objective)
    if isinstance(objective, ExpectedCost):
        return _cheapest(paths, objective)
    return _nearest_outcome(paths) if objective.only_outcomes else _nearest_node(paths)


def _better(paths: PathModel, branch_values: Tensor, leaf_values: Tensor) -> tuple[Tensor, Tensor]:
    """The best of all branches [batch, branch] and leaves [batch, outcome]; ties go to branches."""
    branch, leaf = _argmax(branch_values), _argmax(leaf_values)
    of_branch = branch_values.gather(1, branch[:, None])[:, 0]
    of_leaf = leaf_values.gather(1, leaf[:, None])[:, 0]
    finer = of_leaf > of_branch
    nodes = torch.where(finer, paths.outcomes[leaf], paths.branches.nodes[branch])
    return nodes, torch.where(finer, of_leaf, of_branch)


def _closed(paths: PathModel, only_outcomes: bool) -> Tensor:
    """Bool [branch]: those that may not be the answer."""
    nodes = paths.branches.nodes
    if not only_outcomes:
        return torch.zeros_like(nodes, dtype=torch.bool)
    return (nodes < 0) | ~paths.terminal[nodes]


def _best_f(paths: PathModel, objective: HierarchicalF) -> _Search:
    branches = paths.branches
    root, square = float(objective.count_root), objective.beta**2
    device = paths.outcomes.device
    ends = torch.tensor(branches.depths, dtype=torch.float64, device=device) + root

    def weights(answer_depth: Tensor) -> Tensor:
        """What one shared ancestor adds, [depths, ...]: by where truth and answer end."""
        own = answer_depth.double() + root
        return (1 + square) / (own + square * ends.view(-1, *[1] * own.ndim))

    own, below = weights(branches.depth), weights(branches.depth + 1)
    column = torch.searchsorted(ends - root, branches.outcome_depth.double())
    leaf_weights = weights(branches.outcome_depth)[
        column, torch.arange(len(column), device=device)
    ].masked_fill(~branches.leaf, 0.0)
    not_leaf = ~branches.leaf
    ragged = bool(not_leaf.any())
    closed = _closed(paths, objective.only_outcomes)

    def search(probs: Tensor, sums: Tensor) -> tuple[Tensor, Tensor]:
        mass = branches.probs_by_depth(probs, sums)
        mass[..., 0] *= root
        mass = branches.path_sums(mass)
        here = (own * mass).sum(dim=1).masked_fill_(closed, -torch.inf).to(probs.dtype)
        passed = (below * mass).sum(dim=1).to(probs.dtype)
        leaves = torch.addcmul(
            passed.index_select(1, branches.above), probs, leaf_weights.to(probs.dtype)
        )
        if ragged:
            leaves.masked_fill_(not_leaf, -torch.inf)
        return _better(paths, here, leaves)

    return search


def _nearest_node(paths: PathModel) -> _Search:
    branches = paths.branches
    order = torch.arange(len(branches.nodes), device=branches.nodes.device)
    depth = branches.outcome_depth

    def search(probs: Tensor, sums: Tensor) -> tuple[Tensor, Tensor]:
        beliefs = branches.probs(sums)
        # At most one node of a level holds more than half, and they lie on one path, so the
        # last of them is the deepest.
        branch = torch.where(beliefs > 0.5, order, 0).amax(dim=1)
        leaf = _argmax(probs)
        most = probs.gather(1, leaf[:, None])[:, 0].double()
        finer = (most > 0.5) & branches.leaf[leaf]
        nodes = torch.where(finer, paths.outcomes[leaf], branches.nodes[branch])
        beliefs[:, 0] = 0.5  # the root is no step
        steps = branches.path_sums(1 - 2 * beliefs).gather(1, branch[:, None])[:, 0]
        steps = steps + torch.where(finer, 1 - 2 * most, 0.0)
        return nodes, probs @ depth.to(probs.dtype) + steps

    return search


def _nearest_outcome(paths: PathModel) -> _Search:
    branches = paths.branches
    closed = _closed(paths, True)
    depth = branches.outcome_depth.double()

    def search(probs: Tensor, sums: Tensor) -> tuple[Tensor, Tensor]:
        exact = probs.double()
        beliefs = branches.probs(sums)
        beliefs[:, 0] = 0.5
        gain = branches.path_sums(2 * beliefs - 1)
        leaves = gain.index_select(1, branches.above) + 2 * exact - 1
        leaves.masked_fill_(~branches.leaf, -torch.inf)
        nodes, best = _better(paths, gain.masked_fill(closed, -torch.inf), leaves)
        return nodes, exact @ depth - best

    return search


def _cheapest(paths: PathModel, objective: ExpectedCost) -> _Search:
    outcomes = len(paths.outcomes)
    if objective.cost.shape != (outcomes, outcomes):
        raise ConfigError(
            f"Found a cost matrix of shape {objective.cost.shape} for a tree with {outcomes} "
            f"outcomes; expected ({outcomes}, {outcomes}), in the order of Classifier.outcomes."
        )
    costs = {torch.float64: torch.from_numpy(objective.cost).to(paths.outcomes.device)}

    def search(probs: Tensor, sums: Tensor) -> tuple[Tensor, Tensor]:
        if probs.dtype not in costs:
            costs[probs.dtype] = costs[torch.float64].to(probs.dtype)
        expected = probs @ costs[probs.dtype]
        outcome = _argmax(-expected)
        return paths.outcomes[outcome], expected.gather(1, outcome[:, None])[:, 0]

    return search
