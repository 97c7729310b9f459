"""The tables behind the page: opportunities, prices, brands, ranges and changes."""

import dataclasses
import math

import numpy as np
import pytest

import prodcat
from prodcat.errors import CatalogError, ConfigError
from prodcat.insight.assortment import Assortment, Supplements, compare_assortments
from prodcat.insight.assortment.page_limits import PageLimits
from prodcat.insight.assortment.page_price_tables import band_table, has_certain_band
from prodcat.insight.assortment.products import Products, given_brands, says_nothing, unit_price
from prodcat.insight.assortment.retailer import Retailer
from prodcat.insight.assortment.sentences import Sentences
from prodcat.insight.assortment.sureness import (
    Figure,
    difference,
    ratio,
    shift,
    sureness_of_all,
    typical,
)
from prodcat.insight.assortment.table_columns import COLUMNS
from prodcat.insight.assortment.tables import BuyingTables
from prodcat.insight.assortment.versus import Versus
from prodcat.insight.design.page import DesignPage
from prodcat.insight.prevalence.counts import Counts, at_or_below

PATHS = [("Food", "Snacks"), ("Food", "Bread"), ("Drinks", "Water"), ("Drinks", "Juice")]


def retailer(name, tree, products, paths=PATHS):
    """A retailer whose categories are all known."""
    nodes = np.array([tree.find(paths[place]) for _, place, _, _ in products])
    counts = at_or_below(tree, nodes)
    zero = np.zeros(len(tree), np.int64)
    exact = counts.astype(float)
    return Retailer(
        name=name,
        counts=Counts(len(nodes), exact, exact, exact, counts, zero),
        leaves=zero,
        prices=None,
        labelled=len(nodes),
        without_price=0,
        products=Products(
            tuple(title for title, _, _, _ in products),
            nodes,
            np.ones(len(nodes)),
            np.array([price for _, _, price, _ in products]),
            tuple(brand for _, _, _, brand in products),
            np.arange(len(nodes)),
        ),
    )


def rows_of(retailer):
    """What :func:`retailer` was made of."""
    tree = prodcat.Taxonomy.from_paths(PATHS)
    products = retailer.products
    places = [PATHS.index(tree.paths[node]) for node in products.nodes.tolist()]
    return list(zip(products.titles, places, products.prices, products.brands, strict=True))


def title(prefix, number):
    return f"{prefix} {chr(97 + number)} 500 g"


def shelf(prefix, place, number, price, brand=""):
    return [(title(prefix, each), place, price * (1 + each / 100), brand)
            for each in range(number)]  # fmt: skip


@pytest.fixture(scope="module")
def tree():
    return prodcat.Taxonomy.from_paths(PATHS)


@pytest.fixture(scope="module")
def ours(tree):
    products = [*shelf("Our crisps", 0, 5, 2.2), *shelf("Loaf", 1, 20, 1.0, "Mill")]
    return retailer("us", tree, [*products, *shelf("Spring", 2, 15, 0.5, "Spa")])


@pytest.fixture(scope="module")
def theirs(tree):
    products = [*shelf("Their crisps", 0, 20, 2.0, "Krak"), *shelf("Loaf", 1, 20, 0.8, "Mill")]
    products += [*shelf("Spring", 2, 15, 0.5, "Spa"), *shelf("Nectar", 3, 6, 3.0, "Frut")]
    return retailer("Rival", tree, products)


@pytest.fixture(scope="module")
def tables(tree, ours, theirs):
    return BuyingTables(Versus(tree, ours, theirs))


def test_every_table_has_its_columns_whatever_its_rows(tables):
    for name, rows in tables.rows.items():
        for row in rows:
            assert set(COLUMNS[name]) <= set(row), name


def test_shares_and_their_differences(tables):
    rows = {row["category"]: row for row in tables.rows["categories"]}
    snacks = rows["Food > Snacks"]
    assert (snacks["our_products"], snacks["their_products"]) == (5, 20)
    assert snacks["our_share"] == 5 / 40 and snacks["their_share"] == 20 / 61
    assert snacks["difference"] == pytest.approx(5 / 40 - 20 / 61)
    assert snacks["times"] == pytest.approx((20 / 61) / (5 / 40))
    assert snacks["times_low"] == snacks["times_high"] == snacks["times"]
    assert snacks["sure"] == "almost certain" and rows["Drinks > Juice"]["times"] is None


