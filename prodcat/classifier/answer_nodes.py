"""How answers are named and rounded, in whatever form they are written."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from prodcat.taxonomy.paths import Path, join_path
from prodcat.taxonomy.tree import Taxonomy

DIGITS = 6  # decimal places of the confidences that are written


class AnswerNodes:
    """Names and ids of the nodes at which answers end.

    Each list has an entry for each node and a last one for the root, at which the node -1 of an
    answer points.

    Args:
        taxonomy: The tree that the answers are paths of.
        language: The language of the names, where the tree has it; the tree's first if None.

    Raises:
        TaxonomyError: The tree has no names in this language.

    Attributes:
        paths: The names along the path of each node.
        ids: The id of each node, empty for the root.
    """

    def __init__(self, taxonomy: Taxonomy, language: str | None = None) -> None:
        self.taxonomy = taxonomy
        nodes = range(len(taxonomy))
        names = taxonomy.paths if language is None else [taxonomy.path(n, language) for n in nodes]
        self.paths: list[Path] = [*names, ()]
        self.ids = [*taxonomy.ids, ""]

    @cached_property
    def lines(self) -> list[str]:
        """The path of each node in one line."""
        return [path_line(path) for path in self.paths]

    @cached_property
    def path_ids(self) -> list[list[str]]:
        """The ids along the path of each node."""
        ancestors = map(self.taxonomy.ancestors, range(len(self.taxonomy)))
        return [*([self.ids[node] for node in nodes] for nodes in ancestors), []]


def path_line(names: Sequence[str]) -> str:
    """A path in one line, as answers are written.

    >>> path_line(["Dairy", "Milk"])
    'Dairy > Milk'
    """
    return join_path(names)


def rounded(confidences: Tensor) -> NDArray[np.float64]:
    """Confidences as they are written.

    Args:
        confidences: float32 of any shape, on the host.

    >>> import torch
    >>> rounded(torch.tensor([0.12345678, 1.0])).tolist()
    [0.123457, 1.0]
    """
    values: NDArray[Any] = confidences.numpy()
    return values.astype(np.float64).round(DIGITS)
