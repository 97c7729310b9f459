"""Small files that unpack to a lot are read in little memory, or refused in a sentence."""

import csv
import gzip
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from memory import run_and_measure

import prodcat
from prodcat.scoring.parts import read_parts
from prodcat.storage.tables import iter_tables

LONG = "x" * 1_000_000
ROWS = 3_000
FIXED = pa.binary(10**6)
# Every row is in one part; the first parts are read, and their longest rows are counted.
READ = """
from prodcat.scoring.parts import read_parts
parts = list(read_parts([arguments[0]], lambda file, number: number < 3, 16_384))
assert parts and max(len(part.table) for part in parts) < 100, [len(part.table) for part in parts]
assert [part.number for part in parts] == [0, 1, 2] and not parts[-1].last
return [part.first for part in parts][0], parts[1].table.schema.names
"""


def _shared(values, rows=ROWS):
    """A column with one value in all rows, which is stored once."""
    return pa.DictionaryArray.from_arrays(pa.array([0] * rows, pa.int32()), values)


def _lists(rows=ROWS):
    offsets = pa.array(range(rows + 1), pa.int32())
    return pa.ListArray.from_arrays(offsets, _shared(pa.array([LONG])))


@pytest.mark.parametrize(
    "columns",
    [
        {"title": _shared(pa.array([LONG]))},
        {"title": _shared(pa.array([LONG.encode()]))},
        {"title": _shared(pa.array(["sut"])), "html": _shared(pa.array([LONG]))},
        {"title": _shared(pa.array(["sut"])), "tags": _lists()},
        {
            "title": _shared(pa.array(["sut"])),
            "inner": pa.StructArray.from_arrays([_shared(pa.array([LONG]))], ["html"]),
        },
        {"title": _shared(pa.array(["sut"]), 200), "fixed": pa.array([b"x" * 10**6] * 200, FIXED)},
        {f"column {n}": _shared(pa.array([LONG[:50_000]])) for n in range(40)},
    ],
    ids=["title", "binary", "carried", "lists", "struct", "fixed", "columns"],
)
def test_equal_values_are_written_out_a_few_rows_at_a_time(tmp_path, columns):
    path = tmp_path / "in.parquet"
    pq.write_table(pa.table(columns), path, compression="zstd", store_schema=False)
    assert path.stat().st_size < 70_000
    said, memory = run_and_measure(READ, path)
    assert said.startswith("(0, ") and memory < 400


@pytest.mark.parametrize("compression", ["none", "snappy", "zstd", "gzip", "brotli"])
def test_a_long_text_after_many_short_ones_takes_little_memory(tmp_path, compression):
    short, path = [f"sut {n}" for n in range(5_000)], tmp_path / "in.parquet"
    numbers = pa.array([*range(5_000), *range(5_000), *[5_000] * 1_000], pa.int32())
    texts = pa.DictionaryArray.from_arrays(numbers, pa.array([*short, LONG]))
    options = {"compression": compression, "dictionary_pagesize_limit": 1 << 24}
    pq.write_table(pa.table({"title": texts}), path, store_schema=False, **options)
    said, memory = run_and_measure(
        """
from prodcat.storage.tables import iter_tables
return sum(len(piece["title"]) for piece in iter_tables(arguments[0]))
""",
        path,
    )
    assert said == "11000" and memory < 250


@pytest.mark.parametrize("compression", ["none", "snappy", "zstd", "gzip", "brotli", "lz4"])
def test_texts_of_which_some_are_in_a_dictionary_are_read_as_they_are(tmp_path, compression):
    titles = [f"süt {n % 7_000} {n % 7} lt" if n % 11 else None for n in range(20_000)]
    for options in ({}, {"dictionary_pagesize_limit": 20_000}, {"use_dictionary": False},
                    {"data_page_version": "2.0", "dictionary_pagesize_limit": 20_000}):  # fmt: skip
        table = pa.table({"title": titles, "brand": pa.array(["", "x"] * 10_000)})
        path = tmp_path / "in.parquet"
        pq.write_table(table, path, 9_000, compression=compression, data_page_size=4_000, **options)
        pieces = list(iter_tables(str(path)))
        assert [title for piece in pieces for title in piece["title"]] == titles
        assert [brand for piece in pieces for brand in piece["brand"]] == ["", "x"] * 10_000


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_are_the_same_wherever_blocks_end(tmp_path, end):
    words = ["sut", 'a "quoted"', f"two{end}lines", "\u2028 \x0b \x0c \x85", "", "x" * 40_000]
    rows = [[words[n % 6] + "y" * (n % 1_013), words[n % 5]] for n in range(2_000)]
    with (tmp_path / "in.csv").open("w", newline="") as file:
        csv.writer(file, lineterminator=end).writerows([["title", "brand"], *rows])
    pieces = list(iter_tables(str(tmp_path / "in.csv")))
    read = [row for piece in pieces for row in zip(piece["title"], piece["brand"], strict=True)]
    assert read == list(map(tuple, rows))


@pytest.mark.parametrize("kind", [pa.large_string(), pa.string_view()])
def test_the_types_of_a_file_are_kept(tmp_path, kind):
    rows = 500
    table = pa.table({"title": pa.array(["sut", None, "s" * 70_000, "ekmek"] * rows, kind)})
    path = tmp_path / "in.parquet"
    pq.write_table(table, path)
    parts = list(read_parts([str(path)], lambda *_: True, 16_384))
    assert len(parts) > 1 and parts[-1].last
    assert all(part.table.schema.field("title").type == kind for part in parts)
    read = [value for part in parts for value in part.table["title"].to_pylist()]
    assert read == table["title"].to_pylist()
    [second] = read_parts([str(path)], lambda file, number: number == 1, 16_384)
    assert second.table.equals(parts[1].table) and second.first == parts[1].first
    titles = [title for piece in iter_tables(str(path)) for title in piece["title"]]
    assert titles == read


