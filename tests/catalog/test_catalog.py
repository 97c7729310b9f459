from dataclasses import replace

import numpy as np
import pytest

from prodcat import CatalogError, read_catalog


def test_titles_alone_need_no_categories():
    catalog = read_catalog(["a", "b"])
    assert len(catalog) == 2 and catalog.taxonomy is None
    with pytest.raises(CatalogError, match="no categories"):
        _ = catalog.tree


def test_take_keeps_columns_in_step(catalog):
    part = catalog.take(np.array([5, 2]))
    assert part.columns["number"] == (5, 2) and part.rows.tolist() == [5, 2]
    assert part.titles == (catalog.titles[5], catalog.titles[2])
    assert "2 titles, 2 labelled" in repr(part)


def test_a_kept_column_as_texts():
    rows = [{"title": "x", "g": 1.0, "lang": "tr"}, {"title": "y", "g": None, "lang": "en"}]
    catalog = read_catalog(rows, path=None, keep=["g"], language="lang")
    assert catalog.column("g") == ["1", ""]
    assert catalog.column("language") == ["tr", "en"]
    with pytest.raises(CatalogError, match=r"no column 'colour' to group by; found \['g'\]"):
        catalog.column("colour")


# -- in notebooks -------------------------------------------------------------

ROWS = [
    {"sku": "A-1", "title": "red apple", "path": ["Food", "Fruit"], "brand": "Pomo"},
    {"sku": "A-2", "title": "", "path": ["Food"], "brand": None},
    {"sku": "A-3", "title": "<script>x</script>", "path": ["Home"], "brand": None},
    {"sku": "A-4", "title": "desk", "path": ["Home"], "brand": "<b>"},
]


def kept_aside():
    """Three of the rows, the last of them without a category."""
    catalog = read_catalog(ROWS, keep=["sku"], text=["brand"], on_error="aside")
    return replace(catalog, targets=np.where(np.arange(3) < 2, catalog.targets, -1))


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_a_frame_has_the_ids_and_numbers_rows_as_people_count(library):
    frame = kept_aside().to_frame(library=library)
    assert list(frame.columns) == [
        "row_number", "sku", "brand", "title", "path", "level_1", "level_2", "node_id",
    ]  # fmt: skip
    assert frame["row_number"].to_list() == [1, 3, 4]
    assert frame["sku"].to_list() == ["A-1", "A-3", "A-4"]
    assert frame["path"].to_list()[:2] == ["Food > Fruit", "Home"]
    assert frame["level_2"].to_list()[0] == "Fruit"
    assert frame["path"].to_list()[2] is None or np.isnan(frame["path"].to_list()[2])
    again = read_catalog(frame[:2], keep=["sku"])
    assert again.titles == kept_aside().titles[:2] and again.paths == kept_aside().paths[:2]


def test_a_frame_keeps_columns_that_are_named_like_its_own():
    rows = [{"title": "a", "path": "Food > Fruit", "shelf": "x", "node_id": 7, "row_number": 70}]
    catalog = read_catalog(rows, keep=["node_id", "row_number", "path"])
    [row] = catalog.to_frame().to_dict("records")
    assert row["node_id"] == 7 and row["row_number"] == 70 and row["path"] == "Food > Fruit"
    assert row["prodcat_row_number"] == 1
    assert row["prodcat_node_id"] == row["prodcat_path"] == "Food > Fruit"


def test_a_frame_names_levels_like_the_columns_they_come_from():
    rows = [{"title": "a", "department": "Food", "shelf": "Fruit"}]
    frame = read_catalog(rows, path=["department", "shelf"]).to_frame()
    assert list(frame.columns)[2:] == ["path", "department", "shelf", "node_id"]
    assert frame["shelf"].to_list() == ["Fruit"]


def test_titles_alone_have_a_frame_too():
    frame = read_catalog(["a", "b"]).to_frame()
    assert frame.to_dict("list") == {"row_number": [1, 2], "title": ["a", "b"]}


def test_a_notebook_shows_the_first_rows(catalog):
    page = kept_aside()._repr_html_()
    assert "<b>Catalog</b> 3 titles, 2 labelled, 1 wrong rows" in page
    assert "<th>row_number</th><th>sku</th><th>brand</th><th>title</th><th>path</th>" in page
    assert "&lt;script&gt;x&lt;/script&gt;" in page and "<script" not in page and "<b><" not in page
    whole = catalog._repr_html_()
    assert whole.count("<tr>") == 11 and f"rows (10 of {len(catalog)})" in whole
    assert len(whole) < 10_000


def test_the_report_of_a_catalog_has_a_frame_and_is_shown():
    report = kept_aside().report
    assert report.to_frame().to_dict("records") == [
        {"row_number": 2, "reason": "empty title", "detail": "title=''"}
    ]
    page = report._repr_html_()
    assert "<b>Catalog report</b> 4 rows read, 1 wrong" in page and '"number">2</td>' in page
