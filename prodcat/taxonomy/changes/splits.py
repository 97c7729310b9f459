"""Old nodes whose words or children are spread over several new nodes."""

from collections import Counter

import numpy as np

from prodcat.taxonomy.changes.alignment import Alignment
from prodcat.taxonomy.changes.trees import Tree
from prodcat.taxonomy.changes.words import Texts

_MOST_PARTS = 8
_LEAST_SHARE = 0.25  # of the children, in a part that has got children
_LEAST_COVER = 0.8  # of the weight of the specific words, in all parts together
_LEAST_CHANCE = 0.02


def find_splits(
    old: Tree, new: Tree, alignment: Alignment
) -> dict[int, tuple[tuple[int, ...], float]]:
    """The new nodes over which old nodes are spread.

    Args:
        old: The old tree.
        new: The new tree.
        alignment: What each old node has become, if it is one new node.

    Returns:
        For each such old node, the new nodes, the most likely first, and the confidence.
    """
    chances: dict[int, dict[int, float]] = {}
    pairs = alignment.pairs
    for o, n, chance in zip(
        pairs.old.tolist(), pairs.new.tolist(), alignment.chances.tolist(), strict=True
    ):
        if n >= 0:
            chances.setdefault(o, {})[n] = chance
    splits = {}
    for node, of_node in chances.items():
        target = int(alignment.state.target[node])
        if (
            target >= 0
            and (alignment.texts.old.keys[node] == alignment.texts.new.keys[target]).all()
        ):
            continue
        free = [
            n
            for n, chance in of_node.items()
            if alignment.state.claimed[n] in (-1, node) and chance >= _LEAST_CHANCE
        ]
        parts = _parts_by_words(node, free, new, alignment.texts) or _parts_by_children(
            node, free, old, new, alignment
        )
        total = sum(of_node[part] for part in parts)
        other = of_node.get(target, 1 - sum(of_node.values()))
        if parts and (target in parts or total > other):
            ordered = tuple(sorted(parts, key=lambda part: -of_node[part]))
            above = int(old.parent[node])
            splits[node] = (
                ordered,
                total * (alignment.state.confidence[above] if above >= 0 else 1.0),
            )
    return splits


def _parts_by_words(node: int, free: list[int], new: Tree, texts: Texts) -> list[int]:
    """Siblings that have parts of the words of the node's name, or all of them and others."""
    whole = _words(texts.old.names, node)
    specific = _words(texts.old.specific, node)
    siblings: dict[int, list[int]] = {}
    for n in free:
        siblings.setdefault(int(new.parent[n]), []).append(n)
    for group in siblings.values():
        words = {n: _words(texts.new.names, n) for n in group}
        smaller = [n for n in group if words[n] < whole and words[n] & specific]
        greater = [n for n in group if words[n] > whole]
        covered = set().union(*(words[n] for n in smaller)) & specific
        is_covered = texts.weight[sorted(covered)].sum() >= (
            _LEAST_COVER * texts.weight[sorted(specific)].sum()
        )
        disjoint = all(
            not words[a] & words[b] & specific for a in smaller for b in smaller if a < b
        )
        if len(smaller) > 1 and is_covered and disjoint:
            return smaller[:_MOST_PARTS]
        if 1 < len(greater) <= _MOST_PARTS:
            return greater
    return []


def _parts_by_children(
    node: int, free: list[int], old: Tree, new: Tree, alignment: Alignment
) -> list[int]:
    """Nodes below which there are now large shares of the node's children."""
    children = old.children(node)
    targets = alignment.state.target[list(children)] if children else np.zeros(0, np.int64)
    parents = Counter(int(new.parent[t]) for t in targets.tolist() if t >= 0)
    least = max(2.0, _LEAST_SHARE * len(children))
    parts = [n for n in free if parents[n] >= least]
    return parts if len(parts) > 1 else []


def _words(matrix: object, row: int) -> set[int]:
    columns = matrix.indices[matrix.indptr[row] : matrix.indptr[row + 1]]  # type: ignore[attr-defined]
    return set(columns.tolist())
