"""What is said of a category: its words, the categories like it, and titles with doubtful labels."""

import numpy as np
import pandas as pd
import pytest
from divided import TITLES, divided_classifier

import prodcat
from prodcat import CatalogError, ConfigError, ModelConfig, TaxonomyError, TrainingConfig
from prodcat.classifier.explanation.node_words import known_words, words_of_vocabulary
from prodcat.testing import tiny_classifier

WORDS = {
    ("Food", "Fish"): ["salmon", "tuna", "herring"],
    ("Food", "Oil"): ["olive", "rapeseed", "sunflower"],
    ("Home", "Soap"): ["lavender", "bar", "scented"],
}
WRONG = "olive oil 555 g"


def table():
    rng = np.random.default_rng(0)
    rows = [
        {
            "title": f"{rng.choice(words)} {path[-1].lower()} {rng.integers(100, 999)} g",
            "path": path,
        }
        for path, words in WORDS.items()
        for _ in range(60)
    ]
    return [*rows, {"title": WRONG, "path": ("Food", "Fish")}]


@pytest.fixture(scope="module")
def labelled():
    return prodcat.read_catalog([{**row, "path": list(row["path"])} for row in table()])


@pytest.fixture(scope="module")
def fitted(labelled):
    training = TrainingConfig(baseline=False)
    model = ModelConfig(encoder=None)
    return prodcat.fit(labelled, model=model, training=training, progress=False, device="cpu")


def test_the_words_of_a_catalog_speak_for_their_category(fitted, labelled):
    node = fitted.explain_node("Food > Fish", catalog=labelled)
    assert node.path == ("Food", "Fish") and node.titles == 61 == node.asked
    assert node.source == "catalog"
    names = [word.word for word in node.words_for]
    assert names[0] == "fish" and {"salmon", "tuna", "herring"} <= set(names)
    assert {"oil", "olive"} & {word.word for word in node.words_against}
    counts = {word.word: word.titles for word in node.words_for}
    assert counts["fish"] == 60 and counts["tuna"] == sum("tuna" in row["title"] for row in table())
    weights = [word.weight for word in node.words_for]
    assert weights == sorted(weights, reverse=True) and weights[-1] > 0
    assert all(word.weight < 0 for word in node.words_against)


def test_a_wrong_label_is_doubtful(fitted, labelled):
    node = fitted.explain_node(["Food", "Fish"], catalog=labelled)
    assert [title.title for title in node.doubtful] == [WRONG]
    [title] = node.doubtful
    assert title.row == 181 and title.label == ("Food", "Fish")
    assert all(near.path == ("Food", "Oil") for near in title.neighbours)
    assert f"row 181: {WRONG}" in str(node) and "1 of 61 titles are doubtful" in str(node)


def test_an_inner_category_and_the_categories_of_its_level(fitted, labelled):
    node = fitted.explain_node("Food", catalog=labelled)
    assert node.titles == 121 and {near.path for near in node.near} <= {("Home",)}
    assert "soap" in {word.word for word in node.words_against}
    fish = fitted.explain_node("Food > Fish", catalog=labelled)
    assert {near.path for near in fish.near} <= {("Food", "Oil"), ("Home", "Soap")}
    assert all(0 < near.likeness <= 1 for near in fish.near)


def test_without_a_catalog_the_names_of_the_tree_are_tried(fitted):
    node = fitted.explain_node("Food > Oil")
    assert node.source == "tree" and [word.word for word in node.words_for] == ["oil"]
    assert node.words_for[0].titles is None and node.asked is None and node.doubtful == ()


def test_the_words_of_an_encoders_vocabulary_are_tried_too(classifier):
    path = classifier.outcomes[0]
    node = classifier.explain_node(path)
    names = known_words(classifier.ngrams, classifier.taxonomy.names)
    assert node.source == "vocabulary"
    vocabulary = words_of_vocabulary(classifier.tokenizer)
    known = known_words(classifier.ngrams, [*names, *vocabulary])
    assert len(known) > len(names)
    assert {word.word for word in node.words_for} <= set(known)


