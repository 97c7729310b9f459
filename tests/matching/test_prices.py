"""Prices in different currencies, and prices that cannot be read."""

import numpy as np
import pytest

from prodcat.matching import Candidates, MatchColumns, match_products, read_both, read_products
from prodcat.matching.comparison import Comparison
from prodcat.matching.features import pair_features

PRICED = MatchColumns(price="price")
OURS = [
    {"title": "Velmora Cola zero 6 x 33 cl", "price": "3,96 €"},
    {"title": "Süzme peynir 500 g", "price": "5 €"},
]


def theirs(cola, cheese):
    """The same products at other prices."""
    return [
        {"title": "COLA ZERO VELMORA 6X330ML", "price": cola},
        {"title": "suzme peynir 500gr", "price": cheese},
    ]


def test_prices_in_different_currencies_are_not_compared(caplog):
    matches = match_products(OURS, theirs("4,20 CHF", "4,50 €"), PRICED)
    rows = {row["our_row"]: row for row in matches.table.to_pylist()}
    assert rows[0]["relation"] == rows[1]["relation"] == "same product"
    assert (rows[0]["our_price"], rows[0]["their_price"]) == (3.96, 4.2)
    for name in ("price_difference", "our_price_per_unit", "their_price_per_unit", "unit"):
        assert rows[0][name] is None, name
    assert rows[1]["price_difference"] == pytest.approx(-0.1)
    [record] = caplog.records
    assert record.levelname == "WARNING"
    assert record.getMessage().startswith(
        "The prices of 1 pair are in different currencies and are not compared: EUR and CHF (1)."
    )


def test_the_features_of_prices_in_different_currencies_are_not_known():
    pairs = Candidates(np.array([0, 1]), np.array([0, 1]))
    features = pair_features(
        Comparison.of(*read_both(OURS, theirs("4,20 CHF", "4,50 €"), PRICED)), pairs
    )
    for name in ("price_ratio", "unit_price_ratio"):
        assert np.isfinite(features[name]).tolist() == [False, True]


def test_a_price_without_a_currency_is_compared(caplog):
    matches = match_products(OURS, theirs("4,20", 4.5), PRICED)
    assert None not in matches.table["price_difference"].to_pylist()
    assert not caplog.records


def test_prices_that_cannot_be_read_are_told_once_for_each_table(caplog, tmp_path):
    path = tmp_path / "theirs.csv"
    lines = ["title,price", "tea,n/a", "salt,", "milk,1.20", "rice,?", "jam,ask us", "oil,-"]
    path.write_text("\n".join(lines), encoding="utf-8")
    products = read_products(str(path), PRICED)
    assert np.isfinite(products.prices).tolist() == [False, False, True, False, False, False]
    [record] = caplog.records
    assert record.getMessage() == (
        f"{path}: 4 prices in 'price' cannot be read and are not compared, such as 'n/a' (row 1), "
        "'?' (row 4), 'ask us' (row 5)."
    )
    caplog.clear()
    read_products([{"title": "tea", "price": None}, {"title": "tea", "price": 2}], PRICED)
    assert not caplog.records
