"""The category tree as an immutable value of plain arrays.

Nodes are kept breadth first, so that a level is one contiguous range and the children
of a node stand side by side; outcomes are kept depth first, so that the outcomes below
a node are one contiguous range.  Every sum over a subtree is then a sum over a range.
"""

import difflib
import hashlib
import html
import itertools
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prodcat.errors import CatalogError, TaxonomyError
from prodcat.storage.tables import is_missing, iter_tables

SEPARATOR = " > "
DEEPEST = 64  # levels
Path = tuple[str, ...]
_SHOWN = 5


def join_path(path: Sequence[str]) -> str:
    """Write a path as one line, e.g. ``"Food > Fruit > Apples"``."""
    return SEPARATOR.join(path)


def split_path(text: str, separator: str = ">") -> Path:
    """Read a path from one line; blanks around the names do not count."""
    return tuple(name.strip() for name in text.split(separator))


def _rows(problems: Sequence[str]) -> str:
    shown = "; ".join(problems[:_SHOWN])
    more = len(problems) - _SHOWN
    return shown + (f"; and {more} more" if more > 0 else "")


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
        if inner not in ("terminal", "partial"):
            raise TaxonomyError(f"inner={inner!r} is not known; expected 'terminal' or 'partial'.")
        name_rows = [tuple(path) for path in paths]
        id_rows = name_rows if ids is None else [tuple(row) for row in ids]
        if len(id_rows) != len(name_rows):
            raise TaxonomyError(
                f"Found {len(id_rows)} rows of ids for {len(name_rows)} paths; expected one "
                "row of ids for each path."
            )
        first_row: dict[tuple[Path, Path], int] = {}
        for row, pair in enumerate(zip(name_rows, id_rows, strict=True)):
            first_row.setdefault(pair, row)

        nodes: dict[Path, tuple[str, str]] = {}
        ends: dict[Path, bool] = {}
        problems: list[str] = []
        for (names, keys), row in first_row.items():
            if not names or not all(isinstance(n, str) and n.strip() for n in names):
                problems.append(f"row {row}: {list(names)!r} has an empty name")
                continue
            if len(names) > DEEPEST:
                problems.append(f"row {row}: {len(names)} levels, more than {DEEPEST}")
                continue
            if len(names) != len(keys):
                problems.append(f"row {row}: {len(names)} names but {len(keys)} ids")
                continue
            for end in range(1, len(keys) + 1):
                key = keys[:end]
                known = nodes.setdefault(key, (keys[end - 1], names[end - 1]))
                if known[1] != names[end - 1]:
                    problems.append(
                        f"row {row}: id {keys[end - 1]!r} is named {names[end - 1]!r} here "
                        f"and {known[1]!r} before"
                    )
            ends[keys] = True
        if problems:
            raise TaxonomyError(
                f"{len(problems)} of {len(name_rows)} paths cannot be part of a tree: "
                f"{_rows(problems)}. Give every node of a path one name and one id."
            )
        if not nodes:
            raise TaxonomyError("Found no path; expected at least one. Give a list of paths.")
        chains = list(nodes)
        own_ids = [
            join_path(tuple(n.replace(SEPARATOR, " \\> ") for n in key)) if ids is None else key[-1]
            for key in chains
        ]
        position = {key: index for index, key in enumerate(chains)}
        return cls._build(
            ids=own_ids,
            names=[nodes[key][1] for key in chains],
            parent=[position[key[:-1]] if len(key) > 1 else -1 for key in chains],
            terminal=[inner == "terminal" and key in ends for key in chains],
            rows=[first_row.get((key, key), -1) for key in chains],
        )

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
        table = _records(rows)
        problems: list[str] = []
        position: dict[str, int] = {}
        kept: list[Mapping[str, Any]] = []
        kept_rows: list[int] = []
        record: Mapping[str, Any]
        for row, record in enumerate(table):
            missing = [column for column in (id, parent, name) if column not in record]
            if missing:
                raise TaxonomyError(
                    f"Row {row} has no column {missing[0]!r}; found {sorted(map(str, record))}. "
                    "Name the columns with id=, parent= and name=."
                )
            key, label = _text(record[id]), _text(record[name])
            if not key or not label:
                problems.append(f"row {row}: empty {'id' if not key else 'name'}")
            elif key in position:
                before = kept[position[key]]
                old, new = _text(before[parent]), _text(record[parent])
                what = f"has two parents, {old!r} and {new!r}" if old != new else "is there twice"
                problems.append(f"rows {kept_rows[position[key]]} and {row}: id {key!r} {what}")
            else:
                position[key] = len(kept)
                kept.append(record)
                kept_rows.append(row)
        parents: list[int] = []
        for row, record in zip(kept_rows, kept, strict=True):
            above = _text(record[parent])
            if above and above not in position:
                problems.append(f"row {row}: parent {above!r} is not in the table")
            parents.append(position.get(above, -1) if above else -1)
        problems += _cycles(parents, [_text(r[id]) for r in kept], kept_rows)
        if problems:
            raise TaxonomyError(
                f"The table of {len(table)} rows is not a tree: {_rows(problems)}. Give every "
                "node one row, one name and one parent that is in the table."
            )
        if not kept:
            raise TaxonomyError("Found no rows; expected at least one node.")
        languages = sorted(
            {c[len(name) + 1 :] for r in kept for c in r if str(c).startswith(f"{name}:")}
        )
        return cls._build(
            ids=[_text(r[id]) for r in kept],
            names=[_text(r[name]) for r in kept],
            parent=parents,
            terminal=[_truth(r.get(terminal)) for r in kept],
            rows=kept_rows,
            translations={
                code: [_text(r.get(f"{name}:{code}")) or _text(r[name]) for r in kept]
                for code in languages
            },
        )

    @classmethod
    def _build(
        cls,
        ids: Sequence[str],
        names: Sequence[str],
        parent: Sequence[int],
        terminal: Sequence[bool],
        rows: Sequence[int],
        translations: Mapping[str, Sequence[str]] | None = None,
    ) -> "Taxonomy":
        """Order the nodes breadth first and check what every source must keep to."""
        children: list[list[int]] = [[] for _ in ids]
        level = [node for node, above in enumerate(parent) if above < 0]
        for node, above in enumerate(parent):
            if above >= 0:
                children[above].append(node)
        order: list[int] = []
        for depth in itertools.count():
            if not level:
                break
            if depth == DEEPEST:
                raise TaxonomyError(
                    f"The tree has more than {DEEPEST} levels; expected a tree of categories. "
                    f"Look at the node {ids[level[0]]!r} and those above it."
                )
            order += level
            level = [child for node in level for child in children[node]]

        problems = [
            f"id {key!r} stands for {count} nodes" for key, count in _repeated(ids) if count > 1
        ]
        siblings: dict[tuple[int, str], int] = {}
        for node in order:
            twin = siblings.setdefault((parent[node], names[node]), node)
            if twin != node:
                where = f"rows {rows[twin]} and {rows[node]}: " if rows[node] >= 0 else ""
                problems.append(
                    f"{where}{names[node]!r} is twice under one "
                    f"parent (ids {ids[twin]!r} and {ids[node]!r})"
                )
        if problems:
            raise TaxonomyError(
                f"The tree is ambiguous: {_rows(problems)}. Give every node its own id, and "
                "siblings different names."
            )
        new = {old: position for position, old in enumerate(order)}
        return cls(
            ids=tuple(ids[node] for node in order),
            names=tuple(names[node] for node in order),
            parent=np.array(
                [new[parent[n]] if parent[n] >= 0 else -1 for n in order], dtype=np.int64
            ),
            terminal=np.array(
                [terminal[node] or not children[node] for node in order], dtype=np.bool_
            ),
            translations={
                code: tuple(column[node] for node in order)
                for code, column in (translations or {}).items()
            },
        )

    # -- the tree as arrays -------------------------------------------------------

    def __len__(self) -> int:
        """The number of nodes, the unnamed root not counted."""
        return len(self.ids)

    @cached_property
    def level(self) -> NDArray[np.int64]:
        """int64 [nodes]: 1 for the coarsest nodes."""
        level = np.ones(len(self), np.int64)
        for node, above in enumerate(self.parent):
            if above >= 0:
                level[node] = level[above] + 1
        return level

    @property
    def depth(self) -> int:
        """The number of levels, at most :data:`DEEPEST`."""
        return int(self.level.max())

    @cached_property
    def level_bounds(self) -> tuple[tuple[int, int], ...]:
        """For each level, coarse to fine, its range of nodes (start, end)."""
        edges = np.searchsorted(self.level, np.arange(1, self.depth + 2))
        return tuple((int(start), int(end)) for start, end in itertools.pairwise(edges))

    @cached_property
    def _children(self) -> tuple[tuple[int, ...], ...]:
        below: list[list[int]] = [[] for _ in range(len(self) + 1)]
        for node, above in enumerate(self.parent.tolist()):
            below[above].append(node)
        return tuple(tuple(nodes) for nodes in below)

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
        chains = np.full((len(self), self.depth), -1, np.int64)
        for node, above in enumerate(self.parent):
            if above >= 0:
                chains[node] = chains[above]
            chains[node, self.level[node] - 1] = node
        return chains

    @cached_property
    def outcomes(self) -> NDArray[np.int64]:
        """int64 [outcomes]: the nodes at which a product may end, depth first.

        A terminal inner node comes before the outcomes below it.
        """
        found: list[int] = []
        stack = list(reversed(self._children[-1]))
        while stack:
            node = stack.pop()
            if self.terminal[node]:
                found.append(node)
            stack += reversed(self._children[node])
        return np.array(found, dtype=np.int64)

    @cached_property
    def spans(self) -> NDArray[np.int64]:
        """int64 [nodes, 2]: the range of outcomes at or below each node (start, end)."""
        count = np.zeros(len(self), np.int64)
        count[self.outcomes] = 1
        for node in range(len(self) - 1, -1, -1):
            if self.parent[node] >= 0:
                count[self.parent[node]] += count[node]
        start = np.zeros(len(self), np.int64)
        taken = 0
        for node in self._children[-1]:
            start[node] = taken
            taken += count[node]
        for node in range(len(self)):
            taken = start[node] + int(self.terminal[node])
            for child in self._children[node]:
                start[child] = taken
                taken += count[child]
        return np.stack([start, start + count], axis=1)

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
    def paths(self) -> tuple[Path, ...]:
        """The path of each node."""
        paths: list[Path] = []
        for node, above in enumerate(self.parent):
            paths.append((*(paths[above] if above >= 0 else ()), self.names[node]))
        return tuple(paths)

    @cached_property
    def _by_path(self) -> dict[Path, int]:
        return {path: node for node, path in enumerate(self.paths)}

    @cached_property
    def _by_id(self) -> dict[str, int]:
        return {key: node for node, key in enumerate(self.ids)}

    def get(self, path: Sequence[str]) -> int | None:
        """The node with this path, or None."""
        return self._by_path.get(tuple(path))

    def find(self, path: Sequence[str]) -> int:
        """The node with this path.

        Raises:
            TaxonomyError: There is none; the message gives the nearest paths.
        """
        node = self.get(path)
        if node is None:
            raise TaxonomyError(
                f"The tree has no node {join_path(path)!r}{self.near(path)}. "
                "Correct the path, or add the node to the taxonomy."
            )
        return node

    def node(self, id: str) -> int:
        """The node with this id.

        Raises:
            TaxonomyError: There is none.
        """
        if id not in self._by_id:
            close = difflib.get_close_matches(id, self.ids, n=3)
            hint = f"; near it are {close}" if close else ""
            raise TaxonomyError(f"The tree has no id {id!r}{hint}.")
        return self._by_id[id]

    def near(self, path: Sequence[str]) -> str:
        """A hint for a path that is not in the tree: how far it goes, and what is near."""
        known = 0
        while known < len(path) and self.get(path[: known + 1]) is not None:
            known += 1
        if known == len(path) or not path:
            return ""
        above = self.get(path[:known])
        options = [self.names[n] for n in self._children[-1 if above is None else above]]
        close = difflib.get_close_matches(path[known], options, n=3, cutoff=0.5)
        where = f"{join_path(path[:known])!r} is" if known else "the top level is"
        hint = f", where the nearest to {path[known]!r} are {close}" if close else ""
        return f"; {where} as far as it is known{hint}"

    def with_names(self, language: str, names: Mapping[str, str]) -> "Taxonomy":
        """The same tree with names in one more language; missing ones stay as they are.

        Raises:
            TaxonomyError: An id is not in the tree.
        """
        for key in names:
            self.node(key)
        column = tuple(names.get(key) or own for key, own in zip(self.ids, self.names, strict=True))
        return Taxonomy(
            self.ids,
            self.names,
            self.parent,
            self.terminal,
            {**self.translations, language: column},
        )

    # -- writing and reading ------------------------------------------------------

    def to_table(self) -> list[dict[str, Any]]:
        """Parent-child rows that :meth:`from_table` reads back to an equal tree."""
        return [
            {
                "id": key,
                "parent": self.ids[above] if above >= 0 else None,
                "name": name,
                "terminal": bool(end),
                **{f"name:{code}": column[node] for code, column in self.translations.items()},
            }
            for node, (key, above, name, end) in enumerate(
                zip(self.ids, self.parent, self.names, self.terminal, strict=True)
            )
        ]

    def to_json(self) -> str:
        """One JSON document that :meth:`from_json` reads back to an equal tree."""
        return json.dumps({"nodes": self.to_table()}, ensure_ascii=False, indent=0) + "\n"

    @classmethod
    def from_json(cls, text: str) -> "Taxonomy":
        """Read what :meth:`to_json` wrote, or a plain list of parent-child rows.

        Raises:
            TaxonomyError: The text is no JSON, or not of that form.
        """
        try:
            document = json.loads(text)
        except json.JSONDecodeError as error:
            raise TaxonomyError(f"The taxonomy is not valid JSON: {error}.") from error
        rows = document.get("nodes") if isinstance(document, dict) else document
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise TaxonomyError(
                'Found JSON of another form; expected {"nodes": [{"id", "parent", "name"}, ...]} '
                "or the list alone."
            )
        return cls.from_table(rows)

    @cached_property
    def hash(self) -> str:
        """SHA-256 over ids, parents, names and terminal marks: equal for equal trees."""
        digest = hashlib.sha256()
        for key, above, name, end in zip(
            self.ids, self.parent, self.names, self.terminal, strict=True
        ):
            row = [key, self.ids[above] if above >= 0 else None, name, bool(end)]
            digest.update(json.dumps(row, ensure_ascii=False).encode() + b"\n")
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
        names = self._names(language)
        lines = [repr(self)]

        def write(node: int, indent: str) -> None:
            if max_level is not None and node >= 0 and self.level[node] >= max_level:
                return
            below = self._children[node]
            shown = below[:max_children]
            for position, child in enumerate(shown):
                last = position == len(shown) - 1 and len(shown) == len(below)
                inner = self._children[child] and self.terminal[child]
                mark = " (terminal)" if inner else ""
                lines.append(f"{indent}{'└── ' if last else '├── '}{names[child]}{mark}")
                write(child, indent + ("    " if last else "│   "))
            if len(shown) < len(below):
                lines.append(f"{indent}└── … {len(below) - len(shown)} more")

        write(-1, "")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        budget = 2_000

        def write(node: int) -> str:
            nonlocal budget
            items = []
            for child in self._children[node]:
                if budget <= 0:
                    items.append("<li>…</li>")
                    break
                budget -= 1
                name = html.escape(self.names[child])
                if self._children[child]:
                    items.append(
                        f"<li><details><summary>{name} "
                        f"<small>({len(self._children[child])})</small></summary>"
                        f"{write(child)}</details></li>"
                    )
                else:
                    items.append(f"<li>{name}</li>")
            return f"<ul>{''.join(items)}</ul>"

        return f"<div><b>{html.escape(repr(self))}</b>{write(-1)}</div>"


