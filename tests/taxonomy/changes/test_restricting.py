"""The changes of a tree that has only some categories of the old one."""

import json

import pytest

from prodcat import Taxonomy, TaxonomyError, TreeChanges
from prodcat.taxonomy.changes.restricting import changes_of


@pytest.fixture
def changes(tmp_path):
    """Apples and pears become fruit, in a tree with ids of its own."""
    old = Taxonomy.from_table([
        {"id": "f", "parent": "", "name": "Food"}, {"id": "a", "parent": "f", "name": "Apples"},
        {"id": "p", "parent": "f", "name": "Pears"}, {"id": "b", "parent": "f", "name": "Bread"},
    ])  # fmt: skip
    new = Taxonomy.from_paths(["Food > Fruit", "Food > Bread"])
    became = [("same", "f", "Food"), ("merged", "a", "Food > Fruit"),
              ("merged", "p", "Food > Fruit"), ("same", "b", "Food > Bread")]  # fmt: skip
    rows = [{"kind": kind, "old_id": key, "new_path": path} for kind, key, path in became]
    (tmp_path / "changes.json").write_text(json.dumps(rows))
    return TreeChanges.read(tmp_path / "changes.json", old, new)


def test_a_tree_of_some_paths_has_their_changes(changes):
    """Pears are not there, so that nothing is merged with apples, which are only renamed."""
    tree = Taxonomy.from_paths(["Food > Apples"])
    made = changes_of(tree, changes)
    assert made.old is tree and made.new is changes.new
    assert [(row.kind, row.old_id, row.new_ids) for row in made.rows] == [
        ("same", "Food", ("Food",)), ("renamed", "Food > Apples", ("Food > Fruit",)),
    ]  # fmt: skip
    assert [row.new_ids for row in made.added] == [("Food > Bread",)]


def test_the_old_tree_has_its_own_changes(changes):
    assert changes_of(changes.old, changes) is changes


def test_a_category_that_the_old_tree_lacks_is_told(changes):
    tree = Taxonomy.from_paths(["Food > Apples", "Shoes > Boots"])
    with pytest.raises(TaxonomyError, match=r"2 of 4 categories are not in the old tree.*'Shoes'"):
        changes_of(tree, changes)
