"""Checks the nodes of a tree from any source, and puts them in breadth-first order."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from prodcat.errors import TaxonomyError
from prodcat.taxonomy.arrays import Children, children_of
from prodcat.taxonomy.problems import first_problems

DEEPEST = 64  # the greatest number of levels


@dataclass(frozen=True)
class SourceNodes:
    """Nodes in the order of their source: checked for cycles, but for nothing else.

    Attributes:
        ids: The id of each node.
        names: The name of each node.
        parent: The position of each node's parent, -1 at the top level.
        terminal: Whether the source says that a product may end at each node.
        rows: The number of the row in the source that describes each node, from 0; -1 if there is
            none.
        translations: The names of all nodes by language code.
    """

    ids: Sequence[str]
    names: Sequence[str]
    parent: Sequence[int]
    terminal: Sequence[bool]
    rows: Sequence[int]
    translations: Mapping[str, Sequence[str]] = field(default_factory=dict)


def breadth_first(nodes: SourceNodes, same_names: str = "refuse") -> dict[str, Any]:
    """Put nodes in breadth-first order, and make every leaf terminal.

    Args:
        nodes: The nodes.
        same_names: ``"id"`` to add the id to the names of siblings that have the same name,
            ``"refuse"`` for an error.

    Returns:
        The fields of :class:`prodcat.Taxonomy` by name.

    Raises:
        TaxonomyError: There are more than :data:`DEEPEST` levels, two nodes have the same id, or
            two children of one node have the same name.
    """
    if same_names == "id":
        nodes = _with_distinct_names(nodes)
    children = children_of(np.array(nodes.parent, np.int64))
    order = _order(nodes, children)
    _refuse_ambiguity(nodes, order)
    position = {node: place for place, node in enumerate(order)}
    parent = [position[nodes.parent[n]] if nodes.parent[n] >= 0 else -1 for n in order]
    terminal = [nodes.terminal[node] or not children[node] for node in order]
    return {
        "ids": tuple(nodes.ids[node] for node in order),
        "names": tuple(nodes.names[node] for node in order),
        "parent": np.array(parent, dtype=np.int64),
        "terminal": np.array(terminal, dtype=np.bool_),
        "translations": {
            language: tuple(names[node] for node in order)
            for language, names in nodes.translations.items()
        },
    }


def _order(nodes: SourceNodes, children: Children) -> list[int]:
    """The positions of the nodes in the source, level by level.

    Raises:
        TaxonomyError: There are more than :data:`DEEPEST` levels.
    """
    order: list[int] = []
    level = list(children[-1])
    depth = 0
    while level:
        if depth == DEEPEST:
            raise TaxonomyError(
                f"The tree has more than {DEEPEST} levels, which is the limit. "
                f"Look at the node {nodes.ids[level[0]]!r} and its ancestors."
            )
        order += level
        level = [child for node in level for child in children[node]]
        depth += 1
    return order


def _refuse_ambiguity(nodes: SourceNodes, order: Sequence[int]) -> None:
    """Check that all ids differ, and the names of all siblings.

    Raises:
        TaxonomyError: Two nodes have the same id, or two siblings the same name.
    """
    counts = Counter(nodes.ids)
    problems = [f"{n} nodes have the id {key!r}" for key, n in counts.items() if n > 1]
    first_with_name: dict[tuple[int, str], int] = {}
    for node in order:
        name = nodes.names[node]
        twin = first_with_name.setdefault((nodes.parent[node], name), node)
        if twin != node:
            rows = nodes.rows[twin], nodes.rows[node]
            where = f"rows {rows[0] + 1:,} and {rows[1] + 1:,}: " if min(rows) >= 0 else ""
            problems.append(
                f"{where}two children of one parent have the name {name!r} "
                f"(ids {nodes.ids[twin]!r} and {nodes.ids[node]!r})"
            )
    if problems:
        raise TaxonomyError(
            f"The tree is ambiguous: {first_problems(problems)}. Give every node a different id, "
            "and siblings different names; read_taxonomy(..., same_names='id') adds the ids to "
            "such names."
        )


def _with_distinct_names(nodes: SourceNodes) -> SourceNodes:
    """The nodes, with the id after the name where siblings have the same name."""
    counts = Counter(zip(nodes.parent, nodes.names, strict=True))
    names = [
        f"{name} ({key})" if counts[above, name] > 1 else name
        for above, name, key in zip(nodes.parent, nodes.names, nodes.ids, strict=True)
    ]
    return replace(nodes, names=names)
