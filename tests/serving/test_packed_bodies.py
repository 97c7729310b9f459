"""Bodies that are compressed: read as plain ones, within the same limit."""

import gzip
import json
import tracemalloc
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prodcat.serving.packed_bodies import content_coding, unpacked
from prodcat.serving.refusal import Refusal

MOST = 6 << 20


def raw(body):
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(body) + packer.flush()


FORMS = {"gzip": gzip.compress, "x-gzip": gzip.compress, "GZIP": gzip.compress,
         "deflate": zlib.compress, "Deflate": raw}  # fmt: skip


def packed(server, body, coding="gzip", kind="application/json", **headers):
    return server.ask(body, kind, **{"Content-Encoding": coding, **headers})


@pytest.mark.parametrize("coding", FORMS)
def test_packed_bodies_are_answered_as_plain_ones(server, titles, wanted, coding):
    ids = [best.node_id for [best] in wanted]
    body = json.dumps(titles).encode()
    for times in (1, 50):  # parsed at once, and in a thread
        answer = packed(server, FORMS[coding](json.dumps(titles * times).encode()), coding)
        assert answer.status_code == 200, answer.text
        assert [own["id"] for own in answer.json()] == ids * times
    small = FORMS[coding](json.dumps(titles[:1]).encode() + b" " * 20_000)
    assert packed(server, small, coding).json()[0]["id"] == ids[0]
    lines = "\n".join(map(json.dumps, titles)).encode()
    answer = packed(server, FORMS[coding](lines), coding, "application/jsonlines")
    assert [json.loads(line)["id"] for line in answer.text.splitlines()] == ids
    if "zip" in coding.lower():  # a body may be packed in parts
        parts = FORMS[coding](body[:100]) + FORMS[coding](b"") + FORMS[coding](body[100:])
        assert [own["id"] for own in packed(server, parts, coding).json()] == ids


@pytest.mark.parametrize(
    "coding", ["br", "zstd", "compress", "gzip, gzip", "gzip;q=1", "deflate, br"]
)
def test_other_codings_are_refused_with_those_that_are_supported(server, coding):
    answer = packed(server, b'["a"]', coding)
    assert answer.status_code == 415 and "'gzip', 'deflate'" in answer.json()["error"]
    assert answer.headers["accept-encoding"] == "gzip, deflate"
    assert packed(server, b'["a"]', "Identity").status_code == 200
    # A 415 for another reason must not have the header (RFC 9110).
    other = server.ask(b"a", "text/plain")
    assert other.status_code == 415 and "accept-encoding" not in other.headers


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (gzip.compress(b'["a"]', mtime=0)[:-1], "ends before the end"),
        (gzip.compress(b'["a"]', mtime=0)[:12], "ends before the end"),
        (b"\x1f\x8b", "ends before the end"),
        (gzip.compress(b'["a"]', mtime=0)[:-5] + b"\0" * 5, "not valid gzip"),
        (gzip.compress(b'["a"]', mtime=0) + b"more", "not valid gzip"),
        (gzip.compress(b'["a"]', mtime=0) + b"\0\0", "not valid gzip"),
        (b'["a"]', "not valid gzip"),
        (zlib.compress(b'["a"]'), "not valid gzip"),
        (gzip.compress(b"", mtime=0) * 10_001, "10,000 gzip members"),
        (gzip.compress(b"", mtime=0), "empty"),
        (b"", "empty"),
    ],
)
def test_damaged_bodies_are_refused(server, body, reason):
    answer = packed(server, body)
    assert answer.status_code == 400 and reason in answer.json()["error"], answer.text


def test_what_follows_deflate_data_is_refused(server):
    answer = packed(server, zlib.compress(b'["a"]') + b"x", "deflate")
    assert answer.status_code == 400 and "after the end" in answer.json()["error"]


def peak(server):
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) << 10


def test_bombs_cost_no_memory(server):
    packer = zlib.compressobj(9, wbits=31)
    block = b" " * (1 << 20)
    bomb = b"".join(packer.compress(block) for _ in range(1_024)) + packer.flush()
    assert len(bomb) < 2 << 20
    small = gzip.compress(b" " * (MOST + 1))
    assert len(small) < 6_400
    allowed = gzip.compress(b" " * (MOST - 5) + b'["a"]')
    assert packed(server, allowed).status_code == 200
    before = peak(server)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda body: packed(server, body), [bomb, small] * 12))
        assert server.client.get("/ping").status_code == 200
    assert {answer.status_code for answer in answers} <= {413, 429}
    assert any("6,291,456" in answer.text for answer in answers)
    assert peak(server) - before < 100 << 20
    assert packed(server, gzip.compress(b'["a"]')).status_code == 200


def test_no_more_than_the_limit_is_unpacked():
    packer = zlib.compressobj(9, wbits=31)
    bomb = b"".join(packer.compress(bytes(1 << 20)) for _ in range(256)) + packer.flush()
    tracemalloc.start()
    try:
        assert unpacked(bomb, "gzip", 1 << 20) is None
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
    finally:
        tracemalloc.stop()


@given(st.binary(max_size=2_000), st.integers(1, 40), st.sampled_from(["gzip", "deflate"]))
def test_the_limit_holds_to_the_byte(body, parts, coding):
    if coding == "gzip":
        cuts = [len(body) * n // parts for n in range(parts + 1)]
        whole = b"".join(gzip.compress(body[a:b]) for a, b in zip(cuts, cuts[1:], strict=False))
    else:
        whole = zlib.compress(body)
    assert unpacked(whole, coding, len(body)) == body
    assert unpacked(whole, coding, len(body) + 1) == body
    if body:
        assert unpacked(whole, coding, len(body) - 1) is None
    with pytest.raises(Refusal):
        unpacked(whole[:-1], coding, len(body))


def test_codings_come_in_several_headers():
    assert content_coding([]) is content_coding([""]) is content_coding(["identity", ""]) is None
    assert content_coding(["identity", "X-GZIP"]) == "gzip"
    with pytest.raises(Refusal, match="gzip, br"):
        content_coding(["gzip", "br"])


def test_fields_that_are_not_read_are_told(server):
    for count in (1, 200):
        answer = server.ask([{"title": "a", "sku": 7, "größe": None}] * count)
        assert json.loads(answer.headers["prodcat-unread-fields"]) == ["sku", "größe"]
    lines = server.ask('{"title": "a", "id": 7}\n"b"\n', "application/jsonlines")
    assert json.loads(lines.headers["prodcat-unread-fields"]) == ["id"]
    assert [set(json.loads(line)) >= {"path"} for line in lines.text.splitlines()] == [True] * 2
    table = server.ask("sku;title\n7;a\n", "text/csv")
    assert (
        table.text.splitlines()[0].startswith("predicted_path")
        and len(table.text.splitlines()) == 2
    )
    assert json.loads(table.headers["prodcat-unread-fields"]) == ["sku"]
    assert "prodcat-unread-fields" not in server.ask(["a"]).headers
