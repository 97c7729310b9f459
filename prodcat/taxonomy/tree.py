"""The category tree as an immutable value of plain arrays.

Nodes are in breadth-first order, so that each level and the children of each node are one
contiguous range.  Outcomes are in depth-first order, so that the outcomes below a node are one
contiguous range, and a sum over a subtree is a sum over a range.

>>> print(Taxonomy.from_paths([("Food", "Fruit"), ("Home",)]).to_text())
Taxonomy(3 nodes, 2 outcomes, 2 levels, 2 at the top)
├── Food
│   └── Fruit
└── Home
>>> rows = [{"id": 1, "parent": "", "name": "Food"}, {"id": 2, "parent": 1, "name": "Bread"}]
>>> Taxonomy.from_table(rows).paths
(('Food',), ('Food', 'Bread'))
"""

import hashlib
import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prodcat.errors import TaxonomyError
from prodcat.storage.document import json_bytes, json_text
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
    """An immutable category tree; leaves may be at any level, and names may repeat.

    Make one with :meth:`from_paths`, :meth:`from_table`, :meth:`from_json` or
    :func:`read_taxonomy`, not with the constructor.  A node is an index into the arrays.

    Attributes:
        ids: The stable id of each node, in breadth-first order.
        names: The name of each node.
        parent: int64 [nodes]: the parent of each node, -1 at the top level.
        terminal: bool [nodes]: whether a product may end at the node.  All leaves are terminal.
        translations: The names of all nodes by language: ``{"tr": (name of node 0, ...)}``.
    """

    ids: tuple[str, ...]
    names: tuple[str, ...]
    parent: NDArray[np.int64]
    terminal: NDArray[np.bool_]
    translations: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for array in (self.parent, self.terminal):
            array.setflags(write=False)

    # -- making a tree ------------------------------------------------------------

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
            paths: The names along each path, coarsest first; a path may repeat.
            ids: The stable ids along each path, in the same shape.  Without them a
                node's id is its path in one line.
            inner: The meaning of a path that ends at a node with children: ``"terminal"``
                (a product may end there, as in real ragged trees) or ``"partial"`` (the
                rest of the path is not known).

        Raises:
            TaxonomyError: A name is empty, an id stands for two nodes, a path and its ids
                differ in length, or a path has more than 64 levels; the message names the
                rows, counted from 0.

        >>> tree = Taxonomy.from_paths([("Food", "Fruit"), ("Food", "Bread"), ("Home",)])
        >>> tree
        Taxonomy(4 nodes, 3 outcomes, 2 levels, 2 at the top)
        >>> tree.paths
        (('Food',), ('Home',), ('Food', 'Fruit'), ('Food', 'Bread'))
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
        """Make a tree from a parent-child table, whose rows may be in any order.

        Args:
            rows: Mappings, or any table that prodcat reads, with the columns named below.
                The parent is empty or None at the top level.  A column ``name:tr`` holds
                the Turkish names, and so on.
            id: The name of the column with each node's stable id.
            parent: The name of the column with the parent's id.
            name: The name of the column with the node's name.
            terminal: The name of the column that marks (true, 1, yes) inner nodes at which a
                product may end; the column may be missing.

        Raises:
            TaxonomyError: There is a duplicate id, a node with two parents, an unknown parent,
                a cycle, an empty id or name, more than 64 levels, or two siblings with the same
                name; the message names the rows, counted from 0.
        """
        return cls._of(nodes_of_table(rows, ParentColumns(id, parent, name, terminal)))

    @classmethod
    def from_json(cls, text: str) -> "Taxonomy":
        """Read a tree that :meth:`to_json` wrote, or a JSON list of parent-child rows.

        Raises:
            TaxonomyError: The text is not JSON, or not of that form.
        """
        return cls.from_table(rows_of_json(text))

    @classmethod
    def _of(cls, nodes: SourceNodes) -> "Taxonomy":
        """Make the tree of nodes that may be in any order."""
        columns = breadth_first(nodes)
        return cls(
            columns.ids, columns.names, columns.parent, columns.terminal, columns.translations
        )

    # -- the tree as arrays -------------------------------------------------------

    def __len__(self) -> int:
        """The number of nodes, without the unnamed root."""
        return len(self.ids)

    @cached_property
    def level(self) -> NDArray[np.int64]:
        """The level of each node, 1 for the coarsest: int64 [nodes]."""
        return levels_of(self.parent)

    @property
    def depth(self) -> int:
        """The number of levels, at most :data:`~prodcat.taxonomy.nodes.DEEPEST`."""
        return int(self.level.max())

    @cached_property
    def level_bounds(self) -> tuple[tuple[int, int], ...]:
        """The range of nodes (start, end) of each level, coarsest first."""
        edges = np.searchsorted(self.level, np.arange(1, self.depth + 2))
        return tuple((int(start), int(end)) for start, end in itertools.pairwise(edges))

    @cached_property
    def _children(self) -> Children:
        return children_of(self.parent)

    def children(self, node: int = -1) -> tuple[int, ...]:
        """The children of a node, or the nodes of the top level for -1."""
        return self._children[node]

    def siblings(self, node: int) -> tuple[int, ...]:
        """The other children of the node's parent."""
        return tuple(n for n in self._children[int(self.parent[node])] if n != node)

    def ancestors(self, node: int) -> tuple[int, ...]:
        """The nodes from the top level down to ``node``, which is included."""
        chain = [node]
        while self.parent[chain[-1]] >= 0:
            chain.append(int(self.parent[chain[-1]]))
        return tuple(reversed(chain))

    @cached_property
    def chains(self) -> NDArray[np.int64]:
        """The ancestors of each node and the node itself, padded with -1: int64 [nodes, depth]."""
        return chains_of(self.parent, self.level)

    @cached_property
    def outcomes(self) -> NDArray[np.int64]:
        """The terminal nodes depth first, a node before those below it: int64 [outcomes]."""
        return outcomes_of(self._children, self.terminal)

    @cached_property
    def spans(self) -> NDArray[np.int64]:
        """The range of outcomes at or below each node, start and end: int64 [nodes, 2]."""
        return spans_of(self.parent, self._children, self.terminal)

    @cached_property
    def outcome_positions(self) -> NDArray[np.int64]:
        """The position of each node among the outcomes, -1 for other nodes: int64 [nodes]."""
        return np.where(self.terminal, self.spans[:, 0], -1)

    @cached_property
    def target_spans(self) -> NDArray[np.int64]:
        """The range of outcomes that a row labelled with each node may have: int64 [nodes, 2].

        The only outcome of a terminal node is the node itself; for any other node, that is for a
        label that stops early, they are all outcomes below it.
        """
        spans = self.spans.copy()
        spans[self.terminal, 1] = spans[self.terminal, 0] + 1
        return spans

    # -- names --------------------------------------------------------------------

    def path(self, node: int, language: str | None = None) -> Path:
        """The names from the top level down to the node, in a language if one is given."""
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
            TaxonomyError: There is no such node; the message gives the nearest names.
        """
        return self._lookup.node_at(path)

    def node(self, id: str) -> int:
        """The node with this id.

        Raises:
            TaxonomyError: There is no such node.
        """
        return self._lookup.node_with(id)

    def near(self, path: Sequence[str]) -> str:
        """Say how much of an unknown path is in the tree, and which names are near the next one."""
        return self._lookup.hint(path)

    def with_names(self, language: str, names: Mapping[str, str]) -> "Taxonomy":
        """The same tree with names in one more language.

        Args:
            language: The language's code, such as ``"tr"``.
            names: The new name of each id; nodes without one keep their usual name.

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
        return json_text({"nodes": self.to_table()}, indent=0)

    @cached_property
    def hash(self) -> str:
        """SHA-256 over ids, parents, names and terminal marks; it is equal for equal trees."""
        digest = hashlib.sha256()
        for row in self.to_table():
            values = [row[column] for column in ("id", "parent", "name", "terminal")]
            digest.update(json_bytes(values))
        return digest.hexdigest()

    def __eq__(self, other: object) -> bool:
        """Whether both trees have equal ids, names, parents, terminal marks and translations."""
        if not isinstance(other, Taxonomy):
            return NotImplemented
        return self.hash == other.hash and dict(self.translations) == dict(other.translations)

    def __hash__(self) -> int:
        """The hash of the tree without its translations."""
        return hash(self.hash)

    # -- showing ------------------------------------------------------------------

    def __repr__(self) -> str:
        """The sizes of the tree in one line."""
        return (
            f"Taxonomy({len(self):,} nodes, {len(self.outcomes):,} outcomes, "
            f"{self.depth} levels, {len(self._children[-1])} at the top)"
        )

    def to_text(
        self, max_level: int | None = None, max_children: int = 20, language: str | None = None
    ) -> str:
        """The tree as indented text.

        Args:
            max_level: The deepest level to write; None for all levels.
            max_children: The most children of a node to write; the others are counted.
            language: The language of the names; None for the usual names.
        """
        return self._outline(language).text(max_level, max_children)

    def _repr_html_(self) -> str:
        return self._outline(None).html()

    def _outline(self, language: str | None) -> Outline:
        return Outline(repr(self), self._names(language), self._children, self.terminal)
