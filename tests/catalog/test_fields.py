"""A title and the further texts of its row, joined to one text."""

import pytest

from prodcat import read_catalog
from prodcat.catalog.fields import join_fields, plain
from prodcat.catalog.fingerprint import row_hashes
from prodcat.catalog.text import title_hashes


def test_the_joined_text_keeps_the_borders_of_its_fields():
    table = {"title": ["milk", "tea"], "brand": ["Oatly", None], "pack": [None, 12.0]}
    assert read_catalog(table, text=["brand", "pack"], path=None).inputs == [
        "milk\x1fOatly\x1f",
        "tea\x1f\x1f12",
    ]


@pytest.mark.parametrize("text", [[], ["brand"]])
def test_no_value_can_contain_a_border(text):
    table = {"title": ["oat\x1fmilk"], "brand": ["Oat\x1fly"]}
    [joined] = read_catalog(table, text=text, path=None).inputs
    assert joined.split("\x1f") == ["oat milk", "Oat ly"][: 1 + len(text)]


@pytest.mark.parametrize(
    ("parts", "before"),
    [(["a", "b", "c"], "a | b | c"), (["a", "", "c"], "a | c"), (["a", ""], "a"), (["", ""], "")],
)
def test_rows_are_recognised_by_the_text_that_earlier_versions_joined(parts, before):
    joined = join_fields(parts)
    assert plain(joined) == before
    assert title_hashes([joined]) == title_hashes([before])
    assert row_hashes([joined], ["x"]) == row_hashes([before], ["x"])
