"""Which unused columns would make answers better."""

import csv

import numpy as np
import pytest

import prodcat
from prodcat.cli.command import main
from prodcat.errors import CatalogError

KINDS = ["Milk", "Bread", "Soap"]
COLUMNS = ["hint", "noise", "sku", "same", "blank", "category_id", "group_id", "kind"]


@pytest.fixture(scope="module")
def table():
    """Titles say nothing in half of the rows; the column ``hint`` does in nine rows of ten."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 240)
    hints = np.where(rng.random(240) < 0.9, labels, rng.integers(0, 3, 240))
    names = ["".join(chr(97 + letter) for letter in rng.integers(0, 26, 7)) for _ in labels]
    return {
        "title": [f"{name} {KINDS[label]}" if row % 2 else name
                  for row, (name, label) in enumerate(zip(names, labels, strict=True))],
        "path": [["Shop", KINDS[label]] for label in labels],
        "hint": [f"shelf {'xyz'[hint]}" for hint in hints],
        "noise": [f"colour {number}" for number in rng.integers(0, 9, 240)],
        "sku": [f"S{number}" for number in range(240)],
        "same": ["shop"] * 240,
        "blank": [""] * 239 + ["x"],
        "category_id": [f"C{label}" for label in labels],
        "group_id": [f"G{row // 2}" if labels[row] == labels[row ^ 1] else f"H{row}"
                     for row in range(240)],
        "kind": [KINDS[label].upper() for label in labels],
    }  # fmt: skip


@pytest.fixture(scope="module")
def gains(table):
    return prodcat.suggest_columns(table)


def test_a_column_that_helps_comes_first_and_noise_does_not_help(gains):
    assert gains.rows == 240 and gains.useful == ["hint"]
    first, second = gains.columns[:2]
    assert first.column == "hint" and first.gain.value > 0.2 and first.gain.low > 0.1
    assert second.column == "noise" and not second.is_useful
    assert 0.4 < gains.path_accuracy < 0.8


def test_columns_that_cannot_help_are_not_tried(gains):
    reasons = {tried.column: tried.reason for tried in gains.columns}
    assert set(reasons) == set(COLUMNS)
    assert reasons["sku"] == "a value for each row, such as an id"
    assert reasons["same"] == "the same value in all rows" and reasons["blank"] == "nearly empty"
    for leak in ("category_id", "group_id", "kind"):
        assert reasons[leak] == "looks like the label"
    assert reasons["hint"] == reasons["noise"] == ""


def test_prices_and_descriptions_differ_in_every_row_and_are_tried(table):
    rng = np.random.default_rng(1)
    price = {"Milk": 1.0, "Bread": 3.0, "Soap": 9.0}
    rows = {
        "title": table["title"],
        "path": table["path"],
        "price": [f"{price[path[1]] * rng.uniform(0.8, 1.2):.3f}" for path in table["path"]],
        "about": [f"a thing called {title}" for title in table["sku"]],
    }
    found = prodcat.suggest_columns(rows)
    assert {tried.reason for tried in found.columns} == {""}
    assert found.useful == ["price"]


def test_columns_in_use_are_not_suggested_and_their_gain_is_not_counted_again(table):
    rows = {name: table[name] for name in ("title", "path", "hint")}
    rows["again"] = rows["hint"]
    found = prodcat.suggest_columns(rows, text=["hint"])
    assert [tried.column for tried in found.columns] == ["again"] and not found.useful


def test_too_few_labels_are_refused():
    with pytest.raises(CatalogError, match="Found 3 labelled titles; expected at least 20"):
        prodcat.suggest_columns([{"title": f"a{row}", "path": "A"} for row in range(3)])


def test_train_prints_the_table_and_the_option_to_add(table, tmp_path, capsys):
    path = tmp_path / "titles.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["title", "path", "the hint", "sku"])
        paths = [" > ".join(path) for path in table["path"]]
        columns = (table["title"], paths, table["hint"], table["sku"])
        writer.writerows(zip(*columns, strict=True))
    facts = {}
    assert main(["train", str(path), "--suggest-columns"], facts) == 0
    shown = capsys.readouterr().out
    assert "the hint" in shown and "not tried: a value for each row" in shown
    assert shown.endswith("add: --text 'the hint'\n") and facts["columns"] == ["the hint"]
    assert main(["train", str(path)]) == 2
    assert "--output is missing; expected a folder" in capsys.readouterr().err
    arguments = ["train", str(path), "--output", str(tmp_path / "m"), "--encoder", "none"]
    assert main([*arguments, "--text", "sku", "--calibration", "temperature"]) == 0
    assert "unused columns: the hint; --suggest-columns measures" in capsys.readouterr().err


def test_gains_have_a_frame_and_are_shown(gains):
    for library in ("pandas", "polars"):
        frame = gains.to_frame(library=library)
        assert frame["column"].to_list() == [tried.column for tried in gains.columns]
        assert frame["is_useful"].to_list() == [tried.is_useful for tried in gains.columns]
    page = gains._repr_html_()
    assert f"<b>Columns</b> {gains.rows} rows, path accuracy without these columns" in page
    assert "useful: hint" in page and "looks like the label" in page
