"""The tokens of many titles, and their batches without padding waste."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import torch

_SMALL_WINDOW = 64  # rows of a window that is planned with care, at most
_BATCH_COST = 64  # tokens that could be read in the time that a batch takes besides its tokens


@dataclass(frozen=True)
class Batch:
    """Some rows of a table, ready for an encoder.

    Attributes:
        ids: int64 [batch, token].
        mask: bool [batch, token], true for real tokens; None where nothing is padded.
        source: int64 [batch, token]: where each token is in the table; padding points to a
            token of its own row.
    """

    ids: "torch.Tensor"
    mask: "torch.Tensor | None"
    source: "torch.Tensor"

    def to(self, device: "torch.device") -> "Batch":
        """The same on a device; to a GPU from pinned memory, without waiting."""
        mask = None if self.mask is None else to_device(self.mask, device)
        return Batch(to_device(self.ids, device), mask, to_device(self.source, device))


def to_device(tensor: "torch.Tensor", device: "torch.device") -> "torch.Tensor":
    """The tensor on a device; to a GPU from pinned memory, without waiting."""
    if device.type != "cuda":
        return tensor.to(device)
    return tensor.pin_memory().to(device, non_blocking=True)


@dataclass(frozen=True)
class TokenTable:
    """The tokens of many titles, one after the other.

    Attributes:
        ids: int32 [tokens].
        offsets: int64 [rows + 1]: row ``r`` has the tokens ``offsets[r]:offsets[r + 1]``.
        truncated: How many titles were longer than the limit and lost their end.
    """

    ids: NDArray[np.int32]
    offsets: NDArray[np.int64]
    truncated: int = 0

    def __len__(self) -> int:
        """The number of rows."""
        return len(self.offsets) - 1

    @property
    def lengths(self) -> NDArray[np.int64]:
        """int64 [rows]: tokens of each row."""
        return np.diff(self.offsets)

    def batch(self, rows: NDArray[np.int64], pad_id: int) -> Batch:
        """The rows as one rectangle.

        Args:
            rows: int64 [batch].
            pad_id: The id that fills up short rows.
        """
        import torch

        lengths = self.lengths[rows]
        longest = max(int(lengths.max(initial=1)), 1)
        columns = np.arange(longest)
        start = self.offsets[rows][:, None]
        if int(lengths.min(initial=longest)) == longest:
            source = start + columns
            ids, mask = self.ids[source].astype(np.int64), None
        else:
            mask = columns < lengths[:, None]
            source = start + np.minimum(columns, np.maximum(lengths - 1, 0)[:, None])
            source = np.minimum(source, len(self.ids) - 1)
            ids = np.where(mask, self.ids[source], pad_id).astype(np.int64)
        return Batch(
            torch.from_numpy(ids),
            None if mask is None else torch.from_numpy(mask),
            torch.from_numpy(source),
        )

    def pad(self, rows: NDArray[np.int64], pad_id: int) -> tuple["torch.Tensor", "torch.Tensor"]:
        """The rows as one rectangle with a mask, also where nothing is padded.

        Args:
            rows: int64 [batch].
            pad_id: The id that fills up short rows.

        Returns:
            Ids, int64 [batch, token], and the mask, bool [batch, token], true for real tokens.
        """
        import torch

        batch = self.batch(rows, pad_id)
        mask = torch.ones_like(batch.ids, dtype=torch.bool) if batch.mask is None else batch.mask
        return batch.ids, mask


def plan_batches(
    lengths: NDArray[np.int64], token_budget: int, rng: np.random.Generator | None = None
) -> list[NDArray[np.int64]]:
    """Group rows of like length so that no batch exceeds the budget, padding included.

    Args:
        lengths: int64 [rows]: tokens of each row.
        token_budget: rows times longest row of a batch, at most; a single row that is
            longer makes a batch of its own.
        rng: Shuffles rows of equal length and the order of the batches; without it the
            longest rows come first, and a batch that is half full ends where rows get shorter,
            since nothing need be masked where all are of one length.  Batches are then of a few
            sizes only: products are compiled for each size anew, a millisecond and a megabyte
            each.

    Returns:
        Row numbers, int64 [batch], for each batch; together every row once.
    """
    ties = rng.random(len(lengths)) if rng is not None else np.arange(len(lengths))
    order = np.lexsort((ties, -lengths))
    falling = -lengths[order]
    batches: list[NDArray[np.int64]] = []
    start = 0
    while start < len(order):
        longest = max(int(lengths[order[start]]), 1)
        end = start + max(token_budget // longest, 1)
        if rng is None:
            shorter = int(np.searchsorted(falling, 1 - longest))
            if shorter - start >= (end - start) / 2:
                end = min(end, shorter)
            if batches or end < len(order):  # a few rows alone stay together
                end = start + _usual_size(min(end, len(order)) - start)
        batches.append(order[start:end].astype(np.int64))
        start = end
    if rng is not None:
        batches = [batches[number] for number in rng.permutation(len(batches))]
    return batches


def plan_window(lengths: NDArray[np.int64], token_budget: int) -> list[NDArray[np.int64]]:
    """Group the few rows of a window so that they are read soonest.

    As :func:`plan_batches`, but where rows are few their lengths differ much, and one batch of them
    would be padding for its most part: the split is the cheapest one of batches of usual sizes,
    each costing its tokens, padding included, and a fixed amount.

    Args:
        lengths: int64 [rows]: tokens of each row.
        token_budget: rows times longest row of a batch, at most.

    Returns:
        Row numbers, int64 [batch], for each batch; together every row once.
    """
    rows = len(lengths)
    if not 1 < rows <= _SMALL_WINDOW:
        return plan_batches(lengths, token_budget)
    order = np.lexsort((np.arange(rows), -lengths))
    longest = np.maximum(lengths[order], 1).tolist()
    sizes = [size for size in range(1, rows + 1) if _usual_size(size) == size]
    # From the end: the least cost of all rows from here on, and the size of the first batch.
    least = [0.0] * (rows + 1)
    first = [0] * rows
    for start in range(rows - 1, -1, -1):
        most = max(token_budget // longest[start], 1)
        least[start], first[start] = min(
            (_BATCH_COST + size * longest[start] + least[start + size], size)
            for size in sizes
            if size <= min(most, rows - start)
        )
    batches = []
    start = 0
    while start < rows:
        batches.append(order[start : start + first[start]].astype(np.int64))
        start += first[start]
    return batches


def _usual_size(rows: int) -> int:
    """The greatest of 1 to 8, 10, 12, 14, 16, 20, 24, 28, 32, 40, ... that is not above."""
    step = max(1 << (rows.bit_length() - 1), 4) // 4
    return rows // step * step


def padded_share(lengths: NDArray[np.int64], batches: Sequence[NDArray[np.int64]]) -> float:
    """The share of a plan's tokens that is padding, 0 to 1.

    Args:
        lengths: int64 [rows]: tokens of each row.
        batches: Row numbers, int64 [batch], for each batch.
    """
    total = sum(len(rows) * int(lengths[rows].max(initial=0)) for rows in batches)
    return 1 - int(lengths.sum()) / max(total, 1)
