"""Texts of Parquet files, read without a process of their own."""

import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from prodcat.serving.parquet_bodies import parquet_texts
from prodcat.serving.refusal import Refusal


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
