"""Files of the cache that are altered after they were downloaded."""

import functools
import hashlib
import http.server
import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

import prodcat
from prodcat import ArtifactError, Cache
from prodcat.storage.artifact import Artifact
from prodcat.storage.objects import Objects

ROOT = Path(__file__).parents[2]
TITLES = ["VELMORA YARIM YAGLI SUT 1LT", "cikolatali gofret 40 g"]


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture
def remote(small, tmp_path):
    """The address of an artifact that is read through the cache."""
    small.save(str(tmp_path / "remote"))
    handler = functools.partial(Quiet, directory=str(tmp_path / "remote"))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def manifest_of(tmp_path):
    return json.loads((tmp_path / "remote" / "manifest.json").read_text())


def blob_of(tmp_path, name):
    sha256 = manifest_of(tmp_path)["files"][name]["sha256"]
    return tmp_path / "cache" / "blobs" / sha256[:2] / sha256


def alter(path, *, replaced=False, place=-8):
    """Change some bytes of a file; its size and its time of modification stay."""
    about = path.stat()
    content = bytearray(path.read_bytes())
    content[place] ^= 0x40
    path.chmod(0o600)
    if replaced:
        path.unlink()
    path.write_bytes(content)
    path.chmod(about.st_mode & 0o777)
    os.utime(path, ns=(about.st_atime_ns, about.st_mtime_ns))


@pytest.mark.parametrize("name", ["model.safetensors", "taxonomy.json", "config.json"])
@pytest.mark.parametrize("replaced", [False, True])
@pytest.mark.parametrize("loads", [1, 2])
def test_an_altered_file_is_downloaded_again(
    small, remote, tmp_path, caplog, name, replaced, loads
):
    cache = tmp_path / "cache"
    for _ in range(loads):
        prodcat.load(remote, device="cpu", cache=cache)
    blob = blob_of(tmp_path, name)
    expected = blob.read_bytes()
    alter(blob, replaced=replaced)
    again = prodcat.load(remote, device="cpu", cache=cache)
    assert np.array_equal(again.predict_proba(TITLES), small.predict_proba(TITLES))
    assert blob.read_bytes() == expected
    assert f"{name} of" in caplog.text and "was altered in the cache" in caplog.text


def test_an_altered_file_is_not_kept_if_it_cannot_be_downloaded(remote, tmp_path):
    cache = tmp_path / "cache"
    prodcat.load(remote, device="cpu", cache=cache)
    blob = blob_of(tmp_path, "model.safetensors")
    alter(blob)
    (tmp_path / "remote" / "model.safetensors").unlink()
    with pytest.raises(ArtifactError, match=r"has no model.safetensors"):
        prodcat.load(remote, device="cpu", cache=cache)
    assert not blob.exists()


@pytest.mark.parametrize("name", ["model.safetensors", "taxonomy.json"])
def test_what_is_altered_between_its_check_and_its_use_is_refused(remote, tmp_path, name):
    manifest = manifest_of(tmp_path)
    paths = Cache(tmp_path / "cache").fetch(Objects(remote), manifest, remote)
    artifact = Artifact(remote, manifest, paths)
    alter(paths[name])
    with pytest.raises(ArtifactError, match=f"{name} .* was altered in the cache while it was"):
        artifact.tensors() if name == "model.safetensors" else artifact.text(name)


def test_tensors_outlive_their_file(remote, tmp_path):
    """The weights are mapped from the file that was opened, whatever happens to its name."""
    classifier = prodcat.load(remote, device="cpu", cache=tmp_path / "cache")
    expected = classifier.predict_proba(TITLES)
    blob_of(tmp_path, "model.safetensors").unlink()
    assert np.array_equal(classifier.predict_proba(TITLES), expected)


