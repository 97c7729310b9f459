"""Bodies of every type: what they ask, and what is wrong with them."""

import io
import json
import re

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prodcat.serving.bodies import read_body, write_body
from prodcat.serving.media_types import picked_type
from prodcat.serving.refusal import Refusal
from prodcat.serving.settings import Limits

WRONG = [
    (b"", "application/json", 400, "empty"),
    (b"[]", "application/json", 400, "no title"),
    (b"{", "application/json", 400, "not valid JSON"),
    (b"[NaN]", "application/json", 400, "not valid JSON"),
    (b"\xff\xfe", "application/json", 400, "not valid UTF-8|not valid JSON"),
    (b'["a", 7]', "application/json", 400, "Title 2: found 7"),
    (b"7", "application/json", 400, "list of titles"),
    (b'{"instances": "a"}', "application/json", 400, "expected a list"),
    (b'{"instances": ["a"], "topk": 2}', "application/json", 400, "'topk' is not known"),
    (b'{"instances": ["a"], "top_k": 0}', "application/json", 400, "1 to 100"),
    (
        b'{"instances": ["a"], "top_k": %s}' % (b"9" * 5_000),
        "application/json",
        400,
        "5,000 digits",
    ),
    (b'{"instances": ["a"], "top_k": "2"}', "application/json", 400, "expected a whole number"),
    (b'{"instances": ["a"], "objective": "x"}', "application/json", 400, "not supported"),
    (b'{"inputs": ["a"], "parameters": 1}', "application/json", 400, "expected an object"),
    (b'{"titles": ["a"]}', "application/json", 400, "instances"),
    (b'[{"title": "a", "title": "b"}]', "application/json", 400, "'title' is given twice"),
    (b'[{"colour": "b"}]', "application/json", 400, "expected a title"),
    (b"[" * 100_000, "application/json", 400, "deep|not valid JSON"),
    (json.dumps(["a"] * 10_000).encode(), "application/json", 413, "4,096"),
    (json.dumps(["a" * 20_000]).encode(), "application/json", 400, "letters"),
    (b"[" + b" " * (6 << 20) + b'"a"]', "application/json", 413, "6,291,456"),
    (b"a", "text/plain", 415, "application/json"),
    (b"a", "application/jsonx", 415, "application/json"),
    (b"\xff", "text/csv", 400, "not valid UTF-8"),
    (b"a,b\nc,d\n", "text/csv", 400, "header"),
    (b"title,b\nc\n", "text/csv", 400, "the same number in all rows"),
    (b'"a', "text/csv", 400, "not valid CSV"),
    (b"PAR1", "application/x-parquet", 400, "not a Parquet"),
]


@pytest.mark.parametrize(("body", "kind", "status", "said"), WRONG)
def test_wrong_requests_get_a_sentence(server, body, kind, status, said):
    answer = server.ask(body, kind)
    assert answer.status_code == status, answer.text
    reason = answer.json()["error"]
    assert re.search(said, reason) and "Traceback" not in reason and len(reason) < 600


@pytest.mark.parametrize(
    ("body", "kind", "status", "said"), [own for own in WRONG if b"objective" not in own[0]]
)
def test_wrong_bodies_are_refused_without_a_server_too(body, kind, status, said):
    with pytest.raises(Refusal, match=said) as caught:
        read_body(body, kind, [], Limits())
    assert caught.value.status == status


KINDS = ["application/json", "application/jsonlines", "text/csv", "application/x-parquet", None]

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=8) | st.integers(),
    lambda own: (
        st.lists(own, max_size=4)
        | st.dictionaries(
            st.sampled_from(["instances", "inputs", "title", "brand", "top_k", "parameters", "x"]),
            own,
            max_size=4,
        )
    ),
)


def understood_or_refused(body, kind):
    try:
        query = read_body(body, kind, ["brand"], Limits(titles=50))
    except Refusal as refusal:
        assert 400 <= refusal.status < 500 and len(refusal.reason) < 1_000
        return
    sizes = {len(column) for column in query.columns.values()}
    assert sizes == {len(query)} and 0 < len(query) <= 50
    records = [{"error": "x"}] * len(query)
    for own in KINDS[:4]:
        assert write_body(records, query, own)


@given(st.binary(max_size=300), st.sampled_from(KINDS))
def test_any_bytes_are_understood_or_refused(body, kind):
    understood_or_refused(body, kind)


@given(JSON_VALUES, st.sampled_from(KINDS))
def test_any_json_is_understood_or_refused(value, kind):
    understood_or_refused(json.dumps(value).encode(), kind)


@given(st.text(st.sampled_from('ab,"\n title'), max_size=60))
def test_any_csv_is_understood_or_refused(text):
    understood_or_refused(text.encode(), "text/csv")


@given(st.text(max_size=40))
def test_any_accept_is_understood_or_refused(accept):
    try:
        assert picked_type(accept, "text/csv") in KINDS
    except Refusal as refusal:
        assert refusal.status == 406


def test_a_small_body_that_unpacks_to_a_large_one_is_refused(server):
    def table(**options):
        out = io.BytesIO()
        pq.write_table(pa.table({"title": ["a" * 1_000_000] * 4_000}), out, **options)
        return out.getvalue()

    small = table(compression="snappy")
    assert len(small) < 200_000
    answer = server.ask(small, "application/x-parquet")
    assert answer.status_code == 400 and "letters" in answer.json()["error"]
    answer = server.ask(table(compression="zstd"), "application/x-parquet")
    assert answer.status_code == 400 and "compressed with" in answer.json()["error"]
    out = io.BytesIO()
    pq.write_table(pa.table([["a"], ["b"], ["c"]], ["title", "brand", "brand"]), out)
    with pytest.raises(Refusal, match="two columns of one name"):
        read_body(out.getvalue(), "application/x-parquet", ["brand"], Limits())
