"""Labelled rows: as texts, and as the tokens and n-grams that the training loop takes."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from prodcat.catalog.fields import title_of
from prodcat.catalog.fingerprint import row_hashes
from prodcat.model.batches import TokenTable
from prodcat.taxonomy.tree import Taxonomy

_MIX = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True)
class Rows:
    """Labelled rows as the training loop takes them.

    Attributes:
        tokens: The tokens of the titles.
        margins: float32 [rows, choice]: the scores by n-grams that did not learn these titles, or
            None if they are not needed.
        targets: int64 [rows]: the node of each label.
        weights: float32 [rows]: how many equal titles each row stands for; None for 1 each.
    """

    tokens: TokenTable
    margins: Tensor | None
    targets: NDArray[np.int64]
    weights: NDArray[np.float32] | None = None

    @property
    def row_weights(self) -> NDArray[np.float32]:
        """float32 [rows]: ``weights``, or ones if it is None."""
        return np.ones(len(self.targets), np.float32) if self.weights is None else self.weights


@dataclass(frozen=True)
class LabelledRows:
    """Texts with their labels.

    Attributes:
        texts: The text of each row as the model gets it, further text columns joined to the title.
        targets: int64 [rows]: the node of each label.
        weights: float32 [rows]: how many equal titles each row stands for.
        hashes: uint64 [rows]: a hash of each row's text and label.
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
            targets: int64 [rows]: the node of each label.
            taxonomy: The tree, whose node ids go into the hashes.
        """
        labels = [taxonomy.ids[node] for node in targets.tolist()]
        return cls(texts, targets, np.ones(len(texts), np.float32), row_hashes(texts, labels))

    def joined(self, others: "LabelledRows") -> "LabelledRows":
        """These rows, followed by others."""
        return LabelledRows(
            [*self.texts, *others.texts],
            np.concatenate([self.targets, others.targets]),
            np.concatenate([self.weights, others.weights]),
            np.concatenate([self.hashes, others.hashes]),
        )

    def merged(self) -> "LabelledRows":
        """The rows that differ in text or label, in order of first appearance.

        Returns:
            Rows whose weights, float32 [rows], are the number of times that each occurs in these
            rows; the weights of these rows are ignored.
        """
        _, first, counts = np.unique(self.hashes, return_index=True, return_counts=True)
        order = np.argsort(first)
        distinct = self.take(first[order].astype(np.int64))
        return replace(distinct, weights=counts[order].astype(np.float32))

    def titles_alone(self) -> tuple["LabelledRows", NDArray[np.int64]]:
        """These rows without further texts; those that differ in title or label, in their order.

        Returns:
            Rows whose weights are the sums of the weights of these rows, and whose hashes are those
            of the first of them; and the position of each of these rows among them, int64 [rows].
        """
        titles = replace(self, texts=[title_of(text) for text in self.texts])
        first: dict[tuple[str, int], int] = {}
        pairs = zip(titles.texts, self.targets.tolist(), strict=True)
        place = np.array([first.setdefault(pair, len(first)) for pair in pairs], np.int64)
        _, rows = np.unique(place, return_index=True)
        weights = np.bincount(place, self.weights).astype(np.float32)
        return replace(titles.take(rows), weights=weights), place

    def places(self, hashes: NDArray[np.uint64]) -> NDArray[np.int64]:
        """The positions of rows of these rows, which must all be there, by their hashes: int64."""
        order = np.argsort(self.hashes)
        return order[np.searchsorted(self.hashes[order], hashes)]

    def weighed_hashes(self) -> NDArray[np.uint64]:
        """uint64 [rows]: hashes that also depend on the weights; ``hashes`` for weights of 1."""
        return self.hashes ^ (self.weights.astype(np.uint64) - np.uint64(1)) * _MIX

    def take(self, rows: NDArray[np.int64]) -> "LabelledRows":
        """The rows at these positions, int64, in this order."""
        texts = [self.texts[row] for row in rows.tolist()]
        return LabelledRows(texts, self.targets[rows], self.weights[rows], self.hashes[rows])


def named_outcomes(taxonomy: Taxonomy) -> tuple[list[str], list[int]]:
    """The names of all outcomes, as further training titles, so that every outcome has some.

    Returns:
        The distinct names of each outcome in all languages of the tree, and the node of each name.
    """
    columns = (taxonomy.names, *taxonomy.translations.values())
    pairs = dict.fromkeys(
        (column[node], node) for node in taxonomy.outcomes.tolist() for column in columns
    )
    return [name for name, _ in pairs], [node for _, node in pairs]
