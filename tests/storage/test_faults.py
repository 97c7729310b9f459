"""Bad networks, bad servers, full disks: retried, explained, and nothing half-written."""

import errno
import hashlib
import http.server
import logging
import os
import shutil
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import prodcat
from prodcat import ArtifactError, Cache, Store, StoreError
from prodcat.cli.command import main
from prodcat.storage.objects import Objects

ROOT = Path(__file__).parents[2]
system = pytest.mark.system


@pytest.fixture
def bucket(moto_server):
    return moto_server.bucket()


@pytest.fixture
def store(proxy, bucket, tmp_path):
    return Store(
        f"s3://{bucket}/models",
        storage_options=proxy.s3.options,
        cache=tmp_path / "cache",
        patience=8,
    )


def times(count, fault, method="GET", ending=""):
    """A plan: the first so many requests of a kind go wrong."""
    left = [count]

    def plan(found, path, headers):
        if found == method and path.split("?")[0].endswith(ending) and left[0]:
            left[0] -= 1
            return fault
        return None

    return plan


def always(fault, method="GET", ending=""):
    return times(1_000_000, fault, method, ending)


PASSING = {
    "slow down": ("status", 503, "SlowDown"),
    "internal error": ("status", 500, "InternalError"),
    "reset in the body": ("reset", 700),
    "body cut": ("short", 500),
    "no answer": ("reset", 0),
    "wrong bytes": ("flip", 100),
    "answer lost": ("lost",),
}


@pytest.mark.parametrize("name", PASSING)
def test_what_passes_is_tried_again(store, proxy, small, name):
    version = store.publish(small, "tr", alias="production")
    proxy.plan = times(2, PASSING[name], ending="taxonomy.json")
    assert store.load("tr@production", device="cpu").taxonomy == small.taxonomy
    asked = [path for method, path, _ in proxy.requests if path.endswith("taxonomy.json")]
    assert len(asked) >= 3
    assert version


@pytest.mark.parametrize("name", ["slow down", "internal error", "answer lost"])
def test_publishing_is_tried_again(store, proxy, small, name):
    proxy.plan = times(2, PASSING[name], "PUT", "config.json")
    version = store.publish(small, "tr")
    proxy.plan = lambda *_: None
    assert store.load(f"tr@{version}")


def test_bytes_damaged_on_their_way_up_are_read_back_and_sent_again(store, proxy, small, caplog):
    proxy.plan = times(1, ("flip-sent", 30), "PUT", "history.json")
    version = store.publish(small, "tr")
    assert store.load(f"tr@{version}").history == small.history


def test_bytes_that_never_arrive_right_publish_nothing(store, proxy, small):
    # moto compares no checksum, so it is the reading back that notices.
    proxy.plan = always(("flip-sent", 30), "PUT", "history.json")
    with pytest.raises(StoreError, match="history.json' was written 3 times and never read back"):
        store.publish(small, "tr")
    assert store.list() == ()
    assert {name for name in store._objects.walk("")} == {"store.json"}


def test_a_lost_answer_does_not_lose_the_race_against_oneself(store, proxy, small):
    version = store.publish(small, "tr")
    proxy.plan = times(1, ("lost",), "PUT", "00000001.json")
    event = store.promote("tr", version, "production")
    assert event.number == 1 and store.history("tr", "production") == (event,)
    asked = [m for m, path, _ in proxy.requests if path.endswith("00000001.json") and m == "PUT"]
    assert len(asked) == 2, "it was sent twice, and refused once"


def test_a_server_that_ignores_the_condition_is_refused(store, proxy, small):
    proxy.plan = always(("ignore-condition",), "PUT")
    with pytest.raises(StoreError, match="ignores If-None-Match: of two who publish"):
        store.publish(small, "tr")
    assert [path for m, path, _ in proxy.requests if m == "PUT" and "store.json" not in path] == []


