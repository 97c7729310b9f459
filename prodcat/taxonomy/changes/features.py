"""What speaks for and against a new node as the successor of an old one, as numbers."""

import itertools
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from prodcat.taxonomy.arrays import Flags, Ints
from prodcat.taxonomy.changes.trees import Tree
from prodcat.taxonomy.changes.words import Floats, Texts

FEATURES = (
    "same words", "n-grams", "old words in new path", "new words in old path", "common words",
    "paths", "child", "deeper below", "parent", "above the parent", "nearness",
    "is another already", "children's votes", "votes among its children", "parent is leaf",
    "parent has new children", "likelier for another",
    "renamed alike", "last one left", "siblings gone", "inner into parent", "inner into leaf",
    "same words elsewhere", "both in paths", "nothing", "titles",
    "specific words kept", "specific words explained", "specific words in both",
    "specific words below",
    "subtrees", "no subtree", "same spelling",
)  # fmt: skip


_OF_NAMES = (
    "same words", "same spelling", "n-grams", "old words in new path", "new words in old path",
    "common words", "paths", "specific words kept", "specific words explained", "subtrees",
    "titles",
)  # fmt: skip


@dataclass
class State:
    """What is known of the alignment so far.

    Attributes:
        target: int64 [old nodes]: the new node of each old node, -1 for none.
        confidence: float64 [old nodes]: how likely it is that the target is right.
        anchored: bool [old nodes]: whether the target is known, by an id or an equal path.
        claimed: int64 [new nodes]: the old node that each new node is known to be, -1 for none.
        votes: For each old node, how many of its children have gone below each new node.
        rivals: The most likely old node of each new node, how likely it is, and how likely the next
            one is; None in the first round.
    """

    target: Ints
    confidence: Floats
    anchored: Flags
    claimed: Ints
    votes: dict[int, Counter[int]] = field(default_factory=dict)
    rivals: tuple[Ints, Floats, Floats] | None = None


@dataclass(frozen=True)
class Pairs:
    """Candidates: pairs of an old node and a new node.

    Attributes:
        old: int64 [pairs]: the old nodes, in groups.
        new: int64 [pairs]: the new nodes, -1 for none.
        parents: int64 [pairs]: what the parent of the old node has become, -1 at the top, and -2
            for nothing.
    """

    old: Ints
    new: Ints
    parents: Ints


