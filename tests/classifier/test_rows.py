"""Rows to what a classifier reads of them: none is left out, and each says what is wrong."""

import pytest

import prodcat
from prodcat import CatalogError
from prodcat.classifier.rows import read_rows


def test_rows_that_are_wrong_have_a_text_all_the_same(small):
    rows = read_rows(small, {"title": ["sut 1 l", None, "k\udcffse", "  "]})
    assert rows.texts[0] == "sut 1 l" and rows.texts[2] == "k\ufffdse" and len(rows.texts) == 4
    assert rows.errors == {1: "empty title", 2: "invalid UTF-8", 3: "empty title"}
    assert rows.groups is None


def test_groups_are_read_as_text(small):
    columns = {"name": ["sut", "ekmek"], "shop": [1.0, None]}
    rows = read_rows(small, columns, title="name", group="shop")
    assert rows.texts == ["sut", "ekmek"] and rows.groups == ["1", ""] and not rows.errors


def test_further_text_is_that_of_training_if_none_is_named(rows):
    table = [{"title": r.title, "brand": r.brand, "path": list(r.path)} for r in rows[:60]]
    catalog = prodcat.read_catalog(table, text=["brand"])
    classifier = prodcat.fit(catalog, model=prodcat.ModelConfig(encoder=None), progress=False)
    columns = {"title": ["sut"], "brand": ["Pinar"], "size": ["1 l"]}
    read = read_rows(classifier, columns)
    assert read.texts == read_rows(classifier, columns, text=["brand", "size"]).texts
    assert read.texts[0].startswith("sut") and "Pinar" in read.texts[0]
    with pytest.raises(CatalogError, match="no column 'maker'"):
        read_rows(classifier, columns, text=["maker"])


def test_a_table_without_a_row_is_refused(small):
    with pytest.raises(CatalogError, match="The source has no rows"):
        read_rows(small, {"title": []})
