"""CSV files with notes, empty rows, row numbers, or one column are read as they are meant."""

import contextlib
import csv
import io
import time

import pytest

import prodcat
from prodcat.errors import CatalogError
from prodcat.storage.legacy_encodings import guess_encoding
from prodcat.storage.read_options import ReadOptions
from prodcat.storage.tables import iter_tables

TITLES = ["Milk, 1 l", "Bread", 'Pizza 12"', "Salt"]


@pytest.fixture
def read(tmp_path, caplog):
    """A function that reads a text, and returns its columns, the wrong rows and what was said."""

    def reader(text, names=("title",), batch_rows=8_192):
        path = tmp_path / "t.csv"
        path.write_bytes(text.encode())
        wrong = []
        with caplog.at_level("INFO", "prodcat"):
            pieces = list(
                iter_tables(
                    str(path),
                    batch_rows,
                    options=ReadOptions(names=names),
                    report=lambda *row: wrong.append(row),
                )
            )
        columns = {name: [cell for piece in pieces for cell in piece[name]] for name in pieces[0]}
        return columns, wrong, caplog.text

    return reader


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize(
    "below", ["|||;Total: 60|||", "Toplam|||9.99", "|||;|||;End of the list|||"]
)
@pytest.mark.parametrize("rows", [1, 3])
def test_notes_that_fill_a_row_stand_below_the_table(read, delimiter, below, rows):
    lines = ["sku|title|path|price", *["7|Milk|Food|1.99"] * rows, *below.split(";")]
    text = "\n".join(lines).replace("|", delimiter) + "\n"
    columns, wrong, said = read(text)
    assert columns["title"] == ["Milk"] * rows and not wrong
    assert "left out what stands below the table" in said


def test_rows_that_lack_values_are_no_notes(read):
    body = ["1,Milk,Food", ",,", "2,Bread,", ",,", "3,Salt,Food"]
    columns, wrong, said = read("\n".join(["sku,title,path", *body]) + "\n")
    assert columns["title"] == ["Milk", "", "Bread", "", "Salt"] and not wrong
    assert "left out" not in said


def test_a_product_named_like_a_sum_is_a_row(read):
    columns, _, _ = read("title,path\nTotal 0% yoghurt,\nMilk,\nTotal 5% yoghurt,\n")
    assert columns["title"] == ["Total 0% yoghurt", "Milk", "Total 5% yoghurt"]
    columns, _, _ = read("title,path\nMilk,Food\nTotal,\nBread,Food\n")
    assert columns["title"] == ["Milk", "Total", "Bread"]


@pytest.mark.parametrize("count", [2, 3_000])
def test_empty_rows_at_the_end_are_left_out_and_told(read, count):
    columns, wrong, said = read("title;path\nMilk;Food\n" + ";\n" * count)
    assert columns["title"] == ["Milk"] and not wrong
    assert f"left out {count:,} rows without any value" in said


def test_one_empty_row_may_be_a_product(read):
    columns, _, _ = read("title,path\nMilk,Food\n,\n")
    assert columns["title"] == ["Milk", ""]


@pytest.mark.parametrize("batch_rows", [1, 2, 100])
def test_numbers_of_wrong_rows_count_rows_that_were_held_back(read, batch_rows):
    text = "sku,title,path\n1,Milk,Food\n,,\n2,Bread, 1 l,Food\n3,Salt,Food\n"
    columns, wrong, _ = read(text, batch_rows=batch_rows)
    assert columns["title"] == ["Milk", "", "Bread", "Salt"]
    assert [row for row, _ in wrong] == [2]


def test_a_sentence_below_the_table_may_have_commas(read):
    columns, wrong, _ = read('title,path\n"Milk, 1 l",Food\nBread,Food\n\nPrinted, as of May\n')
    assert columns["title"] == ["Milk, 1 l", "Bread"] and not wrong
    columns, wrong, _ = read("title, path\nMilk, Food\n\nBread, Food\n")
    assert len(next(iter(columns.values()))) == 2 and not wrong


@pytest.mark.parametrize("quote", ['"', ""])
@pytest.mark.parametrize("numbers", [[1, 2, 3], [2, 5, 900]])
@pytest.mark.parametrize("below", ["", "\nTotal: 3\n", "\nMade by R; 2024-05-01\n"])
def test_row_names_of_r_have_a_header_that_is_one_shorter(read, quote, numbers, below):
    rows = [f"{quote}{number}{quote};{quote}Milk{quote};1,99" for number in numbers]
    columns, wrong, _ = read("\n".join([f"{quote}title{quote};price", *rows]) + "\n" + below)
    assert columns["title"] == ["Milk"] * 3 and columns["price"] == ["1,99"] * 3 and not wrong
    assert columns[""] == list(map(str, numbers))


