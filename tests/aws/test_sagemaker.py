"""The functions that AWS's servers call, with what they hand over."""

import gzip
import json

import hostile
import numpy as np
import pytest

from prodcat.aws.sagemaker import handle, input_fn, model_fn, output_fn, predict_fn
from prodcat.errors import ArtifactError
from prodcat.serving.refusal import Refusal

TITLES = ["sut 1 l", "ekmek 500 g"]


@pytest.fixture(scope="module")
def folder(small, tmp_path_factory):
    own = tmp_path_factory.mktemp("archive") / "model"
    small.save(str(own))
    return str(own)


@pytest.fixture(scope="module")
def ids(small):
    return [best.node_id for [best] in small.predict(TITLES)]


@pytest.mark.parametrize(
    "turn", [str, str.encode, lambda text: bytearray(text.encode()), json.loads]
)
def test_bodies_come_in_every_form(folder, ids, turn):
    model = model_fn(folder)
    body = turn(json.dumps({"inputs": TITLES, "parameters": {"top_k": 2}}))
    found = json.loads(output_fn(predict_fn(input_fn(body, "application/json"), model), "*/*"))
    assert [own["id"] for own in found] == ids
    assert all(len(own["others"]) == 1 for own in found)
    lines = "".join(json.dumps(title) + "\n" for title in TITLES)
    own = predict_fn(input_fn(lines, "application/jsonlines"), model)
    assert len(output_fn(own, "application/jsonlines").splitlines()) == 2
    with pytest.raises(Refusal, match="is not available"):
        output_fn(own, "image/png")
    with pytest.raises(Refusal, match="not valid JSON") as caught:
        predict_fn(input_fn("{", "application/json"), model)
    assert caught.value.status == 400


@pytest.mark.parametrize("kind", ["application/json", "text/csv", "application/jsonlines", None])
def test_a_parsed_body_is_json_whatever_its_type_was(folder, ids, kind):
    """A toolkit that parses CSV gives a list or an array, and the type that the body had."""
    model = model_fn(folder)
    for body in (TITLES, np.array(TITLES), {"instances": np.array(TITLES)}):
        answered = json.loads(output_fn(predict_fn(input_fn(body, kind), model)))
        answers = answered["predictions"] if isinstance(answered, dict) else answered
        assert [own["id"] for own in answers] == ids
    with pytest.raises(Refusal, match="The body has a set; expected text, bytes or parsed JSON"):
        input_fn({"instances": set(TITLES)}, kind)


def test_blank_lines_and_nulls_have_answers_too(folder):
    model = model_fn(folder)
    for body, kind in (("title\nsut\n\n", "text/csv"), (["sut", None], "application/json")):
        first, second = json.loads(output_fn(predict_fn(input_fn(body, kind), model)))
        assert "path" in first and second == {"error": "empty title"}


class Context:
    """What Multi Model Server's context has of it."""

    def __init__(self, folder, headers):
        self.system_properties = {"model_dir": folder}
        self.headers, self.sent, self.statuses, self.types = headers, {}, {}, {}

    def get_request_header(self, row, name):
        return self.headers[row].get(name)

    def set_response_header(self, row, name, value):
        self.sent[row, name] = value

    def set_response_status(self, code=200, phrase="", idx=0):
        self.statuses[idx] = code

    def set_response_content_type(self, row, value):
        self.types[row] = value


def test_a_batch_of_requests_is_answered_one_by_one(folder, ids):
    attributes = "X-Amzn-SageMaker-Custom-Attributes"
    headers = [
        {"Content-Type": "application/json", attributes: "a=1"},
        {"Content-Type": "text/csv", "Accept": "application/jsonlines"},
        {"Content-Type": "text/plain"},
    ]
    context = Context(folder, headers)
    assert handle(None, context) is None
    found = handle(
        [{"body": json.dumps(TITLES).encode()}, {"body": "\n".join(TITLES)}, {"data": b"x"}],
        context,
    )
    assert [own["id"] for own in json.loads(found[0])] == ids
    assert [json.loads(line)["id"] for line in found[1].splitlines()] == ids
    assert context.statuses == {0: 200, 1: 200, 2: 415} and context.sent == {(0, attributes): "a=1"}
    assert context.types == {
        0: "application/json",
        1: "application/jsonlines",
        2: "application/json",
    }
    assert "text/plain" in json.loads(found[2])["error"]