_FETCH = """
import hashlib, json, sys
from prodcat.storage.cache import Cache
from prodcat.storage.objects import Objects
hashes, compute = [], hashlib.file_digest
hashlib.file_digest = lambda *arguments: hashes.append(1) or compute(*arguments)
folder, sha256, size = sys.argv[1:]
manifest = {"files": {"a": {"bytes": int(size), "sha256": sha256}}}
try:
    content = Cache(folder).fetch(Objects("/none"), manifest, "x")["a"].read_bytes()
    print("used", len(hashes))
except ValueError as error:
    print(error)
"""


@pytest.mark.slow
def test_other_processes_know_what_was_verified_unless_it_was_altered(tmp_path):
    content = b"x" * 1_000
    sha256 = hashlib.sha256(content).hexdigest()
    objects, cache = Objects(str(tmp_path / "there")), tmp_path / "cache"
    objects.write("a", content)
    manifest = {"files": {"a": {"bytes": 1_000, "sha256": sha256}}}
    [blob] = Cache(cache).fetch(objects, manifest, "x").values()
    home = tmp_path / "home"

    def other_process():
        done = subprocess.run(
            [sys.executable, "-c", _FETCH, cache, sha256, "1000"],
            capture_output=True, text=True, cwd=ROOT, env={**os.environ, "HOME": str(home)},
        )  # fmt: skip
        return done.stdout.strip() or done.stderr

    time.sleep(0.1)
    assert other_process() == "used 1", "another user's home"
    assert other_process() == "used 0"
    # Whoever can write to the cache alone can alter a file, but not that memory.
    assert not [path for path in (home / ".local").rglob("*") if path.stat().st_mode & 0o077]
    alter(blob)
    assert "has no a, which its manifest lists" in other_process()
    home.chmod(0o777)
    blob.write_bytes(content)
    time.sleep(0.1)
    assert other_process() == other_process() == "used 1", "a memory that others can forge"


def test_uses_do_not_touch_what_tells_that_a_file_is_unaltered(tmp_path):
    objects = Objects(str(tmp_path / "there"))
    objects.write("a", b"x")
    manifest = {"files": {"a": {"bytes": 1, "sha256": hashlib.sha256(b"x").hexdigest()}}}
    cache = Cache(tmp_path / "cache")
    [blob] = cache.fetch(objects, manifest, "x").values()
    before = blob.stat()
    time.sleep(0.02)
    cache.fetch(objects, manifest, "x")
    after = blob.stat()
    assert (after.st_ctime_ns, after.st_mtime_ns) == (before.st_ctime_ns, before.st_mtime_ns)
    [mark] = (tmp_path / "cache" / "used").iterdir()
    assert mark.name == blob.name and mark.stat().st_mtime_ns > before.st_mtime_ns


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_member_of_the_group_cannot_forge_the_memory(tmp_path, monkeypatch):
    from prodcat.storage import verified_files

    memory, path = tmp_path / "verified", tmp_path / "file"
    monkeypatch.setattr(verified_files, "FOLDER", memory)
    monkeypatch.setattr(verified_files, "_in_this_process", set())
    path.write_bytes(b"altered")
    verified_files.remember(path.stat(), "0" * 64)
    with path.open("rb") as file:
        assert verified_files.is_intact(file.fileno(), "0" * 64), "it is remembered"
        verified_files._in_this_process.clear()
        [mark] = memory.iterdir()
        os.chown(mark, 12_345, -1)
        memory.chmod(0o775)
        assert not verified_files.is_intact(file.fileno(), "0" * 64)
    assert memory.stat().st_mode & 0o777 == 0o755


def test_the_memory_is_bounded(tmp_path, monkeypatch):
    from prodcat.storage import verified_files

    monkeypatch.setattr(verified_files, "FOLDER", tmp_path / "verified")
    monkeypatch.setattr(verified_files, "_MOST", 4)
    for number in range(7):
        path = tmp_path / str(number)
        path.write_bytes(bytes([number]))
        verified_files.remember(path.stat(), "x")
        assert len(list((tmp_path / "verified").iterdir())) <= 5
