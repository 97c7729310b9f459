"""Two dates of one retailer."""

import re

from prodcat.matching import MatchColumns, compare_dates

COLUMNS = MatchColumns(price="price", id="id")
BEFORE = [
    {"id": 1, "title": "Milk 1 l", "price": 1.0},
    {"id": 2, "title": "Bread", "price": 2.0},
    {"id": 3, "title": "Butter 250 g", "price": 3.0},
    {"id": "", "title": "Strawberry jam 300 g", "price": 4.0},
    {"id": 5, "title": "Salt", "price": 1.0},
]
AFTER = [
    {"id": 3, "title": "Butter 250 g new look", "price": 3.0},
    {"id": 1, "title": "Milk 1 l", "price": 1.1},
    {"id": 2, "title": "Bread", "price": 1.5},
    {"id": "", "title": "STRAWBERRY JAM  300 g", "price": None},
    {"id": 9, "title": "Green tea 20 bags", "price": 2.0},
]


def test_each_row_of_either_date_is_in_one_change():
    changes = compare_dates(BEFORE, AFTER, COLUMNS)
    rows = changes.table.to_pylist()
    kinds = {(row["before_row"], row["after_row"]): row["change"] for row in rows}
    assert kinds == {
        (0, 1): "dearer",
        (1, 2): "cheaper",
        (2, 0): "renamed",
        (3, 3): "unchanged",
        (4, None): "went",
        (None, 4): "came",
    }
    assert {row["matched_by"] for row in rows} == {"id", "title", None}
    dearer = next(row for row in rows if row["change"] == "dearer")
    assert abs(dearer["price_change"] - 0.1) < 1e-9
    assert str(changes) == "1 came, 1 went, 1 dearer, 1 cheaper, 1 renamed, 1 unchanged"


def test_the_matcher_pairs_what_has_another_title():
    before = [{"title": "Velmora sparkling water lemon 6 x 1 l"}, {"title": "Rice 1 kg"}]
    after = [{"title": "Sparkling water Velmora LEMON 6x1L"}, {"title": "Rice 2 kg"}]
    rows = compare_dates(before, after).table.to_pylist()
    [same] = [row for row in rows if row["matched_by"] == "matcher"]
    assert (same["before_row"], same["after_row"], same["change"]) == (0, 0, "renamed")
    assert same["probability"] >= 0.8
    assert sorted(row["change"] for row in rows) == ["came", "renamed", "went"]


def test_products_whose_ids_stay_are_not_taken_for_others():
    before = [{"id": 1, "title": "Tea"}, {"id": 2, "title": "Coffee"}]
    after = [{"id": 1, "title": "Coffee"}, {"id": 2, "title": "Tea"}]
    rows = compare_dates(before, after, MatchColumns(id="id")).table.to_pylist()
    assert [(row["before_row"], row["after_row"]) for row in rows] == [(0, 0), (1, 1)]
    assert all(re.fullmatch("renamed", row["change"]) for row in rows)


def test_ids_that_several_rows_have_join_nothing(caplog):
    before = [
        {"id": 1, "title": "Tea", "price": 1.0},
        {"id": 1, "title": "Coffee", "price": 9.0},
        {"id": 2, "title": "Salt", "price": 1.0},
    ]
    after = [
        {"id": 1, "title": "Coffee", "price": 9.0},
        {"id": 2, "title": "Salt", "price": 1.0},
        {"id": 1, "title": "Tea", "price": 1.0},
    ]
    table = compare_dates(before, after, COLUMNS).table
    found = {
        (row["before_row"], row["after_row"]): (row["matched_by"], row["change"])
        for row in table.to_pylist()
    }
    assert found == {
        (0, 2): ("title", "unchanged"),
        (1, 0): ("title", "unchanged"),
        (2, 1): ("id", "unchanged"),
    }
    [earlier, later] = [record.getMessage() for record in caplog.records]
    assert earlier.startswith(
        "1 id of the earlier table stands in several rows, such as '1' (rows 1"
    )
    assert "such as '1' (rows 1 and 3). Such rows are compared by title and matcher" in later


def test_prices_that_are_known_at_one_date_only_are_told(caplog):
    before = [{"title": "Tea", "price": "1,00"}, {"title": "Salt", "price": ""}]
    after = [{"title": "Tea", "price": "n/a"}, {"title": "Salt", "price": 2}]
    changes = compare_dates(before, after, MatchColumns(price="price"))
    assert changes.counts["unchanged"] == 2
    unread, lost, come = [record.getMessage() for record in caplog.records]
    assert unread == (
        "a table in memory: 1 price in 'price' cannot be read and is not compared, such as 'n/a' "
        "(row 1)."
    )
    assert lost.startswith("1 product has no price that can be read in the later table, but in")
    assert "such as 'Tea'" in lost
    assert "in the earlier table" in come and "such as 'Salt'" in come


def test_the_summary_tells_which_repriced_products_have_another_title():
    before = [{"id": 1, "title": "Tea", "price": 1}, {"id": 2, "title": "Salt", "price": 1}]
    after = [{"id": 1, "title": "Green tea", "price": 2}, {"id": 2, "title": "Salt", "price": 2}]
    changes = compare_dates(before, after, COLUMNS)
    assert changes.counts["dearer"] == 2 and changes.repriced_and_renamed == 1
    assert str(changes).endswith("0 unchanged; 1 of the dearer and cheaper ones renamed, too")


def test_prices_in_another_currency_are_not_compared(caplog):
    before, after = [{"title": "Tea", "price": "1 €"}], [{"title": "Tea", "price": "2 CHF"}]
    [row] = compare_dates(before, after, MatchColumns(price="price")).table.to_pylist()
    assert row["change"] == "unchanged" and row["price_change"] is None
    [record] = caplog.records
    assert "EUR and CHF (1)" in record.getMessage()
