"""Labels in the cells of a table keep the form that they have there."""

import json

import numpy as np
import pytest

from prodcat import Taxonomy, TreeChanges
from prodcat.catalog.label_columns import LabelColumns, NewLabels, read_labels, written_labels
from prodcat.catalog.migrating import migrate_labels
from prodcat.catalog.relabelling import Relabelling

PATHS = {("Food", "Fruit"): "Fresh Fruit", ("Food", "Bread"): "Bread", ("Food", "Tea"): ""}


@pytest.fixture
def relabelling(tmp_path):
    """Fruit gets another name and id, bread stays, and tea is dropped."""
    old = Taxonomy.from_table([
        {"id": "1", "parent": "", "name": "Food"}, {"id": "2", "parent": "1", "name": "Fruit"},
        {"id": "3", "parent": "1", "name": "Bread"}, {"id": "4", "parent": "1", "name": "Tea"},
    ]).with_names("tr", {"2": "Meyve", "3": "Ekmek"})  # fmt: skip
    new = Taxonomy.from_table([
        {"id": "1", "parent": "", "name": "Food"}, {"id": "22", "parent": "1", "name": "Fresh"},
        {"id": "3", "parent": "1", "name": "Bread"},
    ]).with_names("tr", {"1": "Gıda", "22": "Taze"})  # fmt: skip
    rows = [("same", "1", "1"), ("renamed", "2", "22"), ("same", "3", "3"), ("dropped", "4", "")]
    table = [{"kind": kind, "old_id": one, "new_id": other} for kind, one, other in rows]
    (tmp_path / "c.json").write_text(json.dumps(table))
    return Relabelling(TreeChanges.read(tmp_path / "c.json", old, new))


def migrated(columns, names, relabelling):
    """The new cells, and the reasons of faulty rows by number."""
    columns = {"title": [f"t{n}" for n in range(len(next(iter(columns.values()))))], **columns}
    read = read_labels(columns, names, relabelling.old)
    nodes, _ = migrate_labels(read.labels, relabelling)
    rows = len(columns["title"])
    before, after = np.full(rows, -1, np.int64), np.full(rows, -1, np.int64)
    has_label = np.zeros(rows, np.bool_)
    before[read.labels.rows], after[read.labels.rows] = read.labels.nodes, nodes
    has_label[read.labels.rows] = True
    labels = NewLabels(relabelling.old, relabelling.new, before, after, has_label)
    faults = {problem.row: problem.reason for problem in read.problems.by_row()}
    return written_labels(columns, names, labels), faults


@pytest.mark.parametrize(
    ("cell", "separator", "written"),
    [
        ("Food > Fruit", ">", "Food > Fresh"),
        ("Food>Fruit", ">", "Food>Fresh"),
        ("Food/Fruit", "/", "Food/Fresh"),
        ("Food / Fruit", "/", "Food / Fresh"),
        ('["Food", "Fruit"]', ">", '["Food", "Fresh"]'),
        ("['Food', 'Fruit']", ">", '["Food", "Fresh"]'),
        (["Food", "Fruit"], ">", ["Food", "Fresh"]),
        (("Food", "Fruit"), ">", ["Food", "Fresh"]),
        ("Food>Bread", ">", "Food>Bread"),
        ("Food  >  Bread", ">", "Food  >  Bread"),
        ("Food > Tea", ">", ""),
        (["Food", "Tea"], ">", None),
        ("", ">", ""),
        (None, ">", None),
    ],
)
def test_a_path_keeps_its_form(cell, separator, written, relabelling):
    names = LabelColumns("title", "path", separator=separator)
    assert migrated({"path": [cell]}, names, relabelling)[0] == {"path": [written]}


def test_names_are_in_the_language_of_the_row(relabelling):
    columns = {"ids": ["1 > 2", "1 > 2", "1 > 3"],
               "path": ["Food > Meyve", "Food > Fruit", "Food > Ekmek"],
               "language": ["tr", "de", "tr"]}  # fmt: skip
    names = LabelColumns("title", "path", "ids", language="language")
    made, faults = migrated(columns, names, relabelling)
    assert made["path"] == ["Gıda > Taze", "Food > Fresh", "Food > Ekmek"], "what is same stays"
    assert made["ids"] == ["1 > 22", "1 > 22", "1 > 3"] and faults == {}


def test_ids_stay_numbers_or_texts(relabelling):
    for ids, written in (
        ([2, 3, None], [22, 3, None]),
        (["2", "3", ""], ["22", "3", ""]),
        ([2.0, 3.0, None], [22, 3.0, None]),
        ([4, 3, 2], [None, 3, 22]),
    ):
        made, faults = migrated({"code": ids}, LabelColumns("title", None, id="code"), relabelling)
        assert made == {"code": written} and faults == {}


def test_levels_are_written_one_by_one(relabelling):
    columns = {"a": ["Food", "Food", ""], "b": ["Fruit", "Tea", None]}
    made, _ = migrated(columns, LabelColumns("title", ["a", "b"]), relabelling)
    assert made == {"a": ["Food", "", ""], "b": ["Fresh", "", None]}


def test_what_is_wrong_with_a_label_is_told(relabelling):
    columns = {"path": ["Food > Fruit", "Food > ", " > Fruit", "Shoes", "Food > Fruit"],
               "code": ["2", "", "", "", "99"]}  # fmt: skip
    made, faults = migrated(columns, LabelColumns("title", "path", id="code"), relabelling)
    assert faults == {2: "path skips a level", 3: "unknown category", 4: "path and ids differ"}
    assert made["path"] == ["Food > Fresh", "Food > ", "", "", ""]


def test_an_id_alone_says_the_category_of_a_row_without_a_path(relabelling):
    columns = {"path": ["", "Food > Bread"], "code": ["2", ""]}
    made, faults = migrated(columns, LabelColumns("title", "path", id="code"), relabelling)
    assert made == {"path": ["Food > Fresh", "Food > Bread"], "code": ["22", ""]}
    assert set(faults) == {0}, "only the path is missing there"
