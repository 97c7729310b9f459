"""Where a classifier comes from: settings, training and hashes of the titles."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prodcat.catalog.text import title_hashes
from prodcat.classifier.migration.renames import Rename
from prodcat.classifier.records import EpochResult
from prodcat.evaluation.evaluation import Evaluation
from prodcat.model.config import ModelConfig, TrainingConfig


@dataclass(frozen=True, eq=False)
class Provenance:
    """What a classifier was made of and how.

    Attributes:
        model: The settings of the model.
        training: The settings of the training.
        counts: int64 [nodes]: number of training titles labelled with each node.
        history: The result of each epoch; epoch 0 is the result before the first step.
        validation: Metrics on the validation titles; None after a new calibration.
        reference: float64: quantiles of the confidences on the titles that the calibration was
            fitted on, ascending.
        seen: uint64: hashes of the titles that were used in training, its validation or a
            calibration, ascending.
        held: uint64: hashes of the validation titles, ascending.
        rows: uint64: hashes of the training titles with their labels, ascending; empty for
            artifacts before format 3.
        fingerprint: A hash of the titles, tree and settings of the training; None for old
            artifacts.
        closed_form: The settings chosen for the closed-form start, or None without one.
        origin: The version in a store that the classifier was loaded from, or from which it was
            made by a warm start, a calibration or trimming, as ``model@version``; or None.
        levels: The names of the levels of the tree, coarsest first: those of the columns with one
            level each in the titles of the training; empty if there were no such columns.
        stored_training: The settings of the training in the artifact that the classifier was
            loaded from, in the order of the file and with those that no longer exist; or None.
        renames: The changes of the tree since the training in which names alone changed.
    """

    model: ModelConfig
    training: TrainingConfig
    counts: NDArray[np.int64]
    history: tuple[EpochResult, ...]
    validation: Evaluation | None
    reference: NDArray[np.float64]
    seen: NDArray[np.uint64]
    held: NDArray[np.uint64]
    rows: NDArray[np.uint64]
    fingerprint: str | None = None
    closed_form: dict[str, Any] | None = None
    origin: str | None = None
    levels: tuple[str, ...] = ()
    stored_training: Mapping[str, Any] | None = None
    renames: tuple[Rename, ...] = ()

    @property
    def remembers(self) -> bool:
        """Whether there are hashes of the training titles; artifacts before format 3 have none."""
        return bool(len(self.rows))

    def knows(self, hashes: NDArray[np.uint64]) -> NDArray[np.bool_]:
        """Whether the classifier was trained on rows, bool [rows].

        Args:
            hashes: uint64 [rows]: a hash of each row's title and label.
        """
        return np.isin(hashes, self.rows)

    def has_held(self, texts: Sequence[str]) -> NDArray[np.bool_]:
        """Whether the classifier was validated on these titles, bool [texts]."""
        return np.isin(title_hashes(texts), self.held)

    def has_seen(self, texts: Sequence[str]) -> NDArray[np.bool_]:
        """Whether training, its validation or a calibration used these titles, bool [texts]."""
        return np.isin(title_hashes(texts), self.seen)
