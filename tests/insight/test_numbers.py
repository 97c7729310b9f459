"""Numbers as people and spreadsheets of several countries write them."""

import dataclasses
import math

import numpy as np
import pytest

from prodcat.errors import CatalogError
from prodcat.insight.assortment import compare_assortments
from prodcat.insight.numbers import numbers_of
from prodcat.insight.queue import review_queue


@pytest.mark.parametrize(
    ("values", "numbers"),
    [
        (["1.234,56", "1,64", "€ 1,64", "1,64 €", "7", "1.234"], [1234.56, 1.64, 1.64, 1.64, 7, 1234]),
        (["1,234.50", "$2.5", "US$ 3", "1,234"], [1234.5, 2.5, 3, 1234]),
        (["1 234,50 zł", "1\u202f234,5", "1'234,5 CHF", "EUR 3,10"], [1234.5, 1234.5, 1234.5, 3.1]),
        (["12,-", "₺12,90", "12,90 TL", "-1,5"], [12, 12.9, 12.9, -1.5]),
        (["1.234.567", "2"], [1234567, 2]),
        (["1,234,567", "2"], [1234567, 2]),
        (["0,234", "1234,567"], [0.234, 1234.567]),
        ([1.5, "2,5", 3], [1.5, 2.5, 3]),
        (["1e3", "0.5", ".5", 2], [1000, 0.5, 0.5, 2]),
    ],
)  # fmt: skip
def test_a_column_tells_its_decimal_mark(values, numbers):
    assert numbers_of(values, "VK").tolist() == numbers


def test_what_is_no_number_is_none():
    values = ["2,5", "12 Stück", "1-2", "1,23,45", "inf", math.inf, None, True, "", "1,6,€", "a"]
    assert np.flatnonzero(~np.isnan(numbers_of(values, "VK"))).tolist() == [0]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (["1,234", "7"], "a: VK is, for example, '1,234', which may be thousands or"),
        (["€ 1.234"], "no other row tells. Write the numbers with two decimals"),
        (["1,64", "2.50"], "a decimal comma in '1,64' and a decimal point in '2.50'"),
    ],
)
def test_what_may_be_two_numbers_is_refused(values, said):
    with pytest.raises(CatalogError, match=said):
        numbers_of(values, "VK", "a: ")


def test_prices_and_values_may_have_a_decimal_comma(weak, free, caplog):
    classifier, labelled, pool = weak
    some = pool.take(np.arange(60))
    written = [f"{price:.2f} €".replace(".", ",") for price in some.columns["price"]]
    comma = dataclasses.replace(some, columns={"price": tuple(written)})
    retailers = {"ours": some, "theirs": comma}
    ours, theirs = compare_assortments(retailers, classifier, labelled, price="price").retailers
    assert np.array_equal(ours.prices.quarters, theirs.prices.quarters, equal_nan=True)
    assert f"theirs: price is read with a decimal comma: {written[0]!r} is" in caplog.text
    comma = tuple(f"{value},50" for value in range(len(free)))
    own = dataclasses.replace(free, columns={"sales": comma})
    for item in review_queue(own, None, 3, value="sales"):
        assert item.weight == float(item.columns["sales"].replace(",", "."))
