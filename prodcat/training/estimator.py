"""A scikit-learn estimator over :func:`prodcat.fit`."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from prodcat.catalog.catalog import read_catalog
from prodcat.classifier.classifier import Classifier
from prodcat.errors import CatalogError
from prodcat.model.config import ModelConfig, TrainingConfig
from prodcat.storage.tables import is_missing
from prodcat.taxonomy.tree import join_path, split_path
from prodcat.training.fitting import fit


class CategoryClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Titles (``X``, texts) to category paths (``y``, e.g. ``"Food > Fruit > Apples"``).

    Args:
        encoder: As in :class:`prodcat.ModelConfig`; None takes that of ``model``, and
            n-grams alone without one.
        structure: As there; None takes that of ``model``, and so below.
        lexical: As there.
        epochs: As in :class:`prodcat.TrainingConfig`; None takes that of ``training``.
        learning_rate: As there.
        head_learning_rate: As there.
        frozen_layers: As there.
        lexical_cost: As there.
        seed: As there.
        model: Model settings.
        training: Training settings.
        separator: What stands between the names of a path in ``y``.
        device: Where to train; a GPU if there is one.
    """

    def __init__(
        self,
        encoder: str | None = None,
        structure: str | None = None,
        lexical: bool | None = None,
        epochs: int | None = None,
        learning_rate: float | None = None,
        head_learning_rate: float | None = None,
        frozen_layers: float | None = None,
        lexical_cost: float | None = None,
        seed: int | None = None,
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
        titles = _titles(X)
        given = np.asarray(y, dtype=object).ravel()
        paths = [_label(label, row) for row, label in enumerate(given.tolist())]
        catalog = read_catalog({"title": titles, "path": paths}, separator=self.separator)
        model = self._with(self.model or ModelConfig(encoder=None), "encoder structure lexical")
        training = self._with(
            self.training or TrainingConfig(),
            "epochs learning_rate head_learning_rate frozen_layers lexical_cost seed",
        )
        self.classifier_: Classifier = fit(
            catalog, model=model, training=training, device=self.device, progress=False
        )
        # One label for each outcome, as it was given, in the sorted order that
        # scikit-learn expects of classes_.
        spelling = {
            split_path(path, self.separator): label
            for path, label in zip(reversed(paths), reversed(given.tolist()), strict=True)
        }
        labels = np.empty(len(self.classifier_.outcomes), dtype=object)
        labels[:] = [spelling.get(path, join_path(path)) for path in self.classifier_.outcomes]
        self._order = np.argsort(labels, kind="stable")
        ordered = labels[self._order]
        self.classes_ = (
            ordered if isinstance(ordered[0], str) else ordered.astype(np.array(y).dtype)
        )
        self.n_features_in_ = 1
        return self

    def _with(self, config: Any, names: str) -> Any:
        """The settings, with those of the estimator's own that are not None."""
        own = {name: getattr(self, name) for name in names.split()}
        return replace(config, **{name: value for name, value in own.items() if value is not None})

    def predict_proba(self, X: Sequence[str]) -> NDArray[np.float32]:  # noqa: N803
        """The probability of each path: float32 [title, class], columns as ``classes_``."""
        check_is_fitted(self)
        return self.classifier_.predict_proba(_titles(X))[:, self._order]

    def predict(self, X: Sequence[str]) -> NDArray[Any]:  # noqa: N803
        """The most likely path of each title, in one line."""
        check_is_fitted(self)
        chosen: NDArray[Any] = self.classes_[self.predict_proba(X).argmax(axis=1)]
        return chosen


def _titles(values: Any) -> list[str]:
    array = np.asarray(values, dtype=object)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1:
        raise CatalogError(
            f"Found an array of shape {array.shape}; expected one text for each row. Select the "
            "column with the titles."
        )
    titles: list[str] = array.tolist()
    for row, value in enumerate(titles):
        if not isinstance(value, str):
            raise CatalogError(
                f"Title {row} is {value!r}, a {type(value).__name__}; expected text. Convert it "
                "with str(), or drop the row."
            )
    return titles


def _label(label: object, row: int) -> str:
    """A label as a path; scikit-learn's tools hand over numbers in place of texts."""
    if is_missing(label) or not str(label).strip():
        raise CatalogError(f"Label {row} is {label!r}; expected a path such as 'Food > Fruit'.")
    return str(label)
