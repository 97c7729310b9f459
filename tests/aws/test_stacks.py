"""AWS's own servers with prodcat behind them, each as a real process on loopback."""

import contextlib
import csv
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
from pathlib import Path

import httpx
import pytest
import servers

ROOT = Path(__file__).parents[2]
ATTRIBUTES = "X-Amzn-SageMaker-Custom-Attributes"
TITLES = ["süt 1 l", "ekmek 500 g", "çay 1 kg"]
java = pytest.mark.skipif(servers.missing_java(), reason="java is not installed")


@pytest.fixture(scope="module")
def unpacked(small, tmp_path_factory):
    """An archive as SageMaker unpacks it."""
    folder = tmp_path_factory.mktemp("opt")
    small.save(str(folder / "model.tar.gz"))
    with tarfile.open(folder / "model.tar.gz") as archive:
        archive.extractall(folder / "model", filter="data")
    return folder / "model"


@pytest.fixture(scope="module")
def ids(small):
    return [best.node_id for [best] in small.predict(TITLES)]


class Client:
    """Of a server's port."""

    def __init__(self, port):
        self.http = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60)

    def ask(self, body, kind="application/json", accept="*/*", path="/invocations", **headers):
        if not isinstance(body, (str, bytes)):
            body = json.dumps(body)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.http.post(
            path, content=body, headers={"Content-Type": kind, "Accept": accept, **named}
        )

    def load(self, name, url):
        return self.http.post("/models", params={"model_name": name, "url": str(url)})


def copy(folder, place):
    return Path(shutil.copytree(folder, place))


@contextlib.contextmanager
def running(folder, handler, **named):
    with servers.multi_model_server(folder, handler, **named) as server:
        client = Client(server.port)
        with client.http:
            yield client


def answers_when_loaded(client, path="/invocations"):
    """This server's ping does not wait for the model, so ask until it answers."""
    servers.wait_until(
        lambda: client.ask(TITLES[:1], path=path).status_code == 200, "the model", 60
    )


@pytest.mark.system
@java
def test_multi_model_server_with_one_model(unpacked, ids, tmp_path):
    with running(tmp_path, "inference:handle", model=unpacked) as client:
        answers_when_loaded(client)
        assert client.http.get("/ping").json() == {"status": "Healthy"}
        answer = client.ask({"inputs": TITLES}, **{ATTRIBUTES: "trace=7"})
        assert [own["id"] for own in answer.json()] == ids
        assert answer.headers[ATTRIBUTES] == "trace=7"
        assert answer.headers["content-type"] == "application/json"
        found = client.ask("\n".join(TITLES), "text/csv", "application/jsonlines")
        assert [json.loads(line)["id"] for line in found.text.splitlines()] == ids
        table = client.ask("\n".join(map(json.dumps, TITLES)), "application/jsonlines", "text/csv")
        assert table.headers["content-type"] == "text/csv"
        assert [row["predicted_id"] for row in csv.DictReader(io.StringIO(table.text))] == ids
        for body, kind, accept, status in [
            (b"x", "text/plain", "*/*", 415),
            (b"{", "application/json", "*/*", 400),
            (b"\xff", "application/json", "*/*", 400),
            (b'["a"]', "application/json", "image/png", 406),
            (json.dumps(["a"] * 10_000), "application/json", "*/*", 413),
        ]:
            wrong = client.ask(body, kind, accept)
            assert wrong.status_code == status
            assert wrong.json()["error"].endswith(".") and "Traceback" not in wrong.text
        assert client.ask(b" " * (7 << 20)).status_code == 413


