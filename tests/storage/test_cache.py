"""Downloads that many share, that are broken off, that are damaged or that no longer fit."""

import errno
import hashlib
import logging
import os
import shutil
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from fault_plans import always
from stores import another

import prodcat
from prodcat import ArtifactError, Cache, Key, Store, StoreError
from prodcat.storage.objects import Objects

ROOT = Path(__file__).parents[2]
system = pytest.mark.system


_LOAD = """
import json, sys, prodcat
uri, cache, options = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
classifier = prodcat.load(uri, device="cpu", cache=cache, storage_options=options)
print(classifier.origin)
"""


def loads(uri, cache, options, count):
    import json

    arguments = [sys.executable, "-c", _LOAD, uri, str(cache), json.dumps(options)]
    processes = [
        subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                         cwd=ROOT)
        for _ in range(count)
    ]  # fmt: skip
    done = [process.communicate() for process in processes]
    assert all(process.returncode == 0 for process in processes), done
    return [out.strip() for out, _ in done]


def test_many_processes_download_once_and_then_never(store, proxy, small, tmp_path):
    version = store.publish(small, "tr", alias="production")
    cache = tmp_path / "shared"
    proxy.reset_counts()
    origins = loads(f"{store.uri}/tr@production", cache, proxy.s3.options, 4)
    assert origins == [f"tr@{version}"] * 4
    files = [
        path.rsplit("/", 1)[-1]
        for method, path, _ in proxy.requests
        if method == "GET" and f"{version}/" in path and "manifest" not in path
    ]
    assert sorted(files) == sorted(set(files)), "each file was downloaded by one process"
    proxy.reset_counts()
    loads(f"{store.uri}/tr@{version}", cache, proxy.s3.options, 1)
    assert proxy.connections == 0
    loads(f"{store.uri}/tr@production", cache, proxy.s3.options, 1)
    assert len(proxy.requests) == 2, "what events there are, and the last one"


def one_file(objects, name, content):
    """Write a file; a manifest that lists it."""
    objects.write(name, content)
    return {"files": {name: {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}}}


def test_who_comes_while_another_downloads_waits_for_it(proxy, bucket, tmp_path):
    objects = Objects(f"s3://{bucket}/x", proxy.s3.options)
    manifest = one_file(objects, "config.json", b"x" * 1_000)
    proxy.plan = always(("slow", 0.5))
    proxy.reset_counts()
    barrier = threading.Barrier(5)

    def fetch(_):
        barrier.wait()
        return Cache(tmp_path / "cache").fetch(objects, manifest, "x")["config.json"].read_bytes()

    with ThreadPoolExecutor(5) as pool:
        assert set(pool.map(fetch, range(5))) == {b"x" * 1_000}
    assert len(proxy.requests) == 1


def test_the_cache_itself_compares_hashes(tmp_path):
    """Also where neither the server nor the client compares a checksum."""
    objects = Objects(str(tmp_path / "there"))
    manifest = one_file(objects, "config.json", b"x" * 1_000)
    objects.write("config.json", b"y" * 1_000)
    with pytest.raises(ArtifactError, match="config.json .* was altered: SHA-256"):
        Cache(tmp_path / "cache").fetch(objects, manifest, "x")
    held = [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]
    assert [path.parent.name for path in held] in ([], ["locks"])