def test_words_with_fields_are_those_of_titles(rows):
    table = [{"title": row.title, "brand": row.brand, "path": list(row.path)} for row in rows[:200]]
    catalog = prodcat.read_catalog(table, text=["brand"])
    fitted = prodcat.fit(
        catalog, model=ModelConfig(encoder=None), training=TrainingConfig(baseline=False),
        progress=False, device="cpu",
    )  # fmt: skip
    assert fitted.ngrams.fields
    node = fitted.explain_node(fitted.outcomes[3], catalog=catalog)
    assert node.words_for
    assert known_words(fitted.ngrams, ["süt", "qqqq"]) == ["sut"]


def test_a_model_without_ngrams_says_that_it_has_no_words(parts, encoder_folder):
    fitted = prodcat.fit(
        parts.validation,
        model=ModelConfig(encoder=str(encoder_folder), lexical=False, belief_width=0),
        training=TrainingConfig(epochs=0, baseline=False), device="cpu", progress=False,
    )  # fmt: skip
    node = fitted.explain_node(parts.validation.paths[0], catalog=parts.validation)
    assert node.source == "none" and node.words_for == () and node.near == ()
    assert "no words are known" in str(node) and node.asked


def test_a_migrated_classifier_knows_the_words_of_what_a_category_was():
    classifier = tiny_classifier()
    old = classifier.taxonomy
    new = prodcat.Taxonomy.from_table(
        [{**row, "name": "Lemonade" if row["name"] == "Juice" else row["name"]}
         for row in old.to_table() if row["name"] != "Water"]
    )  # fmt: skip
    migrated, _ = classifier.migrate(old.diff(new))
    before = classifier.explain_node("Drinks > Juice")
    after = migrated.explain_node("Drinks > Lemonade")
    weights = {word.word: word.weight for word in before.words_for}
    assert after.words_for and all(
        word.weight == weights[word.word] for word in after.words_for if word.word in weights
    )


def test_words_of_merged_split_and_added_categories_are_known(tmp_path):
    migrated = divided_classifier(tmp_path)
    given = [{"title": f"{words} {n}", "path": path} for path, words in TITLES.items()
             for n in range(2)]  # fmt: skip
    given += [{"title": "Toys Cars", "path": "Toys > Vehicles"},
              {"title": "Trucks", "path": "Toys > Vehicles"}]  # fmt: skip
    catalog = prodcat.read_catalog(given, taxonomy=migrated.taxonomy)

    def words(path):
        return [word.word for word in migrated.explain_node(path, catalog=catalog).words_for]

    assert "blade" in words("Home > Knives")[:2] and "prongs" in words("Home > Forks")[:2]
    assert "blade" not in words("Home > Forks") and "windy" in words("Toys > Kites")[:2]
    assert {"cars", "trucks"} <= set(words("Toys > Vehicles")[:3])
    without = migrated.explain_node("Home > Knives")
    assert without.source == "tree" and without.words_for[0].word == "knives"


def test_it_is_shown_in_notebooks_and_as_a_frame(fitted, labelled):
    node = fitted.explain_node("Food > Fish", catalog=labelled)
    page = node._repr_html_()
    assert "<table>" in page and "doubtful titles" in page and "salmon" in page
    frame = node.to_frame()
    assert list(frame.columns) == ["word", "weight", "titles"]
    assert isinstance(frame, pd.DataFrame)
    assert len(frame) == len(node.words_for) + len(node.words_against)


def test_mistakes_are_told(fitted, labelled):
    with pytest.raises(TaxonomyError, match="similar"):
        fitted.explain_node("Food > Fisch")
    with pytest.raises(ConfigError, match="most=0"):
        fitted.explain_node("Food", most=0)
    with pytest.raises(CatalogError, match="expected a Catalog"):
        fitted.explain_node("Food", catalog=["a"])
    with pytest.raises(CatalogError, match="no categories"):
        fitted.explain_node("Food", catalog=prodcat.read_catalog(["a"], path=None))
    other = prodcat.read_catalog([{"title": "a", "path": ["Cars"]}])
    with pytest.raises(CatalogError, match="not in the classifier's tree"):
        fitted.explain_node("Food", catalog=other)