def test_a_server_that_forgets_the_condition_is_noticed_by_reading_back(proxy, bucket, tmp_path):
    objects = Objects(f"s3://{bucket}/x", proxy.s3.options, patience=5)

    def race(method, path, headers):
        if method == "GET":
            Objects(f"s3://{bucket}/x", replace(proxy.s3, through=None).options).write("a", b"2")
        return None

    proxy.plan = race
    with pytest.raises(StoreError, match="this server ignores If-None-Match"):
        objects.create("a", b"1")


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (("status", 403, "AccessDenied"), "lack the right: ask for s3:ListBucket, s3:GetObject"),
        (("status", 400, "ExpiredToken"), "ExpiredToken: .* have expired: renew them"),
        (("status", 403, "ExpiredToken"), "have expired: renew them"),
        (("status", 400, "InvalidToken"), "token is not valid"),
        (("status", 403, "InvalidAccessKeyId"), "does not know this access key"),
        (("status", 403, "RequestTimeTooSkewed"), "clock of this machine is wrong"),
        (("status", 404, "NoSuchBucket"), "There is no such bucket"),
    ],
)
def test_what_does_not_pass_is_said_at_once(store, proxy, small, fault, message):
    store.publish(small, "tr", alias="production")
    proxy.plan = always(fault)
    began = time.monotonic()
    with pytest.raises(StoreError, match=message) as caught:
        store.load("tr@production")
    assert time.monotonic() - began < 3
    assert not caught.value.unreachable
    proxy.plan = always(fault, "PUT")
    with pytest.raises(StoreError, match=message):
        Store(store.uri, storage_options=proxy.s3.options, patience=8).publish(small, "nl")


def test_rights_lost_in_the_middle_leave_no_version(store, proxy, small):
    store._prove()
    proxy.plan = always(("status", 403, "AccessDenied"), "PUT", "model.safetensors")
    with pytest.raises(StoreError, match="Cannot write .*model.safetensors'"):
        store.publish(small, "tr")
    assert store.list() == () and set(store._objects.walk("")) == {"store.json"}


def test_a_server_that_stays_slow_is_given_up_with_a_bound(proxy, bucket, small, tmp_path):
    store = Store(f"s3://{bucket}/m", storage_options=proxy.s3.options, patience=2, cache=tmp_path)
    store.publish(small, "tr")
    proxy.plan = always(("status", 503, "SlowDown"))
    began = time.monotonic()
    with pytest.raises(StoreError, match=r"SlowDown.* Tried for \d+ seconds: check") as caught:
        store.load("tr@latest")
    assert caught.value.unreachable and time.monotonic() - began < 30


def test_a_server_that_says_nothing_is_given_up(proxy, bucket, tmp_path):
    options = proxy.s3.options | {"config_kwargs": {"read_timeout": 0.5}}
    proxy.plan = always(("hang", 3))
    objects = Objects(f"s3://{bucket}/m", options, patience=1)
    with pytest.raises(StoreError, match="Tried for") as caught:
        objects.read("a")
    assert caught.value.unreachable


def test_nobody_there(tmp_path, moto_server, capsys):
    options = replace(moto_server, port=9).options
    with pytest.raises(StoreError, match="Tried for .* check the network") as caught:
        Store("s3://b/m", storage_options=options, patience=1).list()
    assert caught.value.unreachable


def test_the_command_line_says_whether_to_try_again(monkeypatch, capsys, small, tmp_path):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "k")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")
    monkeypatch.setattr("prodcat.storage.objects.Objects._tried", _impatient(Objects._tried))
    for command in (["models", "list", "--store", "s3://b/m"],
                    ["predict", "x.csv", "--model", "s3://b/m"]):  # fmt: skip
        assert main(command) == 75
        assert "check the network" in capsys.readouterr().err


def _impatient(tried):
    def quickly(self, *arguments):
        self.patience = 0.5
        return tried(self, *arguments)

    return quickly


def test_no_credentials(tmp_path, monkeypatch, bucket, moto_server):
    options = {"endpoint_url": moto_server.options["endpoint_url"]}
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(StoreError, match="Give credentials: a role, AWS_PROFILE, or"):
        Store(f"s3://{bucket}/m", storage_options=options, patience=3).list()


def test_a_version_that_lies_altered_is_refused(store, proxy, small):
    version = store.publish(small, "tr")
    proxy.plan = always(("flip", 100), ending="taxonomy.json")
    with pytest.raises(ArtifactError, match="taxonomy.json. (came altered|.* was altered)"):
        store.load(f"tr@{version}")


