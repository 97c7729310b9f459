"""Titles that show nothing get no answer, in bodies of every type."""

import csv
import io
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from blank_titles import BLANK, VISIBLE

TITLES = [*VISIBLE.values(), *BLANK.values()]
EMPTY = [False] * len(VISIBLE) + [True] * len(BLANK)


def as_csv():
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows([["title"], *([title] for title in TITLES)])
    return text.getvalue()


def as_parquet():
    out = io.BytesIO()
    pq.write_table(pa.table({"title": TITLES}), out)
    return out.getvalue()


BODIES = {
    "application/json": lambda: json.dumps(TITLES),
    "application/json; objects": lambda: json.dumps({"instances": [{"title": t} for t in TITLES]}),
    "application/jsonlines": lambda: "".join(json.dumps(title) + "\n" for title in TITLES),
    "text/csv": as_csv,
    "application/x-parquet": as_parquet,
}


@pytest.mark.parametrize("kind", BODIES)
def test_empty_titles_are_errors_and_all_others_are_answered(server, kind):
    answer = server.ask(BODIES[kind](), kind.partition(";")[0], Accept="application/jsonlines")
    assert answer.status_code == 200, answer.text
    records = [json.loads(line) for line in answer.text.splitlines()]
    assert [record.get("error") == "empty title" for record in records] == EMPTY
    assert ["path" in record for record in records] == [not empty for empty in EMPTY]


def test_a_blank_line_of_a_table_of_titles_has_a_line_in_the_answer(server):
    body = "title\nmilk\n\nbread\n\n"
    for kind in ("text/csv", "text/csv; header=present"):
        answer = server.ask(body, kind)
        rows = list(csv.DictReader(io.StringIO(answer.text)))
        assert [row["error"] for row in rows] == ["", "empty title", "", "empty title"]
    answer = server.ask("milk\n\nbread\n", "text/csv; header=absent")
    assert len(answer.text.splitlines()) == 3
