"""The changes of the tree that a classifier has gone through since it learned."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from prodcat.classifier.migration.report import MigrationReport
from prodcat.classifier.migration.title_scores import TitleScores
from prodcat.decisions.weights import Weights
from prodcat.model.outcome_map import OutcomeMap
from prodcat.model.path_model import PathModel
from prodcat.taxonomy.arrays import Ints
from prodcat.taxonomy.tree import Taxonomy


@dataclass(frozen=True, eq=False)
class Migration:
    """One change of the tree.

    Attributes:
        tree: The tree before.
        paths: The path model of the tree after, on the device of the network.
        nodes: int64 [nodes of the tree after]: the node of the tree before that each continues, or
            -1 if there is none.
        outcome_map: The map from outcomes before to outcomes after, on the same device.
        report: What was done with each category that changed.
        scores: The scores of titles by which probability is shared out, or None if none is.
        weights: The calibration of the probabilities after, on the CPU, or None.
        unmerged: Whether answers with a guarantee are chosen before probabilities are added, as
            they were when the guarantee was measured.
    """

    tree: Taxonomy
    paths: PathModel
    nodes: Ints
    outcome_map: OutcomeMap
    report: MigrationReport
    scores: TitleScores | None = None
    weights: Weights | None = None
    unmerged: bool = False

    def __call__(self, log_probs: Tensor, scores: Tensor | None, promised: bool) -> Tensor:
        """The log-probabilities of the outcomes after, float [batch, outcome after].

        Args:
            log_probs: float [batch, outcome before].
            scores: float [batch, column]: the scores of the titles, or None.
            promised: Whether the answers are to have a guarantee.
        """
        mapped: Tensor = self.outcome_map(log_probs, scores, promised and self.unmerged)
        if self.weights is None:
            return mapped
        return self.weights.to(mapped.device)(self.paths, mapped, None)

    def to(self, device: str | torch.device) -> "Migration":
        """A copy on another device; this one stays where it is."""
        paths, outcome_map = copy.deepcopy((self.paths, self.outcome_map))
        return replace(self, paths=paths.to(device), outcome_map=outcome_map.to(device))


@dataclass(frozen=True, eq=False)
class Migrations:
    """All changes of the tree, the earliest first; at least one.

    Attributes:
        steps: The changes.
    """

    steps: tuple[Migration, ...]

    @property
    def learned_tree(self) -> Taxonomy:
        """The tree that the network learned."""
        return self.steps[0].tree

    @property
    def paths(self) -> PathModel:
        """The path model of the tree after the last change."""
        return self.steps[-1].paths

    @property
    def learned_nodes(self) -> Ints:
        """The node of the learned tree that each node continues, int64 [nodes]; -1 for none."""
        nodes = self.steps[-1].nodes
        for step in reversed(self.steps[:-1]):
            # The last entry of the nodes before, at -1, is that of none.
            before = torch.nn.functional.pad(torch.from_numpy(step.nodes), (0, 1), value=-1)
            nodes = before.numpy()[nodes]
        return nodes

    @property
    def needs_scores(self) -> bool:
        """Whether any change shares out probability by scores of titles."""
        return any(step.scores is not None for step in self.steps)

    def scores(self, texts: Sequence[str]) -> Tensor | None:
        """The scores of titles for all changes side by side, float32 [texts, column], on the CPU.

        Returns:
            None if no change needs scores.
        """
        needed = [step.scores(texts) for step in self.steps if step.scores is not None]
        return torch.cat(needed, dim=1) if needed else None

    def __call__(self, log_probs: Tensor, scores: Tensor | None, promised: bool) -> Tensor:
        """The log-probabilities after all changes, float [batch, outcome].

        Args:
            log_probs: float [batch, outcome of the learned tree].
            scores: What :meth:`scores` returned for the titles.
            promised: Whether the answers are to have a guarantee.
        """
        start = 0
        for step in self.steps:
            columns = 0 if step.scores is None else step.scores.columns
            part = None
            if columns and scores is not None:
                part = scores[:, start : start + columns].to(log_probs.device)
            log_probs = step(log_probs, part, promised)
            start += columns
        return log_probs

    def to(self, device: str | torch.device) -> "Migrations":
        """A copy on another device; this one stays where it is."""
        return Migrations(tuple(step.to(device) for step in self.steps))

    def with_last(self, weights: Weights | None) -> "Migrations":
        """The same changes with another calibration of the probabilities after the last one."""
        return Migrations((*self.steps[:-1], replace(self.steps[-1], weights=weights)))

    def merged(self) -> "Migrations":
        """The same changes, after which answers with a guarantee are chosen as all others are."""
        return Migrations(tuple(replace(step, unmerged=False) for step in self.steps))

    def uncalibrated(self) -> "Migrations":
        """The same changes without calibrations after them."""
        return Migrations(tuple(replace(step, weights=None) for step in self.steps))

    @property
    def memory(self) -> int:
        """Size of all tensors, in bytes."""
        maps = sum(int(t.nbytes) for step in self.steps for t in step.outcome_map.buffers())
        return maps + sum(step.scores.memory for step in self.steps if step.scores is not None)
