"""Rows that repeat each other, rows without a title, and one partner for each product."""

import re

import numpy as np
import pytest

from prodcat.errors import CatalogError
from prodcat.matching import (
    MatchColumns,
    Matcher,
    labelled_pairs,
    match_products,
    read_both,
)
from prodcat.matching.comparison import Candidates, Comparison
from prodcat.matching.learning import rival_features
from prodcat.matching.odds import margins

SAME = "same product"
COLUMNS = MatchColumns(brand="brand", price="price")
OURS = [
    {"title": "Velmora Cola zero 6 x 33 cl", "brand": "Velmora", "price": 3.96},
    {"title": "Banzeli honey strawberry 500 g", "brand": "Banzeli", "price": 5.0},
    {"title": "Quilvo dish soap lemon 1 l", "brand": "Quilvo", "price": 3.0},
]
THEIRS = [
    {"title": "COLA ZERO VELMORA 6X330ML", "brand": "", "price": 4.2},
    {"title": "strawberry honey 500gr Banzeli", "brand": "Banzeli", "price": 4.5},
    {"title": "Toast bread wholegrain 750g", "brand": "Ovenia", "price": 2.0},
]


def same_pairs(matches):
    """The pairs that are the same product."""
    rows = matches.table.to_pylist()
    return {(row["our_row"], row["their_row"]) for row in rows if row["relation"] == SAME}


@pytest.mark.parametrize("side", ["ours", "theirs", "both"])
def test_a_product_listed_twice_is_no_rival_of_itself(side):
    once = match_products(OURS, THEIRS, COLUMNS)
    ours = [*OURS, {**OURS[0], "price": 4.1}] if side != "theirs" else OURS
    theirs = [*THEIRS, {**THEIRS[0], "price": 3.9}] if side != "ours" else THEIRS
    twice = match_products(ours, theirs, COLUMNS)
    colas = {(one, other) for one in (0, 3)[: len(ours) - 2] for other in (0, 3)[: len(theirs) - 2]}
    assert same_pairs(once) == {(0, 0), (1, 1)}
    assert same_pairs(twice) == {(1, 1)} | colas
    strict = match_products(ours, theirs, COLUMNS, matcher=Matcher(is_one_to_one=True))
    expected = 3 if side == "both" else 2
    assert len(same_pairs(strict)) == expected
    for column in (0, 1):
        assert len({pair[column] for pair in same_pairs(strict)}) == expected


def test_rows_that_list_one_product_count_as_one_rival():
    pairs = Candidates(np.array([0, 0, 0]), np.array([0, 1, 2]))
    listed = Candidates(pairs.ours, np.array([0, 0, 1]))
    mine, theirs = margins(np.array([4.0, 3.5, 1.0]), pairs, listed)
    assert mine.tolist() == [3.0, 2.5, -3.0] and theirs.tolist() == [30.0] * 3


def test_what_is_learned_of_rivals_knows_repeated_rows():
    pairs = Candidates(np.array([0, 0]), np.array([0, 1]))
    kept = {name: np.array([0.9, 0.9]) for name in ("odds", "word_cosine", "letter_cosine")}
    alone = rival_features(kept, pairs, Candidates(pairs.ours, np.array([4, 4])))
    rivals = rival_features(kept, pairs, pairs)
    for name in ("our_margin", "least_margin", "word_cosine_margin", "letter_cosine_margin"):
        assert alone[name].tolist() == [30.0, 30.0] and rivals[name].tolist() == [0.0, 0.0]


def test_other_sizes_brands_and_codes_are_other_products():
    columns = MatchColumns(brand="brand", code="code", price="price")
    first = {"title": "Cola zero 33 cl", "brand": "Velmora", "code": "A1", "price": 1}
    rows = [
        first,
        {**first, "price": 2, "title": "COLA zero 330 ml", "brand": "VELMORA"},
        {**first, "title": "Cola zero 50 cl"},
        {**first, "brand": "Quilvo"},
        {**first, "code": "A2"},
    ]
    made = Comparison.of(*read_both(rows, rows, columns))
    assert made.ours.listed.tolist() == [0, 0, 1, 2, 3]


