"""A scikit-learn estimator over :func:`prodcat.fit`."""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypedDict, TypeVar, Unpack, get_type_hints

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from prodcat.catalog.reading import read_catalog
from prodcat.classifier.classifier import Classifier
from prodcat.errors import CatalogError, check_keywords
from prodcat.model.config import ModelConfig, TrainingConfig
from prodcat.storage.tables import is_missing
from prodcat.taxonomy.paths import join_path, split_path
from prodcat.training.fitting import fit

_Init = TypeVar("_Init", bound=Callable[..., None])
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
    """The rarer keyword arguments of :class:`CategoryClassifier`."""

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


def _with_full_signature(init: _Init) -> _Init:
    """Let a constructor show its bundled keyword arguments one by one.

    scikit-learn reads from the signature of ``__init__`` which parameters an estimator has, to
    clone it, to search over them and to print those that are not at their defaults.
    """
    types = get_type_hints(EstimatorKeywords)
    bundled = [
        inspect.Parameter(
            name, inspect.Parameter.KEYWORD_ONLY, default=value, annotation=types[name]
        )
        for name, value in _DEFAULTS.items()
    ]
    signature = inspect.signature(init)
    explicit = [
        parameter
        for parameter in signature.parameters.values()
        if parameter.kind is not inspect.Parameter.VAR_KEYWORD
    ]
    vars(init)["__signature__"] = signature.replace(parameters=[*explicit, *bundled])
    return init


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
            :class:`prodcat.TrainingConfig`; ``model`` and ``training``, all settings of either
            kind; ``separator``, which stands between the names of a path in ``y`` (``">"``);
            ``device``, where to train (a GPU if there is one).

    Attributes:
        classifier_: The trained :class:`prodcat.Classifier`.
        classes_: The labels of all outcomes, as they were given, sorted.

    Raises:
        TypeError: A keyword argument is not known.
    """

    lexical_cost: float | None
    seed: int | None
    model: ModelConfig | None
    training: TrainingConfig | None
    separator: str
    device: str | None

    @_with_full_signature
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

    def fit(self, X: Sequence[str], y: Sequence[str]) -> "CategoryClassifier":  # noqa: N803
        """Train on labelled titles.

        Args:
            X: Titles.
            y: The path of each title, as one line.

        Returns:
            The estimator itself.

        Raises:
            CatalogError: A title or a path is empty, or the lengths differ.
        """
        titles = _titles(X)
        given = np.asarray(y, dtype=object).ravel()
        paths = [_label(label, row) for row, label in enumerate(given.tolist())]
        catalog = read_catalog({"title": titles, "path": paths}, separator=self.separator)
        model = self._with_settings(self.model or ModelConfig(encoder=None), _MODEL_SETTINGS)
        training = self._with_settings(self.training or TrainingConfig(), _TRAINING_SETTINGS)
        self.classifier_: Classifier = fit(
            catalog, model=model, training=training, device=self.device, progress=False
        )
        self._set_classes(y, given.tolist(), paths)
        self.n_features_in_ = 1
        return self

    def _with_settings(self, config: Any, names: Sequence[str]) -> Any:
        """The settings, replaced where a parameter of the estimator is not None."""
        given = {name: getattr(self, name) for name in names}
        return replace(
            config, **{name: value for name, value in given.items() if value is not None}
        )

    def _set_classes(self, y: Sequence[str], given: list[Any], paths: list[str]) -> None:
        """Set ``classes_``: the label of each outcome as it was given, in scikit-learn's order."""
        spelling = {
            split_path(path, self.separator): label
            for path, label in zip(reversed(paths), reversed(given), strict=True)
        }
        labels = np.empty(len(self.classifier_.outcomes), dtype=object)
        labels[:] = [spelling.get(path, join_path(path)) for path in self.classifier_.outcomes]
        self._order = np.argsort(labels, kind="stable")
        ordered = labels[self._order]
        self.classes_ = (
            ordered if isinstance(ordered[0], str) else ordered.astype(np.array(y).dtype)
        )

    def predict_proba(self, X: Sequence[str]) -> NDArray[np.float32]:  # noqa: N803
        """The probability of each path: float32 [title, class], in the order of ``classes_``."""
        check_is_fitted(self)
        return self.classifier_.predict_proba(_titles(X))[:, self._order]

    def predict(self, X: Sequence[str]) -> NDArray[Any]:  # noqa: N803
        """The most likely path of each title, as one line."""
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
