"""A country whose tree has changed: its labels, its model and the gate."""

import csv
from dataclasses import replace

import pytest
from country_jobs import edit, report_of, run

import prodcat
from prodcat import Store, Taxonomy
from prodcat.pipeline.tree_changes import TreeHistory
from prodcat.storage.objects import Objects

LEVELS = ["department", "category", "subcategory", "type"]


def tree_of(home):
    return prodcat.read_catalog(str(home / "data/tr/labelled.csv"), path=LEVELS).tree


def write_tree(home, paths):
    (home / "data/tr/tree.csv").write_text(
        "path\n" + "\n".join(f'"{" > ".join(path)}"' for path in paths) + "\n"
    )


def leaves(tree):
    return [path for node, path in enumerate(tree.paths) if not tree.children(node)]


def relabel(home, new_path):
    """Write the labels of the new tree into the country's files, as a shop does."""
    for name in ("labelled", "frozen"):
        path = home / f"data/tr/{name}.csv"
        with path.open(newline="") as file:
            rows = list(csv.DictReader(file))
        for row in rows:
            old = tuple(row[level] for level in LEVELS if row[level])
            new = new_path(old, row)
            row |= {level: new[n] if n < len(new) else "" for n, level in enumerate(LEVELS)}
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)


@pytest.fixture
def trained(home, capsys):
    """A country with a tree in a file, and a version in production."""
    tree = tree_of(home)
    write_tree(home, leaves(tree))
    edit(home, "[countries.tr]\n", '[countries.tr]\ntaxonomy = "data/tr/tree.csv"\n')
    run(capsys, home, "tr", "--step", "train")
    return leaves(tree)


def renamed(path):
    """The top of the tree gets another name, which all below it keeps."""
    return (path[0].replace("Bakery", "Bakery & Bread"), *path[1:])


def test_production_goes_on_with_a_tree_of_new_names(home, trained, capsys):
    store = Store(str(home / "store"))
    [first] = store.list("tr")
    write_tree(home, map(renamed, trained))
    said = run(capsys, home, "tr", "--step", "train")
    report = report_of(home, "tr")
    assert report["passed"] and "promoted" in said
    assert report["accuracy"]["candidate"] == report["accuracy"]["production"] > 0.3
    assert report["difference"]["value"] == 0
    assert "The tree has changed" in report["notes"][0]
    newest = store.show("tr@production")
    assert newest.parent == first.reference and newest.version != first.version
    made = store.load("tr@production", device="cpu")
    assert made.taxonomy.get(renamed(("Bakery",))) is not None
    assert made.taxonomy.get(("Bakery",)) is None
    tables = sorted(path.name for path in (home / "work/tr/trees").iterdir())
    assert len(tables) == 2 and tables[0].endswith((".csv", ".json"))


def test_production_gets_translations_that_came_to_the_tree(home, trained, capsys):
    tree = prodcat.read_taxonomy(str(home / "data/tr/tree.csv"))
    new = replace(tree, translations={"de": tuple(name.upper() for name in tree.names)})
    (home / "data/tr/tree.json").write_text(new.to_json())
    edit(home, "data/tr/tree.csv", "data/tr/tree.json")
    assert "promoted" in run(capsys, home, "tr", "--step", "train")
    assert Store(str(home / "store")).load("tr@production", device="cpu").taxonomy == new


def test_labels_of_the_old_tree_are_still_read(home, trained, capsys):
    """The files keep labels of the old tree, and some rows of the new one come to them."""
    write_tree(home, map(renamed, trained))
    run(capsys, home, "tr", "--step", "train")
    path = home / "data/tr/labelled.csv"
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    [bakery, *_] = [row for row in rows if row["department"] == "Bakery"]
    rows.append({**bakery, "title": "Yepyeni ekmek 900 g", "department": "Bakery & Bread"})
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    edit(home, "[countries.tr]\n", "[countries.tr]\nmargin = -1.0\n")
    run(capsys, home, "tr", "--step", "train")
    made = Store(str(home / "store")).load("tr@production", device="cpu")
    assert int(made.provenance.counts.sum()) >= len(rows), "no label was lost"


def test_changes_that_are_not_sure_wait_for_a_person(home, trained, capsys):
    store = Store(str(home / "store"))
    before = store.aliases("tr")
    gone, other = trained[0], trained[-1]
    write_tree(home, [path if path != gone else (*path[:-1], "Zzqx") for path in trained])
    said = run(capsys, home, "tr", "--step", "train", code=2)
    assert "The tree of 'tr' has changed, and 1 of" in said and "Nothing was trained" in said
    [table] = (home / "work/tr/trees").glob("*.csv")
    assert str(table) in said and "--accept-unsure" in said
    assert store.aliases("tr") == before and len(store.list("tr")) == 1
    with table.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    [unsure] = [row for row in rows if row["sure"] == "no"]
    unsure |= {"kind": "merged", "new_id": "", "new_path": " > ".join(other), "sure": "yes"}
    with table.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    run(capsys, home, "tr", "--step", "train")
    assert store.aliases("tr") != before
    made = store.load("tr@production", device="cpu")
    [report] = made.migrations
    [merged] = [own for own in report.categories if own.old_path == gone]
    assert merged.new_paths == (other,), "what the person wrote counts"


