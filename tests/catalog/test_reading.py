import gzip

import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import prodcat
from prodcat import CatalogError, Taxonomy, read_catalog
from prodcat.catalog.report import (
    EMPTY_TITLE,
    INVALID_UTF8,
    NO_CATEGORY,
    SKIPPED_LEVEL,
    UNKNOWN_CATEGORY,
)

ROWS = [
    {"title": "Milk 1L", "a": "Food", "b": "Milk", "lang": "en", "brand": "Velmora"},
    {"title": "Süt", "a": "Food", "b": "Milk", "lang": "tr", "brand": None},
    {"title": "Soap", "a": "Home", "b": None, "lang": "en", "brand": "Quilvo"},
]


COLUMNS = {"title": [], "a": [], "b": [], "lang": [], "brand": []}


for _row in ROWS:
    for _name, _value in _row.items():
        COLUMNS[_name].append(_value)


def sources(folder):
    table = pa.table(COLUMNS)
    pq.write_table(table, folder / "t.parquet")
    lines = ["title,a,b,lang,brand"] + [
        ",".join(value or "" for value in row.values()) for row in ROWS
    ]
    (folder / "t.csv").write_text("\n".join(lines) + "\n\n")
    (folder / "t.tsv").write_text("\n".join(line.replace(",", "\t") for line in lines))
    import json

    text = "\n".join(json.dumps(row) for row in ROWS) + "\n\n"
    (folder / "t.jsonl").write_text(text)
    with gzip.open(folder / "t.jsonl.gz", "wt") as file:
        file.write(text)
    return {
        "parquet": str(folder / "t.parquet"),
        "csv": str(folder / "t.csv"),
        "tsv": folder / "t.tsv",
        "jsonl": str(folder / "t.jsonl"),
        "gz": f"file://{folder}/t.jsonl.gz",
        "pandas": pd.DataFrame(ROWS),
        "polars": pl.DataFrame(ROWS),
        "lazy": pl.LazyFrame(ROWS),
        "arrow": table,
        "columns": COLUMNS,
        "rows": ROWS,
        "generator": iter(ROWS),
    }


@pytest.mark.parametrize(
    "kind",
    ["parquet", "csv", "tsv", "jsonl", "gz", "pandas", "polars", "lazy", "arrow", "columns"]
    + ["rows", "generator"],
)
def test_every_source_gives_the_same_catalog(tmp_path, kind):
    catalog = read_catalog(
        sources(tmp_path)[kind], path=["a", "b"], language="lang", text=["brand"]
    )
    assert catalog.titles == ("Milk 1L", "Süt", "Soap")
    assert catalog.paths == [("Food", "Milk"), ("Food", "Milk"), ("Home",)]
    assert catalog.languages == ("en", "tr", "en")
    assert catalog.inputs == ["Milk 1L\x1fVelmora", "Süt\x1f", "Soap\x1fQuilvo"]
    assert str(catalog.report) == "3 rows read, none wrong."


def test_a_glob_reads_files_in_the_order_of_their_names(tmp_path):
    for name in ("b", "a"):
        (tmp_path / f"{name}.csv").write_text(f"title,path\n{name},X\n")
    assert read_catalog(f"{tmp_path}/*.csv").titles == ("a", "b")


def test_ids_join_names_of_several_languages_in_one_node():
    catalog = read_catalog(
        [
            {"title": "x", "lang": "en", "path": ["Food", "Milk"], "ids": ["f", "m"]},
            {"title": "y", "lang": "tr", "path": ["Gıda", "Süt"], "ids": ["f", "m"]},
        ],
        path_ids="ids",
        language="lang",
    )
    assert catalog.targets.tolist() == [1, 1]
    assert catalog.tree.path(1, "tr") == ("Gıda", "Süt")


TREE = Taxonomy.from_paths([("Food", "Milk"), ("Food", "Bread"), ("Home",)])


WRONG = [
    {"title": "ok", "a": "Food", "b": "Milk"},
    {"title": " ", "a": "Food", "b": "Milk"},
    {"title": "unknown", "a": "Food", "b": "Mulk"},
    {"title": "gap", "a": None, "b": "Milk"},
    {"title": "none", "a": "", "b": None},
    {"title": b"caf\xe9".decode("utf-8", "surrogateescape"), "a": "Home", "b": None},
]


