"""Titles to token ids, once, and token ids to batches without padding waste."""

import base64
import json
import math
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from prodcat.errors import EncoderError, is_fault

if TYPE_CHECKING:
    import torch
    from tokenizers import Tokenizer

_CHUNK = 2_048
_SETTING = threading.Lock()
_MOST_AROUND = 64  # special tokens of a title
_MOST_GROWTH = 10_000


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
        """The rows as one rectangle."""
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
        """The rows as one rectangle: ids int64 [batch, token], and a mask of that shape."""
        import torch

        batch = self.batch(rows, pad_id)
        mask = torch.ones_like(batch.ids, dtype=torch.bool) if batch.mask is None else batch.mask
        return batch.ids, mask


def tokenize(tokenizer: "Tokenizer", texts: Sequence[str], max_tokens: int) -> TokenTable:
    """Tokenise in Rust, on all cores.

    Args:
        tokenizer: With its special tokens set up.
        texts: One for each row.
        max_tokens: Longer texts are cut to this many tokens, special ones included.
    """
    with _SETTING:  # not while another thread reads with it, unless it must change
        if tokenizer.padding is not None:
            tokenizer.no_padding()
        if (tokenizer.truncation or {}).get("max_length") != max_tokens:
            tokenizer.enable_truncation(max_tokens)
    pieces: list[NDArray[np.int32]] = []
    lengths: list[int] = []
    truncated = 0
    for start in range(0, len(texts), _CHUNK):
        encoded = tokenizer.encode_batch(list(texts[start : start + _CHUNK]))
        for row in encoded:
            lengths.append(len(row.ids))
            truncated += bool(row.overflowing)
        pieces.append(np.array([i for row in encoded for i in row.ids], dtype=np.int32))
    offsets = np.zeros(len(texts) + 1, np.int64)
    np.cumsum(lengths, out=offsets[1:])
    ids = np.concatenate(pieces) if pieces else np.zeros(0, np.int32)
    return TokenTable(ids, offsets, truncated)


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


_SMALL = 64  # rows of a window that is planned with care
_BEGIN = 64  # tokens that could be read in the time that a batch takes beside its tokens


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
    if not 1 < rows <= _SMALL:
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
            (_BEGIN + size * longest[start] + least[start + size], size)
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
    """The share of a plan's tokens that is padding, 0 to 1."""
    total = sum(len(rows) * int(lengths[rows].max(initial=0)) for rows in batches)
    return 1 - int(lengths.sum()) / max(total, 1)


def read_tokenizer(text: str, source: str) -> "Tokenizer":
    """Read the text of a ``tokenizer.json``.

    Raises:
        EncoderError: It is not one.
    """
    from tokenizers import Tokenizer

    try:
        return Tokenizer.from_str(text)
    except BaseException as error:  # the Rust binding raises bare Exception, and panics
        if not is_fault(error):
            raise
        raise EncoderError(
            f"{source} is not a readable tokenizer.json: {str(error)[:500]}."
        ) from error


def try_tokenizer(tokenizer: "Tokenizer", rows: int, source: str) -> None:
    """Refuse a tokenizer whose pieces are not those of a table of word vectors.

    Args:
        tokenizer: To be tried.
        rows: Of the table.
        source: Where it is from, for the message.

    Raises:
        EncoderError: It has more pieces than the table, makes titles endless, or cannot read
            one.
    """
    added = tokenizer.get_added_tokens_decoder()
    pieces = max(tokenizer.get_vocab_size(with_added_tokens=True), *(own + 1 for own in added), 0)
    around = tokenizer.num_special_tokens_to_add(False)
    growth = _growth(_state(tokenizer.normalizer)) * _repeats(_state(tokenizer.post_processor))
    if around > _MOST_AROUND or growth > _MOST_GROWTH:
        raise EncoderError(
            f"{source} adds {around:,} tokens to a title and may make it {growth:,} times as long; "
            f"expected at most {_MOST_AROUND} and {_MOST_GROWTH:,}. It is of no use for titles."
        )
    tokenizer.no_padding()
    tokenizer.enable_truncation(2 * _MOST_AROUND)
    ids = tokenizer.encode("prodcat 1 kg, süt").ids
    tokenizer.no_truncation()  # what is read sets its own limit
    if pieces > rows or max(ids, default=0) >= rows:
        raise EncoderError(
            f"{source} has {max(pieces, max(ids, default=0) + 1):,} pieces; the encoder has "
            f"vectors for {rows:,}. They belong to different models."
        )


def _state(component: Any) -> dict[str, Any]:
    """A component of a tokenizer as JSON has it; of none, one that does nothing."""
    found: dict[str, Any]
    found = {"type": "None"} if component is None else json.loads(component.__getstate__())
    return found


def _growth(normalizer: dict[str, Any]) -> int:
    """How many times as long a normalizer may make a text; an upper bound."""
    kind = normalizer["type"]
    if kind == "Sequence":
        return math.prod(map(_growth, normalizer["normalizers"]))
    if kind == "Replace":
        pattern = normalizer["pattern"]
        if pattern.get("String"):
            return max(1, math.ceil(len(normalizer["content"]) / len(pattern["String"])))
        return len(normalizer["content"]) + 1  # a regular expression may find nothing everywhere
    if kind == "Prepend":
        return len(normalizer["prepend"]) + 1
    if kind == "Precompiled":
        raw = base64.b64decode(normalizer["precompiled_charsmap"])
        replacements = raw[4 + int.from_bytes(raw[:4], "little") :].split(b"\0")
        return max(1, *map(len, replacements))
    return 1


def _repeats(processor: dict[str, Any]) -> int:
    """How often a title is in what a post-processor makes of it."""
    if processor["type"] == "Sequence":
        return math.prod(map(_repeats, processor["processors"]))
    if processor["type"] == "TemplateProcessing":
        return max(1, sum("Sequence" in own for own in processor["single"]))
    return 1
