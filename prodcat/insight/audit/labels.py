"""How much speaks against each label."""

from collections.abc import Sequence

import numpy as np

from prodcat.catalog.catalog import Catalog
from prodcat.insight.arrays import Floats
from prodcat.insight.audit.out_of_fold import OutOfFold
from prodcat.insight.audit.problems import conflicts_in
from prodcat.insight.audit.result import Audit

# The suspicion is 2 log m - log max(p, 1e-4) + d^4 / 2; see the text of the package.
_HARD, _FLOOR, _FAR, _FARTHER = 2, 1e-4, 4, 0.5
_LEAST = 1e-12


def audit_labels(
    catalog: Catalog, probabilities: OutOfFold, keys: Sequence[str] | None = None
) -> Audit:
    """Judge labels by out-of-fold probabilities that are there already.

    Args:
        catalog: Titles with their categories.
        probabilities: What models that have not seen them say of the labelled rows.
        keys: A text for each labelled title that is equal for near duplicates; made if not given.
    """
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
    """float64 [rows]: how much speaks against each label."""
    label = np.maximum(probabilities.levels[:, -1], _FLOOR)
    farther = np.maximum(probabilities.department - probabilities.levels[:, 0], 0.0)
    answer = np.maximum(probabilities.sure, _LEAST)
    suspicion: Floats = _HARD * np.log(answer) - np.log(label)
    suspicion += _FARTHER * farther**_FAR
    return suspicion
