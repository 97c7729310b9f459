"""Tables that people fill in."""

import pytest

from prodcat import CatalogError, ConfigError
from prodcat.storage.row_tables import ENDINGS, read_rows, save_rows

COLUMNS = {"title": str, "row_number": int, "share": float}
ROWS = [
    {"title": "=SUM(A1)", "row_number": 1, "share": 0.5},
    {"title": "süt, 1 l\nsecond line", "row_number": 2, "share": None},
    {"title": "'quoted'", "row_number": 3, "share": 1.0},
]


@pytest.mark.parametrize("ending", ENDINGS)
def test_rows_are_read_back_as_they_were(ending, tmp_path):
    place = tmp_path / f"rows{ending}"
    save_rows(place, COLUMNS, ROWS)
    made = read_rows(place)
    assert [row["title"] for row in made] == [row["title"] for row in ROWS]
    assert [str(row["row_number"]) for row in made] == ["1", "2", "3"]
    shares = [None if row["share"] in (None, "") else float(row["share"]) for row in made]
    assert [None if share != share else share for share in shares] == [0.5, None, 1.0]


def test_a_spreadsheet_finds_no_formula_in_a_csv(tmp_path):
    save_rows(tmp_path / "rows.csv", COLUMNS, ROWS)
    assert "\n'=SUM(A1),1,0.5\n" in (tmp_path / "rows.csv").read_text("utf-8-sig")


def test_lone_surrogates_are_replaced(tmp_path):
    for ending in ENDINGS:
        save_rows(tmp_path / f"rows{ending}", {"title": str}, [{"title": "s\udcfct"}])
        assert read_rows(tmp_path / f"rows{ending}")[0]["title"] in ("s?t", "s\ufffdt")


def test_other_files_are_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"'rows.html' does not end with .csv or .xlsx"):
        save_rows("rows.html", COLUMNS, ROWS)
    with pytest.raises(CatalogError, match="The table.*has no rows"):
        read_rows([])