def test_a_page_of_many_bytes_is_refused(tmp_path):
    path = tmp_path / "in.parquet"
    titles = [f"{LONG[:300_000]}{n}" for n in range(1_000)]
    pq.write_table(pa.table({"title": titles}), path, compression="zstd", use_dictionary=False)
    assert path.stat().st_size < 200_000
    said, memory = run_and_measure(READ, path)
    assert said.startswith("CatalogError") and "a page of the column 'title' takes" in said
    assert memory < 100


def test_texts_that_begin_like_the_one_before_are_read_a_few_rows_at_a_time(tmp_path):
    path = tmp_path / "in.parquet"
    table, kinds = pa.table({"title": [LONG] * 150}), {"title": "DELTA_BYTE_ARRAY"}
    pq.write_table(table, path, compression="zstd", use_dictionary=False, column_encoding=kinds)
    assert path.stat().st_size < 10_000
    said, memory = run_and_measure(READ, path)
    assert said.startswith("(0, ") and memory < 400


@pytest.mark.slow
def test_a_list_of_a_hundred_million_equal_values_is_refused(tmp_path):
    path = tmp_path / "in.parquet"
    values = pa.array([0] * 60_000_000, pa.int8())
    lists = pa.ListArray.from_arrays(pa.array([0, len(values)], pa.int32()), values)
    pq.write_table(
        pa.table({"title": ["sut"], "sizes": lists}),
        path,
        compression="zstd",
        data_page_size=1 << 30,
    )
    assert path.stat().st_size < 100_000
    said, memory = run_and_measure(READ, path, most=8_000)
    assert said.startswith("CatalogError") and "the column 'sizes.list.element'" in said
    assert memory < 100


def test_text_is_read_in_batches_of_few_letters(tmp_path):
    path = tmp_path / "in.csv.gz"
    with gzip.open(path, "wt", compresslevel=1) as file:
        file.write("title\n")
        file.writelines(f"{LONG[:800_000]}\n" for _ in range(300))
    said, memory = run_and_measure(
        """
from prodcat.scoring.parts import read_parts
return [len(part.table["title"]) for part in read_parts([arguments[0]], lambda *_: True, 16_384)]
""".replace("[len(", "sum(len(").replace("16_384)]", "16_384))"),
        path,
    )
    assert said == "300" and memory < 170


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("in.csv", b'title\n"' + b"x" * 60_000_000, "line 2: the row has more than"),
        ("in.csv", b'title\n"' + b"x\n" * 10_000_000, "the row has more than"),
        ("in.csv.gz", gzip.compress(b"x" * 300_000_000, 1), "line 1: the row has more than"),
        ("in.jsonl.gz", gzip.compress(b" " * 300_000_000, 1), "line 1: the row has more than"),
        ("in.jsonl", b'{"title": "' + b"x" * 60_000_000, "line 1: the row has more than"),
    ],
    ids=["quoted", "lines", "gz header", "gz blanks", "jsonl"],
)
def test_a_row_without_an_end_is_refused(tmp_path, name, content, words):
    path = tmp_path / name
    path.write_bytes(content)
    said, memory = run_and_measure(READ, path)
    assert said.startswith("CatalogError") and words in said
    assert memory < 250


@pytest.mark.slow
def test_new_names_in_each_record_take_little_memory(tmp_path):
    path = tmp_path / "in.jsonl"
    path.write_text("".join(f'{{"title": "sut", "k{n}": 1}}\n' for n in range(12_000)))
    said, memory = run_and_measure(
        """
from prodcat.scoring.parts import read_parts
return sum(len(part.table["title"]) for part in read_parts([arguments[0]], bool_of, 16_384))
""".replace("bool_of", "lambda *_: True"),
        path,
    )
    assert said == "12000" and memory < 300


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("in.jsonl", '{"title": "a", "x": ' + "[" * 100_000 + "]" * 100_000 + "}", "nests lists"),
        ("in.jsonl", '{"title": "a", "x": ' + "[" * 80 + "]" * 80 + "}", "nests lists"),
        ("in.csv", "a," * 200_000 + "title\n", "has 200,001 columns"),
        ("in.jsonl", json.dumps({f"k{n}": 1 for n in range(150_000)}), "has 150,000 columns"),
        ("in.csv", b"\xff\xfet\x00\x00", "cannot be read as utf-16"),
        ("in.csv.gz", gzip.compress(gzip.compress(b"title\nsut\n")), "in.csv.gz"),
        ("in.csv", b"PK\x03\x04\x14\x00\x06\x00", "in.csv' is a ZIP archive or a workbook"),
        ("in.jsonl", "title\nsut\n".encode("utf-16"), "not valid JSON"),
    ],
    ids=["deep", "nested", "csv columns", "keys", "utf-16", "gz of gz", "zip", "utf-16 json"],
)
def test_what_is_no_table_of_titles_is_refused(tmp_path, name, content, words):
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(prodcat.CatalogError, match=words):
        prodcat.read_catalog(str(path), path=None)


def test_tables_in_memory_are_written_out_a_few_rows_at_a_time():
    said, memory = run_and_measure(
        """
import pyarrow as pa
from prodcat.storage.tables import iter_tables
places = pa.array([0] * 8_000, pa.int32())
table = pa.table({"title": pa.DictionaryArray.from_arrays(places, pa.array(["x" * 1_000_000]))})
pieces = iter_tables(table)
return [len(next(pieces)["title"]) < 100 for _ in range(3)]
"""
    )
    assert said == "[True, True, True]" and memory < 200
