"""Labels of a catalog in the next version of its tree."""

import json

import pandas as pd
import pytest

import prodcat
from prodcat import CatalogError, ConfigError, Taxonomy, TreeChanges, read_catalog
from prodcat.catalog.relabelling import Relabelling, lowest_above
from prodcat.catalog.undecided import COLUMNS, Choices

OLD = [
    "Food > Fruit > Apples", "Food > Fruit > Pears", "Food > Fruit > Kiwis", "Food > Bread",
    "Home > Knives & Forks", "Home > Candles", "Home > Pans", "Office > Pens",
]  # fmt: skip
NEW = [
    "Food > Fresh Fruit > Apples > Red", "Food > Fresh Fruit > Apples > Green",
    "Food > Fresh Fruit > Pears", "Food > Bread", "Home > Knives", "Home > Forks",
    "Gifts > Candles", "Home > Pans", "Home > Ovens",
]  # fmt: skip
BECAME = {
    "Food": "Food", "Home": "Home", "Office": "", "Food > Fruit": "Food > Fresh Fruit",
    "Food > Fruit > Apples": "Food > Fresh Fruit > Apples",
    "Food > Fruit > Pears": "Food > Fresh Fruit > Pears",
    "Food > Fruit > Kiwis": "Food > Fresh Fruit > Pears", "Food > Bread": "Food > Bread",
    "Home > Knives & Forks": "Home > Knives|Home > Forks", "Home > Candles": "Gifts > Candles",
    "Home > Pans": "Home > Pans", "Office > Pens": "",
}  # fmt: skip


def table_of(became):
    return [
        {
            "kind": "split" if "|" in new else "same" if new else "dropped",
            "old_path": old, "new_path": part,
        }
        for old, new in became.items()
        for part in new.split("|")
    ]  # fmt: skip


@pytest.fixture
def changes(tmp_path):
    """A table that a person checked, for the two trees."""
    (tmp_path / "changes.json").write_text(json.dumps(table_of(BECAME)))
    old, new = Taxonomy.from_paths(OLD), Taxonomy.from_paths(NEW)
    return TreeChanges.read(tmp_path / "changes.json", old, new)


def catalog_of(paths, **more):
    rows = [{"title": f"title {n}", "path": path, "sku": n} for n, path in enumerate(paths)]
    return read_catalog(rows, keep=["sku"], **more)


def lines(catalog):
    return [None if path is None else " > ".join(path) for path in catalog.paths]


def test_what_the_table_decides_gets_the_new_label_and_nothing_else_changes(changes):
    catalog = catalog_of(OLD, taxonomy=changes.old)
    migrated, report = catalog.migrate(changes)
    assert lines(migrated) == [
        "Food > Fresh Fruit > Apples", "Food > Fresh Fruit > Pears", "Food > Fresh Fruit > Pears",
        "Food > Bread", "Home", "Gifts > Candles", "Home > Pans", None,
    ]  # fmt: skip
    assert migrated.tree is changes.new and migrated.titles == catalog.titles
    assert migrated.columns == catalog.columns and migrated.rows.tolist() == list(range(8))
    assert report.counts == {
        "same": 3, "moved": 1, "merged": 1, "split": 1, "dropped": 1, "has parts now": 1,
    }  # fmt: skip
    assert [(own.row, own.kind, own.old_id) for own in report.undecided] == [
        (0, "has parts now", "Food > Fruit > Apples"),
        (4, "split", "Home > Knives & Forks"),
        (7, "dropped", "Office > Pens"),
    ]
    assert report.undecided[1].choices == (("Home", "Knives"), ("Home", "Forks"))
    assert "split into 'Knives', 'Forks'" in report.undecided[1].reason
    assert "nothing has become of 'Office > Pens'" in report.undecided[2].reason


def test_undecided_titles_can_be_left_without_a_label(changes):
    catalog = catalog_of(OLD, taxonomy=changes.old)
    migrated, report = catalog.migrate(changes, fallback="empty")
    assert lines(migrated)[0] is lines(migrated)[4] is lines(migrated)[7] is None
    assert lines(migrated)[1] == "Food > Fresh Fruit > Pears" and len(report.undecided) == 3


