"""What the label of a title becomes in the next version of a tree.

A label is certain only if the table of changes says where each product of it has gone.  A product
of a category that is split may be in any of its parts.  Then the deepest category that has all of
them below it is all that is known of it, a partial label, and a person must choose among the parts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import cast

import numpy as np

from prodcat.taxonomy.arrays import Flags, Ints
from prodcat.taxonomy.changes.changes import TreeChanges
from prodcat.taxonomy.paths import join_path
from prodcat.taxonomy.tree import Taxonomy

SPLIT = "split"
DROPPED = "dropped"
DIVIDED = "has parts now"
SPREAD = "parts have moved"
UNKNOWN = "unknown category"

_SHOWN = 3  # names in a reason


@dataclass(frozen=True)
class NewLabel:
    """What a label becomes in the new tree.

    Attributes:
        kind: The kind of change of its category, such as ``"renamed"``; or, for a label that a
            person must choose, why: ``"split"``, ``"dropped"``, ``"has parts now"`` (products no
            longer end at the category, but below it) or ``"parts have moved"`` (a label that was
            partial, of which some categories below have moved away).
        node: The deepest node of the new tree that is certain, -1 for none.
        choices: The nodes among which a person must choose; none for a dropped category, of which
            nothing is known, and for a label that is certain.
        is_decided: Whether nobody needs to choose.
        reason: Why a person must choose, in words; empty if not.
    """

    kind: str
    node: int
    choices: tuple[int, ...] = ()
    is_decided: bool = True
    reason: str = ""


@dataclass(frozen=True, eq=False)
class Relabelling:
    """What each label of an old tree becomes in a new one, by the changes between the two.

    Attributes:
        changes: The changes.
    """

    changes: TreeChanges

    @property
    def old(self) -> Taxonomy:
        """The old tree."""
        return cast(Taxonomy, self.changes.old)

    @property
    def new(self) -> Taxonomy:
        """The new tree."""
        return cast(Taxonomy, self.changes.new)

    @cached_property
    def targets(self) -> tuple[tuple[int, ...], ...]:
        """The nodes of the new tree that each old node has become, of which several for a split."""
        node_of = {key: node for node, key in enumerate(self.new.ids)}
        return tuple(tuple(node_of[key] for key in row.new_ids) for row in self.changes.rows)

    @cached_property
    def labels(self) -> tuple[NewLabel, ...]:
        """What a label at each node of the old tree becomes."""
        return tuple(
            self._of_terminal(node) if self.old.terminal[node] else self._of_partial(node)
            for node in range(len(self.old))
        )

    @cached_property
    def nodes(self) -> Ints:
        """int64 [old nodes]: the deepest node that is certain for a label there, -1 for none."""
        return np.array([label.node for label in self.labels], np.int64)

    @cached_property
    def decided(self) -> Flags:
        """Bool [old nodes]: whether nobody needs to choose the label of a title there."""
        return np.array([label.is_decided for label in self.labels], np.bool_)

    @cached_property
    def shared(self) -> Ints:
        """The category at or above each new node at which answers of both trees can be compared.

        The parts of a category cannot be told from each other by an answer of the old tree, so that
        only the category above all parts is shared.  A node that only the new tree has is shared
        with nothing.

        Returns:
            int64 [new nodes]: a node at or above each, -1 for none.
        """
        return self._shared(is_strict=False)

    @cached_property
    def countable(self) -> Ints:
        """The category at or above each new node at which titles of both trees can be counted.

        In addition to what :attr:`shared` says, titles of an old category that has become one with
        children may be in any of these, so that they are all counted together; and a node that only
        the new tree has is counted with its parent.

        Returns:
            int64 [new nodes]: a node at or above each, -1 for none.
        """
        return self._shared(is_strict=True)

    def _shared(self, is_strict: bool) -> Ints:
        reached = self._reached
        above = np.arange(len(self.new), dtype=np.int64)
        for old, label in enumerate(self.labels):
            if not label.is_decided and self.old.terminal[old]:
                for choice in label.choices:
                    if is_strict or label.kind == SPLIT or not reached[choice]:
                        above[choice] = self._higher(int(above[choice]), label.node)
        for node in range(len(self.new)):  # parents come before their children
            parent = int(self.new.parent[node])
            limit = int(above[parent]) if parent >= 0 else -1
            if parent >= 0 and limit != parent:
                above[node] = self._higher(int(above[node]), limit)
            elif not reached[node] and above[node] == node:
                above[node] = limit if is_strict else -1
        return _settled(above)

    @cached_property
    def _reached(self) -> Flags:
        """Bool [new nodes]: whether an old node has become the node, or one below it."""
        reached = np.zeros(len(self.new), np.bool_)
        for nodes in self.targets:
            for node in nodes:
                reached[list(self.new.ancestors(node))] = True
        return reached

    def _higher(self, one: int, other: int) -> int:
        """The deepest node above two, one of which may be the other; -1 for none."""
        return -1 if -1 in (one, other) else lowest_above(self.new, [one, other])

    def _of_terminal(self, node: int) -> NewLabel:
        """What the label of products that end at a node becomes."""
        kind, targets = self.changes.rows[node].kind, self.targets[node]
        if not targets:
            return NewLabel(DROPPED, -1, (), False, self._reason(node, "dropped"))
        if len(targets) > 1:
            certain = self._certain(targets)
            return NewLabel(SPLIT, certain, targets, False, self._reason(node, "split", targets))
        [target] = targets
        if self.new.terminal[target]:
            return NewLabel(kind, target)
        children = self.new.children(target)
        return NewLabel(DIVIDED, target, children, False, self._reason(target, "divided", children))

    def _of_partial(self, node: int) -> NewLabel:
        """What a partial label becomes, of a product that ends somewhere below a node."""
        change, targets = self.changes.rows[node], self.targets[node]
        start, end = self.old.target_spans[node].tolist()
        ends = self.old.outcomes[start:end].tolist()
        reached = dict.fromkeys(target for each in ends for target in self.targets[each])
        if not reached:
            return NewLabel(DROPPED, -1, (), False, self._reason(node, "dropped"))
        certain = self._certain(tuple(reached))
        if len(targets) == 1 and (certain == targets[0] or self._is_below(certain, targets[0])):
            # A product of a category below that was dropped may still be anywhere below.
            is_whole = all(self.targets[each] for each in ends)
            return NewLabel(change.kind, certain if is_whole else targets[0])
        choices = tuple(self._topmost(reached, certain))
        if len(targets) > 1:
            return NewLabel(SPLIT, certain, choices, False, self._reason(node, "split", choices))
        return NewLabel(SPREAD, certain, choices, False, self._reason(node, "spread", choices))

    def _certain(self, targets: Sequence[int]) -> int:
        """The deepest node that says of a product no more than that it is in one of several.

        A label at a node where products may end says that the product ends there, and not below.
        """
        if len(set(targets)) == 1 and self.new.terminal[targets[0]]:
            return targets[0]
        node = lowest_above(self.new, targets)
        while node >= 0 and self.new.terminal[node]:
            node = int(self.new.parent[node])
        return node

    def _is_below(self, node: int, other: int) -> bool:
        return node >= 0 and other in self.new.ancestors(node)

    def _topmost(self, nodes: Sequence[int] | dict[int, None], below: int) -> list[int]:
        """The children of a node, -1 for the root, that have some nodes at or below them."""
        level = int(self.new.level[below]) if below >= 0 else 0
        chains = self.new.chains
        return sorted({
            int(chains[node, level]) if int(self.new.level[node]) > level else node
            for node in nodes
        })  # fmt: skip

    def _reason(self, node: int, why: str, choices: Sequence[int] = ()) -> str:
        """Why a person must choose, in words."""
        if why == "dropped":
            return f"nothing has become of {join_path(self.old.paths[node])!r}"
        listed = ", ".join(repr(self.new.names[choice]) for choice in choices[:_SHOWN])
        more = f" and {len(choices) - _SHOWN:,} more" if len(choices) > _SHOWN else ""
        if why == "divided":
            return f"products end below {join_path(self.new.paths[node])!r} now: at {listed}{more}"
        name = repr(join_path(self.old.paths[node]))
        if why == "split":
            return f"{name} is split into {listed}{more}"
        return f"what was below {name} is in several places now: {listed}{more}"


def _settled(above: Ints) -> Ints:
    """Nodes of which each is replaced by the node that takes its place, until nothing changes."""
    while True:
        again = np.where(above >= 0, above[np.maximum(above, 0)], -1)
        if np.array_equal(again, above):
            return above
        above = again


def lowest_above(tree: Taxonomy, nodes: Sequence[int]) -> int:
    """The deepest node that is at or above all of some nodes; -1 for the root.

    Args:
        tree: The tree.
        nodes: At least one node.

    >>> tree = Taxonomy.from_paths(["Food > Fruit > Apples", "Food > Fruit > Pears", "Home"])
    >>> tree.names[lowest_above(tree, [tree.find("Food > Fruit > Apples"), tree.find("Food")])]
    'Food'
    """
    chains = tree.chains[list(nodes)]
    same = (chains == chains[0]).all(axis=0) & (chains[0] >= 0)
    levels = int(same.cumprod().sum())
    return int(chains[0, levels - 1]) if levels else -1
