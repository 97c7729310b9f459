"""Whole tables: every row and column is kept, and what could not be read is told."""

import csv
import datetime
import json
import subprocess
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from prodcat.errors import CatalogError, ConfigError
from prodcat.offers import Brands, OfferColumns, read_offers, write_offers
from prodcat.offers.columns import COLUMNS

ROWS = [
    {"id": 1, "title": "Cola 6 x 33 cl", "price": "3,96 €", "tags": ["a", "b"]},
    {"id": 2, "title": None, "price": None, "tags": None},
    {"id": 3, "title": "Thon 190 g (140 g égoutté)", "price": "1,96 €", "tags": []},
    {"id": 4, "title": "Milk", "price": "cheap", "tags": ["c"]},
]
PRICED = OfferColumns(price="price")


def values(table, *names):
    return [tuple(row[name] for name in names) for row in table.to_pylist()]


def test_a_table_keeps_its_rows_and_columns_and_gets_those_of_offers():
    table = read_offers(ROWS, PRICED)
    assert table.column_names == ["id", "title", "price", "tags", *COLUMNS]
    assert values(table, "id", "title")[1:3] == [(2, None), (3, "Thon 190 g (140 g égoutté)")]
    assert values(table, "tags") == [('["a", "b"]',), (None,), ("[]",), ('["c"]',)]
    assert values(
        table, "offer_status", "offer_total", "offer_price_per_kg", "offer_price_per_l"
    ) == [
        ("read", 1980.0, None, 2.0),
        ("none", None, None, None),
        ("read", 190.0, 14.0, None),
        ("none", None, None, None),
    ]


def test_the_types_of_a_parquet_table_are_kept(tmp_path):
    day, cents = datetime.date(2026, 1, 2), 5
    source = pa.table({"title": ["Rice 1 kg"], "day": [day], "cents": [cents], "ok": [True]})
    pq.write_table(source, tmp_path / "in.parquet")
    write_offers(tmp_path / "in.parquet", tmp_path / "out.parquet")
    result = pq.read_table(tmp_path / "out.parquet")
    assert result.select(source.column_names) == source
    assert result["offer_total"].to_pylist() == [1000.0]


@pytest.mark.parametrize("ending", ["parquet", "csv", "tsv", "jsonl", "xlsx"])
def test_every_format_has_all_rows_and_columns(tmp_path, ending):
    from prodcat.storage.tables import iter_tables

    output = tmp_path / f"offers.{ending}"
    report = write_offers(ROWS, output, PRICED)
    [piece] = iter_tables(str(output))
    assert list(piece) == ["id", "title", "price", "tags", *COLUMNS]
    assert [str(value) for value in piece["id"]] == ["1", "2", "3", "4"]
    assert [float(piece["offer_total"][row]) for row in (0, 2)] == [1980.0, 190.0]
    assert report.counts.rows == 4 and report.counts.statuses["read"] == 2


def test_an_open_file_gets_csv(tmp_path):
    with (tmp_path / "out").open("wb") as file:
        write_offers(ROWS, file, PRICED)
    rows = list(csv.DictReader((tmp_path / "out").read_text(encoding="utf-8").splitlines()))
    assert [row["offer_unit"] for row in rows] == ["cl", "", "g", ""]


def test_what_could_not_be_read_is_counted_with_its_first_row():
    report_rows = [*ROWS, {"id": 5, "title": ["x"], "price": "1,234", "tags": None}]
    table = read_offers(report_rows, PRICED)
    problems = [row for (row,) in values(table, "offer_problem")]
    assert problems[0] is None and problems[3] == "price is no clear price: 'cheap'"
    assert "title is no text: ['x']" in problems[4]


def test_a_report_tells_rows_as_people_count(tmp_path):
    report = write_offers(ROWS, tmp_path / "o.csv", PRICED)
    first, second = str(report).split("\n")
    assert first.startswith("4 rows: 2 with a size, 2 without, 0 unknown; 0 with a brand; 2 with")
    assert second == "  1 row: price is no clear price: 'cheap' (row 4)"


