"""Every column of the input is in the output: with its type in Parquet, and as text elsewhere."""

import base64
import csv
import datetime
import decimal
import json
import math
import uuid

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from arrow_columns import columns
from example_counts import example_count
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st

from prodcat.scoring.jobs import score

DIGITS = {"ms": 3, "us": 6, "ns": 9}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("place")


@settings(
    max_examples=example_count(60),
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(st.lists(columns(), min_size=1, max_size=6))
def test_every_type_comes_out(small, place, given_columns):
    table = pa.table({f"c{n}": array for n, (array, _) in enumerate(given_columns)})
    table = table.append_column("title", pa.array(["sut", "ekmek"]))
    try:
        pq.write_table(table, place / "in.parquet")
    except pa.ArrowNotImplementedError:  # Parquet has no such type
        reject()
    for kind in ("parquet", "csv", "jsonl"):
        score(small, str(place / "in.parquet"), str(place / f"out.{kind}"))
    table = pq.read_table(place / "in.parquet")
    out = pq.read_table(place / "out.parquet").select(table.schema.names)
    assert out.schema.types == table.schema.types
    with (place / "out.csv").open(newline="", encoding="utf-8") as file:
        cells = list(csv.DictReader(file))
    lines = (place / "out.jsonl").read_bytes().decode().split("\n")[:-1]
    records = [json.loads(line, parse_constant=pytest.fail) for line in lines]
    assert len(cells) == len(records) == 2
    for number, (_, listed) in enumerate(given_columns):
        name = f"c{number}"
        kind = table.schema.field(name).type
        assert repr(out[name].to_pylist()) == repr(table[name].to_pylist())
        for cell, record, value in zip(cells, records, listed, strict=True):
            assert _decoded(kind, record[name]) == _normal(value), (kind, record[name])
            assert cell[name] in _cells(record[name], value)


def _cells(written, value):
    """The cells of CSV that say the same as a value of JSON."""
    if written is None:
        return ["NaN" if isinstance(value, (float, np.floating)) else ""]
    return [written if isinstance(written, str) else json.dumps(written, ensure_ascii=False)]


def _normal(value):
    """A value with None for NaN, which JSON does not have, and lists for tuples."""
    if isinstance(value, (float, np.floating)):
        return None if math.isnan(value) else float(value)
    if isinstance(value, (list, tuple)):
        return [_normal(own) for own in value]
    if isinstance(value, dict):
        return {key: _normal(own) for key, own in value.items()}
    return value


def _decoded(kind, value):
    """The value that Arrow took, from the JSON that was written for it."""
    if value is None:
        return None
    if isinstance(kind, pa.BaseExtensionType):
        convert = {"arrow.uuid": lambda text: uuid.UUID(text).bytes, "arrow.bool8": int}
        return convert.get(kind.extension_name, str)(value)
    if pa.types.is_dictionary(kind):
        return _decoded(kind.value_type, value)
    if pa.types.is_struct(kind):
        return {name: _decoded(kind.field(name).type, own) for name, own in value.items()}
    if pa.types.is_map(kind):
        return [[key, _decoded(kind.item_type, own)] for key, own in value]
    if pa.types.is_nested(kind):
        return [_decoded(kind.value_type, own) for own in value]
    if pa.types.is_duration(kind):
        return int(decimal.Decimal(value[2:-1]).scaleb(DIGITS[kind.unit]))
    if pa.types.is_time(kind):
        return _since_midnight(value, kind.unit)
    if pa.types.is_timestamp(kind):
        return _since_1970(value, kind)
    for applies, convert in (
        (pa.types.is_floating, float),
        (pa.types.is_decimal, decimal.Decimal),
        (pa.types.is_date, datetime.date.fromisoformat),
    ):
        if applies(kind):
            return convert(value)
    binary = (pa.binary(), pa.large_binary(), pa.binary_view(), pa.binary(3))
    return base64.b64decode(value) if kind in binary else value


def _since_midnight(text, unit):
    hours, minutes, seconds = text.split(":")
    whole = decimal.Decimal(seconds) + 60 * int(minutes) + 3_600 * int(hours)
    return int(whole.scaleb(DIGITS[unit]))


def _since_1970(text, kind):
    end = {None: "", "UTC": "Z", "Asia/Tokyo": "+09:00"}[kind.tz]
    assert text.endswith(end)
    local = np.datetime64(text.removesuffix(end), kind.unit).astype(int)
    return int(local) - (9 * 3_600 * 10 ** DIGITS[kind.unit] if kind.tz == "Asia/Tokyo" else 0)


ODD = [
    *(f"a{letter}b" for letter in "\r\n\t\v\f\x1c\x1d\x1e\x85\u2028\u2029\ufeff\"',;|\\\x01"),
    *(f"{letter}a" for letter in "\r\n \t\ufeff\xa0\"'#=@"),
    *(f"a{letter}" for letter in "\r\n \t\xa0\"\\"),
    "a\r\nb", '""', '"', "", " ", "NA", "null", "None", "007", "1e5", "true", "\U0001f955", "İıŞş",
]  # fmt: skip


@pytest.mark.parametrize("kind", ["csv", "tsv", "jsonl", "parquet"])
@pytest.mark.parametrize("source", ["parquet", "jsonl"])
def test_every_text_is_read_back(small, tmp_path, kind, source):
    rows = {"\ufefffirst": [*ODD, None], "title": ["sut"] * (len(ODD) + 1), "last": [None, *ODD]}
    if source == "parquet":
        pq.write_table(pa.table(rows), tmp_path / "in.parquet")
    else:
        records = [dict(zip(rows, row, strict=True)) for row in zip(*rows.values(), strict=True)]
        text = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)
        (tmp_path / "in.jsonl").write_text(text, encoding="utf-8", newline="")
    out = tmp_path / f"out.{kind}"
    score(small, str(tmp_path / f"in.{source}"), str(out))
    for read, texts in _readers(out).items():
        for name, wanted in rows.items():
            found = texts(name)
            if read in ("csv", "pandas"):  # these cannot tell an empty text from a null
                found, wanted = ([value or "" for value in own] for own in (found, wanted))
            assert found == wanted, (read, name)


