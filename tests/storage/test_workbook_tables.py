"""Workbooks as people make them: merged cells, formulas, long numbers, durations and footers."""

import datetime
import io
import zipfile

import openpyxl
import pyarrow as pa
import pytest
import xlsxwriter

import prodcat
from prodcat.errors import CatalogError
from prodcat.storage.read_options import ReadOptions
from prodcat.storage.sheet_markup import marked_cells
from prodcat.storage.spreadsheets import sheet_bytes
from prodcat.storage.tables import iter_tables


@pytest.fixture
def read(tmp_path, caplog):
    """A function that reads rows from a workbook of openpyxl, and returns columns and words."""

    def reader(rows, merged=(), names=("title",), formats=()):
        book = openpyxl.Workbook()
        for row in rows:
            book.active.append(row)
        for cells in merged:
            book.active.merge_cells(cells)
        for cell, text in formats:
            book.active[cell].number_format = text
        path = tmp_path / "t.xlsx"
        book.save(path)
        with caplog.at_level("INFO", "prodcat"):
            [piece] = iter_tables(str(path), options=ReadOptions(names=names))
        return piece, caplog.text

    return reader


def test_a_level_that_is_merged_down_counts_for_each_of_its_rows(read):
    columns, said = read(
        [
            ["title", "level_1", "level_2"],
            ["Milk", "Food", "Dairy"],
            ["Cheese", None, None],
            ["Bread", None, "Bakery"],
            ["Soap", "Home", "Bath"],
        ],
        ["B2:B4", "C2:C3"],
    )
    assert columns["level_1"] == ["Food", "Food", "Food", "Home"]
    assert columns["level_2"] == ["Dairy", "Dairy", "Bakery", "Bath"]
    assert "column 'level_1', row 2 of the sheet: the value of a merged cell counts" in said


def test_cells_that_are_empty_but_not_merged_stay_empty(read):
    columns, said = read([["title", "brand"], ["Milk", "A"], ["Bread", None], ["Salt", "B"]])
    assert columns["brand"] == ["A", None, "B"] and not said


def test_cells_that_are_merged_across_belong_to_the_first_column(read):
    columns, _ = read(
        [["title", "level_1", "level_2"], ["Milk", "Food", None], ["Bread", None, None]],
        ["B2:C3"],
    )
    assert columns["level_1"] == ["Food", "Food"] and columns["level_2"] == [None, None]


def test_a_header_of_two_rows_with_merged_cells_is_read(read):
    columns, _ = read(
        [
            ["sku", "title", "Category", None],
            [None, None, "level_1", "level_2"],
            [1, "Milk", "Food", "Dairy"],
        ],
        ["A1:A2", "B1:B2", "C1:D1"],
    )
    assert columns == {"sku": [1], "title": ["Milk"], "level_1": ["Food"], "level_2": ["Dairy"]}


def test_a_name_that_is_merged_across_counts_for_each_of_its_columns(read, tmp_path):
    rows = [["title", "Category", None], ["Milk", "Food", "Dairy"]]
    columns, said = read(rows, ["B1:C1"])
    assert columns["Category"] == ["Food"] and columns["Category (2)"] == ["Dairy"]
    assert "column 3 ('Category') as 'Category (2)'" in said
    with pytest.raises(CatalogError, match="has two columns named 'Category'"):
        prodcat.read_catalog(str(tmp_path / "t.xlsx"), path="Category")


def test_a_formula_without_a_value_is_refused_in_a_column_that_is_read(read):
    rows = [["sku", "title"], [1, '=CONCATENATE("Mi","lk")'], [2, '="Bread"']]
    with pytest.raises(CatalogError, match=r"column 'title', row 2 .*2 of them.*not calc|Excel or"):
        read(rows)
    columns, said = read(rows, names=("sku",))
    assert columns["title"] == [None, None]
    assert "column 'title', rows 2, 3 of the sheet: formulas that were not calculated" in said


def test_a_name_that_is_a_formula_without_a_value_is_refused(read):
    with pytest.raises(CatalogError, match="the name of column 2 is a formula"):
        read([["title", '="path"'], ["Milk", "Food"]])