def test_a_catalog_without_its_tree_is_read_by_its_paths(tmp_path):
    rows = [
        {"id": f"n{n}", "parent": f"n{p}" if p >= 0 else "", "name": name}
        for n, (p, name) in enumerate([(-1, "Food"), (0, "Fruit"), (0, "Bread")])
    ]
    old = Taxonomy.from_table(rows)
    new = Taxonomy.from_paths(["Food > Fresh Fruit", "Food > Bread"])
    (tmp_path / "c.json").write_text(json.dumps(table_of({
        "Food": "Food", "Food > Fruit": "Food > Fresh Fruit", "Food > Bread": "Food > Bread",
    })))  # fmt: skip
    changes = TreeChanges.read(tmp_path / "c.json", old, new)
    migrated, _ = catalog_of(["Food > Fruit", "Food > Bread"]).migrate(changes)
    assert lines(migrated) == ["Food > Fresh Fruit", "Food > Bread"]


def test_rows_without_a_label_stay_without_one(changes):
    catalog = catalog_of(["Home > Pans", ""], taxonomy=changes.old, on_error="accept")
    migrated, report = catalog.migrate(changes)
    assert lines(migrated) == ["Home > Pans", None] and report.counts == {"same": 1}


@pytest.mark.parametrize("ending", ["csv", "xlsx", "json", "jsonl", "parquet"])
def test_what_a_person_chose_is_handed_back_as_a_table(changes, ending, tmp_path):
    rows = [{"title": "=1+1", "path": "Home > Knives & Forks"},
            {"title": "pens  12", "path": "Office > Pens"},
            {"title": "apples", "path": "Food > Fruit > Apples"}]  # fmt: skip
    catalog = read_catalog(rows, taxonomy=changes.old)
    place = tmp_path / f"undecided.{ending}"
    catalog.migrate(changes)[1].save(place)
    listed = prodcat.catalog.undecided.read_rows(place)
    assert list(listed[0]) == list(COLUMNS) and listed[0]["title"] == "=1+1"
    listed[0]["new_path"] = "Home > Forks"
    listed[1]["new_id"] = "Home > Pans"
    migrated, report = catalog.migrate(changes, decided=listed)
    assert lines(migrated) == ["Home > Forks", "Home > Pans", "Food > Fresh Fruit > Apples"]
    assert report.decided == 2 and [own.row for own in report.undecided] == [2]
    assert "chosen by a person: 2" in str(report)


def filled(row, title, **cells):
    return {"row_number": row, "title": title, "new_id": "", "new_path": "", **cells}


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([filled(5, "title 4", new_path="Home > Knive")],
         "row 1: new_path 'Home > Knive' is not in the new tree"),
        ([filled(5, "title 4", new_id="Home > Knive")], "did you mean 'Home > Knives'"),
        ([filled(5, "title 4", new_id="Home > Knives", new_path="Home > Forks")],
         "are different categories"),
        ([filled(5, "title 3", new_path="Home > Forks")],
         "row_number 5 is 'title 3' there, and 'title 4' in the titles"),
        ([filled(2, "title 1", new_path="Home > Forks")], "row_number 2 .* has no label to choose"),
        ([filled("x", "title 4", new_path="Home > Forks")], "row_number is 'x'; expected a number"),
        ([filled(5, "title 4", new_path=f"Home > {name}") for name in ("Forks", "Knives")],
         "^The table has 1 mistake: rows 1 and 2: row_number 5 is there twice, with 'Home > Forks' "
         "for 'title 4' and with 'Home > Knives' for 'title 4'; keep one of them"),
        ([{"title": "title 4", "new_path": "Home > Forks"}], "no column 'row_number'"),
        ([{"row_number": 5, "title": "title 4"}], "no column 'new_path'"),
    ],
)  # fmt: skip
def test_a_wrong_choice_is_told(changes, rows, message):
    with pytest.raises(CatalogError, match=message):
        catalog_of(OLD, taxonomy=changes.old).migrate(changes, decided=rows)


def test_labels_of_another_tree_are_told(changes):
    with pytest.raises(
        CatalogError, match="2 rows carry 2 categories that are not in the old tree"
    ):
        catalog_of(["Shoes > Boots", "Shoes > Clogs"]).migrate(changes)
    with pytest.raises(CatalogError, match="labelled with the new tree already"):
        catalog_of(["Home > Ovens", "Gifts > Candles"]).migrate(changes)
    with pytest.raises(CatalogError, match="expected TreeChanges"):
        catalog_of(["Home > Pans"]).migrate([("a", "b")])
    with pytest.raises(ConfigError, match="fallback='parent' is not known"):
        catalog_of(["Home > Pans"]).migrate(changes, fallback="parent")


# -- what is certain --------------------------------------------------------------


