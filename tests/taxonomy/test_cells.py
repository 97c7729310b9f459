import pytest

from prodcat.taxonomy.cells import cell_mark, cell_path


@pytest.mark.parametrize(
    ("value", "path"),
    [("A > B", ("A", "B")), (["A ", "B"], ("A", "B")), (("A",), ("A",)), (None, ()), (3, ("3",))],
)
def test_paths_in_cells(value, path):
    assert cell_path(value, ">") == path


@pytest.mark.parametrize("value", [True, 1, "1", "Yes", " TRUE "])
def test_cells_that_say_yes(value):
    assert cell_mark(value) and not cell_mark(None) and not cell_mark("no")
