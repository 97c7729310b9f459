"""Matching two small tables: relations, probabilities, reviewed pairs, one-to-one, errors."""

import re

import numpy as np
import pytest

from prodcat.errors import CatalogError, ConfigError
from prodcat.matching import (
    COLUMNS,
    Candidates,
    MatchColumns,
    Matcher,
    labelled_pairs,
    match_products,
    read_both,
    read_pairs,
    read_products,
)

PRICED = MatchColumns(price="price")
OURS = [
    {"title": "Velmora Cola zero 6 x 33 cl", "price": "3,96 €"},
    {"title": "Süzme peynir 500 g", "price": "5"},
    {"title": "Toast bread wholegrain 750g", "price": 2},
    {"title": "Dish soap lemon 1 l", "price": 3},
]
THEIRS = [
    {"title": "Orange juice 1l", "price": 2},
    {"title": "COLA ZERO VELMORA 6X330ML", "price": "4,2 €"},
    {"title": "Velmora cola zero 1,5 l", "price": "1,5"},
    {"title": "suzme peynir 500gr", "price": "4.5"},
    {"title": "wholegrain toast bread 500 g", "price": 1.5},
]
NOUNS = ("rice", "pasta", "honey", "yoghurt", "coffee", "butter")
KINDS = ("strawberry", "vanilla", "lemon", "smoked")
BRANDS = ("Velmora", "Quilvo", "Banzeli")


def shelves():
    """Products of every brand, noun and kind, and the same in other words."""
    ours, theirs = [], []
    for brand in BRANDS:
        for noun in NOUNS:
            for kind in KINDS:
                ours.append({"title": f"{brand} {noun} {kind} 500 g"})
                theirs.append({"title": f"{kind.upper()} {noun} 0.5kg {brand}"})
    return ours, theirs[::-1]


@pytest.fixture(scope="module")
def matches():
    return match_products(OURS, THEIRS, PRICED)


def test_relations_and_prices_for_one_unit(matches):
    rows = matches.table.to_pylist()
    assert matches.table.column_names == list(COLUMNS)
    by_pair = {(row["our_row"], row["their_row"]): row for row in rows}
    assert by_pair[0, 1]["relation"] == "same product" and by_pair[0, 1]["probability"] > 0.9
    assert by_pair[0, 2]["relation"] == "same but other size" and by_pair[0, 2]["probability"] < 0.1
    assert by_pair[1, 3]["relation"] == "same product"
    assert by_pair[2, 4]["relation"] == "same but other size"
    [soap] = [row for row in rows if row["our_row"] == 3]
    assert soap["relation"] == "none"
    cola = by_pair[0, 1]
    assert (cola["our_price"], cola["their_price"], cola["unit"]) == (3.96, 4.2, "l")
    assert cola["our_price_per_unit"] == pytest.approx(2.0)
    assert cola["price_difference"] == pytest.approx(4.2 / 3.96 - 1, abs=1e-4)
    assert by_pair[0, 2]["price_difference"] == pytest.approx(-0.5)
    assert "2 same product, 2 same but other size" in str(matches)


def test_words_that_tell_products_apart_are_learned_from_the_tables():
    ours, theirs = shelves()
    gone = {"title": "VANILLA rice 0.5kg Quilvo"}
    rest = [row for row in theirs if row != gone]
    table = match_products(ours, rest).table
    same = [row for row in table.to_pylist() if row["relation"] == "same product"]
    assert len(same) == len(ours) - 1
    for row in same:
        assert sorted(row["our_title"].lower().split()[:3]) == sorted(
            each for each in row["their_title"].lower().split() if not each[0].isdigit()
        )


