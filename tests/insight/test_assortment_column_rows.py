"""Rows that are held as columns read as the mappings that they stand for."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prodcat.insight.assortment.column_rows import ColumnRows

ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "title": st.text(max_size=5),
            "brand": st.none() | st.text(max_size=5),
            "price": st.none() | st.floats(allow_nan=False),
            "count": st.integers(-(2**40), 2**40),
        }
    )
)


def columns_of(rows):
    """The same rows as lists and arrays, in which NaN stands for None."""
    prices = [np.nan if row["price"] is None else row["price"] for row in rows]
    return ColumnRows(
        {
            "title": [row["title"] for row in rows],
            "brand": [row["brand"] for row in rows],
            "price": np.array(prices, np.float64),
            "count": np.array([row["count"] for row in rows], np.int64),
        }
    )


@given(ROWS)
def test_rows_are_those_that_were_put_in(rows):
    held = columns_of(rows)
    assert list(held) == rows and len(held) == len(rows) and held[:2] == rows[:2]
    for name in ("title", "brand", "price", "count"):
        assert held.column(name) == [row[name] for row in rows]
    assert list(ColumnRows.collect(["title", "price"], rows)) == [
        {"title": row["title"], "price": row["price"]} for row in rows
    ]


@given(ROWS, ROWS, st.randoms(use_true_random=False))
def test_rows_are_joined_and_put_in_another_order(first, second, random):
    held = ColumnRows.chain([columns_of(first), columns_of(second)])
    rows = first + second
    order = list(range(len(rows)))
    random.shuffle(order)
    assert list(held) == rows
    assert list(held.take(np.array(order, np.int64))) == [rows[place] for place in order]


def test_many_rows_are_read_piece_by_piece():
    held = ColumnRows({"number": np.arange(5_000)})
    assert [row["number"] for row in held] == list(range(5_000))
    assert held[-1] == {"number": 4_999} and type(held[0]["number"]) is int
    with pytest.raises(IndexError):
        held[5_000]


def test_without_columns_there_is_no_row():
    assert len(ColumnRows({})) == 0 and list(ColumnRows({})) == [] and ColumnRows({})[:5] == []
