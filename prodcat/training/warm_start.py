"""Warm starts: what a model that is there already hands over to the next one.

The encoder goes over as it is.  Heads go over node by node: a node of the new tree is the old
node with the same id.  Where its parent is the old one too its rows are copied; a node that
moved keeps what its whole path added up to; a new node starts as the mean of its siblings.
Where most titles are known already, only the new ones are learned, and some known ones with them.
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

_FEW = 0.5  # of all rows; where more are to be learned, all are


@dataclass(frozen=True)
class Carried:
    """How much of a tree could be carried over.

    Attributes:
        matched: Nodes whose id the old tree has too.
        moved: Of these, nodes that hang elsewhere now.
        new: Nodes that the old tree does not have.
        gone: Nodes of the old tree that the new one does not have.
    """

    matched: int
    moved: int
    new: int
    gone: int

    def __str__(self) -> str:
        """In one line."""
        nodes = self.matched + self.new
        return (
            f"{self.matched} of {nodes} nodes known ({self.moved} of them moved), {self.new} new, "
            f"{self.gone} gone"
        )


def match_nodes(old: Taxonomy, new: Taxonomy) -> NDArray[np.int64]:
    """The old position of each node of the new tree, -1 where the old tree lacks it."""
    place = {own: number for number, own in enumerate(old.ids)}
    return np.array([place.get(own, -1) for own in new.ids], np.int64)


@torch.no_grad()
def carry_heads(old: Network, old_tree: Taxonomy, new: Network, new_tree: Taxonomy) -> Carried:
    """Write the heads of one network into those of another, on the same kind of encoder.

    Args:
        old: The network to take from; not changed.
        old_tree: Its tree.
        new: The network to write to.
        new_tree: Its tree.
    """
    source = match_nodes(old_tree, new_tree)
    known = source >= 0
    parents = np.where(new_tree.parent >= 0, source[new_tree.parent], -1)
    moved = known & (old_tree.parent[source] != parents)
    if isinstance(new.heads, FlatHead) and isinstance(old.heads, FlatHead):
        _carry_flat(old, new, source)
    elif isinstance(new.heads, StackedHeads) and isinstance(old.heads, StackedHeads):
        _carry_stacked(old, new, source, known & ~moved, new_tree)
    gone = len(old_tree) - int(known.sum())
    return Carried(int(known.sum()), int(moved.sum()), int((~known).sum()), gone)


def _carry_flat(old: Network, new: Network, source: NDArray[np.int64]) -> None:
    assert isinstance(old.heads, FlatHead) and isinstance(new.heads, FlatHead)
    device = new.device
    place = torch.full((len(old.paths.parent) + 1,), -1, device=device)
    place[old.paths.outcomes.to(device)] = torch.arange(len(old.paths.outcomes), device=device)
    mine = place[torch.from_numpy(source).to(device)[new.paths.outcomes]]
    known = mine >= 0
    for name in ("weight", "bias"):
        theirs = getattr(old.heads.head, name).to(device)
        mean = theirs.mean(dim=0, keepdim=True).expand(len(mine), *theirs.shape[1:]).clone()
        mean[known] = theirs[mine[known]]
        getattr(new.heads.head, name).copy_(mean)


def _rows(heads: StackedHeads) -> Tensor:
    """Weight and bias of every node, float [node, hidden + 1]."""
    linear = [head for head in heads.heads if isinstance(head, nn.Linear)]
    return torch.cat([torch.cat([own.weight, own.bias[:, None]], dim=1) for own in linear])


def _carry_stacked(
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
    by_level = new.paths.structure == "per_level"  # each level by itself: a path adds up to nothing
    mine = rows.new_zeros(len(source), rows.shape[1])
    whole = torch.zeros_like(mine)  # of each new node's path, from the top
    for node in range(len(source)):  # breadth first: parents before children
        parent = int(new_tree.parent[node])
        above = whole[parent] if parent >= 0 else torch.zeros_like(rows[0])
        if stayed[node] or (by_level and source[node] >= 0):
            mine[node] = rows[source[node]]
        elif source[node] >= 0:
            mine[node] = totals[source[node]] - above
        else:
            kin = [n for n in new_tree.siblings(node) if stayed[n]]
            if kin:
                mine[node] = rows[torch.from_numpy(source[kin]).to(device)].mean(dim=0)
        whole[node] = above + mine[node]
    new.heads.set_linear(mine[:, :-1], mine[:, -1])
    if not len(new.heads.shifts) or not len(old.heads.shifts):
        return
    theirs = torch.cat([own.detach() for own in old.heads.node_embeddings]).to(device)
    for level, own in enumerate(new.heads.node_embeddings):
        start, end = new_tree.level_bounds[level]
        at = torch.from_numpy(source[start:end]).to(device)
        known = (at >= 0) & (at < len(theirs))
        own[known] = theirs[at[known]]
    for own_shift, their_shift in zip(new.heads.shifts, old.heads.shifts, strict=False):
        own_shift.weight.copy_(their_shift.weight)  # type: ignore[operator,arg-type]


def rows_to_learn(new: NDArray[np.bool_], replay: float, seed: int) -> NDArray[np.int64]:
    """The new rows, and some known ones so that nothing is forgotten.

    Args:
        new: bool [rows]: which are new.
        replay: Known rows for each new one.
        seed: Of the draw.

    Returns:
        Row numbers, int64, ascending.
    """
    known = np.flatnonzero(~new)
    count = min(round(replay * int(new.sum())), len(known))
    drawn = np.random.default_rng(seed).permutation(known)[:count]
    return np.sort(np.concatenate([np.flatnonzero(new), drawn])).astype(np.int64)


@dataclass(frozen=True)
class LearningPlan:
    """What the encoder and the heads learn from, and how they begin.

    Attributes:
        rows: int64: which training rows are learned.
        beginning: How the heads begin.
        training: How they are trained.
    """

    rows: NDArray[np.int64]
    beginning: Beginning
    training: TrainingConfig


def plan_learning(dataset: Dataset, setup: Setup) -> LearningPlan:
    """All rows, or the new ones and some that are known where a warm start knows most.

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
    as_it_was = training == warm.training and dataset.taxonomy.hash == warm.taxonomy.hash
    if not new.any() and as_it_was:  # titles went, none came: there is nothing to learn
        return every[:0], "carry"
    rows = rows_to_learn(new, training.replay, training.seed)
    if not len(rows) or len(rows) > _FEW * len(every):
        return every, "compare"
    return rows, "carry"
