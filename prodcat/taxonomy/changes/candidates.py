"""The nodes of the new tree that may be the successor of each node of the old tree."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np

from prodcat.taxonomy.arrays import Ints
from prodcat.taxonomy.changes.trees import Tree
from prodcat.taxonomy.changes.words import Texts

_MOST_SIMILAR = 12  # candidates of each node by similarity
_MOST_NAMESAKES = 12
_MOST_CHILDREN = 60
_BLOCK = 256  # old nodes whose similarities with all new nodes are in memory at once
_NAME_SHARE = 0.65  # of a similarity; the rest is that of the paths


def similar_nodes(texts: Texts, rows: Sequence[int]) -> dict[int, list[int]]:
    """The new nodes whose names are similar to that of each old node, the most similar first.

    Args:
        texts: The names of both trees.
        rows: The old nodes.

    Returns:
        For each old node, those with the same words in their names, then some with similar ones.
    """
    namesakes: dict[tuple[int, int], list[int]] = defaultdict(list)
    for node, keys in enumerate(texts.new.keys.tolist()):
        for language, key in enumerate(keys):
            namesakes[language, key].append(node)
    grams, paths = (
        each.T.tocsr().astype(np.float32) for each in (texts.new.grams, texts.new.path_vectors)
    )
    candidates: dict[int, list[int]] = {}
    for start in range(0, len(rows), _BLOCK):
        block = np.array(rows[start : start + _BLOCK])
        similarity = (texts.old.grams[block].astype(np.float32) @ grams).toarray() * _NAME_SHARE
        similarity += (texts.old.path_vectors[block].astype(np.float32) @ paths).toarray() * (
            1 - _NAME_SHARE
        )
        if texts.titles is not None:
            similarity += (texts.titles[0][1][block] @ texts.titles[1][1].T).toarray()
        most = min(_MOST_SIMILAR, similarity.shape[1])
        best = np.argpartition(-similarity, most - 1, axis=1)[:, :most]
        for place, node in enumerate(block.tolist()):
            same = {
                other
                for language, key in enumerate(texts.old.keys[node].tolist())
                for other in namesakes[language, key]
            }
            nearest = sorted(same, key=lambda other: (-similarity[place, other], other))
            alike = sorted(
                best[place].tolist(), key=lambda other: (-similarity[place, other], other)
            )
            candidates[node] = list(dict.fromkeys([*nearest[:_MOST_NAMESAKES], *alike]))
    return candidates


def candidates_of(
    similar: Iterable[int], parent: int, voted: Iterable[int], new: Tree, claimed: Ints
) -> list[int]:
    """The new nodes that one old node may have become.

    Args:
        similar: Those with similar names.
        parent: What the parent of the old node has become, -1 at the top, and -2 for nothing.
        voted: Those to which the children of the old node have gone.
        new: The new tree.
        claimed: int64 [new nodes]: the old node that each new node is known to be, or -1.

    Returns:
        The candidates, each once, and -1 for none if the parent is gone, or at the top.
    """
    below = new.children(parent) if parent >= -1 else ()
    if len(below) > _MOST_CHILDREN:
        below = tuple(node for node in below if claimed[node] < 0)[:_MOST_CHILDREN]
    chain = new.ancestors(parent) if parent >= 0 else (-1,)
    return list(dict.fromkeys([*chain, *below, *voted, *similar]))
