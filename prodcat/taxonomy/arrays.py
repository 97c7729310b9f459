"""A tree as arrays, computed from the parent of each node.

Nodes are numbered in breadth-first order, so that a parent comes before its children.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

# The children of each node, followed by the nodes of the top level, so that they have index -1.
Children = tuple[tuple[int, ...], ...]


def levels_of(parent: NDArray[np.int64]) -> NDArray[np.int64]:
    """The level of each node, 1 for the coarsest: int64 [nodes].

    >>> levels_of(np.array([-1, -1, 0])).tolist()
    [1, 1, 2]
    """
    level = np.ones(len(parent), np.int64)
    for node, above in enumerate(parent):
        if above >= 0:
            level[node] = level[above] + 1
    return level


def children_of(parent: NDArray[np.int64]) -> Children:
    """The children of each node, followed by the nodes of the top level.

    >>> children_of(np.array([-1, -1, 0]))
    ((2,), (), (), (0, 1))
    """
    below: list[list[int]] = [[] for _ in range(len(parent) + 1)]
    for node, above in enumerate(parent.tolist()):
        below[above].append(node)
    return tuple(tuple(nodes) for nodes in below)


def chains_of(parent: NDArray[np.int64], level: NDArray[np.int64]) -> NDArray[np.int64]:
    """The ancestors of each node and the node itself, padded with -1: int64 [nodes, depth].

    >>> chains_of(np.array([-1, -1, 0]), np.array([1, 1, 2])).tolist()
    [[0, -1], [1, -1], [0, 2]]
    """
    chains = np.full((len(parent), int(level.max())), -1, np.int64)
    for node, above in enumerate(parent):
        if above >= 0:
            chains[node] = chains[above]
        chains[node, level[node] - 1] = node
    return chains


def outcomes_of(children: Children, terminal: NDArray[np.bool_]) -> NDArray[np.int64]:
    """The terminal nodes depth first, a node before those below it: int64 [outcomes]."""
    outcomes: list[int] = []
    stack = list(reversed(children[-1]))
    while stack:
        node = stack.pop()
        if terminal[node]:
            outcomes.append(node)
        stack += reversed(children[node])
    return np.array(outcomes, dtype=np.int64)


def spans_of(
    parent: NDArray[np.int64], children: Children, terminal: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """The range of outcomes at or below each node, start and end: int64 [nodes, 2]."""
    count = terminal.astype(np.int64)
    for node in range(len(parent) - 1, -1, -1):
        if parent[node] >= 0:
            count[parent[node]] += count[node]
    start = np.zeros(len(parent), np.int64)
    _fill_starts(start, children[-1], 0, count)
    for node in range(len(parent)):
        _fill_starts(start, children[node], int(start[node]) + int(terminal[node]), count)
    return np.stack([start, start + count], axis=1)


def _fill_starts(
    start: NDArray[np.int64], siblings: Sequence[int], first: int, count: NDArray[np.int64]
) -> None:
    """Set the first outcome of each sibling, one sibling after the other."""
    for node in siblings:
        start[node] = first
        first += int(count[node])
