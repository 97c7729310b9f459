"""A catalog in several files that differ, and in folders that give columns."""

import json

import pandas as pd
import pytest

import prodcat
from prodcat import CatalogError
from prodcat.catalog.splits import groups


def write(file, **columns):
    file.parent.mkdir(parents=True, exist_ok=True)
    frame = pd.DataFrame(columns)
    if file.suffix == ".csv":
        frame.to_csv(file, index=False)
    elif file.suffix == ".parquet":
        frame.to_parquet(file)
    else:
        lines = (json.dumps(row) for row in frame.astype(object).to_dict("records"))
        file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


@pytest.mark.parametrize("ending", ["csv", "parquet", "jsonl"])
def test_folders_give_columns(tmp_path, ending):
    for number, country in enumerate(["de", "tr", "n%20l", "__HIVE_DEFAULT_PARTITION__"]):
        file = tmp_path / f"in/country={country}/week={number + 9}/a.{ending}"
        write(file, title=["süt"], path=["Food"])
    for source in (str(tmp_path / "in"), f"{tmp_path}/in/*/*/*"):
        catalog = prodcat.read_catalog(source, keep=["week"], language="country")
        found = dict(zip(catalog.columns["week"], catalog.languages, strict=True))
        assert found == {9: "de", 10: "tr", 11: "n l", 12: ""}
        parts = prodcat.split(
            catalog, by="time", column="week", test=0.25, validation=0, near_duplicates="ignore"
        )
        assert parts.test.columns["week"] == (12,)
    with pytest.raises(CatalogError, match="no column 'country'"):
        prodcat.read_catalog(str(tmp_path / f"in/country=de/week=9/a.{ending}"), keep=["country"])


def test_a_column_that_contradicts_its_folder_is_refused(tmp_path):
    write(tmp_path / "in/week=7/a.csv", title=["süt", "su"], path=["Food"] * 2, week=[7, 7])
    catalog = prodcat.read_catalog(str(tmp_path / "in"), keep=["week"])
    assert catalog.columns["week"] == ("7", "7") and catalog.column("week") == ["7", "7"]
    write(tmp_path / "in/week=7/a.csv", title=["süt", "su"], path=["Food"] * 2, week=[7, 8])
    with pytest.raises(CatalogError, match=r"a.csv': the column 'week' has the value '8', but the"):
        prodcat.read_catalog(str(tmp_path / "in"), keep=["week"])
    assert len(prodcat.read_catalog(str(tmp_path / "in"))) == 2, "the column is not read"
    (tmp_path / "in/week=7/a.csv").unlink()
    write(tmp_path / "in/week=7/a.parquet", title=["süt"], path=["Food"], week=[7.0])
    catalog = prodcat.read_catalog(str(tmp_path / "in"), keep=["week"])
    assert catalog.column("week") == ["7"]


@pytest.mark.parametrize("ending", ["csv", "parquet", "jsonl"])
def test_a_kept_column_may_come_and_go_and_change_its_type(tmp_path, ending):
    write(tmp_path / f"1.{ending}", title=["a"], path=["Food"])
    write(tmp_path / f"2.{ending}", title=["b"], path=["Food"], ean=[4006381333931])
    write(tmp_path / f"3.{ending}", title=["c"], path=["Food"], ean=[4006381333931.0])
    write(tmp_path / f"4.{ending}", title=["d"], path=["Food"], ean=["00123"])
    catalog = prodcat.read_catalog(str(tmp_path), keep=["ean"])
    assert catalog.columns["ean"][0] is None and catalog.columns["ean"][3] == "00123"
    decimals = ".0" if ending == "csv" else ""  # pandas wrote a float into the text
    assert catalog.column("ean") == ["", "4006381333931", f"4006381333931{decimals}", "00123"]


def test_an_empty_file_has_no_rows(tmp_path):
    (tmp_path / "0.csv").write_bytes(b"")
    write(tmp_path / "1.csv", title=["a"], path=["Food"])
    (tmp_path / "2.jsonl").write_bytes(b"")
    assert prodcat.read_catalog(str(tmp_path)).titles == ("a",)
    (tmp_path / "1.csv").write_bytes(b"")
    with pytest.raises(CatalogError, match="has no rows"):
        prodcat.read_catalog(str(tmp_path))


@pytest.mark.parametrize("names", [("1.csv", "2.csv"), ("2.csv", "1.csv")])
@pytest.mark.parametrize("column", ["title", "path", "brand"])
def test_a_column_that_is_read_must_be_in_all_files_or_in_none(tmp_path, names, column):
    full = {"title": ["a"], "path": ["Food"], "brand": ["b"]}
    write(tmp_path / names[0], **full)
    write(tmp_path / names[1], **{name: full[name] for name in full if name != column})
    with pytest.raises(
        CatalogError, match=rf"{names[1]}' has no column '{column}', which .*{names[0]}' has"
    ):
        prodcat.read_catalog(str(tmp_path), text=["brand"])


def test_groups_are_equal_whatever_their_type():
    table = {"title": list("abcdef"), "path": ["Food"] * 6, "g": [1, 1.0, "1", 2, [3], [3]]}
    catalog = prodcat.read_catalog(table, keep=["g"])
    assert len(set(groups(catalog, "g"))) == 3
