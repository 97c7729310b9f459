"""The lexical branch: a linear map from the n-grams of a title to outcomes.

Brands, sizes and word endings are what titles are made of, and a linear model on n-grams
reads them better than any pooled vector.  The map is a one-vs-rest squared-hinge support vector
machine.  Its entries are few (an n-gram says something about the outcomes it was seen with), so
they are kept sparse.
"""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from prodcat.model.ngrams import Features, NGrams, find_sorted

_CHUNK = 4_096  # rows that are multiplied at once
ABSENT = np.float32(-1.001)  # the score of an outcome that no title has, below all others


class LexicalBranch(nn.Module):
    """A sparse linear map from n-gram features to outcome scores.

    Args:
        offsets: int64 [features + 1]: feature ``f`` has entries ``offsets[f]:offsets[f + 1]``.
        columns: int16 or int32 [entries]: the outcome of each entry.
        values: float16 [entries].
        bias: float32 [outcomes].
    """

    def __init__(self, offsets: Tensor, columns: Tensor, values: Tensor, bias: Tensor) -> None:
        super().__init__()
        columns = columns.to(torch.int16 if len(bias) <= 2**15 else torch.int32)
        for name, tensor in (
            ("offsets", offsets),
            ("columns", columns),
            ("values", values),
            ("bias", bias),
        ):
            self.register_buffer(name, tensor)
        self.offsets: Tensor
        self.columns: Tensor
        self.values: Tensor
        self.bias: Tensor
        self._matrix: Any = None  # the map as SciPy holds it, made when first used on a CPU

    def fits(self, features: int, outcomes: int) -> bool:
        """Whether the parts fit each other and these numbers of features and outcomes."""
        offsets, columns = self.offsets, self.columns
        return (
            [part.dtype for part in (offsets, self.values, self.bias)]
            == [torch.int64, torch.float16, torch.float32]
            and [part.ndim for part in (offsets, columns, self.values, self.bias)] == [1] * 4
            and len(offsets) == features + 1
            and len(self.bias) == outcomes
            and len(columns) == len(self.values) == int(offsets[-1])
            and int(offsets[0]) == 0
            and bool((offsets[1:] >= offsets[:-1]).all())
            and (not len(columns) or bool(columns.min() >= 0 and columns.max() < outcomes))
        )

    def forward(self, features: Features) -> Tensor:
        """The margin of each outcome, float32 [batch, outcome]."""
        device, outcomes = self.bias.device, len(self.bias)
        if device.type == "cpu":
            return self._on_cpu(features)
        scores = self.bias.repeat(len(features), 1)
        feature = torch.from_numpy(features.columns).to(device)
        rows = np.repeat(np.arange(len(features)), np.diff(features.offsets))
        start = self.offsets[feature]
        count = self.offsets[feature + 1] - start
        entry = torch.repeat_interleave(start - (count.cumsum(0) - count), count)
        entry += torch.arange(len(entry), device=device)
        row = torch.from_numpy(rows).to(device).repeat_interleave(count)
        value = torch.from_numpy(features.values).to(device).repeat_interleave(count)
        place = row * outcomes + self.columns[entry]
        scores.view(-1).index_add_(0, place, value * self.values[entry].float())
        return scores

    def entries(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float16]]:
        """Feature, outcome and value of each entry that is not 0, [entries] each."""
        offsets = self.offsets.cpu().numpy()
        feature = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
        return feature, self.columns.cpu().numpy().astype(np.int64), self.values.cpu().numpy()

    @classmethod
    def from_entries(
        cls,
        feature: NDArray[np.int64],
        outcome: NDArray[np.int64],
        value: NDArray[np.float16],
        bias: NDArray[np.float32],
        size: int,
    ) -> "LexicalBranch":
        """Make the map with these entries, which may be in any order.

        Args:
            feature: int64 [entries].
            outcome: int64 [entries].
            value: float16 [entries].
            bias: float32 [outcomes].
            size: Number of features.
        """
        order = np.lexsort((outcome, feature))
        offsets = np.zeros(size + 1, np.int64)
        np.cumsum(np.bincount(feature, minlength=size), out=offsets[1:])
        return cls(
            torch.from_numpy(offsets),
            torch.from_numpy(outcome[order]),
            torch.from_numpy(value[order]),
            torch.from_numpy(bias),
        )

    def moved(self, before: NGrams, after: NGrams, outcomes: NDArray[np.int64]) -> "LexicalBranch":
        """The same support vector machines over another vocabulary and other outcomes.

        Args:
            before: The vocabulary that the map was solved on.
            after: The vocabulary to express it in; n-grams that it lacks are dropped.
            outcomes: int64 [new outcomes]: the old position of each, -1 for none.
        """
        place, known = find_sorted(after.hashes, before.hashes)
        target = np.full(len(self.bias), -1, np.int64)
        target[outcomes[outcomes >= 0]] = np.flatnonzero(outcomes >= 0)
        feature, outcome, value = self.entries()
        kept = known[feature] & (target[outcome] >= 0)
        old_bias = self.bias.cpu().numpy()
        bias = np.where(outcomes >= 0, old_bias[outcomes], ABSENT).astype(np.float32)
        return self.from_entries(
            place[feature[kept]], target[outcome[kept]], value[kept], bias, len(after.hashes)
        )

    def _on_cpu(self, features: Features) -> Tensor:
        """The same as a product of two sparse matrices, many times as fast on a CPU."""
        from scipy.sparse import csr_matrix

        size, outcomes = len(self.offsets) - 1, len(self.bias)
        if self._matrix is None:
            parts = (self.values.float().numpy(), self.columns.int().numpy(), self.offsets.numpy())
            self._matrix = csr_matrix(parts, shape=(size, outcomes))
        scores = torch.empty(len(features), outcomes)
        rows = csr_matrix(
            (features.values, features.columns, features.offsets), shape=(len(features), size)
        )
        for start in range(0, len(features), _CHUNK):
            part = slice(start, start + _CHUNK)
            scores[part] = torch.from_numpy((rows[part] @ self._matrix).toarray())
        return scores + self.bias
