r"""The lexical branch: hashed word and character n-grams with a linear map to outcomes.

Brands, sizes and word endings are what titles are made of, and a linear model on n-grams
reads them better than any pooled vector.  The features are tf-idf weighted word 1-2-grams
and character n-grams within words, both of the folded title, each block scaled to length 1.
The map is a one-vs-rest squared-hinge support vector machine.  Its entries are few (an
n-gram says something about the outcomes it was seen with), so they are kept sparse.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from prodcat.catalog.text import fold

_Hashes = NDArray[np.uint64]
_PRIME = np.uint64(0x9E3779B97F4A7C15)
_INVERSE = np.uint64(pow(0x9E3779B97F4A7C15, -1, 2**64))
_CHARACTER = np.uint64(1) << np.uint64(63)
_CHUNK = 4_096
ABSENT = np.float32(-1.001)  # the score of an outcome that no title has, below all others


@dataclass(frozen=True)
class Features:
    """Sparse rows of n-gram features.

    Attributes:
        columns: int64 [entries], ascending within a row.
        values: float32 [entries].
        offsets: int64 [rows + 1]: row ``r`` has entries ``offsets[r]:offsets[r + 1]``.
    """

    columns: NDArray[np.int64]
    values: NDArray[np.float32]
    offsets: NDArray[np.int64]

    def __len__(self) -> int:
        """The number of rows."""
        return len(self.offsets) - 1

    def take(self, rows: NDArray[np.int64]) -> "Features":
        """The rows at these positions, in this order."""
        lengths = np.diff(self.offsets)[rows]
        offsets = np.zeros(len(rows) + 1, np.int64)
        np.cumsum(lengths, out=offsets[1:])
        source = np.arange(offsets[-1]) + np.repeat(self.offsets[rows] - offsets[:-1], lengths)
        return Features(self.columns[source], self.values[source], offsets)


@dataclass(frozen=True)
class NGrams:
    """A fitted n-gram vocabulary.

    Attributes:
        hashes: uint64 [features], ascending: first all word, then all character n-grams.
        idf: float32 [features].
        characters: Shortest and longest character n-gram.
    """

    hashes: _Hashes
    idf: NDArray[np.float32]
    characters: tuple[int, int]

    @classmethod
    def fit(
        cls,
        texts: Sequence[str],
        characters: tuple[int, int],
        max_features: int,
        like: "NGrams | None" = None,
    ) -> tuple["NGrams", Features]:
        """Collect the n-grams of the texts; the rarest go where there are too many.

        Args:
            texts: One for each row.
            characters: Shortest and longest character n-gram.
            max_features: Most n-grams to keep.
            like: Another vocabulary, whose n-grams keep the weight that they have there.

        Returns:
            The vocabulary and the texts' own features.
        """
        rows, hashes = _hash_texts(texts, characters)
        order = np.lexsort((rows, hashes))
        ordered, owner = hashes[order], rows[order]
        first = np.ones(len(ordered), np.bool_)
        first[1:] = (ordered[1:] != ordered[:-1]) | (owner[1:] != owner[:-1])
        vocabulary, frequency = np.unique(ordered[first], return_counts=True)
        if len(vocabulary) > max_features:
            kept = np.sort(np.argsort(-frequency, kind="stable")[:max_features])
            vocabulary, frequency = vocabulary[kept], frequency[kept]
        idf = np.log((1 + len(texts)) / (1 + frequency)) + 1
        idf = idf.astype(np.float32)
        if like is not None:
            place, known = find_sorted(like.hashes, vocabulary)
            idf[known] = like.idf[place[known]]
        ngrams = cls(vocabulary, idf, characters)
        return ngrams, ngrams._weigh(rows, hashes, len(texts))

    def __call__(self, texts: Sequence[str]) -> Features:
        """The features of any texts; n-grams outside the vocabulary do not count."""
        parts = [
            self._weigh(*_hash_texts(part, self.characters), len(part))
            for start in range(0, len(texts), _CHUNK)
            if (part := texts[start : start + _CHUNK])
        ]
        if not parts:
            return Features(np.zeros(0, np.int64), np.zeros(0, np.float32), np.zeros(1, np.int64))
        lengths = np.concatenate([np.diff(part.offsets) for part in parts])
        return Features(
            np.concatenate([part.columns for part in parts]),
            np.concatenate([part.values for part in parts]),
            np.concatenate([[0], np.cumsum(lengths)]),
        )

    def _weigh(self, rows: NDArray[np.int64], hashes: _Hashes, count: int) -> Features:
        from scipy.sparse import csr_matrix

        size = len(self.hashes)
        column, known = find_sorted(self.hashes, hashes)
        ones = np.ones(int(known.sum()), np.float32)
        matrix = csr_matrix((ones, (rows[known], column[known])), shape=(count, size))
        matrix.sum_duplicates()
        matrix.sort_indices()
        columns = matrix.indices.astype(np.int64)
        offsets = matrix.indptr.astype(np.int64)
        values = (1 + np.log(matrix.data)) * self.idf[columns]
        owner = np.repeat(np.arange(count), np.diff(offsets))
        block = 2 * owner + (self.hashes[columns] >= _CHARACTER)
        length = np.sqrt(np.bincount(block, values.astype(np.float64) ** 2, 2 * count))
        return Features(columns, (values / length[block]).astype(np.float32), offsets)


def find_sorted(hashes: _Hashes, wanted: _Hashes) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Where each wanted hash is among ascending ones, and whether it is there."""
    if not len(hashes):
        return np.zeros(len(wanted), np.int64), np.zeros(len(wanted), np.bool_)
    place = np.minimum(np.searchsorted(hashes, wanted), len(hashes) - 1)
    return place, hashes[place] == wanted


