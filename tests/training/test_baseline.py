"""The ten-line baseline that is measured beside a classifier."""

import json
import logging

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_union
from sklearn.svm import LinearSVC

import prodcat
from prodcat.catalog.reading import read_catalog
from prodcat.errors import ArtifactError
from prodcat.evaluation.evaluation import Evaluation
from prodcat.training import baseline as module
from prodcat.training.baseline import baseline_answers, expected_seconds

WORDS = {"Milk": ("milk", "cream"), "Bread": ("bread", "roll"), "Soap": ("soap", "gel")}


def drawn(count, seed, honest=True):
    rng = np.random.default_rng(seed)
    rows = []
    for _ in range(count):
        label = list(WORDS)[rng.integers(3)]
        brand = "".join(chr(97 + letter) for letter in rng.integers(0, 26, 6))
        title = f"{brand} {WORDS[label][rng.integers(2)]}" if honest else brand
        rows.append({"title": title, "path": ["All", label]})
    return read_catalog(rows)


def fit(catalog, **settings):
    rest = {"validation": settings.pop("held", None)}
    training = prodcat.TrainingConfig(node_names=False, **settings)
    model = prodcat.ModelConfig(encoder=None, characters=(2, 3))
    return prodcat.fit(catalog, model=model, training=training, progress=False, **rest)


@pytest.fixture
def measured(monkeypatch):
    """The baseline is measured however long it takes."""
    monkeypatch.setattr(module, "_SHARE", 1e9)


def test_it_answers_as_ten_lines_of_scikit_learn():
    catalog = drawn(210, 0)
    train, test = catalog.take(np.arange(150)), catalog.take(np.arange(150, 210))
    features = make_union(
        TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True),
        TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), sublinear_tf=True),
    )
    svm = LinearSVC(random_state=0).fit(features.fit_transform(train.titles), train.targets)
    expected = svm.predict(features.transform(test.titles))
    answers = baseline_answers(list(train.titles), train.targets, list(test.titles))
    assert answers.tolist() == expected.tolist()
    assert (answers == test.targets).mean() > 0.9


@pytest.mark.parametrize("held", [None, drawn(90, 3, honest=False)])
def test_it_did_not_learn_the_titles_that_it_answers(measured, held):
    """Labels at random: who has learned a title knows it, and nobody else does."""
    found = fit(drawn(300, 2, honest=False), held=held).validation.baseline
    assert found.path_accuracy < 0.5
    assert found.rows == (len(held) if held is not None else found.rows) >= 50


def test_it_is_left_out_where_it_takes_too_long_or_is_not_wanted(measured, monkeypatch):
    catalog = drawn(120, 4)
    wanted, unwanted = fit(catalog), fit(catalog, baseline=False)
    assert wanted.validation.baseline is not None and unwanted.validation.baseline is None
    assert wanted.fingerprint == unwanted.fingerprint, "it changes nothing that is learned"
    monkeypatch.setattr(module, "_SHARE", 1e-9)
    assert fit(catalog).validation.baseline is None
    assert expected_seconds(["a b c"] * 10_000, 500) > expected_seconds(["a b c"] * 1_000, 500)


def test_it_is_kept_with_the_classifier_and_shown(measured, tmp_path):
    classifier = fit(drawn(120, 5))
    classifier.save(str(tmp_path))
    kept = prodcat.load(str(tmp_path)).validation
    assert kept.baseline == classifier.validation.baseline is not None
    assert "path accuracy of TF-IDF and SVM" in str(kept)


@pytest.mark.parametrize(
    "change",
    [{"rows": 0}, {"path_accuracy": 1.5}, {"difference": None}, {"level_accuracy": [2.0]}],
)
def test_what_prodcat_does_not_write_is_refused(measured, change):
    values = fit(drawn(120, 6)).validation.to_dict()
    values = json.loads(json.dumps(values))
    assert Evaluation.from_dict(values).baseline is not None
    values["baseline"] |= change
    with pytest.raises(ArtifactError, match="baseline of an evaluation is not as prodcat writes"):
        Evaluation.from_dict(values)


def test_a_better_baseline_is_a_warning(measured, monkeypatch, caplog):
    """Labels are at random, and the other system knows them."""
    answers = module.baseline_answers
    catalog = drawn(300, 7, honest=False)
    truth = dict(zip(catalog.titles, catalog.targets.tolist(), strict=True))

    def knowing(texts, targets, judged):
        assert len(answers(texts, targets, judged)) == len(judged)
        return np.array([truth[title] for title in judged])

    monkeypatch.setattr(module, "baseline_answers", knowing)
    with caplog.at_level(logging.WARNING, logger="prodcat"):
        fit(catalog)
    assert "are better than this classifier" in caplog.text
