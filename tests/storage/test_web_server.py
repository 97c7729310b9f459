"""Artifacts on plain web servers, which may know neither ranges nor lengths."""

import hashlib
import http.server
import os
import threading

import pytest

import prodcat
from prodcat import ArtifactError, StoreError
from prodcat.storage.objects import Objects


@pytest.fixture
def web(tmp_path):
    """Python's web server, which does not support ranges."""
    import functools

    handler = functools.partial(_Quiet, directory=str(tmp_path / "web"))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.sent, server.wants, server.says_no_length = 0, None, False
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    (tmp_path / "web").mkdir()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        if self.server.wants and self.headers.get("X-Auth") != self.server.wants:
            self.send_error(403)
            return
        super().do_GET()

    def end_headers(self):
        if self.server.says_no_length:
            self._headers_buffer = [
                line for line in self._headers_buffer if b"Content-Length" not in line
            ]
        super().end_headers()

    def copyfile(self, source, output):
        while piece := source.read(1 << 20):
            output.write(piece)
            self.server.sent += len(piece)


def test_a_server_without_ranges_is_read_forward(web, tmp_path):
    content = os.urandom((20 << 20) + 7)
    (tmp_path / "web/a").write_bytes(content)
    objects = Objects(f"http://127.0.0.1:{web.server_port}")
    assert b"".join(objects.pieces("a", 0, len(content))) == content
    assert web.sent == len(content), "once, not once for each piece"
    assert b"".join(objects.pieces("a", 9 << 20, len(content))) == content[9 << 20 :]
    assert objects.start("a", 100) == content[:100]
    assert objects.start("a", 30 << 20) == content
    assert objects.size("a") == len(content)
    with pytest.raises(ArtifactError, match="arrived altered or truncated 3 times"):
        list(objects.pieces("a", 0, len(content) + 1))
    with pytest.raises(FileNotFoundError):
        list(objects.pieces("none", 0, 1))


def test_a_manifest_without_end_is_not_read_to_its_end(web, small, tmp_path):
    small.save(str(tmp_path / "web/model"))
    uri = f"http://127.0.0.1:{web.server_port}/model"
    again = prodcat.load(uri, device="cpu", cache=tmp_path / "cache")
    assert again.fingerprint == small.fingerprint
    with (tmp_path / "web/model/manifest.json").open("wb") as file:
        file.truncate(4 << 30)
    before = web.sent
    with pytest.raises(ArtifactError, match="expected at most"):
        prodcat.load(uri, device="cpu", cache=tmp_path / "cache")
    assert web.sent - before < 100 << 20


def test_headers_are_sent_with_a_download_that_goes_on(web, small, tmp_path):
    small.save(str(tmp_path / "web/model"))
    uri, web.wants = f"http://127.0.0.1:{web.server_port}/model", "me"
    options = {"headers": {"X-Auth": "me"}}
    content = (tmp_path / "web/model/model.safetensors").read_bytes()
    parts = tmp_path / "cache/parts"
    parts.mkdir(parents=True)
    (parts / hashlib.sha256(content).hexdigest()).write_bytes(content[:1_000])
    again = prodcat.load(uri, device="cpu", cache=tmp_path / "cache", storage_options=options)
    assert again.fingerprint == small.fingerprint


def test_altered_bytes_of_a_server_that_says_no_length(web, small, tmp_path):
    small.save(str(tmp_path / "web/model"))
    web.says_no_length = True
    path = tmp_path / "web/model/model.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    uri = f"http://127.0.0.1:{web.server_port}/model"
    with pytest.raises(ArtifactError, match="model.safetensors .* was altered"):
        prodcat.load(uri, device="cpu", cache=tmp_path / "cache")


def test_a_cache_that_others_can_write_to_is_named(web, small, tmp_path):
    small.save(str(tmp_path / "web/m"))
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o777)
    with pytest.raises(StoreError, match="can be written by everybody") as raised:
        prodcat.load(f"http://127.0.0.1:{web.server_port}/m", device="cpu", cache=shared)
    assert "Cannot read the artifact" not in str(raised.value)
