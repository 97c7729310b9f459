import numpy as np
import pytest

from prodcat.catalog.cells import group_text
from prodcat.taxonomy.cells import cell_text


@pytest.mark.parametrize("value", [1, 1.0, np.float32(1), " 1 "])
def test_a_group_has_one_text_in_every_table(value):
    assert group_text(value) == "1"


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, ""), (float("nan"), ""), (b"caf\xe9", "caf\udce9"), (2.0, "2"), (2.5, "2.5")],
)
def test_cells_as_text(value, text):
    assert cell_text(value) == text
