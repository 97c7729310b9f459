"""``prodcat overlap``: what it counts, and what it refuses."""

import csv
import io

import pytest

from prodcat.cli.command import main

MATCHES = "our_row,their_row,our_title,probability\n0,0,Milk 1 l,0.99\n1,2,Tea 50 g,0.97\n"
MATCHES += "1,0,Tea 50 g,0.02\n"
THEIRS = "name,department\nMILK 1L,Dairy\nCheese,Dairy\nTEA 50G,Drinks\nJam,\n"


@pytest.fixture
def tables(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "matches.csv").write_text(MATCHES)
    (tmp_path / "theirs.csv").write_text(THEIRS)
    return ["overlap", "matches.csv", "theirs.csv", "--category", "department"]


def rows_of(path):
    return list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))))


def test_products_are_counted_by_category(tables, tmp_path, capsys):
    facts: dict[str, object] = {}
    assert main([*tables, "--output", "o.csv"], facts) == 0
    said = capsys.readouterr()
    assert "of their 4 products" in said.out and "No match was reviewed" in said.out
    rows = rows_of(tmp_path / "o.csv")
    assert [(row["category"], row["products"]) for row in rows] == [
        ("", "4"), ("Dairy", "2"), ("Drinks", "1"), ("", "1"),
    ]  # fmt: skip
    assert 0 < facts["shared"] < 4
    assert main([*tables, "--output", "o.csv"]) == 2
    assert "o.csv', which exists. Add --overwrite" in capsys.readouterr().err


def test_a_sample_is_checked_and_handed_back(tables, tmp_path, capsys):
    given = [*tables, "--title", "name", "--to-check", "c.csv", "--products", "4"]
    assert main(given) == 0
    sample = rows_of(tmp_path / "c.csv")
    assert [row["their_title"] for row in sample] == ["MILK 1L", "Cheese", "TEA 50G", "Jam"]
    assert [row["likeliest_of_ours"] for row in sample] == ["Milk 1 l", "", "Tea 50 g", ""]
    assert {row["answer"] for row in sample} == {""}
    filled = "their_row,answer\n0,1\n1,no\n2,TRUE\n3,0\n"
    (tmp_path / "filled.csv").write_text(filled)
    capsys.readouterr()
    assert main([*tables, "--checked", "filled.csv"]) == 0
    said = capsys.readouterr().out
    assert "We have 2 of their 4 products (50% to 50%)" in said and "4 reviewed" in said


@pytest.mark.parametrize(
    ("file", "text", "options", "message"),
    [
        ("theirs.csv", "name,kind\nA,B\n", [], "no column 'department'"),
        ("theirs.csv", "name,department\nA,B\n", [], "their table has 1 rows"),
        (
            "matches.csv",
            "their_row,probability\n0,1\n",
            [],
            "Expected the table that prodcat match",
        ),
        ("c.csv", "their_row,answer\n0,\n", ["--checked", "c.csv"], "has no answer"),
        ("c.csv", "their_row,answer\n0,maybe\n", ["--checked", "c.csv"], "the answer 'maybe'"),
        ("c.csv", "their_row,answer\n9,1\n", ["--checked", "c.csv"], "the their_row '9'"),
        ("c.csv", "row,answer\n0,1\n", ["--checked", "c.csv"], "no column 'their_row'"),
        ("c.csv", "a\n1\n", ["--output", "o.html"], "--output is 'o.html'; expected"),
    ],
)
def test_what_does_not_fit_is_refused(tables, tmp_path, capsys, file, text, options, message):
    (tmp_path / file).write_text(text)
    assert main([*tables, *options]) == 2
    assert message in capsys.readouterr().err
