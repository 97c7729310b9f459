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
    _, _, said = read("title::price\nMilk::1\n")
    assert "read as one column, 'title::price'" in said and "--delimiter" in said


def test_one_column_with_the_expected_name_is_not_told(read):
    _, _, said = read("title (en)\nMilk\n", names=("title (en)",))
    assert not said


def test_what_is_left_out_is_told_for_each_file(tmp_path, caplog):
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text("name,title,price\nMilk,A,1\nWater,B,2\n\n3 rows,,\n")
        prodcat.read_catalog(str(tmp_path / name), title="name")
        assert f"{name}': left out what stands below the table: '3 rows'" in caplog.text


def test_files_that_excel_keeps_beside_an_open_workbook_are_no_tables(tmp_path):
    (tmp_path / "a.csv").write_text("title\nMilk\n")
    (tmp_path / "~$a.xlsx").write_bytes(b"\x05Anna")
    assert len(prodcat.read_catalog(str(tmp_path))) == 1


@pytest.mark.parametrize("body", [["Rice,,,"], [",Rice,,"], ["Rice,,,", "Brown bread,,,"]])
@pytest.mark.parametrize("names", [("title",), ("title", "path"), ("brand",), ()])
def test_rows_with_one_value_after_an_empty_line_are_rows(read, body, names):
    """Some of them may be footers only if the columns that are read are empty."""
    rows = ["Milk,A,1,x", "Salt,B,2,x"]
    header = "title,brand,price,path" if body[0][0] != "," else "brand,title,price,path"
    columns, wrong, said = read("\n".join([header, *rows, "", *body, ""]), names)
    values = [cell for row in zip(*columns.values(), strict=True) for cell in row]
    is_remark = names == ("brand",) and body[0][0] != ","
    for cell in [part for line in body for part in line.split(",") if part]:
        assert (cell in values) != (is_remark and cell in said)
    assert not wrong


@pytest.mark.parametrize("words", ["Rice", "Brown bread", "Whole milk 1 l", "Total War: Rome"])
@pytest.mark.parametrize("columns", ["title,path", "title,path,price"])
def test_a_title_alone_after_an_empty_line_is_no_footer(read, words, columns):
    """A short row is a wrong row, which is reported, and never left out."""
    filled = ",".join(["Milk", *["a"] * columns.count(",")])
    read_columns, wrong, said = read(f"{columns}\n{filled}\n\n{words}\n", ("title", "path"))
    assert read_columns["title"] == ["Milk", words] and [row for row, _ in wrong] == [1]
    assert "If it is no row of the table, remove the line" in wrong[0][1]
    assert "below the table" not in said


@pytest.mark.parametrize(
    "note",
    ["Printed by Max", "Ende der Liste", "12 rows", "Seite 1", "Quelle: Shop", "Liste sonu",
     "All prices include the value added tax.", "© 2024 Shop", "Erstellt am 1.5.2024"],
)  # fmt: skip
@pytest.mark.parametrize("end", ["", ",,"])
def test_notes_in_the_column_of_titles_stand_below_the_table(read, note, end):
    columns, wrong, said = read(f"title,path,price\nMilk,Food,1\n\n{note}{end}\n")
    assert columns["title"] == ["Milk"] and not wrong and f"below the table: '{note[:20]}" in said


def test_a_sentence_that_may_be_a_row_is_a_wrong_row(read):
    columns, wrong, _ = read("title,path\nMilk,Food\n\nBread, Food\n")
    assert len(columns["title"]) == 2 and "may be a row or a note" in wrong[0][1]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("are_all", [True, False])
def test_lines_that_are_enclosed_in_quotes_as_a_whole_are_read(read, delimiter, are_all):
    rows = [["sku", "title", "path"], ["1", f"Milk{delimiter} 1 l", "Food"], ["2", '12" pan', "x"]]
    rows += [["3", "Salt\nfine", "Food"], ["4", "Bread", "Food"]]
    lines = []
    for row in rows:
        out = io.StringIO(newline="")
        csv.writer(out, delimiter=delimiter).writerow(row)
        lines.append(out.getvalue().removesuffix("\r\n"))
    text = "".join(
        '"' + line.replace('"', '""') + '"\n' if are_all or '"' in line else f"{line}\n"
        for line in lines
    )
    columns, wrong, said = read(text)
    assert [list(row) for row in zip(*columns.values(), strict=True)] == rows[1:] and not wrong
    assert "without the quotes around whole lines" in said


def test_quoted_titles_with_commas_are_no_whole_lines(read):
    for header in ("title", '"title"', '"title, de"'):
        columns, wrong, _ = read(
            f'{header}\n"Milk, fresh"\n"Bread, dark"\n', ("title", "title, de")
        )
        assert list(columns.values()) == [["Milk, fresh", "Bread, dark"]] and not wrong


