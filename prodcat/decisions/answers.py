"""The answers for a batch as tensors of nodes and probabilities, without names of nodes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

_TENSORS = ("nodes", "confidence", "level_confidence", "value", "guess", "guess_confidence")


@dataclass(frozen=True)
class Answers:
    """The best paths of each title in a batch.

    Attributes:
        nodes: int64 [batch, k]: the node at which each path ends, best first; -1 for the
            root, whose path is empty.
        confidence: float [batch, k]: the probability that the answer is right: if ``exact``, that
            the product ends at the node; otherwise, that it ends at the node or below it.
        level_confidence: float [batch, k, level]: the probability of the path's node at
            each level, and 0 below the end of the path; it never rises with the level.
        value: float [batch, k]: the expected value of the objective: a probability, an F-beta,
            a distance in steps or a cost.
        exact: Whether the answers are whole paths, which end at an outcome.
        guess: int64 [batch]: if an answer is the root, the node at which the most likely path
            ends; otherwise the node of the answer.  None if no answer can be the root.
        guess_confidence: float [batch]: the probability of each guess; None without guesses.
    """

    nodes: Tensor
    confidence: Tensor
    level_confidence: Tensor
    value: Tensor
    exact: bool = True
    guess: Tensor | None = None
    guess_confidence: Tensor | None = None

    @property
    def guesses(self) -> tuple[Tensor, Tensor]:
        """The node and the confidence of each best guess: int64 [batch] and float [batch]."""
        if self.guess is None or self.guess_confidence is None:
            return self.nodes[:, 0], self.confidence[:, 0]
        return self.guess, self.guess_confidence

    def each(self, change: Callable[[Tensor], Tensor]) -> "Answers":
        """The answers whose tensors are the results of a function.

        Args:
            change: Called with each tensor, for example to move it to a device.
        """
        changed: dict[str, Any] = {name: change(tensor) for name, tensor in self._tensors()}
        return replace(self, **changed)

    def take(self, rows: Tensor) -> "Answers":
        """The answers of some rows.

        Args:
            rows: int64 [rows]: positions in the batch, in any order; a position may repeat.
        """
        return self.each(lambda column: column[rows])

    def _tensors(self) -> list[tuple[str, Tensor]]:
        tensors = ((name, getattr(self, name)) for name in _TENSORS)
        return [(name, tensor) for name, tensor in tensors if tensor is not None]


def join_answers(parts: Sequence[Answers]) -> Answers:
    """The answers for several batches, at least one, as answers for one batch."""
    if len(parts) == 1:
        return parts[0]
    joined: dict[str, Any] = {
        name: torch.cat([getattr(part, name) for part in parts])
        for name in _TENSORS
        if getattr(parts[0], name) is not None
    }
    return replace(parts[0], **joined)