def read_wrong(on_error):
    return read_catalog(WRONG, path=["a", "b"], taxonomy=TREE, on_error=on_error)


def test_wrong_rows_raise_with_row_numbers_and_reasons():
    with pytest.raises(CatalogError) as error:
        read_wrong("raise")
    text = str(error.value)
    assert "6 rows read, 5 wrong" in text
    assert "empty title: 1 (row 2: title=' ')" in text
    assert (
        "row 3: 'Food > Mulk' is not in the tree" in text
        and "below 'Food' there is no 'Mulk'" in text
    )
    assert "on_error='aside'" in text


def test_wrong_rows_kept_aside_are_listed_whole():
    catalog = read_wrong("aside")
    assert catalog.titles == ("ok",) and catalog.rows.tolist() == [0]
    reasons = [(problem.row, problem.reason) for problem in catalog.report.problems]
    assert reasons == [
        (1, EMPTY_TITLE),
        (2, UNKNOWN_CATEGORY),
        (3, SKIPPED_LEVEL),
        (4, NO_CATEGORY),
        (5, INVALID_UTF8),
    ]
    assert catalog.report.problems[1].record == WRONG[2]


def test_wrong_rows_are_accepted_as_far_as_they_can_be_read():
    catalog = read_wrong("accept")
    assert len(catalog) == 6 and len(catalog.report.problems) == 5
    assert catalog.paths[2] == ("Food",)
    assert catalog.paths[3] is None and catalog.paths[4] is None
    assert catalog.titles[5] == "caf\ufffd"
    assert catalog.labelled.tolist() == [True, True, True, False, False, True]
    assert "(accepted)" in str(catalog.report)


def test_invalid_utf8_in_files_is_found_by_row(tmp_path):
    (tmp_path / "t.csv").write_bytes("title,path\nçay,A\n".encode() + b"caf\xe9,A\n")
    binary = pa.array(["çay".encode(), b"caf\xe9"], pa.binary())
    table = pa.table({"title": binary.view(pa.string()), "path": ["A", "A"]})
    for source in (str(tmp_path / "t.csv"), table):
        report = read_catalog(source, on_error="aside").report
        assert [(p.row, p.reason) for p in report.problems] == [(1, INVALID_UTF8)]
        assert "b'caf\\xe9'" in report.problems[0].detail


@pytest.mark.parametrize(
    ("source", "options", "message"),
    [
        ([{"name": "x"}], {}, r"no column 'title'; found \['name'\]"),
        ("memory://none.csv", {}, "Found no file at"),
        (3, {}, "Found the number 3; expected a path or URI"),
        ([3], {}, "Row 1 is the number 3"),
        ({"title": ["x"], "path": []}, {}, "different lengths"),
        ([{"title": "x"}], {"on_error": "ignore"}, "expected 'raise', 'aside' or 'accept'"),
        ([{"title": "x"}], {"text": "brand"}, "put the name in a list"),
    ],
)
def test_mistakes_say_what_was_found_and_expected(source, options, message):
    with pytest.raises(CatalogError, match=message):
        read_catalog(source, **options)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("t.csv", "", "is empty"),
        ("t.csv", "title,title\n1,2\n", "two columns named 'title'"),
        ("t.csv", "title,path\nx\n", "line 2: found 1 fields, expected 2"),
        ("t.jsonl", "{1", "line 1 is not valid JSON"),
        ("t.jsonl", "[1]", "expected a JSON object"),
        ("t.parquet", "x", "Cannot read .* as parquet"),
        ("t.jsonl.gz", "x", "Cannot read .* as jsonl"),
        ("t.xlsx", "PK", "save it again as .xlsx"),
        ("t.doc", "x", "ends with '.doc'"),
    ],
)
def test_files_that_cannot_be_read_are_named(tmp_path, name, content, message):
    (tmp_path / name).write_text(content)
    with pytest.raises(CatalogError, match=message):
        read_catalog(str(tmp_path / name))


def test_a_column_that_is_asked_for_twice_is_read_once():
    rows = 20_000
    table = {"title": [f"t{n}" for n in range(rows)], "path": [f"A{n % 7}" for n in range(rows)]}
    catalog = read_catalog(table, keep=["path", "title"], text=["path"])
    assert len(catalog.columns["path"]) == len(catalog.texts["path"]) == rows
    assert all(catalog.paths[n] == (f"A{n % 7}",) for n in range(0, rows, 999))