def test_repeated_rows_do_not_change_which_words_tell_products_apart():
    kinds = ("strawberry", "vanilla", "lemon", "smoked")
    nouns = ("rice", "pasta", "honey", "yoghurt", "coffee", "butter")
    once = [{"title": f"{noun} Velmora {kind} 500 g"} for noun in nouns for kind in kinds]
    plain = Comparison.of(*read_both(once, once))
    repeated = Comparison.of(*read_both(once * 9, once))
    assert repeated.distinct.tolist() == pytest.approx(plain.distinct.tolist())
    assert max(plain.distinct) > 0.3


def test_learned_matchers_know_repeated_rows_too():
    nouns = ("rice", "pasta", "honey", "yoghurt", "coffee", "butter", "cheese", "jam")
    kinds = ("strawberry", "vanilla", "lemon", "smoked")
    ours = [{"title": f"Velmora {noun} {kind} 500 g"} for noun in nouns for kind in kinds]
    theirs = [{"title": row["title"].upper().replace("500 G", "0.5kg")} for row in ours]
    count = len(ours)
    pairs = [(row, row) for row in range(count)] + [
        (row, (row + 1) % count) for row in range(count)
    ]
    labelled = labelled_pairs(pairs, [one == other for one, other in pairs])
    matcher = Matcher().fit(*read_both(ours, theirs), labelled)
    twice = read_both(ours, [*theirs, theirs[0]])
    chances = matcher.probabilities(*twice, Candidates(np.array([0, 0]), np.array([0, count])))
    assert chances.min() > 0.5


@pytest.mark.parametrize("threshold", [0.0, 0.5])
def test_a_reviewed_pair_takes_both_rows(threshold):
    """Its rivals (0, 0) and (1, 1) are more probable together than it is alone."""
    strict = Matcher(threshold=threshold, is_one_to_one=True)
    for pair in ((0, 1), (1, 0)):
        answers = labelled_pairs([pair], [SAME])
        same = same_pairs(match_products(OURS, THEIRS, COLUMNS, reviewed=answers, matcher=strict))
        assert {each for each in same if {each[0] - pair[0], each[1] - pair[1]} & {0}} == {pair}


def test_a_reviewed_pair_of_another_relation_is_not_the_same_one_to_one():
    answers = labelled_pairs([(0, 0)], ["substitute"])
    strict = Matcher(is_one_to_one=True)
    matches = match_products(OURS, THEIRS, COLUMNS, reviewed=answers, matcher=strict)
    assert same_pairs(matches) == {(1, 1)}


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        ([(0, 0), (0, 2)], "row 0 of our table is the same product as rows 0 and 2 of their table"),
        ([(0, 1), (2, 1)], "row 1 of their table is the same product as rows 0 and 2 of our table"),
    ],
)
def test_reviewed_pairs_that_contradict_one_to_one_are_told(pairs, message):
    answers = labelled_pairs(pairs, [SAME] * 2)
    with pytest.raises(CatalogError, match=re.escape(message)):
        match_products(OURS, THEIRS, COLUMNS, reviewed=answers, matcher=Matcher(is_one_to_one=True))
    assert set(pairs) <= same_pairs(match_products(OURS, THEIRS, COLUMNS, reviewed=answers))


def test_rows_without_a_title_are_in_no_pair_and_count_as_rows_with_none():
    blank = {"title": "", "brand": "Velmora", "price": 1}
    ours, theirs = [*OURS, blank, {**blank, "title": "-"}], [*THEIRS, blank]
    matches = match_products(ours, theirs, COLUMNS)
    rows = matches.table.to_pylist()
    assert {row["our_row"] for row in rows} == {0, 1, 2}
    assert {row["their_row"] for row in rows} <= {0, 1, 2}
    assert matches.our_rows_with_none == 3  # the soap, and the two without a title
    assert str(matches).endswith("; 3 of our rows with none")


def test_a_row_with_a_relation_and_a_reviewed_none_is_no_row_with_none():
    reviewed = [{"our_row": 0, "their_row": 1, "answer": "none"}]
    matches = match_products(OURS, THEIRS, COLUMNS, reviewed=reviewed)
    assert matches.counts["none"] == 2 and matches.our_rows_with_none == 1
