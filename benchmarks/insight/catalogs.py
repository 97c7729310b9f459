"""Classifiers and catalogs that several jobs need."""

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from prodcat import Catalog, Classifier, Taxonomy


def fit_ngrams(train: "Catalog") -> "Classifier":
    """A classifier of n-grams alone."""
    import prodcat

    return prodcat.fit(train, model=prodcat.ModelConfig(encoder=None), progress=False)


def known_rows(catalog: "Catalog", tree: "Taxonomy") -> "tuple[Catalog, NDArray[np.int64]]":
    """The rows whose category is in another tree, with their nodes there."""
    node_of = {node_id: node for node, node_id in enumerate(tree.ids)}
    nodes = np.array([node_of.get(catalog.tree.ids[node], -1) for node in catalog.targets])
    kept = np.flatnonzero(nodes >= 0)
    return catalog.take(kept), nodes[kept]


def unlabelled(catalog: "Catalog") -> "Catalog":
    """The same titles without their categories."""
    return dataclasses.replace(catalog, taxonomy=None, targets=np.full(len(catalog), -1))