def _mix(hashes: _Hashes) -> _Hashes:
    """Spread the bits (the finaliser of SplitMix64)."""
    mixed = hashes ^ (hashes >> np.uint64(30))
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    mixed ^= mixed >> np.uint64(27)
    mixed *= np.uint64(0x94D049BB133111EB)
    mixed ^= mixed >> np.uint64(31)
    return mixed


def _powers(base: np.uint64, count: int) -> _Hashes:
    powers = np.full(count, base, np.uint64)
    powers[:1] = 1
    return np.multiply.accumulate(powers)


def _hash_texts(
    texts: Sequence[str], characters: tuple[int, int]
) -> tuple[NDArray[np.int64], _Hashes]:
    """The row and the hash of every n-gram of the texts."""
    words = [" ".join(_words(text)) for text in texts]
    joined = "".join(f" {line} " for line in words)
    letters = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), np.uint32)
    letters = letters.astype(np.uint64)
    if not len(letters):
        return np.zeros(0, np.int64), np.zeros(0, np.uint64)
    row = np.repeat(np.arange(len(words)), [len(line) + 2 for line in words])
    space = letters == ord(" ")

    found_rows, found = [], []
    # Character n-grams: a blank may stand at either end, but not inside.
    window = letters + np.uint64(1)
    inside = np.ones(len(letters), np.bool_)
    for size in range(2, characters[1] + 1):
        if len(window) < 2:
            break
        window = window[:-1] * _PRIME + letters[size - 1 :] + np.uint64(1)
        inside = inside[:-1]
        if size > 2:
            inside = inside & ~space[size - 2 : size - 2 + len(inside)]
        last = slice(size - 1, size - 1 + len(window))
        valid = inside & (row[: len(window)] == row[last])
        if size == 2:
            valid &= ~(space[:-1] & space[1:])
        if size >= characters[0]:
            found_rows.append(row[: len(window)][valid])
            found.append(_mix(window[valid] + np.uint64(size)) | _CHARACTER)

    # Words and pairs of words, from differences of one running hash.
    running = np.concatenate(
        [np.zeros(1, np.uint64), np.cumsum((letters + np.uint64(1)) * _powers(_PRIME, len(row)))]
    )
    edge = np.diff(np.concatenate([[True], space, [True]]).astype(np.int8))
    start, end = np.flatnonzero(edge == -1), np.flatnonzero(edge == 1)
    word = _mix((running[end] - running[start]) * _powers(_INVERSE, len(row))[start])
    found_rows.append(row[start])
    found.append(word & ~_CHARACTER)
    pair = row[start[:-1]] == row[start[1:]]
    found_rows.append(row[start[:-1]][pair])
    found.append(_mix(word[:-1][pair] * _PRIME + word[1:][pair]) & ~_CHARACTER)
    return np.concatenate(found_rows), np.concatenate(found)


def _words(text: str) -> list[str]:
    return fold(text).split()


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
            [own.dtype for own in (offsets, self.values, self.bias)]
            == [torch.int64, torch.float16, torch.float32]
            and [own.ndim for own in (offsets, columns, self.values, self.bias)] == [1] * 4
            and len(offsets) == features + 1
            and len(self.bias) == outcomes
            and len(columns) == len(self.values) == int(offsets[-1])
            and int(offsets[0]) == 0
            and bool((offsets[1:] >= offsets[:-1]).all())
            and (not len(columns) or bool(columns.min() >= 0 and columns.max() < outcomes))
        )

    def forward(self, features: Features) -> Tensor:
        """float32 [batch, outcome]: the margin of each outcome."""
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
        """All that is not 0: feature, outcome and value of each, [entries]."""
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
        """The map with these entries, in any order.

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
        """The same machines over another vocabulary and other outcomes.

        Args:
            before: The vocabulary that it was solved on.
            after: The one to express it in; n-grams that it lacks are dropped.
            outcomes: int64 [new outcomes]: the old position of each, -1 for none.
        """
        place, known = find_sorted(after.hashes, before.hashes)
        target = np.full(len(self.bias), -1, np.int64)
        target[outcomes[outcomes >= 0]] = np.flatnonzero(outcomes >= 0)
        feature, outcome, value = self.entries()
        kept = known[feature] & (target[outcome] >= 0)
        own = self.bias.cpu().numpy()
        bias = np.where(outcomes >= 0, own[outcomes], ABSENT).astype(np.float32)
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
        own = (features.values, features.columns, features.offsets)
        scores = torch.empty(len(features), outcomes)
        rows = csr_matrix(own, shape=(len(features), size))
        for start in range(0, len(features), _CHUNK):
            part = slice(start, start + _CHUNK)
            scores[part] = torch.from_numpy((rows[part] @ self._matrix).toarray())
        return scores + self.bias