def test_a_broken_download_goes_on_where_it_ended(proxy, bucket, tmp_path, monkeypatch):
    monkeypatch.setattr("prodcat.storage.objects.PIECE", 100_000)
    content = np.random.default_rng(0).bytes(1_000_000)
    objects = Objects(f"s3://{bucket}/x", proxy.s3.options, patience=0.3)
    manifest = one_file(objects, "model.safetensors", content)

    def after_half(method, path, headers):
        start = int(headers.get("range", "bytes=0-").split("=")[1].split("-")[0])
        return ("reset", 10) if start >= 500_000 else None

    proxy.plan = after_half
    cache = Cache(tmp_path / "cache")
    with pytest.raises(StoreError, match="Tried for"):
        cache.fetch(objects, manifest, "x")
    [part] = (tmp_path / "cache" / "parts").iterdir()
    assert part.stat().st_size == 500_000
    proxy.plan = lambda *_: None
    proxy.reset_counts()
    paths = cache.fetch(objects, manifest, "x")
    assert paths["model.safetensors"].read_bytes() == content
    assert proxy.bytes_sent == 500_000, "only the rest"
    assert not list((tmp_path / "cache" / "parts").iterdir())
    # A part that is not the start of this file is thrown away.
    paths["model.safetensors"].unlink()
    part.write_bytes(b"x" * 300_000)
    assert cache.fetch(objects, manifest, "x")["model.safetensors"].read_bytes() == content
    paths["model.safetensors"].unlink()
    part.write_bytes(content + b"more")
    assert cache.fetch(objects, manifest, "x")["model.safetensors"].read_bytes() == content


def test_without_a_network_what_was_loaded_is_loaded(store, proxy, small, caplog, tmp_path):
    version = store.publish(small, "tr", alias="production")
    store.load("tr@production")
    proxy.close()
    assert store.load(f"tr@{version}").origin == f"tr@{version}"
    offline = Store(
        store.uri, storage_options=proxy.s3.options, cache=tmp_path / "cache", patience=1
    )
    with caplog.at_level(logging.WARNING):
        assert offline.load("tr@production").origin == f"tr@{version}"
    assert "which it named when it was last resolved here" in caplog.text
    with pytest.raises(StoreError, match="Tried for"):
        offline.load("tr@candidate")


def test_lost_rights_are_no_lost_network(store, proxy, small):
    store.publish(small, "tr", alias="production")
    store.load("tr@production")
    proxy.plan = always(("status", 403, "AccessDenied"))
    with pytest.raises(StoreError, match="lack the right"):
        store.load("tr@production")


def test_a_cache_that_can_only_be_read_serves(store, proxy, small, tmp_path, monkeypatch):
    version = store.publish(small, "tr")
    store.load(f"tr@{version}")
    cache = tmp_path / "cache"
    proxy.reset_counts()
    shutil.copytree(cache, tmp_path / "image")

    def refused(*_, **__):
        raise OSError(errno.EROFS, "Read-only file system")

    # As root, the rights of a folder keep nobody from writing to it.
    monkeypatch.setattr(os, "utime", refused)
    opened = Path.open

    def only_read(path, mode="r", *rest, **more):
        return refused() if set(mode) & set("wa+x") else opened(path, mode, *rest, **more)

    monkeypatch.setattr(Path, "open", only_read)
    assert Store(store.uri, storage_options=proxy.s3.options, cache=tmp_path / "image").load(
        f"tr@{version}"
    )
    assert proxy.connections == 0


def test_a_file_of_the_cache_that_is_cut_is_downloaded_again(store, small, tmp_path):
    version = store.publish(small, "tr")
    store.load(f"tr@{version}")
    for blob in (tmp_path / "cache" / "blobs").rglob("*"):
        if blob.is_file():
            blob.chmod(0o644)
            blob.write_bytes(blob.read_bytes()[:-1])
    for note in (tmp_path / "cache" / "notes").iterdir():
        note.write_bytes(b"{")
    again = store.load(f"tr@{version}")
    assert np.array_equal(again.predict_proba(["sut"]), small.predict_proba(["sut"]))