def test_labelled_pairs_teach(matches):
    ours, theirs = read_both(*shelves())
    count = len(ours)
    rng = np.random.default_rng(0)
    pairs = [(row, count - 1 - row) for row in range(0, count, 2)]
    pairs += [(row, int(rng.integers(count))) for row in range(0, count, 2)]
    same = [row + other == count - 1 for row, other in pairs]
    matcher = Matcher().fit(ours, theirs, labelled_pairs(pairs, same))
    assert matcher.learned is not None and matcher.learned.pairs == len(pairs)
    held_out = Candidates(np.arange(1, count, 2), count - 1 - np.arange(1, count, 2))
    others = Candidates(held_out.ours, held_out.theirs[::-1])
    right = matcher.probabilities(ours, theirs, held_out)
    assert right.min() > 0.5 > matcher.probabilities(ours, theirs, others).max()


def test_too_few_labelled_pairs_are_told():
    ours, theirs = read_both(OURS, THEIRS)
    message = (
        "Found 1 labelled pairs of the same product and 1 others; expected at least 10 of each. "
        "Review more pairs, or match without labelled pairs."
    )
    with pytest.raises(CatalogError, match=re.escape(message)):
        Matcher().fit(ours, theirs, labelled_pairs([(0, 1), (0, 2)], [1, 0]))


def test_reviewed_pairs_are_taken_as_they_are():
    answers = [
        {"our_row": 0, "their_row": 1, "answer": "none"},
        {"our_row": 3, "their_row": 0, "answer": "same product"},
        {"our_row": 1, "their_row": 0, "answer": ""},
    ]
    rows = match_products(OURS, THEIRS, reviewed=answers).table.to_pylist()
    by_pair = {(row["our_row"], row["their_row"]): row for row in rows}
    assert by_pair[0, 1]["relation"] == "none" and by_pair[0, 1]["probability"] == 0
    assert by_pair[3, 0]["relation"] == "same product" and by_pair[3, 0]["reviewed"]
    assert not by_pair[1, 3]["reviewed"]


def test_the_doubtful_pairs_go_round():
    """Without brands it is not clear which of three products a title is."""
    ours, theirs = shelves()
    theirs = [{"title": row["title"].rsplit(" ", 1)[0]} for row in theirs[: len(theirs) // 3]]
    first = match_products(ours, theirs)
    doubtful = first.doubtful.to_pylist()
    assert doubtful and all(row["answer"] is None for row in doubtful)
    answers = [{**row, "answer": "same product"} for row in doubtful]
    second = match_products(ours, theirs, reviewed=answers)
    known = {(row["our_row"], row["their_row"]) for row in doubtful}
    same = {
        (row["our_row"], row["their_row"])
        for row in second.table.to_pylist()
        if row["reviewed"] and row["relation"] == "same product"
    }
    assert same == known
    again = {(row["our_row"], row["their_row"]) for row in second.doubtful.to_pylist()}
    assert not known & again


def test_one_to_one_gives_each_product_one_partner():
    twice = [*THEIRS, {"title": "Velmora COLA ZERO 6 x 330 ml", "price": "4,3"}]
    loose = match_products(OURS, twice, matcher=Matcher(threshold=0.2)).counts["same product"]
    strict = match_products(OURS, twice, matcher=Matcher(threshold=0.2, is_one_to_one=True))
    same = [row for row in strict.table.to_pylist() if row["relation"] == "same product"]
    assert loose == 3 and len(same) == 2
    assert len({row["our_row"] for row in same}) == len({row["their_row"] for row in same}) == 2


def test_ids_name_the_rows_of_labelled_pairs():
    named = MatchColumns(id="sku")
    ours = read_products([{"title": "milk", "sku": 7}, {"title": "tea", "sku": 8}], named)
    theirs = read_products([{"title": "tea", "sku": "x"}], named)
    pairs = read_pairs([{"our_id": 8, "their_id": "x", "same": 1}], ours, theirs)
    assert pairs.pairs.ours.tolist() == [1] and pairs.same.tolist() == [True]
    message = "Row 1 of the labelled pairs names our_id '9', which our table has not"
    with pytest.raises(CatalogError, match=message):
        read_pairs([{"our_id": 9, "their_id": "x", "same": 1}], ours, theirs)
    twins = read_products([{"title": "a", "sku": 1}, {"title": "b", "sku": 1}], named)
    with pytest.raises(CatalogError, match="Rows 1 and 2 of our table have one id, '1'"):
        read_pairs([{"our_id": 1, "their_id": "x", "same": 1}], twins, theirs)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"our_row": 0, "their_row": 0}, "expected the label in one of 'answer', 'relation'"),
        ({"our_row": 0, "same": 1}, "expected 'our_row' and 'their_row'"),
        ({"our_row": 9, "their_row": 0, "same": 1}, "names our_row '9'; expected a number from 0"),
        ({"our_row": 0, "their_row": 0, "same": "sam"}, "The label of pair 1 is 'sam'; expected"),
        (
            {"our_row": 0, "their_row": 0, "same": 1, "our_title": "x"},
            "says that row 0 of our table is 'x', but it is 'Velmora Cola zero 6 x 33 cl'",
        ),
    ],
)
def test_wrong_labelled_pairs_are_told(row, message):
    with pytest.raises(CatalogError, match=re.escape(message)):
        read_pairs([row], *read_both(OURS, THEIRS))