def relabelled(old, new, became, tmp_path, **inner):
    trees = [Taxonomy.from_paths(paths, **inner) for paths in (old, new)]
    (tmp_path / "c.json").write_text(json.dumps(table_of(became)))
    return Relabelling(TreeChanges.read(tmp_path / "c.json", *trees))


def test_equal_rows_of_a_choice_are_one(changes):
    catalog = catalog_of(["Home > Knives & Forks"], taxonomy=changes.old)
    rows = [filled(1, "title 0", new_path="Home > Forks"), filled(1, "title  0", new_id=""),
            filled(1, "title  0", new_id="Home > Forks")]  # fmt: skip
    migrated, report = catalog.migrate(changes, decided=rows)
    assert lines(migrated) == ["Home > Forks"] and report.decided == 1


def test_a_chosen_category_below_which_products_end_is_still_to_be_chosen(changes):
    catalog = catalog_of(["Office > Pens", "Food > Fruit > Apples"], taxonomy=changes.old)
    rows = [filled(1, "title 0", new_path="Food > Fresh Fruit > Apples"),
            filled(2, "title 1", new_path="Food > Fresh Fruit > Apples > Red")]  # fmt: skip
    migrated, report = catalog.migrate(changes, decided=rows)
    assert lines(migrated) == ["Food > Fresh Fruit > Apples", "Food > Fresh Fruit > Apples > Red"]
    assert report.decided == 1
    [label] = report.undecided
    assert label.certain_path == ("Food", "Fresh Fruit", "Apples")
    assert [path[-1] for path in label.choices] == ["Red", "Green"]
    assert "was chosen, and products end below it" in label.reason


def test_a_label_where_products_may_end_is_never_a_guess(tmp_path):
    """Products may end at Fruit itself, so a label there would say that the product is there."""
    made = relabelled(
        ["Food > Fruit"], ["Food > Fruit", "Food > Fruit > Apples", "Food > Bread"],
        {"Food": "Food", "Food > Fruit": "Food > Fruit|Food > Fruit > Apples"}, tmp_path,
    )  # fmt: skip
    [label] = [own for own in made.labels if own.kind == "split"]
    assert made.new.paths[label.node] == ("Food",)


def test_a_partial_label_is_as_deep_as_all_that_was_below_it_allows(tmp_path):
    made = relabelled(
        ["A > X > 1", "A > X > 2", "A > Y > 3"], ["A > X > 1", "A > Z > 2", "A > Y > 3", "B > 4"],
        {"A": "A", "A > X": "A > X", "A > Y": "A > Y", "A > X > 1": "A > X > 1",
         "A > X > 2": "A > Z > 2", "A > Y > 3": "A > Y > 3"}, tmp_path,
    )  # fmt: skip
    labels = {made.old.paths[n]: own for n, own in enumerate(made.labels)}
    spread = labels["A", "X"]
    assert (spread.kind, made.new.paths[spread.node]) == ("parts have moved", ("A",))
    assert {made.new.names[n] for n in spread.choices} == {"X", "Z"}
    # All that was below Y is in one place, which says more than Y.
    assert labels["A", "Y"].is_decided
    assert made.new.paths[labels["A", "Y"].node] == ("A", "Y", "3")


def test_trees_are_compared_where_both_can_tell_categories_from_each_other(changes):
    made = Relabelling(changes)

    def named(nodes):
        return {
            " > ".join(path): None if n < 0 else " > ".join(made.new.paths[n])
            for path, n in zip(made.new.paths, nodes.tolist(), strict=True)
        }

    shared, countable = named(made.shared), named(made.countable)
    assert shared["Home > Knives"] == shared["Home > Forks"] == "Home"
    assert shared["Food > Fresh Fruit > Apples > Red"] == "Food > Fresh Fruit > Apples"
    assert shared["Home > Pans"] == "Home > Pans"
    assert shared["Home > Ovens"] is None and countable["Home > Ovens"] == "Home"


def test_the_deepest_node_above_others():
    tree = Taxonomy.from_paths(["A > B > C", "A > B > D", "E"])
    find = tree.find
    assert lowest_above(tree, [find("A > B > C"), find("A > B > D")]) == find("A > B")
    assert lowest_above(tree, [find("A > B"), find("A > B > C")]) == find("A > B")
    assert lowest_above(tree, [find("A"), find("E")]) == -1
    assert lowest_above(tree, [find("E")]) == find("E")


# -- guesses, and what is shown ---------------------------------------------------


