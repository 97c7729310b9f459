"""Labels of two trees, which are compared in the later one."""

from dataclasses import replace

import numpy as np

from prodcat.catalog.catalog import Catalog
from prodcat.catalog.migrating import nodes_of_tree
from prodcat.catalog.relabelling import Relabelling
from prodcat.catalog.targets import targets_in
from prodcat.errors import CatalogError, ConfigError
from prodcat.insight.arrays import Ints
from prodcat.insight.drift.trees import TreeChange, compare_trees, listed_changes
from prodcat.taxonomy.changes.changes import TreeChanges
from prodcat.taxonomy.tree import Taxonomy


def relabelling_to(
    tree: Taxonomy, changes: tuple[Taxonomy, Taxonomy] | TreeChanges | None
) -> Relabelling | None:
    """What becomes of labels of the earlier tree; None if there is no checked table of changes.

    Args:
        tree: The tree of the classifier.
        changes: What has become of each category; or only two trees, or None.

    Raises:
        ConfigError: The changes end with another tree than the classifier's.
    """
    if not isinstance(changes, TreeChanges):
        return None
    relabelling = Relabelling(changes)
    if relabelling.new.hash != tree.hash:
        raise ConfigError(
            f"The changes end with {relabelling.new!r}, and the classifier has {tree!r}; expected "
            "a classifier of the new tree. Migrate it first, with classifier.migrate(changes) "
            "(prodcat tree migrate)."
        )
    return relabelling


def changes_between(
    trees: tuple[Taxonomy, Taxonomy] | TreeChanges | None,
) -> tuple[TreeChange, ...]:
    """The changes of the tree: by a checked table, by the ids of two trees, or none.

    Args:
        trees: The checked changes, the two trees, or None.
    """
    if isinstance(trees, TreeChanges):
        return listed_changes(trees)
    return () if trees is None else compare_trees(*trees)


def counted_labels(
    before: Catalog, after: Catalog, tree: Taxonomy, relabelling: Relabelling | None
) -> tuple[Ints, Ints] | None:
    """The nodes at which titles are counted, or None if any has no label in the classifier's tree.

    Args:
        before: The earlier titles.
        after: The later titles.
        tree: The classifier's tree.
        relabelling: What becomes of labels of the earlier tree; None if there is one tree.
    """
    for catalog in (before, after):
        if catalog.taxonomy is None or not catalog.labelled.all():
            return None
    try:
        if relabelling is None:
            return targets_in(before, tree), targets_in(after, tree)
        nodes = [
            nodes_in_new_tree(catalog, relabelling, old_first=is_before)
            for catalog, is_before in ((before, True), (after, False))
        ]
    except CatalogError:
        return None
    counted = [np.where(n >= 0, relabelling.countable[np.maximum(n, 0)], -1) for n in nodes]
    return None if any((n < 0).any() for n in counted) else (counted[0], counted[1])


def nodes_in_new_tree(catalog: Catalog, relabelling: Relabelling, *, old_first: bool) -> Ints:
    """The nodes of the new tree for titles with labels of the old tree or of the new one.

    Args:
        catalog: Titles that all have a label.
        relabelling: What becomes of labels of the old tree.
        old_first: Whether labels that are in both trees are those of the old one, if the catalog
            was read without a tree.

    Returns:
        int64 [titles]: the deepest node that is certain, -1 for none.

    Raises:
        CatalogError: A label is in neither tree, or labels are of both.
    """
    hashes = {relabelling.old.hash: True, relabelling.new.hash: False}
    is_old = hashes.get(catalog.tree.hash, old_first)
    for of_old in (is_old, not is_old):
        try:
            if of_old:
                old = nodes_of_tree(catalog.tree, catalog.targets, relabelling)
                return relabelling.nodes[old]
            return targets_in(catalog, relabelling.new)
        except CatalogError:
            if of_old != is_old:
                raise
    raise AssertionError


def complete_labels(catalog: Catalog, relabelling: Relabelling) -> Catalog:
    """The titles whose label in the new tree is certain, with labels of the new tree.

    Args:
        catalog: Titles with labels of either tree.
        relabelling: What becomes of labels of the old tree.

    Raises:
        CatalogError: A label is in neither tree.
    """
    rows = catalog.take(catalog.labelled)
    nodes = nodes_in_new_tree(rows, relabelling, old_first=False)
    certain = (nodes >= 0) & relabelling.new.terminal[np.maximum(nodes, 0)]
    return replace(rows, taxonomy=relabelling.new, targets=nodes).take(certain)