def test_a_price_with_a_comma_is_no_row_name(read):
    columns, wrong, _ = read("sku,title,price\n1,Milk,1,99\n2,Bread,0,99\n")
    assert columns["title"] == ["Milk", "Bread"] and len(wrong) == 2
    _, wrong, _ = read("title,path\n1,5 l Water,Food\n")
    assert len(wrong) == 1


@pytest.mark.parametrize("delimiter", ["\t", ";", "|", ","])
def test_a_file_with_one_column_is_read_whatever_its_delimiter_was(read, delimiter):
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=delimiter, lineterminator="\n")
    writer.writerows([["title"], *([title] for title in [*TITLES, "a;b", "c|d, e", "x\ty"])])
    columns, wrong, _ = read(out.getvalue())
    assert columns == {"title": [*TITLES, "a;b", "c|d, e", "x\ty"]} and not wrong


def test_a_list_of_titles_is_one_column_if_they_have_all_delimiters(read):
    columns, wrong, said = read("title\nMilk, 1 l\na;b\nc|d\te\n")
    assert columns == {"title": ["Milk, 1 l", "a;b", "c|d\te"]} and not wrong
    assert "as one column" in said


def test_fields_for_which_the_header_has_no_name_are_no_list_of_titles(read):
    _, wrong, _ = read("title\nMilk,Food\nBread,Food\n")
    assert len(wrong) == 2


@pytest.mark.parametrize("rows", [2, 5_000])
def test_line_feeds_inside_fields_of_lines_that_end_with_returns_are_kept(read, rows):
    body = "Milk\nfresh;Food\r" * rows
    columns, wrong, _ = read(f"title;path\rBread;Food\r{body}")
    assert columns["title"] == ["Bread", *["Milk\nfresh"] * rows] and not wrong


def test_files_that_were_joined_keep_their_rows_whatever_their_line_ends(read):
    columns, wrong, _ = read("title;path\rMilk;Food\rBread;Food\nSalt;Food\n")
    assert columns["title"] == ["Milk", "Bread", "Salt"] and not wrong


def test_turkish_words_beside_german_ones_are_not_baltic():
    words = [word.encode("cp1254") for word in ("Şeker", "küp", "Brötchen", "Käse")]
    assert guess_encoding(words).encoding in (None, "cp1254")


def test_a_header_in_the_middle_is_a_wrong_row(read):
    columns, wrong, _ = read("title,price\nMilk,1\n title ,price\nBread,2\n")
    assert columns["title"] == ["Milk", " title ", "Bread"]
    assert [row for row, _ in wrong] == [1] and "line 3 repeats the header" in wrong[0][1]
    columns, wrong, _ = read("title\nMilk\ntitle\n")
    assert columns["title"] == ["Milk", "title"] and not wrong


@pytest.mark.parametrize("below", ["As of: 1 May", "2 rows", "Printed by Max|||"])
def test_a_remark_below_the_table_needs_no_empty_line(read, below):
    columns, wrong, said = read("\n".join(["sku|title|path|price", "1|Milk|Food|2", below, ""]))
    assert columns["sku"] == ["1"] and not wrong and "left out what stands below" in said
    columns, wrong, _ = read(f"sku|title|path|price\n{below}\n1|Milk|Food|2\n100234\n")
    assert columns["title"] == ["", "Milk", ""]


def test_more_fields_than_names_in_one_row_are_no_row_names(read):
    columns, wrong, _ = read("sku;title\n1;Milk; fresh\n2;Bread\n3;Salt\n")
    assert columns["title"] == ["Milk", "Bread", "Salt"] and [row for row, _ in wrong] == [0]


@pytest.mark.parametrize(
    "titles", [['"Bio" Milk', "Bread"], ['"Bio Milk', 'Pizza 12"'], ["Bread", '"']]
)
def test_quotes_that_enclose_no_text_are_part_of_it(read, titles):
    body = "".join(f"{row}\t{title}\tFood\n" for row, title in enumerate(titles))
    columns, wrong, said = read(f"sku\ttitle\tpath\n{body}")
    assert columns["title"] == titles and not wrong
    assert "quotes as part of the texts" in said