@pytest.mark.system
@java
def test_multi_model_server_with_many_models(unpacked, ids, tmp_path):
    # What an archive has for this server is enough: none is told of a handler.
    unset = {"SAGEMAKER_HANDLER": "nobody", "PRODCAT_MEMORY_MB": "64"}
    with running(tmp_path / "server", "$$SAGEMAKER_HANDLER$$", environment=unset) as client:
        assert client.load("tr", unpacked).status_code == 200
        assert client.load("tr", unpacked).status_code == 409
        assert [own["id"] for own in client.ask(TITLES, path="/models/tr/invoke").json()] == ids
        assert client.ask(TITLES, path="/models/de/invoke").status_code == 404
        names = [own["modelName"] for own in client.http.get("/models").json()["models"]]
        assert names == ["tr"]
        assert client.http.get("/models/tr").status_code == 200
        assert client.http.delete("/models/tr").status_code == 200
        assert client.http.delete("/models/tr").status_code == 404
        assert client.ask(TITLES, path="/models/tr/invoke").status_code == 404
        assert client.load("tr", unpacked).status_code == 200
        assert [own["id"] for own in client.ask(TITLES, path="/models/tr/invoke").json()] == ids
        assert client.load("gone", tmp_path / "nothing").status_code == 404
        damaged = copy(unpacked, tmp_path / "damaged")
        (damaged / "model.safetensors").write_bytes(b"x")
        assert client.load("damaged", damaged).status_code == 500
        assert client.ask(TITLES, path="/models/damaged/invoke").status_code == 404


@pytest.mark.system
@java
def test_a_model_for_which_there_is_no_memory_is_507(unpacked, tmp_path):
    little = {"PRODCAT_MEMORY_MB": "0.5"}
    with running(tmp_path, "inference:handle", environment=little) as client:
        assert client.load("tr", unpacked).status_code == 507


@pytest.mark.system
@java
def test_the_toolkits_functions(unpacked, ids, tmp_path):
    """With AWS's handler in place of prodcat's, by a manifest that names none."""
    own = copy(unpacked, tmp_path / "model")
    manifest = json.loads((own / "MAR-INF/MANIFEST.json").read_text())
    del manifest["model"]["handler"]
    (own / "MAR-INF/MANIFEST.json").write_text(json.dumps(manifest))
    base = {"SAGEMAKER_BASE_DIR": str(tmp_path)}
    handler = "sagemaker_inference.default_handler_service"
    with running(tmp_path / "server", handler, model=own, environment=base) as client:
        answers_when_loaded(client)
        answer = client.ask({"inputs": TITLES, "parameters": {"top_k": 2}})
        assert [own["id"] for own in answer.json()] == ids
        lines = client.ask("\n".join(TITLES), "text/csv", "application/jsonlines")
        assert [json.loads(line)["id"] for line in lines.text.splitlines()] == ids
        for body, kind, accept, status in [
            (b"x", "text/plain", "*/*", 415),
            (b"{", "application/json", "*/*", 400),
            (b'["a"]', "application/json", "image/png", 406),
        ]:
            wrong = client.ask(body, kind, accept)
            assert wrong.status_code == status
            assert wrong.json()["error"].endswith(".") and "Traceback" not in wrong.text


# -- Ray Serve --------------------------------------------------------------------


@contextlib.contextmanager
def ray_serve(model, folder):
    port = servers.free_port()
    config = folder / "config.yaml"
    config.write_text(
        "proxy_location: HeadOnly\n"
        f"http_options: {{host: 127.0.0.1, port: {port}}}\n"
        "applications:\n"
        "- {name: default, route_prefix: /, import_path: 'prodcat.aws.ray_serve:app'}\n"
    )
    environment = {
        **os.environ,
        "PRODCAT_MODEL": str(model),
        "RAY_USAGE_STATS_ENABLED": "0",
        "PYTHONPATH": str(ROOT),
    }
    log = folder / "ray.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [Path(sys.executable).with_name("serve"), "run", config],
            env=environment, cwd=folder, stdout=out, stderr=out, start_new_session=True,
        )  # fmt: skip
    client = Client(port)

    def ready():
        assert process.poll() is None, log.read_text()
        with contextlib.suppress(httpx.TransportError):
            return client.ask(TITLES[:1], path="/").status_code == 200
        return False

    try:
        servers.wait_until(ready, "Ray Serve", 150)
        yield client
    finally:
        client.http.close()
        process.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(40)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)


