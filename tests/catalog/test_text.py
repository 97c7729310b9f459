import doctest

import pytest

import prodcat.catalog.text
from prodcat.catalog.text import fold, near_duplicate_key


def test_docstrings():
    assert doctest.testmod(prodcat.catalog.text).failed == 0


@pytest.mark.parametrize("title", ["KIRMIZI IŞIK", "kırmızı ışık", "Kirmizi Isik", "kİrmİzİ işik"])
def test_turkish_i_in_every_spelling_is_one(title):
    assert fold(title) == "kirmizi isik"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Coca-Cola 6x330ml", "COLA COCA 1,5 L"),
        ("Süt 1 L", "sut 500ml"),
        ("Crème fraîche 20 cl", "Fraiche Creme"),
        ("Bira 4'lü", "Bira x6"),
        ("Ketchup 500 gr", "ketchup 1kg"),
    ],
)
def test_near_duplicates_share_a_key(one, other):
    assert near_duplicate_key(one) == near_duplicate_key(other)


@pytest.mark.parametrize(
    ("one", "other"), [("iPhone 13", "iPhone 14"), ("Milk", "Milk chocolate"), ("B12", "B6")]
)
def test_different_products_do_not(one, other):
    assert near_duplicate_key(one) != near_duplicate_key(other)
