"""Bad networks, bad servers, full disks: retried, explained, and nothing half-written."""

import time
from dataclasses import replace

import pytest
from fault_plans import always, times

from prodcat import ArtifactError, Store, StoreError
from prodcat.cli.command import main
from prodcat.storage.objects import Objects

system = pytest.mark.system


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
    with pytest.raises(
        StoreError, match="history.json' was written 3 times, and each time other bytes were read"
    ):
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
    with pytest.raises(StoreError, match="ignores If-None-Match: if two processes publish"):
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
    store._mark.prove()
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
    monkeypatch.setattr("prodcat.storage.objects.Objects._retried", _impatient(Objects._retried))
    titles = tmp_path / "titles.csv"
    titles.write_text("title\nmilk\n")
    for command in (["models", "list", "--store", "s3://b/m"],
                    ["predict", str(titles), "--model", "s3://b/m"]):  # fmt: skip
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
    with pytest.raises(ArtifactError, match="taxonomy.json. (arrived altered|.* was altered)"):
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
            headers
            for m, path, headers in proxy.requests
            if path.endswith("config.json") and m == "PUT"
        ]
        assert all("content-md5" in headers for headers in put) and put
        read = [m for m, path, _ in proxy.requests if path.endswith("history.json")]
        assert read == ["PUT", "PUT", "GET"], "refused at once, not only when it was read back"
        assert store.load(f"tr@{version}").history == small.history
    finally:
        proxy.close()


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
