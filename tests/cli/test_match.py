"""``prodcat match``: what it writes, and what it refuses."""

import csv
import io

import pytest

from prodcat.cli.command import main

OURS = 'title,price,sku\nVelmora Cola zero 6 x 33 cl,"3,96",a1\nSüzme peynir 500 g,5,a2\n'
THEIRS = 'name,price\nCOLA ZERO VELMORA 6X330ML,"4,2"\nsuzme peynir 750gr,4.5\n'


@pytest.fixture
def tables(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ours.csv").write_text(OURS, encoding="utf-8")
    (tmp_path / "theirs.csv").write_text(THEIRS, encoding="utf-8")
    return ["match", "ours.csv", "theirs.csv", "--their-title", "name", "--price", "price"]


def rows_of(path):
    return list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))))


def test_two_tables_are_matched(tables, tmp_path, capsys):
    facts: dict[str, object] = {}
    given = [*tables, "--id", "sku", "--output", "m.csv", "--doubtful", "d.csv", "--one-to-one"]
    assert main(given, facts) == 0
    cola, cheese = rows_of(tmp_path / "m.csv")
    assert (cola["relation"], cola["our_id"], cola["their_id"]) == ("same product", "a1", "")
    assert cheese["relation"] == "same but other size"
    assert facts["relations"] == {"same product": 1, "same but other size": 1}
    said = capsys.readouterr().err
    assert "2 of our rows and 2 of theirs: 1 same product, 1 same but other size" in said
    assert "theirs.csv: no column 'sku' for --id, which is not compared" in said
    assert main([*tables, "--output", "m.csv"]) == 2
    assert "m.csv', which exists. Add --overwrite" in capsys.readouterr().err


def test_answers_are_handed_back_and_never_overwritten(tables, tmp_path, capsys):
    (tmp_path / "d.csv").write_text("our_row,their_row,answer\n1,1,same product\n0,0,\n")
    given = [*tables, "--output", "m.csv", "--overwrite"]
    assert main([*given, "--doubtful", "d.csv"]) == 2
    assert "'d.csv' has 1 answer" in capsys.readouterr().err
    assert main([*given, "--reviewed", "d.csv", "--doubtful", "e.csv"]) == 0
    by_row = {row["our_row"]: row for row in rows_of(tmp_path / "m.csv")}
    assert by_row["1"]["relation"] == "same product" and by_row["1"]["reviewed"] == "true"


def test_two_dates_are_compared(tables, tmp_path, capsys):
    (tmp_path / "later.csv").write_text(OURS.replace("a2", "a3").replace("Süzme", "Taze"))
    given = ["match", "--changes", "ours.csv", "later.csv", "--id", "sku", "--output", "c.csv"]
    assert main(given) == 0
    assert sorted(row["change"] for row in rows_of(tmp_path / "c.csv")) == [
        "came", "unchanged", "went",
    ]  # fmt: skip
    assert main([*given[:-1], "e.csv", "--one-to-one"]) == 2
    assert "--one-to-one is given with --changes" in capsys.readouterr().err


def test_a_column_that_is_missing_is_told(tables, capsys):
    assert main(["match", "ours.csv", "theirs.csv", "--output", "m.csv"]) == 2
    assert "Name the column with --their-title." in capsys.readouterr().err
    given = [*tables, "--text", "about", "--output", "m.jsonl"]
    assert main(given) == 0
    assert "no column 'about' for --text, which is not compared" in capsys.readouterr().err
