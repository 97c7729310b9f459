"""Warm starts: training a new model from an existing one.

The training starts from the encoder of the existing model.  Heads are transferred node by node,
matched by node id.  If a node has the same parent as before, its weights are copied; for a node
that moved, they are set so that their sum along its path stays the same; a new node starts with the
mean of its siblings.  If the existing model was trained on most of the titles, only the new ones
are learned, with a sample of known ones.
"""

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from prodcat.classifier.classifier import Classifier
from prodcat.model.config import TrainingConfig
from prodcat.model.heads import FlatHead, StackedHeads
from prodcat.model.network import Network
from prodcat.taxonomy.tree import Taxonomy
from prodcat.training.dataset import Dataset
from prodcat.training.identity import decisive
from prodcat.training.settings import Setup
from prodcat.training.task import Beginning

_LARGEST_SHARE = 0.5  # of all rows; if more would be learned, all rows are learned


@dataclass(frozen=True)
class TransferredHeads:
    """How many nodes of a tree got their heads from a warm start.

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
    """int64 [new node]: the position in the old tree of the node with the same id, or -1.

    >>> old = Taxonomy.from_paths([("Food", "Fruit"), ("Home",)])
    >>> match_nodes(old, Taxonomy.from_paths([("Food", "Bread"), ("Home",)])).tolist()
    [0, 1, -1]
    """
    position = {node_id: number for number, node_id in enumerate(old.ids)}
    return np.array([position.get(node_id, -1) for node_id in new.ids], np.int64)


def learned_nodes(warm: Classifier, new: Taxonomy) -> NDArray[np.int64]:
    """The node that the network of a classifier learned for each node of a tree.

    Args:
        warm: The classifier, whose tree may have changed since it learned.
        new: The tree.

    Returns:
        int64 [new node]: the position in ``warm.learned_tree`` of the node that is, or became, the
        node with the same id; or -1.
    """
    present, migrations = match_nodes(warm.taxonomy, new), warm.reader.migrations
    return present if migrations is None else np.append(migrations.learned_nodes, -1)[present]


@torch.no_grad()
def transfer_heads(
    old: Network,
    old_tree: Taxonomy,
    new: Network,
    new_tree: Taxonomy,
    source: NDArray[np.int64] | None = None,
) -> TransferredHeads:
    """Write the heads of one network into those of another with the same settings of the model.

    Args:
        old: The network to copy from; it is not changed.
        old_tree: The tree of the old network.
        new: The network to write to.
        new_tree: The tree of the new network.
        source: int64 [new node]: the position of each node in the old tree, or -1; by default that
            of the node with the same id.

    Returns:
        How many nodes were matched, moved, new and gone.
    """
    source = match_nodes(old_tree, new_tree) if source is None else source
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
    """Transfer a flat head; ``old_outcome`` is the old position of each new outcome, or -1."""
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
    """Transfer stacked heads.

    Args:
        old: The network to copy from.
        new: The network to write to.
        source: int64 [new node]: the position of each node in the old tree, or -1.
        stayed: bool [new node]: whether the node is known and has the same parent as before.
        new_tree: The tree of the new network.
    """
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
    if len(new.heads.shifts) and len(old.heads.shifts):
        _transfer_beliefs(old.heads, new.heads, source, new_tree)


def _transfer_beliefs(
    old: StackedHeads, new: StackedHeads, source: NDArray[np.int64], new_tree: Taxonomy
) -> None:
    """Copy the node embeddings and shifts that connect the heads of neighbouring levels."""
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
    """Choose the new rows, and a random sample of known ones so that nothing is forgotten.

    Args:
        new: bool [rows]: which rows are new.
        replay: Number of known rows for each new one.
        seed: Seed of the sample.

    Returns:
        The positions of the rows, int64, ascending.

    >>> rows_to_learn(np.array([False, True, False]), replay=0.0, seed=0).tolist()
    [1]
    """
    known = np.flatnonzero(~new)
    count = min(round(replay * int(new.sum())), len(known))
    drawn = np.random.default_rng(seed).permutation(known)[:count]
    return np.sort(np.concatenate([np.flatnonzero(new), drawn])).astype(np.int64)


@dataclass(frozen=True)
class LearningPlan:
    """The rows that the encoder and the heads are trained on, and how.

    Attributes:
        rows: int64: the positions of the training rows to train on.
        beginning: What the heads start from; see :class:`prodcat.training.task.TrainOptions`.
        training: The settings of the training; with lower learning rates and fewer epochs if only
            new and replayed rows are learned.
    """

    rows: NDArray[np.int64]
    beginning: Beginning
    training: TrainingConfig


def plan_learning(dataset: Dataset, setup: Setup) -> LearningPlan:
    """Choose all rows, or only new ones and some known ones if a warm start knows most of them.

    Args:
        dataset: The titles.
        setup: The settings of the fit.

    Returns:
        The rows to train on, what the heads start from, and the settings of the training.
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
    same_settings = decisive(training) == decisive(warm.training)
    unchanged = same_settings and dataset.taxonomy.hash == warm.taxonomy.hash
    if not new.any() and unchanged:  # titles were only removed, so there is nothing to learn
        return every[:0], "carry"
    rows = rows_to_learn(new, training.replay, training.seed)
    if not len(rows) or len(rows) > _LARGEST_SHARE * len(every):
        return every, "compare"
    return rows, "carry"