def test_sums_below_the_table_need_not_be_calculated(read):
    columns, said = read([["title", "price"], ["Milk", 1], ["Bread", 2], ["Total", "=SUM(B2:B3)"]])
    assert columns == {"title": ["Milk", "Bread"], "price": [1, 2]}
    assert "not calculated" not in said and "'Total'" in said


@pytest.mark.parametrize("value", [0, "Milk", 7])
def test_formulas_of_xlsxwriter_have_a_value_only_if_it_was_given(tmp_path, value, caplog):
    book = xlsxwriter.Workbook(tmp_path / "t.xlsx")
    sheet = book.add_worksheet()
    sheet.write_row(0, 0, ["sku", "title"])
    for row in (1, 2):
        sheet.write_row(row, 0, [row])
        sheet.write_formula(row, 1, '="Milk"', None, value)
    book.close()
    options = ReadOptions(names=("title",))
    if value:
        [columns] = iter_tables(str(tmp_path / "t.xlsx"), options=options)
        assert columns["title"] == [value] * 2
    else:
        with pytest.raises(CatalogError, match="row 2 of the sheet: found a formula"):
            list(iter_tables(str(tmp_path / "t.xlsx"), options=options))


def test_errors_of_formulas_are_told(read):
    columns, said = read([["title", "brand"], ["Milk", "#N/A"], ["Bread", "A"]])
    assert columns["brand"] == [None, "A"]
    assert "column 'brand', row 2 of the sheet: errors such as #N/A are read as empty" in said


@pytest.mark.parametrize("number", [1234567890123456789, 1.23456789012346e18, 4006381333931000])
def test_numbers_of_more_than_15_digits_are_told_with_their_rows(read, number):
    columns, said = read([["title", "id"], ["Milk", 4006381333931], ["Bread", number]])
    assert columns["id"][0] == 4006381333931 and str(columns["id"][1])[:15] == str(int(number))[:15]
    assert set(str(columns["id"][1])[16:]) <= {"0"}
    assert "column 'id', row 3 of the sheet: numbers of more than 15 digits" in said


def test_numbers_of_15_digits_are_as_they_are(read):
    columns, said = read([["title", "id"], ["Milk", 400638133393100]])
    assert columns["id"] == [400638133393100] and not said


def test_durations_are_texts_of_hours_minutes_and_seconds(read):
    hours = datetime.timedelta(hours=26, minutes=30)
    columns, _ = read(
        [["title", "time"], ["Milk", hours], ["Bread", datetime.timedelta(seconds=90)]],
        formats=[("B2", "[h]:mm"), ("B3", "[h]:mm:ss")],
    )
    assert columns["time"] == ["26:30:00", "00:01:30"]


def test_rows_with_one_value_after_an_empty_row_are_rows(read):
    rows = [["title", "brand", "size"], ["Milk", "A", "1 l"], [None], ["Rice"], ["Brown bread"]]
    columns, said = read(rows)
    assert columns["title"] == ["Milk", "Rice", "Brown bread"] and "left out" not in said
    columns, said = read([*rows[:2], [None], ["Generated by the shop"], ["As of 1 May"]])
    assert columns["title"] == ["Milk"] and "'Generated by the shop As of 1 May'" in said


def test_columns_of_one_name_that_nobody_reads_are_told(read):
    columns, said = read([["title", "price", "price", None, None], ["Milk", 1, 2, 3, 4]])
    assert list(columns) == ["title", "price", "price (2)", "column 4", "column 5"]
    assert "column 3 ('price') as 'price (2)'" in said
    with pytest.raises(CatalogError, match="two columns named 'title'"):
        read([["title", "title"], ["Milk", "Bread"]])


def test_a_document_type_in_a_sheet_is_refused(tmp_path):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(
            "xl/workbook.xml", '<!DOCTYPE a [<!ENTITY b "c">]><workbook>&b;</workbook>'
        )
    with zipfile.ZipFile(out) as archive, pytest.raises(ValueError, match="document type"):
        marked_cells(archive, "a")


def _with_sheets(path, sheets, hidden=()):
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        sheet.sheet_state = "hidden" if name in hidden else "visible"
        for row in rows:
            sheet.append(row)
    book.save(path)


