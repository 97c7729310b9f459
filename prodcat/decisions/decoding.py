r"""Decoding: find the path with the best expected value of an objective.

Let ``p(o)`` be the probability of outcome ``o``, ``P(n)`` the sum of ``p`` at and below node ``n``,
``A(n)`` the node ``n`` and its ancestors, and ``d(n) = |A(n)|`` its level.  The expected value of
an answer is a sum along its path, so one pass over the tree finds the best answer:

- most likely path: the outcome with the greatest ``p``;
- hierarchical F-beta: ``sum_o p(o) (1 + b^2) |A(n) & A(o)| / (d(n) + b^2 d(o))``, where
  ``sum_o p(o) f(d(o)) |A(n) & A(o)|`` is the sum over ``A(n)`` of the probability below each node,
  weighted by ``f`` of the depth of the outcome;
- tree distance: ``d(n) + sum_o p(o) d(o) - 2 sum_{m in A(n)} P(m)``; it is smallest for the
  deepest node with ``P(n) > 1/2``;
- any cost: ``sum_o p(o) cost[o, a]`` for the answer ``a``.

The work is linear in the number of nodes, and for a cost matrix in its number of entries.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import assert_never

import torch
from torch import Tensor

from prodcat.decisions.answers import Answers, join_answers
from prodcat.decisions.objectives import (
    ExpectedCost,
    HierarchicalF,
    MostLikelyPath,
    Objective,
    TreeDistance,
)
from prodcat.errors import ConfigError
from prodcat.model.elementwise import exp
from prodcat.model.path_model import PathModel, running_sums

_CELLS_IN_CACHE = 1 << 19  # the number of probabilities that fit in a CPU's cache

Decoder = Callable[[Tensor], Answers]
# Maps probabilities, float [batch, outcome], and their running sums to the best nodes and values.
_Search = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]


def decoder(paths: PathModel, objective: Objective) -> Decoder:
    """Create the function that finds the best answer for each row of log-probabilities.

    Args:
        paths: The path model.
        objective: The measure for which the answer shall have the best expected value.

    Returns:
        A function that maps log-probabilities, float [batch, outcome], to one answer per row.

    Raises:
        ConfigError: A cost matrix has not one row and one column for each outcome.
    """
    if isinstance(objective, MostLikelyPath):
        return partial(most_likely_paths, paths)
    # A cost matrix has a column for each outcome, so its answers are always outcomes.
    exact = isinstance(objective, ExpectedCost) or objective.only_outcomes
    search = _search(paths, objective)

    def decode(log_probs: Tensor) -> Answers:
        parts = []
        for piece in _pieces(log_probs):
            probs = exp(piece)
            sums = running_sums(probs)
            nodes, value = (column[:, None] for column in search(probs, sums))
            parts.append(_describe(paths, probs, sums, nodes, value, exact))
        return join_answers(parts)

    return decode


def most_likely_paths(paths: PathModel, log_probs: Tensor, k: int = 1) -> Answers:
    """Find the most likely paths of each row; of equally likely paths the first in the tree.

    Args:
        paths: The path model.
        log_probs: float [batch, outcome].
        k: The number of paths; all outcomes if there are fewer.

    Returns:
        The answers, most likely first.
    """
    k = min(k, log_probs.shape[1])
    parts = []
    for piece in _pieces(log_probs):
        outcome = _top(piece, k)
        probs = exp(piece)
        nodes, value = paths.outcomes[outcome], probs.gather(1, outcome)
        parts.append(_describe(paths, probs, running_sums(probs), nodes, value, True))
    return join_answers(parts)


def _pieces(log_probs: Tensor) -> Sequence[Tensor]:
    """Split a batch into pieces of rows that fit in a CPU's cache; on a GPU there is one piece."""
    if log_probs.dtype in (torch.float16, torch.bfloat16):
        log_probs = log_probs.float()  # half precision is too coarse for sums over all outcomes
    rows, width = log_probs.shape
    size = rows if log_probs.device.type != "cpu" else _CELLS_IN_CACHE // width
    return torch.split(log_probs, max(size, 1))


def _describe(
    paths: PathModel, probs: Tensor, sums: Tensor, nodes: Tensor, value: Tensor, exact: bool
) -> Answers:
    """Compute the probabilities along the paths of answers.

    Args:
        paths: The path model.
        probs: float [batch, outcome].
        sums: The running sums of ``probs``, float64 [batch, outcome + 1].
        nodes: int64 [batch, k]: the node of each answer, -1 for the root.
        value: float [batch, k]: the expected value of the objective.
        exact: Whether the answers are outcomes, so that confidence is the probability of these.
    """
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
    """The position of the first greatest value in each row, int64 [batch]."""
    # On a CPU, NumPy is ten times as fast as torch at this.
    if values.device.type == "cpu":
        return torch.from_numpy(values.detach().numpy().argmax(axis=1))
    return values.argmax(dim=1)


def _top(log_probs: Tensor, k: int) -> Tensor:
    """The positions of the k greatest values, int64 [batch, k]; of equal ones the first."""
    if k == 1:
        return _argmax(log_probs)[:, None]
    values, places = log_probs.topk(k, dim=1)
    tied = (log_probs >= values[:, -1:]).sum(dim=1) > k
    places = places.sort(dim=1).values
    order = log_probs.gather(1, places).sort(dim=1, descending=True, stable=True).indices
    places = places.gather(1, order)
    if bool(tied.any()):
        sorted_places = log_probs[tied].sort(dim=1, descending=True, stable=True).indices
        places[tied] = sorted_places[:, :k]
    return places