def test_ray_serve(unpacked, ids, tmp_path):
    import concurrent.futures

    with ray_serve(unpacked, tmp_path) as client:
        answer = client.ask({"inputs": TITLES}, path="/", **{ATTRIBUTES: "trace=7"})
        assert [own["id"] for own in answer.json()] == ids
        assert answer.headers[ATTRIBUTES] == "trace=7"
        lines = client.ask("\n".join(TITLES), "text/csv", "application/jsonl", "/")
        assert [json.loads(line)["id"] for line in lines.text.splitlines()] == ids
        wrong = client.ask("x", "text/plain", path="/")
        assert wrong.status_code == 415 and "expected" in wrong.json()["error"]
        assert client.ask("{", path="/").status_code == 400
        assert client.ask(TITLES, path="/", Origin="http://attacker.example").status_code == 403
        assert client.ask(TITLES, path="/", **{ATTRIBUTES: "x" * 1_025}).status_code == 400
        big = client.ask(b" " * (7 << 20), path="/")
        assert big.status_code == 413 and "6,291,456" in big.json()["error"]
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            found = list(pool.map(lambda _: client.ask(TITLES, path="/"), range(60)))
        assert all([own["id"] for own in answer.json()] == ids for answer in found)


# -- what is deployed -------------------------------------------------------------

AWS = ROOT / "examples/aws"


@pytest.mark.parametrize("name", ["endpoint.yaml", "multi-model-endpoint.yaml"])
def test_the_endpoints_templates_pass_the_linter(name, tmp_path):
    linter = str(Path(sys.executable).with_name("cfn-lint"))
    done = subprocess.run([linter, AWS / name], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    # The linter would notice.
    text = (AWS / name).read_text()
    (tmp_path / name).write_text(text.replace("TargetTrackingScaling", "Tracking"))
    assert subprocess.run([linter, tmp_path / name], capture_output=True).returncode != 0


def test_the_endpoints_image_is_what_sagemaker_starts():
    text = (AWS / "Dockerfile.endpoint").read_text()
    entry = next(line for line in text.splitlines() if line.startswith("ENTRYPOINT"))
    assert json.loads(entry.removeprefix("ENTRYPOINT ")) == ["python", "-m", "prodcat"]
    for own in ("multi-models", "accept-bind-to-port"):
        assert f"com.amazonaws.sagemaker.capabilities.{own}=true" in text


@contextlib.contextmanager
def front(port):
    """SageMaker's side of an endpoint: takes what boto3 sends, asks the container as it does."""
    import http.server
    import threading

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            assert self.path == "/endpoints/prodcat-tr/invocations"
            body = self.rfile.read(int(self.headers["Content-Length"]))
            target = self.headers.get("X-Amzn-SageMaker-Target-Model")
            path = f"/models/{target}/invoke" if target else "/invocations"
            own = Client(port)
            with own.http:
                answer = own.ask(body, self.headers["Content-Type"], path=path)
            self.send_response(answer.status_code)
            self.send_header("Content-Type", answer.headers["content-type"])
            self.send_header("Content-Length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        def log_message(self, *arguments):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("target", [None, "tr-1.tar.gz"])
def test_the_example_asks_an_endpoint(unpacked, ids, target):
    port = servers.free_port()
    many = {"SAGEMAKER_MULTI_MODEL": "true" if target else "false", "PRODCAT_MODEL": str(unpacked)}
    many["SAGEMAKER_BASE_DIR"] = str(unpacked.parent)
    (unpacked.parent / "models").mkdir(exist_ok=True)
    url = shutil.copytree(unpacked, unpacked.parent / "models/tr", dirs_exist_ok=True)
    process = subprocess.Popen(
        [sys.executable, "-m", "prodcat", "serve", "--host", "127.0.0.1", "--device", "cpu"],
        cwd=ROOT, env={**os.environ, **many, "SAGEMAKER_BIND_TO_PORT": str(port)},
    )  # fmt: skip
    client = Client(port)
    try:

        def ready():
            with contextlib.suppress(httpx.TransportError):
                return client.http.get("/ping").status_code == 200

        servers.wait_until(ready, "the server")
        if target:
            body = {"model_name": target, "url": str(url)}
            assert client.ask(body, path="/models").status_code == 200
        with front(port) as url:
            done = subprocess.run(
                [sys.executable, AWS / "invoke.py", "prodcat-tr", *TITLES, "--endpoint-url", url,
                 *(["--target", target] if target else [])],
                capture_output=True, text=True,
                env={**os.environ, "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x",
                     "AWS_DEFAULT_REGION": "eu-west-1"},
            )  # fmt: skip
        assert done.returncode == 0, done.stderr
        paths = [line.partition("  <- ")[0][6:] for line in done.stdout.splitlines()]
        assert paths == ids
    finally:
        client.http.close()
        servers.stop(process)
