"""Numbers as each language writes them."""

import pytest

from prodcat.insight.design.numbers import FORMATS
from prodcat.insight.design.texts import LANGUAGES


def test_every_language_has_a_format():
    assert set(FORMATS) == set(LANGUAGES)


@pytest.mark.parametrize(
    "language, number, share, price",
    [
        ("de", "1.234,5", "12,3\xa0%", "1.234,50\xa0€"),
        ("en", "1,234.5", "12.3%", "€1,234.50"),
        ("fr", "1\u202f234,5", "12,3\u202f%", "1\u202f234,50\xa0€"),
        ("nl", "1.234,5", "12,3%", "€\xa01.234,50"),
        ("tr", "1.234,5", "%12,3", "€1.234,50"),
    ],
)
def test_marks_signs_and_currencies(language, number, share, price):
    numbers = FORMATS[language]
    assert numbers.number(1234.5, 1) == number
    assert numbers.share(0.123) == share
    assert numbers.price(1234.5, "EUR") == price


def test_small_shares_keep_a_digit_and_a_minus_is_a_real_one():
    numbers = FORMATS["en"]
    assert numbers.share(0.00042) == "0.04%" and numbers.share(0.0) == "0.0%"
    assert numbers.change(-0.2) == "−20%" and numbers.change(0.126) == "+13%"
    assert numbers.number(-0.01, 1) == "0.0" and numbers.change(0.001) == "0%"
    assert numbers.price(2, "CHF") == "CHF\xa02.00" and numbers.price(2) == "2.00"
