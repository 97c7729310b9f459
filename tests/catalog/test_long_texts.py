"""A text of too many letters is a problem of its row, in training and in scoring."""

import gzip

import pyarrow as pa
import pytest
from memory import run_and_measure

import prodcat
from prodcat.catalog.reading import read_catalog
from prodcat.classifier.rows import read_rows

MOST_LETTERS = 10_000
EMPTY_TITLE, TOO_LONG = "empty title", "text too long"
LONG = "süt " * 10_000
FITS = "x" * MOST_LETTERS
PATHS = ["Food > Milk"] * 4


def _sources(tmp_path):
    """The same titles in each kind of source."""
    import pandas as pd
    import polars as pl

    columns = {"title": ["sut", LONG, f"  {FITS}  ", LONG], "path": PATHS}
    pd.DataFrame(columns).to_csv(tmp_path / "in.csv", index=False)
    return [
        columns,
        pd.DataFrame(columns),
        pl.DataFrame(columns),
        pa.table(columns),
        pa.table({**columns, "title": pa.array(columns["title"]).dictionary_encode()}),
        pa.table({**columns, "title": pa.array([t.encode() for t in columns["title"]])}),
        pa.table({**columns, "title": pa.array(columns["title"], pa.string_view())}),
        pa.table(
            {**columns, "title": pa.RunEndEncodedArray.from_arrays([1, 2, 3, 4], columns["title"])}
        ),
        str(tmp_path / "in.csv"),
    ]


def test_each_kind_of_source_names_the_rows(tmp_path):
    for source in _sources(tmp_path):
        catalog = read_catalog(source, on_error="aside")
        assert [(p.row, p.reason) for p in catalog.report.problems] == [
            (1, TOO_LONG),
            (3, TOO_LONG),
        ]
        assert catalog.titles == ("sut", FITS) and catalog.rows.tolist() == [0, 2]
        problem = catalog.report.problems[0]
        assert problem.detail == f"title has more than 10,000 letters; it begins {LONG[:40]!r}"
        assert len(problem.record["title"]) == MOST_LETTERS + 1
    with pytest.raises(prodcat.CatalogError, match="text too long: 2 \\(row 2: title has more"):
        read_catalog(source)


def test_further_texts_and_lists_count_too():
    columns = {"title": ["sut", "ekmek", "su"], "brand": [LONG, "b", ["a" * 30_000]]}
    catalog = read_catalog(columns, path=None, text=["brand"], on_error="accept")
    assert [(p.row, p.reason) for p in catalog.report.problems] == [(0, TOO_LONG), (2, TOO_LONG)]
    assert [len(text) for text in catalog.texts["brand"]] == [MOST_LETTERS, 1, MOST_LETTERS]
    kept = read_catalog({"title": ["sut"], "html": [LONG]}, path=None, keep=["html"])
    assert kept.columns["html"] == (LONG,) and not kept.report.problems


def test_a_row_with_a_text_that_is_too_long_is_not_answered(small):
    columns = {"title": ["sut", LONG, "ekmek", " "], "brand": ["s\udcfct", "b\udcfc", LONG, LONG]}
    rows = read_rows(small, columns, text=["brand"])
    assert rows.errors == {0: "invalid UTF-8", 1: TOO_LONG, 2: TOO_LONG, 3: EMPTY_TITLE}
    assert [len(text) for text in rows.texts[1:3]] == [0, 0]


def test_many_long_titles_take_little_memory(tmp_path):
    path = tmp_path / "in.csv.gz"
    with gzip.open(path, "wt", compresslevel=1) as file:
        file.write("title\n")
        file.writelines(f"{number}{'x' * 500_000}\n" for number in range(400))
    said, memory = run_and_measure(
        """
from prodcat.catalog.reading import read_catalog
catalog = read_catalog(arguments[0], path=None, on_error="aside")
return len(catalog.report.problems)
""",
        path,
    )
    assert said == "400" and memory < 140
