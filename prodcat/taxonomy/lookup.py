"""Finds nodes by path or id; errors for unknown nodes suggest similar names."""

import difflib
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from numbers import Number

from prodcat.errors import TaxonomyError
from prodcat.taxonomy.arrays import Children, Ints
from prodcat.taxonomy.cells import cell_text
from prodcat.taxonomy.paths import Path, join_path, path_of


@dataclass(frozen=True, eq=False)
class Lookup:
    """Finds the nodes of a tree by path or id.

    Attributes:
        ids: The id of each node, in breadth-first order.
        names: The name of each node.
        parent: int64 [nodes]: the parent of each node, -1 at the top level.
        children: The children of each node, and as the last entry the top-level nodes.
    """

    ids: tuple[str, ...]
    names: tuple[str, ...]
    parent: Ints
    children: Children

    @cached_property
    def paths(self) -> tuple[Path, ...]:
        """The path of each node, in the order of the nodes."""
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
            TaxonomyError: There is no such node; the message suggests similar names.
        """
        path = path_of(path)
        node = self.by_path.get(path)
        if node is None:
            raise TaxonomyError(
                f"The tree has no node {join_path(path)!r}{self.hint(path)}. "
                "Correct the path, or add the node to the taxonomy."
            )
        return node

    def node_with(self, id: str) -> int:
        """The node with this id.

        Raises:
            TaxonomyError: There is no such node; the message suggests similar ids.
        """
        id = _id_text(id)
        if id not in self.by_id:
            close = difflib.get_close_matches(id, self.ids, n=3)
            hint = f"; similar ids are {close}" if close else ""
            raise TaxonomyError(f"The tree has no id {id!r}{hint}. Correct it, or add the node.")
        return self.by_id[id]

    def hint(self, path: Sequence[str]) -> str:
        """Tell in part of a sentence how much of a path the tree has, and suggest similar names.

        Args:
            path: The names from the top level down.

        Returns:
            Text that starts with a semicolon; empty if the path is empty or in the tree.
        """
        path = path_of(path)
        known = 0
        while known < len(path) and tuple(path[: known + 1]) in self.by_path:
            known += 1
        if known == len(path) or not path:
            return ""
        above = self.by_path.get(tuple(path[:known]), -1)
        where = f"below {join_path(path[:known])!r}" if known else "at the top level"
        for node in self.children[above]:
            if _composed(self.names[node]) == _composed(path[known]):
                return (
                    f"; {where} there is no {path[known]!r} {_form(path[known])}, but one "
                    f"{_form(self.names[node])}, which looks the same"
                )
        options = {self.names[node].casefold(): self.names[node] for node in self.children[above]}
        folded = difflib.get_close_matches(path[known].casefold(), options, n=3, cutoff=0.5)
        close = [options[name] for name in folded]
        hint = f", but the similar {close}" if close else ""
        return f"; {where} there is no {path[known]!r}{hint}"


def _composed(name: str) -> str:
    return unicodedata.normalize("NFC", name)


def _form(name: str) -> str:
    """The form of Unicode that a name has, in words."""
    if unicodedata.is_normalized("NFC", name):
        return "in the composed form of Unicode (NFC)"
    is_decomposed = unicodedata.is_normalized("NFD", name)
    return f"in {'the decomposed' if is_decomposed else 'a mixed'} form of Unicode" + (
        " (NFD)" if is_decomposed else ""
    )


def _id_text(id: object) -> str:
    """The id that a caller gave, as text.

    Raises:
        TaxonomyError: It is neither text nor a number.
    """
    if not isinstance(id, (str, Number)) or isinstance(id, bool):
        raise TaxonomyError(f"The id is {id!r:.60}, of type {type(id).__name__}; expected text.")
    return id if isinstance(id, str) else cell_text(id)
