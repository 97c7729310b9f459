import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_val_predict
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer

from prodcat.errors import CatalogError
from prodcat.estimator import CategoryClassifier


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
    with pytest.raises(CatalogError, match=r"shape \(1, 2\)"):
        fitted.predict(np.array([["a", "b"]], dtype=object))


def test_an_empty_title_is_refused_in_training():
    with pytest.raises(CatalogError, match="empty title"):
        CategoryClassifier().fit(["a", None], ["A", "B"])
