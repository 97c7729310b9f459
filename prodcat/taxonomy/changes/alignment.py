"""Finds what each node of an old tree has become in a new one.

Nodes with an equal path or id are known.  For every other node, candidates are compared from the
top of the tree down, as a parent says where its children are; then the children vote for the
parents of their targets, and all is compared again.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass

import numpy as np

from prodcat.taxonomy.arrays import Ints
from prodcat.taxonomy.changes.candidates import candidates_of, similar_nodes
from prodcat.taxonomy.changes.features import FeatureTable, Pairs, State
from prodcat.taxonomy.changes.trees import Tree
from prodcat.taxonomy.changes.weights import WEIGHTS
from prodcat.taxonomy.changes.words import Floats, Texts, Titles, texts_of
from prodcat.taxonomy.folding import fold

_ROUNDS = 3
_GONE = -2  # stands for the target of a parent that has none
_KNOWN = 0.995  # confidence in a node with the same path


@dataclass(frozen=True)
class Alignment:
    """What each old node has become.

    Attributes:
        state: The targets, and what they were found by.
        texts: The names of both trees.
        pairs: The candidates of the last round.
        features: float64 [pairs, features]: what was known of them.
        chances: float64 [pairs]: how likely each candidate is, given its parent's target.
    """

    state: State
    texts: Texts
    pairs: Pairs
    features: Floats
    chances: Floats


def align(
    old: Tree,
    new: Tree,
    known: Ints,
    weights: Floats = WEIGHTS,
    titles: tuple[Titles, Titles] | None = None,
) -> Alignment:
    """Find what each node of an old tree has become.

    Args:
        old: The old tree.
        new: The new tree.
        known: int64 [old nodes]: the new node of each old node whose id says it, -1 for others.
        weights: float64 [features]: the weights of what speaks for a candidate.
        titles: For each tree, the titles of some nodes by the node's id.
    """
    texts = texts_of(old, new, titles)
    state = _start(old, new, known)
    lost = np.flatnonzero(~state.anchored)
    similar = similar_nodes(texts, lost.tolist())
    _first_guesses(old, new, texts, state, similar)
    table = FeatureTable(old, new, texts, state)
    empty = np.zeros(0, np.int64)
    pieces: list[tuple[Pairs, Floats, Floats]] = [
        (Pairs(empty, empty, empty), np.zeros((0, len(weights))), np.zeros(0))
    ]
    claimed = state.claimed.copy()
    for _ in range(_ROUNDS):
        state.claimed[:] = claimed
        state.votes = _votes(old, new, state)
        pieces = pieces[:0]
        for level in range(1, old.depth + 1):
            nodes = lost[old.level[lost] == level]
            if nodes.size:
                pieces.append(_compare(nodes, table, similar, weights))
        if pieces:
            state.rivals = _rivals(pieces, len(new))
    if not pieces:
        pieces = [(Pairs(empty, empty, empty), np.zeros((0, len(weights))), np.zeros(0))]
    pairs = Pairs(*(
        np.concatenate([getattr(piece[0], name) for piece in pieces])
        for name in ("old", "new", "parents")
    ))  # fmt: skip
    return Alignment(
        state, texts, pairs, np.concatenate([p[1] for p in pieces]),
        np.concatenate([p[2] for p in pieces]),
    )  # fmt: skip


def _start(old: Tree, new: Tree, known: Ints) -> State:
    """The nodes that are known: by the caller, by an equal path, or by one of equal letters."""
    target = known.copy()
    claimed = np.full(len(new), -1, np.int64)
    claimed[target[target >= 0]] = np.flatnonzero(target >= 0)
    for key in (_exact, _folded):
        places: dict[tuple[str, ...], list[int]] = defaultdict(list)
        for node, path in enumerate(new.paths):
            if claimed[node] < 0:
                places[key(path)].append(node)
        seen = Counter(key(path) for n, path in enumerate(old.paths) if target[n] < 0)
        for node, path in enumerate(old.paths):
            same = places.get(key(path), [])
            if target[node] < 0 and len(same) == 1 and seen[key(path)] == 1:
                target[node], claimed[same[0]] = same[0], node
    anchored = target >= 0
    return State(target, np.where(anchored, _KNOWN, 0.0), anchored, claimed)


def _exact(path: tuple[str, ...]) -> tuple[str, ...]:
    return path


def _folded(path: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(" ".join(fold(name).split()) for name in path)


def _first_guesses(
    old: Tree, new: Tree, texts: Texts, state: State, similar: dict[int, list[int]]
) -> None:
    """Guess from the bottom up: the only free node with the same words, or where children went."""
    for node in sorted(similar, key=lambda n: -int(old.level[n])):
        same = [
            other
            for other in similar[node]
            if state.claimed[other] < 0 and (texts.old.keys[node] == texts.new.keys[other]).any()
        ]
        parents = Counter(
            int(new.parent[state.target[child]])
            for child in old.children(node)
            if state.target[child] >= 0
        )
        best = parents.most_common(1)
        if len(same) == 1 or (same and not best):
            state.target[node] = same[0]
        elif best:
            state.target[node] = best[0][0]


def _votes(old: Tree, new: Tree, state: State) -> dict[int, Counter[int]]:
    """For each old node, how many of its children have gone below each new node."""
    votes: dict[int, Counter[int]] = defaultdict(Counter)
    for node, target in enumerate(state.target.tolist()):
        above = int(old.parent[node])
        if target >= 0 and above >= 0 and new.parent[target] >= 0:
            votes[above][int(new.parent[target])] += 1
    return dict(votes)


def _compare(
    nodes: Ints, table: FeatureTable, similar: dict[int, list[int]], weights: Floats
) -> tuple[Pairs, Floats, Floats]:
    """Choose among the candidates of nodes of one level; the state gets the choices."""
    state, old, new = table.state, table.old, table.new
    above = old.parent[nodes]
    became = np.where(state.target[above] >= 0, state.target[above], _GONE)
    parents = np.where(above >= 0, became, -1)
    _claim_namesakes(nodes, parents, table)
    listed = [
        candidates_of(similar[n], p, state.votes.get(n, ()), new, state.claimed)
        for n, p in zip(nodes.tolist(), parents.tolist(), strict=True)
    ]
    sizes = [len(each) for each in listed]
    pairs = Pairs(
        np.repeat(nodes, sizes),
        np.fromiter((c for each in listed for c in each), np.int64, sum(sizes)),
        np.repeat(parents, sizes),
    )
    features = table.features(pairs)
    starts = np.cumsum([0, *sizes[:-1]])
    chances = softmax(features @ weights, starts, sizes)
    for place, (node, start, size) in enumerate(zip(nodes.tolist(), starts, sizes, strict=True)):
        best = start + int(np.argmax(chances[start : start + size]))
        state.target[node] = pairs.new[best]
        state.confidence[node] = chances[best]
        if _depends_on_parent(features[best]) and above[place] >= 0:
            state.confidence[node] *= state.confidence[above[place]]
    return pairs, features, chances


def _claim_namesakes(nodes: Ints, parents: Ints, table: FeatureTable) -> None:
    """Claim the children of the parents' targets that have the same words as the nodes."""
    state, keys = table.state, table.texts
    nodes_of = defaultdict(list)
    for node, parent in zip(nodes.tolist(), parents.tolist(), strict=True):
        nodes_of[parent, keys.old.keys[node].tobytes()].append(node)
    for (parent, key), same in nodes_of.items():
        if len(same) == 1 and parent != _GONE:
            places = [n for n in table.new.children(parent) if keys.new.keys[n].tobytes() == key]
            if len(places) == 1 and state.claimed[places[0]] < 0:
                state.claimed[places[0]] = same[0]


