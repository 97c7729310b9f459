"""Charsets, dialects and fields of bodies, as they are parsed for the server and for SageMaker."""

import codecs
import csv
import gzip
import io
import json
import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prodcat.serving.bodies import read_body
from prodcat.serving.charsets import CHARSETS
from prodcat.serving.content_types import parameters_of, without_charset
from prodcat.serving.field_names import unread_header
from prodcat.serving.refusal import Refusal
from prodcat.serving.settings import Limits

LIMITS = Limits()
TURKISH = "Şekerli çörek, ığüö"


def read(body, kind="text/csv", known=("brand",)):
    return read_body(body if isinstance(body, bytes) else body.encode(), kind, known, LIMITS)


def refusal(body, kind="text/csv", known=("brand",)):
    with pytest.raises(Refusal) as caught:
        read(body, kind, known)
    return caught.value.status, caught.value.reason


@pytest.mark.parametrize(
    ("charset", "codec"),
    [
        ("utf-8", "utf-8"), ("UTF8", "utf-8"), ('"utf-8"', "utf-8-sig"), ("utf-16", "utf-16"),
        ("UTF-16LE", "utf-16-le"), ("utf-16be", "utf-16-be"), ("utf-16", "utf-16-be"),
        ("utf-16", "utf-16-le"), ("utf-32", "utf-32"), ("windows-1254", "cp1254"),
        ("cp1254", "cp1254"), ("iso-8859-9", "iso8859-9"), ("latin5", "iso8859-9"),
    ],
)  # fmt: skip
def test_a_charset_is_honoured(charset, codec):
    table = f'sku,title\n1,"{TURKISH}"\n'
    for text, kind in [(f'"{TURKISH}"\n', "text/csv"), (table, "text/csv; header=present")]:
        query = read(text.encode(codec), f"{kind}; charset={charset}")
        assert query.columns["title"] == [TURKISH]


@pytest.mark.parametrize(
    ("charset", "text"),
    [
        ("windows-1250", "żółć"), ("windows-1252", "naïve €"), ("iso-8859-1", "Käse"),
        ("iso-8859-2", "żółć"), ("iso-8859-15", "Käse €"), ("windows-1253", "γάλα"),
        ("windows-1251", "молоко"), ("koi8-r", "молоко"), ("us-ascii", "milk"),
    ],
)  # fmt: skip
def test_the_encodings_of_files_are_charsets(charset, text):
    assert charset in CHARSETS
    assert read(text.encode(charset), f"text/csv; charset={charset}").columns["title"] == [text]


def test_every_charset_in_the_message_is_supported():
    assert len(CHARSETS) == len(set(CHARSETS)) > 20
    for charset in CHARSETS:
        assert codecs.lookup(charset)
        assert read("a".encode(charset), f"text/csv; charset={charset}").columns["title"] == ["a"]


@pytest.mark.parametrize(
    "charset", ["klingon", "utf-7", "idna", "hex", "shift_jis", '""', "", "../x"]
)
def test_other_charsets_are_refused_with_those_that_are_supported(charset):
    status, reason = refusal("a", f"text/csv; charset={charset}")
    assert status == 415 and "windows-1254" in reason and "utf-16" in reason


def test_what_does_not_fit_its_charset_is_refused():
    assert refusal("Süt".encode("cp1254"))[0] == 400
    assert "charset=" in refusal("Süt".encode("cp1254"))[1]
    assert refusal("Süt".encode(), "text/csv; charset=us-ascii")[0] == 400
    assert refusal(b"\x81", "text/csv; charset=windows-1252")[0] == 400
    assert refusal(b"\x00\xd8a\x00", "text/csv; charset=utf-16le")[0] == 400  # half a character
    assert refusal("Süt".encode("utf-16-le") + b"x", "text/csv; charset=utf-16le")[0] == 400
    assert "two values" in refusal("a", "text/csv; charset=utf-8; charset=cp1254")[1]


