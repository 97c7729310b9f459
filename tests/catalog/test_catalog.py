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
