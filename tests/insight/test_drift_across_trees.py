"""Titles of two trees are compared by what became of each category."""

import dataclasses

import numpy as np
import pytest

import prodcat
from prodcat import ConfigError, Taxonomy, TreeChanges, read_catalog
from prodcat.cli.command import main
from prodcat.demo.quick_commerce import generate
from prodcat.insight.drift import find_drift


def new_path(path, title, split):
    """A department has another name, and one category is split in two."""
    path = ("Bakery & Bread", *path[1:]) if path[0] == "Bakery" else path
    return (*path[:-1], f"{path[-1]} {'AB'[len(title) % 2]}") if path == split else path


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Titles of two months, a classifier of the new tree, and the checked table of changes."""
    rows = generate(2_400, "tr", seed=3, wrong_labels=0.0)
    catalog = read_catalog([{"title": row.title, "path": list(row.path)} for row in rows])
    old = catalog.tree
    counts = np.bincount(catalog.targets, minlength=len(old))
    split = old.paths[int(np.argmax(np.where(old.terminal, counts, 0)))]
    assert split[0] != "Bakery" and old.get(("Bakery",)) is not None
    paths = [new_path(path, title, split) for path, title in
             zip(catalog.paths, catalog.titles, strict=True)]  # fmt: skip
    relabelled = read_catalog({"title": catalog.titles, "path": paths})
    new = relabelled.tree
    parts = [new_path(split, title, split) for title in ("a", "ab")]
    lines = ["kind,old_path,new_path"]
    for path in old.paths:
        targets = parts if path == split else [new_path(path, "", split)]
        kind = "split" if path == split else "same"
        lines += [f'{kind},"{" > ".join(path)}","{" > ".join(each)}"' for each in targets]
    place = tmp_path_factory.mktemp("drift") / "changes.csv"
    place.write_text("\n".join(lines) + "\n")
    changes = TreeChanges.read(place, old, new)
    order = np.random.default_rng(0).permutation(len(catalog))
    model = prodcat.ModelConfig(encoder=None)
    learned = relabelled.take(np.sort(order[:700]))
    classifier = prodcat.fit(
        dataclasses.replace(learned, taxonomy=new), model=model, progress=False, device="cpu"
    )
    before, after = catalog.take(order[700:1_300]), relabelled.take(order[1_300:1_900])
    return before, after, classifier, changes, split


def test_nothing_alarms_where_only_the_tree_changed(world):
    before, after, classifier, changes, split = world
    made = find_drift(before, after, classifier, trees=changes)
    assert made.by_labels and made.across_trees
    assert {alarm.kind for alarm in made.alarms} <= {"titles"} and made.p_shares.min() > 0.025
    top = classifier.taxonomy.find(("Bakery & Bread",))
    was = np.mean([path[0] == "Bakery" for path in before.paths])
    assert made.shares[top, 0] == pytest.approx(was), "the department has another name now"
    above = classifier.taxonomy.find(split[:-1])
    assert made.shares[above, 0] > 0 and made.shares[above, 1] > 0
    part = classifier.taxonomy.find(new_path(split, "a", split))
    assert made.shares[part].tolist() == [0, 0], "the parts are counted together"
    kinds = {change.kind for change in made.changes}
    assert kinds == {"renamed", "split"} and made.kinds[0] == "tree"
    assert "1 renamed, 1 split" in str(made), "a category with two parts is one that was split"
    page = made.html()
    assert "cannot be told apart" in page and "The checked table of changes says" in page


def test_a_share_that_changed_alarms_across_trees(world):
    before, after, classifier, changes, _ = world
    grown = np.array([path[0] == "Bakery & Bread" for path in after.paths])
    rows = np.concatenate([np.repeat(np.flatnonzero(grown), 1), np.flatnonzero(~grown)[:120]])
    made = find_drift(before, after.take(rows), classifier, trees=changes)
    top = classifier.taxonomy.find(("Bakery & Bread",))
    assert made.shares[top, 1] > 2 * made.shares[top, 0]
    assert any(alarm.node == top and alarm.kind == "shares" for alarm in made.alarms)


def test_labelled_titles_may_be_of_the_old_tree(world):
    before, after, classifier, changes, _ = world
    made = find_drift(before, after, classifier, labelled=before, trees=changes)
    assert made.accuracy is not None and 0.3 < made.accuracy.value < 1


def test_titles_without_a_place_in_the_new_tree_are_counted_by_answers(world):
    before, after, classifier, changes, _ = world
    blank = dataclasses.replace(before, targets=np.full(len(before), -1))
    assert not find_drift(blank, after, classifier, trees=changes).by_labels


def test_a_classifier_of_the_old_tree_is_refused(world):
    before, after, classifier, changes, _ = world
    back = Taxonomy.from_paths(["Food > Bread", "Food > Milk"])
    with pytest.raises(ConfigError, match="expected a classifier of the new tree"):
        find_drift(before, after, classifier, trees=changes.old.diff(back))


def test_the_command_takes_the_table_of_changes(world, tmp_path, monkeypatch, capsys):
    before, after, classifier, changes, _ = world
    monkeypatch.chdir(tmp_path)
    for name, catalog in (("before", before), ("after", after)):
        catalog.to_frame()[["title", "path"]].to_csv(f"{name}.csv", index=False)
    for name, tree in (("old", changes.old), ("new", changes.new)):
        (tmp_path / f"{name}.json").write_text(tree.to_json())
    changes.save("changes.csv")
    classifier.save("model")
    trees = ["--tree-before", "old.json", "--tree-after", "new.json"]
    files = ["drift", "before.csv", "after.csv", "--model", "model", "--changes", "changes.csv"]
    assert main([*files, *trees, "--output", "drift.csv"]) == 0
    said = capsys.readouterr().out
    assert "shares by labels" in said and "split" in said
    assert main(files) == 2
    assert "Found --changes without the trees" in capsys.readouterr().err