def test_sheets_that_are_empty_or_hidden_are_read_last(tmp_path, caplog):
    path = tmp_path / "t.xlsx"
    rows = [["title"], ["Milk"]]
    _with_sheets(path, {"Lists": [["title"], ["Bread"]], "Empty": [], "Data": rows}, ["Lists"])
    assert prodcat.read_catalog(str(path), path=None).titles == ("Milk",)
    assert "read the sheet 'Data', and not ['Lists', 'Empty']" in caplog.text
    catalog = prodcat.read_catalog(str(path), path=None, sheet="Lists")
    assert catalog.titles == ("Bread",)
    _with_sheets(path, {"Cover": [], "Empty": []})
    with pytest.raises(CatalogError, match="is empty; .*If the table is on another sheet"):
        prodcat.read_catalog(str(path), path=None)


@pytest.mark.parametrize("rows", [1, 3])
def test_merged_cells_of_opendocument_are_told(tmp_path, caplog, rows):
    """The package that reads values says nothing of them; see an .xlsx for what is filled."""
    cell = '<table:table-cell office:value-type="string"{}><text:p>{}</text:p></table:table-cell>'
    spans = f' table:number-rows-spanned="{rows}" table:number-columns-spanned="1"'
    body = "".join(
        f"<table:table-row>{cell.format(more, text)}</table:table-row>"
        for text, more in [("title", ""), ("Milk", spans)]
    )
    spaces = " ".join(
        f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
        for name in ("office", "table", "text")
    )
    path = tmp_path / "t.ods"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr(
            "content.xml",
            f'<office:document-content {spaces} office:version="1.3"><office:body>'
            f'<office:spreadsheet><table:table table:name="S">{body}</table:table>'
            "</office:spreadsheet></office:body></office:document-content>",
        )
        archive.writestr(
            "META-INF/manifest.xml",
            '<m:manifest xmlns:m="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>',
        )
    assert prodcat.read_catalog(str(path), path=None).titles == ("Milk",)
    assert ("cells are merged over several rows" in caplog.text) == (rows > 1)


def test_an_empty_row_that_a_merged_cell_covers_is_no_row(read):
    columns, said = read(
        [
            ["Category", "title"],
            [None, None],
            ["Food", "Milk"],
            [None, "Bread"],
            [None, None],
            ["Home", "Soap"],
            [None, "Shampoo"],
            ["Total", None],
        ],
        ["A1:A2", "B1:B2", "A3:A5", "A6:A7"],
    )
    assert columns["title"] == ["Milk", "Bread", "Soap", "Shampoo"]
    assert columns["Category"] == ["Food", "Food", "Home", "Home"] and "'Total'" in said


def test_ids_keep_the_zeros_that_their_format_shows(read):
    columns, said = read(
        [
            ["title", "gtin", "long", "price"],
            ["Milk", 12345678905, 123456, 1],
            ["Tea", 8690504055013, 123456, 2],
        ],
        formats=[("B2", "0" * 14), ("B3", "0" * 14), ("C2", "00000"), ("D2", "0")],
    )
    assert columns["gtin"] == ["00012345678905", "08690504055013"]
    assert columns["long"] == [123456, 123456] and columns["price"] == [1, 2]
    assert "column 'gtin', rows 2, 3 of the sheet: numbers are read with the zeros" in said
    assert "'long'" not in said


@pytest.mark.parametrize(("number", "value"), [(-1, -1), (-45000.25, -45000.25)])
def test_a_negative_number_is_no_time(read, number, value):
    columns, said = read(
        [["title", "n", "t"], ["Milk", number, 0.5], ["Tea", -2, 0.25]],
        formats=[("B2", "yyyy-mm-dd"), ("C2", "hh:mm"), ("C3", "hh:mm")],
    )
    assert columns["n"] == [value, -2]
    assert columns["t"] == [datetime.time(12), datetime.time(6)]
    assert "column 'n', row 2 of the sheet: negative numbers that are formatted as dates" in said


