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
        (changed(1, parent="c"), r"rows 2, 3: cycle 'b' -> 'c' -> 'b'"),
        (changed(2, id="b"), r"rows 2 and 3: id 'b' has two parents, 'a' and 'b'"),
        ([*TABLE, TABLE[2]], r"rows 3 and 4: id 'c' is in both"),
        (changed(1, name=" "), r"row 2: empty name"),
        (changed(1, id=None), r"row 2: empty id"),
        (changed(2, parent="zz"), r"row 3: parent 'zz' is not in the table"),
        ([*TABLE, {"id": "d", "parent": "a", "name": "B"}], r"rows 2 and 4: two children of one"),
        ([{"id": "a", "name": "A"}], r"Row 1 has no column 'parent'"),
        ([], "The table has no rows"),
    ],
)
def test_a_table_that_is_no_tree_is_refused_by_row(table, message):
    with pytest.raises(TaxonomyError, match=message):
        Taxonomy.from_table(table)


def tree_below(mark, more=()):
    rows = [
        {"id": "1", "parent": mark, "name": "Food"},
        {"id": "2", "parent": "1", "name": "Milk"},
        {"id": "3", "parent": mark, "name": "Home"},
        *more,
    ]
    return Taxonomy.from_table(rows).paths


FLAT = (("Food",), ("Home",), ("Food", "Milk"))


@pytest.mark.parametrize("mark", ["", None, " ", float("nan")])
def test_a_parent_that_is_missing_is_the_top_level(mark, caplog):
    assert tree_below(mark) == FLAT
    assert not caplog.text


@pytest.mark.parametrize(
    "mark",
    [0, "0", -1, "-1", 0.0, "NULL", "None", "nan", "root", "ROOT", "#", "N/A", "(null)", "X9"],
)
def test_a_parent_that_marks_the_top_level_is_told(mark, caplog):
    assert tree_below(mark) == FLAT
    assert "is the parent in 2 rows; read as the top level" in caplog.text


def test_a_node_that_is_its_own_parent_is_at_the_top(caplog):
    rows = [
        {"id": 1, "parent": 1, "name": "Food"},
        {"id": 2, "parent": 1, "name": "Milk"},
        {"id": 3, "parent": 3, "name": "Home"},
    ]
    assert Taxonomy.from_table(rows).paths == FLAT
    assert "The table: the parent is the node itself in 2 rows; read as the top" in caplog.text


def test_a_mark_that_is_the_id_of_a_node_is_its_parent(caplog):
    all_below = tree_below("0", [{"id": "0", "parent": "", "name": "All"}])
    assert all_below[:2] == (("All",), ("All", "Food"))
    assert not caplog.text


@pytest.mark.parametrize("known", ["", "0", "3"])
def test_an_unknown_parent_is_no_top_level_beside_others(known):
    rows = [{"id": "3", "parent": known, "name": "A"}, {"id": "1", "parent": "X9", "name": "B"}]
    with pytest.raises(TaxonomyError, match="row 2: parent 'X9' is not in the table"):
        Taxonomy.from_table(rows)
