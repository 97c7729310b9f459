import pytest

from prodcat import CatalogError, Taxonomy, read_catalog
from prodcat.catalog.targets import targets_in

CATALOG = read_catalog([{"title": "x", "path": "A > B"}, {"title": "y", "path": "C"}])


def test_labels_are_found_in_a_tree_of_another_order():
    tree = Taxonomy.from_paths([("C",), ("A", "B")])
    assert [tree.paths[node] for node in targets_in(CATALOG, tree)] == [("A", "B"), ("C",)]


def test_labels_in_the_same_tree_stay_as_they_are():
    again = Taxonomy.from_json(CATALOG.tree.to_json())
    assert targets_in(CATALOG, again) is CATALOG.targets


def test_labels_that_the_tree_lacks_are_named():
    with pytest.raises(CatalogError, match=r"1 rows carry 1 categories .* e.g. \['A > B'\]"):
        targets_in(CATALOG, Taxonomy.from_paths([("A",), ("C",)]))
