"""The table of changes: written in every format, edited by a person, and read back."""

import csv
import io
import json

import pytest

from prodcat import CatalogError, ConfigError, Taxonomy, TaxonomyError
from prodcat.taxonomy.changes.changes import TreeChanges

OLD = Taxonomy.from_paths(["Food > Tea", "Food > Salt & Pepper", "=Home > Pans", "=Home > -Pots"])
NEW = Taxonomy.from_paths(
    ["Food > Teas", "Food > Salt", "Food > Pepper", "=Home > Pans", "Toys > Dolls"]
)
FORMATS = ["csv", "xlsx", "json", "jsonl", "parquet"]


@pytest.fixture
def changes():
    return OLD.diff(NEW)


@pytest.mark.parametrize("ending", FORMATS)
def test_what_is_written_is_read(tmp_path, changes, ending):
    changes.save(tmp_path / f"changes.{ending}")
    again = TreeChanges.read(tmp_path / f"changes.{ending}", OLD, NEW)
    assert again.rows == changes.rows and again.added == changes.added


def test_a_spreadsheet_runs_no_formula(tmp_path, changes):
    changes.save(tmp_path / "changes.csv")
    text = (tmp_path / "changes.csv").read_text("utf-8-sig")
    cells = [cell for row in csv.reader(io.StringIO(text, newline=""))
             for cell in row]  # fmt: skip
    assert not any(cell.startswith(("=", "-", "@", "+")) for cell in cells)
    assert any(cell.startswith("'=Home") for cell in cells)


def test_what_is_to_be_checked_is_first(changes):
    marks = [row["sure"] for row in changes.to_table() if row["kind"] != "added"]
    assert marks == sorted(marks)


def test_another_ending_is_refused(tmp_path, changes):
    with pytest.raises(ConfigError, match=r"does not end with \.csv or \.xlsx or \.json or"):
        changes.save(tmp_path / "changes.html")


def test_without_the_column_sure_the_confidence_says_what_is_checked(tmp_path, changes):
    rows = [{k: v for k, v in row.items() if k != "sure"} for row in changes.to_table()]
    (tmp_path / "changes.json").write_text(json.dumps(rows))
    again = TreeChanges.read(tmp_path / "changes.json", OLD, NEW)
    assert [row.sure for row in again.rows] == [row.confidence >= 0.9 for row in changes.rows]
    assert not all(row.sure for row in again.rows)
    for row in rows:  # whoever writes a table by hand is sure of it
        del row["confidence"]
    (tmp_path / "changes.json").write_text(json.dumps(rows))
    assert all(row.sure for row in TreeChanges.read(tmp_path / "changes.json", OLD, NEW).rows)


def edited(tmp_path, changes, edit):
    """The changes after a person has edited the rows, which are given by old_id."""
    rows = changes.to_table()
    rows = edit(rows) or rows
    (tmp_path / "edited.json").write_text(json.dumps(rows))
    return TreeChanges.read(tmp_path / "edited.json", OLD, NEW)


def row_of(rows, key):
    return next(row for row in rows if row["old_id"] == key)


def test_a_person_can_change_what_a_category_became(tmp_path, changes):
    def edit(rows):
        row_of(rows, "Food > Tea").update(new_id="Toys > Dolls", new_path="", sure="yes")

    again = edited(tmp_path, changes, edit)
    row = next(row for row in again.rows if row.old_id == "Food > Tea")
    assert (row.new_ids, row.kind, row.sure) == (("Toys > Dolls",), "renamed and moved", True)
    assert {row.new_ids for row in again.added} == {("Food > Teas",), ("Toys",)}
    assert again.targets["Food > Tea"] == ("Toys > Dolls",)


def test_a_person_can_drop_a_category(tmp_path, changes):
    def edit(rows):
        row_of(rows, "Food > Tea").update(kind="Dropped", new_id=None, new_path=None)

    assert edited(tmp_path, changes, edit).targets["Food > Tea"] == ()


def test_a_person_can_split_a_category_and_name_paths_alone(tmp_path, changes):
    def edit(rows):
        row = row_of(rows, "Food > Tea")
        row.update(kind="split", new_id="", new_path="Food > Teas")
        rows.append({**row, "new_path": "Toys > Dolls"})

    found = edited(tmp_path, changes, edit).targets["Food > Tea"]
    assert found == ("Food > Teas", "Toys > Dolls")


