"""The ranking of labels by how probably they are wrong."""

from collections.abc import Sequence

import numpy as np

from prodcat.catalog.catalog import Catalog, check_catalog
from prodcat.insight.arrays import Floats
from prodcat.insight.audit.out_of_fold import OutOfFold
from prodcat.insight.audit.problems import conflicts_in
from prodcat.insight.audit.result import Audit

# The suspicion is 2 log m - log max(p, 1e-4) + d^4 / 2; see the docstring of the package.
_ANSWER_WEIGHT, _LEAST_LABEL, _DISTANCE_POWER, _DISTANCE_WEIGHT = 2, 1e-4, 4, 0.5
_LEAST_ANSWER = 1e-12


def audit_labels(
    catalog: Catalog, probabilities: OutOfFold, keys: Sequence[str] | None = None
) -> Audit:
    """Audit labels with out-of-fold probabilities that have been computed before.

    Args:
        catalog: Titles with their categories.
        probabilities: Probabilities of the labelled rows, by models not trained on them.
        keys: For each labelled title a key, which is the same for near duplicates; computed by
            default.

    Returns:
        The audit, without leaks.

    Raises:
        CatalogError: ``catalog`` is none, or has no categories.
    """
    check_catalog(catalog)
    rows = np.flatnonzero(catalog.labelled)
    tree, targets = catalog.tree, catalog.targets[rows]
    labels, answers = tree.chains[targets], tree.chains[probabilities.best]
    differs = (labels != answers) & (labels >= 0)
    return Audit(
        catalog=catalog,
        rows=rows,
        probabilities=probabilities,
        suspicion=_suspicion(probabilities),
        level=np.where(differs.any(axis=1), differs.argmax(axis=1) + 1, 0),
        conflicts=tuple(conflicts_in(catalog, rows, keys)),
    )


def _suspicion(probabilities: OutOfFold) -> Floats:
    """float64 [rows]: the suspicion score of each label."""
    label = np.maximum(probabilities.levels[:, -1], _LEAST_LABEL)
    distance = np.maximum(probabilities.department - probabilities.levels[:, 0], 0.0)
    answer = np.maximum(probabilities.sure, _LEAST_ANSWER)
    suspicion: Floats = _ANSWER_WEIGHT * np.log(answer) - np.log(label)
    suspicion += _DISTANCE_WEIGHT * distance**_DISTANCE_POWER
    return suspicion
