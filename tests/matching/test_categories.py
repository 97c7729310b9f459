"""Matching with the categories that a classifier gives the products of both tables."""

import numpy as np
import pytest
import shelf_categories

from prodcat.matching import Candidates, MatchColumns, match_products, read_both, read_products
from prodcat.matching.relations import NONE, SAME, SUBSTITUTE, Scores, relate

OURS = [{"title": "Velmora lemon mint apple tea 1 l"}, {"title": "Velmora lemon soda 500 ml"}]
THEIRS = [
    {"title": "Velmora lemon mint apple soap 1 l"},
    {"title": "velmora LEMON SODA 0.5 l"},
    {"title": "Velmora lemon mint orange tea 1 l"},
]


@pytest.fixture(scope="module")
def by_title():
    return shelf_categories.fitted()


def related(classifier, ours=OURS, theirs=THEIRS, columns=None, **more):
    table = match_products(ours, theirs, columns, classifier=classifier, **more).table
    return {(row["our_row"], row["their_row"]): row for row in table.to_pylist()}


def test_what_is_surely_of_another_category_is_neither_the_same_nor_a_substitute(by_title):
    without, with_model = related(None), related(by_title)
    assert without[0, 0]["relation"] in (SAME, SUBSTITUTE)
    assert without[1, 1]["relation"] == with_model[1, 1]["relation"] == SAME
    relations = {pair: row["relation"] for pair, row in with_model.items()}
    assert relations[0, 2] in (SAME, SUBSTITUTE)  # another tea
    assert {relations.get(pair, NONE) for pair in ((0, 0), (1, 0))} == {NONE}


def test_equal_titles_but_for_the_category_are_less_probable(by_title):
    ours, theirs = (
        [{"title": "Velmora lemon 500 ml soda"}],
        [{"title": "Velmora lemon 500 ml soap"}],
    )
    one = related(None, ours, theirs)[0, 0]["probability"]
    other = related(by_title, ours, theirs)[0, 0]["probability"]
    assert other < one / 5


@pytest.mark.parametrize(
    ("category", "relation"),
    [(np.nan, SUBSTITUTE), (1.0, SUBSTITUTE), (-0.3, SUBSTITUTE), (-0.9, NONE)],
)
def test_doubtful_categories_part_nothing(category, relation):
    one = np.ones(1)
    pair = Candidates(np.zeros(1, np.int64), np.zeros(1, np.int64))
    scores = Scores(
        pair, content=-one, size=0 * one, size_ratio=np.nan * one, category=category * one,
        kind_share=one, probability=0.2 * one,
    )  # fmt: skip
    assert relate(scores, np.zeros(1, bool)).tolist() == [relation]


def test_rows_without_a_word_have_no_category(by_title, caplog):
    products = read_products([{"title": "Velmora mint soap"}, {"title": None}, {"title": "\u200b"}])
    paths = products.with_categories(by_title).paths
    assert [path for path, _ in paths] == [("Household", "Cleaning"), (), ()]
    assert [len(confidences) for _, confidences in paths] == [2, 0, 0]
    assert "2 of 3 titles are empty" in caplog.text
    assert products.with_categories(by_title).rows([1, 0]).paths == [paths[1], paths[0]]


def test_titles_may_look_like_names_of_files(by_title):
    paths = read_products([{"title": "soap.csv"}]).with_categories(by_title).paths
    assert paths[0][0] == ("Household", "Cleaning")


def test_a_classifier_reads_the_columns_that_it_was_trained_with(caplog):
    classifier = shelf_categories.fitted("kind")
    ours = [{"title": "Velmora mint 500 ml", "kind": "soap"}]
    theirs = [
        {"title": "Velmora mint 500 ml", "kind": "tea"},
        {"title": "Velmora mint 0.5 l", "kind": "soap"},
    ]
    columns = MatchColumns(text=("kind",))
    tables = [read.with_categories(classifier) for read in read_both(ours, theirs, columns)]
    assert [[path[0] for path, _ in table.paths] for table in tables] == [
        ["Household"], ["Drinks", "Household"],
    ]  # fmt: skip
    assert "missing" not in caplog.text
    assert tables[1].rows([1]).columns == {"kind": ["soap"]}
    rows = related(classifier, ours, theirs, columns)
    assert rows[0, 1]["relation"] == SAME
    assert rows[0, 1]["probability"] > rows.get((0, 0), {"probability": 0})["probability"]
    # Their table may name the column of the brand in another way.
    branded = [{"title": "Velmora mint 500 ml", "art": "tea"}]
    brands = MatchColumns(brand="kind"), MatchColumns(brand="art")
    one, other = (read.with_categories(classifier) for read in read_both(ours, branded, *brands))
    assert [each.paths[0][0][0] for each in (one, other)] == ["Household", "Drinks"]
    assert "missing" not in caplog.text
    # What a table lacks is told.
    read_products([{"title": "Velmora mint"}]).with_categories(classifier)
    assert "trained with the text columns ['kind']; ['kind'] is missing" in caplog.text