def test_columns_of_the_pack_are_read_with_the_title():
    rows = [
        {"title": "Rice", "size": 500, "unit": "g"},
        {"title": "Rice 500 g", "size": "0,5", "unit": "kg"},
        {"title": "Rice 500 g", "size": "1", "unit": "kg"},
        {"title": "Rice 1 kg", "size": None, "unit": None},
        {"title": "Rice", "size": "big 7", "unit": None},
        {"title": "Tomatoes", "size": None, "unit": "kg"},
    ]
    table = read_offers(rows, OfferColumns(pack=("size", "unit")))
    assert values(table, "offer_status", "offer_total") == [
        ("read", 500.0), ("read", 500.0), ("unknown", None), ("read", 1000.0), ("none", None),
        ("read", 1000.0),
    ]  # fmt: skip
    problems = [row for (row,) in values(table, "offer_problem")]
    assert "name different sizes: '500 g' and '1 kg'" in problems[2]
    assert "size and unit cannot be read: 'big 7'" in problems[4]


def test_a_stated_price_is_used_and_a_contradiction_is_told():
    rows = [
        {"title": "Rice 500 g", "price": 1.0, "per": "2,00 €/kg"},
        {"title": "Rice 500 g", "price": 1.0, "per": "9,00 €/kg"},
        {"title": "Rice", "price": None, "per": "2,00 €/kg"},
        {"title": "Rice 500 g 2 X 1,00 €", "price": 2.0, "per": None},
    ]
    table = read_offers(rows, OfferColumns(price="price", unit_price="per"))
    assert values(table, "offer_price_per_kg", "offer_stated_price", "offer_stated_unit") == [
        (2.0, 2.0, "kg"), (None, 9.0, "kg"), (2.0, 2.0, "kg"), (None, None, None),
    ]  # fmt: skip
    problems = [row for (row,) in values(table, "offer_problem")]
    assert problems[0] is None and "is not that of the pack" in problems[1]
    assert "may be of several packs" in problems[3]


def test_brands_come_from_the_column_and_then_from_titles():
    rows = [{"title": "Velmora rice", "brand": "Velmora"}, {"title": "VELMORA beans", "brand": ""}]
    table = read_offers(rows, OfferColumns(brand="brand"))
    assert values(table, "offer_brand", "offer_brand_from") == [
        ("Velmora", "column"), ("Velmora", "list"),
    ]  # fmt: skip
    table = read_offers(rows, brands=Brands(("Other",)))
    assert values(table, "offer_brand") == [(None,), (None,)]


def test_a_wrong_row_of_a_file_keeps_its_place_and_is_told(tmp_path):
    (tmp_path / "in.csv").write_bytes(b"title,n\nRice 1 kg,1\nBeans,2,3\nOil 1 l,4\n\xff 2 kg,5\n")
    report = write_offers(tmp_path / "in.csv", tmp_path / "out.jsonl")
    rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [row["title"] for row in rows][:3] == ["Rice 1 kg", "Beans", "Oil 1 l"]
    assert [bool(row["offer_problem"]) for row in rows] == [False, True, False, True]
    assert [row["offer_total"] for row in rows] == [1000.0, None, 1000.0, None]
    assert "(row 2)" in str(report) and report.counts.rows == 4


def test_nothing_is_read_out_of_a_row_with_too_many_fields(tmp_path):
    text = 'title,price,brand\nVelmora rice 1 kg,"1,99 €",Acme\nAcme oil, 2 kg,3,98 €\n'
    (tmp_path / "in.csv").write_text(text, encoding="utf-8")
    columns = OfferColumns(price="price", brand="brand")
    report = write_offers(tmp_path / "in.csv", tmp_path / "o.jsonl", columns)
    good, wrong = [json.loads(line) for line in (tmp_path / "o.jsonl").read_text().splitlines()]
    assert (good["offer_total"], good["offer_price_per_kg"]) == (1000.0, 1.99)
    assert wrong["title"] == "Acme oil" and wrong["offer_status"] == "unknown"
    told = {name for name in COLUMNS if wrong[name] is not None}
    assert told == {"offer_status", "offer_problem"}
    assert "found 4 fields, expected 3 as in the header" in wrong["offer_problem"]
    assert report.counts.statuses == {"read": 1, "unknown": 1} and "(row 2)" in str(report)
    assert report.brands.names == ("Acme",)