def test_rows_of_added_categories_may_go(tmp_path, changes):
    again = edited(tmp_path, changes, lambda rows: [r for r in rows if r["kind"] != "added"])
    assert again.added == changes.added


MISTAKES = {
    "an unknown id": (
        {"new_id": "Food > Tees", "new_path": ""},
        "new_id 'Food > Tees' is not in the new tree; did you mean 'Food > Teas'?",
    ),
    "an unknown path": (
        {"new_id": "", "new_path": "Food > Tees"},
        "new_path 'Food > Tees' is not in the new tree",
    ),
    "two that disagree": ({"new_path": "Toys"}, "but new_path is 'Toys'; correct one, or leave"),
    "nothing": ({"new_id": "", "new_path": ""}, "but new_id and new_path are empty; fill in one"),
    "dropped with a target": ({"kind": "dropped"}, "it is 'dropped', but has a new_id or new_path"),
    "an unknown kind": ({"kind": "renamd"}, "the kind 'renamd' is unknown; did you mean 'renamed'"),
    "added with an old one": ({"kind": "added"}, "has an old category, but the kind 'added'"),
    "a high confidence": ({"confidence": 95}, "the confidence is '95'; expected a number from 0"),
    "a word as confidence": ({"confidence": "high"}, "the confidence is 'high'; expected a number"),
    "an unclear mark": ({"sure": "maybe"}, "sure is 'maybe'; expected 'yes' or 'no'"),
    "an unknown old id": (
        {"old_id": "Food > Te"}, "old_id 'Food > Te' is not in the old tree; the category 'Food > "
        "Tea' has the id 'Food > Tea'",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("change", "message"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_told_with_its_row(tmp_path, changes, change, message):
    def edit(rows):
        row = row_of(rows, "Food > Tea")
        row.update(change)
        rows.insert(0, rows.pop(rows.index(row)))

    with pytest.raises(TaxonomyError) as error:
        edited(tmp_path, changes, edit)
    assert "has 1 mistake: row 1: " in str(error.value) and message in str(error.value)


def test_a_category_that_is_mapped_twice_is_told(tmp_path, changes):
    def edit(rows):
        rows.append({**row_of(rows, "Food > Tea"), "new_id": "Toys", "new_path": "Toys"})

    with pytest.raises(TaxonomyError, match="'Food > Tea' is mapped twice; keep one row, or write"):
        edited(tmp_path, changes, edit)


def test_a_split_into_one_category_twice_is_told(tmp_path, changes):
    def edit(rows):
        rows.append(dict(row_of(rows, "Food > Salt & Pepper")))

    with pytest.raises(TaxonomyError, match="'Food > Salt & Pepper' is split into one category"):
        edited(tmp_path, changes, edit)


def test_missing_categories_are_told(tmp_path, changes):
    with pytest.raises(TaxonomyError, match=r"no row for 1 of 6 categories .*: 'Food > Tea'\. Add"):
        edited(tmp_path, changes, lambda rows: [r for r in rows if r["old_id"] != "Food > Tea"])


@pytest.mark.parametrize(
    ("content", "error", "message"),
    [
        ("{", CatalogError, "is not valid JSON"),
        ('{"kind": 1}', TaxonomyError, "is no list of rows"),
        ("[]", TaxonomyError, "has no rows"),
        ('[{"old_id": "a", "new_id": "b"}]', TaxonomyError, "has no column 'kind'"),
        ('[{"kind": "same", "new_id": "b"}]', TaxonomyError, "has no column 'old_id'"),
        ('[{"kind": "same", "old_id": "b"}]', TaxonomyError, "has no column 'new_id'"),
    ],
)
def test_a_file_of_another_form_is_refused(tmp_path, content, error, message):
    (tmp_path / "a.json").write_text(content)
    with pytest.raises(error, match=message):
        TreeChanges.read(tmp_path / "a.json", OLD, NEW)


def test_a_missing_file_is_told(tmp_path):
    for name in ("a.json", "a.csv"):
        with pytest.raises(CatalogError):
            TreeChanges.read(tmp_path / name, OLD, NEW)
