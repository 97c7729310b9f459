"""Folds of the titles, for scores out of fold."""

import numpy as np
import pytest

import prodcat
from prodcat.catalog.reading import read_catalog
from prodcat.errors import CatalogError
from prodcat.training.folds import Folds


def concepts(count=40):
    """Synonyms that only their concept connects; the label is that of the concept."""
    rng = np.random.default_rng(0)
    rows = []
    for number in range(count):
        label = ["A", "B", "C", "D"][rng.integers(4)]
        shared = "".join(chr(97 + letter) for letter in rng.integers(0, 26, 9))
        rows += [
            {"title": f"{shared} {word}", "path": label, "concept": str(number)}
            for word in ("salad", "soup", "pie", "cake")
        ]
    return read_catalog(rows, keep=["concept"])


def test_rows_of_a_group_are_in_one_fold():
    catalog = concepts()
    folds = Folds.of(catalog, 4, 0, "concept")
    assert {len(set(folds.fold[start : start + 4])) for start in range(0, 160, 4)} == {1}
    assert len(set(folds.fold)) == 5 and len(folds.asked) == len(catalog)


@pytest.mark.parametrize("group", [None, "concept"])
def test_scores_of_a_title_do_not_know_its_group(group):
    """Labels are those of the concept, at random: knowing a synonym is knowing the answer."""
    classifier = prodcat.fit(
        concepts(),
        model=prodcat.ModelConfig(encoder=None),
        training=prodcat.TrainingConfig(group=group, node_names=False, baseline=False),
        progress=False,
    )
    accuracy = classifier.validation.path_accuracy
    assert accuracy > 0.8 if group is None else accuracy < 0.5


def test_a_group_that_was_not_kept_is_refused():
    catalog = concepts()
    with pytest.raises(
        CatalogError, match=r"needs a column; expected column= one of \['concept'\]"
    ):
        prodcat.fit(
            catalog,
            model=prodcat.ModelConfig(encoder=None),
            training=prodcat.TrainingConfig(group="brand"),
            progress=False,
        )


def test_a_large_catalog_is_scored_in_part():
    titles = [
        f"{number} {chr(97 + number % 26)}{number * 7919 % 10007}q" for number in range(12_000)
    ]
    catalog = read_catalog({"title": titles, "path": [["A", "B"][n % 2] for n in range(12_000)]})
    folds = Folds.of(catalog, 2, 0)
    assert len(folds.asked) == 5_000
    assert len(set(folds.fold[folds.asked])) == 3, "three of five folds are solved"


def test_rows_without_a_group_are_on_their_own():
    rows = [{"title": f"{'ab'[number % 2]}{number * 7919}", "path": "A", "family": ""}
            for number in range(50)]  # fmt: skip
    catalog = read_catalog([*rows, {"title": "c", "path": "B", "family": None}], keep=["family"])
    assert len(set(Folds.of(catalog, 2, 0, "family").fold)) == 5


def test_a_quick_fit_validates_fewer_titles_with_machines_of_fewer_rows():
    catalog, fitted = concepts(800), []
    for settings in ({}, {"validated_titles": 500, "lexical_share": 0.05}):
        training = prodcat.TrainingConfig(node_names=False, baseline=False, **settings)
        model = prodcat.ModelConfig(encoder=None)
        fitted.append(prodcat.fit(catalog, model=model, training=training, progress=False))
    assert [len(model.validation.correct) for model in fitted] == [3_200, 500]
    weights = [model.network.lexical.entries()[2] for model in fitted]
    assert len(weights[0]) > len(weights[1]), "n-grams of rows that are not learned have no weight"


@pytest.mark.parametrize("setting", [{"lexical_share": 0.0}, {"validated_titles": 1}])
def test_settings_of_a_quick_fit_are_checked(setting):
    with pytest.raises(prodcat.ConfigError, match=next(iter(setting))):
        prodcat.TrainingConfig(**setting)
