"""Lookup of nodes by path or id, with a hint to the nearest names if there is no such node."""

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
    """An index of the nodes of a tree.

    Attributes:
        ids: The id of each node, in breadth-first order.
        names: The name of each node.
        parent: int64 [nodes]: the parent of each node, -1 at the top level.
        children: The children of each node, followed by the nodes of the top level.
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
        """The node of each path."""
        return {path: node for node, path in enumerate(self.paths)}

    @cached_property
    def by_id(self) -> dict[str, int]:
        """The node of each id."""
        return {key: node for node, key in enumerate(self.ids)}

    def node_at(self, path: Sequence[str]) -> int:
        """The node with this path.

        Raises:
            TaxonomyError: There is no such node; the message gives the nearest names.
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
            TaxonomyError: There is no such node; the message gives the nearest ids.
        """
        if id not in self.by_id:
            close = difflib.get_close_matches(id, self.ids, n=3)
            hint = f"; near it are {close}" if close else ""
            raise TaxonomyError(f"The tree has no id {id!r}{hint}.")
        return self.by_id[id]

    def hint(self, path: Sequence[str]) -> str:
        """Say how much of an unknown path is in the tree, and which names are near the next one."""
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
