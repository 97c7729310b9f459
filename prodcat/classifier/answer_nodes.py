"""Names of answers and rounded confidences, the same in all output formats."""

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

    Each list has one entry for each node, and a last one for the root: in answers the root is the
    node -1, the index of a list's last entry.

    Args:
        taxonomy: The tree that the answers are paths of.
        language: The language of the names; None for the first language of the tree.

    Raises:
        TaxonomyError: The tree has no names in this language.

    Attributes:
        paths: The names along the path to each node; empty for the root.
        ids: The id of each node; an empty text for the root.
    """

    def __init__(self, taxonomy: Taxonomy, language: str | None = None) -> None:
        self.taxonomy = taxonomy
        nodes = range(len(taxonomy))
        names = taxonomy.paths if language is None else [taxonomy.path(n, language) for n in nodes]
        self.paths: list[Path] = [*names, ()]
        self.ids = [*taxonomy.ids, ""]

    @cached_property
    def lines(self) -> list[str]:
        """The path to each node as one line of text, an empty one for the root."""
        return [path_line(path) for path in self.paths]

    @cached_property
    def path_ids(self) -> list[list[str]]:
        """The ids along the path to each node; empty for the root."""
        ancestors = map(self.taxonomy.ancestors, range(len(self.taxonomy)))
        return [*([self.ids[node] for node in nodes] for nodes in ancestors), []]


def path_line(names: Sequence[str]) -> str:
    """A path as one line of text, as it is written in answers.

    It can be split again by :func:`prodcat.taxonomy.paths.split_path`.

    >>> path_line(["Dairy", "Milk"])
    'Dairy > Milk'
    """
    return join_path(names)


def rounded(confidences: Tensor) -> NDArray[np.float64]:
    """Round confidences to the decimal places that are written.

    Args:
        confidences: float32 of any shape, on the CPU.

    Returns:
        float64 of the same shape.

    >>> import torch
    >>> rounded(torch.tensor([0.12345678, 1.0])).tolist()
    [0.123457, 1.0]
    """
    values: NDArray[Any] = confidences.numpy()
    return values.astype(np.float64).round(DIGITS)