@pytest.fixture(scope="module")
def classifier():
    paths = [p for p in NEW for _ in range(8)]
    words = {p: p.rsplit(" > ")[-1].lower() for p in NEW}
    titles = [f"{words[p]} {n} pieces" for n, p in enumerate(paths)]
    catalog = read_catalog({"title": titles, "path": paths}, taxonomy=Taxonomy.from_paths(NEW))
    model = prodcat.ModelConfig(encoder=None)
    return prodcat.fit(catalog, model=model, progress=False, device="cpu")


def test_a_classifier_says_which_of_the_choices_is_likeliest(changes, classifier):
    rows = [{"title": "forks 3 pieces", "path": "Home > Knives & Forks"},
            {"title": "forks 4 pieces", "path": "Food > Fruit > Apples"},
            {"title": "pans 5 pieces", "path": "Office > Pens"}]  # fmt: skip
    catalog = read_catalog(rows, taxonomy=changes.old)
    _, report = catalog.migrate(changes, classifier=classifier)
    split, parts, dropped = report.undecided
    assert split.guess_path == ("Home", "Forks") and split.guess_confidence > 0.8
    assert parts.guess_path[:3] == ("Food", "Fresh Fruit", "Apples"), "only choices are guessed"
    assert dropped.guess_path == ("Home", "Pans"), "nothing is known of it"
    assert "probably 'Home > Forks'" in str(report)
    frame = report.to_frame()
    assert isinstance(frame, pd.DataFrame) and frame["guess_path"][0] == "Home > Forks"
    assert "<b>LabelMigration</b> 3 labels" in report._repr_html_()
    assert repr(report) == "LabelMigration(3 labels, 3 for a person to choose)"


def test_a_classifier_of_another_tree_guesses_nothing(changes, classifier):
    catalog = catalog_of(OLD, taxonomy=changes.old)
    with pytest.raises(CatalogError, match="expected a Classifier of the new tree"):
        catalog.migrate(changes, classifier="model")
    back = changes.new.diff(changes.old)
    with pytest.raises(CatalogError, match="Migrate it first"):
        catalog_of(NEW, taxonomy=changes.new).migrate(back, classifier=classifier)


def test_a_table_to_fill_in_has_an_ending_that_is_known(changes, tmp_path):
    _, report = catalog_of(OLD, taxonomy=changes.old).migrate(changes)
    with pytest.raises(ConfigError, match=r"does not end with .csv or .xlsx"):
        report.save(tmp_path / "undecided.html")
    (tmp_path / "none.csv").write_text("row_number,title,new_path\n")
    with pytest.raises(CatalogError, match="no rows"):
        Choices.read(tmp_path / "none.csv", changes.new)


def test_a_partial_label_stays_where_it_is_if_a_category_below_was_dropped(tmp_path):
    old = prodcat.Taxonomy.from_paths(
        ["Food > Fruit > Apples", "Food > Fruit > Pears", "Home > Knives"]
    )
    new = prodcat.Taxonomy.from_paths(
        ["Food > Fruit > Pears", "Food > Fruit > Kiwis", "Home > Knives"]
    )
    table = [
        {"kind": "dropped", "old_path": "Food > Fruit > Apples", "new_path": ""},
        *(
            {"kind": "same", "old_path": path, "new_path": path}
            for path in ("Food", "Food > Fruit", "Food > Fruit > Pears", "Home", "Home > Knives")
        ),
    ]
    changes = tmp_path / "changes.csv"
    pd.DataFrame(table).to_csv(changes, index=False)
    catalog = prodcat.read_catalog(
        [{"title": "some fruit", "path": "Food > Fruit"}, {"title": "pear", "path": old.paths[3]}],
        taxonomy=old,
        inner="partial",
    )
    migrated, _ = catalog.migrate(prodcat.TreeChanges.read(changes, old, new))
    assert migrated.tree.path(int(migrated.targets[0])) == ("Food", "Fruit")


def test_a_catalog_with_the_new_tree_is_not_migrated_again():
    old = prodcat.Taxonomy.from_paths(["X > Fruit", "X > Exotic", "X > Nuts"])
    new = prodcat.Taxonomy.from_paths(["X > Fresh Fruit", "X > Fruit", "X > Nuts"])
    changes = old.diff(new)
    catalog = prodcat.read_catalog([{"title": "a", "path": "X > Nuts"}], taxonomy=new)
    with pytest.raises(prodcat.CatalogError, match="has the new tree of the changes already"):
        catalog.migrate(changes)
