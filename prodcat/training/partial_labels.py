"""Warnings about partial labels, where something cannot learn from them."""

import warnings

import numpy as np

from prodcat.taxonomy.paths import join_path
from prodcat.training.dataset import Dataset
from prodcat.training.settings import Setup


def warn_of_partial_labels(dataset: Dataset, setup: Setup) -> None:
    """Warn of categories with titles that all have a partial label which ends there.

    Such labels teach the category, but say nothing about its subcategories.

    Args:
        dataset: The titles of the fit.
        setup: The settings of the fit.
    """
    taxonomy, counts = dataset.taxonomy, dataset.counts
    below = counts.copy()
    for start, end in reversed(taxonomy.level_bounds[1:]):
        np.add.at(below, taxonomy.parent[start:end], below[start:end])
    several = taxonomy.spans[:, 1] - taxonomy.spans[:, 0] > 1
    untaught = np.flatnonzero(~taxonomy.terminal & several & (counts > 0) & (below == counts))
    if not len(untaught) or not setup.ranks.writes:
        return
    names = "only by their names" if setup.training.node_names else "by nothing"
    no_start = ""
    learned = dataset.training_rows.targets
    if setup.model.encoder is not None and not taxonomy.terminal[learned].any():
        no_start = " No label is whole, so the heads have no closed-form start."
    warnings.warn(
        f"All labels in {len(untaught):,} categories, such as "
        f"{join_path(taxonomy.paths[untaught[0]])!r}, are partial and end there: their "
        f"subcategories are told apart {names}.{no_start} Label some of their titles down to the "
        "end of the path.",
        stacklevel=4,
    )
