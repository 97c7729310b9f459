"""Titles labelled with a tree and with its next version, both made of one published tree.

Which of two parts a title of a split category belongs to cannot be made up, so the old tree is made
too: what is split has been one category before, and what is added was not there.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.quality.sets import catalog_of, rows_of

if TYPE_CHECKING:
    from prodcat import Catalog, Taxonomy
    from prodcat.taxonomy.changes.changes import TreeChanges

FEWEST = 8  # titles of a category that is changed
KINDS = ("renamed", "moved", "merged", "split", "dropped", "added")
# The share of the outcomes with enough titles to which each change happens.
SHARES = {
    "renamed": 0.1, "moved": 0.06, "merged": 0.08, "split": 0.08, "dropped": 0.02, "added": 0.04,
}  # fmt: skip
_LETTERS = "abdefgiklmnoprstuvz"
PARTS = ("train", "validation", "test")


@dataclass
class _Draft:
    """The nodes of one version while it is made, by their keys.

    Attributes:
        parents: The key of each node's parent; empty at the top.
        names: The name of each node.
        terminal: Whether a product may end there.
        became: The keys of what those nodes of the published tree are here that are not the same.
    """

    parents: dict[str, str]
    names: dict[str, str]
    terminal: dict[str, bool]
    became: dict[str, list[str]] = field(default_factory=dict)

    def copy(self) -> "_Draft":
        return _Draft(dict(self.parents), dict(self.names), dict(self.terminal))

    def is_free(self, parent: str, name: str) -> bool:
        return all(
            self.names[key] != name for key, above in self.parents.items() if above == parent
        )

    def siblings(self, key: str) -> int:
        return sum(above == self.parents[key] for above in self.parents.values()) - 1

    def remove(self, key: str, became: list[str]) -> None:
        del self.parents[key], self.names[key], self.terminal[key]
        self.became[key] = became

    def join(self, first: str, second: str) -> None:
        """Make one node of two siblings."""
        key, name = f"{first}+{second}", f"{self.names[first]} & {self.names[second]}"
        self.parents[key], self.names[key], self.terminal[key] = self.parents[first], name, True
        self.remove(first, [key])
        self.remove(second, [key])

    def targets(self, key: str) -> list[str]:
        return self.became.get(key, [key])

    def tree(self) -> "Taxonomy":
        from prodcat import Taxonomy

        return Taxonomy.from_table(
            [
                {"id": key, "parent": above or None, "name": self.names[key],
                 "terminal": self.terminal[key]}
                for key, above in self.parents.items()
            ]
        )  # fmt: skip


@dataclass(frozen=True)
class Versions:
    """A tree and its next version, with titles that are labelled with both.

    Attributes:
        changes: What each category of the old tree has become.
        old: The catalogs by part, labelled with the old tree.
        new: The same labelled with the new tree; titles of dropped categories are left out.
        changed: The ids of the new tree's nodes that are split parts or added.
    """

    changes: "TreeChanges"
    old: "dict[str, Catalog]"
    new: "dict[str, Catalog]"
    changed: frozenset[str]


def versions(
    data: Path, name: str, seed: int, kinds: Sequence[str] = KINDS, most: int | None = None
) -> Versions:
    """Make two versions of the tree of a set.

    Args:
        data: The folder of all sets.
        name: The set.
        seed: Of all choices.
        kinds: The changes that happen.
        most: The largest number of rows of each part; None for all.
    """
    records = {part: rows_of(data, name, [part])[:most] for part in PARTS}
    whole = catalog_of(name, [row for rows in records.values() for row in rows])
    tree, rng = whole.tree, np.random.default_rng(seed)
    keys = [f"n{node}" for node in range(len(tree))]
    above = [keys[node] if node >= 0 else "" for node in tree.parent.tolist()]
    published = _Draft(
        dict(zip(keys, above, strict=True)),
        dict(zip(keys, tree.names, strict=True)),
        dict(zip(keys, tree.terminal.tolist(), strict=True)),
    )
    old, new = published.copy(), published.copy()
    counts = np.bincount(whole.targets[: len(records["train"])], minlength=len(tree))
    made = _Changes(tree, counts, old, new, rng)
    for kind in kinds:
        made.make(kind)
    old_tree, new_tree = old.tree(), new.tree()
    changes = _changes(keys, old, new, old_tree, new_tree)
    start, catalogs = 0, []
    for part in PARTS:
        rows = range(start, start + len(records[part]))
        start = rows.stop
        titles = [whole.titles[row] for row in rows]
        labels = [keys[node] for node in whole.targets[rows.start : rows.stop].tolist()]
        catalogs.append([_catalog(titles, labels, *side)
                         for side in ((old, old_tree), (new, new_tree))])  # fmt: skip
    changed = [row for row in changes.rows if row.kind == "split"]
    ids = {key for row in (*changed, *changes.added) for key in row.new_ids}
    return Versions(
        changes,
        {part: pair[0] for part, pair in zip(PARTS, catalogs, strict=True)},
        {part: pair[1] for part, pair in zip(PARTS, catalogs, strict=True)},
        frozenset(ids),
    )


class _Changes:
    """Changes categories of both versions at random, each at most once.

    Args:
        tree: The published tree.
        counts: int64 [nodes]: the number of training titles of each node.
        old: The old version.
        new: The new version.
        rng: The source of chance.
    """

    def __init__(
        self, tree: "Taxonomy", counts: Any, old: _Draft, new: _Draft, rng: np.random.Generator
    ) -> None:
        self.tree, self.old, self.new, self.rng = tree, old, new, rng
        self.leaves = [
            n for n in tree.outcomes.tolist() if not tree.children(n) and counts[n] >= FEWEST
        ]
        self.free = set(self.leaves)
        self.inner = [f"n{node}" for node in range(len(tree)) if tree.children(node)]

    def make(self, kind: str) -> None:
        """Change as many categories as there are to be of a kind."""
        change: Callable[[int], list[int]] = {
            "renamed": self._rename, "moved": self._move,
            "merged": lambda node: self._join(self.new, node),
            "split": lambda node: self._join(self.old, node),
            "dropped": lambda node: self._remove(self.new, node),
            "added": lambda node: self._remove(self.old, node),
        }[kind]  # fmt: skip
        left = max(1, round(SHARES[kind] * len(self.leaves)))
        for node in self.rng.permutation(sorted(self.free)).tolist():
            if left > 0 and node in self.free:
                done = change(node)
                self.free.difference_update(done)
                left -= len(done)

    def _rename(self, node: int) -> list[int]:
        """Every other name is replaced as a whole, so that only titles tell what it is."""
        word, names = "".join(self.rng.choice(list(_LETTERS), 7)).capitalize(), self.new.names
        names[f"n{node}"] = word if self.rng.random() < 0.5 else f"{word} {names[f'n{node}']}"
        return [node]

    def _move(self, node: int) -> list[int]:
        key, draft = f"n{node}", self.new
        parent = self.inner[int(self.rng.integers(len(self.inner)))]
        if (
            draft.siblings(key) < 1
            or parent == draft.parents[key]
            or not draft.is_free(parent, draft.names[key])
        ):
            return []
        draft.parents[key] = parent
        return [node]

    def _join(self, draft: _Draft, node: int) -> list[int]:
        others = [other for other in self.tree.siblings(node) if other in self.free]
        if not others:
            return []
        other = others[int(self.rng.integers(len(others)))]
        draft.join(f"n{node}", f"n{other}")
        return [node, other]

    def _remove(self, draft: _Draft, node: int) -> list[int]:
        if draft.siblings(f"n{node}") < 1:
            return []
        draft.remove(f"n{node}", [])
        return [node]


def _changes(
    keys: Sequence[str], old: _Draft, new: _Draft, old_tree: "Taxonomy", new_tree: "Taxonomy"
) -> "TreeChanges":
    """The true table of changes."""
    from prodcat.taxonomy.changes.change import made_rows
    from prodcat.taxonomy.changes.changes import TreeChanges

    place = {key: node for node, key in enumerate(new_tree.ids)}
    became: dict[str, list[int]] = {key: [] for key in old_tree.ids}
    for key in keys:
        for before in old.targets(key):
            became[before] += [place[after] for after in new.targets(key)]
    targets = [tuple(sorted(set(became[key]))) for key in old_tree.ids]
    size = len(old_tree)
    rows = made_rows(old_tree, new_tree, targets, [1.0] * size, [True] * size, ["made"] * size)
    return TreeChanges(*rows, old_tree, new_tree)


def _catalog(
    titles: Sequence[str], labels: Sequence[str], draft: _Draft, tree: "Taxonomy"
) -> "Catalog":
    """The titles whose category there is in a version."""
    import prodcat

    rows = [
        {"title": title, "path": list(tree.path(tree.node(key)))}
        for title, label in zip(titles, labels, strict=True)
        for key in draft.targets(label)
    ]
    return prodcat.read_catalog(rows, taxonomy=tree)
