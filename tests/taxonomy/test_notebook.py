"""What notebooks show: small HTML in which every text is escaped, and data frames."""

import datetime
import sys

import numpy as np
import pandas as pd
import polars as pl
import pytest
from trees import RAGGED

import prodcat
from prodcat.errors import ConfigError
from prodcat.taxonomy.notebook import (
    NotebookTable,
    columns_of_rows,
    data_frame,
    free_columns,
    notebook_html,
    texts_of_rows,
)

HOSTILE = '<script>alert("x")</script><img src=y onerror=z>'


def test_every_text_is_escaped():
    table = NotebookTable([HOSTILE], [[HOSTILE], ["\x1b[2J"]], caption=HOSTILE)
    folded = NotebookTable([HOSTILE], [[HOSTILE]], caption=HOSTILE, is_folded=True)
    page = notebook_html(HOSTILE, [HOSTILE], table, folded)
    assert "<script" not in page and "<img" not in page and "\x1b" not in page
    assert page.count("&lt;script&gt;") == 8


def test_a_table_shows_ten_rows_and_says_of_how_many():
    rows = [[str(number), "milk"] for number in range(30)]
    page = NotebookTable(["number", "title"], rows, "titles").html()
    assert page.count("<tr>") == 11 and "titles (10 of 30)" in page
    assert '<td class="number">9</td><td>milk</td>' in page
    assert "rows (10 of 5,000)" in NotebookTable(["a", "b"], rows, total=5_000).html()
    assert "<caption>" not in NotebookTable(["a", "b"], rows[:2]).html()
    assert NotebookTable(["a", "b"], []).html() == ""


def test_long_texts_and_many_columns_do_not_make_it_large():
    row = ["x" * 1_000_000] * 500
    page = NotebookTable(row, [row] * 1_000, "y" * 1_000_000).html()
    assert len(page) < 50_000 and page.count("<th>") == 12
    assert page.count("<th>…</th>") == 1


def test_a_missing_value_is_an_empty_cell():
    columns = {"a": [None, float("nan"), pd.NA], "b": [0.1 + 0.2, np.float32(2), 12345.67]}
    assert texts_of_rows(columns) == [("", "0.3"), ("", "2.0"), ("", "12345.67")]


# -- data frames --------------------------------------------------------------


DAY = datetime.date(2024, 2, 29)
COLUMNS = {
    "number": np.arange(3),
    "whole": [1, None, 3],
    "flag": [True, None, False],
    "fraction": [1, 2.5, None],
    "id": ["007", None, "x"],
    "mixed": [1, "a", DAY],
    "large": [2**70, 1, None],
    "broken": ["s\udcfct", "a", None],
    "list": [["a", "b"], None, []],
    "nothing": [None, None, None],
    "day": [DAY, None, DAY],
}


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_values_stay_as_they_are(library):
    frame = data_frame(COLUMNS, library)
    assert type(frame) is {"pandas": pd.DataFrame, "polars": pl.DataFrame}[library]
    assert list(frame.columns) == list(COLUMNS)
    for name, values in COLUMNS.items():
        column = frame[name].to_list()
        for read, value in zip(column, values, strict=True):
            missing = read is None or read is pd.NA or (isinstance(read, float) and read != read)
            assert missing if value is None else np.all(read == value), name


def test_types_are_those_that_a_data_scientist_expects():
    frame = data_frame(COLUMNS)
    expected = {"number": "int64", "whole": "Int64", "flag": "boolean", "fraction": "float64"}
    assert {name: str(frame[name].dtype) for name in expected} == expected
    frame = data_frame(COLUMNS, "polars")
    assert frame["whole"].dtype == pl.Int64 and frame["fraction"].dtype == pl.Float64


@pytest.mark.parametrize(("library", "other"), [("pandas", "polars"), ("polars", "pandas")])
def test_a_library_that_is_not_installed_says_how_to_install_it(monkeypatch, library, other):
    monkeypatch.setitem(sys.modules, library, None)
    message = rf"needs {library}, which is not installed. Install it with pip install 'prodcat\["
    message += rf"{library}\]', or choose library='{other}'"
    with pytest.raises(ConfigError, match=message):
        RAGGED.to_frame(library=library)


def test_another_library_is_refused():
    with pytest.raises(ConfigError, match=r"library='arrow' is not known; expected one of \['pan"):
        RAGGED.to_frame(library="arrow")


def test_the_columns_of_a_user_keep_their_names():
    kept = {"row_number": ["r"], "path": ["p"], "prodcat_path": ["q"]}
    columns = columns_of_rows([4], kept, {"path": ["Food"]})
    assert list(columns) == ["prodcat_row_number", *kept, "prodcat_prodcat_path"]
    assert {name: columns[name] for name in kept} == kept
    assert list(columns["prodcat_row_number"]) == [5]
    assert free_columns({}, {"path": 1}) == {"path": 1}


# -- a tree -------------------------------------------------------------------


def test_a_tree_goes_into_a_frame_and_back():
    tree = RAGGED.with_names("tr", {RAGGED.ids[0]: "Gıda"})
    for library in ("pandas", "polars"):
        frame = tree.to_frame(library=library)
        assert list(frame.columns) == [
            "id", "parent", "name", "terminal", "name:tr", "path", "level",
        ]  # fmt: skip
        assert prodcat.Taxonomy.from_table(frame) == tree
    assert frame["level"].to_list() == tree.level.tolist()
