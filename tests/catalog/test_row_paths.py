import numpy as np
import pandas as pd
import pytest

from prodcat import CatalogError, read_catalog
from prodcat.catalog.report import (
    INVALID_UTF8,
    NO_CATEGORY,
    SKIPPED_LEVEL,
    UNREADABLE_PATH,
)


def test_one_column_paths_in_lines_and_lists():
    lines = read_catalog([{"title": "x", "path": "A / B"}], separator="/")
    lists = read_catalog([{"title": "x", "path": ["A", "B"]}])
    assert lines.paths == lists.paths == [("A", "B")]


def test_paths_and_ids_of_different_lengths_are_wrong_rows():
    rows = [
        {"title": "x", "path": ["A", "B"], "ids": ["1", "2"]},
        {"title": "y", "path": ["A"], "ids": ["1", "2"]},
        {"title": "z", "path": ["A", ""], "ids": ["1", "2"]},
    ]
    report = read_catalog(rows, path_ids="ids", on_error="aside").report
    assert [problem.row for problem in report.problems] == [1, 2]


@pytest.mark.parametrize(
    ("value", "path"),
    [
        (np.array(["A", "B"], dtype=object), ("A", "B")),
        (("A", "B"), ("A", "B")),
        (b"A > B", ("A", "B")),
        (10, ("10",)),
        (10.0, ("10",)),
    ],
)
def test_paths_of_many_kinds(value, path):
    assert read_catalog([{"title": "x", "path": value}]).paths == [path]


@pytest.mark.parametrize(
    "value", [float("nan"), pd.NA, pd.NaT, None, "", [], "[]", "()", "[null]", "['', None]"]
)
def test_values_that_are_no_path_are_wrong_rows(value):
    rows = [{"title": "x", "path": "A"}, {"title": "y", "path": value}]
    report = read_catalog(rows, on_error="aside").report
    assert [(p.row, p.reason) for p in report.problems] == [(1, NO_CATEGORY)]


BROKEN = [
    '["Food", "Milk"',
    "['Food', 'Mi",
    '[["Food","Milk"]]',
    "('Food', 'Milk'",
    '{"Food": "Milk"}',
    '[{"name": "Food"}]',
    '["Food", {"name": "Milk"}]',
    '["Food", true]',
    [["Food", "Milk"]],
    ["Food", {"name": "Milk"}],
    {"Food": "Milk"},
    {"Food"},
]


@pytest.mark.parametrize("value", BROKEN, ids=repr)
def test_a_list_that_is_broken_is_a_wrong_row_and_no_category(value):
    rows = [{"title": "x", "path": "A"}, {"title": "y", "path": value}]
    with pytest.raises(CatalogError, match=r"path cannot be read: 1 \(row 2: "):
        read_catalog(rows)
    for on_error, titles in (("aside", ("x",)), ("accept", ("x", "y"))):
        catalog = read_catalog(rows, on_error=on_error)
        assert [(p.row, p.reason) for p in catalog.report.problems] == [(1, UNREADABLE_PATH)]
        assert catalog.titles == titles
        assert catalog.tree.names == ("A",) and catalog.targets[0] == 0
        assert on_error == "aside" or catalog.targets[1] == -1


def test_a_list_in_the_column_of_a_level_is_a_wrong_row():
    rows = [{"title": "x", "a": "A", "b": "B"}, {"title": "y", "a": "A", "b": ["B", "C"]}]
    rows.append({"title": "z", "a": '["A"', "b": "B"})
    catalog = read_catalog(rows, path=["a", "b"], on_error="aside")
    assert [(p.row, p.reason) for p in catalog.report.problems] == [
        (1, UNREADABLE_PATH),
        (2, UNREADABLE_PATH),
    ]
    assert catalog.tree.paths == (("A",), ("A", "B"))


def test_missing_values_at_the_end_of_a_list_are_no_names():
    rows = [{"title": "x", "path": '["A", "B", null]'}, {"title": "y", "path": "['A', nan, None]"}]
    assert read_catalog(rows).paths == [("A", "B"), ("A",)]


def test_invalid_utf8_in_a_path_is_found(tmp_path):
    (tmp_path / "t.csv").write_bytes("title,path\nçay,A\n".encode() + b"x,Caf\xe9 > B\n")
    report = read_catalog(str(tmp_path / "t.csv"), on_error="aside").report
    assert [(p.row, p.reason) for p in report.problems] == [(1, INVALID_UTF8)]
    kept = read_catalog(str(tmp_path / "t.csv"), on_error="accept")
    assert kept.paths[1] == ("Caf\ufffd", "B")


def test_a_node_with_an_id_but_no_name_is_a_gap():
    rows = [
        {"title": "x", "path": ["A", "B"], "ids": ["1", "2"]},
        {"title": "y", "path": ["", "B"], "ids": ["1", "2"]},
    ]
    [problem] = read_catalog(rows, path_ids="ids", on_error="aside").report.problems
    assert (problem.row, problem.reason) == (1, SKIPPED_LEVEL)
    assert problem.detail == "['', 'B'] has an empty name"