def test_formats_are_those_of_the_server(folder, ids):
    table = "sku;title\n1;sut 1 l\n2;ekmek 500 g\n"
    headers = [
        {"Content-Type": "text/csv; charset=utf-16", "Accept": "application/json"},
        {"Content-Type": "text/csv; charset=utf-16", "Accept": "application/json"},
        {"Content-Encoding": "gzip"},
        {"Content-Encoding": "gzip"},
        {"Content-Encoding": "br"},
    ]
    context = Context(folder, headers)
    bodies = [
        table.encode("utf-16"),
        table,  # a text that the server has decoded
        gzip.compress(json.dumps(TITLES).encode()),
        gzip.compress(b" " * (6 << 20) + b'["a"]'),
        b"[]",
    ]
    found = [json.loads(body) for body in handle([{"body": body} for body in bodies], context)]
    assert [[own["id"] for own in answers] for answers in found[:3]] == [ids] * 3
    assert context.statuses == {0: 200, 1: 200, 2: 200, 3: 413, 4: 415}
    assert "6,291,456" in found[3]["error"]
    assert context.sent == {
        (0, "Prodcat-Unread-Fields"): '["sku"]',
        (1, "Prodcat-Unread-Fields"): '["sku"]',
        (4, "Accept-Encoding"): "gzip, deflate",
    }
    answers = predict_fn(input_fn(table, "text/csv; charset=windows-1254"), model_fn(folder))
    assert [own["id"] for own in answers[0]] == ids


def test_fields_that_are_not_read_are_logged_once(folder, caplog):
    served = model_fn(folder)
    for sku in ("1", "2"):
        predict_fn(input_fn(f'[{{"title": "sut", "s\\nku": {sku}}}]'), served)
    many = {f"f{n}": n for n in range(1_000)}
    predict_fn(input_fn(json.dumps([{"title": "sut", **many}])), served)
    predict_fn(input_fn('[{"title": "sut", "other": 1}]'), served)
    told = [record.getMessage() for record in caplog.records if "does not read" in record.message]
    assert len(told) == 2 and "'s\\nku'. It reads 'title'" in told[0]
    assert len(told[1]) < 2_000 and "\n" not in "".join(told)


def test_attributes_that_sagemaker_would_not_send_are_refused(folder):
    name = "X-Amzn-SageMaker-Custom-Attributes"
    headers = [{name: "x" * 1_024}, {name: "x" * 1_025}, {name: "a\x1b[2J"}]
    context = Context(folder, headers)
    answers = handle([{"body": b'["sut"]'}] * 3, context)
    assert context.statuses == {0: 200, 1: 400, 2: 400} and set(context.sent) == {(0, name)}
    assert all(name in json.loads(answer)["error"] for answer in answers[1:])


def test_a_fault_is_refused_without_its_traceback(classifier, tmp_path):
    classifier.save(str(tmp_path / "model"))
    hostile.let_tokenizer_panic(tmp_path / "model")
    context = Context(str(tmp_path / "model"), [{}, {}])
    served = model_fn(str(tmp_path / "model"))
    refusal = predict_fn(input_fn('["şeker"]'), served, context)
    assert context.statuses == {0: 500}
    assert json.loads(output_fn(refusal)) == {"error": "The server failed. Its log says why."}
    answers = handle([{"body": '["şeker"]'}, {"body": '["süt"]'}], context)
    assert context.statuses == {0: 500, 1: 200}
    assert json.loads(answers[0]) == {"error": "The server failed. Its log says why."}


def test_what_cannot_be_loaded_is_said_when_it_is_loaded(tmp_path, folder, monkeypatch):
    import torch

    with pytest.raises(ArtifactError):
        handle(None, Context(str(tmp_path / "nothing"), []))

    def full(*arguments, **named):
        raise torch.OutOfMemoryError("no memory on the device")

    monkeypatch.setattr("prodcat.aws.sagemaker.open_model", full)
    with pytest.raises(MemoryError, match="no memory on the device"):
        handle(None, Context(folder + "/", []))
