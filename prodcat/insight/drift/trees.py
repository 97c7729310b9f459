"""The differences between two trees."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from prodcat.errors import TaxonomyError
from prodcat.storage.containers import described
from prodcat.taxonomy.changes.changes import TreeChanges
from prodcat.taxonomy.tree import Taxonomy

TreeKind = Literal["new", "gone", "moved", "renamed", "renamed and moved", "merged", "split"]
KINDS: tuple[TreeKind, ...] = (
    "new", "gone", "moved", "renamed", "renamed and moved", "merged", "split",
)  # fmt: skip


@dataclass(frozen=True)
class TreeChange:
    """A node that is new, gone, moved, renamed, merged into another or split.

    Attributes:
        kind: How the node changed.
        node_id: Id of the node.
        before: Path of the node before; empty if it is new.
        after: Path of the node after; empty if it is gone.  A split node has a change for each
            part.
    """

    kind: TreeKind
    node_id: str
    before: tuple[str, ...]
    after: tuple[str, ...]


def compare_trees(old: Taxonomy, new: Taxonomy) -> tuple[TreeChange, ...]:
    """List the changes between two trees.

    Nodes with the same id are the same node.  A node counts as moved if its parent changed, so the
    nodes below a moved node do not count as moved.

    Args:
        old: The earlier tree.
        new: The later tree.

    Returns:
        The new, moved and renamed nodes in the order of the later tree, then the nodes that are
        gone.

    Raises:
        TaxonomyError: One of the two is no tree.
    """
    for tree in (old, new):
        if not isinstance(tree, Taxonomy):
            raise TaxonomyError(f"A tree is {described(tree)}; expected a Taxonomy.")
    return (*_new_and_changed(old, new), *_gone(old, new))


def _new_and_changed(old: Taxonomy, new: Taxonomy) -> Iterator[TreeChange]:
    old_nodes = {node_id: node for node, node_id in enumerate(old.ids)}
    for node, node_id in enumerate(new.ids):
        path = new.paths[node]
        if node_id not in old_nodes:
            yield TreeChange("new", node_id, (), path)
            continue
        old_node = old_nodes[node_id]
        old_path = old.paths[old_node]
        if _parent_id(old, old_node) != _parent_id(new, node):
            yield TreeChange("moved", node_id, old_path, path)
        elif old_path[-1] != path[-1]:
            yield TreeChange("renamed", node_id, old_path, path)


def _parent_id(tree: Taxonomy, node: int) -> str | None:
    parent = tree.parent[node]
    return tree.ids[parent] if parent >= 0 else None


def _gone(old: Taxonomy, new: Taxonomy) -> Iterator[TreeChange]:
    new_ids = set(new.ids)
    for node, node_id in enumerate(old.ids):
        if node_id not in new_ids:
            yield TreeChange("gone", node_id, old.paths[node], ())


def listed_changes(changes: TreeChanges) -> tuple[TreeChange, ...]:
    """List the changes of a checked table, without the nodes that are the same.

    Args:
        changes: What has become of each node.

    Returns:
        The changed nodes in the order of the earlier tree, then the new ones.
    """
    kinds: dict[str, TreeKind] = {kind: kind for kind in KINDS}
    kinds |= {"dropped": "gone", "added": "new"}
    rows = [row for row in changes.rows if row.kind != "same"]
    changed = [
        TreeChange(kinds[row.kind], row.old_id, row.old_path, path)
        for row in rows
        for path in row.new_paths or ((),)
    ]
    added = [TreeChange("new", row.new_ids[0], (), row.new_paths[0]) for row in changes.added]
    return (*changed, *added)
