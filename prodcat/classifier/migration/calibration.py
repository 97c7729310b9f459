"""Fits the calibration of a classifier whose tree changed since it learned."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from prodcat.classifier.reader import Reader
from prodcat.decisions.calibration import fit_weights
from prodcat.model.config import Method
from prodcat.model.elementwise import exp
from prodcat.taxonomy.arrays import Ints


def calibrate_migrated(
    reader: Reader, texts: Sequence[str], targets: Ints, method: Method
) -> tuple[Reader, NDArray[np.float64]]:
    """Fit weights that are applied to the probabilities of the present tree.

    The calibration of the network, and its cascade, are those of the tree that it learned, so they
    stay.

    Args:
        reader: The reader, which is not changed.
        texts: The texts of titles.
        targets: int64 [texts]: the node of each label in the present tree.
        method: The kind of calibration; see :func:`prodcat.decisions.calibration.fit_weights`.

    Returns:
        The reader with the new calibration, and its confidence in each answer, float64 [texts].
    """
    assert reader.migrations is not None
    before = replace(reader, migrations=reader.migrations.with_last(None))
    log_probs = torch.cat(list(before.log_probs(texts))).clone()
    labels = torch.from_numpy(targets).to(log_probs.device)
    weights = fit_weights(reader.paths, labels, log_probs, None, method)
    migrations = reader.migrations.with_last(weights)
    with torch.no_grad():
        calibrated = weights.to(log_probs.device)(reader.paths, log_probs, None)
    confidences = exp(calibrated.amax(dim=1)).double().cpu().numpy()
    return replace(reader, migrations=migrations), confidences


def promising_after_merges(reader: Reader) -> Reader:
    """The same reader, whose answers with a guarantee are chosen after probabilities are added."""
    migrations = reader.migrations
    return reader if migrations is None else replace(reader, migrations=migrations.merged())