def test_opportunities_are_ranked_by_worth_and_name_the_products(tables):
    opportunities, products = tables.rows["opportunities"], tables.rows["products_to_list"]
    assert [row["category"] for row in opportunities] == ["Food > Snacks", "Drinks > Juice"]
    first = opportunities[0]
    missing = 40 * (20 / 61 - 5 / 40)
    price = np.median([2.0 * (1 + each / 100) for each in range(20)])
    assert first["worth"] == pytest.approx(missing * price) and first["worth_index"] == 100
    listed = [row for row in products if row["category_rank"] == 1]
    assert sum(row["worth"] for row in listed) == pytest.approx(first["worth"])
    assert len(listed) == first["listed_products"] == 20
    assert {row["title"] for row in listed} == {title("Their crisps", n) for n in range(20)}
    assert listed[0]["price_per_unit"] == pytest.approx(listed[0]["price"] * 2)
    assert listed[0]["unit"] == "kg" and listed[0]["brand"] == "Krak"
    assert [row["rank"] for row in products] == list(range(1, len(products) + 1))
    # What is dearer than usual is worth no more than the usual price.
    assert len({round(row["worth"], 6) for row in listed if row["price"] >= price}) == 1


def test_a_matched_product_is_not_missing_and_another_size_counts_half(tree, ours, theirs):
    def match(their, relation, ours="Our crisps a 500 g"):
        return {"our_title": ours, "their_title": their, "relation": relation,
                "probability": 0.9}  # fmt: skip

    versus = Versus(
        tree, ours, theirs,
        [match("THEIR crisps t 500 g", "same product"),
         match("Their crisps s 500 g", "same but other size"),
         match("Their crisps r 500 g", "substitute")],
    )  # fmt: skip
    listed = [r for r in BuyingTables(versus).rows["products_to_list"] if r["category_rank"] == 1]
    rows = {row["title"]: row for row in listed}
    assert "Their crisps t 500 g" not in rows and len(listed) == 19
    whole, half = rows["Their crisps r 500 g"], rows["Their crisps s 500 g"]
    assert half["worth"] == pytest.approx(whole["worth"] / 2)
    assert half["relation"] == "same but other size" and whole["relation"] == "substitute"
    assert listed[-1] is half
    [shared] = BuyingTables(versus).rows["shared_products"]
    assert shared["basis"] == "match" and shared["sure"] == "likely"
    assert shared["our_price"] == 2.2 and shared["their_price"] == pytest.approx(2.38)
    assert shared["difference"] == pytest.approx(2.2 / 2.38 - 1) and shared["cheaper"] == "ours"


def test_given_prices_of_matches_are_used_as_they_are(tree, ours, theirs):
    given = {
        "our_title": "Our crisps a 500 g", "their_title": "Their crisps a 500 g",
        "relation": "same product", "probability": None, "our_price": 3.0, "their_price": 2.0,
        "our_price_per_unit": 1.0, "their_price_per_unit": 2.0, "unit": "l",
    }  # fmt: skip
    [row] = BuyingTables(Versus(tree, ours, theirs, [given])).rows["shared_products"]
    assert (row["our_price_per_unit"], row["unit"], row["difference"]) == (1.0, "l", -0.5)
    # Without a given price per unit it is that of the given price, not of the catalog's.
    given |= {"our_price_per_unit": None, "their_price_per_unit": None, "unit": None}
    [row] = BuyingTables(Versus(tree, ours, theirs, [given])).rows["shared_products"]
    assert (row["our_price_per_unit"], row["their_price_per_unit"], row["unit"]) == (6.0, 4.0, "kg")


