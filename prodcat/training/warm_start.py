"""Warm starts: training a new model from an existing one.

The encoder is taken over unchanged.  Heads are transferred node by node: a node of the new tree is
the old node with the same id.  If its parent is the same too, its rows are copied; a node that
moved keeps the sum of the rows on its old path; a new node starts as the mean of its siblings.  If
most titles are known already, only the new ones are learned, with a sample of known ones.
"""

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from prodcat.model.config import TrainingConfig
from prodcat.model.heads import FlatHead, StackedHeads
from prodcat.model.network import Network
from prodcat.taxonomy.tree import Taxonomy
from prodcat.training.dataset import Dataset
from prodcat.training.settings import Setup
from prodcat.training.task import Beginning

_LARGEST_SHARE = 0.5  # of all rows; if more are to be learned, all rows are


@dataclass(frozen=True)
class TransferredHeads:
    """How many nodes of a tree had their heads transferred.

    Attributes:
        matched: Number of nodes whose id is in the old tree too.
        moved: Number of these that have another parent now.
        new: Number of nodes that are not in the old tree.
        gone: Number of nodes of the old tree that are not in the new one.
    """

    matched: int
    moved: int
    new: int
    gone: int

    def __str__(self) -> str:
        """The counts as one line."""
        nodes = self.matched + self.new
        return (
            f"{self.matched} of {nodes} nodes known ({self.moved} of them moved), {self.new} new, "
            f"{self.gone} gone"
        )


def match_nodes(old: Taxonomy, new: Taxonomy) -> NDArray[np.int64]:
    """The old position of each node of the new tree, -1 for nodes that the old tree lacks.

    >>> old = Taxonomy.from_paths([("Food", "Fruit"), ("Home",)])
    >>> match_nodes(old, Taxonomy.from_paths([("Food", "Bread"), ("Home",)])).tolist()
    [0, 1, -1]
    """
    position = {node_id: number for number, node_id in enumerate(old.ids)}
    return np.array([position.get(node_id, -1) for node_id in new.ids], np.int64)


@torch.no_grad()
def transfer_heads(
    old: Network, old_tree: Taxonomy, new: Network, new_tree: Taxonomy
) -> TransferredHeads:
    """Write the heads of one network into those of another with the same kind of encoder.

    Args:
        old: The network to read from; it is not changed.
        old_tree: The tree of the old network.
        new: The network to write to.
        new_tree: The tree of the new network.

    Returns:
        How many nodes were matched.
    """
    source = match_nodes(old_tree, new_tree)
    known = source >= 0
    parents = np.where(new_tree.parent >= 0, source[new_tree.parent], -1)
    moved = known & (old_tree.parent[source] != parents)
    if isinstance(new.heads, FlatHead) and isinstance(old.heads, FlatHead):
        positions = np.where(known, old_tree.outcome_positions[source], -1)[new_tree.outcomes]
        _transfer_flat(old, new, torch.from_numpy(positions).to(new.device))
    elif isinstance(new.heads, StackedHeads) and isinstance(old.heads, StackedHeads):
        _transfer_stacked(old, new, source, known & ~moved, new_tree)
    gone = len(old_tree) - int(known.sum())
    return TransferredHeads(int(known.sum()), int(moved.sum()), int((~known).sum()), gone)


def _transfer_flat(old: Network, new: Network, old_outcome: Tensor) -> None:
    """Write the rows of a flat head; ``old_outcome`` is that of each new outcome, or -1."""
    assert isinstance(old.heads, FlatHead) and isinstance(new.heads, FlatHead)
    known = old_outcome >= 0
    for name in ("weight", "bias"):
        tensor = getattr(old.heads.head, name).to(new.device)
        mean = tensor.mean(dim=0, keepdim=True)
        transferred = mean.expand(len(old_outcome), *tensor.shape[1:]).clone()
        transferred[known] = tensor[old_outcome[known]]
        getattr(new.heads.head, name).copy_(transferred)


def _rows(heads: StackedHeads) -> Tensor:
    """Weight and bias of every node, float [node, hidden + 1]."""
    linear = [head for head in heads.heads if isinstance(head, nn.Linear)]
    return torch.cat([torch.cat([head.weight, head.bias[:, None]], dim=1) for head in linear])