def _text(value: object) -> str:
    return "" if is_missing(value) else str(value).strip()


def _cell_path(value: object, separator: str) -> Path:
    if isinstance(value, str):
        return split_path(value, separator)
    if isinstance(value, (list, tuple, np.ndarray)):
        return tuple(_text(part) for part in value)
    return ()


def _truth(value: object) -> bool:
    return _text(value).lower() in ("true", "1", "yes", "y")


def _repeated(ids: Sequence[str]) -> list[tuple[str, int]]:
    count: dict[str, int] = {}
    for key in ids:
        count[key] = count.get(key, 0) + 1
    return list(count.items())


def _cycles(parents: Sequence[int], ids: Sequence[str], rows: Sequence[int]) -> list[str]:
    """Describe each cycle once.  ``state``: 0 not seen, 1 on the way, 2 done."""
    state = [0] * len(parents)
    problems = []
    for start in range(len(parents)):
        trail: list[int] = []
        node = start
        while node >= 0 and state[node] == 0:
            state[node] = 1
            trail.append(node)
            node = parents[node]
        if node >= 0 and state[node] == 1:
            loop = trail[trail.index(node) :]
            names = " -> ".join(repr(ids[n]) for n in [*loop, node])
            problems.append(f"rows {sorted(rows[n] for n in loop)}: cycle {names}")
        for visited in trail:
            state[visited] = 2
    return problems


