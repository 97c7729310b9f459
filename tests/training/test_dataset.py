"""The titles of a fit."""

import pytest
from training_runs import fit

import prodcat
from prodcat.errors import CatalogError


def test_other_text_columns_than_the_warm_start_read_are_refused(last, encoder_folder):
    table = [{"title": "elma", "brand": "x", "path": ["a", "b"]}, {"title": "süt", "path": ["a"]}]
    catalog = prodcat.read_catalog(table, text=["brand"])
    with pytest.raises(
        CatalogError, match=r"has text columns \['brand'\]; the classifier to start"
    ):
        fit(catalog, encoder_folder, warm_start=last)
