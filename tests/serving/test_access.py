"""Who may ask a server: no page of another site, and with a token nobody without it."""

import subprocess
import sys

import httpx
import pytest
import servers
from prodcat_server import ROOT, Running

pytestmark = pytest.mark.slow
TOKEN = "a-token-with-enough-letters"


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


def every_route(client, body, **headers):
    """What each address but /ping answers to a request with these headers."""
    json = {"Content-Type": "application/json"}
    return [
        client.post("/models", json=body, headers=headers),
        client.delete("/models/tr", headers=headers),
        client.get("/models", headers=headers),
        client.get("/models/tr", headers=headers),
        client.post("/models/tr/invoke", content='["a"]', headers=json | headers),
        client.post("/invocations", content='["a"]', headers=json | headers),
        client.get("/execution-parameters", headers=headers),
        client.get("/metrics", headers=headers),
        client.get("/openapi.json", headers=headers),
        client.get("/nothing", headers=headers),
    ]


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://attacker.example"},
        {"Origin": "null"},
        {"Origin": ""},
        {"Origin": "http://localhost"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "http://localhost:8080.attacker.example"},
        {"Host": "attacker.example"},
        {"Host": "attacker.example:8080"},
        {"Host": "localhost.attacker.example"},
        {"Host": "127.0.0.1.attacker.example"},
        {"Host": "attacker.example", "Origin": "http://attacker.example"},
        {"Host": "10.0.0.1"},
        {"Host": "localhost:8080@attacker.example"},
        {"Host": ""},
    ],
)
def test_no_page_of_another_site_reaches_a_server_on_this_machine(many, root, headers):
    answers = every_route(many.client, {"model_name": "tr", "url": str(root / "tr")}, **headers)
    assert {answer.status_code for answer in answers} == {403}
    assert all("--allowed-host" in answer.json()["error"] for answer in answers)
    assert many.client.get("/models").json() == {"models": []}
    assert many.client.get("/ping", headers=headers).status_code == 200


def test_two_hosts_are_none(many):
    request = b"GET /models HTTP/1.1\r\nHost: localhost\r\nHost: attacker.example\r\n\r\n"
    assert b" 400 " in many.raw(request).partition(b"\r\n")[0]


def test_the_server_is_called_by_its_names(many):
    here = f"http://127.0.0.1:{many.port}"
    for headers in (
        {},
        {"Host": "localhost"},
        {"Host": "LOCALHOST.:1"},
        {"Host": "[::1]:9000"},
        {"Host": "127.1.2.3"},
        {"Origin": here},
        {"Host": "localhost:9000", "Origin": "http://localhost:9000"},
    ):
        assert many.client.get("/models", headers=headers).status_code == 200, headers


@pytest.mark.parametrize(
    "content_type",
    [None, "", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data",
     "application/jsonlines", "text/plain; application/json", "application/json-patch+json"],
)  # fmt: skip
def test_a_model_is_named_in_json_alone(many, root, content_type):
    body = f'{{"model_name": "tr", "url": "{root}/tr"}}'
    headers = {} if content_type is None else {"Content-Type": content_type}
    answer = many.client.post("/models", content=body, headers=headers)
    assert answer.status_code == 415 and "application/json" in answer.json()["error"]
    assert many.client.get("/models").json() == {"models": []}


def test_with_a_token_nobody_else_is_answered(root):
    server = Running(
        "--many", environment={"PRODCAT_MODELS_ROOT": str(root), "PRODCAT_TOKEN": TOKEN}
    )
    try:
        body = {"model_name": "tr", "url": str(root / "tr")}
        for value in (
            None, "", TOKEN, "Bearer", f"Bearer {TOKEN[:-1]}", f"Bearer {TOKEN}x",
            f"Basic {TOKEN}", f"Bearer {TOKEN.upper()}", "Bearer ş".encode(),
        ):  # fmt: skip
            headers = {} if value is None else {"Authorization": value}
            for answer in every_route(server.client, body, **headers):
                assert answer.status_code == 401 and answer.json()["error"], value
                assert answer.headers["www-authenticate"] == "Bearer"
                assert TOKEN not in answer.text
        assert server.client.get("/ping").status_code == 200
        accepted = {"Authorization": f"Bearer {TOKEN}"}
        statuses = [answer.status_code for answer in every_route(server.client, body, **accepted)]
        assert statuses == [200, 200, 200, 404, 404, 404, 200, 200, 200, 404]
        twice = httpx.Headers([("Authorization", f"Bearer {TOKEN}"), ("Authorization", "Bearer x")])
        assert server.client.get("/models", headers=twice).status_code == 401
        other = {**accepted, "Origin": "http://attacker.example"}
        assert server.client.get("/models", headers=other).status_code == 403
    finally:
        server.stop()


def test_other_machines_reach_a_server_only_if_that_is_asked_for():
    """127.0.0.2 is another address of this machine."""
    port = servers.free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "prodcat", "serve", "--many", "--port", str(port)], cwd=ROOT
    )
    try:
        servers.wait_until(lambda: servers.answers(f"http://127.0.0.1:{port}/ping"), "the server")
        assert not servers.answers(f"http://127.0.0.2:{port}/ping")
    finally:
        servers.stop(process)