def read_taxonomy(uri: str, *, separator: str = ">", inner: str = "terminal") -> Taxonomy:
    """Read a tree from a file at any fsspec URI.

    Args:
        uri: ``.json`` (see :meth:`Taxonomy.from_json`), ``.jsonl`` or ``.csv``, each also
            with ``.gz``.  Rows have either ``id``, ``parent`` and ``name``, or a ``path``
            (a list, or one line with separators), then optionally ``path_ids`` or, where
            every node has a row of its own, ``id``.
        separator: What stands between the names of a ``path`` in one line.
        inner: As for :meth:`Taxonomy.from_paths`.

    Raises:
        TaxonomyError: The file is not there, is of another form, or holds no tree.
    """
    import fsspec

    try:
        if uri.lower().removesuffix(".gz").endswith(".json"):
            with fsspec.open(uri, "rt", encoding="utf-8-sig", compression="infer") as file:
                return Taxonomy.from_json(file.read())
        rows = _records(uri)
    except TaxonomyError:
        raise
    except (CatalogError, OSError, ValueError) as error:
        raise TaxonomyError(f"Cannot read the taxonomy {uri!r}: {error}") from error
    if rows and rows[0].get("path") is not None:
        return _from_path_rows(rows, separator, inner)
    return Taxonomy.from_table(rows)


