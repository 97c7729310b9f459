"""Converts the labels of a catalog to nodes of another tree."""

import numpy as np

from prodcat.catalog.catalog import Catalog
from prodcat.errors import CatalogError
from prodcat.taxonomy.arrays import Ints
from prodcat.taxonomy.paths import join_path
from prodcat.taxonomy.tree import Taxonomy


def targets_in(catalog: Catalog, taxonomy: Taxonomy) -> Ints:
    """The nodes of another tree with which the rows of a catalog are labelled.

    Nodes of the two trees are the same if all ids on their paths are equal.

    Args:
        catalog: Rows that all have a label.
        taxonomy: The other tree.

    Returns:
        int64 [rows].

    Raises:
        CatalogError: The label of a row is not in the other tree, or the catalog has no categories.
    """
    source = catalog.tree
    if source is taxonomy or source.hash == taxonomy.hash:
        return catalog.targets
    by_chain = nodes_by_ids(taxonomy)
    node_of = {
        int(target): by_chain.get(_id_chain(source, int(target)), -1)
        for target in np.unique(catalog.targets)
    }
    missing = [target for target, node in node_of.items() if node < 0]
    if missing:
        rows = int(np.isin(catalog.targets, missing).sum())
        paths = [join_path(source.paths[target]) for target in missing]
        raise CatalogError(
            f"{rows} rows carry {len(paths)} categories that are not in the classifier's tree, "
            f"e.g. {paths[:3]}. Read the catalog with taxonomy=classifier.taxonomy and "
            "on_error='aside' to leave such rows out."
        )
    return np.array([node_of[int(target)] for target in catalog.targets], dtype=np.int64)


def nodes_by_ids(taxonomy: Taxonomy) -> dict[tuple[str, ...], int]:
    """The node for each sequence of ids from the top level down to a node."""
    return {_id_chain(taxonomy, node): node for node in range(len(taxonomy))}


def _id_chain(taxonomy: Taxonomy, node: int) -> tuple[str, ...]:
    return tuple(taxonomy.ids[n] for n in taxonomy.ancestors(node))
