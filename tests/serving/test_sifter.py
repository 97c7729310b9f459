"""Easy titles are answered on the event loop; the others wait for the device, and only these."""

import asyncio
import io
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import event_loops
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest
import servers
from starlette.testclient import TestClient

from prodcat.serving.application import make_app
from prodcat.serving.loaded_models import Models
from prodcat.serving.refusal import Refusal
from prodcat.serving.server import Server
from prodcat.serving.settings import Settings
from prodcat.serving.sifter import Sifter
from prodcat.serving.title_costs import TitleCosts
from prodcat.serving.waiting_requests import Question


@pytest.fixture(scope="module")
def cascading(classifier):
    """The classifier with a cascade, by which n-grams alone answer about half of the titles."""
    cascade = classifier.reader.cascade.with_share(0.5)
    return replace(classifier, reader=replace(classifier.reader, cascade=cascade))


@pytest.fixture(scope="module")
def divided(cascading, rows):
    """Easy and hard titles."""
    inference = cascading.inference(cascade="auto")
    titles = list(dict.fromkeys(row.title for row in rows[:80]))
    easy = [title for title in titles if inference.prepare([title]).parts[0].table is None]
    hard = [title for title in titles if title not in easy]
    assert len(easy) > 8 and len(hard) > 8
    return easy, hard


def started(classifier, folder):
    """A server of the classifier, and a client."""
    classifier.save(str(folder))
    server = Server(Models(precision="float32"), Settings(), str(folder))
    return server, TestClient(make_app(server))


@pytest.fixture(scope="module")
def serving(cascading, tmp_path_factory):
    server, client = started(cascading, tmp_path_factory.mktemp("cascading") / "model")
    with client:
        servers.wait_until(lambda: client.get("/ping").status_code == 200, "the model")
        yield server, client


@pytest.fixture
def busy(serving, cascading):
    """The server while its device does not end a batch, and what lets it end."""
    server, client = serving
    may_end = threading.Event()
    decide = cascading.decision()

    def late(log_probs, groups):
        assert may_end.wait(30)
        return decide(log_probs, groups)

    inference = server.models.get("").whole
    first = server.batcher.submit(inference, Question(["sut"], late))
    yield server, client, may_end
    may_end.set()
    first.result(30)


def post(client, body, **settings):
    content = {"inputs": body, **settings}
    return client.post("/invocations", json=content)


def ids(answer):
    assert answer.status_code == 200, answer.text
    return [one["id"] for one in answer.json()]


def wanted(classifier, titles, **options):
    return [answers[0].node_id for answers in classifier.predict(titles, **options)]


def figure(client, name):
    return float(re.search(rf"{name} ([0-9.]+)", client.get("/metrics").text)[1])


def test_easy_titles_do_not_wait_for_the_device(busy, cascading, divided):
    easy, hard = divided
    server, client, may_end = busy
    before = figure(client, "prodcat_easy_titles_total")
    asked = [hard[0], *easy[:2], hard[1], easy[2], hard[0]]
    with ThreadPoolExecutor(2) as pool:
        mixed = pool.submit(post, client, asked)
        servers.wait_until(lambda: server.batcher.waiting == 4, "only the hard titles")
        assert ids(post(client, easy[:4])) == wanted(cascading, easy[:4])
        assert client.post("/invocations", json=easy[0]).status_code == 200
        assert not mixed.done()
        may_end.set()
        assert ids(mixed.result(30)) == wanted(cascading, asked)
    assert figure(client, "prodcat_easy_titles_total") == before + 8


@pytest.mark.parametrize("settings", [{"top_k": 2}, {"objective": "hierarchical_f1"}])
def test_settings_are_answered_as_by_the_library(serving, cascading, divided, settings):
    easy, hard = divided
    asked = [*easy[:5], *hard[:5]]
    before = figure(serving[1], "prodcat_easy_titles_total")
    assert ids(post(serving[1], asked, **settings)) == wanted(cascading, asked, **settings)
    sifted = figure(serving[1], "prodcat_easy_titles_total") - before
    assert sifted == (0 if "top_k" in settings else 5)


def test_a_promise_is_kept_by_easy_and_hard_titles(cascading, catalog, divided, tmp_path):
    promised = cascading.with_guarantee(catalog)
    _, client = started(promised, tmp_path / "promised")
    easy, hard = divided
    asked = [*hard[:6], *easy[:6]]
    with client:
        servers.wait_until(lambda: client.get("/ping").status_code == 200, "the model")
        answer = post(client, asked, guarantee=0.8)
    nodes = [answers[0].node_id for answers in promised.predict(asked, guarantee=0.8)]
    assert [one["id"] or "" for one in answer.json()] == [node or "" for node in nodes]