@pytest.mark.parametrize(
    ("body", "charset", "advice"),
    [
        ("Süt".encode("cp1254"), "", "Name its encoding in the header, such as Content-Type: text"),
        ("Süt".encode("cp1254"), "utf-8", "not valid utf-8: .* Correct charset=utf-8 in the head"),
        ("Süt".encode("cp1254"), "us-ascii", "Correct charset=us-ascii in the header"),
        (b"\x81milk", "windows-1252", "not valid windows-1252.* Correct charset=windows-1252"),
        ("Süt 1 l\n".encode("utf-16-le"), "", "If it is UTF-16, name it .*charset=utf-16le"),
        ("Süt 1 l\n".encode("utf-16-be"), "utf-8", "If it is UTF-16, name it .*charset=utf-16be"),
        ("Süt".encode("utf-32-le"), "", "UTF-32 with their byte order mark"),
        ("Süt 1 l".encode("utf-16-le"), "utf-16be", "byte order of utf-16-le, and not that of"),
        ("Süt".encode("utf-16-le") + b"x", "utf-16le", "whole text, or correct charset=utf-16le"),
        ("Süt".encode("utf-16") + b"x", "", "Send the whole text."),
        ("S\udcfct".encode("utf-8", "surrogatepass"), "", "Send whole characters"),
        (gzip.compress(b"milk", mtime=0), "", "It is packed with gzip.*Content-Encoding: gzip"),
        (
            gzip.compress(b"milk", mtime=0),
            "utf-8",
            "It is packed with gzip.*Content-Encoding: gzip",
        ),
        (b"PK\x03\x04\xff", "", "a ZIP archive or a workbook.*Save the table as CSV"),
        (b"PAR1\x15\x04\0\0", "", "a Parquet file.*Content-Type: application/x-parquet"),
    ],
)
def test_the_advice_on_an_encoding_is_of_use(body, charset, advice):
    status, reason = refusal(body, f"text/csv; charset={charset}" if charset else "text/csv")
    assert status == 400 and re.search(advice, reason), reason
    if charset:  # the header that was sent is not advised again
        assert f"such as Content-Type: text/csv; charset={charset}" not in reason
    if "\0" in body.decode("latin-1"):  # which no legacy encoding has
        assert "windows-1252" not in reason


@pytest.mark.parametrize("kind", ["application/json", "application/jsonlines"])
def test_json_that_is_not_utf_8_is_told_to_be_so(kind):
    for charset in ("", "; charset=utf-8"):
        if kind == "application/json":
            status, reason = refusal('["Süt"]'.encode("cp1254"), kind + charset)
            assert status == 400
        else:
            query = read('"Süt"\n"b"'.encode("cp1254"), kind + charset)
            assert list(query.errors) == [0]
            reason = query.errors[0]
        assert "RFC 8259" in reason and "Encode it as UTF-8" in reason and "charset" not in reason
    assert "Content-Encoding: gzip" in refusal(gzip.compress(b'["a"]'), "application/json")[1]
    for codec in ("utf-16", "utf-16-le", "utf-16-be", "utf-32"):
        status, reason = refusal('"Süt"\n"b"\n'.encode(codec), "application/jsonlines")
        assert status == 400 and codec[:6] in reason and "expected UTF-8" in reason


def test_a_byte_order_mark_is_dropped_and_believed():
    table = f"title;brand\n{TURKISH};x\n"
    for codec in ("utf-8-sig", "utf-16", "utf-32"):
        assert read(table.encode(codec)).columns["title"] == [TURKISH]
    big = codecs.BOM_UTF16_BE + table.encode("utf-16-be")
    assert read(big, "text/csv; charset=utf-16be").columns["title"] == [TURKISH]
    for charset, codec in [("cp1254", "utf-8-sig"), ("utf-8", "utf-16"), ("utf-16le", "utf-8-sig")]:
        status, reason = refusal(table.encode(codec), f"text/csv; charset={charset}")
        assert status == 400 and "byte order mark" in reason
    status, reason = refusal(big, "text/csv; charset=utf-16le")
    assert status == 400 and "byte order mark" in reason


def test_utf_16_without_a_mark_is_not_guessed():
    status, reason = refusal("title\nMilk\n".encode("utf-16-le"))
    assert status == 400 and "charset=utf-16" in reason
    status, reason = refusal("молоко".encode("utf-16-be"), "text/csv; charset=utf-16")
    assert status == 400 and "utf-16be" in reason
    assert refusal("a\0b\n")[0] == 400


