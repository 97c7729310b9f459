"""JSON files with one object in each line, or with all objects in one list."""

import json

import pytest

import prodcat
from prodcat import CatalogError
from prodcat.storage.tables import iter_tables


def read(folder, text, name="a.jsonl", **keywords):
    (folder / name).write_text(text)
    return prodcat.read_catalog(str(folder / name), path=None, **keywords)


@pytest.mark.parametrize("name", ["a.jsonl", "a.json", "a.ndjson"])
@pytest.mark.parametrize(
    "text",
    [
        '[{"title": "a"}, {"title": "b"}]\n',
        '[\n {"title": "a"},\n\n {"title": "b"}\n]\n',
        '\n [ {"title": "a"}\n ,{"title": "b"}] ',
        '{"title": "a"}\n{"title": "b"}\n',
        '{"more": {"n": 1}, "title": "a"}\n\n{"more": {}, "title": "b"}',
    ],
)
def test_a_list_of_objects_is_read_as_are_lines(tmp_path, name, text):
    catalog = read(tmp_path, text, name)
    assert catalog.titles == ("a", "b")
    assert not catalog.report.problems


def test_an_object_of_several_lines_is_one_row(tmp_path):
    assert read(tmp_path, '{\n "title": "a",\n "tags": ["x"]\n}').titles == ("a",)


def test_lists_in_lines_are_wrong_rows_beside_objects(tmp_path):
    catalog = read(tmp_path, '["a"]\n{"title": "a"}\n[1]\n', on_error="aside")
    assert catalog.titles == ("a",)
    assert {problem.row for problem in catalog.report.problems} == {0, 2}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"products": [{"title": "a"}]}', r"keys \['products'\].*jq -c '.products\[\]' for the"),
        ('{\n"title": {"0": "a"},\n"path": {"0": "b"}}', r"keys \['title', 'path'\]"),
        ('[{"title": "a"}, {"title"', "is one JSON document that is not valid"),
        ('["a", "b"]', "entry 1 is '\"a\"'; expected a JSON object"),
        ("[]", "has no rows"),
    ],
)
def test_other_documents_are_named_with_what_to_do(tmp_path, text, message):
    with pytest.raises(CatalogError, match=message):
        read(tmp_path, text)


def test_a_document_has_a_limit(tmp_path, monkeypatch):
    monkeypatch.setattr("prodcat.storage.json_records._MOST_LETTERS", 100)
    assert len(read(tmp_path, '{"title": "a"}\n' * 50)) == 50
    with pytest.raises(
        CatalogError, match="one JSON document of more than 100 letters; expected an"
    ):
        read(tmp_path, json.dumps([{"title": "a"}] * 50))


@pytest.mark.parametrize(
    "record",
    [
        '{"title": "a", "title": "b"}',
        '{"title" : "a", "title":"b"}',
        '{"title": "b", "more": {"n": 1, "n" : 2}}',
        '{"title": "b", "more": [{"n": 1, "n": 2}]}',
    ],
)
@pytest.mark.parametrize("form", ["{}\n{}", "[{},\n{}]"])
def test_a_key_that_is_there_twice_is_told(tmp_path, record, form):
    text = form.replace("{}", "%s") % ('{"title": "c", "url": "https://x:1"}', record)
    with pytest.raises(
        CatalogError, match="has the key '(title|n)' twice, with .* expected each key"
    ):
        read(tmp_path, text)
    catalog = read(tmp_path, text, on_error="aside")
    assert catalog.titles == ("c",)
    assert [problem.row for problem in catalog.report.problems] == [1]
    assert read(tmp_path, text, on_error="accept").titles == ("c", "b")


@pytest.mark.parametrize(
    ("text", "skus"),
    [
        ('{"title":["a","b"],"sku":[1,2]}', (1, 2)),
        ('{\n "title": ["a", "b"],\n "sku": [[1], [2]]\n}', ([1], [2])),
        ('{"columns":["title","sku"],"index":[0,1],"data":[["a",1],["b",2]]}', (1, 2)),
        ('{"columns":["title","sku"],"data":[["a",1],["b",2]]}\n', (1, 2)),
        (
            '{"schema":{"fields":[{"name":"title","type":"string"}],"primaryKey":["sku"]},'
            '"data":[{"title":"a","sku":1},{"title":"b","sku":2}]}',
            (1, 2),
        ),
    ],
)
def test_a_document_of_columns_is_read_and_told(tmp_path, caplog, text, skus):
    with caplog.at_level("INFO", "prodcat"):
        catalog = read(tmp_path, text, "a.json")
    assert catalog.titles == ("a", "b")
    pieces = list(iter_tables(str(tmp_path / "a.json")))
    assert tuple(value for piece in pieces for value in piece["sku"]) == skus
    assert "a.json': read as " in caplog.text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"title":["a","b"],"sku":[1]}', r"different lengths \('title' 2, 'sku' 1\); expected"),
        ('{"data":[{"title":"a"},{"title":"b"}],"total":2}', r"jq -c '\.data\[\]' for the rows in"),
        ('{"total":2,"Items":[{"title":"a"}]}', r"'Items' has a list of objects; .*'\.Items\[\]'"),
        ('{"data":{"shop":[{"title":"a"}]}}', r"jq -c '\.data\.shop\[\]' for the rows"),
        ('{"meta":{"n":1},"list":[{"title":"a"}]}', r"jq -c '\.list\[\]' for the rows"),
        ('{"columns":["title","sku"],"data":[["a"]]}', "entry 1 of 'data' is .*2 values"),
        ('{"columns":["title","title"],"data":[["a","b"]]}', "the name 'title' in 'columns'"),
        ('{"title":["a"],"title":["b"]}', "has the key 'title' twice"),
    ],
)
def test_a_document_with_other_tables_is_refused_with_its_rows(tmp_path, text, message):
    with pytest.raises(CatalogError, match=message):
        read(tmp_path, text, "a.json")


def test_a_product_with_lists_is_one_row(tmp_path):
    text = '{"title":"a","data":[{"n":1},{"n":2}],"tags":["x"]}'
    assert read(tmp_path, text, "a.json").titles == ("a",)


@pytest.mark.parametrize("form", ["{}\n", "[{}]", '{"columns":["title","n"],"data":[["a",N]]}'])
@pytest.mark.parametrize(
    ("literal", "value"),
    [
        ("12345678901234567.89", "12345678901234567.89"),
        ("1e400", "1e400"),
        ("-1.5E+999", "-1.5E+999"),
        ("0.10000000000000000001", "0.10000000000000000001"),
        ("1e-500", "1e-500"),
        ("1.10", 1.1),
        ("1e5", 100000.0),
        ("0.1234567890123456", 0.1234567890123456),
        ("12345678901234567890123", 12345678901234567890123),
    ],
)
def test_no_digits_of_a_number_are_lost(tmp_path, form, literal, value):
    record = '{"title":"a","n":N}'.replace("N", literal)
    read(tmp_path, form.replace("{}", record).replace("N", literal), "a.json")
    [piece] = iter_tables(str(tmp_path / "a.json"))
    assert piece["n"] == [value] and type(piece["n"][0]) is type(value)
