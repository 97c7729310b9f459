"""Files with trees as people have them: any encoding, and tables without a header."""

import csv
import gzip
import io
import json

import pytest

from prodcat import TaxonomyError, read_taxonomy

LINES = [
    "1 - Gıda",
    "2 - Gıda > Süt Ürünleri",
    "3 - Gıda > Süt Ürünleri > Peynir çeşitleri",
    "4 - Gıda > Ekmek, İçecek ve Şekerleme",
    "5 - Giyim",
    "6 - Giyim > Ayakkabı",
]
TURKISH = "# Google_Product_Taxonomy_Version: 2021-09-21\r\n" + "\r\n".join(LINES) + "\r\n"
LEAF = ("Gıda", "Süt Ürünleri", "Peynir çeşitleri")


@pytest.mark.parametrize(
    "content",
    [
        TURKISH.encode("utf-8"),
        TURKISH.encode("utf-8-sig"),
        TURKISH.encode("utf-16"),
        TURKISH.encode("utf-16-le"),
        b"\xfe\xff" + TURKISH.encode("utf-16-be"),
        TURKISH.encode("cp1254"),
        TURKISH.replace("\r\n", "\r").encode(),
        gzip.compress(TURKISH.encode("utf-16"), mtime=0),
    ],
)
def test_a_list_is_read_in_every_encoding(tmp_path, content):
    file = tmp_path / ("tree.txt.gz" if content[:2] == b"\x1f\x8b" else "tree.txt")
    file.write_bytes(content)
    tree = read_taxonomy(file)
    assert len(tree) == 6 and tree.path(tree.node("3")) == LEAF


def test_json_is_read_in_every_encoding(tmp_path):
    text = json.dumps([{"id": 1, "parent": None, "name": "Süt"}], ensure_ascii=False)
    for encoding in ("utf-8-sig", "utf-16", "utf-16-le"):
        (tmp_path / "tree.json").write_bytes(text.encode(encoding))
        assert read_taxonomy(tmp_path / "tree.json").names == ("Süt",)


def test_an_encoding_that_is_guessed_is_told_and_can_be_named(tmp_path, caplog):
    file = tmp_path / "tree.txt"
    file.write_bytes(TURKISH.encode("cp1254"))
    read_taxonomy(file)
    assert "read as cp1254, which fits its letters best" in caplog.text
    assert read_taxonomy(file, encoding="cp1252").names[0] == "Gýda"
    with pytest.raises(TaxonomyError, match="encoding='klingon' is not known"):
        read_taxonomy(file, encoding="klingon")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("tree.txt", b"Food\nFood > Caf\xc3\xa9\nFood > T\xffa\n"),
        ("tree.csv", b"path\nFood\nFood > Caf\xc3\xa9\nFood > T\xffa\n"),
        ("tree.csv", b"id,parent,name\n1,,Caf\xc3\xa9\n2,1,T\xffa\n"),
    ],
)
def test_bytes_of_another_encoding_are_no_category(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(
        TaxonomyError, match=r"is not valid UTF-8.*T\\udcffa|T\\udcffa.* is not valid"
    ):
        read_taxonomy(tmp_path / name)


GOOGLE = [
    ("1", "Animals & Pet Supplies"),
    ("3237", "Animals & Pet Supplies", "Live Animals"),
    ("2", "Animals & Pet Supplies", "Pet Supplies"),
    ("3", "Animals & Pet Supplies", "Pet Supplies", "Bird, Fish"),
    ("166", "Arts"),
]


def written(rows, delimiter=",", width=0):
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter)
    for row in rows:
        writer.writerow([*row, *[""] * (width - len(row))])
    return out.getvalue()


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("width", [0, 8])
def test_googles_levels_with_ids_need_no_header(tmp_path, caplog, delimiter, width):
    (tmp_path / "taxonomy-with-ids.csv").write_text(written(GOOGLE, delimiter, width))
    tree = read_taxonomy(tmp_path / "taxonomy-with-ids.csv")
    assert {key: tree.path(tree.node(key)) for key, *_ in GOOGLE} == {
        key: tuple(path) for key, *path in GOOGLE
    }
    assert "has no header: its columns are read as an id and the path" in caplog.text


