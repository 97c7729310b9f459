"""Files with any delimiter, encoding and line end are read as they were meant, or refused."""

import csv
import datetime
import io
import itertools

import pyarrow as pa
import pytest
from example_counts import example_count
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import prodcat
from prodcat.errors import CatalogError
from prodcat.storage.legacy_encodings import guess_encoding
from prodcat.storage.read_options import ReadOptions
from prodcat.storage.spreadsheets import sheet_bytes
from prodcat.storage.tables import iter_tables

TURKISH = ["Süt, 1 l; yağlı", 'Şeker "küp"', "Çikolata\n2'li", "Sarı peynir", "Bisküvi 1,99"]
GERMAN = ["Müsli, süß; groß", 'Brötchen "Kaiser"', "Käse\nGouda", "Öl", "Weißbrot 1,99"]


def _read(path, **options):
    wrong = []
    pieces = list(
        iter_tables(
            str(path), options=ReadOptions(**options), report=lambda *row: wrong.append(row)
        )
    )
    names = list(pieces[0])
    return {name: [cell for piece in pieces for cell in piece[name]] for name in names}, wrong


def _written(titles, delimiter, line_end, **more):
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=delimiter, lineterminator=line_end, **more)
    writer.writerows(
        [["sku", "title", "price"], *([str(n), t, "1,99"] for n, t in enumerate(titles))]
    )
    return out.getvalue()


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize(
    ("titles", "encoding"),
    [
        *itertools.product([TURKISH], ["utf-8", "cp1254", "iso8859-9"]),
        *itertools.product([GERMAN], ["utf-8-sig", "cp1252", "utf-16", "utf-16-le", "utf-32"]),
    ],
)
def test_every_dialect_is_recognised(tmp_path, titles, encoding, delimiter, line_end):
    path = tmp_path / "t.csv"
    path.write_bytes(
        _written(titles, delimiter, line_end, quoting=csv.QUOTE_NONNUMERIC).encode(encoding)
    )
    columns, wrong = _read(path)
    assert columns["title"] == titles and columns["price"] == ["1,99"] * 5 and not wrong


