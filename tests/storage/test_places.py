"""What others than whoever runs the process may name, and what reading there may cost."""

import os
import time
from pathlib import Path

import fsspec
import pytest
import yarl
from fsspec.core import _un_chain
from hostile_servers import HostileServer, dripping, endless, redirecting, silent
from hypothesis import given, settings
from hypothesis import strategies as st
from s3fs import S3FileSystem

import prodcat
from prodcat import ArtifactError, ConfigError, Store, StoreError
from prodcat.errors import PlaceError
from prodcat.storage.objects import Objects
from prodcat.storage.places import AllowedPlaces, NamedBy, Place, ReadLimits

LIMITS = ReadLimits(max_bytes=64 << 20, seconds=30)


@pytest.fixture
def root(tmp_path):
    (tmp_path / "models").mkdir()
    (tmp_path / "models-other").mkdir()
    (tmp_path / "secret").mkdir()
    (tmp_path / "models/out").symlink_to(tmp_path / "secret")
    (tmp_path / "models/in").symlink_to("tr")
    (tmp_path / "models/loop").symlink_to("loop")
    (tmp_path / "models/tr").mkdir()
    return tmp_path / "models"


def allowed(*roots, **limits):
    return AllowedPlaces(tuple(map(str, roots)), ReadLimits(**limits) if limits else LIMITS)


# -- names ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "uri",
    [
        "reference://m::http://127.0.0.1:1/refs.json",
        "simplecache::s3://bucket/models/tr",
        "s3://bucket/models/tr::file:///etc",
        "reference://models/tr",
        "http://bucket/models/tr",
        "zip://models/tr",
        "data:text/plain,x",
        "data://models/tr",
        "github://models/tr",
        "memory://models/tr",
        "s3://bucket-evil/models/tr",
        "s3://bucket/models-evil/tr",
        "s3://bucket",
        "s3://bucket/models/../secret",
        "s3://bucket/models/%2e%2e/secret",
        "s3://bucket/models/%252e%252e/secret",
        "s3://bucket/models/..;x/secret",
        "s3://bucket/models/tr?versionId=1",
        "s3://bucket/models/tr#x",
        "s3://bucket/models\\..\\secret",
        "s3://user@bucket/models/tr",
        "s3://user:password@bucket/models/tr",
        "s3:/bucket/models/tr",
        "s3://BUCKET/models/tr",
        "https://models.test/v1/tr",
        "http://models.test@evil.test/v1/tr",
        "http://models.test:81/v1/tr",
        "http://models.test/v1/%2e%2e/admin",
        "http://models.test/v1/..%2fadmin",
        "http://models.test/v1/tr?x=../../admin",
        "http://models.test/v1",
        "/etc/passwd",
        "/etc",
        "/",
        "~/models/tr",
        "~root",
        "file://localhost/etc",
        "file://{root}/tr",
        "file://~/x",
        "FILE:///etc/passwd",
        "local:/etc",
        "{root}/../secret",
        "{root}/tr/../../secret",
        "{root}-other",
        "{root}/out",
        "{root}/out/tr@production",
        "{root}/out@production",
        "{root}/loop",
        "{root}/loop@production",
        "{root}/tr\0",
        "{root}/tr\n",
        "{root}/\ud800",
        "{root}/\u202etr",
        "models/tr",
        "",
        "a" * 3_000,
    ],
)  # fmt: skip
def test_other_places_are_refused(uri, root):
    uri = uri.replace("{root}", str(root) if "://" not in uri else str(root)[1:])
    if uri.startswith("http://models.test/v1") and uri.endswith("v1"):
        places = allowed(root, "s3://bucket/models", "http://models.test/v1/models")
    else:
        places = allowed(root, "s3://bucket/models", "http://models.test/v1")
    with pytest.raises(PlaceError):
        places.place(uri)


@pytest.mark.parametrize(
    ("uri", "normal"),
    [
        ("s3://bucket/models", None),
        ("s3a://bucket//models/tr/", "s3://bucket/models/tr"),
        ("S3://bucket/models/tr@production", "s3://bucket/models/tr@production"),
        ("s3://bucket/models/tr.tar.gz", None),
        ("http://MODELS.test/v1/s%C3%BCt", "http://models.test/v1/s%C3%BCt"),
        ("{root}", None),
        ("{root}/tr@production", None),
        ("{root}/in", "{root}/tr"),
        ("{root}/tr/../tr/./x//y/", "{root}/tr/x/y"),
        ("file://{root}/tr", "{root}/tr"),
        ("file:{root}/tr", "{root}/tr"),
        ("LOCAL://{root}/tr", "{root}/tr"),
        ("{root}/süt?*[x]", None),
    ],
)
def test_places_below_the_roots_are_normalised(uri, normal, root):
    real = str(root.resolve())
    place = allowed(root, "s3://bucket/models", "http://models.test/v1").place(
        uri.replace("{root}", real)
    )
    assert place == Place((normal or uri).replace("{root}", real), NamedBy.REQUEST, LIMITS)