def test_wrong_tables_and_settings_are_told():
    with pytest.raises(CatalogError, match="has no column 'price'"):
        read_products([{"title": "milk"}], PRICED)
    with pytest.raises(CatalogError, match="No row of their table has a word in its title"):
        match_products(OURS, [{"title": ""}])
    with pytest.raises(ConfigError, match="threshold"):
        Matcher(threshold=2)
    ours, theirs = read_both(OURS, THEIRS)
    with pytest.raises(CatalogError, match="The pairs name rows from 0 to 9; expected rows from"):
        Matcher().probabilities(ours, theirs, Candidates(np.array([0, 9]), np.array([0, 0])))
    with pytest.raises(CatalogError, match=re.escape("the shape (2, 3); expected [4, size]")):
        ours.with_vectors(np.zeros((2, 3)))
    with pytest.raises(CatalogError, match="Only one of the tables has vectors"):
        Matcher().match(ours.with_vectors(np.ones((4, 2))), theirs)
    with pytest.raises(CatalogError, match="There are 1 pairs and 0 relations"):
        labelled_pairs([(0, 0)], [])


def test_vectors_find_candidates_that_share_no_letters():
    ours = read_products([{"title": "süt"}, {"title": "ekmek"}])
    theirs = read_products([{"title": "bread"}, {"title": "milk"}])
    ours = ours.with_vectors(np.array([[1, 0], [0, 1]]))
    theirs = theirs.with_vectors(np.array([[0.1, 1], [1, 0.1]]))
    table = Matcher(candidates=1).match(ours, theirs).table
    pairs = zip(table["our_row"].to_pylist(), table["their_row"].to_pylist(), strict=True)
    assert set(pairs) == {(0, 1), (1, 0)}


def test_brands_descriptions_codes_and_empty_titles():
    columns = MatchColumns(brand="brand", code="code", text=("about",), price="price")
    ours = [
        {"title": "dvd player 3800", "brand": "Denon", "code": "DVD-3800", "about": "black",
         "price": 10},
        {"title": None, "brand": None, "code": None, "about": None, "price": None},
        {"title": "dvd player", "brand": "Sony", "code": "DV1", "about": "silver", "price": 9},
    ]  # fmt: skip
    theirs = [
        {"title": "dvd3800 dvd player denon", "brand": "", "code": "", "about": "in black",
         "price": 11},
        {"title": "dvd player sony", "brand": "Sony", "code": "DV2", "about": "", "price": 9},
    ]  # fmt: skip
    ours_read, theirs_read = read_both(ours, theirs, columns)
    assert theirs_read.brands == ["Denon", "Sony"]
    rows = Matcher().match(ours_read, theirs_read).table.to_pylist()
    assert {row["our_row"] for row in rows} == {0, 2}
    assert next(row for row in rows if row["our_row"] == 0)["relation"] == "same product"
