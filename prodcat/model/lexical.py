"""The lexical branch: a linear map from the n-grams of a title to outcome scores.

Titles consist of brands, sizes and inflected words, for which a linear model on n-grams is better
than any pooled vector.  The map consists of one support vector machine with squared hinge loss for
each outcome (one against the rest).  An n-gram has weights only for the outcomes whose training
titles contain it, so the map is sparse.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from prodcat.model.ngrams import Features, NGrams, find_sorted
from prodcat.model.sparse_rows import SparseRows, SplitMap

_CHUNK = 4_096  # rows that are multiplied together
ABSENT = np.float32(-1.001)  # the score of an outcome without training titles, below all others


class LexicalBranch(nn.Module):
    """A sparse linear map from n-gram features to outcome scores.

    Args:
        offsets: int64 [n-gram + 1]: n-gram ``n`` has the entries ``offsets[n]:offsets[n + 1]``.
        columns: int16 or int32 [entry]: the outcome of each entry.
        values: float16 [entry]: the weight of the n-gram for the outcome.
        bias: float32 [outcome].
    """

    def __init__(self, offsets: Tensor, columns: Tensor, values: Tensor, bias: Tensor) -> None:
        super().__init__()
        columns = columns.to(torch.int16 if len(bias) <= 2**15 else torch.int32)
        tensors = {"offsets": offsets, "columns": columns, "values": values, "bias": bias}
        for name, tensor in tensors.items():
            self.register_buffer(name, tensor)
        self.offsets: Tensor
        self.columns: Tensor
        self.values: Tensor
        self.bias: Tensor
        self._split: SplitMap | None = None

    def fits(self, features: int, outcomes: int) -> bool:
        """Whether the tensors are consistent and have these numbers of n-grams and outcomes."""
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
        """Compute the margin of each outcome: its score by the support vector machine.

        Args:
            features: The n-gram features of the titles.

        Returns:
            float32 [batch, outcome], on the device of the map.
        """
        device, outcomes = self.bias.device, len(self.bias)
        if device.type == "cpu":
            return self._on_cpu(features)
        scores, matrix = self.bias.repeat(len(features), 1), features.matrix
        feature = torch.from_numpy(matrix.indices).to(device).long()
        rows = np.repeat(np.arange(len(features)), np.diff(matrix.indptr))
        start = self.offsets[feature]
        count = self.offsets[feature + 1] - start
        entry = torch.repeat_interleave(start - (count.cumsum(0) - count), count)
        entry += torch.arange(len(entry), device=device)
        row = torch.from_numpy(rows).to(device).repeat_interleave(count)
        value = torch.from_numpy(matrix.data).to(device).repeat_interleave(count)
        place = row * outcomes + self.columns[entry]
        scores.view(-1).index_add_(0, place, value * self.values[entry].float())
        return scores

    @property
    def split(self) -> SplitMap:
        """The map as a CPU multiplies with it, made when it is first needed."""
        if self._split is None:
            offsets, columns = self.offsets.cpu().numpy(), self.columns.cpu().int().numpy()
            values = self.values.cpu().float().numpy()
            self._split = SplitMap.of(offsets, columns, values, len(self.bias))
        return self._split

    def entries(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float16]]:
        """The n-gram, the outcome and the weight of each entry: three arrays of shape [entry]."""
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
        """Make a map of these entries, which may be in any order.

        Args:
            feature: int32 or int64 [entry]: the n-gram of each entry.
            outcome: int32 or int64 [entry]: the outcome of each entry.
            value: float16 [entry]: the weight of the n-gram for the outcome.
            bias: float32 [outcome].
            size: Number of n-grams.
        """
        from scipy.sparse import coo_matrix

        # Bits in place of float16, which sparse matrices of scipy do not hold; two passes of
        # counting take a fraction of the time and memory of a sort.
        shape = len(bias), size
        bits = np.ascontiguousarray(value).view(np.uint16)
        by_outcome = coo_matrix((bits, (outcome, feature)), shape).tocsr()
        by_feature = by_outcome.tocsc()
        return cls(
            torch.from_numpy(by_feature.indptr.astype(np.int64)),
            torch.from_numpy(by_feature.indices),
            torch.from_numpy(by_feature.data.view(np.float16)),
            torch.from_numpy(bias),
        )

    def moved(self, before: NGrams, after: NGrams, outcomes: NDArray[np.int64]) -> "LexicalBranch":
        """The same support vector machines for another vocabulary and other outcomes.

        Args:
            before: The vocabulary of this map.
            after: The vocabulary of the new map; n-grams that it lacks are dropped.
            outcomes: int64 [outcome of the new map]: its position among the outcomes of this map,
                or -1 if this map does not have it.

        Returns:
            The new map; an outcome that this map does not have gets a score below all others.
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
        """The same by sums of rows, which is many times faster on a CPU."""
        if len(features) <= _CHUNK:
            return self.split.scores(SparseRows.of(features.matrix)) + self.bias
        scores = torch.empty(len(features), len(self.bias))
        for start in range(0, len(features), _CHUNK):
            part = slice(start, start + _CHUNK)
            scores[part] = self.split.scores(SparseRows.of(features.matrix[part]))
        return scores + self.bias
