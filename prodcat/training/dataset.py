"""The labelled titles of a fit: those to train on, and those that are held out."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from prodcat.catalog.catalog import Catalog
from prodcat.catalog.targets import targets_in
from prodcat.errors import CatalogError
from prodcat.taxonomy.tree import Taxonomy
from prodcat.training.held_out import split_labelled
from prodcat.training.rows import LabelledRows, named_outcomes
from prodcat.training.settings import Setup


@dataclass(frozen=True)
class Dataset:
    """Labelled titles, split into those to train on and those to validate on.

    Attributes:
        taxonomy: The tree of the catalog.
        catalog: The titles to train on.
        validation: The titles to validate on.
        training_rows: Distinct texts to train on, with their labels: the titles and, if
            ``training.node_names`` is set, the names of the outcomes.
        validation_rows: One row for each title to validate on.
    """

    taxonomy: Taxonomy
    catalog: Catalog
    validation: Catalog
    training_rows: LabelledRows
    validation_rows: LabelledRows

    @classmethod
    def of(cls, catalog: Catalog, validation: Catalog | None, setup: Setup) -> "Dataset":
        """Split the titles that :func:`prodcat.fit` is given, and make rows of them.

        Args:
            catalog: All titles to train on.
            validation: Titles to validate on; None to hold out a share of the catalog.
            setup: The settings of the fit.

        Returns:
            The titles, their tree, and the rows to train on and to validate on.

        Raises:
            CatalogError: There are too few labelled titles, the text columns differ, or a label
                of the validation titles is not in the tree.
        """
        taxonomy = catalog.tree
        warm = setup.warm
        if warm is not None and warm.text_columns != tuple(catalog.texts):
            raise CatalogError(
                f"The catalog has text columns {list(catalog.texts)}; the classifier to start from "
                f"was trained with {list(warm.text_columns)}. Read the catalog with these as text=."
            )
        catalog, validation = split_labelled(catalog, validation, setup)
        names, nodes = named_outcomes(taxonomy) if setup.training.node_names else ([], [])
        targets = np.concatenate([catalog.targets, np.array(nodes, np.int64)])
        rows = LabelledRows.of([*catalog.inputs, *names], targets, taxonomy).merged()
        held_out = LabelledRows.of(validation.inputs, targets_in(validation, taxonomy), taxonomy)
        return cls(taxonomy, catalog, validation, rows, held_out)

    @property
    def counts(self) -> NDArray[np.int64]:
        """int64 [nodes]: training titles labelled with each node."""
        return np.bincount(self.catalog.targets, minlength=len(self.taxonomy))
