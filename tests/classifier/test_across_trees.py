"""Classifiers of two trees are compared on the categories that both have."""

import json

import numpy as np
import pytest

import prodcat
from prodcat import CatalogError, Taxonomy, TreeChanges, read_catalog
from prodcat.catalog.relabelling import Relabelling
from prodcat.classifier.across_trees import SharedTitles, difference
from prodcat.pipeline.gate import compare_candidate

OLD = ["Food > Apples", "Food > Pears", "Home > Knives & Forks"]
NEW = ["Groceries > Apples", "Groceries > Pears", "Home > Knives", "Home > Forks", "Home > Pans"]
BECAME = [
    ("renamed", "Food", "Groceries"), ("same", "Food > Apples", "Groceries > Apples"),
    ("same", "Food > Pears", "Groceries > Pears"), ("same", "Home", "Home"),
    ("split", "Home > Knives & Forks", "Home > Knives"),
    ("split", "Home > Knives & Forks", "Home > Forks"),
]  # fmt: skip


def titles_of(path, count):
    word = path.rsplit(" > ")[-1].lower()
    return [{"title": f"{word} no. {n}", "path": path} for n in range(count)]


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A classifier of each tree, and the changes between the trees."""
    rows = [{"kind": k, "old_path": old, "new_path": new} for k, old, new in BECAME]
    place = tmp_path_factory.mktemp("trees") / "changes.json"
    place.write_text(json.dumps(rows))
    trees = Taxonomy.from_paths(OLD), Taxonomy.from_paths(NEW)
    changes = TreeChanges.read(place, *trees)
    made = [
        prodcat.fit(
            read_catalog([row for p in paths for row in titles_of(p, 8)], taxonomy=tree),
            model=prodcat.ModelConfig(encoder=None), progress=False, device="cpu",
        )
        for paths, tree in zip((OLD, NEW), trees, strict=True)
    ]  # fmt: skip
    return *made, changes


def test_answers_are_right_where_both_trees_can_tell_them_apart(world):
    old, new, changes = world
    frozen = read_catalog([row for p in NEW for row in titles_of(p, 3)], taxonomy=changes.new)
    shared = SharedTitles.of(frozen, Relabelling(changes))
    assert len(shared) == 12 and shared.left_out == 3, "pans are new"
    assert shared.are_right(old).all(), "knives and forks are one category there"
    assert shared.are_right(new).all()
    wrong = np.full(12, changes.new.find("Home > Pans"))
    assert not shared.are_same(wrong).any() and not shared.are_same(np.full(12, -1)).any()
    forks = np.full(12, changes.new.find("Home > Forks"))
    assert shared.are_same(forks).tolist() == [False] * 6 + [True] * 6
    gain = difference(shared.are_right(new), shared.are_same(wrong))
    assert (gain.value, gain.low, gain.high) == (1, 1, 1)


def test_a_gate_without_any_shared_category_says_so(world):
    old, new, changes = world
    frozen = read_catalog(titles_of("Home > Pans", 3), taxonomy=changes.new)
    learned = read_catalog(titles_of("Home > Forks", 3), taxonomy=changes.new)
    with pytest.raises(CatalogError, match="no frozen title is in a category that both trees have"):
        compare_candidate("tr", new, old, new, (learned, frozen), 0.0, ("tr@2", "tr@1"), changes)