@pytest.mark.parametrize(
    ("most", "left"), [(25_000, [True, False, False, True]), (35_000, [True, False, True, True])]
)
def test_the_cache_is_bounded_and_forgets_what_was_used_longest_ago(
    bucket, proxy, tmp_path, most, left
):
    objects = Objects(f"s3://{bucket}/x", proxy.s3.options)
    cache = Cache(tmp_path, max_bytes=most)
    blobs = []
    for number in range(4):
        content = bytes([number]) * 10_000
        manifest = one_file(objects, f"f{number}", content)
        blobs.append(cache.fetch(objects, manifest, "x")[f"f{number}"])
        assert all(blob.exists() for blob in blobs), "all are in use"
    old = time.time() - 3_600
    for age, blob in enumerate(blobs[:3]):
        os.utime(blob, (old + 60 * age, old + 60 * age))
    cache.fetch(objects, {"files": {"f0": {"bytes": 10_000, "sha256": blobs[0].name}}}, "x")
    cache.fetch(objects, one_file(objects, "last", b"z"), "x")
    assert [blob.exists() for blob in blobs] == left


_FULL = """
import json, resource, signal, sys, prodcat
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
uri, cache, options = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
try:
    prodcat.load(uri, device="cpu", cache=cache, storage_options=options)
except prodcat.StoreError as error:
    print(error)
"""


def test_a_full_disk_is_said_and_nothing_is_left(store, small, tmp_path, proxy):
    import json

    version = store.publish(small, "tr")
    uri, cache = f"{store.uri}/tr@{version}", tmp_path / "full"
    done = subprocess.run(
        [sys.executable, "-c", _FULL, uri, str(cache), json.dumps(proxy.s3.options)],
        capture_output=True, text=True, cwd=ROOT,
    )  # fmt: skip
    assert "Cannot store model.safetensors of" in done.stdout, done
    assert "larger than this place allows" in done.stdout
    assert not list((cache / "parts").iterdir())
    assert loads(uri, cache, proxy.s3.options, 1) == [f"tr@{version}"]


def test_a_cache_that_cannot_be_made_is_named(tmp_path, monkeypatch, caplog):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="Cannot make the cache"):
        Cache(tmp_path / "file" / "x")
    monkeypatch.setattr("prodcat.storage.cache.DEFAULT_FOLDER", tmp_path / "file" / "x")
    assert Cache().folder.is_dir() and " instead." in caplog.text


def test_a_folder_on_s3_is_loaded_through_the_cache(proxy, bucket, small, tmp_path):
    uri = f"s3://{bucket}/plain"
    from prodcat.storage.artifact import write_artifact
    from prodcat.storage.manifest import describe, to_bytes

    files = small.files()
    write_artifact(Objects(uri, proxy.s3.options), files, to_bytes(describe(files, "0")))
    for _ in range(2):
        loaded = prodcat.load(uri, device="cpu", cache=tmp_path, storage_options=proxy.s3.options)
        assert loaded.fingerprint == small.fingerprint
    asked = [path for m, path, _ in proxy.requests if m == "GET" and path.endswith("safetensors")]
    assert len(asked) == 1
    with pytest.raises(ArtifactError, match=r"it has no manifest.json \(found nothing\)"):
        prodcat.load(f"s3://{bucket}/none", cache=tmp_path, storage_options=proxy.s3.options)


@system
def test_an_alias_takes_one_connection_and_a_version_none(ceph_server, small, tmp_path):
    from servers import FaultProxy

    proxy = FaultProxy(ceph_server)
    try:
        uri = f"s3://{ceph_server.bucket()}/m"
        store = Store(uri, storage_options=proxy.s3.options, cache=tmp_path)
        version = store.publish(small, "tr", alias="production")
        store.load("tr@production")
        for reference, connections in ((version, 0), ("production", 1)):
            proxy.reset_counts()
            loads(f"{uri}/tr@{reference}", tmp_path, proxy.s3.options, 1)
            assert proxy.connections == connections
    finally:
        proxy.close()


@pytest.mark.parametrize("note", [b"\xff\xfe", b"../../x", b""])
def test_a_damaged_note_of_an_alias_is_no_version(store, proxy, small, tmp_path, note):
    version = store.publish(small, "tr", alias="production")
    store.load("tr@production", device="cpu")
    notes = tmp_path / "cache" / "notes"
    [noted] = [path for path in notes.iterdir() if path.read_bytes() == version.encode()]
    noted.write_bytes(note)
    store._objects.patience = 0.5
    proxy.plan = always(("reset", 0))
    with pytest.raises(StoreError, match="check the network"):
        store.resolve("tr@production")


