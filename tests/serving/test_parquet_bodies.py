"""Texts of Parquet files, read without a process of their own."""

import io
import os
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import servers
from hypothesis import given
from hypothesis import strategies as st

from prodcat.serving.parquet_bodies import parquet_texts, read_parquet
from prodcat.serving.parquet_pages import unpacked_bytes
from prodcat.serving.refusal import Refusal
from prodcat.serving.settings import Limits


def file_of(names, columns, **options):
    out = io.BytesIO()
    pq.write_table(pa.table(columns, names), out, **options)
    return out.getvalue()


def test_texts_come_as_they_are():
    columns = [["a", "b", "a"], [None, "x", "y"], [1, 2, 3]]
    body = file_of(["title", "brand", "sku"], columns)
    texts = {"title": ["a", "b", "a"], "brand": [None, "x", "y"]}
    assert parquet_texts(body, ["brand"], 10_000, 10) == texts
    assert parquet_texts(body, [], 10_000, 10) == {"title": texts["title"]}
    # A column that the model can read may be missing, as in JSON and CSV.
    assert parquet_texts(body, ["brand", "colour"], 10_000, 10) == texts
    large = pa.array(["a"], pa.large_string())
    assert parquet_texts(file_of(["title"], [large]), [], 10_000, 10) == {"title": ["a"]}