class FeatureTable:
    """Computes the features of pairs of nodes.

    Args:
        old: The old tree.
        new: The new tree.
        texts: Their names.
        state: What is known so far; it may change between calls.
    """

    def __init__(self, old: Tree, new: Tree, texts: Texts, state: State) -> None:
        self.old, self.new, self.texts, self.state = old, new, texts, state
        self._words = [_word_sets(side.names) for side in (texts.old, texts.new)]
        self._known = np.zeros(0, np.int64)  # pairs, as single numbers in order
        self._known_features = np.zeros((0, len(_OF_NAMES)))
        self._sizes = [np.bincount(t.parent[t.parent >= 0], minlength=len(t)) for t in (old, new)]

    def features(self, pairs: Pairs) -> Floats:
        """The features of pairs of one level: float64 [pairs, features]."""
        values = {**self._of_names(pairs), **self._of_places(pairs), **self._of_others(pairs)}
        parent, inner = values["parent"], self._sizes[0][pairs.old] > 0
        is_leaf = self._sizes[1][np.maximum(pairs.new, 0)] == 0
        values["parent is leaf"] = parent * is_leaf
        values["inner into parent"] = parent * inner
        values["no subtree"] = (values["subtrees"] == 0) * inner
        values["inner into leaf"] = (1 - parent) * inner * is_leaf * (pairs.new >= 0)
        far = (values["child"] + parent) == 0
        values["same words elsewhere"] = values["same words"] * far
        kept = values["specific words kept"]
        values["specific words in both"] = kept * values["specific words explained"]
        values["specific words below"] = kept * values["deeper below"]
        values["both in paths"] = values["old words in new path"] * values["new words in old path"]
        none = pairs.new < 0
        columns = [np.where(none, 0.0, values[name]) for name in FEATURES if name != "nothing"]
        columns.insert(FEATURES.index("nothing"), none.astype(float))
        return np.column_stack(columns)

    def _of_names(self, pairs: Pairs) -> dict[str, Floats]:
        """What the names say, which is computed once for each pair."""
        codes = pairs.old * (len(self.new) + 1) + pairs.new + 1
        every = np.unique(codes)
        fresh = every[~np.isin(every, self._known, assume_unique=True)]
        if fresh.size:
            old, new = np.divmod(fresh, len(self.new) + 1)
            values = self._compared_names(Pairs(old, new - 1, new))
            columns = np.column_stack([values[name] for name in _OF_NAMES])
            known = np.concatenate([self._known, fresh])
            order = np.argsort(known, kind="stable")
            self._known = known[order]
            self._known_features = np.concatenate([self._known_features, columns])[order]
        counts = self._known_features[np.searchsorted(self._known, codes)]
        return dict(zip(_OF_NAMES, counts.T, strict=True))

    def _compared_names(self, pairs: Pairs) -> dict[str, Floats]:
        old, new = pairs.old, np.maximum(pairs.new, 0)
        texts = self.texts
        old_words, new_words = texts.weighted_names
        old_weight, new_weight = (w + 1e-12 for w in texts.name_weights)
        shared = _row_products(old_words[old], texts.new.names[new])
        every = old_weight[old] + new_weight[new] - shared
        old_specific, new_specific = texts.weighted_specific
        kept = _row_products(old_specific[old], texts.new.paths[new])
        explained = _row_products(new_specific[new], texts.old.paths[old])
        return {
            "specific words kept": kept / (_sums(old_specific)[old] + 1e-12),
            "specific words explained": explained / (_sums(new_specific)[new] + 1e-12),
            "subtrees": _row_products(texts.old.below[old], texts.new.below[new]),
            "same words": (texts.old.keys[old] == texts.new.keys[new]).mean(axis=1),
            "titles": self._titles(pairs),
            "same spelling": (texts.old.spellings[old] == texts.new.spellings[new]).mean(axis=1),
            "n-grams": _row_products(texts.old.grams[old], texts.new.grams[new]),
            "old words in new path": _row_products(old_words[old], texts.new.paths[new])
            / old_weight[old],
            "new words in old path": _row_products(new_words[new], texts.old.paths[old])
            / new_weight[new],
            "common words": shared / every,
            "paths": _row_products(texts.old.path_vectors[old], texts.new.path_vectors[new]),
        }

    def _of_places(self, pairs: Pairs) -> dict[str, Floats]:
        new, parents = np.maximum(pairs.new, 0), pairs.parents
        chains, level, parent_of = self.new.chains, self.new.level, self.new.parent
        safe = np.maximum(parents, 0)
        depth = np.where(parents >= 0, level[safe], 0)
        is_same = (new == parents) & (pairs.new >= 0)
        child = parent_of[new] == parents
        below = (parents == -1) | (parents >= 0) & (
            chains[new, np.maximum(depth - 1, 0)] == parents
        )
        above = (parents >= 0) & (chains[safe, level[new] - 1] == new) & ~is_same
        of_parent = np.where(parents[:, None] >= 0, chains[safe], -2)
        shared = ((chains[new] == of_parent) & (chains[new] >= 0)).sum(axis=1)
        near = shared / np.maximum(depth, 1)
        elsewhere = ~(child | below | is_same | above)
        return {
            "child": child.astype(float),
            "deeper below": (below & ~child & ~is_same).astype(float),
            "parent": is_same.astype(float),
            "above the parent": above.astype(float),
            "nearness": near * elsewhere,
            "is another already": (self._is_taken(pairs) & ~is_same & ~above).astype(float),
        }

    def _of_others(self, pairs: Pairs) -> dict[str, Floats]:
        state, old, new = self.state, pairs.old, np.maximum(pairs.new, 0)
        old_sizes, new_sizes = self._sizes
        votes = np.array([state.votes.get(o, _NO_VOTES)[n] for o, n in _listed(old, new)], float)
        open_new, is_open = state.claimed < 0, ~self._is_taken(pairs)
        is_parent = (new == pairs.parents).astype(float)
        new_parents, old_parents = self.new.parent, self.old.parent
        left = np.bincount(new_parents[open_new] + 1, minlength=len(self.new) + 1)
        lost = np.bincount(old_parents[~state.anchored] + 1, minlength=len(self.old) + 1)
        every = np.bincount(old_parents + 1, minlength=len(self.old) + 1)
        above = old_parents[old] + 1
        is_open_child = (new_parents[new] == pairs.parents) & is_open
        last = is_open_child & (left[np.maximum(pairs.parents, -1) + 1] == 1) & (lost[above] == 1)
        return {
            "children's votes": votes / np.maximum(old_sizes[old], 1),
            "votes among its children": votes / np.maximum(new_sizes[new], 1),
            "parent has new children": is_parent * np.minimum(left[new + 1], 8) / 8,
            "siblings gone": is_parent * lost[above] / every[above],
            "likelier for another": self._rivals(pairs) * is_open * (1 - is_parent),
            "renamed alike": self._renamed_alike(pairs, is_open_child),
            "last one left": last.astype(float),
        }

    def _titles(self, pairs: Pairs) -> Floats:
        """How alike the titles of both nodes are, from 0 to 1; also those below an inner node."""
        if self.texts.titles is None:
            return np.zeros(len(pairs.old))
        old, new = self.texts.titles
        places = pairs.old, np.maximum(pairs.new, 0)
        alone, below = (
            _row_products(one[places[0]], other[places[1]])
            for one, other in zip(old, new, strict=True)
        )
        return np.where(self._sizes[0][pairs.old] > 0, below, alone)

    def _is_taken(self, pairs: Pairs) -> Flags:
        """Whether the new node is known to be another old node."""
        owner = self.state.claimed[np.maximum(pairs.new, 0)]
        return np.asarray((owner >= 0) & (owner != pairs.old) & (pairs.new >= 0), np.bool_)

    def _rivals(self, pairs: Pairs) -> Floats:
        """How likely it is that another old node becomes the new node, as known so far."""
        if self.state.rivals is None:
            return np.zeros(len(pairs.old))
        first, chance, next_chance = (each[np.maximum(pairs.new, 0)] for each in self.state.rivals)
        return np.where(first == pairs.old, next_chance, chance)

    def _renamed_alike(self, pairs: Pairs, considered: Flags) -> Floats:
        """How many other old nodes lost and got the same words, as a logarithm."""
        changes: dict[int, tuple[frozenset[int], frozenset[int]]] = {}
        renamed: dict[tuple[frozenset[int], frozenset[int]], set[int]] = defaultdict(set)
        for place in np.flatnonzero(considered).tolist():
            old, new = int(pairs.old[place]), int(pairs.new[place])
            before, after = self._words[0][old], self._words[1][new]
            if before != after and before & after:
                changes[place] = before - after, after - before
                renamed[changes[place]].add(old)
        counts = np.zeros(len(pairs.old))
        for place, change in changes.items():
            counts[place] = np.log(len(renamed[change]))
        return counts


_NO_VOTES: Counter[int] = Counter()


def _listed(old: Ints, new: Ints) -> list[tuple[int, int]]:
    return list(zip(old.tolist(), new.tolist(), strict=True))


def _word_sets(matrix: Any) -> list[frozenset[int]]:
    """The columns of each row that are not zero."""
    columns, ends = matrix.indices.tolist(), matrix.indptr.tolist()
    return [frozenset(columns[start:end]) for start, end in itertools.pairwise(ends)]


def _sums(matrix: object) -> Floats:
    return np.asarray(matrix.sum(axis=1)).ravel()  # type: ignore[attr-defined]


def _row_products(one: object, other: object) -> Floats:
    """The product of each row of two sparse matrices with the same row of the other."""
    return np.asarray(one.multiply(other).sum(axis=1)).ravel()  # type: ignore[attr-defined]