@pytest.mark.parametrize(
    "kind", ["application/json", "application/jsonlines", "application/x-ndjson"]
)
def test_json_is_always_utf_8(kind):
    for charset in ("utf-8", "UTF8", '"utf-8"', "us-ascii"):
        assert read('"Süt"', f"{kind}; charset={charset}").columns["title"] == ["Süt"]
    assert read('"Süt"'.encode("utf-8-sig"), kind).columns["title"] == ["Süt"]
    for charset in ("iso-8859-9", "utf-16", "klingon"):
        status, reason = refusal('"a"', f"{kind}; charset={charset}")
        assert status == 415 and "UTF-8" in reason and "RFC 8259" in reason


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("header", [["sku", "title"], ["Title", "price"], [" title ", "brand"]])
@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_table_is_read_whatever_stands_between_its_fields(delimiter, header, quoting, end):
    place = [name.strip().lower() for name in header].index("title")
    titles = ["Milk, 1 l", "a;b", "c|d\te", 'say "x"', f"two{end}lines"]
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, quoting=quoting, lineterminator=end)
    rows = [[title, "1,99"] if place == 0 else ["7", title] for title in titles]
    writer.writerows([header, *rows])
    named = {",": "comma", ";": '";"', "\t": "tab", "|": "|"}[delimiter]
    for kind in ("text/csv", "text/csv; header=present", f"text/csv; delimiter={named}"):
        query = read(out.getvalue(), kind)
        assert query.columns["title"] == titles and query.form == "csv with header"
    if delimiter == ";":
        query = read("sep=;\r\n" + out.getvalue())
        assert query.columns["title"] == titles


def test_quotes_may_be_escaped_in_a_table():
    body = 'title;brand\n"Monitor 27\\"";"x"\n"TV 32\\" \\"slim\\"";"y"\n"Milk";""\n'
    assert read(body).columns["title"] == ['Monitor 27"', 'TV 32" "slim"', "Milk"]
    assert read(body.replace(";", ",")).columns["brand"] == ["x", "y", ""]
    body = 'title;brand\n"TV 32\\" LED";"x"\n"C:\\temp A\\B";"y"\n'
    assert read(body).columns["title"] == ['TV 32" LED', "C:\\temp A\\B"]


PIECES = st.sampled_from(["title", "Title", " ", ";", "|", "\t", "a", ":", "\\", "'", "sku"])
LINES = st.lists(PIECES, min_size=1, max_size=6).map("".join)


@given(st.lists(LINES, min_size=1).filter(lambda lines: "".join(lines).strip()))
def test_plain_titles_stay_as_they_are(titles):
    """Without a first line that names a column "title", no delimiter but the comma is one."""
    body = "".join(f"{title}\n" for title in titles)
    assert read(body, "text/csv; header=absent", ()).columns == {"title": titles}
    cells = titles[0].replace(";", "|").replace("\t", "|").split("|")
    if "title" not in [cell.strip().lower() for cell in cells]:
        assert read(body, "text/csv", ()).columns == {"title": titles}


def test_a_header_is_present_or_absent_as_it_is_said():
    assert read("title\nMilk\n", "text/csv; header=absent").columns["title"] == ["title", "Milk"]
    body = "title;x\na;b\n"
    assert read(body, "text/csv;HEADER=Absent").columns["title"] == ["title;x", "a;b"]
    assert read(body, "text/csv; header=present").columns["title"] == ["a"]
    both = read("a;b\nc;d\n", 'text/csv; header=absent; delimiter=";"')
    assert both.columns == {"title": ["a", "c"], "brand": ["b", "d"]}
    status, reason = refusal("sku;name\n1;Milk\n", "text/csv; header=present")
    assert status == 400 and "'title'" in reason and "sku;name" in reason
    for body in ("", "\n\n", "title\n", "\ufeff", "title,brand"):
        assert refusal(body, "text/csv; header=present")[0] == 400
    for value in ("yes", "", "1", '"present "'):
        status, reason = refusal("a", f"text/csv; header={value}")
        assert status == 415 and "present or absent" in reason
    for value in ("^", "", ";", "x", "\\t", "utf-8"):
        status, reason = refusal("a", f"text/csv; delimiter={value}")
        assert status == 415 and "'semicolon'" in reason
    # Parameters that say nothing of the text are left to others, such as SageMaker's label_size.
    assert len(read("a", "text/csv; label_size=0; q")) == 1