def test_quotes_that_enclose_a_text_make_an_unclosed_one_a_wrong_row(read):
    columns, wrong, _ = read('sku;title\n1;"Milk"\n2;"Bread" x\n3;Salt\n')
    assert columns["title"] == ["Milk", "", "Salt"] and [row for row, _ in wrong] == [1]


def test_blanks_after_delimiters_belong_to_no_field(read):
    columns, wrong, said = read('sku, title, path\n1, "Milk, 1 l", Food\n2, Bread, Food\n')
    assert columns == {"sku": ["1", "2"], "title": ["Milk, 1 l", "Bread"], "path": ["Food"] * 2}
    assert not wrong and "without the blanks after delimiters" in said


def test_blanks_between_quoted_names_are_delimiters(read):
    columns, wrong, _ = read('"title" "path"\n"1" "Milk, 1 l" "Food > Milk"\n"2" "Bread" "Food"\n')
    assert columns["title"] == ["Milk, 1 l", "Bread"] and not wrong


def test_a_file_without_a_valid_row_is_not_called_empty(read):
    with pytest.raises(CatalogError, match="begins with .*expected a header line"):
        read('"title"x,"path"y\n')
    with pytest.raises(CatalogError, match="is empty"):
        read("")


def test_a_sample_of_line_ends_and_quotes_takes_a_moment(read):
    for text in ("title\n" + "\n" * 60_000, "title\n" + '"' * 60_000, "a " * 30_000 + "\n" * 9):
        began = time.perf_counter()
        with contextlib.suppress(CatalogError):
            read(text)
        assert time.perf_counter() - began < 10


def test_quotes_that_enclose_no_title_are_part_of_it_in_a_list(read):
    titles = ['"Bio" Milk, 1 l', "Bread; dark", "Salt"]
    columns, wrong, _ = read("\n".join(["title", *titles, ""]))
    assert columns == {"title": titles} and not wrong
    columns, wrong, _ = read('title\n"Milk\nfresh"\nBread\n')
    assert columns == {"title": ["Milk\nfresh", "Bread"]} and not wrong


@pytest.mark.parametrize("title", ["Milk\nfresh", "Milk\tfresh", 'Milk\t12"\nfresh'])
@pytest.mark.parametrize("names", ["path\ttitle", "title\tpath\t\t", "\ttitle\tpath\t\t"])
def test_quotes_that_enclose_a_title_are_no_part_of_it(read, title, names):
    quoted = '"' + title.replace('"', '""') + '"'
    row = "\t".join({"title": quoted, "path": "Food"}.get(name, "") for name in names.split("\t"))
    columns, wrong, _ = read(f"{names}\n{row}\n")
    assert columns["title"] == [title] and columns["path"] == ["Food"] and not wrong


def test_one_column_that_may_be_several_is_told_with_the_option(read):
    _, _, said = read("title^price\nMilk^1\n")
    assert "read as one column, 'title^price'" in said and "--delimiter" in said


def test_one_column_with_the_expected_name_is_not_told(read):
    _, _, said = read("title (en)\nMilk\n", names=("title (en)",))
    assert not said


def test_what_is_left_out_is_told_for_each_file(tmp_path, caplog):
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text("name,title,price\nMilk,A,1\nWater,B,2\nSoda,C,3\n\nRice,,\n")
        prodcat.read_catalog(str(tmp_path / name), title="name")
        assert f"{name}': left out what stands below the table: 'Rice'" in caplog.text


def test_files_that_excel_keeps_beside_an_open_workbook_are_no_tables(tmp_path):
    (tmp_path / "a.csv").write_text("title\nMilk\n")
    (tmp_path / "~$a.xlsx").write_bytes(b"\x05Anna")
    assert len(prodcat.read_catalog(str(tmp_path))) == 1


@pytest.mark.parametrize(
    "text",
    ['[{"title": "a"}, {"title": "b"}]\n', '[\n {"title": "a"}\n]\n', '\n{\n "title": "a"\n}\n'],
)
def test_a_json_document_is_named_with_what_to_do(tmp_path, text):
    (tmp_path / "a.jsonl").write_text(text)
    with pytest.raises(CatalogError, match="is one JSON document; expected an object in each line"):
        prodcat.read_catalog(str(tmp_path / "a.jsonl"), path=None)
    (tmp_path / "b.jsonl").write_text('{"title": "a"}\n[1]\n')
    assert len(prodcat.read_catalog(str(tmp_path / "b.jsonl"), on_error="aside", path=None)) == 1
