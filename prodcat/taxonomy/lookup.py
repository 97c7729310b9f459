"""Nodes found by their path or their id, with a hint where there is none."""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from prodcat.errors import TaxonomyError
from prodcat.taxonomy.arrays import Children
from prodcat.taxonomy.paths import Path, join_path


@dataclass(frozen=True, eq=False)
class Lookup:
    """Finds the nodes of a tree.

    Attributes:
        ids: The id of each node, breadth first.
        names: The name of each node.
        parent: int64 [nodes]: the parent's position, -1 below the root.
        children: The positions of each node's children; those of the top level come last.
    """

    ids: tuple[str, ...]
    names: tuple[str, ...]
    parent: NDArray[np.int64]
    children: Children

    @cached_property
    def paths(self) -> tuple[Path, ...]:
        """The path of each node."""
        paths: list[Path] = []
        for node, above in enumerate(self.parent):
            paths.append((*(paths[above] if above >= 0 else ()), self.names[node]))
        return tuple(paths)

    @cached_property
    def by_path(self) -> dict[Path, int]:
        """The position of each node by its path."""
        return {path: node for node, path in enumerate(self.paths)}

    @cached_property
    def by_id(self) -> dict[str, int]:
        """The position of each node by its id."""
        return {key: node for node, key in enumerate(self.ids)}

    def node_at(self, path: Sequence[str]) -> int:
        """The node with this path.

        Raises:
            TaxonomyError: There is none; the message gives the nearest paths.
        """
        node = self.by_path.get(tuple(path))
        if node is None:
            raise TaxonomyError(
                f"The tree has no node {join_path(path)!r}{self.hint(path)}. "
                "Correct the path, or add the node to the taxonomy."
            )
        return node

    def node_with(self, id: str) -> int:
        """The node with this id.

        Raises:
            TaxonomyError: There is none.
        """
        if id not in self.by_id:
            close = difflib.get_close_matches(id, self.ids, n=3)
            hint = f"; near it are {close}" if close else ""
            raise TaxonomyError(f"The tree has no id {id!r}{hint}.")
        return self.by_id[id]

    def hint(self, path: Sequence[str]) -> str:
        """How far a path that is not in the tree goes, and which names are near the next one."""
        known = 0
        while known < len(path) and tuple(path[: known + 1]) in self.by_path:
            known += 1
        if known == len(path) or not path:
            return ""
        above = self.by_path.get(tuple(path[:known]), -1)
        options = [self.names[node] for node in self.children[above]]
        close = difflib.get_close_matches(path[known], options, n=3, cutoff=0.5)
        where = f"{join_path(path[:known])!r} is" if known else "the top level is"
        hint = f", where the nearest to {path[known]!r} are {close}" if close else ""
        return f"; {where} as far as it is known{hint}"
