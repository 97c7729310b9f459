"""A blank line in a table of one column is an empty cell, so that rows keep their numbers."""

import csv
import io

import pytest

import prodcat
from prodcat.serving.bodies import read_body
from prodcat.serving.settings import Limits
from prodcat.testing import tiny_classifier

TABLES = {
    "inside": (["milk", "", "bread"], ["milk", "", "bread"]),
    "several": (["milk", "", "", "", "bread"], ["milk", "", "", "", "bread"]),
    "first": (["", "milk"], ["", "milk"]),
    "last": (["milk", ""], ["milk", ""]),
    "several at the end": (["milk", "", ""], ["milk", "", ""]),
    "in quotes": (["milk", '""', "", "bread"], ["milk", "", "", "bread"]),
    "with commas": (['"a, b"', "", "c"], ["a, b", "", "c"]),
}


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("name", TABLES)
def test_files_and_requests_have_a_row_for_each_line(name, end, tmp_path):
    lines, titles = TABLES[name]
    path = tmp_path / "titles.csv"
    text = "".join(line + end for line in ["title", *lines])
    path.write_bytes(text.encode())
    catalog = prodcat.read_catalog(path, path=None, on_error="accept")
    assert list(catalog.titles) == titles
    assert read_body(text.encode(), "text/csv", (), Limits()).columns["title"] == titles


def test_a_blank_line_between_the_fields_of_several_columns_is_no_row(tmp_path):
    path = tmp_path / "titles.csv"
    text = "sku,title\n1,milk\n\n2,bread\n\n\n"
    path.write_text(text)
    assert prodcat.read_catalog(path, path=None).titles == ("milk", "bread")
    assert read_body(text.encode(), "text/csv", (), Limits()).columns["title"] == ["milk", "bread"]


def test_answers_stand_in_the_lines_of_their_titles(tmp_path):
    source, output = tmp_path / "titles.csv", tmp_path / "answers.csv"
    source.write_text("title\n" + "milk\n\n" * 600 + "bread\n")
    report = prodcat.score(
        tiny_classifier(), source, output, scoring=prodcat.ScoringConfig(part_rows=100)
    )
    rows = list(csv.DictReader(io.StringIO(output.read_text())))
    assert report.rows == len(rows) == 1_201 and report.errors == 600
    assert [row["title"] for row in rows] == ["milk", ""] * 600 + ["bread"]


def test_blank_lines_without_number_are_left_out_and_told(tmp_path, caplog):
    path = tmp_path / "titles.csv"
    path.write_text("title\nmilk\n" + "\n" * 5_000)
    with caplog.at_level("INFO", "prodcat"):
        assert prodcat.read_catalog(path, path=None).titles == ("milk",)
    assert "5,000" in caplog.text
