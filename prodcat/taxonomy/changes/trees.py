"""What the comparison of two trees needs of each."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from prodcat.taxonomy.arrays import Ints
from prodcat.taxonomy.paths import Path


class Tree(Protocol):
    """A tree; every :class:`prodcat.Taxonomy` is one, and its attributes are described there."""

    @property
    def ids(self) -> tuple[str, ...]:
        """The id of each node."""

    @property
    def names(self) -> tuple[str, ...]:
        """The name of each node."""

    @property
    def parent(self) -> Ints:
        """The parent of each node, -1 at the top: int64 [nodes]."""

    @property
    def translations(self) -> Mapping[str, tuple[str, ...]]:
        """The names of all nodes by language."""

    @property
    def paths(self) -> tuple[Path, ...]:
        """The path of each node."""

    @property
    def level(self) -> Ints:
        """The level of each node, 1 at the top: int64 [nodes]."""

    @property
    def depth(self) -> int:
        """The number of levels."""

    @property
    def chains(self) -> Ints:
        """The ancestors of each node and the node, padded with -1: int64 [nodes, depth]."""

    def __len__(self) -> int:
        """The number of nodes."""

    def children(self, node: int = -1) -> tuple[int, ...]:
        """The children of a node."""

    def ancestors(self, node: int) -> tuple[int, ...]:
        """The nodes from the top down to and including a node."""

    def get(self, path: Sequence[str]) -> int | None:
        """The node with this path."""

    def near(self, path: Sequence[str]) -> str:
        """For messages: where a path leaves the tree."""