def _search(paths: PathModel, objective: HierarchicalF | TreeDistance | ExpectedCost) -> _Search:
    """Create the function that finds the best nodes for an objective."""
    match objective:
        case HierarchicalF():
            return _best_f(paths, objective)
        case ExpectedCost():
            return _cheapest(paths, objective)
        case TreeDistance():
            return _nearest_outcome(paths) if objective.only_outcomes else _nearest_node(paths)
        case _:
            assert_never(objective)  # mypy reports an objective for which there is no search


def _better(paths: PathModel, branch_values: Tensor, leaf_values: Tensor) -> tuple[Tensor, Tensor]:
    """The node with the greatest value in each row; of equal ones the branch, not the leaf.

    Args:
        paths: The path model.
        branch_values: float [batch, branch]: the value of each node with children, and the root.
        leaf_values: float [batch, outcome]; minus infinity for outcomes with children.

    Returns:
        The nodes, int64 [batch], and their values, float [batch].
    """
    branch, leaf = _argmax(branch_values), _argmax(leaf_values)
    of_branch = branch_values.gather(1, branch[:, None])[:, 0]
    of_leaf = leaf_values.gather(1, leaf[:, None])[:, 0]
    finer = of_leaf > of_branch
    nodes = torch.where(finer, paths.outcomes[leaf], paths.branches.nodes[branch])
    return nodes, torch.where(finer, of_leaf, of_branch)


def _closed(paths: PathModel, only_outcomes: bool) -> Tensor:
    """Whether each branch may not be the answer: bool [branch].

    Args:
        paths: The path model.
        only_outcomes: Whether only outcomes may be the answer.
    """
    nodes = paths.branches.nodes
    if not only_outcomes:
        return torch.zeros_like(nodes, dtype=torch.bool)
    return (nodes < 0) | ~paths.terminal[nodes]


def _best_f(paths: PathModel, objective: HierarchicalF) -> _Search:
    """Search for the node or the outcome with the greatest expected F-beta."""
    branches = paths.branches
    root, square = float(objective.count_root), objective.beta**2
    device = paths.outcomes.device
    ends = torch.tensor(branches.depths, dtype=torch.float64, device=device) + root

    def weights(answer_depth: Tensor) -> Tensor:
        """The part of F-beta that a common ancestor adds: float64 [depth of the truth, ...]."""
        depth = answer_depth.double() + root
        return (1 + square) / (depth + square * ends.view(-1, *[1] * depth.ndim))

    weights_here, weights_below = weights(branches.depth), weights(branches.depth + 1)
    column = torch.searchsorted(ends - root, branches.outcome_depth.double())
    leaf_weights = weights(branches.outcome_depth)[
        column, torch.arange(len(column), device=device)
    ].masked_fill(~branches.leaf, 0.0)
    not_leaf = ~branches.leaf
    has_inner_outcomes = bool(not_leaf.any())
    closed = _closed(paths, objective.only_outcomes)

    def search(probs: Tensor, sums: Tensor) -> tuple[Tensor, Tensor]:
        mass = branches.probs_by_depth(probs, sums)
        mass[..., 0] *= root
        mass = branches.path_sums(mass)
        here = (weights_here * mass).sum(dim=1).masked_fill_(closed, -torch.inf).to(probs.dtype)
        passed = (weights_below * mass).sum(dim=1).to(probs.dtype)
        leaves = torch.addcmul(
            passed.index_select(1, branches.above), probs, leaf_weights.to(probs.dtype)
        )
        if has_inner_outcomes:
            leaves.masked_fill_(not_leaf, -torch.inf)
        return _better(paths, here, leaves)

    return search


def _nearest_node(paths: PathModel) -> _Search:
    """Search for the node with the least expected tree distance to the truth."""
    branches = paths.branches
    order = torch.arange(len(branches.nodes), device=branches.nodes.device)
    depth = branches.outcome_depth

    def search(probs: Tensor, sums: Tensor) -> tuple[Tensor, Tensor]:
        beliefs = branches.probs(sums)
        # At most one node of a level has a probability above one half.  All such nodes are on one
        # path, so the last of them is the deepest.
        branch = torch.where(beliefs > 0.5, order, 0).amax(dim=1)
        leaf = _argmax(probs)
        most = probs.gather(1, leaf[:, None])[:, 0].double()
        finer = (most > 0.5) & branches.leaf[leaf]
        nodes = torch.where(finer, paths.outcomes[leaf], branches.nodes[branch])
        beliefs[:, 0] = 0.5  # so that the root adds nothing to the sum
        steps = branches.path_sums(1 - 2 * beliefs).gather(1, branch[:, None])[:, 0]
        steps = steps + torch.where(finer, 1 - 2 * most, 0.0)
        return nodes, probs @ depth.to(probs.dtype) + steps

    return search


def _nearest_outcome(paths: PathModel) -> _Search:
    """Search for the outcome with the least expected tree distance to the truth."""
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
    """Search for the outcome with the least expected cost."""
    outcomes = len(paths.outcomes)
    if objective.cost.shape != (outcomes, outcomes):
        raise ConfigError(
            f"The cost matrix has the shape {objective.cost.shape}; expected ({outcomes}, "
            f"{outcomes}), with one row and one column for each of Classifier.outcomes."
        )
    costs = {torch.float64: torch.from_numpy(objective.cost).to(paths.outcomes.device)}

    def search(probs: Tensor, sums: Tensor) -> tuple[Tensor, Tensor]:
        if probs.dtype not in costs:
            costs[probs.dtype] = costs[torch.float64].to(probs.dtype)
        expected = probs @ costs[probs.dtype]
        outcome = _argmax(-expected)
        return paths.outcomes[outcome], expected.gather(1, outcome[:, None])[:, 0]

    return search