def test_unsure_changes_can_be_accepted(home, trained, capsys):
    gone = trained[0]
    write_tree(home, [path if path != gone else (*path[:-1], "Zzqx") for path in trained])
    run(capsys, home, "tr", "--step", "train", "--accept-unsure")
    store = Store(str(home / "store"))
    assert len(store.list("tr")) >= 2
    assert list((home / "work/tr/trees").glob("*.json"))


def test_a_migrated_version_that_does_not_pass_is_trained(home, trained, capsys):
    store = Store(str(home / "store"))
    edit(home, "[countries.tr]\n", "[countries.tr]\nmargin = 0.9\n")
    write_tree(home, map(renamed, trained))
    relabel(home, lambda path, row: renamed(path))
    said = run(capsys, home, "tr", "--step", "train")
    assert "published, NOT promoted" in said
    assert len(store.list("tr")) == 3, "the first, the migrated and the trained one"
    assert [own.aliases for own in store.list("tr")] == [(), (), ("production",)]


def test_new_categories_are_not_compared_and_a_split_counts_as_one(home, trained, capsys):
    split = trained[0]
    parts = [(*split[:-1], f"{split[-1]} {letter}") for letter in "AB"]
    write_tree(home, [path for own in trained for path in (parts if own == split else [own])])
    relabel(
        home,
        lambda path, row: path if path != split else parts[len(row["title"]) % 2],
    )
    run(capsys, home, "tr", "--step", "train", "--accept-unsure")
    gates = sorted((home / "work/tr/gate").glob("*.json"))
    assert len(gates) >= 2
    report = report_of(home, "tr")
    assert "frozen titles are in categories that both trees have" in report["notes"][0]
    assert report["difference"]["value"] == pytest.approx(
        report["accuracy"]["candidate"] - report["accuracy"]["production"]
    )


def test_a_tree_that_comes_back_ends_the_way_to_the_first(tmp_path):
    """The steps from one tree to another and back are each gone once."""
    place = Objects(str(tmp_path / "trees"))
    one = Taxonomy.from_paths(["Food > Bread", "Food > Milk"])
    two = Taxonomy.from_paths(["Groceries > Bread", "Groceries > Milk"])
    TreeHistory("tr", place, two).changes_from(one, accept_unsure=True)
    TreeHistory("tr", place, one).changes_from(two, accept_unsure=True)
    history = TreeHistory("tr", place, one)
    assert [step.old for step in history.steps] == [two]
    catalog = prodcat.read_catalog(
        [{"title": "a", "path": "Groceries > Milk"}, {"title": "b", "path": "Food > Bread"},
         {"title": "c", "path": "Groceries > Bread"}]
    )  # fmt: skip
    made = history.relabelled(catalog, "labelled")
    assert made.paths == [("Food", "Milk"), ("Food", "Bread"), ("Food", "Bread")]


def test_labels_go_through_all_trees_and_undecided_ones_are_listed(tmp_path, caplog):
    place = Objects(str(tmp_path / "trees"))
    first = Taxonomy.from_paths(["Food > Bread", "Food > Knives & Forks"])
    second = Taxonomy.from_paths(["Groceries > Bread", "Groceries > Knives & Forks"])
    third = Taxonomy.from_paths(["Groceries > Bread", "Groceries > Knives", "Groceries > Forks"])
    TreeHistory("tr", place, second).changes_from(first, accept_unsure=True)
    (tmp_path / f"trees/{second.hash[:12]}-{third.hash[:12]}.csv").write_text(
        "kind,old_path,new_path\nsame,Groceries,Groceries\n"
        "same,Groceries > Bread,Groceries > Bread\n"
        "split,Groceries > Knives & Forks,Groceries > Knives\n"
        "split,Groceries > Knives & Forks,Groceries > Forks\n"
    )
    history = TreeHistory("tr", place, third)
    history.changes_from(second)
    assert len(history.steps) == 2
    rows = [("a", "Food > Bread"), ("b", "Food > Knives & Forks"), ("c", "Shoes"),
            ("d", "Groceries > Forks"), ("e", "Food > Bread")]  # fmt: skip
    catalog = prodcat.read_catalog([{"title": title, "path": path} for title, path in rows])
    made = history.relabelled(catalog, "labelled")
    assert dict(zip(made.titles, made.paths, strict=True)) == {
        "a": ("Groceries", "Bread"), "d": ("Groceries", "Forks"), "e": ("Groceries", "Bread"),
    }  # fmt: skip
    assert "1 titles are left out, whose category is in no tree" in caplog.text
    assert "1 titles are left out, whose new category a person must choose" in caplog.text
    with (tmp_path / "trees/labelled.undecided.csv").open(encoding="utf-8-sig") as file:
        [row] = csv.DictReader(file)
    assert (row["title"], row["kind"], row["row_number"]) == ("b", "split", "2")
