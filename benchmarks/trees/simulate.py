"""Trees changed at random, as retailers change them, with the truth about every category."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from prodcat import Taxonomy

# The share of all categories to which each change happens.
SHARES = {
    "rename": 0.03, "rename alike": 0.004, "move": 0.012, "lift": 0.004, "merge up": 0.02,
    "merge children": 0.008, "merge beside": 0.01, "gather": 0.006, "move and rename": 0.006,
    "split": 0.008, "insert": 0.004, "drop": 0.001,
    "add": 0.15,
}  # fmt: skip
_LETTERS = "abdefgiklmnoprstuvz"


@dataclass
class Draft:
    """A tree while it is changed.

    Attributes:
        parents: The id of each node's parent, empty at the top.
        names: The name of each node.
        rng: The source of chance.
        became: What each old node that is gone has become: one of these nodes, or nothing.
        changed: The old nodes with a change of their own, and its kind.
        words: All words of the names.
    """

    parents: dict[str, str]
    names: dict[str, str]
    rng: np.random.Generator
    words: list[str]
    became: dict[str, list[str]] = field(default_factory=dict)
    changed: dict[str, str] = field(default_factory=dict)

    def children(self, key: str) -> list[str]:
        """The ids of a node's children."""
        return [child for child, parent in self.parents.items() if parent == key]

    def below(self, key: str) -> set[str]:
        """The ids of a node and all below it."""
        found, new = {key}, [key]
        while new:
            new = [child for parent in new for child in self._index.get(parent, ())]
            found.update(new)
        return found

    @property
    def _index(self) -> dict[str, list[str]]:
        index: dict[str, list[str]] = {}
        for child, parent in self.parents.items():
            index.setdefault(parent, []).append(child)
        return index

    def is_free(self, parent: str, name: str) -> bool:
        """Whether no child of a node has the name."""
        return all(self.names[child] != name for child in self.children(parent))

    def made_up(self) -> str:
        """A word that no name has."""
        return "".join(self.rng.choice(list(_LETTERS), int(self.rng.integers(4, 9))))

    def pick(self, values: list[str]) -> str:
        """One of some values."""
        return values[int(self.rng.integers(len(values)))]

    def remove(self, key: str, targets: list[str], kind: str) -> None:
        """Remove a node that has become others."""
        self.became[key] = targets
        self.changed[key] = kind
        del self.parents[key], self.names[key]


def _rename(draft: Draft, key: str) -> None:
    words = draft.names[key].split()
    place = int(draft.rng.integers(len(words)))
    kind = draft.pick(["typo", "added", "removed", "order", "synonym", "synonym", "joined"])
    if kind == "typo" and len(words[place]) > 4:
        cut = int(draft.rng.integers(1, len(words[place]) - 1))
        words[place] = words[place][:cut] + words[place][cut + 1 :]
    elif kind == "added":
        words.insert(place, draft.pick(draft.words).capitalize())
    elif kind == "removed" and len(words) > 1:
        del words[place]
    elif kind == "order" and len(words) > 1:
        words = [*words[1:], words[0]]
    elif kind == "joined":
        words += ["&", draft.pick(draft.words).capitalize()]
    else:
        words[place] = draft.made_up().capitalize()
    name = " ".join(words)
    if draft.is_free(draft.parents[key], name):
        draft.names[key] = name
        draft.changed[key] = "renamed"


def _rename_alike(draft: Draft, key: str) -> None:
    """Replace one word by another wherever it is below a node."""
    below = sorted(draft.below(key))
    words = [word for node in below for word in draft.names[node].split() if len(word) > 2]
    counts = {word: words.count(word) for word in words}
    frequent = sorted(word for word, count in counts.items() if 3 <= count <= 30)
    if not frequent:
        return
    word, other = draft.pick(frequent), draft.made_up().capitalize()
    for node in below:
        names = draft.names[node].split()
        if word in names:
            name = " ".join(other if each == word else each for each in names)
            if draft.is_free(draft.parents[node], name):
                draft.names[node] = name
                draft.changed[node] = "renamed"


def _move(draft: Draft, key: str) -> None:
    parent = draft.parents[key]
    near = draft.rng.random() < 0.6 and parent
    places = draft.children(draft.parents[parent]) if near else list(draft.parents)
    target = draft.pick(places)
    if target == parent or target in draft.below(key):
        return
    if draft.is_free(target, draft.names[key]):
        draft.parents[key] = target
        draft.changed[key] = "moved"


def _lift(draft: Draft, key: str) -> None:
    """Remove an inner node, whose children go to its parent."""
    parent, children = draft.parents[key], draft.children(key)
    if parent and children and all(draft.is_free(parent, draft.names[c]) for c in children):
        for child in children:
            draft.parents[child] = parent
            draft.changed[child] = "moved"
        draft.remove(key, [parent], "merged")


def _merge_up(draft: Draft, key: str) -> None:
    if draft.parents[key] and not draft.children(key):
        draft.remove(key, [draft.parents[key]], "merged")


def _merge_children(draft: Draft, key: str) -> None:
    children = draft.children(key)
    if children and not any(draft.children(child) for child in children):
        for child in children:
            draft.remove(child, [key], "merged")


def _merge_beside(draft: Draft, key: str) -> None:
    beside = [k for k in draft.children(draft.parents[key]) if k != key and not draft.children(k)]
    if draft.children(key) or not beside:
        return
    target = draft.pick(beside)
    if draft.rng.random() < 0.7:
        draft.names[target] = f"{draft.names[target]} & {draft.names[key]}"
        draft.changed[target] = "renamed"
    draft.remove(key, [target], "merged")


