"""Substitutes are of the same kind of goods, whatever brand and flavour they share."""

from itertools import product

import numpy as np
import pytest

from prodcat.matching import Candidates, MatchColumns, Matcher, read_both
from prodcat.matching.comparison import Comparison
from prodcat.matching.features import kind_shares
from prodcat.matching.relations import NONE, OTHER_SIZE, SUBSTITUTE, Scores, relate

KINDS = ("batteries", "deodorant", "soup", "tea", "shampoo", "rice", "biscuits", "juice")
BRANDS = ("Velmora", "Quilvo", "Pomberg", "Zaffino")
FLAVOURS = ("smoked", "lemon", "vanilla")


@pytest.fixture(scope="module")
def tables():
    """A product of ours of each kind, brand and flavour, and one of theirs of the next brand."""
    ours, theirs = [], []
    for kind, (place, brand), flavour in product(KINDS, enumerate(BRANDS), FLAVOURS):
        ours.append({"title": f"{brand} {kind} {flavour} 500 g", "brand": brand})
        theirs.append({"title": f"{flavour} {kind} 400g {BRANDS[place - 1]}".upper()})
    return read_both(ours, theirs, MatchColumns(brand="brand"), MatchColumns())


def kind_of(table, row):
    return next(kind for kind in KINDS if kind in table.titles[row].lower())


def test_substitutes_and_other_sizes_are_of_the_same_kind(tables):
    ours, theirs = tables
    table = Matcher(candidates=40).match(ours, theirs).table
    found = [row for row in table.to_pylist() if row["relation"] != NONE]
    assert len(found) >= len(ours)
    for row in found:
        assert kind_of(ours, row["our_row"]) == kind_of(theirs, row["their_row"]), row


def test_brands_and_sizes_say_nothing_of_the_kind(tables):
    ours, theirs = tables
    pairs = Candidates(*(each.ravel() for each in np.indices((len(ours), len(theirs)))))
    shares = kind_shares(Comparison.of(ours, theirs), pairs)
    same = np.array(
        [
            kind_of(ours, one) == kind_of(theirs, other)
            for one, other in zip(pairs.ours, pairs.theirs, strict=True)
        ]
    )
    assert shares[same].min() > shares[~same].max() and 0 <= shares.min() <= shares.max() <= 1
    assert not shares[~same].min()  # of some, only the brand or nothing is the same


@pytest.mark.parametrize(
    ("kind", "category", "size", "relation"),
    [
        (0.2, np.nan, 1, NONE),  # the odds are high, as brand and flavour are the same
        (0.2, np.nan, -1, NONE),
        (0.8, np.nan, 1, SUBSTITUTE),
        (0.8, np.nan, -1, OTHER_SIZE),
        (0.2, 0.9, 1, SUBSTITUTE),  # a classifier is sure that both are of one category
        (0.8, -0.9, 1, NONE),
    ],
)
def test_it_takes_the_kind_or_the_category(kind, category, size, relation):
    one = np.ones(1)
    pair = Candidates(np.zeros(1, np.int64), np.zeros(1, np.int64))
    scores = Scores(
        pair, content=2 * one, size=size * one, size_ratio=np.nan * one, category=category * one,
        kind_share=kind * one, probability=0.2 * one,
    )  # fmt: skip
    assert relate(scores, np.zeros(1, bool)).tolist() == [relation]
