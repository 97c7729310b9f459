"""The answers of a batch as tensors, before their nodes get names."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Answers:
    """The best paths of each title in a batch.

    Attributes:
        nodes: int64 [batch, k]: the node at which each path ends, best first; -1 for the
            root, whose path is empty.
        confidence: float [batch, k]: the probability that the answer is right.  If ``exact``,
            that the product's whole path is this one; if not, that the product belongs to the
            node or to a node below it.
        level_confidence: float [batch, k, level]: the probability of the path's node at
            each level, and 0 below the end of the path; it never rises with the level.
        value: float [batch, k]: the expected value of the objective: a probability, an F-beta,
            a distance in steps or a cost.
        exact: Whether the answers are whole paths, which end at an outcome.
    """

    nodes: Tensor
    confidence: Tensor
    level_confidence: Tensor
    value: Tensor
    exact: bool = True

    def each(self, change: Callable[[Tensor], Tensor]) -> "Answers":
        """The same answers with each tensor changed, for example moved to a device."""
        return Answers(
            change(self.nodes),
            change(self.confidence),
            change(self.level_confidence),
            change(self.value),
            self.exact,
        )

    def take(self, rows: Tensor) -> "Answers":
        """The answers of these rows.

        Args:
            rows: int64 [rows]: positions in the batch, in any order and also repeatedly.
        """
        return Answers(
            self.nodes[rows],
            self.confidence[rows],
            self.level_confidence[rows],
            self.value[rows],
            self.exact,
        )


def join_answers(parts: Sequence[Answers]) -> Answers:
    """The answers of several batches as one batch."""
    if len(parts) == 1:
        return parts[0]
    return Answers(
        nodes=torch.cat([part.nodes for part in parts]),
        confidence=torch.cat([part.confidence for part in parts]),
        level_confidence=torch.cat([part.level_confidence for part in parts]),
        value=torch.cat([part.value for part in parts]),
        exact=parts[0].exact,
    )