def _transfer_stacked(
    old: Network,
    new: Network,
    source: NDArray[np.int64],
    stayed: NDArray[np.bool_],
    new_tree: Taxonomy,
) -> None:
    assert isinstance(old.heads, StackedHeads) and isinstance(new.heads, StackedHeads)
    device = new.device
    rows = _rows(old.heads)
    totals = old.paths.path_sums(rows.T.contiguous()).T.to(device)
    rows = rows.to(device)
    by_level = new.paths.structure == "per_level"  # the rows of a path do not add up
    new_rows = rows.new_zeros(len(source), rows.shape[1])
    path_sums = torch.zeros_like(new_rows)  # of the new rows, from the top to each node
    for node in range(len(source)):  # breadth first: parents before children
        parent = int(new_tree.parent[node])
        above = path_sums[parent] if parent >= 0 else torch.zeros_like(rows[0])
        if stayed[node] or (by_level and source[node] >= 0):
            new_rows[node] = rows[source[node]]
        elif source[node] >= 0:
            new_rows[node] = totals[source[node]] - above
        else:
            known = [n for n in new_tree.siblings(node) if stayed[n]]
            if known:
                siblings = torch.from_numpy(source[known]).to(device)
                new_rows[node] = rows[siblings].mean(dim=0)
        path_sums[node] = above + new_rows[node]
    new.heads.set_linear(new_rows[:, :-1], new_rows[:, -1])
    if not len(new.heads.shifts) or not len(old.heads.shifts):
        return
    _transfer_beliefs(old.heads, new.heads, source, new_tree)


def _transfer_beliefs(
    old: StackedHeads, new: StackedHeads, source: NDArray[np.int64], new_tree: Taxonomy
) -> None:
    """Copy what connects the heads of neighbouring levels."""
    embeddings = torch.cat([level.detach() for level in old.node_embeddings])
    embeddings = embeddings.to(new.node_embeddings[0].device)
    for level, new_embeddings in enumerate(new.node_embeddings):
        start, end = new_tree.level_bounds[level]
        nodes = torch.from_numpy(source[start:end]).to(embeddings.device)
        known = (nodes >= 0) & (nodes < len(embeddings))
        new_embeddings[known] = embeddings[nodes[known]]
    for new_shift, old_shift in zip(new.shifts, old.shifts, strict=False):
        new_shift.weight.copy_(old_shift.weight)  # type: ignore[operator,arg-type]


def rows_to_learn(new: NDArray[np.bool_], replay: float, seed: int) -> NDArray[np.int64]:
    """The new rows, and a sample of known ones so that nothing is forgotten.

    Args:
        new: bool [rows]: which rows are new.
        replay: Number of known rows for each new one.
        seed: Seed of the sample.

    Returns:
        Row numbers, int64, ascending.

    >>> rows_to_learn(np.array([False, True, False]), replay=0.0, seed=0).tolist()
    [1]
    """
    known = np.flatnonzero(~new)
    count = min(round(replay * int(new.sum())), len(known))
    drawn = np.random.default_rng(seed).permutation(known)[:count]
    return np.sort(np.concatenate([np.flatnonzero(new), drawn])).astype(np.int64)


@dataclass(frozen=True)
class LearningPlan:
    """What the encoder and the heads learn from, and how they begin.

    Attributes:
        rows: int64: the positions of the training rows to learn.
        beginning: How the heads begin.
        training: How they are trained.
    """

    rows: NDArray[np.int64]
    beginning: Beginning
    training: TrainingConfig


def plan_learning(dataset: Dataset, setup: Setup) -> LearningPlan:
    """Plan to learn all rows, or new ones and a sample of known ones if a warm start knows most.

    Args:
        dataset: The titles.
        setup: The settings of the fit.
    """
    training = setup.training
    rows, beginning = _rows_and_beginning(dataset, setup)
    if beginning == "carry":
        training = replace(
            training,
            epochs=min(training.epochs, training.warm_epochs) if len(rows) else 0,
            learning_rate=training.learning_rate * training.warm_rate,
            head_learning_rate=training.head_learning_rate * training.warm_rate,
        )
    return LearningPlan(rows, beginning, training)


def _rows_and_beginning(dataset: Dataset, setup: Setup) -> tuple[NDArray[np.int64], Beginning]:
    warm, training = setup.warm, setup.training
    every = np.arange(len(dataset.training_rows))
    if warm is None:
        return every, "solve"
    new = ~warm.knows(dataset.training_rows.hashes)
    unchanged = training == warm.training and dataset.taxonomy.hash == warm.taxonomy.hash
    if not new.any() and unchanged:  # titles were only removed, so there is nothing to learn
        return every[:0], "carry"
    rows = rows_to_learn(new, training.replay, training.seed)
    if not len(rows) or len(rows) > _LARGEST_SHARE * len(every):
        return every, "compare"
    return rows, "carry"
