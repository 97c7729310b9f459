"""Where a classifier comes from: its settings, its training and its training titles."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prodcat.catalog.text import title_hashes
from prodcat.classifier.records import EpochResult
from prodcat.evaluation.evaluation import Evaluation
from prodcat.model.config import ModelConfig, TrainingConfig


@dataclass(frozen=True, eq=False)
class Provenance:
    """What a classifier was made of and how.

    Attributes:
        model: The settings of the model.
        training: The settings of the training.
        counts: int64 [nodes]: the number of training titles labelled with each node.
        history: The results of each epoch; epoch 0 is the closed-form start.
        validation: Metrics on the validation titles, or None.
        reference: float64: confidences on the titles of the calibration, ascending.
        seen: uint64: hashes of the titles that training, its validation or a calibration saw,
            ascending.
        held: uint64: hashes of the titles that it was validated on, ascending.
        rows: uint64: hashes of the training titles with their labels, ascending; empty for
            artifacts before format 3.
        fingerprint: The hash of the titles, the tree and the settings of the training, or None.
        closed_form: How the closed-form start was chosen, or None.
        origin: The version in a store, ``model@version``, that it was loaded from, or from which
            it was made by a warm start, a calibration or trimming; or None.
        stored_training: The settings of the training as they stand in the artifact that the
            classifier was loaded from, in their order, also those that no longer exist; or None.
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
    stored_training: Mapping[str, Any] | None = None

    @property
    def remembers(self) -> bool:
        """Whether it knows the training titles; artifacts before format 3 do not."""
        return bool(len(self.rows))

    def knows(self, hashes: NDArray[np.uint64]) -> NDArray[np.bool_]:
        """Whether rows with these hashes of title and label were trained on, bool [rows]."""
        return np.isin(hashes, self.rows)

    def has_held(self, texts: Sequence[str]) -> NDArray[np.bool_]:
        """Whether the classifier was validated on these titles, bool [texts]."""
        return np.isin(title_hashes(texts), self.held)

    def has_seen(self, texts: Sequence[str]) -> NDArray[np.bool_]:
        """Whether training, its validation or a calibration saw these titles, bool [texts]."""
        return np.isin(title_hashes(texts), self.seen)
