"""Prices in cells, and what they are for a kilogram, litre, piece, wash or dose."""

from decimal import Decimal

import pytest

from prodcat.offers.pack import StatedPrice
from prodcat.offers.prices import Money, agree, read_money, stated_price, unit_prices
from prodcat.offers.texts import read_pack


@pytest.mark.parametrize(
    ("value", "amount", "currency"),
    [
        (3, 3.0, None), (2.5, 2.5, None), (Decimal("1.99"), 1.99, None),
        ("17.49 €", 17.49, "EUR"), ("€ 17,49", 17.49, "EUR"), ("1.234,56 TL", 1234.56, "TRY"),
        ("£1,234.50", 1234.5, "GBP"), ("12,-", 12.0, None), ("12,- €", 12.0, "EUR"),
        ("R$ 9,90", 9.9, "BRL"), ("$5.00", 5.0, None), ("1 234,50 zł", 1234.5, "PLN"),
        ("1’234.50 CHF", 1234.5, "CHF"), ("0,5", 0.5, None), (",99", 0.99, None),
    ],
)  # fmt: skip
def test_a_price_is_read(value, amount, currency):
    assert read_money(value) == Money(amount, currency)


@pytest.mark.parametrize(
    "value",
    ["", "free", "1,234", "1.234", -1, True, float("nan"), float("inf"), None, [1], "3 €/kg",
     "1-2 €", "€ 3 €", "12 apples", "1.2.3"],
)  # fmt: skip
def test_what_is_no_clear_price_is_none(value):
    assert read_money(value) is None


def test_a_decimal_mark_tells_thousands():
    assert read_money("1,234", ",") == Money(1.234)
    assert read_money("1,234", ".") == Money(1234.0)
    assert read_money("1.234 €", ",") == Money(1234.0, "EUR")
    assert read_money("1.5", ",") is None


@pytest.mark.parametrize(
    ("money", "of", "unit", "per", "amount"),
    [
        ("3,98 €", 1.0, "kg", "kg", 3.98), ("1,20 €", 100.0, "g", "kg", 12.0),
        ("0,50 €", 100.0, "ml", "l", 5.0), ("0,25 €", 1.0, "wash", "wash", 0.25),
        ("3,00 €", 10.0, "piece", "piece", 0.3), ("£4.54", 1.0, "lb", "kg", 10.00899),
    ],
)  # fmt: skip
def test_a_stated_price_is_for_one_unit(money, of, unit, per, amount):
    stated = stated_price(StatedPrice(money, of, unit))
    assert stated is not None and stated[0] == per
    assert stated[1].amount == pytest.approx(amount)


def test_a_price_of_ounces_is_not_known():
    assert stated_price(StatedPrice("$1.00", 1.0, "oz")) is None
    assert stated_price(StatedPrice("1,234 €", 1.0, "kg")) is None


@pytest.mark.parametrize(
    ("text", "price", "prices"),
    [
        ("Cola 6 x 33 cl", 3.96, {"l": 2.0, "piece": 0.66}),
        ("Rice 500 g", 1.0, {"kg": 2.0}),
        ("Thon 190 g (140 g égoutté)", 1.96, {"kg": 14.0}),
        ("Persil 40 WL 2 l", 8.0, {"l": 4.0, "wash": 0.2}),
        ("Vitamin C 60 caps", 6.0, {"dose": 0.1}),
        ("Eier 10 Stück", 3.0, {"piece": 0.3}),
        ("6-pack 330 ml", 3.0, {}),
        ("Milk", 3.0, {}),
    ],
)
def test_unit_prices_are_computed(text, price, prices):
    assert unit_prices(price, read_pack(text)) == prices


def test_prices_agree_but_for_rounding():
    assert agree(0.333333, 0.33) and agree(10.0, 10.2) and not agree(10.0, 10.5)