@pytest.mark.parametrize(
    ("row", "status", "problem"),
    [
        ({"title": "\udcff 2 kg", "n": 1}, "unknown", "title is not UTF-8"),
        ({"title": "Rice 1 kg", "size": "\udcff 5", "n": 2}, "read", "size is not UTF-8"),
        ({"title": "Rice", "size": "500", "unit": "\udce9g", "n": 3}, "unknown", "unit is not UTF"),
        ({"title": "Rice 1 kg", "brand": "Ac\udcff", "n": 4}, "read", "brand is not UTF-8"),
        ({"title": "Rice 1 kg", "per": "2 €/kg \udcff", "n": 5}, "read", "per is not UTF-8"),
        ({"title": "Rice 1 kg", "price": "2 \udcff", "n": 6}, "read", "price is no clear price"),
        ({"title": ["Rice 1 kg"], "n": 7}, "unknown", "title is no text"),
        ({"title": "Rice \ud800 1 kg", "n": 8}, "unknown", "title is not UTF-8"),
    ],
)
def test_nothing_is_read_out_of_a_cell_that_is_not_utf8(row, status, problem):
    names = ("title", "size", "unit", "brand", "per", "price")
    columns = OfferColumns("title", ("size", "unit"), "brand", "price", "per")
    [offer] = read_offers([dict.fromkeys(names) | row], columns).to_pylist()
    assert offer["offer_status"] == status and problem in offer["offer_problem"]
    assert offer["offer_total"] == (1000.0 if status == "read" else None)
    assert offer["offer_brand"] is offer["offer_price"] is offer["offer_stated_price"] is None


def test_brands_are_not_learned_from_broken_cells():
    rows = [{"title": "rice", "brand": "Ac\udcff"}, {"title": "beans", "brand": "Acme"}]
    table = read_offers([*rows, {"title": "Acme oil", "brand": None}], OfferColumns(brand="brand"))
    assert values(table, "offer_brand") == [(None,), ("Acme",), ("Acme",)]


def test_records_that_lack_keys_and_differ_in_type_are_kept():
    rows = [{"title": "Rice 1 kg", "n": 1}, {"title": "Oil 1 l", "n": "two", "more": {"a": 1}}]
    table = read_offers(rows)
    assert values(table, "n", "more") == [("1", None), ("two", '{"a": 1}')]


def test_rows_from_a_generator_are_read_once_and_kept():
    table = read_offers({"title": f"Rice {n} kg"} for n in (1, 2))
    assert values(table, "offer_total") == [(1000.0,), (2000.0,)]


def test_mistakes_are_told(tmp_path):
    with pytest.raises(CatalogError, match="no column 'preis'"):
        read_offers(ROWS, OfferColumns(price="preis"))
    with pytest.raises(CatalogError, match=r"has a column 'offer_size', which reading offers adds"):
        read_offers([{"title": "a", "offer_size": 1}])
    with pytest.raises(ConfigError, match=r"expected a name ending with one of \.parquet, \.csv"):
        write_offers(ROWS, tmp_path / "o.xls", PRICED)
    with pytest.raises(ConfigError, match="decimal"):
        read_offers(ROWS, decimal=";")


def test_an_output_is_replaced_only_when_it_is_complete(tmp_path):
    output = tmp_path / "o.csv"
    output.write_text("old")
    with pytest.raises(CatalogError):
        write_offers([{"title": "a"}, 7], output)
    assert output.read_text() == "old" and [p.name for p in tmp_path.iterdir()] == ["o.csv"]
    write_offers(ROWS, output, PRICED)
    assert output.read_text().startswith("id,title,price")


def test_another_filesystem_gets_the_file():
    import fsspec

    write_offers(ROWS, "memory://offers/o.jsonl", PRICED)
    with fsspec.open("memory://offers/o.jsonl") as file:
        assert len(file.readlines()) == 4


def test_without_pint_the_message_says_how_to_install_it():
    code = (
        "import sys; sys.modules['pint'] = None\n"
        "from prodcat.offers import read_pack\n"
        "try: read_pack('1 kg')\n"
        "except Exception as error: print(type(error).__name__, error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.startswith("ConfigError Reading packs needs pint, which is not installed.")
    assert "pip install 'prodcat[offers]'" in done.stdout


def test_the_import_loads_no_units():
    code = "import sys, prodcat.offers; print('pint' in sys.modules, 'torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
