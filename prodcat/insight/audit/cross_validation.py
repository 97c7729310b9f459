"""The audit of a catalog by cross-validation: a model checks labels that it was not trained on."""

from dataclasses import replace

import numpy as np

from prodcat.catalog.catalog import Catalog, check_catalog
from prodcat.catalog.splits import folds_of, leak_audit
from prodcat.catalog.targets import targets_in
from prodcat.classifier.classifier import Classifier
from prodcat.errors import CATALOG_ADVICE, CatalogError, all_else_by_name
from prodcat.insight.arrays import Ints
from prodcat.insight.audit.labels import audit_labels
from prodcat.insight.audit.out_of_fold import OutOfFold, out_of_fold
from prodcat.insight.audit.result import Audit
from prodcat.model.config import ModelConfig, TrainingConfig
from prodcat.taxonomy.tree import Taxonomy
from prodcat.training.fitting import fit

_CHUNK = 4_096


@all_else_by_name(CATALOG_ADVICE)
def audit(
    catalog: Catalog,
    *,
    held_out: Catalog | None = None,
    folds: int = 5,
    model: ModelConfig | None = None,
    training: TrainingConfig | None = None,
    device: str | None = None,
    seed: int = 0,
    progress: bool = True,
) -> Audit:
    """Find labels that are probably wrong.

    Args:
        catalog: Titles with their categories.
        held_out: Held-out titles, such as a test set; the audit reports which of them have a near
            duplicate in the catalog.
        folds: Number of parts of the catalog; the labels of each part are checked by a model that
            was trained on the other parts.  Near duplicates are always in the same part.
        model: Configuration of the models to train.  By default they use n-grams alone, which takes
            seconds.
        training: Configuration of their training.
        device: The device to train on, as for :func:`prodcat.fit`.
        seed: Seed of the random division into parts.
        progress: Whether to show a progress bar.

    Returns:
        The audit, which can be shown as an HTML page, a table and a text.

    Raises:
        CatalogError: ``catalog`` is none, ``folds`` is less than 2, there are fewer labelled rows
            than folds, or all labelled titles are near duplicates of each other.
    """
    check_catalog(catalog)
    if held_out is not None:
        check_catalog(held_out, "held_out")
    rows = np.flatnonzero(catalog.labelled)
    _check_rows(len(rows), folds)
    labelled = catalog.take(rows)
    fold, keys = folds_of(labelled, folds, seed)
    _check_folds(fold)
    judged = np.zeros(len(rows), np.bool_)
    probabilities = OutOfFold.zeros(len(rows), catalog.tree)
    for number in range(folds):
        held = np.flatnonzero(fold == number)
        if not len(held):
            continue
        others = labelled.take(fold != number)
        classifier = fit(
            others,
            model=model or ModelConfig(encoder=None),
            training=training,
            device=device,
            progress=progress,
        )
        judged[held] = np.isin(labelled.targets[held], others.targets)
        _read_fold(classifier, labelled, held, catalog.tree, probabilities)
    leaks = None if held_out is None else leak_audit(catalog, held_out)
    return replace(audit_labels(catalog, probabilities, keys), leaks=leaks, judged=judged)


def _check_rows(rows: int, folds: int) -> None:
    if folds < 2 or rows < folds:
        raise CatalogError(
            f"Found {rows:,} labelled rows and folds={folds}; expected at least 2 folds and at "
            "least as many labelled rows as folds."
        )


def _check_folds(fold: Ints) -> None:
    if len(np.unique(fold)) < 2:
        raise CatalogError(
            f"All {len(fold):,} labelled titles are near duplicates of each other; expected at "
            "least two different titles."
        )


def _read_fold(
    classifier: Classifier,
    labelled: Catalog,
    rows: Ints,
    tree: Taxonomy,
    probabilities: OutOfFold,
) -> None:
    """Compute the probabilities of some rows and write them into ``probabilities``."""
    targets = targets_in(labelled.take(rows), classifier.taxonomy)
    for start in range(0, len(rows), _CHUNK):
        chunk = slice(start, start + _CHUNK)
        read = classifier.predict_proba(labelled.take(rows[chunk]), precision="float32")
        probabilities.put(rows[chunk], out_of_fold(read, targets[chunk], tree))