def test_googles_workbook_needs_no_header(tmp_path):
    from openpyxl import Workbook

    book = Workbook()
    for key, *path in GOOGLE:
        book.active.append([int(key), *path])
    book.save(tmp_path / "taxonomy-with-ids.xlsx")
    tree = read_taxonomy(tmp_path / "taxonomy-with-ids.xlsx")
    assert tree.path(tree.node("3")) == GOOGLE[3][1:]
    assert len(tree) == 5


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        (written([row[1:] for row in GOOGLE], width=7), {row[1:] for row in GOOGLE}),
        ("1,Food\n2,Food > Milk\n", {("Food",), ("Food", "Milk")}),
        (
            "Food > Milk\nFood > Bread, Rolls\n",
            {("Food",), ("Food", "Milk"), ("Food", "Bread, Rolls")},
        ),
        ("# Version 1\nFood\nFood > Milk\n", {("Food",), ("Food", "Milk")}),
    ],
)
def test_other_lists_need_no_header(tmp_path, text, paths):
    (tmp_path / "tree.csv").write_text(text)
    assert set(read_taxonomy(tmp_path / "tree.csv").paths) == paths


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ("path\nFood\nFood > Milk\n", {("Food",), ("Food", "Milk")}),
        ("level 1,level 2\nFood,\nFood,Milk\n", {("Food",), ("Food", "Milk")}),
        ("Full Name\nFood > Milk\n", {("Food",), ("Food", "Milk")}),
        ("Category ID;Parent ID;Name\n01;;Food\n011;01;Milk\n", {("Food",), ("Food", "Milk")}),
    ],
)
def test_a_header_is_no_category(tmp_path, text, paths):
    (tmp_path / "tree.csv").write_text(text)
    assert set(read_taxonomy(tmp_path / "tree.csv").paths) == paths


def test_ids_beside_levels_are_those_of_the_categories(tmp_path, caplog):
    (tmp_path / "tree.csv").write_text("id,level1,level2\n01,Food,\n012,Food,Milk\n")
    assert read_taxonomy(tmp_path / "tree.csv").ids == ("01", "012")
    (tmp_path / "tree.csv").write_text("id,level1,level2\n7,Food,Milk\n8,Food,Milk\n")
    assert read_taxonomy(tmp_path / "tree.csv").ids == ("Food", "Food > Milk")
    assert "the column 'id' is not read, as it has not one id for each category" in caplog.text
    with pytest.raises(TaxonomyError, match="row 2: 'Food > Milk' has the ids '7' and '8'"):
        read_taxonomy(tmp_path / "tree.csv", id="id")


def test_a_table_that_is_named_txt_is_a_table(tmp_path):
    (tmp_path / "tree.txt").write_text("id\tparent\tname\n1\t\tFood\n2\t1\tMilk\n")
    assert read_taxonomy(tmp_path / "tree.txt").paths == (("Food",), ("Food", "Milk"))


@pytest.mark.parametrize(
    "text",
    ["Food\n\tMilk\n\t\tOat\n\tBread\nHome\n", "- Food\n  - Milk\n    - Oat\n  - Bread\n- Home\n"],
)
def test_an_indented_list_is_a_tree(tmp_path, text):
    (tmp_path / "tree.txt").write_text(text)
    assert set(read_taxonomy(tmp_path / "tree.txt").paths) == {
        ("Food",),
        ("Food", "Milk"),
        ("Food", "Milk", "Oat"),
        ("Food", "Bread"),
        ("Home",),
    }


def test_an_id_may_stand_before_a_tab(tmp_path):
    (tmp_path / "tree.txt").write_text("007\tFood\n0071\tFood > Milk\n")
    tree = read_taxonomy(tmp_path / "tree.txt")
    assert tree.ids == ("007", "0071") and tree.paths[1] == ("Food", "Milk")


def test_an_outline_in_the_columns_of_levels_is_filled_down(tmp_path, caplog):
    (tmp_path / "tree.csv").write_text("Level 1;Level 2;Level 3\nFood;;\n;Milk;\n;;Oat\n;Tea;\n")
    tree = read_taxonomy(tmp_path / "tree.csv")
    assert tree.paths == (("Food",), ("Food", "Milk"), ("Food", "Tea"), ("Food", "Milk", "Oat"))
    assert len(tree.outcomes) == 2
    assert "the first levels are empty in 3 rows; read as those of the row above" in caplog.text
    (tmp_path / "tree.csv").write_text("Level 1;Level 2;Level 3\nFood;;Oat\n")
    with pytest.raises(TaxonomyError, match=r"row 1: \['Food', '', 'Oat'\] has an empty name"):
        read_taxonomy(tmp_path / "tree.csv")


