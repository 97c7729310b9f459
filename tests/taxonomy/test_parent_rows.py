import pytest

from prodcat import Taxonomy, TaxonomyError

TABLE = [
    {"id": "a", "parent": None, "name": "A"},
    {"id": "b", "parent": "a", "name": "B"},
    {"id": "c", "parent": "b", "name": "C"},
]


def changed(row, **values):
    return [{**record, **(values if number == row else {})} for number, record in enumerate(TABLE)]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (changed(1, parent="c"), r"rows \[1, 2\]: cycle 'b' -> 'c' -> 'b'"),
        (changed(0, parent="a"), r"rows \[0\]: cycle 'a' -> 'a'"),
        (changed(2, id="b"), r"rows 1 and 2: id 'b' has two parents, 'a' and 'b'"),
        ([*TABLE, TABLE[2]], r"rows 2 and 3: id 'c' is in both"),
        (changed(1, name=" "), r"row 1: empty name"),
        (changed(1, id=None), r"row 1: empty id"),
        (changed(2, parent="zz"), r"row 2: parent 'zz' is not in the table"),
        ([*TABLE, {"id": "d", "parent": "a", "name": "B"}], r"rows 1 and 3: two children of one"),
        ([{"id": "a", "name": "A"}], r"Row 0 has no column 'parent'"),
        ([], "The table has no rows"),
    ],
)
def test_a_table_that_is_no_tree_is_refused_by_row(table, message):
    with pytest.raises(TaxonomyError, match=message):
        Taxonomy.from_table(table)
