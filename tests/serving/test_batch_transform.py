"""Batch Transform and asynchronous endpoints: what SageMaker sends, and what comes back."""

import concurrent.futures
import csv
import io
import json
import os
import subprocess
import sys

import pytest
from prodcat_server import ROOT, Running


def transform(server, lines, kind, strategy, join=False, at_once=4):
    """What SageMaker's Batch Transform does with SplitType and AssembleWith Line.

    Lines are sent as many at a time as the server says it takes, or one by one; what comes back
    is put together in order, and joined to what was sent line by line.
    """
    most = server.client.get("/execution-parameters").json()["MaxPayloadInMB"] << 20
    groups, size = [[]], 0
    for line in lines:
        if groups[-1] and (strategy == "SINGLE_RECORD" or size + len(line) + 1 > min(most, 2_000)):
            groups.append([])
            size = 0
        groups[-1].append(line)
        size += len(line) + 1

    def send(group):
        answer = server.ask(b"\n".join(group), kind, Accept=kind)
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"].partition(";")[0] == kind
        return answer.content.removesuffix(b"\n").split(b"\n")

    with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
        found = [line for own in pool.map(send, groups) for line in own]
    if not join:
        return found
    assert len(found) == len(lines)
    if kind == "text/csv":
        return [line + b"," + own for line, own in zip(lines, found, strict=True)]
    return [
        {**(own if isinstance(own := json.loads(line), dict) else {"SageMakerInput": own}),
         "SageMakerOutput": json.loads(answer)}
        for line, answer in zip(lines, found, strict=True)
    ]  # fmt: skip


@pytest.mark.parametrize("strategy", ["MULTI_RECORD", "SINGLE_RECORD"])
def test_batch_transform_of_lines(server, titles, wanted, strategy):
    lines = [json.dumps({"title": title}).encode() for title in titles]
    for row in (3, 17):
        lines[row] = b'{"title": 7}'
    lines[39] = b"{"
    found = [json.loads(own) for own in transform(server, lines, "application/jsonlines", strategy)]
    assert len(found) == 40
    for row, (own, [best]) in enumerate(zip(found, wanted, strict=True)):
        if row in (3, 17, 39):
            assert set(own) == {"error"}
        else:
            assert own["id"] == best.node_id
    joined = transform(server, lines[:39], "application/jsonlines", strategy, join=True)
    assert joined[0]["title"] == titles[0]
    assert joined[0]["SageMakerOutput"]["id"] == wanted[0][0].node_id
    assert "expected a text" in joined[3]["SageMakerOutput"]["error"]


@pytest.mark.parametrize("strategy", ["MULTI_RECORD", "SINGLE_RECORD"])
def test_batch_transform_of_a_table(server, titles, wanted, strategy):
    lines = [json.dumps(title, ensure_ascii=False).encode() for title in titles]
    found = transform(server, lines, "text/csv", strategy, join=True)
    text = b"\n".join(found).decode()
    for row, title, [best] in zip(csv.reader(io.StringIO(text)), titles, wanted, strict=True):
        assert row[0] == title and row[2] == best.node_id


def test_a_container_is_set_by_its_environment(folder, titles, wanted):
    """As of an asynchronous endpoint: large bodies, and much time."""
    own = Running(environment={
        "PRODCAT_MODEL": str(folder), "PRODCAT_MAX_TITLES": "100000", "PRODCAT_PATIENCE": "3600",
        "PRODCAT_MAX_WAITING": "100000", "SAGEMAKER_MAX_PAYLOAD_IN_MB": "50",
        "SAGEMAKER_BATCH_STRATEGY": "SINGLE_RECORD", "PRODCAT_TRANSFORMS": "2",
    })  # fmt: skip
    try:
        said = own.client.get("/execution-parameters").json()
        assert said == {
            "MaxPayloadInMB": 50, "BatchStrategy": "SINGLE_RECORD", "MaxConcurrentTransforms": 2,
        }  # fmt: skip
        answer = own.ask(titles * 200, **{"X-Amzn-SageMaker-Inference-Id": "7"})
        assert [one["id"] for one in answer.json()] == [best[0].node_id for best in wanted] * 200
    finally:
        own.stop()
    # Batch Transform fills a request up to what it may have.
    own = Running(environment={"PRODCAT_MODEL": str(folder), "SAGEMAKER_BATCH": "true"})
    try:
        lines = "\n".join(json.dumps(title) for title in titles * 500)
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            found = list(pool.map(lambda _: own.ask(lines, "application/jsonlines"), range(4)))
        assert [len(answer.text.splitlines()) for answer in found] == [20_000] * 4
    finally:
        own.stop()
    wrong = subprocess.run(
        [sys.executable, "-m", "prodcat", "serve"], capture_output=True, text=True, cwd=ROOT,
        env={**os.environ, "PRODCAT_MAX_TITLES": "many"},
    )  # fmt: skip
    assert wrong.returncode == 2 and "PRODCAT_MAX_TITLES is 'many'; expected" in wrong.stderr
