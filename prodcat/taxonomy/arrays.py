"""Types of arrays, and a tree as arrays, computed from the parent of each node.

Nodes are numbered in breadth-first order, so that a parent comes before its children.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

# The children of each node, followed by one entry more, which index -1 gets: the top-level nodes.
Children = tuple[tuple[int, ...], ...]


def levels_of(parent: Ints) -> Ints:
    """The level of each node, 1 for the coarsest: int64 [nodes].

    Args:
        parent: int64 [nodes]: the parent of each node, which comes before it; -1 at the top level.

    >>> levels_of(np.array([-1, -1, 0])).tolist()
    [1, 1, 2]
    """
    level = np.ones(len(parent), np.int64)
    for node, above in enumerate(parent):
        if above >= 0:
            level[node] = level[above] + 1
    return level


def children_of(parent: Ints) -> Children:
    """The children of each node, and as the last entry the top-level nodes.

    Args:
        parent: int64 [nodes]: the parent of each node, in any order; -1 at the top level.

    >>> children_of(np.array([-1, -1, 0]))
    ((2,), (), (), (0, 1))
    """
    below: list[list[int]] = [[] for _ in range(len(parent) + 1)]
    for node, above in enumerate(parent.tolist()):
        below[above].append(node)
    return tuple(tuple(nodes) for nodes in below)


def chains_of(parent: Ints, level: Ints) -> Ints:
    """The ancestors of each node and the node itself, padded with -1: int64 [nodes, depth].

    Args:
        parent: int64 [nodes]: the parent of each node, which comes before it; -1 at the top level.
        level: int64 [nodes]: the level of each node, from 1.

    >>> chains_of(np.array([-1, -1, 0]), np.array([1, 1, 2])).tolist()
    [[0, -1], [1, -1], [0, 2]]
    """
    chains = np.full((len(parent), int(level.max())), -1, np.int64)
    for node, above in enumerate(parent):
        if above >= 0:
            chains[node] = chains[above]
        chains[node, level[node] - 1] = node
    return chains


def outcomes_of(children: Children, terminal: Flags) -> Ints:
    """The terminal nodes in depth-first order, a node before its descendants: int64 [outcomes].

    Args:
        children: The result of :func:`children_of`.
        terminal: bool [nodes]: whether a product may end at the node.
    """
    outcomes: list[int] = []
    stack = list(reversed(children[-1]))
    while stack:
        node = stack.pop()
        if terminal[node]:
            outcomes.append(node)
        stack += reversed(children[node])
    return np.array(outcomes, dtype=np.int64)


def spans_of(parent: Ints, children: Children, terminal: Flags) -> Ints:
    """The outcomes at or below each node, as a range of their positions: int64 [nodes, 2].

    Args:
        parent: int64 [nodes]: the parent of each node, which comes before it; -1 at the top level.
        children: The result of :func:`children_of`.
        terminal: bool [nodes]: whether a product may end at the node.

    Returns:
        The first position of each range, and the position after its last.
    """
    count = terminal.astype(np.int64)
    for node in range(len(parent) - 1, -1, -1):
        if parent[node] >= 0:
            count[parent[node]] += count[node]
    start = np.zeros(len(parent), np.int64)
    _fill_starts(start, children[-1], 0, count)
    for node in range(len(parent)):
        _fill_starts(start, children[node], int(start[node]) + int(terminal[node]), count)
    return np.stack([start, start + count], axis=1)


def _fill_starts(start: Ints, siblings: Sequence[int], first: int, count: Ints) -> None:
    """Write the position of each sibling's first outcome into ``start``.

    Args:
        start: int64 [nodes], which is changed.
        siblings: Nodes with one parent.
        first: The position of the first sibling's first outcome.
        count: int64 [nodes]: the number of outcomes at or below each node.
    """
    for node in siblings:
        start[node] = first
        first += int(count[node])
