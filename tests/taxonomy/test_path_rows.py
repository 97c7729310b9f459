import pytest

from prodcat import Taxonomy, TaxonomyError


def test_partial_paths_make_no_outcome():
    tree = Taxonomy.from_paths([("A", "X", "1"), ("A", "X")], inner="partial")
    assert [tree.paths[node] for node in tree.outcomes] == [("A", "X", "1")]


@pytest.mark.parametrize(
    ("paths", "ids", "message"),
    [
        ([("A", "")], None, r"row 0: \['A', ''\] has an empty name"),
        ([()], None, "row 0"),
        ([], None, "Found no path"),
        ([("A",), ("A", "B")], [("1",), ("1",)], "row 1: 2 names but 1 ids"),
        ([("A",), ("B",)], [("1",), ("1",)], "row 1: id '1' is named 'B' here and 'A' before"),
        ([("A",)], [], "0 rows of ids for 1 paths"),
        ([("A", "X"), ("B", "X")], [("1", "9"), ("2", "9")], "id '9' stands for 2 nodes"),
    ],
)
def test_paths_that_make_no_tree_are_refused_by_row(paths, ids, message):
    with pytest.raises(TaxonomyError, match=message):
        Taxonomy.from_paths(paths, ids=ids)


def test_an_unknown_way_to_read_inner_labels_is_refused():
    with pytest.raises(TaxonomyError, match="expected 'terminal' or 'partial'"):
        Taxonomy.from_paths([("A",)], inner="maybe")