def test_the_name_of_a_column_above_a_list_is_told(tmp_path, caplog):
    (tmp_path / "tree.txt").write_text("Category\nFood\nFood > Milk\n")
    assert read_taxonomy(tmp_path / "tree.txt").names == ("Food", "Milk")
    assert "The first line, 'Category', is read as a header" in caplog.text
    (tmp_path / "tree.txt").write_text("Category\nCategory > Milk\n")
    assert read_taxonomy(tmp_path / "tree.txt").names == ("Category", "Milk")


def test_another_separator_is_told(tmp_path, caplog):
    (tmp_path / "tree.txt").write_text("Food/Milk\nFood/Tea\n")
    assert read_taxonomy(tmp_path / "tree.txt").depth == 1
    assert "'/' stands in nearly all names, such as 'Food/Milk'. If it divides" in caplog.text
    assert read_taxonomy(tmp_path / "tree.txt", separator="/").depth == 2


@pytest.mark.parametrize(
    ("header", "rows"),
    [
        ("NODEID;PARENTID;TLEVEL;TEXT", "001;;1;Food\n002;001;2;Milk"),
        ("Code;Parent Code;Description", "001;00;Food\n002;001;Milk"),
        ("term_id;name;slug;parent", "001;Food;food;0\n002;Milk;milk;001"),
        ("entity_id;parent_id;path;level;name", "001;0;001;1;Food\n002;001;001/002;2;Milk"),
    ],
)
def test_the_columns_of_shops_are_known(tmp_path, header, rows):
    (tmp_path / "tree.csv").write_text(f"{header}\n{rows}\n")
    tree = read_taxonomy(tmp_path / "tree.csv")
    assert (tree.ids, tree.paths) == (("001", "002"), (("Food",), ("Food", "Milk")))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "version https://git-lfs.github.com/spec/v1\noid sha256:a\n",
            "'.*' is a pointer to a file",
        ),
        ("<!DOCTYPE html>\n<html></html>", "'.*' is a web page"),
        ("%PDF-1.7\n", "'.*' is a PDF"),
        ("", "The file has no categories"),
    ],
)
def test_other_files_are_named(tmp_path, text, message):
    (tmp_path / "tree.txt").write_text(text)
    with pytest.raises(TaxonomyError, match=message):
        read_taxonomy(tmp_path / "tree.txt")


@pytest.mark.parametrize("name", ["tree.txt", "tree.csv", "tree.json", "tree.yml", "tree.xlsx"])
def test_a_file_that_is_not_there_is_named_as_it_was_given(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(TaxonomyError, match=f"'{name}'") as error:
        read_taxonomy(name)
    assert str(tmp_path) not in str(error.value)


def test_a_list_with_some_ids_is_refused_by_line(tmp_path):
    (tmp_path / "tree.txt").write_text("# v\n1 - Food\n2 - Food > Milk\nFood > Bread\n")
    with pytest.raises(TaxonomyError, match="1 lines have no id, .* line 4: 'Food > Bread'"):
        read_taxonomy(tmp_path / "tree.txt")


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ('["Food", "Milk"', "row 2: .* is no complete list of names"),
        ('[["Food", "Milk"]]', "row 2: .* is no complete list of names"),
        ([["Food", "Milk"]], "row 2: found a list inside a list of names"),
        ({"Food": "Milk"}, "row 2: expected a path, got an object"),
    ],
)
def test_a_path_that_is_broken_is_refused_by_row(tmp_path, cell, message):
    rows = [{"path": "Food"}, {"path": cell}]
    (tmp_path / "tree.jsonl").write_text("\n".join(map(json.dumps, rows)))
    with pytest.raises(TaxonomyError, match=message):
        read_taxonomy(tmp_path / "tree.jsonl")
    if isinstance(cell, str):
        (tmp_path / "tree.txt").write_text(f"Food\n{cell}\n")
        with pytest.raises(TaxonomyError, match="Line 2: .* is no complete list of names"):
            read_taxonomy(tmp_path / "tree.txt")


def test_a_path_of_numbers_is_read_from_every_table(tmp_path):
    (tmp_path / "tree.jsonl").write_text('{"path": 10}\n{"path": [10, 11]}\n')
    assert read_taxonomy(tmp_path / "tree.jsonl").paths == (("10",), ("10", "11"))


def test_a_blank_separator_is_refused(tmp_path):
    (tmp_path / "tree.txt").write_text("Food\n")
    with pytest.raises(TaxonomyError, match="separator=' ' is blank; expected a text such as '>'"):
        read_taxonomy(tmp_path / "tree.txt", separator=" ")