@pytest.mark.parametrize("alias", ["production", "latest"])
def test_with_keys_the_notes_of_the_cache_are_verified(
    proxy, bucket, small, tmp_path, caplog, alias
):
    key, cache = Key.from_secret(b"s" * 32), tmp_path / "cache"

    def opened(keys, patience=8):
        options = proxy.s3.options
        uri = f"s3://{bucket}/models"
        return Store(uri, storage_options=options, cache=cache, patience=patience, keys=keys)

    first = opened(key).publish(small, "tr", alias="production")
    unsigned = opened(None).publish(another(small, 1), "tr")
    second = opened(key).publish(another(small, 2), "tr", alias="production")
    for version in (first, unsigned, second):
        opened(None).load(f"tr@{version}", device="cpu")
    for reference in (f"tr@{first}", f"tr@{alias}"):
        opened(key).load(reference, device="cpu")
    proxy.close()
    assert opened(key, 0.5).load(f"tr@{alias}", device="cpu").origin == f"tr@{second}"
    kept = {note: note.read_bytes() for note in (cache / "notes").iterdir()}
    planted = [unsigned] if alias == "latest" else [unsigned, first]
    for version in planted:
        for note, content in kept.items():
            if b"manifest" not in content:
                note.write_bytes(content.replace(second.encode(), version.encode()))
        with pytest.raises(StoreError, match="Tried for"):
            opened(key, 0.5).resolve(f"tr@{alias}")
    for note in kept:
        note.write_bytes(b"{")
    with pytest.raises(StoreError, match="Tried for"):
        opened(key, 0.5).load(f"tr@{first}", device="cpu")


def test_notes_are_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr("prodcat.storage.cache._NOTES", 3)
    cache = Cache(tmp_path)
    for number in range(6):
        cache.note(str(number), b"x")
        name = hashlib.sha256(str(number).encode()).hexdigest()
        os.utime(tmp_path / "notes" / name, (number, number))
    (tmp_path / "locks").mkdir()
    cache._evict()
    assert [number for number in range(6) if cache.noted(str(number))] == [3, 4, 5]


def test_a_cache_that_is_wiped_while_it_is_filled_is_filled_again(
    store, proxy, small, tmp_path, monkeypatch
):
    version = store.publish(small, "tr")
    whole, wiped = Cache._download, []

    def download(self, *arguments):
        whole(self, *arguments)
        if not wiped:
            wiped.append(shutil.rmtree(tmp_path / "cache"))

    monkeypatch.setattr(Cache, "_download", download)
    assert store.load(f"tr@{version}", device="cpu").fingerprint == small.fingerprint
    monkeypatch.setattr(Cache, "fetch", _fetch_and_wipe(Cache.fetch, tmp_path / "cache"))
    with pytest.raises(StoreError, match="was removed while it was loaded .* cache was cleared"):
        store.load(f"tr@{version}", device="cpu")


def _fetch_and_wipe(fetch, folder):
    def wiped(self, *arguments):
        paths = fetch(self, *arguments)
        shutil.rmtree(folder)
        return paths

    return wiped


def test_a_download_that_was_killed_at_its_end_does_not_block_the_next(tmp_path):
    content = b"x" * 1_000
    objects = Objects(str(tmp_path / "there"))
    objects.write("a", content)
    sha256 = hashlib.sha256(content).hexdigest()
    parts = tmp_path / "cache" / "parts"
    parts.mkdir(parents=True)
    (parts / sha256).write_bytes(content)
    manifest = {"files": {"a": {"bytes": 1_000, "sha256": sha256}}}
    paths = Cache(tmp_path / "cache").fetch(objects, manifest, "x")
    assert paths["a"].read_bytes() == content and paths["a"].stat().st_mode & 0o777 == 0o400