def test_a_file_that_is_shorter_or_gone_is_named(store, small):
    version = store.publish(small, "tr")
    objects = store._objects.below(f"tr/versions/{version}")
    content = objects.read("taxonomy.json")
    objects.patience = store._objects.patience = 1
    objects.write("taxonomy.json", content[:-5])
    with pytest.raises((ArtifactError, StoreError), match="taxonomy.json"):
        store.load(f"tr@{version}")
    objects.remove("taxonomy.json")
    with pytest.raises(ArtifactError, match="has no taxonomy.json, which its manifest lists"):
        store.load(f"tr@{version}")


# -- a real server ------------------------------------------------------------


@system
def test_wrong_keys_are_named_by_a_server_that_checks_them(ceph_server, small, tmp_path):
    bucket = ceph_server.bucket()
    wrong = replace(ceph_server, secret="WRONG").options
    with pytest.raises(StoreError, match="secret does not belong to the access key"):
        Store(f"s3://{bucket}/m", storage_options=wrong, patience=3).publish(small, "tr")
    unknown = replace(ceph_server, key="NOBODY").options
    with pytest.raises(StoreError, match="does not know this access key"):
        Store(f"s3://{bucket}/m", storage_options=unknown, patience=3).publish(small, "tr")
    with pytest.raises(StoreError, match="There is no such bucket"):
        Store("s3://nonesuch/m", storage_options=ceph_server.options).publish(small, "tr")
    with pytest.raises(StoreError, match="There is no such bucket"):
        Store("s3://nonesuch/m", storage_options=ceph_server.options).list()


@system
def test_a_server_that_checks_md5_refuses_damaged_bytes(ceph_server, small, tmp_path):
    from servers import FaultProxy

    proxy = FaultProxy(ceph_server)
    try:
        proxy.plan = times(1, ("flip-sent", 30), "PUT", "history.json")
        store = Store(
            f"s3://{ceph_server.bucket()}/m",
            storage_options=proxy.s3.options,
            cache=tmp_path,
            patience=8,
        )
        version = store.publish(small, "tr")
        put = [
            own for m, path, own in proxy.requests if path.endswith("config.json") and m == "PUT"
        ]
        assert all("content-md5" in own for own in put) and put
        read = [m for m, path, _ in proxy.requests if path.endswith("history.json")]
        assert read == ["PUT", "PUT", "GET"], "refused at once, not only when it was read back"
        assert store.load(f"tr@{version}").history == small.history
    finally:
        proxy.close()


# -- the cache ----------------------------------------------------------------

