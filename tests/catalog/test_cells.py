from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

import prodcat
from prodcat.catalog.cells import group_text
from prodcat.storage.tables import is_missing
from prodcat.taxonomy.cells import cell_text


@pytest.mark.parametrize("value", [1, 1.0, np.float32(1), " 1 "])
def test_a_group_has_one_text_in_every_table(value):
    assert group_text(value) == "1"


MISSING = [None, float("nan"), np.float16("nan"), np.float32("nan"), np.float64("nan")]
MISSING += [Decimal("NaN"), Decimal("sNaN"), pd.NaT, pd.NA, np.datetime64("NaT"), np.ma.masked]


@pytest.mark.parametrize("value", MISSING, ids=repr)
def test_every_missing_value_is_one_everywhere(value):
    assert is_missing(value) and cell_text(value) == "" and group_text(value) == ""
    table = {"title": ["süt", "ekmek"], "path": ["Food", "Food"], "day": [1, value]}
    catalog = prodcat.read_catalog(table, text=["day"], keep=["day"])
    assert catalog.texts["day"] == ("1", "") and catalog.column("day") == ["1", ""]
    with pytest.raises(prodcat.CatalogError, match="row no. 2: the value is empty"):
        prodcat.split(catalog, by="time", column="day")


@pytest.mark.parametrize("value", ["", "nan", 0, False, np.float32(0), Decimal(0), [None], b""])
def test_other_values_are_not_missing(value):
    assert not is_missing(value)


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, ""), (float("nan"), ""), (b"caf\xe9", "caf\udce9"), (2.0, "2"), (2.5, "2.5")],
)
def test_cells_as_text(value, text):
    assert cell_text(value) == text