def _depends_on_parent(features: Floats) -> bool:
    """Whether a choice would be another one if the parent's target were."""
    return bool(features[0] == 0)


def softmax(scores: Floats, starts: Ints, sizes: list[int]) -> Floats:
    """The scores of each group as chances that add up to 1: float64 [pairs]."""
    highest = np.repeat(np.maximum.reduceat(scores, starts), sizes)
    chances = np.exp(scores - highest)
    return np.asarray(chances / np.repeat(np.add.reduceat(chances, starts), sizes), np.float64)


def _rivals(pieces: list[tuple[Pairs, Floats, Floats]], size: int) -> tuple[Ints, Floats, Floats]:
    """The most likely old node of each new node, how likely it is, and how likely the next is."""
    old = np.concatenate([pairs.old for pairs, _, _ in pieces])
    new = np.concatenate([pairs.new for pairs, _, _ in pieces])
    chance = np.concatenate([chances for _, _, chances in pieces])
    order = np.argsort(-chance, kind="stable")
    order = order[new[order] >= 0]
    first, chances = np.full(size, -1, np.int64), np.zeros((2, size))
    for place in range(2):
        nodes, where = np.unique(new[order], return_index=True)
        chances[place, nodes] = chance[order[where]]
        if not place:
            first[nodes] = old[order[where]]
        order = np.delete(order, where)
    return first, chances[0], chances[1]
