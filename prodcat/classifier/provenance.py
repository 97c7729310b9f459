"""Where a classifier comes from: its settings, its training and the titles that it has seen."""

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
        model: What the model is made of.
        training: How it was trained.
        counts: int64 [nodes]: training titles labelled with each node.
        history: One entry for each epoch, 0 being the closed-form start.
        validation: Metrics on the validation titles, or None.
        reference: float64: confidences on the titles of the calibration, ascending.
        seen: uint64: hashes of the titles that training, its validation or a calibration saw,
            ascending.
        held: uint64: hashes of the titles that it was validated on, ascending.
        rows: uint64: hashes of the training titles with their labels, ascending; empty for
            artifacts before format 3.
        fingerprint: The hash of titles, tree and settings that it was trained with, or None.
        closed_form: How the closed-form start was chosen, or None.
        origin: The store's version, ``model@version``, that it was loaded from, or that it was
            made of by training on, calibrating or trimming; or None.
        stored_training: The settings of the training as the artifact has them that it was loaded
            from, in their order, those that are no more among them; or None.
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
        """Whether it knows which titles were learned: not before format 3."""
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
