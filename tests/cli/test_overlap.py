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


MATCHED = (
    "our_row,their_row,our_title,their_title,relation,probability,reviewed\n"
    '0,0,Milk 1 l,MILK 1L,same product,"0,99",false\n'
    "1,2,Tea 50 g,TEA 50G,same product,0.97,false\n"
)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("0,0,Milk", "0,1.7,Milk", "their_row is '1.7'; expected the number of a row"),
        ("0,0,Milk", "0,inf,Milk", "row 1: their_row is 'inf'"),
        ("0,0,Milk", "0,-1,Milk", "row 1: their_row is '-1'"),
        ("0,0,Milk", "0,,Milk", "row 1: their_row is empty"),
        ('"0,99"', "", "row 1: probability is empty; expected a number from 0 to 1"),
        ("0.97", "7", "row 2: probability is '7'"),
        ("0.97", "high", "row 2: probability is 'high'"),
        ("TEA 50G", "Jam", "other titles than their table in 1 of 2 rows, such as 'Jam' for the"),
        ("0.97,false", "0.97,perhaps", "row 2: reviewed is 'perhaps'; expected true or false"),
    ],
)
def test_wrong_cells_and_another_table_are_refused(tables, tmp_path, capsys, old, new, message):
    (tmp_path / "matches.csv").write_text(MATCHED)
    assert main([*tables, "--title", "name"]) == 0
    (tmp_path / "matches.csv").write_text(MATCHED.replace(old, new))
    assert main(tables) == 2  # the column with the titles is found by what is in it
    assert message in capsys.readouterr().err


def test_exchanged_sides_are_told(tables, tmp_path, capsys):
    names = {"our_": "x_", "their_": "our_", "x_": "their_"}
    header, *lines = MATCHED.splitlines()
    for old, new in names.items():
        header = header.replace(old, new)
    (tmp_path / "matches.csv").write_text("\n".join([header, *lines]) + "\n")
    assert main(tables) == 2
    assert "With the two sides exchanged, 2 of 2 rows fit" in capsys.readouterr().err


def test_checked_products_are_of_the_same_table_and_answers_are_not_replaced(
    tables, tmp_path, capsys
):
    (tmp_path / "c.csv").write_text("their_row,their_title,answer\n0,MILK 1L,ja\n3,Tea,0\n")
    assert main([*tables, "--checked", "c.csv"]) == 2
    assert "'Tea' for the their_row 3, which" in capsys.readouterr().err.replace("whose", "which")
    given = [*tables, "--title", "name", "--to-check", "c.csv", "--overwrite"]
    assert main(given) == 2
    assert "--to-check 'c.csv' has 2 answers, which would be lost" in capsys.readouterr().err
    assert "MILK 1L,ja" in (tmp_path / "c.csv").read_text()


def test_reviewed_matches_are_certain_and_told(tables, tmp_path, capsys):
    (tmp_path / "matches.csv").write_text(MATCHED.replace("false", "true"))
    assert main(tables[:3]) == 0
    said = capsys.readouterr().out
    assert "2 products with a reviewed match are certain" in said and "--to-check" in said
    assert "No match was reviewed" not in said and "(no category)" not in said
    assert "We have 2 of their 4 products (50% to" in said
    (tmp_path / "matches.csv").write_text(MATCHED.splitlines()[0] + "\n")
    assert main(tables[:3]) == 0
    assert "the table has no rows" in capsys.readouterr().err
