"""Reasons for answers over HTTP: what they hold, and their bounds."""

import asyncio
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from prodcat.aws.sagemaker import input_fn, output_fn
from prodcat.serving.bodies import read_body
from prodcat.serving.body_threads import BodyThreads
from prodcat.serving.openapi import openapi
from prodcat.serving.reasons import MOST_EXPLAINED, MOST_LETTERS, explained
from prodcat.serving.refusal import Refusal
from prodcat.serving.served import Served
from prodcat.serving.settings import Limits


@pytest.mark.slow
def test_answers_have_their_reasons_beside_them(server, titles, classifier):
    asked = titles[:3]
    plain = server.ask({"instances": asked}).json()["predictions"]
    answer = server.ask({"instances": [*asked, ""], "explain": True})
    assert answer.status_code == 200, answer.text
    *found, empty = answer.json()["predictions"]
    precision = classifier.pick_precision("auto")
    for own, before, wanted in zip(
        found, plain, classifier.explain(asked, precision=precision), strict=True
    ):
        reasons = own.pop("explanation")
        assert own["path"] == before["path"] == reasons["path"]
        assert [level["path"] for level in reasons["levels"]] == [
            list(level.path) for level in wanted.levels
        ]
        for level in reasons["levels"]:
            total = level["start"] + sum(w["ngrams"] + w["encoder"] for w in level["words"])
            assert level["runner_up"] is None or total == pytest.approx(level["margin"], abs=5e-3)
        if reasons["deletion"] is not None:
            [after] = server.ask([reasons["deletion"]["title"]]).json()
            assert after["path"] == reasons["deletion"]["path"] != own["path"]
    assert "explanation" not in empty and empty["error"]
    blank = server.ask({"instances": ["", "\u200b"], "explain": True}).json()["predictions"]
    assert all("explanation" not in each and each["error"] for each in blank)
    without = server.ask({"instances": asked[:1], "explain": False}).json()["predictions"]
    assert "explanation" not in without[0]
    parameters = server.ask({"inputs": asked[:1], "parameters": {"explain": True}}).json()
    assert parameters[0]["explanation"]["levels"]
    single = server.ask({"title": asked[0], "explain": True}).json()
    assert single["explanation"]["levels"]
    lines = server.ask({"instances": asked, "explain": True}, Accept="application/jsonlines")
    assert all("explanation" in json.loads(line) for line in lines.text.splitlines())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("body", "accept", "status", "said"),
    [
        ({"instances": ["a"], "explain": "yes"}, None, 400, "expected true or false"),
        ({"instances": ["a"] * (MOST_EXPLAINED + 1), "explain": True}, None, 413, "17 titles"),
        ({"instances": ["a" * (MOST_LETTERS + 1)], "explain": True}, None, 413, "4,001 letters"),
        ({"instances": ["a"], "explain": True}, "text/csv", 406, "Reasons are written as"),
        ({"instances": ["a"], "explian": True}, None, 400, "'explian' is not known"),
    ],
)
def test_what_is_too_much_is_refused(server, body, accept, status, said):
    answer = server.ask(body, **({} if accept is None else {"Accept": accept}))
    assert answer.status_code == status, answer.text
    assert said in answer.json()["error"]


def test_a_model_of_the_toolkits_explains_too(small):
    served = Served("", "", small, 1 << 20)
    body = b'{"instances": ["yar\\u0131m ya\\u011fl\\u0131 s\\u00fct 1 l"], "explain": true}'
    query = read_body(*input_fn(body, "application/json"), served.columns, Limits())
    assert query.explain
    [answer] = served.answered(query)
    assert answer["explanation"]["levels"]
    written = output_fn(([answer], query), "application/json")
    assert json.loads(written)["predictions"][0]["explanation"]["path"] == answer["path"]


def test_a_request_that_is_gone_or_late_is_given_up(small):
    decide = small.decision()
    titles = ["süt", "ekmek", "elma"]
    calls = []

    def stopped():
        calls.append(1)
        return len(calls) > 2

    options = decide.options
    with pytest.raises(Refusal) as caught:
        explained(small, options, decide, titles, None, stopped)
    assert caught.value.status == 503 and len(calls) == 3
    with pytest.raises(Refusal):
        explained(small, options, decide, titles, None, bool, time.monotonic() - 1)


def test_those_who_would_wait_too_long_for_others_are_refused():
    async def asked():
        threads, go = BodyThreads(0.05), threading.Event()
        until = time.monotonic() + 60
        await threads.explain(lambda: time.sleep(0.2), 10, until)  # which takes long
        first = asyncio.ensure_future(threads.explain(lambda: go.wait(20), 1_000, until))
        await asyncio.sleep(0)
        with pytest.raises(Refusal) as caught:
            await threads.explain(lambda: None, 1, until)
        assert caught.value.status == 429 and caught.value.retry_after > 0
        go.set()
        await first
        threads.end()

    # In a thread of its own, as the loop of another test may run in this one.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, asked()).result()


def test_the_document_describes_them():
    document = openapi(Limits(), "1")
    schemas = json.dumps(document["components"]["schemas"])
    assert '"explain": {"type": "boolean"' in schemas and '"explanation"' in schemas
