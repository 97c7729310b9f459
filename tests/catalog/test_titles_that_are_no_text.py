"""Lists and objects are no titles; in further columns they are the same from every source."""

import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import prodcat
from prodcat import CatalogError, ScoringConfig
from prodcat.testing import tiny_classifier

PATHS = ["Food > Milk", "Food > Bread"]
NO_TEXTS = {
    "object": ({"de": "Milch"}, r"title is an object, \{'de': 'Milch'\}; expected a text"),
    "list": (["Milk", "1 l"], r"title is a list, \['Milk', '1 l'\]; expected a text"),
    "empty list": ([], r"title is a list, \[\]; expected a text"),
    "array": (np.array(["Milk"]), "title is a list, array"),
    "set": ({"Milk"}, "title is a set"),
}


@pytest.mark.parametrize(("title", "message"), NO_TEXTS.values(), ids=NO_TEXTS)
def test_a_title_that_is_no_text_is_a_wrong_row(title, message):
    table = {"title": ["Bread", title], "path": PATHS}
    with pytest.raises(CatalogError, match=f"1 wrong .*\n.*no text: 1 .row 2: {message}"):
        prodcat.read_catalog(table)
    aside = prodcat.read_catalog(table, on_error="aside")
    assert aside.titles == ("Bread",)
    assert aside.report.counts() == {"value that is no text": 1}
    assert prodcat.read_catalog(table, on_error="accept").titles == ("Bread", "")


def test_files_with_such_titles_are_scored_with_an_error_in_their_rows(tmp_path):
    titles = [{"de": "Milch"}, "Milk", ["Milk"], None]
    lines = "".join(json.dumps({"title": title}) + "\n" for title in titles)
    (tmp_path / "in.jsonl").write_text(lines, "utf-8")
    scoring = ScoringConfig(part_rows=3)
    prodcat.score(tiny_classifier(), tmp_path / "in.jsonl", tmp_path / "out.jsonl", scoring=scoring)
    rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text("utf-8").splitlines()]
    no_text = "value that is no text"
    assert [row["error"] for row in rows] == [no_text, None, no_text, "empty title"]
    assert [row["predicted_path"] is None for row in rows] == [True, False, True, True]
    assert [row["title"] for row in rows] == titles


def test_lists_in_further_columns_are_the_same_texts_from_every_source(tmp_path):
    columns = {"title": ["a", "b"], "path": PATHS, "tags": [["x", "z"], ["y"]]}
    table = pa.table(columns)
    pq.write_table(table, tmp_path / "t.parquet")
    lines = [json.dumps({name: columns[name][row] for name in columns}) for row in range(2)]
    (tmp_path / "t.jsonl").write_text("\n".join(lines), "utf-8")
    sources = [columns, table, table.to_pandas(), pd.DataFrame(columns)]
    sources += [tmp_path / "t.parquet", tmp_path / "t.jsonl"]
    sources += [{**columns, "tags": [("x", "z"), ("y",)]}]
    read = [prodcat.read_catalog(source, text=["tags"]).texts["tags"] for source in sources]
    assert read == [("['x', 'z']", "['y']")] * len(sources)