_LOAD = """
import json, sys, prodcat
uri, cache, options = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
found = prodcat.load(uri, device="cpu", cache=cache, storage_options=options)
print(found.origin)
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
    found = loads(f"{store.uri}/tr@production", cache, proxy.s3.options, 4)
    assert found == [f"tr@{version}"] * 4
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
    found = cache.fetch(objects, manifest, "x")
    assert found["model.safetensors"].read_bytes() == content
    assert proxy.bytes_sent == 500_000, "only the rest"
    assert not list((tmp_path / "cache" / "parts").iterdir())
    # A part that is not the start of this file is thrown away.
    found["model.safetensors"].unlink()
    part.write_bytes(b"x" * 300_000)
    assert cache.fetch(objects, manifest, "x")["model.safetensors"].read_bytes() == content
    found["model.safetensors"].unlink()
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
    assert "which it was when it was last asked here" in caplog.text
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
    said = subprocess.run(
        [sys.executable, "-c", _FULL, uri, str(cache), json.dumps(proxy.s3.options)],
        capture_output=True, text=True, cwd=ROOT,
    )  # fmt: skip
    assert "Cannot keep model.safetensors of" in said.stdout, said
    assert "larger than this place allows" in said.stdout
    assert not list((cache / "parts").iterdir())
    assert loads(uri, cache, proxy.s3.options, 1) == [f"tr@{version}"]


def test_a_cache_that_cannot_be_made_is_named(tmp_path, monkeypatch, caplog):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="Cannot make the cache"):
        Cache(tmp_path / "file" / "x")
    monkeypatch.setattr("prodcat.storage.cache.DEFAULT_FOLDER", tmp_path / "file" / "x")
    assert Cache().folder.is_dir() and "it is kept in" in caplog.text


def test_a_folder_on_s3_is_loaded_through_the_cache(proxy, bucket, small, tmp_path):
    uri = f"s3://{bucket}/plain"
    from prodcat.storage.artifact import describe, to_bytes, write_artifact

    files = small.files()
    write_artifact(Objects(uri, proxy.s3.options), files, to_bytes(describe(files, "0")))
    for _ in range(2):
        found = prodcat.load(uri, device="cpu", cache=tmp_path, storage_options=proxy.s3.options)
        assert found.fingerprint == small.fingerprint
    asked = [path for m, path, _ in proxy.requests if m == "GET" and path.endswith("safetensors")]
    assert len(asked) == 1
    with pytest.raises(ArtifactError, match=r"it has no manifest.json \(found nothing\)"):
        prodcat.load(f"s3://{bucket}/none", cache=tmp_path, storage_options=proxy.s3.options)


def test_local_places_that_cannot_be_written(tmp_path, small):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="Cannot write .* A part of the path is a file"):
        Store(str(tmp_path / "file" / "x")).publish(small, "tr")
    objects = Objects(str(tmp_path / "folder"))
    assert objects.names("") == [] and objects.walk("") == {}
    objects.remove("none")
    objects.remove_below("none")
    with pytest.raises(FileNotFoundError):
        objects.read("none")
    (tmp_path / "folder").mkdir()
    for look in (objects.size, objects.read):
        with pytest.raises(FileNotFoundError):
            look("")


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
    [own] = [path for path in notes.iterdir() if path.read_bytes() == version.encode()]
    own.write_bytes(note)
    store._objects.patience = 0.5
    proxy.plan = always(("reset", 0))
    with pytest.raises(StoreError, match="check the network"):
        store.resolve("tr@production")


def test_notes_are_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr("prodcat.storage.cache._NOTES", 3)
    cache = Cache(tmp_path)
    for number in range(6):
        cache.note(str(number), b"x")
        os.utime(cache._note(str(number)), (number, number))
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
    with pytest.raises(StoreError, match="went while it was loaded .* cache was cleared"):
        store.load(f"tr@{version}", device="cpu")


def _fetch_and_wipe(fetch, folder):
    def wiped(self, *arguments):
        found = fetch(self, *arguments)
        shutil.rmtree(folder)
        return found

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
    found = Cache(tmp_path / "cache").fetch(objects, manifest, "x")
    assert found["a"].read_bytes() == content and found["a"].stat().st_mode & 0o777 == 0o444


def test_a_profile_that_is_not_there_is_named_at_once(bucket, small, tmp_path, monkeypatch):
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    options = {"profile": "nonesuch"}
    store = Store(f"s3://{bucket}/models", cache=tmp_path, storage_options=options, patience=30)
    began = time.monotonic()
    with pytest.raises(StoreError, match="nonesuch.* Set AWS_PROFILE to one of the profiles"):
        store.list()
    assert time.monotonic() - began < 10


@pytest.mark.parametrize("wrong", [{"endpoint_url": "no endpoint"}, {"no_such_option": 1}])
def test_options_that_are_none_are_named_at_once(bucket, moto_server, tmp_path, wrong):
    options = {**moto_server.options, **wrong}
    store = Store(f"s3://{bucket}/models", cache=tmp_path, storage_options=options, patience=30)
    began = time.monotonic()
    with pytest.raises(StoreError, match="Check the address, the endpoint and storage_options"):
        store.list()
    assert time.monotonic() - began < 10


def test_a_conflict_that_the_server_could_not_decide_is_tried_again(store, proxy, small):
    version = store.publish(small, "tr")
    proxy.plan = times(1, ("status", 409, "ConditionalRequestConflict"), "PUT", "00000001.json")
    assert store.promote("tr", version, "production").number == 1


# -- plain web servers --------------------------------------------------------


@pytest.fixture
def web(tmp_path):
    """A web server of Python's own, which knows no ranges."""
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
    with pytest.raises(ArtifactError, match="came altered or truncated 3 times"):
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