def _readers(path):
    """Functions that return a column of a file, by the library that reads it."""
    kind = path.suffix[1:]
    if kind == "parquet":
        frame = pl.read_parquet(path)
        table = pq.read_table(path)
        return {
            "polars": lambda name: frame[name].to_list(),
            "pyarrow": lambda name: table[name].to_pylist(),
        }
    if kind == "jsonl":
        lines = [json.loads(line) for line in path.read_bytes().decode().split("\n")[:-1]]
        frame = pl.read_ndjson(path)
        return {
            "json": lambda name: [line[name] for line in lines],
            "polars": lambda name: frame[name].to_list(),
        }
    separator = {"csv": ",", "tsv": "\t"}[kind]
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter=separator))
    frame = pl.read_csv(path, infer_schema=False, separator=separator)
    texts = pd.read_csv(path, dtype=str, keep_default_na=False, sep=separator, encoding="utf-8")
    return {
        "csv": lambda name: [row[name] for row in rows],
        "polars": lambda name: frame[name].to_list(),
        "pandas": lambda name: texts[name].tolist(),
    }


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_every_text_is_read_back_by_duckdb(small, tmp_path, kind):
    duckdb = pytest.importorskip("duckdb")
    table = pa.table({"title": ["sut"] * len(ODD), "text": ODD})
    pq.write_table(table, tmp_path / "in.parquet")
    score(small, str(tmp_path / "in.parquet"), str(tmp_path / f"out.{kind}"))
    read = "read_parquet" if kind == "parquet" else "read_csv"
    options = "" if kind == "parquet" else ", all_varchar=true, delim=',', quote='\"', escape='\"'"
    place = tmp_path / f"out.{kind}"
    rows = duckdb.sql(f"select text from {read}('{place}'{options})").fetchall()
    assert [row[0] or "" for row in rows] == ODD
