import inspect
import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, KFold, cross_val_predict
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import check_estimator
from sklearn.utils.validation import check_is_fitted, validate_data

from prodcat.errors import CatalogError
from prodcat.model.config import ModelConfig, TrainingConfig
from prodcat.taxonomy.paths import join_path, split_path
from prodcat.training.estimator import CategoryClassifier


@pytest.fixture(scope="module")
def data(rows):
    return [row.title for row in rows], [" > ".join(row.path[:2]) for row in rows]


@pytest.fixture(scope="module")
def fitted(data):
    return CategoryClassifier().fit(*data)


def test_it_predicts_labels_as_they_were_given(fitted, data):
    titles, labels = data
    assert set(fitted.predict(titles[:50])) <= set(labels)
    assert fitted.score(titles, labels) > 0.8
    assert list(fitted.classes_) == sorted(fitted.classes_)


def test_probabilities_follow_classes(fitted, data):
    probs = fitted.predict_proba(data[0][:20])
    np.testing.assert_allclose(probs.sum(1), 1, atol=1e-5)
    assert (fitted.classes_[probs.argmax(1)] == fitted.predict(data[0][:20])).all()


def test_it_works_in_cross_val_predict_grid_search_and_pipeline(data):
    titles, labels = np.array(data[0]), np.array(data[1])
    answers = cross_val_predict(CategoryClassifier(), titles, labels, cv=2)
    assert (answers == labels).mean() > 0.5
    strip = FunctionTransformer(lambda X: [title.strip() for title in X])
    pipeline = Pipeline([("strip", strip), ("model", CategoryClassifier())])
    search = GridSearchCV(pipeline, {"model__lexical_cost": [0.001, 1.0]}, cv=2)
    assert search.fit(titles, labels).best_params_ == {"model__lexical_cost": 1.0}


def test_it_is_cloned_with_its_settings(encoder_folder):
    estimator = CategoryClassifier(encoder=str(encoder_folder), epochs=1, structure="flat")
    assert clone(estimator).get_params() == estimator.get_params()


def test_it_trains_an_encoder(encoder_folder, data):
    estimator = CategoryClassifier(encoder=str(encoder_folder), epochs=1, device="cpu")
    assert estimator.fit(data[0][:200], data[1][:200]).classifier_.model.encoder is not None


def test_a_column_of_titles_is_accepted_and_other_shapes_are_not(fitted, data):
    column = np.array(data[0][:3], dtype=object)[:, None]
    assert (fitted.predict(column) == fitted.predict(data[0][:3])).all()
    with pytest.raises(CatalogError, match=r"X is a NumPy array of the shape \(1, 2\)"):
        fitted.predict(np.array([["a", "b"]], dtype=object))


@pytest.mark.parametrize(
    ("titles", "labels", "message"),
    [
        (["a", None], ["A", "B"], "Row 2 of X is an empty title"),
        (["a", " "], ["A", "B"], "Row 2 of X is an empty title"),
        (["a", "b"], ["A", None], "Label 2 is None"),
        (["a", "b"], [["A", "C"], ["B", "D"]], r"Label 1 is \['A', 'C'\]; expected a path as one"),
        (
            ["a", "b"],
            np.array([["A", "C"], ["B", "D"]]),
            r"y is a NumPy array of the shape \(2, 2\)",
        ),
        (["a", "b"], ["A"], "X has 2 titles and y 1 labels"),
        (["a", "b"], {"A", "B"}, "y is a set, which keeps no order"),
        ("ab", ["A", "B"], "X is one text, 'ab'"),
    ],
)
def test_titles_and_labels_that_are_no_texts_are_refused(fitted, titles, labels, message):
    with pytest.raises(CatalogError, match=message):
        CategoryClassifier().fit(titles, labels)
    with pytest.raises(CatalogError, match="Row 1 of X is the number 5"):
        fitted.predict([5])


