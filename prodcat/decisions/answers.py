"""The answers of a batch as tensors, before their nodes get names."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


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
        exact: Whether ``confidence`` is that of the whole path; if not, the product is only at
            or below the node.
    """

    nodes: Tensor
    confidence: Tensor
    level_confidence: Tensor
    value: Tensor
    exact: bool = True

    def each(self, change: Callable[[Tensor], Tensor]) -> "Answers":
        """The same answers with each tensor changed, e.g. moved to a device."""
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
            rows: int64 [rows]: positions in the batch, in any order, also more than once.
        """
        return Answers(
            self.nodes[rows],
            self.confidence[rows],
            self.level_confidence[rows],
            self.value[rows],
            self.exact,
        )


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
