import pytest

from prodcat import Taxonomy, TaxonomyError


def test_partial_paths_make_no_outcome():
    tree = Taxonomy.from_paths([("A", "X", "1"), ("A", "X")], inner="partial")
    assert [tree.paths[node] for node in tree.outcomes] == [("A", "X", "1")]


@pytest.mark.parametrize(
    ("paths", "ids", "message"),
    [
        ([("A", "")], None, r"row 1: \['A', ''\] has an empty name"),
        ([()], None, "row 1"),
        ([], None, "There are no paths"),
        ([("A",), ("A", "B")], [("1",), ("1",)], "row 2: 2 names but 1 ids"),
        ([("A",), ("B",)], [("1",), ("1",)], "row 2: id '1' has the name 'B', earlier 'A'"),
        ([("A",)], [], "Got ids for 0 paths, but 1 paths"),
        ([("A", "X"), ("B", "X")], [("1", "9"), ("2", "9")], "2 nodes have the id '9'"),
    ],
)
def test_paths_that_make_no_tree_are_refused_by_row(paths, ids, message):
    with pytest.raises(TaxonomyError, match=message):
        Taxonomy.from_paths(paths, ids=ids)


def test_an_unknown_way_to_read_inner_labels_is_refused():
    with pytest.raises(TaxonomyError, match="expected 'terminal' or 'partial'"):
        Taxonomy.from_paths([("A",)], inner="maybe")