def test_a_duration_beyond_all_time_is_refused_with_words(read):
    with pytest.raises(CatalogError, match="as a workbook"):
        read([["title", "n"], ["Milk", 12345678905]], formats=[("B2", "[h]:mm")])


def test_booleans_beside_texts_are_as_in_json(read):
    columns, _ = read([["title", "new"], ["Milk", True], ["Tea", "no"], ["Rice", False]])
    assert columns["new"] == ["true", "no", "false"]


def test_a_row_of_types_is_no_product(read):
    columns, said = read(
        [["title", "price"], ["VARCHAR(255)", "INTEGER"], ["Milk", 1], ["Text", "INTEGER"]]
    )
    assert columns["title"] == ["Milk", "Text"]
    assert "left out the line of types below the header: 'VARCHAR(255), INTEGER'" in said


@pytest.mark.parametrize(
    "text",
    ["_x005F_x0041_", "_x0041_x0042_x0043_", " _x0041_x0042_ &<", "<r>_x0041_</r>", "<r>a\x0b"],
)
def test_written_texts_like_escapes_are_read_back(tmp_path, text):
    (tmp_path / "t.xlsx").write_bytes(sheet_bytes(pa.table({"title": [text, "_x0041_"]})))
    [piece] = iter_tables(str(tmp_path / "t.xlsx"))
    assert piece["title"] == [text, "_x0041_"]


COVER = [["Price list of Example Ltd."], [], ["Please ask for discounts"], ["Page 1 of 3"]]
TABLE = [["title", "path"], ["Milk", "Food > Dairy"], ["Bread", "Food > Bakery"]]


@pytest.mark.parametrize(
    "cover", [COVER, [["Date:", "2026-05-01"], ["Author:", "A. Example"]], [["Draft"]]]
)
@pytest.mark.parametrize("names", [("title",), ()])
def test_a_cover_sheet_is_no_table_and_the_table_that_is_read_is_named(
    cover, names, tmp_path, caplog
):
    path = tmp_path / "t.xlsx"
    _with_sheets(path, {"Cover": cover, "Products": TABLE})
    [piece] = iter_tables(str(path), options=ReadOptions(names=names))
    assert piece["title"] == ["Milk", "Bread"]
    assert "read the sheet 'Products', and not ['Cover']" in caplog.text


def test_the_first_sheet_with_a_table_stays_the_one_that_is_read(tmp_path):
    path = tmp_path / "t.xlsx"
    other = [["sku", "price", "stock"], *([n, n, n] for n in range(50))]
    _with_sheets(path, {"Titles": [["title"], ["Milk"]], "Stock": other})
    [piece] = iter_tables(str(path), options=ReadOptions(names=("title",)))
    assert piece == {"title": ["Milk"]}
    _with_sheets(path, {"Small": TABLE, "Stock": other, "More": [["title"], ["Salt"]]})
    [piece] = iter_tables(str(path), options=ReadOptions())
    assert piece["title"] == ["Milk", "Bread"]


def test_the_sheet_with_the_columns_that_are_read_is_chosen(tmp_path, caplog):
    path = tmp_path / "t.xlsx"
    stock = [["sku", "price", "stock"], [1, 2, 3]]
    _with_sheets(path, {"Stock": stock, "Products": TABLE, "Old": TABLE[:2]}, ["Old"])
    assert prodcat.read_catalog(str(path)).titles == ("Milk", "Bread")
    _with_sheets(path, {"Stock": stock, "Old": TABLE}, ["Old"])
    with pytest.raises(CatalogError, match=r"no column 'title'.*\['price', 'sku', 'stock'\]"):
        prodcat.read_catalog(str(path))


def test_it_is_told_which_row_of_the_sheet_is_the_first_row_of_the_table(read):
    _, said = read([["title"], ["Milk"], ["Bread"]])
    assert "row 1 is" not in said
    _, said = read([["title"], ["Milk"], [None], ["Bread"]])
    assert "row 1 is row 2 of the sheet; empty rows within the table are not counted (1)" in said
    _, said = read([["Stock of May"], [], ["title"], ["Milk"], [], [], ["Bread"]])
    assert "row 1 is row 4 of the sheet; empty rows within the table are not counted (2)" in said
