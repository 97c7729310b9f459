"""The nodes of a tree as columns, put in order and checked, for all kinds of sources."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from prodcat.errors import TaxonomyError
from prodcat.taxonomy.problems import first_problems

DEEPEST = 64  # levels


@dataclass(frozen=True)
class SourceNodes:
    """Nodes in the order of their source, without cycles but otherwise unchecked.

    Attributes:
        ids: The id of each node.
        names: The name of each node.
        parent: The position of each node's parent, -1 at the top level.
        terminal: Whether the source says that a product may end at the node.
        rows: The row of the source that describes the node, -1 if there is none.
        translations: The names of the nodes by language.
    """

    ids: Sequence[str]
    names: Sequence[str]
    parent: Sequence[int]
    terminal: Sequence[bool]
    rows: Sequence[int]
    translations: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def children(self) -> list[list[int]]:
        """The positions of each node's children."""
        children: list[list[int]] = [[] for _ in self.ids]
        for node, above in enumerate(self.parent):
            if above >= 0:
                children[above].append(node)
        return children


@dataclass(frozen=True)
class NodeColumns:
    """The columns of a taxonomy in breadth-first order; ``Taxonomy`` explains them."""

    ids: tuple[str, ...]
    names: tuple[str, ...]
    parent: NDArray[np.int64]
    terminal: NDArray[np.bool_]
    translations: Mapping[str, tuple[str, ...]]


def breadth_first(nodes: SourceNodes) -> NodeColumns:
    """Put nodes into breadth-first order, and make every leaf terminal.

    Raises:
        TaxonomyError: There are more than :data:`DEEPEST` levels, an id stands for two nodes, or
            two children of one node have the same name.
    """
    children = nodes.children()
    order = _order(nodes, children)
    _refuse_ambiguity(nodes, order)
    position = {node: place for place, node in enumerate(order)}
    parent = [position[nodes.parent[n]] if nodes.parent[n] >= 0 else -1 for n in order]
    terminal = [nodes.terminal[node] or not children[node] for node in order]
    return NodeColumns(
        ids=tuple(nodes.ids[node] for node in order),
        names=tuple(nodes.names[node] for node in order),
        parent=np.array(parent, dtype=np.int64),
        terminal=np.array(terminal, dtype=np.bool_),
        translations={
            language: tuple(names[node] for node in order)
            for language, names in nodes.translations.items()
        },
    )


def _order(nodes: SourceNodes, children: Sequence[Sequence[int]]) -> list[int]:
    """The positions of the nodes, level by level."""
    order: list[int] = []
    level = [node for node, above in enumerate(nodes.parent) if above < 0]
    depth = 0
    while level:
        if depth == DEEPEST:
            raise TaxonomyError(
                f"The tree has more than {DEEPEST} levels; expected a tree of categories. "
                f"Look at the node {nodes.ids[level[0]]!r} and those above it."
            )
        order += level
        level = [child for node in level for child in children[node]]
        depth += 1
    return order


def _refuse_ambiguity(nodes: SourceNodes, order: Sequence[int]) -> None:
    """Raise an error if two nodes have the same id, or two siblings the same name."""
    counts = Counter(nodes.ids)
    problems = [f"id {key!r} stands for {n} nodes" for key, n in counts.items() if n > 1]
    first_with_name: dict[tuple[int, str], int] = {}
    for node in order:
        name = nodes.names[node]
        twin = first_with_name.setdefault((nodes.parent[node], name), node)
        if twin != node:
            rows = nodes.rows[twin], nodes.rows[node]
            where = f"rows {rows[0]} and {rows[1]}: " if rows[1] >= 0 else ""
            problems.append(
                f"{where}{name!r} is twice under one "
                f"parent (ids {nodes.ids[twin]!r} and {nodes.ids[node]!r})"
            )
    if problems:
        raise TaxonomyError(
            f"The tree is ambiguous: {first_problems(problems)}. Give every node its own id, and "
            "siblings different names."
        )
