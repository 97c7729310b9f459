"""A scikit-learn estimator over :func:`prodcat.fit`."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, TypedDict, Unpack

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from prodcat.catalog.reading import read_catalog
from prodcat.catalog.text import is_blank
from prodcat.classifier.classifier import Classifier
from prodcat.errors import CatalogError, check_keywords, takes_keywords
from prodcat.model.config import ModelConfig, TrainingConfig
from prodcat.storage.containers import (
    described,
    given_texts,
    is_frame,
    is_missing,
    ordered_values,
)
from prodcat.storage.tables import iter_tables
from prodcat.taxonomy.paths import Path, join_path, split_path
from prodcat.training.fitting import fit

_MODEL_SETTINGS = ("encoder", "structure", "lexical")
_TRAINING_SETTINGS = (
    "epochs",
    "learning_rate",
    "head_learning_rate",
    "frozen_layers",
    "lexical_cost",
    "seed",
)


class EstimatorKeywords(TypedDict, total=False):
    """The less common keyword arguments of :class:`CategoryClassifier`."""

    lexical_cost: float | None
    seed: int | None
    model: ModelConfig | None
    training: TrainingConfig | None
    separator: str
    device: str | None


_DEFAULTS: EstimatorKeywords = {
    "lexical_cost": None,
    "seed": None,
    "model": None,
    "training": None,
    "separator": ">",
    "device": None,
}


class CategoryClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """An estimator from titles (``X``) to category paths (``y``, e.g. ``"Food > Fruit > Apples"``).

    Args:
        encoder: See :class:`prodcat.ModelConfig`; None for the encoder of ``model``, and for
            n-grams alone if ``model`` is None too.
        structure: See :class:`prodcat.ModelConfig`; None for the value in ``model``.
        lexical: See :class:`prodcat.ModelConfig`; None for the value in ``model``.
        epochs: See :class:`prodcat.TrainingConfig`; None for the value in ``training``.
        learning_rate: See :class:`prodcat.TrainingConfig`; None for the value in ``training``.
        head_learning_rate: See :class:`prodcat.TrainingConfig`; None for the value in
            ``training``.
        frozen_layers: See :class:`prodcat.TrainingConfig`; None for the value in ``training``.
        named: Further keyword arguments: ``lexical_cost`` and ``seed``, see
            :class:`prodcat.TrainingConfig`; ``model`` and ``training``, a config with all
            settings of the model or of the training; ``separator``, the text between the names
            of a path in ``y`` (default ``">"``); ``device``, the device to train on (default: a
            GPU if there is one).

    Attributes:
        classifier_: The trained :class:`prodcat.Classifier`.
        classes_: The label of each outcome, spelled as in ``y``, sorted.

    Raises:
        TypeError: A keyword argument is unknown.
    """

    lexical_cost: float | None
    seed: int | None
    model: ModelConfig | None
    training: TrainingConfig | None
    separator: str
    device: str | None

    # scikit-learn takes the parameters of an estimator from the signature of its constructor.
    @takes_keywords(EstimatorKeywords, **_DEFAULTS)
    def __init__(
        self,
        encoder: str | None = None,
        structure: str | None = None,
        lexical: bool | None = None,
        epochs: int | None = None,
        learning_rate: float | None = None,
        head_learning_rate: float | None = None,
        frozen_layers: float | None = None,
        **named: Unpack[EstimatorKeywords],
    ) -> None:
        check_keywords(CategoryClassifier, named)
        self.encoder = encoder
        self.structure = structure
        self.lexical = lexical
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.head_learning_rate = head_learning_rate
        self.frozen_layers = frozen_layers
        for name, value in {**_DEFAULTS, **named}.items():
            setattr(self, name, value)

    def __sklearn_tags__(self) -> Any:
        """What scikit-learn's tools may give: texts in one dimension."""
        tags = super().__sklearn_tags__()
        tags.input_tags.string = tags.input_tags.one_d_array = True
        tags.input_tags.two_d_array = False
        return tags

    def fit(self, X: Sequence[str], y: Sequence[str]) -> "CategoryClassifier":  # noqa: N803
        """Train on labelled titles.

        Args:
            X: Titles, [titles] or [titles, 1].
            y: The path of each title, as one line of text.

        Returns:
            The estimator itself.

        Raises:
            CatalogError: A title or a path is empty or not text, the lengths differ, or there are
                too few titles.
            ConfigError: The settings contradict each other.
            EncoderError: The encoder cannot be loaded.
        """
        titles = _titles(X)
        given = _labels(y)
        paths = [_label(label, row) for row, label in enumerate(given, 1)]
        if len(titles) != len(paths):
            raise CatalogError(
                f"X has {len(titles)} titles and y {len(paths)} labels; expected one label for "
                "each title."
            )
        catalog = read_catalog({"title": titles, "path": paths}, separator=self.separator)
        model = self._with_settings(self.model or ModelConfig(encoder=None), _MODEL_SETTINGS)
        training = self._with_settings(self.training or TrainingConfig(), _TRAINING_SETTINGS)
        self.classifier_: Classifier = fit(
            catalog, model=model, training=training, device=self.device, progress=False
        )
        self._set_classes(y, given, paths)
        self.n_features_in_ = 1
        return self

    def _with_settings(self, config: Any, names: Sequence[str]) -> Any:
        """A copy of the config with the estimator's parameters of these names that are not None."""
        given = {name: getattr(self, name) for name in names if getattr(self, name) is not None}
        return replace(config, **given)

    def _set_classes(self, y: Sequence[str], given: list[Any], paths: list[str]) -> None:
        """Set ``classes_``: the label of each outcome, spelled as in ``y``, in sorted order."""
        spelling = {
            _without_empty_end(split_path(path, self.separator)): label
            for path, label in zip(reversed(paths), reversed(given), strict=True)
        }
        labels = np.empty(len(self.classifier_.outcomes), dtype=object)
        labels[:] = [
            spelling.get(path, join_path(path, self.separator))
            for path in self.classifier_.outcomes
        ]
        self._order = np.argsort(labels, kind="stable")
        ordered = labels[self._order]
        self.classes_ = (
            ordered if isinstance(ordered[0], str) else ordered.astype(_type_of(y, given))
        )

    def predict_proba(self, X: Sequence[str]) -> NDArray[np.float32]:  # noqa: N803
        """Predict the probability of each path.

        Args:
            X: Titles, [titles] or [titles, 1].

        Returns:
            float32 [titles, classes], in the order of ``classes_``.

        Raises:
            CatalogError: ``X`` has another shape, or a title is not text.
            NotFittedError: :meth:`fit` was not called before.
        """
        check_is_fitted(self)
        return self.classifier_.predict_proba(_titles(X))[:, self._order]

    def predict(self, X: Sequence[str]) -> NDArray[Any]:  # noqa: N803
        """Predict the most likely path of each title.

        Args:
            X: Titles, [titles] or [titles, 1].

        Returns:
            Labels of ``classes_``, [titles].

        Raises:
            CatalogError: ``X`` has another shape, or a title is not text.
            NotFittedError: :meth:`fit` was not called before.
        """
        check_is_fitted(self)
        chosen: NDArray[Any] = self.classes_[self.predict_proba(X).argmax(axis=1)]
        return chosen


