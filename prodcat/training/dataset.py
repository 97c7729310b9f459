"""The labelled titles of a fit: those to train on, and those that are held out."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from prodcat.catalog.catalog import Catalog, check_catalog
from prodcat.catalog.fields import are_titles_alone, title_of
from prodcat.catalog.targets import targets_in
from prodcat.errors import CatalogError
from prodcat.taxonomy.tree import Taxonomy
from prodcat.training.folds import Folds
from prodcat.training.held_out import labelled_titles, split_labelled
from prodcat.training.rows import LabelledRows, named_outcomes
from prodcat.training.settings import Setup


@dataclass(frozen=True)
class Dataset:
    """The labelled titles of a fit.

    Attributes:
        taxonomy: The tree of the catalog.
        catalog: The titles to train on.
        validation: The titles to validate on; with ``folds`` they are titles of ``catalog``.
        training_rows: Distinct texts to train on, with their labels: the titles and, if
            ``training.node_names`` is set, the names of the outcomes.
        validation_rows: One row for each title to validate on.
        final_rows: Distinct texts that the saved n-grams learn: those to train on and, unless
            ``training.learn_validation`` is unset, those to validate on.
        counts: int64 [nodes]: titles that the saved n-grams learn, by label.
        folds: The folds of ``training_rows``, if the titles are validated out of fold: the fold of
            each row, and the row of each title to validate on.
    """

    taxonomy: Taxonomy
    catalog: Catalog
    validation: Catalog
    training_rows: LabelledRows
    validation_rows: LabelledRows
    final_rows: LabelledRows
    counts: NDArray[np.int64]
    folds: Folds | None = None

    @classmethod
    def of(cls, catalog: Catalog, validation: Catalog | None, setup: Setup) -> "Dataset":
        """Split the titles that :func:`prodcat.fit` is given, and make rows of them.

        Args:
            catalog: All titles to train on.
            validation: Titles to validate on; None to hold out a share of the catalog or, without
                an encoder, to validate out of fold.
            setup: The settings of the fit.

        Returns:
            The titles, their tree, and the rows to train on and to validate on.

        Raises:
            CatalogError: There are too few labelled titles, the text columns differ, or a label
                of the validation titles is not in the tree.
        """
        check_catalog(catalog)
        if validation is not None:
            check_catalog(validation, "validation")
        taxonomy = catalog.tree
        warm, training = setup.warm, setup.training
        if warm is not None and warm.text_columns != tuple(catalog.texts):
            raise CatalogError(
                f"The catalog has text columns {list(catalog.texts)}; the classifier to start from "
                f"was trained with {list(warm.text_columns)}. Read the catalog with these as text=."
            )
        catalog = labelled_titles(catalog)
        folds = None
        if validation is None and setup.model.encoder is None and training.learn_validation:
            folds = Folds.of_fit(catalog, training)
            validation = catalog.take(folds.asked)
        else:
            catalog, validation = split_labelled(catalog, validation, setup)
        titles = LabelledRows.of(catalog.inputs, catalog.targets, taxonomy)
        targets = targets_in(validation, taxonomy)
        held_out = LabelledRows.of(validation.inputs, targets, taxonomy)
        names, nodes = named_outcomes(taxonomy) if training.node_names else ([], [])
        named = LabelledRows.of(names, np.array(nodes, np.int64), taxonomy)
        rows = titles.joined(named).merged()
        final, counts = rows, np.bincount(catalog.targets, minlength=len(taxonomy))
        if folds is not None:
            fold = np.full(len(rows), -1, np.int64)
            fold[rows.places(titles.hashes)] = folds.fold
            folds = Folds(fold, rows.places(held_out.hashes))
        elif training.learn_validation:
            final = titles.joined(held_out).joined(named).merged()
            counts = counts + np.bincount(targets, minlength=len(taxonomy))
        return cls(taxonomy, catalog, validation, rows, held_out, final, counts, folds)

    def titles_alone(self) -> "Dataset | None":
        """The same titles, in rows without further texts; None if no row to train on has any."""
        if are_titles_alone(self.training_rows.texts).all():
            return None
        rows, place = self.training_rows.titles_alone()
        held_out = self.validation_rows
        held_out = replace(held_out, texts=[title_of(text) for text in held_out.texts])
        folds, final = None, self.final_rows.titles_alone()[0]
        if self.folds is not None:
            fold = np.full(len(rows), -1, np.int64)
            np.maximum.at(fold, place, self.folds.fold)
            folds = Folds(fold, place[self.folds.asked])
        return replace(
            self, training_rows=rows, validation_rows=held_out, final_rows=final, folds=folds
        )