def test_labels_may_be_numbers_as_in_cross_validated_probabilities(data):
    titles, labels = np.array(data[0]), np.array(data[1])
    kept = np.isin(labels, [label for label in set(labels) if (labels == label).sum() >= 30])
    titles, labels = titles[kept], labels[kept]
    probs = cross_val_predict(CategoryClassifier(), titles, labels, cv=2, method="predict_proba")
    classes = np.unique(labels)
    assert probs.shape == (len(titles), len(classes))
    assert (classes[probs.argmax(1)] == labels).mean() > 0.5
    numbers = CategoryClassifier().fit(titles, np.searchsorted(classes, labels))
    assert numbers.classes_.dtype.kind == "i" and numbers.predict(titles[:3]).dtype.kind == "i"


def test_settings_come_from_the_configs_unless_named():
    training = TrainingConfig(epochs=9, lexical_cost=7.0)
    estimator = CategoryClassifier(training=training, lexical_cost=0.5)
    rows = [f"red apple {n}" for n in range(20)] + [f"soap bar {n}" for n in range(20)]
    fitted = estimator.fit(rows, ["Food"] * 20 + ["Home"] * 20).classifier_
    assert fitted.training.epochs == 9 and fitted.training.lexical_cost == 0.5


def test_it_must_be_fitted_first():
    with pytest.raises(NotFittedError):
        CategoryClassifier().predict(["x"])


EVERY_KEYWORD = {
    "encoder": "e",
    "structure": "flat",
    "lexical": False,
    "epochs": 7,
    "learning_rate": 0.1,
    "head_learning_rate": 0.2,
    "frozen_layers": 0.25,
    "lexical_cost": 0.5,
    "seed": 3,
    "model": ModelConfig(encoder="m"),
    "training": TrainingConfig(epochs=5),
    "separator": "/",
    "device": "cpu",
}


def test_every_keyword_is_a_parameter_for_scikit_learn():
    estimator = CategoryClassifier(**EVERY_KEYWORD)
    assert estimator.get_params() == EVERY_KEYWORD
    assert clone(estimator).get_params() == EVERY_KEYWORD
    assert pickle.loads(pickle.dumps(estimator)).get_params() == EVERY_KEYWORD
    assert CategoryClassifier().set_params(**EVERY_KEYWORD).get_params() == EVERY_KEYWORD
    defaults = dict.fromkeys(EVERY_KEYWORD) | {"separator": ">"}
    assert CategoryClassifier().get_params() == defaults
    parameters = inspect.signature(CategoryClassifier).parameters
    assert {name: own.default for name, own in parameters.items()} == defaults
    with pytest.raises(ValueError, match="Invalid parameter 'epoch'"):
        estimator.set_params(epoch=1)


def test_its_text_names_what_is_not_at_its_default():
    assert repr(CategoryClassifier()) == "CategoryClassifier()"
    shown = repr(CategoryClassifier("e", seed=3, separator="/"))
    assert shown == "CategoryClassifier(encoder='e', seed=3, separator='/')"


def test_a_search_runs_over_explicit_and_bundled_keywords(data):
    titles, labels = np.array(data[0][:200]), np.array(data[1][:200])
    grid = {"epochs": [1, 2], "seed": [0, 1]}
    search = GridSearchCV(CategoryClassifier(), grid, cv=KFold(2)).fit(titles, labels)
    assert set(search.best_params_) == {"epochs", "seed"}
    chosen = search.best_estimator_.classifier_.training
    assert {"epochs": chosen.epochs, "seed": chosen.seed} == search.best_params_


def test_an_unknown_keyword_is_refused_with_those_that_are_known():
    with pytest.raises(TypeError, match=r"keyword argument 'sed'; expected some of .*'seed'"):
        CategoryClassifier(sed=3)