def test_prices_are_compared_by_shared_products_or_by_the_unit(tables):
    rows = {row["category"]: row for row in tables.rows["price_comparison"]}
    bread, snacks = rows["Food > Bread"], rows["Food > Snacks"]
    assert bread["basis"] == "shared products" and bread["our_compared"] == 20
    assert bread["difference"] == pytest.approx(0.25) and bread["cheaper"] == "theirs"
    assert bread["sure"] == "almost certain"
    assert snacks["basis"] == "price per kg" and snacks["their_compared"] == 20
    for row in rows.values():
        shown = row["our_typical"] / row["their_typical"] - 1
        assert shown == pytest.approx(row["difference"]), "both prices say what the difference says"
    assert snacks["difference"] == pytest.approx(0.024, abs=0.01)
    water = rows["Drinks > Water"]
    assert water["cheaper"] == "same" and water["sure"] == "uncertain"
    assert "Drinks > Juice" not in rows


def test_bands_are_the_thirds_of_both_retailers_prices(tables):
    rows = [row for row in tables.rows["price_bands"] if row["category"] == "Food > Bread"]
    assert [row["band"] for row in rows] == ["entry", "middle", "premium"]
    assert sum(row["our_share"] for row in rows) == pytest.approx(1)
    assert rows[0]["our_products"] == 0 and rows[0]["difference"] < -0.5
    assert rows[0]["sure"] == "almost certain" and rows[0]["price_from"] is None
    assert rows[0]["price_to"] == rows[1]["price_from"]


def test_categories_with_a_certain_band_come_first(tree, ours, theirs, tables):
    page = DesignPage("", "en", "EUR")
    rows = band_table(page, tables, PageLimits(1)).rows
    certain = [has_certain_band(row) for row in rows]
    assert certain[0] and not certain[-1] and certain == sorted(certain, reverse=True)
    text = Assortment(tree, (ours, theirs), 10).html()
    assert page.text("bands.uncertain") not in text


def test_a_department_among_the_opportunities_says_that_it_counts_all_below(ours, theirs):
    tree = prodcat.Taxonomy.from_paths([*PATHS, ("Food",)])
    both = [
        retailer(each.name, tree, rows_of(each) + further, [*PATHS, ("Food",)])
        for each, further in ((ours, []), (theirs, shelf("Hamper", 4, 16, 9.0)))
    ]
    tables = BuyingTables(Versus(tree, *both))
    sentences = Sentences(DesignPage("", "en"), "us", tables)
    opportunities = {row["category"]: row for row in tables.rows["opportunities"]}
    whole = sentences.opportunity(opportunities["Food"], 16)
    assert "16 products" not in whole and "56 products against our 25" in whole
    assert "This counts all of Food, with every category below it. Only products that" in whole
    part = sentences.opportunity(opportunities["Food > Snacks"], 20)
    assert "20 products against our 5" in part and "counts all of" not in part


def test_brands_and_ranges_that_only_they_have(tables):
    brands = {(row["category"], row["brand"]): row for row in tables.rows["brands"]}
    assert brands["Food > Snacks", "Krak"]["only"] == "theirs"
    assert brands["Food > Bread", "Mill"]["difference"] == 0
    only = tables.rows["only_theirs"]
    assert [(row["kind"], row["brand"]) for row in only] == [
        ("brand", "Krak"), ("category", None), ("brand", "Frut"),
    ]  # fmt: skip
    assert only[0]["examples"].count(" · ") == 2


def test_what_changed_between_two_dates(tree, ours, theirs):
    old = [("Their crisps a 500 g", 0, 1.0, ""), ("Gone 1 l", 3, 9.0, "")]
    old += shelf("Loaf", 1, 20, 0.8) + shelf("Spring", 2, 15, 0.5)
    versus = Versus(tree, ours, theirs, None, retailer("Rival", tree, old))
    tables = BuyingTables(versus)
    kinds = {}
    for row in tables.rows["changes"]:
        kinds.setdefault(row["kind"], []).append(row)
    assert {kind: len(rows) for kind, rows in kinds.items()} == {"new": 25, "gone": 1, "price": 1}
    [price], [gone] = kinds["price"], kinds["gone"]
    assert (price["price_before"], price["price"], price["difference"]) == (1.0, 2.0, 1.0)
    assert (gone["title"], gone["price_before"], gone["price"]) == ("Gone 1 l", 9.0, None)
    counts = {row["category"]: row for row in tables.rows["changed_categories"]}
    assert counts["Food > Snacks"]["new_products"] == 19
    assert counts["Food > Snacks"]["dearer_products"] == 1
    assert counts["Drinks > Juice"]["products_before"] == 1
    first = tables.rows["products_to_list"][0]
    assert first["is_new"] == (first["title"] != "Their crisps a 500 g")


