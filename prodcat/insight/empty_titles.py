"""Rows whose title is empty, of which nothing is known: they are in no count and in no share."""

import logging

import numpy as np

from prodcat.catalog.catalog import Catalog
from prodcat.catalog.text import is_blank
from prodcat.errors import CatalogError

logger = logging.getLogger("prodcat")


def titled_rows(catalog: Catalog, name: str, *, keeps_labelled: bool = False) -> Catalog:
    """The rows with a title; the log tells how many have none, as ``on_error="accept"`` keeps them.

    A classifier answers an empty title with no category, so an answer must not count for it.

    Args:
        catalog: The rows.
        name: What they are, for messages.
        keeps_labelled: Whether rows with a category are kept, too, as their title is not needed.

    Returns:
        The rows that are kept, which are all rows if no title is empty.

    Raises:
        CatalogError: There are rows, but none is left.
    """
    kept = np.array([not is_blank(title) for title in catalog.titles], np.bool_)
    if keeps_labelled and catalog.taxonomy is not None:
        kept |= catalog.labelled
    if kept.all():
        return catalog
    if not kept.any():
        raise CatalogError(f"All {len(catalog):,} titles of {name} are empty; expected titles.")
    logger.warning(
        "%s of %s titles of %s are empty, such as row %s; they are left out of all counts and "
        "shares.",
        f"{int((~kept).sum()):,}",
        f"{len(catalog):,}",
        name,
        f"{int(catalog.rows[int(np.argmin(kept))]) + 1:,}",
    )
    return catalog.take(kept)
