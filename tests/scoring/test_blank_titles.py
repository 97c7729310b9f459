"""Titles that show nothing get no answer, in files of every format."""

import csv
import json

import pandas as pd
import pyarrow.parquet as pq
import pytest
from blank_titles import BLANK, VISIBLE

from prodcat import ScoringConfig, score
from prodcat.testing import tiny_classifier

TITLES = [*BLANK.values(), *VISIBLE.values(), None]
NUMBERS = list(range(len(TITLES)))


def write_csv(path, titles):
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, quoting=csv.QUOTE_ALL)
        writer.writerows([["number", "title"], *zip(NUMBERS, titles, strict=True)])


def write_lines(path, titles):
    lines = [{"number": n, "title": t} for n, t in zip(NUMBERS, titles, strict=True)]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))


def write_parquet(path, titles):
    pd.DataFrame({"number": NUMBERS, "title": titles}).to_parquet(path)


def write_sheet(path, titles):
    clean = [title and title.replace("\x01", "").replace("\x1b", "") for title in titles]
    pd.DataFrame({"number": NUMBERS, "title": clean}).to_excel(path, index=False)


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("t.csv", write_csv),
        ("t.jsonl", write_lines),
        ("t.parquet", write_parquet),
        ("t.xlsx", write_sheet),
    ],
)
def test_empty_titles_are_errors_and_all_others_are_answered(tmp_path, name, write):
    write(tmp_path / name, TITLES)
    scoring = ScoringConfig(part_rows=10)
    report = score(tiny_classifier(), tmp_path / name, tmp_path / "out.parquet", scoring=scoring)
    rows = pq.read_table(tmp_path / "out.parquet").to_pylist()
    errors = [row["error"] for row in rows]
    assert errors == ["empty title"] * len(BLANK) + [None] * len(VISIBLE) + ["empty title"]
    assert [row["predicted_path"] is None for row in rows] == [
        error is not None for error in errors
    ]
    assert report.errors == len(BLANK) + 1
