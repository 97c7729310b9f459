r"""From the probabilities of one tree's outcomes to those of another tree's.

A classifier whose tree changed keeps the network that learned the old tree.  Its distribution over
the old outcomes becomes one over the new outcomes:

- A new outcome with one old outcome gets its probability, to the bit.
- A new outcome with several old outcomes gets the sum of their probabilities.
- The probability of an old outcome that has become several is shared out: by scores of the title,
  or in proportion to what these outcomes have anyway.
- What is added gets a probability by its score beside that of everything else, and everything else
  keeps its proportions.
- Where an old outcome has become nothing, all others are divided by their sum.  This is the
  distribution given that the product is in none of the categories that are gone.
"""

from collections.abc import Iterator, Mapping
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

NO_PROBABILITY = -200.0  # a log-probability whose exponential is 0 in float32, but which is finite
_NAMES = ("first", "merged_into", "merged_from", "shared", "added")


class OutcomeMap(nn.Module):
    """A map from log-probabilities of old outcomes to those of new ones.

    Args:
        outcomes: The number of old outcomes.
        first: int64 [new outcome]: the only old outcome whose probability the new outcome gets, or
            ``outcomes`` if there is none or there are several.
        merged_into: int64 [merged]: new outcomes that get the sum of several.
        merged_from: int64 [merged, most]: the old outcomes of each, padded with ``outcomes``.
        shared: int64 [share, 3]: an old outcome, one of the new outcomes that it has become, and
            the column of its score, or -1 to share in proportion.  The rows of an old outcome
            follow each other, and either all or none have a column.
        added: int64 [added, 2]: a new outcome, and the column of its score.
        drops: Whether an old outcome has become nothing.
    """

    def __init__(
        self,
        outcomes: int,
        first: NDArray[np.int64],
        merged_into: NDArray[np.int64],
        merged_from: NDArray[np.int64],
        shared: NDArray[np.int64],
        added: NDArray[np.int64],
        drops: bool = False,
    ) -> None:
        super().__init__()
        self.outcomes, self.drops = outcomes, drops
        for name, array in zip(
            _NAMES, (first, merged_into, merged_from, shared, added), strict=True
        ):
            self.register_buffer(name, torch.from_numpy(np.ascontiguousarray(array)))
        self.first: Tensor
        self.merged_into: Tensor
        self.merged_from: Tensor
        self.shared: Tensor
        self.added: Tensor
        edges = np.flatnonzero(np.diff(shared[:, 0], prepend=-1, append=-1)).tolist()
        # The rows of each old outcome, and whether their shares depend on scores.
        self.groups = [(start, end, bool(shared[start, 2] >= 0)) for start, end in pairwise(edges)]

    def __len__(self) -> int:
        """The number of new outcomes."""
        return len(self.first)

    @property
    def merges(self) -> bool:
        """Whether probabilities are added."""
        return bool(len(self.merged_into))

    @property
    def columns(self) -> int:
        """The number of columns of scores that are needed."""
        used = torch.cat([self.shared[:, 2], self.added[:, 1]])
        return int(used.max()) + 1 if len(used) else 0

    def forward(
        self, log_probs: Tensor, scores: Tensor | None = None, unmerged: bool = False
    ) -> Tensor:
        """The log-probabilities of the new outcomes, float [batch, new outcome].

        An outcome without any probability has ``NO_PROBABILITY``.

        Args:
            log_probs: float [batch, old outcome].
            scores: float [batch, column]: scores of the titles; None if there are no columns.
            unmerged: Whether an outcome that others were merged into has the greatest of their
                probabilities in place of the sum.
        """
        padded = nn.functional.pad(log_probs, (0, 1), value=NO_PROBABILITY)
        mapped = padded.index_select(1, self.first)
        if self.merges:
            parts = padded.index_select(1, self.merged_from.flatten())
            parts = parts.view(-1, *self.merged_from.shape)
            sums = parts.amax(dim=2) if unmerged else parts.logsumexp(dim=2)
            mapped = mapped.index_copy(1, self.merged_into, sums)
        if self.groups:
            mapped = self._shared_out(log_probs, mapped, scores)
        if len(self.added):
            assert scores is not None
            others = scores.new_zeros(len(scores), 1)
            against = torch.cat([others, scores.index_select(1, self.added[:, 1])], dim=1)
            against = against.log_softmax(dim=1)
            mapped = mapped + against[:, :1]
            mapped = mapped.index_copy(1, self.added[:, 0], against[:, 1:])
        return mapped.log_softmax(dim=1) if self.drops else mapped

    def _shared_out(self, log_probs: Tensor, mapped: Tensor, scores: Tensor | None) -> Tensor:
        """Add the shares of the old outcomes that have become several.

        What is shared out by scores comes first, so that outcomes have all that they have anyway
        when others are shared out in proportion to it.
        """
        for start, end, scored in self.groups:
            if scored:
                assert scores is not None
                columns = self.shared[start:end, 2]
                shares = scores.index_select(1, columns).log_softmax(dim=1)
                mapped = self._added_up(log_probs, mapped, (start, end), shares)
        anyway = mapped
        for start, end, scored in self.groups:
            if not scored:
                shares = anyway.index_select(1, self.shared[start:end, 1]).log_softmax(dim=1)
                mapped = self._added_up(log_probs, mapped, (start, end), shares)
        return mapped

    def _added_up(
        self, log_probs: Tensor, mapped: Tensor, rows: tuple[int, int], shares: Tensor
    ) -> Tensor:
        """The new log-probabilities with the shares of one old outcome, in some rows of shares."""
        old, into, _ = self.shared[slice(*rows)].unbind(dim=1)
        parts = log_probs.index_select(1, old[:1]) + shares
        both = torch.stack([mapped.index_select(1, into), parts])
        return mapped.index_copy(1, into, both.logsumexp(dim=0))

    # -- writing and reading ------------------------------------------------------

    def tensors(self) -> dict[str, Tensor]:
        """The tensors by name, on the CPU."""
        return {name: getattr(self, name).cpu() for name in _NAMES}

    @classmethod
    def of(
        cls, tensors: Mapping[str, Tensor], outcomes: tuple[int, int], columns: int, drops: bool
    ) -> "OutcomeMap":
        """The map with these tensors.

        Args:
            tensors: What :meth:`tensors` returned.
            outcomes: The numbers of old and of new outcomes.
            columns: The number of columns of scores that there are.
            drops: Whether an old outcome has become nothing.

        Raises:
            ValueError: A tensor is missing, or has another type, shape or range.
        """
        old, new = outcomes
        wrong = [name for name, fits in _checks(tensors, old, new, columns) if not fits]
        if wrong:
            raise ValueError(f"{', '.join(wrong)} of the map of outcomes do not fit the trees")
        first, into, sources, shared, added = (tensors[name].numpy() for name in _NAMES)
        return cls(old, first, into, sources, shared, added, drops)


