"""Tables of matches in a comparison of assortments: their cells, and whether they fit."""

import dataclasses

import numpy as np
import pytest

import prodcat
from prodcat.errors import CatalogError
from prodcat.insight.assortment.prices import PricedProducts, plausible_prices, read_prices
from prodcat.insight.assortment.supplements import fitting_matches, read_matches

HEADER = "our_title,their_title,relation,probability,our_price,unit\n"


@pytest.fixture
def table(tmp_path):
    def write(*rows):
        place = tmp_path / "matches.csv"
        place.write_text(HEADER + "".join(f"{row}\n" for row in rows))
        return str(place)

    return write


def test_numbers_of_a_csv_file_are_read(table, caplog):
    rows = read_matches(
        table('Milk,MILK,same product,"0,98","1.234,50",l', "Tea,TEA,substitute,0,,"), "Rival"
    )
    assert [row["probability"] for row in rows] == [0.98, 0.0]
    assert [row["our_price"] for row in rows] == [1234.5, None]
    assert [row["unit"] for row in rows] == ["l", None] and rows[0]["their_price"] is None
    assert not caplog.records


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("Milk,MILK,same product,sure,,", "row 1: probability is 'sure'; expected a number"),
        ("Milk,MILK,same product,1.5,,", "row 1: probability is '1.5'; expected a number from 0"),
        ("Milk,MILK,same product,1,inf,", "row 1: our_price is 'inf'; expected a number such as"),
    ],
)
def test_what_is_no_number_is_refused(table, row, message):
    with pytest.raises(CatalogError, match=f"The matches of 'Rival', {message}"):
        read_matches(table(row), "Rival")


def test_a_table_without_matches_is_told(table, caplog):
    assert read_matches(table(), "Rival") == []
    assert "The matches of 'Rival': the table has no rows" in caplog.text
    assert read_matches(table("Milk,Tea,none,0.1,,"), "Rival") == []
    assert "none of the rows is a match" in caplog.text


def test_matches_of_other_products_are_refused_or_told(table, caplog):
    catalogs = {
        "us": prodcat.read_catalog(["Milk", "=Tea", "Jam"]),
        "Rival": prodcat.read_catalog(["MILK 1L", "TEA", "Bread"]),
    }
    good = ["milk,Milk  1l,same product,,,", "'=Tea,TEA,same product,,,"]
    assert len(fitting_matches(table(*good), "Rival", catalogs)) == 2 and not caplog.records
    exchanged = ["Milk 1l,Milk,same product,,,", "TEA,=Tea,same product,,,"]
    with pytest.raises(CatalogError, match=r"2 of 2 name .* exchanged, 2 of 2 rows fit"):
        fitting_matches(table(*exchanged), "Rival", catalogs)
    old = ["Milk,Cheese,same product,,,", "Eggs,TEA,same product,,,", good[0]]
    with pytest.raises(CatalogError, match=r"2 of 3 name a product .* 'Cheese' of theirs"):
        fitting_matches(table(*old), "Rival", catalogs)
    assert len(fitting_matches(table(*good, old[1]), "Rival", catalogs)) == 2
    assert "1 of 3 name a product that is not compared, such as 'Eggs'" in caplog.text


def test_prices_with_both_marks_are_read_one_by_one(caplog):
    prices = read_prices("Rival", "r.csv, column 'prix'", ["1,19 €", "0.59", "1,234", 3])
    assert prices[[0, 1, 3]].tolist() == [1.19, 0.59, 3.0] and np.isnan(prices[2])
    assert "r.csv, column 'prix' have a decimal comma and others a decimal point" in caplog.text
    assert "'1,234' in row 3" in caplog.text
    with pytest.raises(CatalogError, match="may be thousands"):
        read_prices("Rival", "prix", ["1,234", "2,345", "5"])


def test_prices_that_are_a_mistake_are_left_out(caplog):
    tree = prodcat.Taxonomy.from_paths([("Food", "Tea"), ("Food", "Jam")])
    tea, jam = (tree.find(("Food", name)) for name in ("Tea", "Jam"))
    nodes = np.array([tea, tea, tea, jam])
    products = PricedProducts(nodes, np.array([2.0, 99_999_999_999.0, np.nan, 3.0]))
    kept = plausible_prices("Rival", tree, products)
    assert kept[[0, 3]].tolist() == [2.0, 3.0] and np.isnan(kept[1:3]).all()
    assert "1 of 3 prices are more than 1,000 times the median" in caplog.text
    few = dataclasses.replace(products, prices=np.array([0.01, 90.0, np.nan, np.nan]))
    assert plausible_prices("Rival", tree, few)[1] == 90.0  # two prices tell no median
