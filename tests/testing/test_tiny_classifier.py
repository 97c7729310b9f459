"""The classifier that users test their own code with."""

import time

import numpy as np
import pyarrow.parquet as pq
import pytest

import prodcat
from prodcat.errors import ConfigError, TaxonomyError
from prodcat.taxonomy.tree import Taxonomy
from prodcat.testing import tiny_classifier

ANSWERS = {
    "x": "Drinks > Water",
    "X 1": ("Food", "Fruit", "Apples"),
    "Bananas": "Food > Dairy > Milk",  # not what the generated titles say
    "Fresh Apples": "Home > Paper > Tissues",
    "Fresh Apples 2": "Food > Fruit > Apples",
}


@pytest.fixture(scope="module")
def tiny():
    return tiny_classifier(answers=ANSWERS)


def paths_of(classifier, titles, **options):
    return [best.path for [best] in classifier.predict(titles, **options)]


def test_given_titles_have_the_given_answers(tiny):
    expected = [tuple(path.split(" > ")) if isinstance(path, str) else path
                for path in ANSWERS.values()]  # fmt: skip
    assert paths_of(tiny, list(ANSWERS)) == expected


def test_the_grocery_tree_is_known_in_both_languages(tiny):
    tree = tiny.taxonomy
    assert list(tree.translations) == ["tr"] and len(tree.outcomes) >= 10
    learned = [node for node in tree.outcomes.tolist() if tree.names[node] not in ("Bananas",)]
    for language in (None, "tr"):
        titles = [" ".join(tree.path(node, language)[-2:]) for node in learned]
        assert paths_of(tiny, titles) == [tree.paths[node] for node in learned]
    assert paths_of(tiny, ["portakal"], language="tr") == [("Gıda", "Meyve", "Portakal")]


def test_it_takes_well_under_a_second():
    tiny_classifier()  # the first call imports torch's and scikit-learn's modules
    seconds = []
    for _ in range(3):
        start = time.process_time()
        tiny_classifier(answers=ANSWERS)
        seconds.append(time.process_time() - start)
    assert min(seconds) < 1


def test_equal_arguments_give_equal_classifiers(tiny):
    again = tiny_classifier(answers=ANSWERS)
    titles = [*ANSWERS, "red apple", ""]
    np.testing.assert_array_equal(again.predict_proba(titles[:-1]), tiny.predict_proba(titles[:-1]))
    np.testing.assert_array_equal(again.guarantee.scores, tiny.guarantee.scores)
    assert again.provenance.fingerprint == tiny.provenance.fingerprint


@pytest.mark.parametrize(
    "paths",
    [
        ["A > B", "A > C", "D"],
        [("A", "B"), ["A", "C"], ("D",)],
        Taxonomy.from_paths([("A", "B"), ("A", "C"), ("D",)]),
    ],
)
def test_the_tree_may_be_lines_paths_or_a_taxonomy(paths):
    classifier = tiny_classifier(paths, answers={"17": "D"})
    assert classifier.taxonomy == Taxonomy.from_paths([("A", "B"), ("A", "C"), ("D",)])
    assert paths_of(classifier, ["A B", "A C", "17"]) == [("A", "B"), ("A", "C"), ("D",)]


def test_a_taxonomy_keeps_its_ids_and_inner_outcomes():
    tree = Taxonomy.from_paths([("A",), ("A", "B"), ("C",)], ids=[("7",), ("7", "8"), ("9",)])
    classifier = tiny_classifier(tree, answers={"x": "A", "y": "A > B"})
    assert classifier.taxonomy is tree
    assert [best.node_id for [best] in classifier.predict(["x", "y", "C"])] == ["7", "8", "9"]


def test_a_tree_of_one_outcome_has_one_answer():
    classifier = tiny_classifier(["A > B"])
    assert paths_of(classifier, ["whatever"]) == [("A", "B")]


def test_it_gives_guarantees(tiny, caplog):
    assert len(tiny.guarantee) >= 300
    tree = tiny.taxonomy
    for options in ({"guarantee": 0.99}, {"max_error": 0.1}):
        [[best]] = tiny.predict(["Nordika Dairy Cheese 100 g"], **options)
        assert best.path == ("Food", "Dairy", "Cheese")[: len(best.path)]
    rows = [{"title": f"Casalta {' '.join(tree.paths[node])} {number}", "path": list(tree.paths[node])}
            for node in tree.outcomes.tolist() for number in range(20)]  # fmt: skip
    with caplog.at_level("WARNING", "prodcat"):
        own = tiny.with_guarantee(prodcat.read_catalog(rows, taxonomy=tree))
    assert not caplog.text and len(own.guarantee) == len(rows)


def test_it_is_saved_loaded_evaluated_and_scores_catalogs(tiny, tmp_path):
    tiny.save(str(tmp_path / "model"))
    loaded = prodcat.load(str(tmp_path / "model"), device="cpu")
    titles = [*ANSWERS, "kruvasan"]
    assert loaded.predict(titles, guarantee=0.9) == tiny.predict(titles, guarantee=0.9)
    (tmp_path / "titles.csv").write_text("title\n" + "".join(f"{title}\n" for title in titles))
    prodcat.score(loaded, str(tmp_path / "titles.csv"), str(tmp_path / "out"), progress=False)
    answered = pq.read_table(tmp_path / "out")["predicted_names"].to_pylist()
    assert [tuple(path) for path in answered] == paths_of(tiny, titles)
    rows = [{"title": "kruvasan", "path": "Food > Bakery > Croissants"}]
    catalog = prodcat.read_catalog(rows, taxonomy=tiny.taxonomy)
    assert tiny.evaluate(catalog).path_accuracy == 1


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"tree": "Food > Fruit"}, ConfigError, "is one text; expected a list of paths"),
        ({"tree": ["Food > "]}, TaxonomyError, "empty"),
        ({"answers": {"x": "Food > Fruits"}}, TaxonomyError, "Food > Fruits"),
        ({"answers": {"x": "Food > Fruit"}}, ConfigError, "'Food > Fruit', at which no product"),
        (
            {"answers": {"Ürün 5": "Drinks > Water", "urun 5": "Drinks > Juice"}},
            ConfigError,
            "but titles with the same n-grams have 'Drinks > ",
        ),
    ],
)
def test_what_cannot_be_answered_is_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        tiny_classifier(**arguments)