def test_a_relative_path_is_one_of_the_working_folder(root, monkeypatch):
    monkeypatch.chdir(root)
    assert allowed(root).place("tr").uri == str(root / "tr")
    assert allowed(".").place(str(root / "tr")).uri == str(root / "tr")
    monkeypatch.setenv("HOME", str(root))
    assert allowed("~/tr").place(str(root / "tr/x")).uri == str(root / "tr/x")
    with pytest.raises(PlaceError):
        allowed(root).place("../secret")


def test_without_roots_nothing_is_allowed(root):
    with pytest.raises(PlaceError, match=r"outside of the places that are allowed here \(nothing"):
        allowed().place(str(root))


@pytest.mark.parametrize(
    "roots",
    [
        "",
        "s3://",
        "simplecache::s3://bucket",
        "s3://bucket/../x",
        "http://user:password@host/x",
    ],
)
def test_roots_that_mean_something_else_are_refused(roots):
    with pytest.raises(ConfigError):
        allowed(roots)
    with pytest.raises(ConfigError, match="expected a tuple"):
        AllowedPlaces("/opt/ml/models", LIMITS)
    with pytest.raises(ConfigError, match="max_bytes=0"):
        ReadLimits(0, 1)


_NAMES = st.sampled_from(
    ["models", "bucket", "tr", "..", ".", "", "out", "in", "%2e%2e", "%2F", "..;a", "~", "::", "\\",
     "?x", "#", "a@b", "host", "host:80", "x@host", "\0", "file:", "http:", "reference", "süt",
     "．．", "%", "{{x}}", "*", "secret", "models-other", " "]
)  # fmt: skip
_STARTS = st.sampled_from(
    ["", "/", "//", "~", "file://", "file:", "local:///", "FILE:/", "s3://", "s3a://", "S3:///",
     "s3:", "http://", "https://", "http:", "reference://", "simplecache::", "memory://", "data:",
     "{root}", "{root}/", "file://{root}/", "{root}/../", "s3://bucket/models", "http://host/v1/"]
)  # fmt: skip


@pytest.fixture(scope="module")
def shared_root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shared").resolve()
    (folder / "models/tr").mkdir(parents=True)
    (folder / "secret").mkdir()
    (folder / "models/out").symlink_to(folder / "secret")
    (folder / "models/in").symlink_to("tr")
    return folder / "models"


@settings(max_examples=500, deadline=None)
@given(start=_STARTS, names=st.lists(_NAMES, max_size=6), joint=st.sampled_from(["/", "//", ""]))
def test_whatever_is_accepted_is_below_a_root(shared_root, start, names, joint):
    """As fsspec, s3fs and the HTTP client understand it."""
    root = shared_root
    places = allowed(root, "s3://bucket/models", "http://host/v1")
    uri = (start + joint.join(names)).replace("{root}", str(root))
    try:
        accepted = places.place(uri).uri
    except PlaceError:
        return
    [(path, protocol, options)] = _un_chain(accepted, {})
    assert options == {}
    if protocol == "file":
        filesystem, path = fsspec.url_to_fs(accepted)
        assert filesystem.protocol == ("file", "local")
        assert os.path.realpath(path) == path
        assert Path(path).is_relative_to(root)
    elif protocol == "s3":
        bucket, key, version = S3FileSystem(anon=True, version_aware=True).split_path(accepted)
        assert bucket == "bucket" and version is None
        assert key == "models" or key.startswith("models/")
        assert not {"..", "."} & set(key.split("/"))
    else:
        url = yarl.URL(accepted)
        assert (url.scheme, url.host, url.port, url.user) == ("http", "host", 80, None)
        assert url.path == "/v1" or url.path.startswith("/v1/")
        assert not url.query_string and not {"..", "."} & set(url.path.split("/"))


# -- what is read there -----------------------------------------------------------


@pytest.fixture
def model(root, small):
    small.save(str(root / "tr"))
    return allowed(root).place(str(root / "tr"))


def test_a_model_below_a_root_is_loaded(model, root, small):
    assert prodcat.load(model, device="cpu").fingerprint == small.fingerprint
    small.save(str(root / "model.tar.gz"))
    archive = allowed(root).place(f"{root}/model.tar.gz")
    assert prodcat.load(archive, device="cpu").fingerprint == small.fingerprint
    Store(root / "store").publish(small, "tr", alias="production")
    version = allowed(root).place(f"{root}/store/tr@production")
    assert prodcat.load(version, device="cpu").fingerprint == small.fingerprint


@pytest.mark.parametrize("name", ["manifest.json", "model.safetensors", ""])
def test_a_link_that_is_planted_after_the_check_is_not_followed(model, root, name):
    path = root / "tr" / name
    path.rename(root.parent / "elsewhere")
    path.symlink_to(root.parent / "elsewhere")
    with pytest.raises(PlaceError, match="leads through a symbolic link"):
        prodcat.load(model, device="cpu")


def test_a_pipe_is_not_waited_for(model, root):
    (root / "tr/manifest.json").unlink()
    os.mkfifo(root / "tr/manifest.json")
    with pytest.raises(ArtifactError, match="expected a regular file"):
        prodcat.load(model, device="cpu")


