"""The category tree: an immutable object whose data are tuples and NumPy arrays.

Nodes are in breadth-first order, so that each level and the children of each node are one
contiguous range.  Outcomes, the nodes at which a product may end, are in depth-first order, so that
the outcomes below a node are one contiguous range, and a sum over a subtree is a sum over a range.

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

from prodcat.errors import TaxonomyError
from prodcat.storage.containers import described
from prodcat.storage.document import json_bytes, json_text
from prodcat.taxonomy.arrays import (
    Children,
    Flags,
    Ints,
    chains_of,
    children_of,
    levels_of,
    outcomes_of,
    spans_of,
)
from prodcat.taxonomy.changes.comparing import Comparing
from prodcat.taxonomy.documents import rows_of_json
from prodcat.taxonomy.lookup import Lookup
from prodcat.taxonomy.nodes import breadth_first
from prodcat.taxonomy.notebook import Framed
from prodcat.taxonomy.outline import Outline
from prodcat.taxonomy.parent_rows import ParentColumns, nodes_of_table
from prodcat.taxonomy.path_rows import nodes_of_paths
from prodcat.taxonomy.paths import Path, join_path, path_of


@dataclass(frozen=True, eq=False)
class Taxonomy(Framed, Comparing):
    """An immutable category tree.

    Leaves may be at any level, and nodes with different parents may have the same name.  A node is
    given as an int, its index in the arrays.  Make a tree with :meth:`from_paths`,
    :meth:`from_table`, :meth:`from_json` or :func:`read_taxonomy`, not with the constructor.

    Attributes:
        ids: The stable id of each node, in breadth-first order.
        names: The name of each node.
        parent: int64 [nodes]: the parent of each node, -1 at the top level.
        terminal: bool [nodes]: whether a product may end at the node.  All leaves are terminal.
        translations: The names of all nodes by language code: ``{"tr": (name of node 0, ...)}``.
    """

    ids: tuple[str, ...]
    names: tuple[str, ...]
    parent: Ints
    terminal: Flags
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
        """Make the tree that consists of all nodes on the paths.

        Args:
            paths: Each path as names, coarsest first, or as one text; may occur several times.
            ids: The stable ids along each path, as many as it has names.  None: a node's id is
                its path in one line.
            inner: The meaning of a path that ends at a node with children: ``"terminal"``
                (a product may end there, as in real ragged trees) or ``"partial"`` (the
                rest of the path is not known).

        Raises:
            TaxonomyError: There is no path, a name is empty, two nodes have the same id, a path
                and its ids differ in length, a path has more than 64 levels, or ``inner`` is
                not supported; the message gives the numbers of the rows, counted from 1.

        >>> tree = Taxonomy.from_paths([("Food", "Fruit"), ("Food", "Bread"), ("Home",)])
        >>> tree
        Taxonomy(4 nodes, 3 outcomes, 2 levels, 2 at the top)
        >>> tree.paths
        (('Food',), ('Home',), ('Food', 'Fruit'), ('Food', 'Bread'))
        """
        return cls(**breadth_first(nodes_of_paths(paths, ids, inner)))

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
            rows: A list of mappings, or any other table that :func:`prodcat.read_catalog` reads,
                with the columns named below.  The parent is empty or None at the top level, or a
                mark such as 0 or NULL that is no id of the table.
                Columns such as ``name:tr`` contain the names in other languages.
            id: The name of the column with each node's stable id.
            parent: The name of the column with the parent's id.
            name: The name of the column with the node's name.
            terminal: The name of the column that is true, 1 or yes for inner nodes at which a
                product may end.  Without this column, products end at leaves only.

        Raises:
            TaxonomyError: There are no rows, a missing column, a duplicate id, a node with two
                parents, an unknown parent, a cycle, an empty id or name, more than 64 levels, or
                siblings of the same name; the message gives row numbers, counted from 1.
            CatalogError: The table cannot be read.
        """
        columns = ParentColumns(id, parent, name, terminal)
        return cls(**breadth_first(nodes_of_table(rows, columns)))

    @classmethod
    def from_json(cls, text: str) -> "Taxonomy":
        """Make a tree from the result of :meth:`to_json`, or from a JSON list of parent-child rows.

        Raises:
            TaxonomyError: The text is not JSON of this structure, or the rows do not form a tree.
        """
        return cls.from_table(rows_of_json(text))

    # -- the tree as arrays -------------------------------------------------------

    def __len__(self) -> int:
        """The number of nodes, without the unnamed root."""
        return len(self.ids)

    @cached_property
    def level(self) -> Ints:
        """The level of each node, 1 for the coarsest: int64 [nodes]."""
        return levels_of(self.parent)

    @property
    def depth(self) -> int:
        """The number of levels, at most :data:`~prodcat.taxonomy.nodes.DEEPEST`."""
        return int(self.level.max())

    @cached_property
    def level_bounds(self) -> tuple[tuple[int, int], ...]:
        """The first node of each level and the node after its last, coarsest level first."""
        edges = np.searchsorted(self.level, np.arange(1, self.depth + 2))
        return tuple((int(start), int(end)) for start, end in itertools.pairwise(edges))

    @cached_property
    def _children(self) -> Children:
        return children_of(self.parent)

    def children(self, node: int = -1) -> tuple[int, ...]:
        """The children of a node; for -1, the top-level nodes."""
        return self._children[node]

    def siblings(self, node: int) -> tuple[int, ...]:
        """The other children of the node's parent."""
        return tuple(n for n in self._children[int(self.parent[node])] if n != node)

    def ancestors(self, node: int) -> tuple[int, ...]:
        """The nodes from the top level down to and including ``node``."""
        chain = [node]
        while self.parent[chain[-1]] >= 0:
            chain.append(int(self.parent[chain[-1]]))
        return tuple(reversed(chain))

    @cached_property
    def chains(self) -> Ints:
        """The ancestors of each node and the node itself, padded with -1: int64 [nodes, depth]."""
        return chains_of(self.parent, self.level)

    @cached_property
    def outcomes(self) -> Ints:
        """The terminal nodes, depth first, a node before its descendants: int64 [outcomes]."""
        return outcomes_of(self._children, self.terminal)

    @cached_property
    def spans(self) -> Ints:
        """The positions (start, end) of the outcomes at or below each node: int64 [nodes, 2]."""
        return spans_of(self.parent, self._children, self.terminal)

    @cached_property
    def outcome_positions(self) -> Ints:
        """The position of each node in :attr:`outcomes`, -1 if it has none: int64 [nodes]."""
        return np.where(self.terminal, self.spans[:, 0], -1)

    @cached_property
    def target_spans(self) -> Ints:
        """The outcomes that a product with each node as its label may have: int64 [nodes, 2].

        For a terminal node this is only the node itself.  Any other node is a partial label, for
        which it is all outcomes below the node.  The ranges are as in :attr:`spans`.
        """
        spans = self.spans.copy()
        spans[self.terminal, 1] = spans[self.terminal, 0] + 1
        return spans

    # -- names --------------------------------------------------------------------

    def path(self, node: int, language: str | None = None) -> Path:
        """The names from the top level down to a node, in a language of ``translations`` if given.

        Raises:
            TaxonomyError: The tree has no names in this language.
        """
        names = _names_in(self, language)
        return tuple(names[n] for n in self.ancestors(node))

    @cached_property
    def _lookup(self) -> Lookup:
        return Lookup(self.ids, self.names, self.parent, self._children)

    @property
    def paths(self) -> tuple[Path, ...]:
        """The path of each node, in the order of the nodes."""
        return self._lookup.paths

    def get(self, path: Sequence[str]) -> int | None:
        """The node with this path, or None if there is none."""
        return self._lookup.by_path.get(path_of(path))

    def find(self, path: Sequence[str]) -> int:
        """The node with this path.

        Raises:
            TaxonomyError: There is no such node; the message suggests similar names.
        """
        return self._lookup.node_at(path)

    def node(self, id: str) -> int:
        """The node with this id.

        Raises:
            TaxonomyError: There is no such node; the message suggests similar ids.
        """
        return self._lookup.node_with(id)

    def near(self, path: Sequence[str]) -> str:
        """For error messages about an unknown path: where it leaves the tree, and similar names."""
        return self._lookup.hint(path)

    def with_names(self, language: str, names: Mapping[str, str]) -> "Taxonomy":
        """The same tree with names in one more language.

        Args:
            language: The language's code, such as ``"tr"``.
            names: The new names by node id; all other nodes keep their usual name.

        Raises:
            TaxonomyError: An id is not in the tree.
        """
        _check_names(self, names)
        column = tuple(
            names.get(key) or name for key, name in zip(self.ids, self.names, strict=True)
        )
        translations = {**self.translations, language: column}
        return Taxonomy(self.ids, self.names, self.parent, self.terminal, translations)

    # -- writing and reading ------------------------------------------------------

    def to_table(self) -> list[dict[str, Any]]:
        """The tree as parent-child rows, from which :meth:`from_table` makes an equal tree."""
        return [_table_row(self, node) for node in range(len(self))]

    def to_json(self) -> str:
        """The tree as a JSON document, from which :meth:`from_json` makes an equal tree."""
        return json_text({"nodes": self.to_table()}, indent=0)

    @cached_property
    def hash(self) -> str:
        """SHA-256 of ids, parents, names and terminal flags, but not of translations, as hex."""
        digest = hashlib.sha256()
        for row in self.to_table():
            values = [row[column] for column in ("id", "parent", "name", "terminal")]
            digest.update(json_bytes(values))
        return digest.hexdigest()

    def __eq__(self, other: object) -> bool:
        """Whether both trees have equal ids, names, parents, terminal flags and translations."""
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
            max_level: The deepest level to show, 1 for the coarsest; None for all levels.
            max_children: The most children of a node to show; a line counts the others.
            language: The code of the names' language; None for the usual names.

        Raises:
            TaxonomyError: The tree has no names in this language.
        """
        return self._outline(language).text(max_level, max_children)

    def _repr_html_(self) -> str:
        return self._outline(None).html()

    def _outline(self, language: str | None) -> Outline:
        names = _names_in(self, language)
        return Outline(repr(self), names, self._children, self.terminal)

    def _columns(self) -> Mapping[str, Any]:
        rows = self.to_table()
        return {
            **{column: [row[column] for row in rows] for column in rows[0]},
            "path": [join_path(path) for path in self.paths],
            "level": self.level,
        }


def _names_in(tree: Taxonomy, language: str | None) -> tuple[str, ...]:
    """The name of each node in a language.

    Raises:
        TaxonomyError: The tree has no names in this language.
    """
    if language is None:
        return tree.names
    if language not in tree.translations:
        raise TaxonomyError(
            f"The tree has no names in the language {language!r}, only in "
            f"{sorted(tree.translations)}. Add names with with_names(language, {{id: name}})."
        )
    return tree.translations[language]


def _check_names(tree: Taxonomy, names: object) -> None:
    """Refuse what are no names of nodes by their ids.

    Raises:
        TaxonomyError: It is no mapping, or an id is not in the tree.
    """
    if not isinstance(names, Mapping):
        raise TaxonomyError(f"names is {described(names)}; expected a mapping {{id: name}}.")
    for key in names:
        tree.node(key)


def _table_row(tree: Taxonomy, node: int) -> dict[str, Any]:
    """The row of a node in a parent-child table."""
    above = tree.parent[node]
    return {
        "id": tree.ids[node],
        "parent": tree.ids[above] if above >= 0 else None,
        "name": tree.names[node],
        "terminal": bool(tree.terminal[node]),
        **{f"name:{language}": names[node] for language, names in tree.translations.items()},
    }