@settings(
    max_examples=example_count(150),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    titles=st.lists(st.sampled_from([*TURKISH, *GERMAN, "Milk", "a\\b", '"', "x|y"]), min_size=1),
    delimiter=st.sampled_from(",;\t|"),
    encoding=st.sampled_from(["utf-8", "cp1254", "utf-16", "utf-8-sig"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    doubled=st.booleans(),
)
def test_what_is_written_is_read_or_refused(
    tmp_path, titles, delimiter, encoding, quoting, doubled
):
    more = {"quoting": quoting}
    if not doubled:
        more |= {"doublequote": False, "escapechar": "\\"}
    path = tmp_path / "t.csv"
    path.write_bytes(_written(titles, delimiter, "\n", **more).encode(encoding))
    try:
        columns, wrong = _read(path, names=("title",))
    except CatalogError:
        return
    bad = {row for row, _ in wrong}
    is_read = columns.get("title") == titles
    faulty = any("\udc80" <= c <= "\udcff" for title in columns["title"] for c in title)
    escaped = not doubled and any("\\" in title for title in titles)
    assert is_read or bad or faulty or escaped


def test_an_escaped_quote_may_end_a_field(tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes(b'title,path\n"Monitor 27\\"",Food\n"Milk",""\n')
    columns, wrong = _read(path)
    assert columns == {"title": ['Monitor 27"', "Milk"], "path": ["Food", ""]} and not wrong
    path.write_bytes(b'title,path\n"Monitor 27"" \\","Food"\n"""M""","Food"\n')
    assert _read(path)[0]["title"] == ['Monitor 27" \\', '"M"']


@pytest.mark.parametrize("text", ["\\\\", "C:\\\\", "a\\\\b\\\\", "\\", "\\\\\\\\", "a\\"])
@pytest.mark.parametrize("delimiter", [",", ";"])
def test_backslashes_at_the_end_of_a_field_escape_nothing(tmp_path, text, delimiter):
    """Two backslashes before the quote that closes a field are both of its text."""
    path = tmp_path / "t.csv"
    for titles in ([text], ["Milk", text, "Bread"]):
        path.write_text(_written(titles, delimiter, "\n", quoting=csv.QUOTE_ALL))
        assert _read(path)[0]["title"] == titles
    escaped = [text, 'Monitor 27"', "Milk"]  # a quote that is escaped tells what the others are
    path.write_text(_written(escaped, delimiter, "\n", doublequote=False, escapechar="\\",
                             quoting=csv.QUOTE_ALL))  # fmt: skip
    assert _read(path)[0]["title"] == escaped


def test_lines_around_the_table_and_empty_columns_are_left_out_and_told(tmp_path, caplog):
    path = tmp_path / "t.csv"
    path.write_bytes(
        b"Price list 2024;;\n\n sku ; title;path;;\n1;Milk;Food;;\n2;Bread;Food;;\n\nTotal;2\n"
    )
    with caplog.at_level("INFO", "prodcat"):
        columns, wrong = _read(path)
    assert columns == {"sku": ["1", "2"], "title": ["Milk", "Bread"], "path": ["Food", "Food"]}
    assert not wrong
    for words in ("'Price list 2024'", "'Total 2'", "';' between the fields", "--delimiter"):
        assert words in caplog.text


def test_wrong_rows_follow_on_error(tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes(
        b'title,path\nMilk,Food\nMilk, 1 l,Food\n"a"b,Food\n"open,Food\nBread,Food\nRice,Food\n'
    )
    with pytest.raises(CatalogError, match=r"row cannot be read: 3 .*line 3: found 3 fields"):
        prodcat.read_catalog(str(path))
    catalog = prodcat.read_catalog(str(path), on_error="aside")
    assert catalog.titles == ("Milk", "Bread", "Rice")
    assert {problem.row for problem in catalog.report.problems} == {1, 2, 3}
    assert "line 4 is not valid CSV" in str(catalog.report)


def test_a_wrong_line_of_json_follows_on_error(tmp_path):
    path = tmp_path / "t.jsonl"
    path.write_bytes(b'{"title": "a"}\nnope\n[1]\n{"title": "b"}\n')
    catalog = prodcat.read_catalog(str(path), path=None, on_error="aside")
    assert catalog.titles == ("a", "b") and catalog.report.rows_read == 4


def test_delimiter_and_encoding_can_be_set(tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes("title#path\nsarı#Food\n".encode("cp1254"))
    catalog = prodcat.read_catalog(str(path), delimiter="#", encoding="cp1254")
    assert catalog.titles == ("sarı",)
    with pytest.raises(CatalogError, match="expected a name such as 'utf-8'"):
        prodcat.read_catalog(str(path), encoding="latin-77")
    with pytest.raises(CatalogError, match="expected one character"):
        prodcat.read_catalog(str(path), delimiter=";;")
    with pytest.raises(CatalogError, match="cannot be read as utf-16|no column"):
        prodcat.read_catalog(str(path), encoding="utf-16")


def test_letters_that_fit_several_encodings_are_not_guessed():
    guess = guess_encoding(["crème".encode("cp1252")])
    assert guess.encoding is None and {"cp1250", "cp1252"} <= set(guess.others)


def test_a_workbook_is_read_with_its_types(tmp_path, caplog):
    table = pa.table(
        {
            "ean": pa.array([4006381333931, 8690504055013]),
            "code": ["00123", "=1+1"],
            "title": ["Süt", "http://milk"],
            "day": pa.array([datetime.date(2024, 5, 1), None]),
        }
    )
    path = tmp_path / "t.xlsx"
    path.write_bytes(sheet_bytes(table))
    columns, _ = _read(path)
    assert columns == table.to_pydict()
    with pytest.raises(CatalogError, match="has no sheet 'prices'; found"):
        _read(path, sheet="prices")
