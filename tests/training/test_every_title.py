"""Without an encoder every title is learned, and what is measured still holds for new titles."""

import numpy as np
import pytest
import torch

import prodcat
from prodcat.training.held_out import label_hashes

NGRAMS = prodcat.ModelConfig(encoder=None, characters=(2, 3))
PATHS = [(f"Department {top}", f"Shelf {top}{leaf}") for top in "ABC" for leaf in "WXYZ"]


def learn(catalog, *, validation=None, **settings):
    training = prodcat.TrainingConfig(baseline=False, **settings)
    return prodcat.fit(
        catalog, validation=validation, model=NGRAMS, training=training, progress=False
    )


def catalog_of(titles, leaves):
    rows = [
        {"title": title, "path": PATHS[leaf]} for title, leaf in zip(titles, leaves, strict=True)
    ]
    return prodcat.read_catalog(rows, taxonomy=prodcat.Taxonomy.from_paths(PATHS))


def without_signal(count, seed):
    """Titles of two random words each, whose labels are drawn without looking at them."""
    rng = np.random.default_rng(seed)
    words = ["".join(word) for word in rng.choice(list("abcdefghijklmnop"), (count, 2, 9)).tolist()
             for word in word]  # fmt: skip
    titles = [f"{first} {second}" for first, second in zip(words[::2], words[1::2], strict=True)]
    return catalog_of(titles, rng.integers(0, len(PATHS), count))


def ambiguous(count, seed):
    """Titles of three words each that are drawn for the leaf, for its department or for all.

    Some titles fit many leaves, so that no classifier is always right or always certain.
    """
    rng = np.random.default_rng(seed)
    leaves = rng.integers(0, len(PATHS), count)
    kinds = rng.choice(3, (count, 3), p=[0.3, 0.2, 0.5])
    numbers = rng.integers(0, 25, (count, 3))
    names = [[f"{leaf}l", f"{leaf // 4}d", "all"] for leaf in range(len(PATHS))]
    titles = [
        " ".join(
            f"{names[leaf][kind]}{chr(97 + number)}q" for kind, number in zip(*words, strict=True)
        )
        for leaf, *words in zip(leaves.tolist(), kinds.tolist(), numbers.tolist(), strict=True)
    ]
    return catalog_of(titles, leaves)


def test_every_title_is_learned_and_judged_by_machines_that_did_not_learn_it():
    catalog = without_signal(240, seed=0)
    fitted = learn(catalog)
    labels = np.bincount(catalog.targets, minlength=len(catalog.tree))
    assert fitted.counts.tolist() == labels.tolist()
    assert fitted.knows(label_hashes(catalog)).all()
    assert fitted.evaluate(catalog).path_accuracy > 0.95
    assert fitted.validation.rows == 240
    assert fitted.validation.path_accuracy < 0.2, "one in twelve is right by chance"
    assert fitted.validation.levels[0].accuracy < 0.5, "one in three is right by chance"
    confidences = [best.confidence for [best] in fitted.predict(without_signal(50, seed=1).titles)]
    assert max(confidences) < 0.5


def test_titles_to_validate_on_are_not_learned_where_the_user_says_so():
    catalog = without_signal(240, seed=0)
    fitted = learn(catalog, learn_validation=False)
    held = fitted.has_held(catalog.inputs)
    assert 5 < held.sum() == fitted.validation.rows < 40
    assert fitted.counts.sum() == 240 - held.sum()
    assert fitted.knows(label_hashes(catalog)).tolist() == (~held).tolist()
    assert fitted.evaluate(catalog.take(held)).path_accuracy < 0.4
    assert fitted.evaluate(catalog.take(~held)).path_accuracy > 0.95


@pytest.mark.parametrize("learned", [True, False])
def test_given_validation_titles_are_learned_after_they_were_measured(learned):
    catalog, validation = without_signal(200, seed=0), without_signal(100, seed=1)
    fitted = learn(catalog, validation=validation, learn_validation=learned)
    assert fitted.validation.rows == 100 and fitted.validation.path_accuracy < 0.25
    assert fitted.counts.sum() == (300 if learned else 200)
    accuracy = fitted.evaluate(validation).path_accuracy
    assert accuracy > 0.95 if learned else accuracy < 0.25


@pytest.fixture(scope="module")
def honest():
    return learn(ambiguous(1_200, seed=0))


def test_confidence_on_new_titles_is_right_at_every_level(honest):
    evaluation = honest.evaluate(ambiguous(4_000, seed=1))
    department, leaf = evaluation.levels
    assert 0.65 < leaf.accuracy < 0.8 < department.accuracy < 0.95
    # A perfect calibration shows about 0.015 by chance.
    assert max(evaluation.ece, department.ece, leaf.ece) < 0.045
    measured = honest.validation
    assert measured.path_accuracy == pytest.approx(evaluation.path_accuracy, abs=0.04)
    for before, after in zip(measured.levels, evaluation.levels, strict=True):
        assert before.accuracy == pytest.approx(after.accuracy, abs=0.04)


def test_a_guarantee_holds_for_new_titles(honest):
    guarded = honest.with_guarantee(ambiguous(1_000, seed=2))
    fresh = ambiguous(4_000, seed=3)
    answers = guarded.evaluate(fresh, guarantee=0.9)
    assert 0.87 < answers.coverage < 0.95
    depths = [len(best.path) for [best] in guarded.predict(fresh.titles[:300], guarantee=0.9)]
    assert {1, 2} <= set(depths), "some answers stop early, and some go to the leaf"


def test_equal_titles_give_equal_files_with_any_number_of_threads():
    catalog, threads = ambiguous(150, seed=0), torch.get_num_threads()
    files = []
    try:
        for number in (1, 2):
            torch.set_num_threads(number)
            files.append(learn(catalog).files())
    finally:
        torch.set_num_threads(threads)
    for content in files:
        content.pop("history.json")  # it says how long the training took
    assert files[0] == files[1]
