"""The category tree as an immutable value of plain arrays.

Nodes are kept breadth first, so that a level is one contiguous range and the children
of a node stand side by side; outcomes are kept depth first, so that the outcomes below
a node are one contiguous range.  Every sum over a subtree is then a sum over a range.
"""

import hashlib
import itertools
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prodcat.errors import TaxonomyError
from prodcat.taxonomy.arrays import (
    Children,
    chains_of,
    children_of,
    levels_of,
    outcomes_of,
    spans_of,
)
from prodcat.taxonomy.lookup import Lookup
from prodcat.taxonomy.nodes import SourceNodes, breadth_first
from prodcat.taxonomy.outline import Outline
from prodcat.taxonomy.parent_rows import ParentColumns, nodes_of_table, rows_of_json, table_rows
from prodcat.taxonomy.path_rows import nodes_of_paths
from prodcat.taxonomy.paths import Path


@dataclass(frozen=True, eq=False)
class Taxonomy:
    """An immutable category tree; ragged depth and repeated names are fine.

    Make one with :meth:`from_paths`, :meth:`from_table`, :meth:`from_json` or
    :func:`read_taxonomy`, not by hand.

    Attributes:
        ids: One stable id for each node, breadth first.
        names: One name for each node, in the same order.
        parent: int64 [nodes]: the parent's position, -1 below the root.
        terminal: bool [nodes]: a product may end here.  All leaves are terminal.
        translations: Names by language: ``{"tr": (name of node 0, ...)}``.
    """

    ids: tuple[str, ...]
    names: tuple[str, ...]
    parent: NDArray[np.int64]
    terminal: NDArray[np.bool_]
    translations: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for array in (self.parent, self.terminal):
            array.setflags(write=False)

    # -- making one ---------------------------------------------------------------

    @classmethod
    def from_paths(
        cls,
        paths: Iterable[Sequence[str]],
        *,
        ids: Iterable[Sequence[str]] | None = None,
        inner: str = "terminal",
    ) -> "Taxonomy":
        """Make the tree that holds all the paths.

        Args:
            paths: Node names, root side first; a path may repeat.
            ids: The stable ids along each path, in the same shape.  Without them a
                node's id is its path in one line.
            inner: What a path means that ends at a node with children: ``"terminal"``
                (a product may end there, as in real ragged trees) or ``"partial"`` (the
                rest of the path is not known).

        Raises:
            TaxonomyError: A name is empty, an id stands for two nodes, a path and its ids
                differ in length, or it has more than 64 levels; the message names the rows,
                counted from 0.
        """
        return cls._of(nodes_of_paths(paths, ids, inner))

    @classmethod
    def from_table(
        cls,
        rows: Any,
        *,
        id: str = "id",
        parent: str = "parent",
        name: str = "name",
        terminal: str = "terminal",
    ) -> "Taxonomy":
        """Make a tree from a parent-child table, in any order of rows.

        Args:
            rows: Mappings, or any table that prodcat reads, with the columns named below;
                ``parent`` is empty or None for the top level; a column ``name:tr`` holds
                the Turkish names, and so on; the column ``terminal`` (true, 1, yes) marks
                an inner node at which a product may end, and may be missing.
            id: Name of the column with the stable id.
            parent: Name of the column with the parent's id.
            name: Name of the column with the name.
            terminal: Name of the column with the mark.

        Raises:
            TaxonomyError: A duplicate id, a node with two parents, an unknown parent, a
                cycle, more than 64 levels, an empty id or name, or two children of one name;
                the message names the rows, counted from 0.
        """
        return cls._of(nodes_of_table(rows, ParentColumns(id, parent, name, terminal)))

    @classmethod
    def from_json(cls, text: str) -> "Taxonomy":
        """Read what :meth:`to_json` wrote, or a plain list of parent-child rows.

        Raises:
            TaxonomyError: The text is no JSON, or not of that form.
        """
        return cls.from_table(rows_of_json(text))

    @classmethod
    def _of(cls, nodes: SourceNodes) -> "Taxonomy":
        """Make the tree of these nodes, in whatever order they are."""
        columns = breadth_first(nodes)
        return cls(
            columns.ids, columns.names, columns.parent, columns.terminal, columns.translations
        )

    # -- the tree as arrays -------------------------------------------------------

    def __len__(self) -> int:
        """The number of nodes, the unnamed root not counted."""
        return len(self.ids)

    @cached_property
    def level(self) -> NDArray[np.int64]:
        """int64 [nodes]: 1 for the coarsest nodes."""
        return levels_of(self.parent)

    @property
    def depth(self) -> int:
        """The number of levels, at most :data:`~prodcat.taxonomy.nodes.DEEPEST`."""
        return int(self.level.max())

    @cached_property
    def level_bounds(self) -> tuple[tuple[int, int], ...]:
        """For each level, coarse to fine, its range of nodes (start, end)."""
        edges = np.searchsorted(self.level, np.arange(1, self.depth + 2))
        return tuple((int(start), int(end)) for start, end in itertools.pairwise(edges))

    @cached_property
    def _children(self) -> Children:
        return children_of(self.parent)

    def children(self, node: int = -1) -> tuple[int, ...]:
        """Positions of the children of ``node``, or of the top level for -1."""
        return self._children[node]

    def siblings(self, node: int) -> tuple[int, ...]:
        """Positions of the other children of the node's parent."""
        return tuple(n for n in self._children[int(self.parent[node])] if n != node)

    def ancestors(self, node: int) -> tuple[int, ...]:
        """Positions from the top level down to ``node``, itself included."""
        chain = [node]
        while self.parent[chain[-1]] >= 0:
            chain.append(int(self.parent[chain[-1]]))
        return tuple(reversed(chain))

    @cached_property
    def chains(self) -> NDArray[np.int64]:
        """int64 [nodes, depth]: the ancestors of each node and itself, padded with -1."""
        return chains_of(self.parent, self.level)

    @cached_property
    def outcomes(self) -> NDArray[np.int64]:
        """int64 [outcomes]: the nodes at which a product may end, depth first.

        A terminal inner node comes before the outcomes below it.
        """
        return outcomes_of(self._children, self.terminal)

    @cached_property
    def spans(self) -> NDArray[np.int64]:
        """int64 [nodes, 2]: the range of outcomes at or below each node (start, end)."""
        return spans_of(self.parent, self._children, self.terminal)

    @cached_property
    def target_spans(self) -> NDArray[np.int64]:
        """int64 [nodes, 2]: the outcomes that a row labelled with the node may have.

        For a terminal node that is itself alone; for any other node (a label that stops
        early) all outcomes below it.
        """
        spans = self.spans.copy()
        spans[self.terminal, 1] = spans[self.terminal, 0] + 1
        return spans

    # -- names --------------------------------------------------------------------

    def path(self, node: int, language: str | None = None) -> Path:
        """Names from the top level down to the node, in a language if one is given."""
        names = self._names(language)
        return tuple(names[n] for n in self.ancestors(node))

    def _names(self, language: str | None) -> tuple[str, ...]:
        if language is None:
            return self.names
        if language not in self.translations:
            raise TaxonomyError(
                f"The tree has no names in {language!r}; found {sorted(self.translations)}. "
                "Add them with with_names(language, {id: name})."
            )
        return self.translations[language]

    @cached_property
    def _lookup(self) -> Lookup:
        return Lookup(self.ids, self.names, self.parent, self._children)

    @property
    def paths(self) -> tuple[Path, ...]:
        """The path of each node."""
        return self._lookup.paths

    def get(self, path: Sequence[str]) -> int | None:
        """The node with this path, or None."""
        return self._lookup.by_path.get(tuple(path))

    def find(self, path: Sequence[str]) -> int:
        """The node with this path.

        Raises:
            TaxonomyError: There is none; the message gives the nearest paths.
        """
        return self._lookup.node_at(path)

    def node(self, id: str) -> int:
        """The node with this id.

        Raises:
            TaxonomyError: There is none.
        """
        return self._lookup.node_with(id)

    def near(self, path: Sequence[str]) -> str:
        """A hint for a path that is not in the tree: how far it goes, and what is near."""
        return self._lookup.hint(path)

    def with_names(self, language: str, names: Mapping[str, str]) -> "Taxonomy":
        """The same tree with names in one more language; missing ones stay as they are.

        Raises:
            TaxonomyError: An id is not in the tree.
        """
        for key in names:
            self.node(key)
        column = tuple(
            names.get(key) or name for key, name in zip(self.ids, self.names, strict=True)
        )
        translations = {**self.translations, language: column}
        return Taxonomy(self.ids, self.names, self.parent, self.terminal, translations)

    # -- writing and reading ------------------------------------------------------

    def to_table(self) -> list[dict[str, Any]]:
        """Parent-child rows that :meth:`from_table` reads back to an equal tree."""
        return table_rows(self.ids, self.names, self.parent, self.terminal, self.translations)

    def to_json(self) -> str:
        """One JSON document that :meth:`from_json` reads back to an equal tree."""
        return json.dumps({"nodes": self.to_table()}, ensure_ascii=False, indent=0) + "\n"

    @cached_property
    def hash(self) -> str:
        """SHA-256 over ids, parents, names and terminal marks: equal for equal trees."""
        digest = hashlib.sha256()
        for row in self.to_table():
            values = [row[column] for column in ("id", "parent", "name", "terminal")]
            digest.update(json.dumps(values, ensure_ascii=False).encode() + b"\n")
        return digest.hexdigest()

    def __eq__(self, other: object) -> bool:
        """Equal ids, names, parents, terminal marks and translations, in the same order."""
        if not isinstance(other, Taxonomy):
            return NotImplemented
        return self.hash == other.hash and dict(self.translations) == dict(other.translations)

    def __hash__(self) -> int:
        """The hash of the tree without its translations."""
        return hash(self.hash)

    # -- showing ------------------------------------------------------------------

    def __repr__(self) -> str:
        """Sizes in one line."""
        return (
            f"Taxonomy({len(self):,} nodes, {len(self.outcomes):,} outcomes, "
            f"{self.depth} levels, {len(self._children[-1])} at the top)"
        )

    def to_text(
        self, max_level: int | None = None, max_children: int = 20, language: str | None = None
    ) -> str:
        """The tree as indented text.

        Args:
            max_level: How deep to go; all levels if None.
            max_children: How many children of a node to write out; the rest is counted.
            language: Which names to show.
        """
        return self._outline(language).text(max_level, max_children)

    def _repr_html_(self) -> str:
        return self._outline(None).html()

    def _outline(self, language: str | None) -> Outline:
        return Outline(repr(self), self._names(language), self._children, self.terminal)
