"""Choose the titles that are held out of training, to validate on them."""

import logging
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from prodcat.catalog.catalog import Catalog
from prodcat.catalog.fingerprint import row_hashes
from prodcat.catalog.splits import clusters, groups, split
from prodcat.catalog.text import is_blank, near_duplicate_key
from prodcat.classifier.classifier import Classifier
from prodcat.errors import CatalogError
from prodcat.training.settings import Setup

logger = logging.getLogger("prodcat")
_FEWEST = 10  # new titles; with fewer, no share of them is held out


def labelled_titles(catalog: Catalog) -> Catalog:
    """The titles that have a category and are not empty; logs a warning if others are there."""
    unlabelled = int((~catalog.labelled).sum())
    if unlabelled:
        logger.warning(
            "%d of %d titles have no category and are left out.", unlabelled, len(catalog)
        )
        catalog = catalog.take(catalog.labelled)
    return _without_empty(catalog)


def _without_empty(catalog: Catalog) -> Catalog:
    """The rows whose title is not empty; logs a warning if some are."""
    shown = np.array([not is_blank(title) for title in catalog.titles], np.bool_)
    empty = int((~shown).sum())
    if empty:
        logger.warning(
            "%d of %d titles with a category are empty and are left out.", empty, len(catalog)
        )
    return catalog.take(shown) if empty else catalog


def split_labelled(
    catalog: Catalog, validation: Catalog | None, setup: Setup
) -> tuple[Catalog, Catalog]:
    """Split labelled titles into those to train on and those to validate on.

    Args:
        catalog: All labelled titles to train on.
        validation: Titles to validate on; None to hold out a share of the catalog.
        setup: The settings of the fit.

    Returns:
        The titles to train on and the titles to validate on.

    Raises:
        CatalogError: There are too few labelled titles, or the two catalogs have different text
            columns.
    """
    if validation is None:
        held_out = rows_to_hold_out(catalog, setup)
        catalog, validation = catalog.take(~held_out), catalog.take(held_out)
    validation = _without_empty(validation.take(validation.labelled))
    if len(catalog) < 2 or not len(validation):
        raise CatalogError(
            f"Found {len(catalog)} labelled titles to train on and {len(validation)} to validate "
            "on; expected at least 2 and 1. Add labelled titles, or give validation titles."
        )
    if tuple(validation.texts) != tuple(catalog.texts):
        raise CatalogError(
            f"The catalog has text columns {list(catalog.texts)}, the validation catalog "
            f"{list(validation.texts)}; expected the same in both. Read both with the same text=."
        )
    _warn_of_learned(validation, setup.warm)
    return catalog, validation


def label_hashes(catalog: Catalog) -> NDArray[np.uint64]:
    """uint64 [rows]: a hash of each row's title and label; every row must be labelled."""
    ids = catalog.tree.ids
    return row_hashes(catalog.inputs, [ids[node] for node in catalog.targets.tolist()])


def rows_to_hold_out(catalog: Catalog, setup: Setup) -> NDArray[np.bool_]:
    """Choose the rows to validate on.

    With a warm start these are, if possible, titles that it has not learned: the titles that it
    was validated on before, and a share of the new titles that are not near duplicates of learned
    ones.

    Args:
        catalog: Labelled titles.
        setup: The settings of the fit.

    Returns:
        bool [rows]: true for the rows to validate on.
    """
    held_before, new = _known_to(setup.warm, catalog, setup.training.group)
    if new.sum() < _FEWEST:
        if held_before.any():
            return held_before
        new = np.ones(len(catalog), np.bool_)
    share, seed = setup.training.validation, setup.training.seed
    new_rows = replace(catalog.take(new), rows=np.flatnonzero(new))
    group = setup.training.group
    drawn = split(
        new_rows,
        validation=share,
        test=0.0,
        by="random" if group is None else "group",
        column=group,
        seed=seed,
    )
    held_out = held_before.copy()
    held_out[drawn.validation.rows] = True
    return held_out


def _known_to(
    warm: Classifier | None, catalog: Catalog, group: str | None
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which rows a classifier was validated on, and which are new to it: bool [rows] each.

    Rows that are related to others, by near duplicate titles or by their group, go with these: with
    learned rows they are not new, and with those that it was validated on they count as these.
    Without a classifier all rows are new.
    """
    held = np.zeros(len(catalog), np.bool_)
    if warm is None or not warm.remembers:
        return held, ~held
    held = warm.has_held(catalog.inputs)
    seen = warm.has_seen(catalog.inputs)
    keys = [near_duplicate_key(text) for text in catalog.inputs]
    cluster = clusters(len(keys), [keys, *([] if group is None else [groups(catalog, group)])])
    free = ~seen & ~np.isin(cluster, cluster[seen & ~held])
    held |= free & np.isin(cluster, cluster[held])
    return held, free & ~held


def _warn_of_learned(validation: Catalog, warm: Classifier | None) -> None:
    """Log a warning if the warm start has learned some of the validation titles."""
    learned = 0 if warm is None else int(warm.knows(label_hashes(validation)).sum())
    if learned:
        logger.warning(
            "%d of %d validation titles were learned by the classifier to start from, so accuracy "
            "and confidence will look better than they are. Validate on titles that it did not "
            "learn.",
            learned,
            len(validation),
        )
