"""Rows with an empty title are in no count and in no share, which is told."""

import logging

import pytest

import prodcat
from prodcat.errors import CatalogError
from prodcat.insight.assortment import compare_assortments
from prodcat.insight.drift import find_drift
from prodcat.insight.empty_titles import titled_rows
from prodcat.insight.queue import review_queue
from prodcat.testing import tiny_classifier


@pytest.fixture(scope="module")
def tiny():
    return tiny_classifier()


@pytest.fixture(scope="module")
def labelled(tiny):
    rows = [{"title": f"thing {number}", "path": list(path)} for number, path in enumerate(
        [tiny.taxonomy.paths[node] for node in tiny.taxonomy.outcomes] * 4)]  # fmt: skip
    return prodcat.read_catalog(rows, taxonomy=tiny.taxonomy)


def read(titles, path=None):
    columns = {"title": titles} if path is None else {"title": titles, "path": path}
    named = {} if path is None else {"path": "path"}
    return prodcat.read_catalog(columns, on_error="accept", **named)


TITLES = ["milk", "", "bread", " ", "soap"]


def test_products_without_title_and_category_are_not_counted(tiny, labelled, caplog):
    with caplog.at_level(logging.WARNING, "prodcat"):
        found = compare_assortments(
            {"ours": read(["milk", "bread", "soap"]), "theirs": read(TITLES)}, tiny, labelled
        )
    ours, theirs = found.retailers
    assert theirs.counts.rows == ours.counts.rows == 3
    assert (theirs.counts.count == ours.counts.count).all()
    assert "2 of 5 titles of 'theirs' are empty, such as row 2; they are left out" in caplog.text
    assert "'ours'" not in caplog.text


def test_a_category_counts_without_a_title(tiny, labelled):
    path = " > ".join(tiny.taxonomy.paths[tiny.taxonomy.outcomes[0]])
    ours = prodcat.read_catalog(
        {"title": ["", "milk"], "path": [path, path]}, taxonomy=tiny.taxonomy, on_error="accept"
    )
    found = compare_assortments({"ours": ours}, tiny, labelled)
    assert found.retailers[0].counts.rows == found.retailers[0].labelled == 2


def test_drift_compares_titles_only(tiny, caplog):
    before, after = read([*TITLES, *["milk"] * 20]), read(["milk"] * 20 + [""] * 60)
    with caplog.at_level(logging.WARNING, "prodcat"):
        drift = find_drift(before, after, tiny)
    assert drift.rows == (23, 20)
    assert "60 of 80 titles of after are empty, such as row 21" in caplog.text
    with pytest.raises(CatalogError, match="All 2 titles of after are empty"):
        find_drift(before, read(["", " "]), tiny)


def test_nobody_is_asked_to_label_an_empty_title(tiny):
    items = review_queue(read(TITLES), tiny, 10)
    assert sorted(item.title for item in items) == ["bread", "milk", "soap"]
    assert sorted(item.row for item in items) == [0, 2, 4]


def test_rows_without_an_empty_title_stay_the_catalog(labelled):
    assert titled_rows(labelled, "these") is labelled
