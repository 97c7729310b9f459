"""The changes of a tree that has only some categories of the old one."""

from prodcat.errors import TaxonomyError
from prodcat.taxonomy.changes.change import made_rows
from prodcat.taxonomy.changes.changes import TreeChanges
from prodcat.taxonomy.changes.trees import Tree
from prodcat.taxonomy.paths import join_path
from prodcat.taxonomy.problems import first_problems


def changes_of(tree: Tree, changes: TreeChanges) -> TreeChanges:
    """What has become of each category of a tree that is part of the old tree.

    A classifier that was trained without a tree has only the categories of its titles, and their
    paths are their ids.

    Args:
        tree: The tree, whose categories have paths of the old tree.
        changes: The changes of the old tree.

    Returns:
        The changes with one row for each category of the tree.

    Raises:
        TaxonomyError: The old tree of the changes lacks a category.
    """
    old, new = changes.old, changes.new
    if tree is old:
        return changes
    places = [old.get(path) for path in tree.paths]
    missing = [join_path(tree.paths[n]) for n, place in enumerate(places) if place is None]
    if missing:
        raise TaxonomyError(
            f"{len(missing):,} of {len(tree):,} categories are not in the old tree of the changes: "
            f"{first_problems(list(map(repr, missing)))}. Give the changes of the tree that they "
            "are of."
        )
    rows = [changes.rows[place] for place in places if place is not None]
    node_of = {key: node for node, key in enumerate(new.ids)}
    kept = made_rows(
        tree,
        new,
        [tuple(node_of[key] for key in row.new_ids) for row in rows],
        [row.confidence for row in rows],
        [row.sure for row in rows],
        [row.reason for row in rows],
    )
    return TreeChanges(*kept, tree, new)