def test_confidences_are_the_bits_of_the_library(serving, cascading, divided):
    asked = divided[0]
    found = [one["confidence"] for one in post(serving[1], asked).json()]
    assert found == [round(a[0].confidence, 6) for a in cascading.predict(asked)]
    assert found == [post(serving[1], [title]).json()[0]["confidence"] for title in asked]


def test_many_single_titles_at_once_are_all_answered(serving, cascading, divided):
    titles = [title for pair in zip(*divided, strict=False) for title in pair]
    answers = wanted(cascading, titles)
    with ThreadPoolExecutor(32) as pool:
        found = list(
            pool.map(lambda n: ids(post(serving[1], [titles[n % len(titles)]])), range(256))
        )
    assert found == [[answers[n % len(titles)]] for n in range(256)]


def test_what_n_grams_alone_answer_needs_no_device(small, titles):
    sifter = Sifter(1.5)
    inference, decide = small.inference(), small.decision()

    async def ask():
        questions = [Question([title], decide) for title in titles]
        costs = [TitleCosts.of([title], None) for title in titles]
        assert all(sifter.takes(inference, cost) for cost in costs)
        return await asyncio.gather(
            *(sifter.sift(inference, *pair) for pair in zip(questions, costs, strict=True))
        )

    found = [sifted.complete.nodes[0, 0].item() for sifted in event_loops.run(ask())]
    answers = inference.answers(inference.prepare(titles), decide)
    assert found == answers.nodes[:, 0].tolist()


def test_large_requests_are_left_to_the_device(small, classifier, titles):
    sifter = Sifter(1.5)
    inference = small.inference()
    assert sifter.takes(inference, TitleCosts.of(["a"] * 64, None))
    assert not sifter.takes(inference, TitleCosts.of(["a"] * 65, None))
    assert not sifter.takes(inference, TitleCosts.of(["a" * 5_000], None))
    assert not sifter.takes(classifier.inference(cascade="off"), TitleCosts.of(["a"], None))


def test_one_faulty_request_fails_alone(small, titles):
    sifter, inference, decide = Sifter(1.5), small.inference(), small.decision()

    def broken(log_probs, groups):
        raise ValueError("broken")

    async def ask():
        costs = TitleCosts.of(titles[:2], None)
        return await asyncio.gather(
            *(
                sifter.sift(inference, Question(titles[:2], how), costs)
                for how in (decide, broken, decide)
            ),
            return_exceptions=True,
        )

    first, second, third = event_loops.run(ask())
    assert isinstance(second, ValueError)
    assert first.complete.nodes.tolist() == third.complete.nodes.tolist()


def test_who_would_wait_too_long_is_refused_at_once(small, titles):
    sifter, inference, decide = Sifter(0.001), small.inference(), small.decision()

    async def ask():
        costs = TitleCosts.of(titles, None)
        return await asyncio.gather(
            *(sifter.sift(inference, Question(titles, decide), costs) for _ in range(50)),
            return_exceptions=True,
        )

    results = event_loops.run(ask())
    refused = [one for one in results if isinstance(one, Refusal)]
    assert 0 < len(refused) < 50 and {one.status for one in refused} == {429}
    assert not isinstance(results[0], Refusal)


@pytest.mark.parametrize("form", ["json", "csv", "parquet"])
def test_easy_titles_in_a_large_body_are_answered(serving, divided, form):
    _, client = serving
    easy, hard = divided
    for titles in (easy[:2], [easy[0], hard[0]]):
        rows = [{"title": title, "description": "x" * 7_000} for title in titles]
        if form == "json":
            answer = client.post("/invocations", json={"instances": rows})
        else:
            table, body = pa.Table.from_pylist(rows), io.BytesIO()
            write = {"csv": pa_csv.write_csv, "parquet": pq.write_table}[form]
            write(table, body)
            kind = {"csv": "text/csv", "parquet": "application/x-parquet"}[form]
            headers = {"Content-Type": kind, "Accept": "application/json"}
            answer = client.post("/invocations", content=body.getvalue(), headers=headers)
        assert answer.status_code == 200, answer.text
        answers = answer.json()
        assert len(answers["predictions"] if form == "json" else answers) == len(titles)
    assert client.get("/ping").status_code == 200


def test_a_question_without_titles_is_a_mistake_of_its_caller(serving, cascading):
    server, client = serving
    question = Question([], cascading.decision(), None)
    with pytest.raises(ValueError, match="at least one title"):
        server.batcher.submit(cascading.inference(), question)
    assert client.get("/ping").status_code == 200
