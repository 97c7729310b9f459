"""The tokens of many titles, and batches of them with little padding."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import torch

_SMALL_WINDOW = 512  # largest number of rows whose best split into batches is computed
_BATCH_COST = 1 / 32  # the fixed cost of a batch, as a share of that of a full one


@dataclass(frozen=True)
class Batch:
    """Rows of a token table as tensors for an encoder.

    Attributes:
        ids: int64 [batch, token]: token ids, padded to the longest row.
        mask: bool [batch, token], true for real tokens; None if nothing is padded.
        source: int64 [batch, token]: the position of each token in ``TokenTable.ids``; padding has
            the position of the last token of its row.
    """

    ids: "torch.Tensor"
    mask: "torch.Tensor | None"
    source: "torch.Tensor"

    def to(self, device: "torch.device") -> "Batch":
        """The same batch on a device; see :func:`to_device`."""
        mask = None if self.mask is None else to_device(self.mask, device)
        return Batch(to_device(self.ids, device), mask, to_device(self.source, device))


def to_device(tensor: "torch.Tensor", device: "torch.device") -> "torch.Tensor":
    """The tensor on a device; a copy to a GPU is asynchronous, through pinned memory."""
    if device.type != "cuda":
        return tensor.to(device)
    return tensor.pin_memory().to(device, non_blocking=True)


@dataclass(frozen=True)
class TokenTable:
    """The tokens of many titles, one after the other.

    Attributes:
        ids: int32 [tokens]: token ids.
        offsets: int64 [rows + 1]: row ``r`` has the tokens ``offsets[r]:offsets[r + 1]``.
        truncated: Number of titles that were cut because they were too long.

    >>> table = TokenTable(np.array([5, 6, 7, 8, 9], np.int32), np.array([0, 2, 5]))
    >>> len(table), table.lengths.tolist()
    (2, [2, 3])
    >>> table.pad(np.array([0, 1]), pad_id=1)[0].tolist()
    [[5, 6, 1], [7, 8, 9]]
    """

    ids: NDArray[np.int32]
    offsets: NDArray[np.int64]
    truncated: int = 0

    def __len__(self) -> int:
        """The number of rows."""
        return len(self.offsets) - 1

    @property
    def lengths(self) -> NDArray[np.int64]:
        """int64 [rows]: the number of tokens of each row."""
        return np.diff(self.offsets)

    def batch(self, rows: NDArray[np.int64], pad_id: int) -> Batch:
        """Make a batch of some rows, padded to the longest one.

        Args:
            rows: int64 [batch]: row numbers.
            pad_id: The token id that short rows are padded with.

        Returns:
            The batch, on the CPU.
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
        """Pad some rows to the longest one; like :meth:`batch`, but always with a mask.

        Args:
            rows: int64 [batch]: row numbers.
            pad_id: The token id that short rows are padded with.

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
    """Group rows of similar length so that no batch exceeds the budget, padding included.

    Args:
        lengths: int64 [rows]: number of tokens of each row.
        token_budget: Maximum number of tokens in a batch, padding included; a row that is longer
            becomes a batch by itself.
        rng: Shuffles rows of equal length and the order of the batches.  Without it the longest
            rows come first; a batch that is at least half full ends where rows get shorter,
            because rows of one length need no mask; and batches have one of few sizes, because
            matrix products are compiled for each size (a millisecond and a megabyte each).

    Returns:
        Row numbers, int64 [batch], for each batch; every row is in exactly one batch.

    >>> [rows.tolist() for rows in plan_batches(np.array([2, 9, 3, 9]), token_budget=18)]
    [[1, 3], [2, 0]]
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
            if batches or end < len(order):  # rows that fit into one batch stay together
                end = start + _usual_size(min(end, len(order)) - start)
        batches.append(order[start:end].astype(np.int64))
        start = end
    if rng is not None:
        batches = [batches[number] for number in rng.permutation(len(batches))]
    return batches


def plan_window(lengths: NDArray[np.int64], token_budget: int) -> list[NDArray[np.int64]]:
    """Group a small number of rows into batches that take the least time together.

    The lengths of a small number of rows differ a lot, so one batch of them would be mostly
    padding.  This finds the cheapest split into batches of the usual sizes, where a batch costs
    its tokens, padding included, and a fixed amount.  More than 512 rows are left to
    :func:`plan_batches`.

    Args:
        lengths: int64 [rows]: number of tokens of each row.
        token_budget: Maximum number of tokens in a batch, padding included.

    Returns:
        Row numbers, int64 [batch], for each batch; every row is in exactly one batch.

    >>> [len(rows) for rows in plan_window(np.array([60] * 2 + [5] * 12), 2_048)]
    [2, 12]
    """
    rows = len(lengths)
    if not 1 < rows <= _SMALL_WINDOW:
        return plan_batches(lengths, token_budget)
    order = np.lexsort((np.arange(rows), -lengths))
    longest = np.maximum(lengths[order], 1).tolist()
    sizes = [size for size in range(1, rows + 1) if _usual_size(size) == size]
    # For each row, from the last one: the least cost of this row and all after it, and the size of
    # the batch that begins with this row.
    batch_cost = _BATCH_COST * token_budget
    least_cost = [0.0] * (rows + 1)
    first_size = [0] * rows
    for start in range(rows - 1, -1, -1):
        most = max(token_budget // longest[start], 1)
        least_cost[start], first_size[start] = min(
            (batch_cost + size * longest[start] + least_cost[start + size], size)
            for size in sizes
            if size <= min(most, rows - start)
        )
    batches = []
    start = 0
    while start < rows:
        batches.append(order[start : start + first_size[start]].astype(np.int64))
        start += first_size[start]
    return batches


def _usual_size(rows: int) -> int:
    """The largest usual size (1 to 8, 10, 12, 14, 16, 20, 24, 28, 32, 40, …) up to ``rows``."""
    step = max(1 << (rows.bit_length() - 1), 4) // 4
    return rows // step * step


def padded_share(lengths: NDArray[np.int64], batches: Sequence[NDArray[np.int64]]) -> float:
    """The share of the tokens of batches that is padding, 0 to 1.

    Args:
        lengths: int64 [rows]: number of tokens of each row.
        batches: Row numbers, int64 [batch], for each batch.

    >>> padded_share(np.array([4, 2, 3]), [np.array([0, 1]), np.array([2])])
    0.18181818181818177
    """
    total = sum(len(rows) * int(lengths[rows].max(initial=0)) for rows in batches)
    return 1 - int(lengths.sum()) / max(total, 1)
