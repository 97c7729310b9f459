"""The columns of levels of prodcat's answers are read again, whatever the categories are called."""

import pytest

import prodcat
from prodcat import CatalogError
from prodcat.testing import tiny_classifier

NAMES = ['["a"]', '{"b": 1}', "('c', 'd')"]


@pytest.mark.parametrize("ending", ["parquet", "csv", "jsonl"])
def test_names_like_lists_come_back_from_the_columns_of_levels(tmp_path, ending):
    classifier = tiny_classifier([["Food", name] for name in NAMES])
    (tmp_path / "in.csv").write_text("title\n" + "\n".join(f"thing {n}" for n in range(5)), "utf-8")
    output = tmp_path / f"out.{ending}"
    prodcat.score(classifier, tmp_path / "in.csv", output)
    levels = ["predicted_level_1", "predicted_level_2"]
    again = prodcat.read_catalog(output, path=levels)
    whole = prodcat.read_catalog(output, path="predicted_path")
    assert [again.tree.paths[node] for node in again.targets] == [
        whole.tree.paths[node] for node in whole.targets
    ]
    assert {again.tree.paths[node][1] for node in again.targets} <= set(NAMES)


def test_lists_in_other_columns_of_levels_stay_wrong():
    table = {"title": ["a"], "level_1": ["Food"], "level_2": ['["a"]']}
    with pytest.raises(CatalogError, match="is a list or an object; expected one name"):
        prodcat.read_catalog(table, path=["level_1", "level_2"])
    table = {"title": ["a"], "predicted_level_1": ["Food"], "predicted_level_2": [["a"]]}
    with pytest.raises(CatalogError, match="is a list or an object; expected one name"):
        prodcat.read_catalog(table, path=["predicted_level_1", "predicted_level_2"])
