"""What may crash: it ends a child, and the server goes on."""

import base64
import io
import json
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from prodcat.serving.isolated import IsolatedFunction
from prodcat.serving.refusal import Refusal


def test_what_crashes_its_reader_is_refused_and_the_next_one_is_read(server, titles):
    own = IsolatedFunction("faulthandler:_sigsegv", "It did not survive.")
    with pytest.raises(Refusal, match="did not survive"):
        own(b"")
    own.close()
    # Whatever is done to a file, the server goes on.
    out = io.BytesIO()
    pq.write_table(pa.table({"title": titles[:4], "sku": [1, 2, 3, 4]}), out)
    whole = out.getvalue()
    rng = np.random.default_rng(0)
    for _ in range(150):
        body = bytearray(whole)
        for place in rng.integers(4, len(body) - 4, rng.integers(1, 12)):
            body[place] = rng.integers(256)
        status = server.ask(bytes(body), "application/x-parquet").status_code
        assert status in (200, 400, 413)
    assert server.ask(whole, "application/x-parquet").status_code == 200


def test_a_child_answers_until_nothing_more_comes():
    """What the child does, seen from the other end of its pipes."""
    out = io.BytesIO()
    pq.write_table(pa.table({"title": ["a", "b"]}), out)
    child = subprocess.Popen(
        [sys.executable, "-m", "prodcat.serving.isolated",
         "prodcat.serving.parquet_bodies:parquet_texts"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    answers = []
    for body in (out.getvalue(), b"PAR1"):
        message = json.dumps([base64.b64encode(body).decode(), [], 10_000, 10]).encode()
        child.stdin.write(len(message).to_bytes(8, "big") + message)
        child.stdin.flush()
        answers.append(json.loads(child.stdout.read(int.from_bytes(child.stdout.read(8), "big"))))
    assert answers[0] == {"value": {"title": ["a", "b"]}}
    assert answers[1]["status"] == 400 and "not a Parquet table" in answers[1]["reason"]
    assert child.communicate()[0] == b"" and child.returncode == 0
