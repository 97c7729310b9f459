"""Labelled rows, as texts and as the tokens and n-grams of the training loop."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from prodcat.catalog.fingerprint import row_hashes
from prodcat.model.batches import TokenTable
from prodcat.model.ngrams import Features
from prodcat.taxonomy.tree import Taxonomy

_MIX = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True)
class Rows:
    """Rows as the training loop reads them.

    Attributes:
        tokens: Tokens of the titles.
        features: N-grams of the titles, or None without a lexical branch.
        targets: int64 [rows], node positions.
        weights: float32 [rows]: how many equal titles each row stands for; None for 1.
    """

    tokens: TokenTable
    features: Features | None
    targets: NDArray[np.int64]
    weights: NDArray[np.float32] | None = None

    @property
    def row_weights(self) -> NDArray[np.float32]:
        """float32 [rows]: the weights, 1 for every row if there are none."""
        return np.ones(len(self.targets), np.float32) if self.weights is None else self.weights


@dataclass(frozen=True)
class LabelledRows:
    """Texts with their labels.

    Attributes:
        texts: The texts as the model reads them.
        targets: int64 [rows], node positions.
        weights: float32 [rows]: how many equal rows each stands for.
        hashes: uint64 [rows]: a hash of text and label together.
    """

    texts: list[str]
    targets: NDArray[np.int64]
    weights: NDArray[np.float32]
    hashes: NDArray[np.uint64]

    def __len__(self) -> int:
        """The number of rows."""
        return len(self.texts)

    @classmethod
    def of(cls, texts: list[str], targets: NDArray[np.int64], taxonomy: Taxonomy) -> "LabelledRows":
        """Rows with weight 1 each.

        Args:
            texts: One for each row.
            targets: int64 [rows], node positions.
            taxonomy: The tree, whose node ids the hashes are made of.
        """
        labels = [taxonomy.ids[node] for node in targets.tolist()]
        return cls(texts, targets, np.ones(len(texts), np.float32), row_hashes(texts, labels))

    def merged(self) -> "LabelledRows":
        """The distinct rows, in order of first appearance, weighted by how often each occurs."""
        _, first, counts = np.unique(self.hashes, return_index=True, return_counts=True)
        order = np.argsort(first)
        distinct = self.take(first[order].astype(np.int64))
        return replace(distinct, weights=counts[order].astype(np.float32))

    def weighed_hashes(self) -> NDArray[np.uint64]:
        """uint64 [rows]: hashes that also depend on the weights."""
        return self.hashes ^ (self.weights.astype(np.uint64) - np.uint64(1)) * _MIX

    def take(self, rows: NDArray[np.int64]) -> "LabelledRows":
        """The rows at these positions."""
        texts = [self.texts[row] for row in rows.tolist()]
        return LabelledRows(texts, self.targets[rows], self.weights[rows], self.hashes[rows])


def named_outcomes(taxonomy: Taxonomy) -> tuple[list[str], list[int]]:
    """The names of every outcome, each once, as titles that even rare categories have.

    Returns:
        Names in all languages of the tree, and the node of each name.
    """
    columns = (taxonomy.names, *taxonomy.translations.values())
    pairs = dict.fromkeys(
        (column[node], node) for node in taxonomy.outcomes.tolist() for column in columns
    )
    return [name for name, _ in pairs], [node for _, node in pairs]