def test_pandas_missing_values_of_every_kind():
    frame = pd.DataFrame(
        {
            "title": pd.array(["a", pd.NA, "c"], dtype="string"),
            "x": pd.array([10, 10, pd.NA], dtype="Int64"),
            "when": [pd.Timestamp("2026-01-01"), pd.NaT, pd.NaT],
        }
    )
    catalog = read_catalog(frame, path=["x"], keep=["when"], on_error="aside")
    assert catalog.paths == [("10",)]
    kept = read_catalog(frame, path=["x"], keep=["when"], on_error="accept")
    assert kept.columns["when"][1] is None
    with pytest.raises(CatalogError, match="empty in some rows"):
        prodcat.split(kept, by="time", column="when")


def test_columns_of_one_name_are_refused_in_every_source():
    twice = pa.table([pa.array(["a"]), pa.array(["b"])], names=["title", "title"])
    for source in (twice, pd.DataFrame([["a", "b"]], columns=["title", "title"])):
        with pytest.raises(CatalogError, match="two columns named 'title'"):
            read_catalog(source, path=None)


def test_accepted_rows_keep_labels_that_only_they_have():
    rows = [{"title": "", "path": "A"}, {"title": "b", "path": "B"}]
    catalog = read_catalog(rows, on_error="accept")
    assert catalog.paths == [("A",), ("B",)]
    assert [problem.reason for problem in catalog.report.problems] == [EMPTY_TITLE]


def test_keys_that_come_late_or_go_are_none(tmp_path):
    rows = [{"title": "a", "path": "A", "brand": "v"}] * 9_000 + [{"title": "b", "path": "A"}]
    catalog = read_catalog(rows, text=["brand"])
    assert catalog.texts["brand"][0] == "v" and catalog.texts["brand"][-1] == ""
    (tmp_path / "a.csv").write_text("title,path,brand\nx,A,v\n")
    (tmp_path / "b.csv").write_text("title,path\nx,A\n")
    with pytest.raises(CatalogError, match="no column 'brand', which .*a.csv' has"):
        read_catalog(f"{tmp_path}/*.csv", text=["brand"])


def test_names_of_files_are_read_as_they_are(tmp_path):
    (tmp_path / "h[1].CSV").write_text("title,path\nx,A\n")
    (tmp_path / "my.tsv.csv").write_text("title,path\ny,A\n")
    assert read_catalog(str(tmp_path / "h[1].CSV")).titles == ("x",)
    assert read_catalog(str(tmp_path / "my.tsv.csv")).titles == ("y",)
    with pytest.raises(CatalogError, match="Cannot look for 'foo://x.csv'"):
        read_catalog("foo://x.csv")


@pytest.mark.parametrize("source", [[], pd.DataFrame({"title": [], "path": []})])
def test_an_empty_source_says_so(source):
    with pytest.raises(CatalogError, match="no rows"):
        read_catalog(source)
    with pytest.raises(CatalogError, match="is blank"):
        read_catalog([{"title": "x"}], separator=" ")


def test_an_unknown_keyword_is_refused_with_the_known_ones():
    with pytest.raises(TypeError) as error:
        read_catalog([{"title": "x", "path": "A"}], colour="red", on_error="ignore")
    assert "read_catalog() got an unexpected keyword argument 'colour'" in str(error.value)
    for name in ("title", "path", "path_ids", "language", "text", "keep", "separator", "inner"):
        assert repr(name) in str(error.value).rstrip("].").split("some of [")[1].split(", ")


def test_inner_says_what_a_path_means_that_ends_above_others():
    rows = [{"title": "x", "path": "A"}, {"title": "y", "path": "A > B"}]
    trees = [read_catalog(rows, inner=inner).tree for inner in ("terminal", "partial")]
    assert [tree.terminal.tolist() for tree in trees] == [[True, True], [False, True]]


def test_a_source_without_one_good_row_makes_no_tree():
    catalog = read_catalog([{"title": "x", "path": None}], on_error="aside")
    assert len(catalog) == 0 and catalog.taxonomy is None