@pytest.mark.parametrize(
    ("names", "columns", "options", "status", "reason"),
    [
        (["title"], [["a"] * 11], {}, 413, "Found 11 rows; expected at most 10"),
        (["title"], [["a" * 9_000 + str(n) for n in range(9)]], {"compression": "none"}, 413,
         "unpacked bytes; expected at most 40,000"),
        (["title"], [["a" * 9_000] * 9], {}, 413, "unpacked bytes; expected at most 40,000"),
        (["title", "title"], [["a"], ["b"]], {}, 400, r"\['title', 'title'\]; expected one title"),
        (["name", "brand"], [["a"], ["b"]], {}, 400, r"\['name', 'brand'\]; expected one title"),
        (["title", "brand", "brand"], [["a"], ["b"], ["c"]], {}, 400, "two columns of one name"),
        (["title"], [["a"]], {"compression": "zstd"}, 400, r"compressed with \['ZSTD'\]"),
        (["title"], [["a" * 10_001]], {}, 400, "A title has 10,001 letters"),
        (["title"], [[4006381333931, 5]], {}, 400, "column 'title' holds int64; expected a text"),
        (["title"], [[4.5]], {}, 400, "column 'title' holds double; expected a text"),
        (["title", "brand"], [["a"], [True]], {}, 400, "column 'brand' holds bool; expected a"),
        (["title"], [pa.array([1, 1]).dictionary_encode()], {}, 400, "'title' holds int64"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused(names, columns, options, status, reason):
    with pytest.raises(Refusal, match=reason) as caught:
        parquet_texts(file_of(names, columns, **options), names[1:2], 10_000, 10)
    assert caught.value.status == status


def test_what_is_surely_too_long_is_refused_before_it_is_copied():
    body = file_of(["title"], [["a" * 40_001] * 3])
    with pytest.raises(Refusal, match="A title has 40,001 letters"):
        parquet_texts(body, [], 60_000, 10)


def test_damaged_files_are_refused():
    with pytest.raises(Refusal, match="not a Parquet table of texts"):
        parquet_texts(b"PAR1" * 4, [], 10_000, 10)


def varint(number):
    out = b""
    while number > 127:
        out, number = out + bytes([number & 127 | 128]), number >> 7
    return out + bytes([number])


def integer(number):
    return varint(number << 1)


def page_header(kind, size, inner):
    return (
        b"\x15" + integer(kind) + b"\x15" + integer(size) + b"\x15" + integer(size) + inner + b"\0"
    )


def bomb(count, repetition=2, encoding=8, values=None, said=None):
    """A column of one text that is repeated as often as the file says, in 150 bytes.

    Args:
        count: The number of values in the page.
        repetition: 1 for an optional column, 2 for a repeated one.
        encoding: Of the page.
        values: The values of the page as they are encoded.
        said: The number of values that the footer says.
    """
    said = count if said is None else said
    runs = varint(1 << 1) + b"\0" + varint((count - 1) << 1) + b"\1"
    levels = varint(count << 1) + b"\1"
    page = b"".join(len(own).to_bytes(4, "little") + own
                    for own in ([runs] if repetition == 2 else []) + [levels])  # fmt: skip
    page += b"\1" + varint(count << 1) + b"\0" if values is None else values
    text = (1).to_bytes(4, "little") + b"a"
    first = page_header(2, len(text), b"\x4c\x15" + integer(1) + b"\x15" + integer(0) + b"\0")
    second = page_header(0, len(page), b"\x2c\x15" + integer(count) + b"\x15" + integer(encoding)
                         + b"\x15" + integer(3) + b"\x15" + integer(3) + b"\0")  # fmt: skip
    chunk = first + text + second + page
    sizes = (b"\x16" + integer(len(chunk))) * 2
    column = (
        b"\x15" + integer(6) + b"\x19\x25" + integer(8) + integer(3) + b"\x19\x18\x05title\x15"
        + integer(0) + b"\x16" + integer(said) + sizes + b"\x26"
        + integer(4 + len(first) + len(text)) + b"\x26" + integer(4) + b"\0"
    )  # fmt: skip
    rows = 1 if repetition == 2 else said
    group = b"\x19\x1c\x26" + integer(4) + b"\x1c" + column + b"\0"
    group += b"\x16" + integer(len(chunk)) + b"\x16" + integer(rows) + b"\0"
    leaf = b"\x15" + integer(6) + b"\x25" + integer(repetition) + b"\x18\x05title\0"
    footer = (
        b"\x15" + integer(1) + b"\x19\x2c\x48\x06schema\x15" + integer(1) + b"\0" + leaf
        + b"\x16" + integer(rows) + b"\x19\x1c" + group + b"\0"
    )  # fmt: skip
    return b"PAR1" + chunk + footer + len(footer).to_bytes(4, "little") + b"PAR1"


MANY = 100_000_000


def test_the_bombs_are_files_that_can_be_read():
    assert parquet_texts(bomb(3, repetition=1), [], 10_000, 10) == {"title": ["a"] * 3}
    assert pq.read_table(io.BytesIO(bomb(3)))["title"].to_pylist() == [[b"a"] * 3]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (bomb(MANY), "holds lists"),
        (bomb(MANY, repetition=1), "100,000,000 rows"),
        (bomb(MANY, repetition=1, said=3), "a page of 100,000,000 values in a row group of 3"),
        (bomb(2, repetition=1, encoding=6, values=varint(128) + varint(4) + varint(MANY) + b"\0"),
         "is encoded with"),
        (file_of(["title"], [["a"]], store_schema=False)[:-8] + b"\xff\xff\xff\x7fPAR1", "its footer is damaged"),
        (b"PAR1" + b"x" * 300_000 + (280_000).to_bytes(4, "little") + b"PAR1", "280,000 bytes"),
        (file_of(["title"], [[["a", "b"]]]), "holds lists"),
        (file_of(["title"], [[{"a": "b"}]]), "holds lists"),
    ],
    ids=["repeated", "optional", "page", "lengths", "damaged", "footer", "list", "struct"],
)  # fmt: skip
def test_what_would_unpack_to_much_is_refused_before_it_is_read(body, reason):
    began = time.monotonic()
    with pytest.raises(Refusal, match=reason) as caught:
        read_parquet(body, [], Limits(titles=4_096))
    assert caught.value.status in (400, 413) and time.monotonic() - began < 5
    readers = [
        child
        for child in servers.children(os.getpid())
        if "serving.isolated" in Path(f"/proc/{child}/cmdline").read_text()
    ]
    assert all(peak(child) < 300 << 20 for child in readers)


def peak(child):
    """The most bytes that a process had in memory."""
    lines = Path(f"/proc/{child}/status").read_text().splitlines()
    [line] = [line for line in lines if line.startswith("VmHWM")]
    return int(line.split()[1]) << 10


def test_a_dictionary_that_many_groups_share_is_counted_each_time():
    body = file_of(["title"], [["a" * 5_000] * 200], row_group_size=1, compression="none")
    one = pq.ParquetFile(io.BytesIO(body)).metadata.row_group(0).column(0)
    assert unpacked_bytes(body, one, 1) > 5_000
    with pytest.raises(Refusal, match="unpacked bytes; expected at most 40,000"):
        parquet_texts(body, [], 10_000, 1_000)


def test_columns_that_are_not_read_may_hold_anything():
    body = file_of(["title", "tags"], [["a"], [["x", "y"]]])
    assert parquet_texts(body, [], 10_000, 10) == {"title": ["a"]}


@pytest.mark.parametrize(
    "options",
    [{"data_page_version": "2.0"}, {"use_dictionary": False}, {"row_group_size": 7},
     {"compression": "none"}, {"data_page_size": 64}, {"write_statistics": False}],
    ids=str,
)  # fmt: skip
def test_files_of_every_usual_form_are_read(options):
    titles = [None if number % 5 == 4 else f"title {number}" for number in range(60)]
    assert parquet_texts(file_of(["title"], [titles], **options), [], 1 << 20, 100) == {
        "title": titles
    }


@given(st.data())
def test_a_file_with_any_bytes_changed_is_read_or_refused(data):
    body = bytearray(file_of(["title"], [["a", "b", "c"]]))
    for _ in range(data.draw(st.integers(1, 4))):
        body[data.draw(st.integers(4, len(body) - 5))] = data.draw(st.integers(0, 255))
    try:
        query = read_parquet(bytes(body), [], Limits())
    except Refusal as refusal:
        assert refusal.status in (400, 413)
    else:
        assert len(query) <= 4_096
