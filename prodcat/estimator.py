"""A scikit-learn estimator over :func:`prodcat.fit`."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from prodcat.catalog import read_catalog
from prodcat.classifier import Classifier, fit
from prodcat.config import ModelConfig, TrainingConfig
from prodcat.errors import CatalogError
from prodcat.taxonomy import join_path, split_path


class CategoryClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Titles (``X``, texts) to category paths (``y``, e.g. ``"Food > Fruit > Apples"``).

    Args:
        encoder: As in :class:`prodcat.ModelConfig`; None for n-grams alone.
        structure: As there.
        lexical: As there.
        epochs: As in :class:`prodcat.TrainingConfig`.
        learning_rate: As there.
        head_learning_rate: As there.
        frozen_layers: As there.
        lexical_cost: As there.
        seed: As there.
        model: Further model settings, over which the ones above go.
        training: Further training settings, over which the ones above go.
        separator: What stands between the names of a path in ``y``.
        device: Where to train; a GPU if there is one.
    """

    def __init__(
        self,
        encoder: str | None = None,
        structure: str = "stacked",
        lexical: bool = True,
        epochs: int = 4,
        learning_rate: float = 3e-4,
        head_learning_rate: float = 3e-3,
        frozen_layers: float = 0.5,
        lexical_cost: float = 1.0,
        seed: int = 0,
        model: ModelConfig | None = None,
        training: TrainingConfig | None = None,
        separator: str = ">",
        device: str | None = None,
    ) -> None:
        self.encoder = encoder
        self.structure = structure
        self.lexical = lexical
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.head_learning_rate = head_learning_rate
        self.frozen_layers = frozen_layers
        self.lexical_cost = lexical_cost
        self.seed = seed
        self.model = model
        self.training = training
        self.separator = separator
        self.device = device

    def fit(self, X: Sequence[str], y: Sequence[str]) -> "CategoryClassifier":  # noqa: N803
        """Train.

        Args:
            X: Titles.
            y: One path for each title, in one line.

        Raises:
            CatalogError: A title or a path is empty, or the lengths differ.
        """
        titles, paths = _texts(X), _texts(y)
        catalog = read_catalog({"title": titles, "path": paths}, separator=self.separator)
        model = replace(
            self.model or ModelConfig(encoder=None),
            encoder=self.encoder,
            structure=self.structure,  # type: ignore[arg-type]
            lexical=self.lexical,
        )
        training = replace(
            self.training or TrainingConfig(),
            epochs=self.epochs,
            learning_rate=self.learning_rate,
            head_learning_rate=self.head_learning_rate,
            frozen_layers=self.frozen_layers,
            lexical_cost=self.lexical_cost,
            seed=self.seed,
        )
        self.classifier_: Classifier = fit(
            catalog, model=model, training=training, device=self.device, progress=False
        )
        # One label for each outcome, spelled as it was given, in the sorted order that
        # scikit-learn expects of classes_.
        spelling = {split_path(path, self.separator): path for path in reversed(paths)}
        labels = [spelling.get(path, join_path(path)) for path in self.classifier_.outcomes]
        self._order = np.argsort(np.array(labels, dtype=object), kind="stable")
        self.classes_ = np.array(labels, dtype=object)[self._order]
        self.n_features_in_ = 1
        return self

    def predict_proba(self, X: Sequence[str]) -> NDArray[np.float32]:  # noqa: N803
        """The probability of each path: float32 [title, class], columns as ``classes_``."""
        check_is_fitted(self)
        return self.classifier_.predict_proba(_texts(X))[:, self._order]

    def predict(self, X: Sequence[str]) -> NDArray[Any]:  # noqa: N803
        """The most likely path of each title, in one line."""
        chosen: NDArray[Any] = self.classes_[self.predict_proba(X).argmax(axis=1)]
        return chosen


def _texts(values: Any) -> list[str]:
    array = np.asarray(values, dtype=object)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1:
        raise CatalogError(
            f"Found an array of shape {array.shape}; expected one text for each row. Select the "
            "column with the titles."
        )
    return [value if isinstance(value, str) else "" for value in array.tolist()]