def test_rows_that_do_not_fit_the_header_are_refused():
    for body in ("sku;title\n1;Milk;2\n", "sku;title\n1\n", "sku;title\n1;Milk\nTotal\n"):
        status, reason = refusal(body)
        assert status == 400 and "the same number in all rows" in reason
    assert refusal("sku;title")[0] == 400
    assert refusal('sku;title\n1;"Milk\n')[0] == 400
    wide = ";".join(["title", *(f"c{n}" for n in range(20_000))])
    query = read(wide + "\n" + ";".join(["Milk"] * 20_001))
    assert query.columns == {"title": ["Milk"]} and len(query.unread) == 20_000


def test_empty_columns_at_the_end_are_left_out():
    assert read("sku;title;;\n1;Milk;;\n2;Bread\n").columns == {"title": ["Milk", "Bread"]}
    assert read("title,,\nMilk,,\n").unread == ()
    query = read("title,,\nMilk,,x\n")
    assert query.columns == {"title": ["Milk"]} and query.unread == ("",)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize(
    ("lines", "titles"),
    [
        (["milk", "", "bread"], ["milk", "", "bread"]),
        (["milk", "", "", "", "bread", ""], ["milk", "", "", "", "bread", ""]),
        (["", "milk"], ["", "milk"]),
        (["milk", '""', "  ", ""], ["milk", "", "  ", ""]),
        (["milk", ""], ["milk", ""]),
    ],
)
def test_every_line_of_one_column_is_a_row(lines, titles, end):
    """A spreadsheet writes an empty cell of its only column as a blank line."""
    body = "".join(line + end for line in lines)
    for kind in ("text/csv", "text/csv; header=absent"):
        assert read(body, kind).columns == {"title": titles}
    for kind in ("text/csv", "text/csv; header=present", "text/csv; delimiter=tab"):
        for header in ("title", " Title ", f"{end}title"):  # a blank line above is no row
            query = read(header + end + body, kind)
            assert query.columns == {"title": titles} and query.form == "csv with header"
    # In several columns, a row without any value has its delimiters.
    assert read(f"sku,title{end}{end}1,milk{end}{end}").columns == {"title": ["milk"]}
    assert read(f"{end}milk,a{end}{end}bread,b{end}").columns == {
        "title": ["milk", "bread"],
        "brand": ["a", "b"],
    }


def test_a_header_without_a_title_is_no_row_of_titles():
    for header in ("titel,brand", "name, Brand", "product,BRAND"):
        status, reason = refusal(f"{header}\nmilk,a\n")
        assert status == 400 and "'title'" in reason and "header=absent" in reason
        assert len(read(f"{header}\nmilk,a\n", "text/csv; header=absent")) == 2
    assert read("brand,milk\nbrands,a\n").columns["title"] == ["brand", "brands"]
    assert read("brand\nmilk\n").columns == {"title": ["brand", "milk"]}


@pytest.mark.parametrize("kind", ["application/json", "application/jsonlines"])
def test_null_is_an_empty_title_as_in_other_containers(kind):
    body = '["milk", null, {"title": null}]'
    if kind == "application/jsonlines":
        body = body[1:-1].replace(", ", "\n")
    query = read(body, kind)
    assert query.columns == {"title": ["milk", None, None]} and not query.errors


def test_messages_about_json_show_json():
    for body, shown in (
        ("null", "The body is null;"),
        ("[true]", "found true;"),
        ('[{"title": false}]', "title is false;"),
        ('[["süt", null]]', 'found ["süt", null];'),
        ('{"instances": null}', "The body is null"),
        ('{"inputs": ["a"], "parameters": [null]}', "parameters is [null]"),
    ):
        status, reason = refusal(body, "application/json")
        assert status == 400 and shown in reason
    assert len(refusal(json.dumps([["x" * 900]]), "application/json")[1]) < 200


def test_blank_lines_count_as_titles():
    status, reason = refusal("a" + "\n" * (LIMITS.titles + 1))
    assert status == 413 and "4,097 titles" in reason
    assert refusal("\n" * LIMITS.titles + "a")[0] == 413
    assert len(read("a" + "\n" * LIMITS.titles)) == LIMITS.titles
    assert len(read("\n" * LIMITS.titles + "title,x\na,b")) == 1