@pytest.mark.parametrize("separator", [">", "/", " | ", "::"])
def test_names_that_hold_the_separator_come_back_reversible(separator):
    mark = separator.strip()
    paths = [("Food", f"Fruit{mark}Veg"), ("Food", f"Milk \\{mark} Co"), ("Home", '["Lamp"]')]
    titles = [f"{word} {number}" for word in ("apple", "milk", "lamp") for number in range(6)]
    labels = [join_path(path, separator) for path in paths for _ in range(6)]
    estimator = CategoryClassifier(separator=separator, device="cpu").fit(titles, labels)
    assert {split_path(label, separator) for label in estimator.classes_} == set(paths)
    assert {split_path(label, separator) for label in estimator.predict(titles)} <= set(paths)
    assert set(estimator.classifier_.outcomes) == set(paths)
    ends = [f"{label}{separator}" for label in labels]  # an empty level below
    assert set(CategoryClassifier(separator=separator).fit(titles, ends).classes_) == set(ends)


# -- scikit-learn's checks --------------------------------------------------------


class NumbersAsTitles(CategoryClassifier):
    """The estimator with titles made of numbers, which are what scikit-learn's checks give.

    Each number becomes a word, so that everything else about the estimator can be checked.
    """

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = True
        tags.input_tags.string = tags.input_tags.one_d_array = False
        return tags

    def _titles(self, X, **options):
        rows = np.asarray(validate_data(self, X, **options))
        letters = "abcdefghijklmnopqrstuvwxyz"
        return [
            " ".join(f"{letters[n % 26]}{round(float(v) * 2)}" for n, v in enumerate(row))
            for row in rows
        ]

    def fit(self, X, y):
        titles = self._titles(X)
        features = self.n_features_in_
        super().fit(titles, y)
        self.n_features_in_ = features
        return self

    def predict_proba(self, X):
        check_is_fitted(self)
        return super().predict_proba(self._titles(X, reset=False))


EXPECTED_FAILURES = {
    "check_supervised_y_2d": "labels [rows, 1] are as clear as [rows]: no warning is needed",
    "check_fit2d_1sample": "one title is refused, with 'labelled titles' in place of 'sample'",
}


@pytest.mark.filterwarnings("ignore")  # some checks warn of what they do
def test_scikit_learns_checks_pass_but_for_those_that_text_does_not_allow():
    results = check_estimator(
        NumbersAsTitles(), on_fail=None, on_skip=None, expected_failed_checks=EXPECTED_FAILURES
    )
    assert len(results) > 50
    failed = {
        each["check_name"]: each["exception"] for each in results if each["status"] == "failed"
    }
    assert failed == {}
    expected = {each["check_name"] for each in results if each["status"] == "xfail"}
    assert expected == set(EXPECTED_FAILURES)


def test_scikit_learns_tools_are_told_that_it_takes_texts():
    tags = get_tags(CategoryClassifier())
    assert tags.input_tags.string and tags.input_tags.one_d_array
    assert not tags.input_tags.two_d_array and tags.target_tags.required


class Labels:
    """Labels in a container that only NumPy can read."""

    def __init__(self, labels):
        self.labels = labels

    def __array__(self, dtype=None, copy=None):
        return np.array(self.labels, dtype)


def test_labels_may_be_in_anything_that_numpy_reads(data):
    titles, labels = data[0][:60], data[1][:60]
    read = CategoryClassifier(device="cpu").fit(titles, Labels(labels))
    assert set(read.classes_) == set(labels)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (None, "requires y to be passed, but the target y is None"),
        ([1.0, 2.5], "Label 2 is 2.5, a continuous value. Unknown label type"),
        ([1.0, float("inf")], "Label 2 is inf, a continuous value"),
        (np.array([0.25, 1.0], np.float32), "Label 1 is 0.25, a continuous value"),
    ],
)
def test_targets_of_a_regression_are_refused(labels, message):
    with pytest.raises(CatalogError, match=message):
        CategoryClassifier().fit(["red apple", "soap bar"], labels)