def _gather(draft: Draft, key: str) -> None:
    """Make one new node of nodes below a node that share a word, beside them or further up."""
    leaves = [c for c in draft.children(key) if not draft.children(c)]
    place = draft.parents[key] if draft.parents[key] and draft.rng.random() < 0.5 else key
    words = [word for leaf in leaves for word in set(draft.names[leaf].split()) if len(word) > 2]
    shared = sorted({word for word in words if words.count(word) > 1})
    if not shared:
        return
    word = draft.pick(shared)
    name = word if draft.rng.random() < 0.3 else f"{draft.pick(draft.words).capitalize()} {word}"
    gathered = [leaf for leaf in leaves if word in draft.names[leaf].split()][:6]
    if draft.is_free(place, name):
        new = f"{key}~{len(draft.became)}"
        draft.parents[new], draft.names[new] = place, name
        for leaf in gathered:
            draft.remove(leaf, [new], "merged")


def _move_and_rename(draft: Draft, key: str) -> None:
    _move(draft, key)
    if draft.changed.get(key) == "moved":
        _rename(draft, key)


def _split(draft: Draft, key: str) -> None:
    if draft.children(key):
        return
    parent, words = draft.parents[key], draft.names[key].split(" & ")
    if len(words) != 2:
        words = [f"{draft.pick(draft.words).capitalize()} {draft.names[key]}" for _ in range(2)]
    if words[0] != words[1] and all(draft.is_free(parent, word) for word in words):
        for number, word in enumerate(words):
            draft.parents[f"{key}/{number}"], draft.names[f"{key}/{number}"] = parent, word
        draft.remove(key, [f"{key}/0", f"{key}/1"], "split")


def _insert(draft: Draft, key: str) -> None:
    """Put a new node between a node and some of its children."""
    children = [child for child in draft.children(key) if draft.rng.random() < 0.5]
    name = f"{draft.pick(draft.words).capitalize()} {draft.names[key].split()[-1]}"
    if len(children) > 1 and draft.is_free(key, name):
        draft.parents[f"{key}+"], draft.names[f"{key}+"] = key, name
        for child in children:
            draft.parents[child] = f"{key}+"
            draft.changed[child] = "moved"


def _drop(draft: Draft, key: str) -> None:
    """Remove a node and all below it; they belong to the parent, or to nothing at the top."""
    below = draft.below(key)
    if len(below) < 60:
        targets = [draft.parents[key]] if draft.parents[key] else []
        for node in below:
            draft.remove(node, targets, "merged" if targets else "dropped")


def _add(draft: Draft, key: str) -> None:
    """Add a node whose name is made of words of the tree, or like that of the node beside it."""
    words = draft.names[key].split()
    if draft.rng.random() < 0.5:
        words[int(draft.rng.integers(len(words)))] = draft.pick(draft.words).capitalize()
    else:
        words = [draft.pick(draft.words).capitalize() for _ in range(int(draft.rng.integers(1, 4)))]
    parent, name = draft.parents[key], " ".join(words)
    if draft.rng.random() < 0.4:
        parent = key
    if draft.is_free(parent, name):
        number = len(draft.parents)
        draft.parents[f"new {number}"], draft.names[f"new {number}"] = parent, name


CHANGES: dict[str, Callable[[Draft, str], None]] = {
    "rename": _rename, "rename alike": _rename_alike, "move": _move, "lift": _lift,
    "merge up": _merge_up, "merge children": _merge_children, "merge beside": _merge_beside,
    "gather": _gather, "move and rename": _move_and_rename,
    "split": _split, "insert": _insert, "drop": _drop, "add": _add,
}  # fmt: skip


@dataclass(frozen=True)
class Simulated:
    """A tree, its changed version, and what is true.

    Attributes:
        old: The tree.
        new: Its changed version; no node has the id of another one's path.
        targets: For each old node, the new nodes that are right; none for a dropped one.
        kinds: The kind of change of each old node, ``"same"`` if it has none of its own.
    """

    old: "Taxonomy"
    new: "Taxonomy"
    targets: list[set[int]]
    kinds: list[str]


def change(
    tree: "Taxonomy", seed: int, scale: float = 1.0, adds: float = SHARES["add"]
) -> Simulated:
    """Change a tree at random.

    Args:
        tree: The tree.
        seed: Of the chance.
        scale: How many changes there are, 1 for the usual shares.
        adds: How many new nodes there are for each old one.
    """
    from prodcat import Taxonomy

    parents = {
        key: tree.ids[above] if above >= 0 else ""
        for key, above in zip(tree.ids, tree.parent.tolist(), strict=True)
    }
    words = [word for name in tree.names for word in name.split() if len(word) > 2]
    names = dict(zip(tree.ids, tree.names, strict=True))
    draft = Draft(parents, names, np.random.default_rng(seed), words)
    for kind, share in {**SHARES, "add": adds / scale}.items():
        for _ in range(max(1, round(share * scale * len(tree)))):
            CHANGES[kind](draft, draft.pick(list(draft.parents)))
    rows = [
        {"id": key, "parent": parent or None, "name": draft.names[key]}
        for key, parent in draft.parents.items()
    ]
    new = Taxonomy.from_table(rows)
    place = {key: node for node, key in enumerate(new.ids)}
    targets = [{place[key] for key in _final(key, draft)} for key in tree.ids]
    kinds = [draft.changed.get(key, "same") for key in tree.ids]
    return Simulated(tree, new, targets, kinds)


def _final(key: str, draft: Draft) -> set[str]:
    """What a node has become in the end."""
    if key in draft.parents:
        return {key}
    return {end for target in draft.became.get(key, ()) for end in _final(target, draft)}
