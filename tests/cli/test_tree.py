"""prodcat tree, on real files."""

import csv
from pathlib import Path

import pytest

from prodcat.cli.command import main

OLD = ["Food > Fruit > Apples", "Food > Fruit > Pears", "Home > Candles", "Home > Pans"]
NEW = [
    "Food > Fresh Fruit > Apples",
    "Food > Fresh Fruit > Pears",
    "Gifts > Candles",
    "Home > Pans",
]


@pytest.fixture
def trees(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, paths in (("old.csv", OLD), ("new.csv", NEW)):
        (tmp_path / name).write_text("path\n" + "\n".join(paths) + "\n")
    return ["old.csv", "new.csv"]


def test_the_changes_are_printed_and_written_and_read_again(trees, capsys):
    assert main(["tree", "diff", *trees, "--output", "changes.csv"]) == 0
    printed = capsys.readouterr().out
    assert "7 categories, of which 2 changed:" in printed and "renamed" in printed
    assert main(["tree", "check", *trees, "changes.csv"]) == 0
    assert capsys.readouterr().out == printed


def test_the_table_goes_to_the_standard_output(trees, capsys):
    assert main(["tree", "diff", *trees, "--output", "-"]) == 0
    said = capsys.readouterr()
    rows = list(csv.DictReader(said.out.lstrip("\ufeff").splitlines()))
    assert {row["kind"] for row in rows} >= {"renamed", "moved", "same"}
    assert "to be checked by a person" in said.err


def test_a_mistake_in_the_table_ends_the_check(trees, capsys):
    main(["tree", "diff", *trees, "--output", "changes.csv", "--quiet"])
    text = Path("changes.csv").read_text("utf-8-sig")
    Path("changes.csv").write_text(text.replace("Gifts > Candles", "Gifts > Candels"))
    assert main(["tree", "check", *trees, "changes.csv"]) == 2
    assert "did you mean 'Gifts > Candles'" in capsys.readouterr().err


def test_titles_of_both_trees_say_what_a_category_has_become(trees, tmp_path):
    for name, paths in (("old", ["F > Tea", "F > Salt"]), ("new", ["F > Xyz", "F > Brews"])):
        (tmp_path / f"{name}.csv").write_text("path\n" + "\n".join(paths) + "\n")
        titles = ["earl grey 50 bags", "darjeeling", "sea salt", "sea salt fine"]
        rows = [f"{title},{paths[n // 2]}" for n, title in enumerate(titles)]
        (tmp_path / f"{name}-titles.csv").write_text("title,path\n" + "\n".join(rows) + "\n")
    options = ["--old-titles", "old-titles.csv", "--new-titles", "new-titles.csv"]
    assert main(["tree", "diff", *trees, *options, "--output", "changes.jsonl"]) == 0
    assert '"old_id": "F > Tea", "old_path": "F > Tea", "new_id": "F > Xyz"' in (
        (tmp_path / "changes.jsonl").read_text()
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--output", "a.html"], "--output is 'a.html'; expected a name ending with one of .csv"),
        (["--old-titles", "a.csv"], "Found --old-titles without --new-titles"),
        (["--new-titles", "a.csv"], "Found --new-titles without --old-titles"),
    ],
)
def test_options_that_cannot_be_used_are_refused(trees, options, message, capsys, tmp_path):
    (tmp_path / "a.csv").write_text("title,path\nmilk,F > Milk\n")
    assert main(["tree", "diff", *trees, *options]) == 2
    assert message in capsys.readouterr().err