def _checks(
    tensors: Mapping[str, Tensor], old: int, new: int, columns: int
) -> Iterator[tuple[str, bool]]:
    """The name of each tensor of a map, and whether its type, shape and values are allowed."""
    shapes = {"first": (new,), "merged_into": (-1,), "merged_from": (-1, -1), "shared": (-1, 3),
              "added": (-1, 2)}  # fmt: skip
    for name, shape in shapes.items():
        tensor = tensors.get(name)
        yield (
            name,
            (
                tensor is not None
                and tensor.dtype == torch.int64
                and tensor.ndim == len(shape)
                and all(
                    size in (-1, is_size) for size, is_size in zip(shape, tensor.shape, strict=True)
                )
            ),
        )
        if tensor is None or tensor.ndim != len(shape):
            return
    yield "merged_from", len(tensors["merged_from"]) == len(tensors["merged_into"])
    limits = [
        ("first", tensors["first"], 0, old + 1),
        ("merged_into", tensors["merged_into"], 0, new),
        ("merged_from", tensors["merged_from"], 0, old + 1),
    ]
    for name, widths in (("shared", (old, new, columns)), ("added", (new, columns))):
        if tensors[name].shape[1] == len(widths):
            for column, width in enumerate(widths):
                least = -1 if name == "shared" and column == 2 else 0
                limits.append((name, tensors[name][:, column], least, width))
    for name, values, least, end in limits:
        yield name, not values.numel() or bool(values.min() >= least and values.max() < end)
