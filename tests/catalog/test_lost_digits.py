"""Ids that are floats of more digits than a float has are wrong rows, and never other ids."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import prodcat
from prodcat.errors import CatalogError

IDS = [12345678901234567.0, 12345678901234568.0]  # the same float


def _rows(ids):
    return {"title": ["Milk", "Bread"], "path": ["Food > Dairy", "Food > Bakery"], "id": ids}


@pytest.mark.parametrize("make", [dict, pd.DataFrame, pa.table])
def test_ids_of_a_path_that_are_long_floats_are_refused(make):
    table = make({**_rows(IDS), "top": [1.0, 1.0]})
    with pytest.raises(
        CatalogError, match=r"number without all its digits: 2 .*id=1.23.*dtype=str"
    ):
        prodcat.read_catalog(table, path_ids=["top", "id"])


def test_ids_in_one_list_and_texts_are_checked_too():
    rows = {**_rows(IDS), "ids": [[1.0, each] for each in IDS]}
    with pytest.raises(CatalogError, match="number without all its digits: 2"):
        prodcat.read_catalog(rows, path_ids="ids")
    with pytest.raises(CatalogError, match="number without all its digits: 2"):
        prodcat.read_catalog(rows, text=["id"])
    with pytest.raises(CatalogError, match="number without all its digits: 2"):
        prodcat.read_catalog(rows, title="id")


def test_rows_with_such_ids_can_be_put_aside_or_accepted():
    rows = _rows([IDS[0], 4006381333931.0])
    catalog = prodcat.read_catalog(rows, text=["id"], on_error="aside")
    assert catalog.texts["id"] == ("4006381333931",)
    accepted = prodcat.read_catalog(rows, text=["id"], on_error="accept")
    assert len(accepted) == 2 and accepted.report.problems[0].row == 0


@pytest.mark.parametrize(
    "ids",
    [
        [12345678901234567, 12345678901234568],
        ["12345678901234567", "12345678901234568"],
        np.array([12345678901234567, 12345678901234568]),
        [4006381333931.0, 9007199254740991.0],
        [float("nan"), None],
        [float("inf"), 0.5],
    ],
)
def test_other_ids_keep_all_their_digits(ids):
    catalog = prodcat.read_catalog(_rows(ids), text=["id"], keep=["id"])
    assert not catalog.report.problems
    if isinstance(ids[0], int):
        assert catalog.texts["id"] == tuple(map(str, ids))
