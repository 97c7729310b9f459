"""Backslashes, quotes, blanks and types in CSV files, as programs other than Python write them."""

import pytest

import prodcat
from prodcat import CatalogError


def read(folder, text, name="r.csv", **keywords):
    (folder / name).write_bytes(text.encode() if isinstance(text, str) else text)
    return prodcat.read_catalog(str(folder / name), **keywords)


@pytest.mark.parametrize(
    ("text", "titles"),
    [
        (
            '"title","path"\n"TV 32\\" LED","F"\n"C:\\temp A\\B","F"\n',
            ['TV 32" LED', "C:\\temp A\\B"],
        ),
        ('"title","path"\n"TV 32\\" LED","F"\n"\\\\srv\\x","F"\n', ['TV 32" LED', "\\\\srv\\x"]),
        ('"title","path"\n"TV 32\\" LED","F"\n"a\\\\b","F"\n', ['TV 32" LED', "a\\b"]),
        ('"title","path"\n"TV 32\\" LED","F"\n"x\\, y\\N","F"\n', ['TV 32" LED', "x\\, y\\N"]),
        ("title,path\nMilk\\, 1 l,F\nC:\\temp,F\n", ["Milk, 1 l", "C:\\temp"]),
        ('title,path\n"TV 32\\" LED",F\n"a\\\nb",F\n', ['TV 32" LED', "a\nb"]),
    ],
)
def test_a_backslash_that_escapes_nothing_is_kept(tmp_path, text, titles):
    assert list(read(tmp_path, text).titles) == titles
    if "\\, 1" not in text and "\\, y" not in text:
        assert list(read(tmp_path, text.replace(",", "\t"), "r.tsv").titles) == titles


@pytest.mark.parametrize("quote", ["'", "`"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_other_quotes_around_fields_are_recognised_and_told(tmp_path, caplog, quote, delimiter):
    rows = [["title", "path"], [f"Milk{delimiter} 1 l", "F > X"], [f"a{quote * 2}s", "F > Y"]]
    text = "".join(delimiter.join(f"{quote}{c}{quote}" for c in row) + "\n" for row in rows)
    with caplog.at_level("INFO", "prodcat"):
        catalog = read(tmp_path, text)
    assert catalog.titles == (f"Milk{delimiter} 1 l", f"a{quote}s")
    assert catalog.paths[0] == ("F", "X") or str(catalog.paths[0]) == "F > X"
    assert f"without the quotes {quote} around fields" in caplog.text


@pytest.mark.parametrize(
    "text",
    [
        "title,path\n'a','F > X'\n'b','F > Y'\n",
        "title,path,price\n'a','F > X',1\n'b','F > Y',2\n",
        "'title','path'\na,F > X\nb,F > Y\n",
    ],
)
def test_other_quotes_around_header_or_rows_only(tmp_path, text):
    assert read(tmp_path, text).titles == ("a", "b")


def test_quotes_that_cannot_be_told_from_apostrophes_are_kept_and_told(tmp_path, caplog):
    text = "title,path\n'L'Oreal','F'\n'b','F'\n"
    assert read(tmp_path, text).titles == ("'L'Oreal'", "'b'")
    assert "the quotes ' around fields are read as part of the texts" in caplog.text


def test_an_apostrophe_is_no_quote(tmp_path, caplog):
    text = "title,path\n's-Gravenhage cheese,F\n'90s poster,F\n'Rock' CD,F\n"
    assert read(tmp_path, text).titles == ("'s-Gravenhage cheese", "'90s poster", "'Rock' CD")
    assert not caplog.text


@pytest.mark.parametrize("end", [" ", "  "])
def test_blanks_after_a_quote_are_left_out_and_told(tmp_path, caplog, end):
    text = f'"title"{end}, "path"{end}\n"a ""b"" , c"{end}, "F"{end}\n"d\n e" , "G"\n'
    with caplog.at_level("INFO", "prodcat"):
        assert read(tmp_path, text).titles == ('a "b" , c', "d\n e")
    assert "without the blanks before delimiters" in caplog.text


@pytest.mark.parametrize(
    "types", ["Text,Text,EUR", "VARCHAR(255),VARCHAR(255),INTEGER", "string,text,decimal(10,2)"]
)
def test_a_row_of_types_is_no_product(tmp_path, caplog, types):
    if "(10,2)" in types:
        types = types.replace("decimal(10,2)", '"decimal(10,2)"')
    with caplog.at_level("WARNING", "prodcat"):
        catalog = read(tmp_path, f"title,path,price\n{types}\nMilk,F,1\nTea,F,2\n")
    assert catalog.titles == ("Milk", "Tea")
    assert "left out the line of types below the header" in caplog.text


@pytest.mark.parametrize("row", ["Date,Fruit,1", "Text,F,EUR", "Date,Date,1.5"])
def test_a_product_with_the_name_of_a_type_stays(tmp_path, row):
    catalog = read(tmp_path, f"title,path,price\n{row}\nMilk,F,1\nText,Text,EUR\n")
    assert catalog.titles == (row.partition(",")[0], "Milk", "Text")


def test_a_line_feed_in_a_file_of_carriage_returns_is_no_other_character(tmp_path):
    texts = ["a\ufdd0b", "a\nb", "\ufdd0\ufdd1", "\ufdd0\ufdd2\nc"]
    text = "title,path\r" + "".join(f"{title},F\r" for title in texts)
    assert read(tmp_path, text).titles == tuple(texts)


def test_an_unclosed_quote_is_still_a_wrong_row(tmp_path):
    with pytest.raises(CatalogError, match="is not valid CSV"):
        read(tmp_path, 'title,path\n"a"b , c,F\nMilk,F\nTea,F\n')