def test_links_are_followed_where_whoever_runs_the_process_named_the_folder(model, root, small):
    assert prodcat.load(root / "in", device="cpu").fingerprint == small.fingerprint


def test_nothing_is_written_where_a_request_named_the_place(root, small):
    place = allowed(root).place(str(root))
    objects = Objects(place)
    for attempt in (
        lambda: objects.write("a", b"1"),
        lambda: objects.create("a", b"1"),
        lambda: objects.remove("tr"),
        lambda: objects.remove_below("tr"),
        lambda: objects.make(),
        lambda: objects.clear_parts("", time.time()),
        lambda: objects.remove_empty("", time.time()),
        lambda: objects.abort_uploads("", time.time()),
        lambda: Store(place).publish(small, "tr"),
    ):
        with pytest.raises(PlaceError, match="never written to"):
            attempt()
    with pytest.raises(PlaceError, match="leads out"):
        objects.start("../secret/x", 10)
    with pytest.raises(PlaceError, match="chained"):
        Objects(Place("reference://::http://127.0.0.1:1/x", NamedBy.ARTIFACT)).read("a")
    with pytest.raises(PlaceError, match="is not searched"):
        objects.walk("")
    assert sorted(path.name for path in root.iterdir()) == ["in", "loop", "out", "tr"]


@pytest.mark.parametrize("where", ["folder", "archive", "version", "memory"])
def test_no_more_bytes_are_read_than_the_limit(where, root, small):
    start = "memory://models" if where == "memory" else str(root)
    uri = f"{start}/tr"
    if where == "archive":
        uri += ".tar.gz"
    if where == "version":
        Store(root).publish(small, "tr", alias="production")
        uri += "@production"
    else:
        small.save(uri)
    size = sum(len(content) for content in small.files().values())
    tight = allowed(start, max_bytes=size // 8, seconds=30).place(uri)
    with pytest.raises(PlaceError, match=f"took more than {size // 8:,} bytes"):
        prodcat.load(tight, device="cpu")
    wide = allowed(start, max_bytes=size + (1 << 20), seconds=30).place(uri)
    assert prodcat.load(wide, device="cpu").fingerprint == small.fingerprint


# -- servers ----------------------------------------------------------------------


def test_an_attacker_learns_nothing_through_a_chain(monkeypatch):
    monkeypatch.setenv("SECRET", "hush")
    with HostileServer(endless()) as attacker:
        places = allowed("/opt/ml/models", "s3://bucket/models")
        with pytest.raises(PlaceError):
            prodcat.load(places.place(f"reference://m::{attacker.url}/refs.json"))
        assert attacker.requests == []


@pytest.mark.parametrize("announced", [1_000, None])
@pytest.mark.parametrize("name", ["model.tar.gz", "model", "tr@production"])
def test_a_body_without_end_is_read_up_to_the_limit(name, announced, tmp_path):
    with HostileServer(endless(announced)) as server:
        place = allowed(server.url, max_bytes=1 << 20, seconds=20).place(f"{server.url}/{name}")
        with pytest.raises((PlaceError, ArtifactError, StoreError)) as raised:
            prodcat.load(place, device="cpu", cache=tmp_path)
        assert server.sent < 32 << 20
        assert "1,0" in str(raised.value) or "There is no model" in str(raised.value)


@pytest.mark.parametrize("answer", [silent, dripping])
@pytest.mark.parametrize("name", ["model.tar.gz", "model", "tr@production"])
def test_a_server_that_does_not_end_is_left_at_the_deadline(name, answer, tmp_path):
    with HostileServer(answer) as server:
        place = allowed(server.url, max_bytes=1 << 20, seconds=0.5).place(f"{server.url}/{name}")
        began = time.monotonic()
        with pytest.raises(PlaceError, match=r"took longer than 0\.5 seconds"):
            prodcat.load(place, device="cpu", cache=tmp_path)
        assert time.monotonic() - began < 3


def test_a_redirect_leads_nowhere_else(tmp_path):
    with HostileServer(endless()) as inner, HostileServer(redirecting(f"{inner.url}/x")) as server:
        for name in ("model", "model.tar.gz"):
            place = allowed(server.url).place(f"{server.url}/{name}")
            with pytest.raises((ArtifactError, StoreError), match="redirects to another address"):
                prodcat.load(place, device="cpu", cache=tmp_path)
        assert inner.requests == []


@pytest.mark.parametrize("name", ["silent", "endless"])
def test_a_server_of_s3_may_cost_no_more(name, tmp_path):
    answer = silent if name == "silent" else endless(None)
    with HostileServer(answer) as server:
        options = {"key": "a", "secret": "b", "endpoint_url": server.url}
        place = allowed("s3://bucket", max_bytes=1 << 20, seconds=0.5).place("s3://bucket/tr")
        with pytest.raises((PlaceError, ArtifactError)) as raised:
            prodcat.load(place, device="cpu", cache=tmp_path, storage_options=options)
        assert "1,048,57" in str(raised.value) or "longer than 0.5 seconds" in str(raised.value)
        assert server.sent < 32 << 20
