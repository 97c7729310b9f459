"""Every error is a JSON object with a sentence, whoever notices it and whatever was sent."""

import json
import shutil

import hostile
import pytest
from prodcat_server import Running

pytestmark = pytest.mark.slow
ATTRIBUTES = "X-Amzn-SageMaker-Custom-Attributes"


@pytest.fixture(scope="module")
def root(small, tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    small.save(str(folder / "tr"))
    return folder


@pytest.fixture(scope="module")
def many(root):
    running = Running("--many", environment={"PRODCAT_MODELS_ROOT": str(root)})
    yield running
    running.stop()


def check_form(answer, status):
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert set(answer.json()) == {"error"} and answer.json()["error"].endswith(".")
    assert "Traceback" not in answer.text and ".py" not in answer.text


@pytest.mark.parametrize(
    "name",
    [r"\ud800", r"a\udfffb", r"\u0000", r"a\nb", r"\u202e", r"\u001b[2J", "..", "a/../b", "./a",
     "a" * 1_025, "ş" * 513, ""],
)  # fmt: skip
def test_a_name_that_no_address_can_have_is_refused(many, root, name):
    body = f'{{"model_name": "{name}", "url": "{root}/tr"}}'
    check_form(many.ask(body, path="/models"), 400)
    assert many.client.get("/models").json() == {"models": []}


@pytest.mark.parametrize(
    "body",
    [
        '{"model_name": "tr", "url": "TR", "url": "OTHER"}',
        '{"model_name": "tr", "model_name": "de", "url": "TR"}',
        '{"model_name": "tr", "url": "TR", "size": NaN}',
        '{"model_name": "tr", "url": "TR", "size": Infinity}',
        '{"model_name": "tr", "url": "TR", "size": ' + "9" * 5_000 + "}",
        '{"model_name": "tr", "url": "TR", "more": ' + "[" * 20_000 + "]" * 20_000 + "}",
        '{"model_name": "tr", "url": "TR", "more": {"a": 1, "a": 2}}',
        '{"model_name": "tr", "url": "TR"} ',
        '{"model_name": ["tr"], "url": "TR"}',
        '{"model_name": "tr", "url": {"a": "TR"}}',
        '{"model_name": "tr", "url": ""}',
        '[["model_name", "tr"], ["url", "TR"]]',
        '"model_name"',
        "null",
        "",
    ],
)
def test_json_that_can_be_read_in_two_ways_is_refused(many, root, body):
    whole = body.replace("TR", f"{root}/tr")
    if body.endswith("} "):
        whole = whole.rstrip() + "x"
    check_form(many.ask(whole, path="/models"), 400)
    assert many.client.get("/models").json() == {"models": []}


def test_a_body_that_names_a_model_is_short(many, root):
    body = {"model_name": "tr", "url": f"{root}/tr", "more": "x" * 70_000}
    check_form(many.ask(body, path="/models"), 413)


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/models", {"GET", "HEAD", "POST"}),
        ("GET", "/invocations", {"POST"}),
        ("OPTIONS", "/models/tr", {"DELETE", "GET", "HEAD"}),
        ("POST", "/models/tr", {"DELETE", "GET", "HEAD"}),
        ("PATCH", "/models/tr/invoke", {"POST"}),
        ("POST", "/ping", {"GET", "HEAD"}),
    ],
)
def test_a_wrong_method_is_told_the_right_ones(many, method, path, allowed):
    answer = many.client.request(method, path)
    check_form(answer, 405)
    assert set(answer.headers["allow"].split(", ")) == allowed


def test_nothing_is_redirected_to_where_the_host_header_says(many):
    headers = {"Host": "localhost:1"}
    for path in ("/ping/", "/models/", "/invocations/", "//ping", "/models/tr/invoke/"):
        target = {"target": path.encode()}  # httpx would take //ping for a host
        answer = many.client.get("/", headers=headers, extensions=target)
        check_form(answer, 404)
        assert "location" not in answer.headers
    assert not many.client.get("/", headers=headers).is_redirect


def test_a_path_is_shown_as_text_alone(many):
    for path in ("/%00%1b[2J", "/<script>", "/" + "x" * 5_000, "/%ed%a0%80", "/%ff"):
        answer = many.client.get(path)
        check_form(answer, 404)
        assert len(answer.text) < 300 and answer.text.isprintable()


def test_attributes_come_back_as_they_were_sent_or_are_refused(many):
    for value in ("x" * 1_024, "trace=7, a b"):
        answer = many.client.get("/models", headers={ATTRIBUTES: value})
        assert answer.status_code == 200 and answer.headers[ATTRIBUTES] == value
    for value in ("x" * 1_025, "ş".encode(), b"a\tb", "x" * 20_000):
        answer = many.client.get("/models", headers={ATTRIBUTES: value})
        check_form(answer, 400)
        assert ATTRIBUTES not in answer.headers


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=-1", "limit=1e3", "limit=", "limit=999999999999", "limit=%D9%A1",
     "next_page_token=x", "next_page_token=-1", "next_page_token=", "limit=1_0", "limit=%2B1"],
)  # fmt: skip
def test_pages_are_counted_with_plain_numbers(many, query):
    check_form(many.client.get(f"/models?{query}"), 400)


def test_pages_after_the_last_are_empty(many):
    assert many.client.get("/models?next_page_token=99999999").json() == {"models": []}


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"nonsense\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET /models HTTP/9.9\r\nHost: localhost\r\n\r\n",
        b"GET /models HTTP/1.1\r\nHost: localhost\r\nno colon\r\n\r\n",
        b"GET /mo dels HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"BREW /models HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"POST /models HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n\r\n",
        b"POST /models HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"POST /models HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        b"Transfer-Encoding: chunked\r\n\r\nZZ\r\n",
        b"GET /models HTTP/1.1\r\n\r\n",
        b"GET /models HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade, close\r\n"
        b"Upgrade: websocket\r\nOrigin: http://attacker.example\r\n\r\n",
    ],
)
def test_what_is_no_http_is_refused_in_the_same_form(many, request_bytes):
    head, _, body = many.raw(request_bytes).partition(b"\r\n\r\n")
    status, *headers = head.decode().lower().split("\r\n")
    assert status.startswith("http/1.1 4")
    assert {"content-type: application/json", "x-content-type-options: nosniff"} <= set(headers)
    assert json.loads(body)["error"].endswith(".")


def test_answers_are_not_taken_for_another_type(many):
    for path in ("/ping", "/models", "/metrics", "/openapi.json"):
        assert many.client.get(path).headers["x-content-type-options"] == "nosniff"


def test_a_tokenizer_that_panics_is_an_error_like_others(folder, many, root):
    shutil.copytree(folder, root / "panics")
    hostile.let_tokenizer_panic(root / "panics")
    body = {"model_name": "panics", "url": str(root / "panics")}
    loaded = many.ask(body, path="/models")
    assert loaded.status_code == 200, loaded.text
    assert many.ask(["süt"], path="/models/panics/invoke").status_code == 200
    for titles in (["şeker"], ["şeker"] * 500):
        check_form(many.ask(titles, path="/models/panics/invoke"), 500)
    assert many.ask(["süt"], path="/models/panics/invoke").status_code == 200
    assert many.client.delete("/models/panics").status_code == 200