def _type_of(y: Any, labels: list[Any]) -> Any:
    """The NumPy type of labels that are no texts."""
    return y.dtype if isinstance(y, np.ndarray) else np.array(labels).dtype


def _titles(given: object) -> list[str]:
    """The titles of ``X``.

    Raises:
        CatalogError: It has another shape, or a title is empty or not text.
    """
    titles = given_texts(_one_column(given, "X", "one title for each row"), "X")
    empty = [row for row, title in enumerate(titles) if is_blank(title)]
    if empty:
        raise CatalogError(
            f"Row {empty[0] + 1:,} of X is an empty title; expected texts with something to see. "
            "Leave the row out."
        )
    return titles


def _labels(given: object) -> list[Any]:
    """The labels of ``y``.

    Raises:
        CatalogError: There is no ``y``, it has another shape, or it has fractions.
    """
    expected = "one path for each row, as one text such as 'Food > Fruit'"
    if given is None:
        raise CatalogError(
            "CategoryClassifier requires y to be passed, but the target y is None; expected "
            f"{expected}."
        )
    labels = list(_one_column(given, "y", expected))
    for row, label in enumerate(labels, 1):
        if isinstance(label, float) and not (is_missing(label) or label.is_integer()):
            raise CatalogError(
                f"Label {row} is {label!r}, a continuous value. Unknown label type: y has numbers "
                f"to be predicted by regression; expected {expected}."
            )
    return labels


def _one_column(given: Any, name: str, expected: str) -> Iterator[Any]:
    """The values of an argument with the shape [rows] or [rows, 1].

    Raises:
        CatalogError: It has another shape.
    """
    if is_frame(given, "pandas") or is_frame(given, "polars"):
        columns: dict[str, list[Any]] = {}
        for piece in iter_tables(given):
            for column, cells in piece.items():
                columns.setdefault(column, []).extend(cells)
        given = next(iter(columns.values())) if len(columns) == 1 else given
    elif isinstance(given, (list, tuple)) and all(_is_alone(value) for value in given):
        given = [value for [value] in given]
    elif not isinstance(given, (Iterable, str)) and hasattr(given, "__array__"):
        given = np.asarray(given)
    values = ordered_values(given)
    if values is None:
        raise CatalogError(f"{name} is {described(given)}; expected {expected}. Select the column.")
    return values


def _is_alone(row: object) -> bool:
    """Whether a row of a list of rows has a single value."""
    return isinstance(row, (list, tuple)) and len(row) == 1


def _without_empty_end(path: Path) -> Path:
    """The path of a label that ends with separators."""
    return path if not path or path[-1] else _without_empty_end(path[:-1])


def _label(label: object, row: int) -> str:
    """A label as text; scikit-learn's tools may replace labels by numbers."""
    is_path = isinstance(label, (list, tuple, dict, set, np.ndarray))
    if is_path or is_missing(label) or is_blank(str(label)):
        raise CatalogError(
            f"Label {row} is {label!r}; expected a path as one text, such as 'Food > Fruit'. Join "
            "names with ' > '.join(names)."
        )
    return str(label)
