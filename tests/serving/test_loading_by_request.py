"""What a request may name on a server of many models: folders below a root, and nothing else."""

import shutil
import threading
import time

import hostile_servers
import httpx
import pytest
import recorders
import servers
from prodcat_server import Running

pytestmark = pytest.mark.slow
SECRET = "a-secret-of-the-server-7c1f"


@pytest.fixture(scope="module")
def attacker():
    with recorders.recording() as server:
        yield server


@pytest.fixture(scope="module")
def allowed_web(attacker):
    """A web server below which models may be loaded; it answers as the first name says."""
    answers = {
        "silent": hostile_servers.silent,
        "dripping": hostile_servers.dripping,
        "endless": hostile_servers.endless(),
        "elsewhere": hostile_servers.redirecting(f"http://127.0.0.1:{attacker.port}/m.tar.gz"),
    }

    def answer(server, first, headers, send):
        answers[first.split("/")[2]](server, first, headers, send)

    with hostile_servers.HostileServer(answer) as server:
        yield server


@pytest.fixture(scope="module")
def root(small, tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    small.save(str(folder / "tr"))
    return folder


@pytest.fixture(scope="module")
def outside(root, tmp_path_factory):
    """A model that nobody allowed, and links to it from below the root."""
    folder = tmp_path_factory.mktemp("outside")
    shutil.copytree(root / "tr", folder / SECRET)
    (root / "link").symlink_to(folder)
    (root / "file-links").mkdir()
    for file in (root / "tr").iterdir():
        (root / "file-links" / file.name).symlink_to(folder / SECRET / file.name)
    return folder


@pytest.fixture(scope="module")
def many(root, attacker, allowed_web):
    """A server with a root on this machine and one on a web server that never answers."""
    running = Running(
        "--many",
        environment={
            "PRODCAT_MODELS_ROOT": f"{root},{allowed_web.url}/models",
            "PRODCAT_MAX_LOAD": "3",
            "SOME_SECRET": SECRET,
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{attacker.port}",
            "AWS_ACCESS_KEY_ID": "x",
            "AWS_SECRET_ACCESS_KEY": SECRET,
        },
    )
    yield running
    running.stop()


def load(server, name, url, **headers):
    return server.ask({"model_name": name, "url": str(url)}, path="/models", **headers)


def foreign(port, folder):
    """URIs with which a request could make fsspec ask somebody else."""
    host = f"127.0.0.1:{port}"
    return [
        f"reference://m::http://{host}/refs.json",
        f"reference://::http://{host}/refs.json",
        f"REFERENCE://m::http://{host}/refs.json",
        f"simplecache::http://{host}/m",
        f"filecache::http://{host}/m",
        f"blockcache::http://{host}/m",
        f"zip://m::http://{host}/m.zip",
        f"dir::http://{host}/m",
        f"file://{folder}/tr::http://{host}/m",
        f"{folder}/tr::http://{host}/m",
        f"{folder}/::reference://m::http://{host}/refs.json",
        f"http://{host}/m",
        f"HTTP://{host}/m",
        f" http://{host}/m",
        f"http://{host}/m.tar.gz",
        f"http://{host}/store/tr@production",
        f"http://user:secret@{host}/m",
        f"ftp://{host}/m",
        f"webhdfs://{host}/m",
        "s3://bucket/m",
        "s3://bucket/store/tr@production",
    ]


def test_no_uri_of_a_request_makes_the_server_ask_somebody_else(many, root, attacker):
    answers = {uri: load(many, "foreign", uri) for uri in foreign(attacker.port, root)}
    assert attacker.connections == 0, attacker.requests
    assert {uri: answer.status_code for uri, answer in answers.items()} == dict.fromkeys(
        answers, 403
    )
    assert all(SECRET not in answer.text and answer.json()["error"] for answer in answers.values())


def test_no_chain_gets_around_a_root_that_is_a_web_server(many, allowed_web, attacker):
    allowed = allowed_web.url
    for uri in (
        f"{allowed}/models/m::http://127.0.0.1:{attacker.port}/m",
        f"reference://m::{allowed}/models/refs.json",
        f"{allowed}/models/../other",
        f"{allowed}/models/%2e%2e/other",
        f"{allowed}/models2/m",
        f"{allowed}@127.0.0.1:{attacker.port}/models/m",
        f"{allowed}/models/m?next=http://127.0.0.1:{attacker.port}/",
    ):
        assert load(many, "foreign", uri).status_code == 403, uri
    assert attacker.connections == 0 and not allowed_web.requests


def test_nothing_is_told_of_other_folders(many, root, outside):
    there = [
        outside / SECRET, "/root", "/etc/passwd", f"file://{outside}/{SECRET}", root / "link" / SECRET,
        f"{root}/tr/../../{outside.name}/{SECRET}", f"{root}{SECRET}/../../{outside.name}/{SECRET}",
    ]  # fmt: skip
    absent = [f"{uri}-that-is-not-there" for uri in there]
    answers = [load(many, "outside", uri) for uri in (*there, *absent)]
    assert {answer.status_code for answer in answers} == {403}
    reasons = [
        answer.json()["error"].replace(repr(str(uri)), "URI")
        for answer, uri in zip(answers, (*there, *absent), strict=True)
    ]
    assert len(set(reasons)) == 1


def test_links_in_a_model_are_not_followed(many, root, outside):
    answer = load(many, "links", root / "file-links")
    assert answer.status_code in (400, 404), answer.text
    assert str(outside) not in answer.text


def test_a_folder_without_a_model_is_not_listed(many, root):
    (root / "empty").mkdir(exist_ok=True)
    (root / "empty" / SECRET).write_text("")
    for uri in (root / "empty", root):
        answer = load(many, "empty", uri)
        assert answer.status_code == 404 and SECRET not in answer.text and "link" not in answer.text


def test_a_damaged_model_is_not_explained_to_who_named_it(many, root):
    shutil.copytree(root / "tr", root / "damaged", dirs_exist_ok=True)
    (root / "damaged" / "model.safetensors").write_bytes(b"x")
    answer = load(many, "damaged", root / "damaged")
    assert answer.status_code == 400
    assert "log of the server" in answer.json()["error"] and str(root) not in answer.text


def test_a_model_below_a_root_is_loaded(many, root):
    for name, uri in (
        ("path", root / "tr"),
        ("file", f"file://{root}/tr"),
        ("dots", f"{root}/./tr"),
    ):
        assert load(many, name, uri).status_code == 200
        assert many.ask(["sut"], path=f"/models/{name}/invoke").status_code == 200
        assert load(many, name, uri).status_code == 409
        assert many.client.delete(f"/models/{name}").status_code == 200


def test_without_a_root_no_request_names_a_model(root):
    server = Running("--many")
    try:
        answer = load(server, "tr", root / "tr")
        assert answer.status_code == 403 and "--models-root" in answer.json()["error"]
        assert server.client.get("/models").json() == {"models": []}
    finally:
        server.stop()


class Hanging:
    """Loads from a server that never answers, each of them by a client of its own."""

    def __init__(self, server, allowed_web, count):
        self.server, self.uri, self.answers = server, f"{allowed_web.url}/models/silent/m", {}
        before = len(allowed_web.requests)
        self.threads = [threading.Thread(target=self._load, args=(row,)) for row in range(count)]
        for thread in self.threads:
            thread.start()
        servers.wait_until(lambda: len(allowed_web.requests) >= before + count, "the loads", 10)

    def _load(self, number):
        with httpx.Client(base_url=self.server.client.base_url, timeout=60) as client:
            began = time.monotonic()
            body = {"model_name": f"hanging{number}", "url": self.uri}
            self.answers[number] = client.post("/models", json=body), time.monotonic() - began

    def ended(self):
        for thread in self.threads:
            thread.join(20)
        return list(self.answers.values())


def test_a_place_that_hangs_holds_up_nobody_and_not_for_long(many, root, allowed_web):
    hanging = Hanging(many, allowed_web, 3)
    began = time.monotonic()
    assert load(many, "other", root / "tr").status_code == 200
    assert many.ask(["sut"], path="/models/other/invoke").status_code == 200
    assert many.client.delete("/models/other").status_code == 200
    assert time.monotonic() - began < 2.5
    for answer, seconds in hanging.ended():
        assert answer.status_code == 400 and "3 seconds" in answer.json()["error"]
        assert seconds < 8
    assert len(hanging.answers) == 3


def test_a_model_for_which_nobody_waits_any_longer_is_not_loaded(many, root, allowed_web):
    hanging = Hanging(many, allowed_web, 4)
    body = {"model_name": "abandoned", "url": str(root / "tr")}
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(f"http://127.0.0.1:{many.port}/models", json=body, timeout=0.5)
    assert len(hanging.ended()) == 4
    assert load(many, "after", root / "tr").status_code == 200
    assert many.client.delete("/models/after").status_code == 200
    assert many.client.get("/models").json() == {"models": []}


@pytest.mark.parametrize("kind", ["endless/m.tar.gz", "dripping/m", "dripping/m.tar.gz"])
def test_what_is_read_is_bounded_whatever_the_server_sends(many, allowed_web, kind):
    before, began = allowed_web.sent, time.monotonic()
    answer = load(many, "bounded", f"{allowed_web.url}/models/{kind}")
    assert answer.status_code in (400, 404) and answer.json()["error"]
    assert time.monotonic() - began < 9 and allowed_web.sent - before < 32 << 20
    assert many.client.get("/models").json() == {"models": []}


def test_nobody_is_sent_elsewhere(many, allowed_web, attacker):
    for name in ("m", "m.tar.gz", "store/tr@production"):
        answer = load(many, "elsewhere", f"{allowed_web.url}/models/elsewhere/{name}")
        assert answer.status_code in (400, 404)
    assert attacker.connections == 0


def test_a_load_that_hangs_does_not_keep_a_server_from_stopping(allowed_web):
    server = Running(
        "--many",
        environment={"PRODCAT_MODELS_ROOT": f"{allowed_web.url}/models"},
    )
    try:
        before = len(allowed_web.requests)
        body = {"model_name": "m", "url": f"{allowed_web.url}/models/silent/m"}
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(f"http://127.0.0.1:{server.port}/models", json=body, timeout=1)
        assert len(allowed_web.requests) > before
        server.process.terminate()
        server.process.wait(10)
        assert server.process.returncode == 0
    finally:
        server.stop()


def test_a_version_that_is_missing_is_not_found(many, root):
    answer = load(many, "missing", root / "nope@x")
    assert answer.status_code == 404, answer.text