@pytest.mark.parametrize("delimiter", "^~¦§#\x01")
@pytest.mark.parametrize("names", [("title",), ()])
def test_a_rare_delimiter_is_recognised_beside_decimal_commas(read, delimiter, names):
    body = "".join(f"{n}|Milk|1,{n}9\n" for n in range(3))
    columns, wrong, _ = read(f"sku|title|price\n{body}".replace("|", delimiter), names)
    assert columns["price"] == ["1,09", "1,19", "1,29"] and columns["title"] == ["Milk"] * 3
    assert not wrong


def test_columns_of_one_name_or_none_that_nobody_reads_are_kept_and_told(read):
    columns, wrong, said = read("title,price,price,,\nMilk,1,2,3,4\n")
    assert {name: cells[0] for name, cells in columns.items()} == {
        "title": "Milk", "price": "1", "price (2)": "2", "column 4": "3", "column 5": "4"
    }  # fmt: skip
    assert not wrong and "column 3 ('price') as 'price (2)'" in said
    with pytest.raises(CatalogError, match="two columns named 'title'"):
        read("title,title\nMilk,Bread\n")


@pytest.mark.parametrize(
    "text",
    [
        "-----\n|sku|title |path|\n-----\n|1  |Milk  |Food|\n|2  |Bread |Food|\n-----\n",
        "| sku | title | path |\n|-----|:-----:|-----:|\n| 1 | Milk | Food |\n| 2 | Bread | Food |\n",
        "+---+----+\n| sku | title | path |\n+---+----+\n| 1 | Milk | Food |\n| 2 | Bread | Food |\n",
        " sku | title | path \n-----+-------+-----\n 1 | Milk | Food\n 2 | Bread | Food\n(2 rows)\n\n",
        "sku;title;path\n---;-----;----\n1;Milk;Food\n2;Bread;Food\n",
        "sku\ttitle\tpath\n====\t====\t====\n1\tMilk\tFood\n2\tBread\tFood\n",
    ],
)
def test_lines_that_are_drawn_between_rows_are_no_rows(read, text):
    columns, wrong, said = read(text)
    assert [title.strip() for title in columns["title"]] == ["Milk", "Bread"] and not wrong
    assert "drawn with dashes" in said


def test_dashes_for_missing_values_are_values(read):
    columns, wrong, said = read("sku,title,path\n-,-,-\n1,--- Sale ---,-\n2,A---B,-\n")
    assert columns["title"] == ["-", "--- Sale ---", "A---B"] and not wrong and not said


@pytest.mark.parametrize("first", ["title", '"title"'])
def test_a_header_in_the_middle_may_have_a_mark(read, first):
    text = f"{first},path\nMilk,Food\n\ufeff{first},path\nBread,Food\n"
    columns, wrong, _ = read(text)
    assert [row for row, _ in wrong] == [1] and "repeats the header" in wrong[0][1]
    assert columns["title"][::2] == ["Milk", "Bread"]


def test_the_end_of_a_file_of_dos_is_no_row(read):
    for header, row in (("title,path", "Milk,Food"), ("title", "Milk")):
        columns, wrong, _ = read(f"{header}\r\n{row}\r\n\x1a")
        assert columns["title"] == ["Milk"] and not wrong


@pytest.mark.parametrize("names", [("title",), ("title", "path"), ()])
@pytest.mark.parametrize("row", ["Total,Oil 5W-40,,", "Total,Oil,Car", "Suma,Oil,,9"])
@pytest.mark.parametrize("blank", ["", "\n"])
def test_a_brand_that_is_named_like_a_sum_is_no_sum(read, names, row, blank):
    text = f"brand,title,path,price\nShell,Oil,Car,9\n{blank}{row}\n"
    columns, wrong, said = read(text, names)
    assert columns["brand"] == ["Shell", row.partition(",")[0]] and "below" not in said
    assert bool(wrong) == (row.count(",") < 3)


def test_whole_lines_in_quotes_may_be_followed_by_delimiters(read):
    text = '"sku,title,path",,\n"1,Milk,Food",,\n"2,""Bread, dark"",Food",,\n3,Salt,Food\n'
    columns, wrong, _ = read(text)
    assert columns["title"] == ["Milk", "Bread, dark", "Salt"] and not wrong


@pytest.mark.parametrize("number", ["4,00638E+12", "4.00638E+12", "8.69E+10"])
@pytest.mark.parametrize("row", ["{};Milk;Food", "1;Milk;{}", '1;"{}";Food'])
def test_ids_that_excel_has_shortened_are_told(read, number, row):
    columns, _, said = read(f"ean;title;path\n1;Salt;Food\n{row.format(number)}\n")
    assert number in [cells[1] for cells in columns.values()]
    assert f"line 3 has the number {number}" in said and "Format the column as text" in said


@pytest.mark.parametrize(
    "text", ["Canon 1.5E+05", "1E+10", "4.5E+3", "4.00638E-12", "4006381333931"]
)
def test_other_numbers_and_titles_are_not_told(read, text):
    _, _, said = read(f"ean,title,path\n1,{text},Food\n{text},Salt,Food\n")
    assert not said