def test_intervals_of_differences_and_ratios():
    one, other = Figure(10, 8, 13), Figure(5, 4, 5)
    gap = difference(one, other)
    assert (gap.value, gap.low) == (5, 5 - 2) and gap.high == pytest.approx(5 + math.hypot(3, 1))
    times = ratio(one, other)
    assert times is not None and times.low == pytest.approx(2 * 0.8)
    assert ratio(one, Figure(0, 0, 1)) is None
    assert Figure(1, 0, 2).chance(0) == pytest.approx(0.975, abs=1e-3)
    assert Figure(0, 0, 0).chance(0) == 0.5 and Figure(1, 1, 1).chance(0) == 1.0


def test_ranges_of_shifts_hold_the_truth_as_often_as_they_say():
    rng = np.random.default_rng(0)
    held, false = 0, 0
    for _ in range(300):
        figure, p_value = shift(rng.normal(0, 1, 12), rng.normal(0, 1, 15))
        held += figure.low <= 0 <= figure.high
        false += p_value < 0.05
    assert 0.91 <= held / 300 <= 0.99 and false / 300 <= 0.08
    figure, p_value = shift(rng.normal(1, 0.1, 20), rng.normal(0, 0.1, 20))
    assert figure.value == pytest.approx(1, abs=0.1) and p_value < 1e-6


def test_of_many_chance_differences_hardly_one_is_called_certain():
    rng = np.random.default_rng(1)
    assert sum(sure != "uncertain" for sure in sureness_of_all(rng.random(1_000).tolist())) <= 2
    assert sureness_of_all([]) == []
    figure, p_value = typical(np.array([0.1, 0.1, 0.1]))
    assert figure == Figure(*[pytest.approx(0.1)] * 3) and p_value == 0


def test_placeholders_are_no_brands(weak):
    _, _, pool = weak
    some = pool.take(np.arange(3))
    branded = dataclasses.replace(some, columns={"brand": ("n/a", None, " Mill ")})
    assert given_brands(branded, "brand", "us") == ["", "", "Mill"]
    empty = dataclasses.replace(some, columns={"brand": ("-", "", "Marca no disponible")})
    with pytest.raises(CatalogError, match="'us' has no brand: all values of brand are empty"):
        given_brands(empty, "brand", "us")
    assert not says_nothing("Nana") and unit_price("Milk 500 ml", float("nan")) is None


def unlabelled(catalog):
    return dataclasses.replace(catalog, taxonomy=None, targets=np.full(len(catalog), -1))


@pytest.mark.parametrize(
    "supplements, error, words",
    [
        (Supplements(matches={"me": []}), ConfigError, "matches has a table of 'me'; expected one"),
        (Supplements(matches=[]), ConfigError, "matches is a list; expected a mapping"),
        (Supplements(before={"you": []}), CatalogError, r"before\['you'\]"),
        (Supplements(brand="make"), CatalogError, "No catalog has a column 'make' with the brand"),
        (
            Supplements(matches={"you": [{"our_title": "a", "their_title": "b"}]}),
            CatalogError, "The matches of 'you': the table has no column 'relation'",
        ),
        (
            Supplements(
                matches={"you": [{"our_title": "a", "their_title": "b", "relation": "twin"}]}
            ),
            CatalogError, "row 1: the relation is 'twin'; expected one of 'same product'",
        ),
    ],
)  # fmt: skip
def test_wrong_supplements_are_refused(weak, supplements, error, words):
    classifier, labelled, pool = weak
    some = pool.take(np.arange(30))
    with pytest.raises(error, match=words):
        compare_assortments(
            {"me": some, "you": some}, classifier, labelled, supplements=supplements
        )


def test_an_unknown_language_is_refused_before_anything_is_computed(weak):
    classifier, labelled, pool = weak
    with pytest.raises(ConfigError, match="no pages in the language 'dde'; did you mean 'de'"):
        compare_assortments({"me": pool}, classifier, labelled, language="dde")
