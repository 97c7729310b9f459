"""A review queue in the next version of the tree."""

import json

import pytest

from prodcat import CatalogError, Taxonomy, TreeChanges
from prodcat.insight.migration import migrate_review
from prodcat.insight.queue import QueueItem

OLD = ["Food > Apples", "Food > Pears", "Home > Knives & Forks", "Home > Pans"]
NEW = ["Food > Fruit", "Home > Knives", "Home > Forks"]
BECAME = [
    ("same", "Food", "Food"), ("merged", "Food > Apples", "Food > Fruit"),
    ("merged", "Food > Pears", "Food > Fruit"), ("same", "Home", "Home"),
    ("split", "Home > Knives & Forks", "Home > Knives"),
    ("split", "Home > Knives & Forks", "Home > Forks"), ("dropped", "Home > Pans", ""),
]  # fmt: skip


@pytest.fixture
def changes(tmp_path):
    rows = [{"kind": k, "old_path": old, "new_path": new} for k, old, new in BECAME]
    (tmp_path / "changes.json").write_text(json.dumps(rows))
    trees = Taxonomy.from_paths(OLD), Taxonomy.from_paths(NEW)
    return TreeChanges.read(tmp_path / "changes.json", *trees)


def item(number, *answers, neighbours=()):
    listed = [{"id": path, "path": path.split(" > "), "confidence": p} for path, p in answers]
    near = [{"title": "near", "path": path.split(" > "), "likeness": 0.5} for path in neighbours]
    return QueueItem(number, 10 + number, f"title {number}", listed, near, 1.0, 0.5, {"sku": "7"})


def label(number, node, key):
    return {"id": key, "item": number, "title": f"title {number}", "kind": "label", "node": node,
            "path": node.split(" > ")}  # fmt: skip


def test_answers_of_merged_categories_are_added_and_those_of_split_ones_divided(changes):
    items = [item(0, ("Food > Apples", 0.4), ("Food > Pears", 0.3), ("Home > Knives & Forks", 0.2),
                  ("Home > Pans", 0.1))]  # fmt: skip
    [made] = migrate_review(items, [], changes).items
    assert [(own["id"], own["confidence"]) for own in made.answers] == [
        ("Food > Fruit", 0.7), ("Home > Knives", 0.1), ("Home > Forks", 0.1),
    ]  # fmt: skip
    assert made.answers[0]["path"] == ["Food", "Fruit"]
    assert (made.row, made.title, made.columns, made.weight) == (10, "title 0", {"sku": "7"}, 1.0)


def test_neighbours_get_the_new_labels(changes):
    near = ("Food > Apples", "Home > Pans", "Home > Knives & Forks", "Elsewhere > Boots")
    [made] = migrate_review([item(0, neighbours=near)], [], changes).items
    assert [own["path"] for own in made.neighbours] == [
        ["Food", "Fruit"], ["Home"], ["Elsewhere", "Boots"],
    ]  # fmt: skip


def test_only_the_last_decision_about_a_title_counts(changes):
    items = [item(n, ("Food > Apples", 0.5)) for n in range(4)]
    history = [
        label(0, "Home > Pans", "a"), label(1, "Food > Pears", "b"), label(0, "Food > Pears", "c"),
        {"id": "d", "item": 2, "title": "title 2", "kind": "skip"},
        label(3, "Food > Pears", "e"), label(3, "Home > Knives & Forks", "f"),
    ]  # fmt: skip
    made = migrate_review(items, history, changes)
    assert made.decisions == [
        {"id": "b", "item": 1, "kind": "label", "node": "Food > Fruit"},
        {"id": "c", "item": 0, "kind": "label", "node": "Food > Fruit"},
        {"id": "d", "item": 2, "kind": "skip"},
    ]
    assert [(own.row, own.kind) for own in made.labels.undecided] == [(13, "split")]
    assert [own["id"] for own in made.items[3].answers] == [
        "Home > Knives", "Home > Forks", "Food > Fruit",
    ]  # fmt: skip
    assert [own["confidence"] for own in made.items[3].answers] == [0.5, 0.5, 0.5]


def test_a_dropped_label_opens_its_title_again(changes):
    made = migrate_review([item(0, ("Food > Pears", 0.5))], [label(0, "Home > Pans", "a")], changes)
    assert made.decisions == [] and [own.kind for own in made.labels.undecided] == ["dropped"]
    assert [own["id"] for own in made.items[0].answers] == ["Food > Fruit"]


def test_answers_of_another_tree_are_refused(changes):
    with pytest.raises(
        CatalogError, match="'Shoes > Boots' for 'title 0', which is not in the old"
    ):
        migrate_review([item(0, ("Shoes > Boots", 0.5))], [], changes)