OBJECTS = [
    {"sku": "7", "title": "Milk", " Brand": "a"},
    {"sku": "8", "title": "Bread", " Brand": "b"},
]


def written(kind, objects):
    if kind == "application/json":
        return json.dumps({"instances": objects})
    if kind == "application/jsonlines":
        return "\n".join(map(json.dumps, objects))
    out = io.StringIO()
    writer = csv.DictWriter(out, objects[0], delimiter=";" if kind == "text/csv" else ",")
    writer.writeheader()
    writer.writerows(objects)
    return out.getvalue()


@pytest.mark.parametrize(
    "kind", ["application/json", "application/jsonlines", "text/csv", "text/csv; delimiter=comma"]
)
def test_one_rule_for_fields_in_every_format(kind):
    query = read(written(kind, OBJECTS), kind)
    assert query.columns == {"title": ["Milk", "Bread"], "brand": ["a", "b"]}
    assert query.unread == ("sku",) and not query.errors
    assert read(written(kind, OBJECTS), kind, ()).unread == (
        "sku",
        " Brand".strip() if "csv" in kind else " Brand",
    )
    exact = [{"Title": "no", "title": "Milk", "TITLE": "no"}]
    query = read(written(kind, exact), kind)
    assert query.columns == {"title": ["Milk"]} and query.unread == ("Title", "TITLE")
    twice = written(kind, [{"Title": "a", "TITLE": "b"}])
    if kind == "application/jsonlines":
        assert "two keys" in read(twice, kind).errors[0]
    else:
        status, reason = refusal(twice, kind)
        assert status == 400 and "two" in reason and "TITLE" in reason


def test_fields_that_are_not_read_may_hold_anything():
    value = {"id": 7, "tags": ["a", {"b": None}], "price": 1.5}
    query = read(json.dumps([{"title": "a", **value}, "b"]), "application/json")
    assert query.columns == {"title": ["a", "b"]} and query.unread == ("id", "tags", "price")
    query = read(json.dumps({"Title": "a", "top_k": 2, "id": 1}), "application/json")
    assert query.settings.top_k == 2 and query.unread == ("id",)
    assert "brand is 7" in refusal('[{"title": "a", "Brand": 7}]', "application/json")[1]
    status, reason = refusal('{"instances": ["a"], "topk": 2}', "application/json")
    assert status == 400 and "'topk'" in reason  # an option, which would change the answers


@pytest.mark.parametrize("kind", ["application/json", "application/jsonlines"])
def test_a_key_that_is_given_twice_is_refused(kind):
    body = '{"title": "a", "title": "b"}'
    if kind == "application/json":
        assert "'title' is given twice" in refusal(body, kind)[1]
        assert "'top_k'" in refusal('{"inputs": ["a"], "top_k": 1, "top_k": 2}', kind)[1]
    else:
        assert "'title' is given twice" in read(body, kind).errors[0]
    status, reason = refusal("title,title\na,b\n")
    assert status == 400 and "two columns of one name" in reason


def test_names_of_unread_fields_make_a_header():
    names = [f"ş{n}\r\n\x7f" for n in range(30)] + ["x" * 9_000]
    header = unread_header(names)
    assert header.isascii() and header.isprintable() and len(header) < 2_000
    assert json.loads(header)[0] == "ş0\r\n\x7f" and json.loads(header)[-1] == "and 11 more"
    assert len(json.loads(unread_header(["x" * 9_000]))[0]) == 40


@given(st.text(st.sampled_from('abc ;="\\,-charsethd')))
def test_any_parameters_are_parsed_or_refused(text):
    try:
        assert isinstance(parameters_of(f"text/csv;{text}"), dict)
    except Refusal as caught:
        assert caught.status == 415
    assert "charset" not in parameters_of(without_charset(f"text/csv;charset=x;{'a=b'}"))


def test_long_parameters_are_parsed_quickly():
    began = time.perf_counter()
    for text in (';a="', ";", ';a="\\', "; ", " ;a = ", ';a="\\"'):
        assert isinstance(parameters_of("text/csv" + text * (32_000 // len(text))), dict)
    assert time.perf_counter() - began < 2