def _records(source: object) -> list[dict[str, Any]]:
    """The rows of any table that prodcat reads."""
    rows: list[dict[str, Any]] = []
    for piece in iter_tables(source):
        names = list(piece)
        rows += [dict(zip(names, row, strict=True)) for row in zip(*piece.values(), strict=True)]
    return rows


def _from_path_rows(rows: list[dict[str, Any]], separator: str, inner: str) -> Taxonomy:
    paths = [_cell_path(row.get("path"), separator) for row in rows]
    if rows[0].get("path_ids") is not None:
        ids = [_cell_path(row.get("path_ids"), separator) for row in rows]
        return Taxonomy.from_paths(paths, ids=ids, inner=inner)
    if "id" not in rows[0]:
        return Taxonomy.from_paths(paths, inner=inner)
    own: dict[Path, str] = {}
    problems = []
    for number, (path, row) in enumerate(zip(paths, rows, strict=True)):
        key = _text(row.get("id"))
        if not key:
            problems.append(f"row {number}: empty id")
        elif own.setdefault(path, key) != key:
            problems.append(
                f"row {number}: {join_path(path)!r} has the ids {own[path]!r} and {key!r}"
            )
    if problems:
        raise TaxonomyError(
            f"{len(problems)} of {len(rows)} rows are wrong: {_rows(problems)}. Give every node "
            "one row and one id."
        )
    missing = [
        f"row {number}: {join_path(path[:end])!r} has no row of its own"
        for number, path in enumerate(paths)
        for end in range(1, len(path))
        if path[:end] not in own
    ]
    if missing:
        raise TaxonomyError(
            f"{len(missing)} parents have no id: {_rows(missing)}. Give every node a row, or "
            "give path_ids."
        )
    # Every node has a row here, so a row says that the node exists, not that products end there.
    return Taxonomy.from_paths(
        paths,
        ids=[tuple(own[path[:end]] for end in range(1, len(path) + 1)) for path in paths],
        inner="partial",
    )
