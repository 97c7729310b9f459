"""Versions and aliases on every kind of store, races, damage, leftovers."""

import errno
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import uuid
from pathlib import Path

import numpy as np
import pytest
from stores import another, run

import prodcat
from prodcat import (
    ArtifactError,
    ConfigError,
    ConflictError,
    Store,
    StoreError,
)
from prodcat.storage.manifest import to_bytes
from prodcat.storage.objects import Objects
from prodcat.storage.version_reader import VersionReader

ROOT = Path(__file__).parents[2]
TITLES = ["VELMORA YARIM YAGLI SUT 1LT", "cikolatali gofret 40 g"]
system = pytest.mark.system


@pytest.fixture(params=["local", "memory", "moto", pytest.param("ceph", marks=system)])
def place(request, tmp_path):
    """A URI and the options with which it is reached."""
    if request.param == "local":
        return str(tmp_path / "models"), None
    if request.param == "memory":
        return f"memory://{uuid.uuid4().hex}/models", None
    server = request.getfixturevalue(f"{request.param}_server")
    return f"s3://{server.bucket()}/models", server.options


@pytest.fixture
def store(place, tmp_path):
    return Store(place[0], storage_options=place[1], cache=tmp_path / "cache", patience=5)


@pytest.fixture
def local(tmp_path):
    return Store(str(tmp_path / "models"))


# -- versions and aliases -----------------------------------------------------


def test_publish_promote_load(store, small):
    version = store.publish(small, "tr", note="first")
    assert store.promote("tr", version, "production").version == version
    for reference in ("tr@production", f"tr@{version}", "tr@latest"):
        again = store.load(reference, device="cpu")
        assert again.origin == f"tr@{version}"
        assert np.array_equal(again.predict_proba(TITLES), small.predict_proba(TITLES))
    [shown] = store.list("tr")
    assert shown == store.show("tr@production")
    assert shown.aliases == ("production",) and shown.note == "first"
    assert shown.tree_hash == small.taxonomy.hash and shown.fingerprint == small.fingerprint
    assert shown.metrics["path_accuracy"] == small.validation.path_accuracy
    assert {"torch", "python", "transformers"} <= set(shown.libraries)
    assert shown.parent is None and shown.reference == f"tr@{version}"
    assert version.endswith(shown.version[-12:]) and shown.bytes > 10_000


def test_the_layout_is_read_without_a_store(store, place, small):
    version = store.publish(small, "tr")
    again = prodcat.load(
        f"{place[0]}/tr/versions/{version}", device="cpu", storage_options=place[1]
    )
    assert np.array_equal(again.predict_proba(TITLES), small.predict_proba(TITLES))


def test_load_takes_references(store, place, small):
    version = store.publish(small, "tr", alias="production")
    again = prodcat.load(f"{place[0]}/tr@production", device="cpu", storage_options=place[1])
    assert again.origin == f"tr@{version}"


def test_the_same_files_are_one_version(store, small):
    version = store.publish(small, "tr")
    assert store.publish(store.load(f"tr@{version}"), "tr") == version
    assert len(store.list()) == 1
    other = store.publish(another(small, 1), "tr")
    assert other != version and len(store.list("tr")) == 2


def test_rollback_goes_back_step_by_step(store, small):
    versions = [store.publish(another(small, number), "tr") for number in range(3)]
    for version in versions:
        store.promote("tr", version, "production", reason="weekly")
    assert store.promote("tr", versions[2], "production").number == 3, "nothing to change"
    assert store.rollback("tr", "production").version == versions[1]
    assert store.rollback("tr", "production", reason="worse").version == versions[0]
    with pytest.raises(StoreError, match="There is nothing before"):
        store.rollback("tr", "production")
    assert store.promote("tr", versions[2], "production").previous == versions[0]
    assert store.rollback("tr", "production").version == versions[0]
    events = store.history("tr", "production")
    assert [event.number for event in events] == list(range(1, 8))
    assert events[4].reason == "worse" and "rollback" in str(events[4])


def test_a_removed_alias_names_nothing_until_it_is_rolled_back(local, small):
    version = local.publish(small, "tr", alias="production")
    assert local.remove_alias("tr", "production").version is None
    assert local.aliases("tr") == {}
    with pytest.raises(StoreError, match="has no alias 'production': it has none; tr@latest"):
        local.load("tr@production")
    with pytest.raises(StoreError, match="no alias"):
        local.remove_alias("tr", "production")
    assert local.rollback("tr", "production").version == version


def test_a_version_that_an_alias_names_is_not_deleted(store, small):
    first, second = (store.publish(another(small, number), "tr") for number in range(2))
    store.promote("tr", first, "production")
    with pytest.raises(ConflictError, match="is named by tr@production, so it is not deleted"):
        store.delete("tr", first)
    store.delete("tr", second)
    assert [own.version for own in store.list()] == [first]
    with pytest.raises(StoreError, match=f"There is no version '{second}' of tr"):
        store.delete("tr", second)
    with pytest.raises(StoreError, match="There is no version"):
        store.load(f"tr@{second}")
    with pytest.raises(StoreError, match="There is no version"):
        store.promote("tr", second, "production")
    assert store.load("tr@production").origin == f"tr@{first}"


def test_prune_keeps_the_newest_the_named_and_the_way_back(store, small):
    versions = []
    for number in range(6):
        versions.append(store.publish(another(small, number), "tr"))
        if number in (0, 1):
            store.promote("tr", versions[-1], "production")
    order = [own.version for own in store.list("tr")]
    newest = next(version for version in order if version not in versions[:2])
    removed = store.prune(len(order) - len(order[order.index(newest) :]) + 1)
    left = {own.version for own in store.list("tr")}
    assert {versions[0], versions[1], newest} <= left and len(left) < 6
    assert {name.split("@")[1] for name in removed} == set(versions) - left
    assert store.rollback("tr", "production").version == versions[0]
    with pytest.raises(ConfigError, match="keep=-1 is out of range"):
        store.prune(-1)


def test_versions_are_given_by_their_hash_too(local, small):
    version = local.publish(small, "tr")
    assert local.promote("tr", version[-12:], "production").version == version
    assert local.promote("tr", f"tr@{version}", "production").version == version
    with pytest.raises(StoreError, match="'production' is not a version of tr; expected a name"):
        local.promote("tr", "production", "candidate")


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("tr", "'tr' names no version; expected tr@production"),
        ("tr@", "names no version"),
        ("tr@nonesuch", "tr in .* has no alias 'nonesuch': it has production"),
        ("fr@production", r"There is no model 'fr' in .* \(models there: tr\)"),
        (
            "tr@20200101T000000.482913Z-0123456789ab",
            "There is no version .* of tr .* its newest is",
        ),
        ("../tr@production", "The model name '../tr' is not allowed"),
        ("tr@../x", "The alias name '../x' is not allowed"),
    ],
)
def test_what_is_not_there_is_named(local, small, reference, message):
    local.publish(small, "tr", alias="production")
    with pytest.raises((StoreError, ConfigError), match=message):
        local.load(reference)


@pytest.mark.parametrize("name", ["", "a/b", ".hidden", "x" * 64, "ä", "store.json"])
def test_names_that_cannot_be_are_refused(local, small, name):
    with pytest.raises(ConfigError, match=r"The model name .* is (not allowed|reserved)"):
        local.publish(small, name)


@pytest.mark.parametrize("reason", [None, 5, "x" * 501])
def test_remarks_that_could_not_be_read_again_are_refused(local, small, reason):
    version = local.publish(small, "tr", alias="production")
    other = local.publish(another(small, 1), "tr")
    with pytest.raises(ConfigError, match="expected text of at most 500 letters"):
        local.promote("tr", other, "production", reason=reason)
    with pytest.raises(ConfigError, match="note is"):
        local.publish(another(small, 2), "tr", note=reason)
    local.promote("tr", other, "production", reason=",[{" * 166)
    assert local.rollback("tr", "production").version == version
    with pytest.raises(ConfigError, match="alias name .* is not allowed"):
        local.publish(another(small, 3), "tr", alias="no alias")
    assert len(local.list()) == 2


def test_a_damaged_version_is_published_anew(local, small):
    version = local.publish(small, "tr")
    (Path(local.uri) / "tr/versions" / version / "taxonomy.json").write_text("{}")
    again = local.publish(small, "tr")
    assert again > version and local.load(f"tr@{again}")


def test_versions_of_one_second_keep_their_order(local, small):
    versions = [local.publish(another(small, number), "tr") for number in range(5)]
    assert [own.version for own in local.list()] == versions[::-1]
    assert local.resolve("tr@latest") == versions[-1]


def test_mistyped_places_are_not_made(tmp_path):
    store = Store(tmp_path / "typo")
    version = "20260101T000000.000000Z-0123456789ab"
    for call in (
        lambda: store.rollback("tr", "production"),
        lambda: store.promote("tr", version, "production"),
        lambda: store.delete("tr", version),
        lambda: store.prune(1, "tr"),
        lambda: store.remove_alias("tr", "production"),
    ):
        with pytest.raises(StoreError, match="There is no store at "):
            call()
    assert store.prune(1) == () and store.list() == ()
    assert not (tmp_path / "typo").exists()


def test_an_unreadable_alias_does_not_hide_the_models(local, small, caplog):
    version = local.publish(small, "tr", alias="production")
    (Path(local.uri) / "tr/aliases/production/00000001.json").write_text("{")
    assert [own.version for own in local.list()] == [version]
    assert "Left out of the list: tr@production" in caplog.text
    with pytest.raises(ArtifactError, match="is damaged"):
        local.delete("tr", version)


def test_prune_lifts_the_mark_of_a_version_that_an_alias_names(local, small):
    """Who marked it was killed after it was promoted."""
    version = local.publish(small, "tr", alias="production")
    (Path(local.uri) / "tr/versions" / version / "deleted.json").write_text("{}")
    local.prune(0, unfinished_after=0)
    assert [own.version for own in local.list()] == [version]
    assert local.load("tr@production")


def test_of_two_who_delete_one_does(local, small, monkeypatch):
    from prodcat.storage.versions import Versions

    version = local.publish(small, "tr")
    is_there = Versions.is_there

    def and_another_marks_it(self, own):
        found = is_there(self, own)
        (Path(local.uri) / "tr/versions" / own / "deleted.json").write_text("{}")
        return found

    monkeypatch.setattr(Versions, "is_there", and_another_marks_it)
    with pytest.raises(ConflictError, match="already being deleted by another"):
        local.delete("tr", version)


def test_some_words_are_no_aliases(local, small):
    version = local.publish(small, "tr")
    for alias in ("latest", version):
        with pytest.raises(ConfigError, match="is reserved"):
            local.promote("tr", version, alias)


def test_what_a_version_was_made_of_is_its_parent(local, small, parts):
    version = local.publish(small, "tr", alias="production")
    calibrated = local.load("tr@production").calibrate(
        prodcat.read_catalog(
            [{"title": t, "path": list(p)} for t, p in zip(parts.test.titles, parts.test.paths,
                                                           strict=True)],
            taxonomy=small.taxonomy,
            on_error="aside",
        )
    )  # fmt: skip
    assert local.show(f"tr@{local.publish(calibrated, 'tr')}").parent == f"tr@{version}"


def test_a_warm_start_names_its_parent(local, rows):
    def read(some):
        return prodcat.read_catalog([{"title": r.title, "path": list(r.path)} for r in some])

    config = prodcat.ModelConfig(encoder=None)
    version = local.publish(prodcat.fit(read(rows[:120]), model=config, progress=False), "tr")
    warm = prodcat.fit(
        read(rows[:160]), model=config, warm_start=local.load(f"tr@{version}"), progress=False
    )
    assert warm.origin == f"tr@{version}"


# -- many at once -------------------------------------------------------------


def at_once(work, count):
    results = [None] * count
    barrier = threading.Barrier(count)

    def run(number):
        barrier.wait()
        try:
            results[number] = work(number)
        except Exception as error:
            results[number] = error

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_of_many_who_promote_at_once_one_wins(place, small, tmp_path):
    def own_store():
        return Store(place[0], storage_options=place[1], cache=tmp_path / "cache", patience=20)

    versions = [own_store().publish(another(small, number), "tr") for number in range(6)]
    results = at_once(lambda number: own_store().promote("tr", versions[number], "best"), 6)
    won = [own for own in results if not isinstance(own, Exception)]
    events = own_store().history("tr", "best")
    # Who came late enough to see the first one's event may have written the second.
    assert len(won) == len(events) >= 1
    assert sorted(own.number for own in won) == [event.number for event in events]
    for own in results:
        if isinstance(own, Exception):
            assert isinstance(own, ConflictError), own
            assert "at the same time" in str(own) and "set it to 20" in str(own)


def test_many_who_publish_at_once_all_publish(place, small, tmp_path):
    def publish(number):
        store = Store(place[0], storage_options=place[1], cache=tmp_path / "cache", patience=20)
        return store.publish(another(small, number % 4), "tr")

    results = at_once(publish, 8)
    assert not [own for own in results if isinstance(own, Exception)], results
    store = Store(place[0], storage_options=place[1], cache=tmp_path / "cache")
    assert {own.version for own in store.list("tr")} == set(results)
    for version in set(results):
        store.load(f"tr@{version}")


def test_a_version_promoted_while_it_is_deleted_stays(local, small, monkeypatch):
    """The deletion has marked the version and asks who wants it; just then it is promoted."""
    from prodcat.storage.versions import Versions

    version = local.publish(small, "tr", alias="old")
    local.promote("tr", local.publish(another(small, 1), "tr"), "old")
    condemn = Versions._condemn

    def condemn_and_be_late(self, folder):
        marked = condemn(self, folder)
        last = local._registry.log("tr", "production").last()
        local._registry.log("tr", "production").append(last, "promote", version, 0, "")
        return marked

    monkeypatch.setattr(Versions, "_condemn", condemn_and_be_late)
    with pytest.raises(ConflictError, match="named by tr@production"):
        local.delete("tr", version)
    assert local.load("tr@production").origin == f"tr@{version}"


def test_a_version_deleted_while_it_is_promoted_is_not_named(local, small, monkeypatch):
    first = local.publish(small, "tr", alias="production")
    second = local.publish(another(small, 1), "tr")
    read = type(local._registry.log("tr", "production")).read

    def read_and_delete(self, number):
        found = read(self, number)
        monkeypatch.undo()
        local.delete("tr", second)
        return found

    monkeypatch.setattr("prodcat.storage.aliases.AliasLog.read", read_and_delete)
    with pytest.raises(ConflictError, match=f"was deleted .* names {first}. Promote another"):
        local.promote("tr", second, "production")
    assert local.load("tr@production").origin == f"tr@{first}"
    assert local.history("tr", "production")[-1].reason == f"{second} was deleted"


def test_a_reader_whose_version_is_pruned_reads_the_next(local, small, monkeypatch):
    first, second = (local.publish(another(small, number), "tr") for number in range(2))
    local.promote("tr", first, "production")
    resolve = VersionReader.resolve

    def resolve_and_move_on(self, reference):
        found = resolve(self, reference)
        monkeypatch.undo()
        local.promote("tr", second, "production")
        local.delete("tr", first)
        return found

    monkeypatch.setattr(VersionReader, "resolve", resolve_and_move_on)
    assert local.load("tr@production").origin == f"tr@{second}"


# -- what is left unfinished --------------------------------------------------

_PUBLISH = """
import sys, dataclasses, prodcat
source, store = sys.argv[1:]
print("ready", flush=True)
prodcat.Store(store).publish(prodcat.load(source, device="cpu"), "tr")
"""


@pytest.mark.parametrize("delay", [0.0, 0.02, 0.06])
def test_a_killed_publisher_leaves_no_version_and_nothing_after_prune(
    local, small, tmp_path, delay
):
    source = tmp_path / "source"
    small.save(str(source))
    process = subprocess.Popen(
        [sys.executable, "-c", _PUBLISH, str(source), local.uri], stdout=subprocess.PIPE, cwd=ROOT
    )
    process.stdout.readline()
    versions = Path(local.uri) / "tr" / "versions"
    limit = time.monotonic() + 60
    while process.poll() is None and not list(versions.glob("*/*")):
        assert time.monotonic() < limit
        time.sleep(0.001)
    time.sleep(delay)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    whole = local.list()
    assert all(local.load(own.reference) for own in whole)
    local.prune(10, unfinished_after=0)
    left = [path for path in versions.rglob("*") if path.parent == versions]
    assert [path.name for path in left] == [own.version for own in whole]
    assert not list(Path(local.uri).rglob("*.part"))
    assert local.load(f"tr@{local.publish(small, 'tr')}")


def test_prune_leaves_alone_what_may_still_be_going_on(local, small):
    version = local.publish(small, "tr")
    folder = Path(local.uri) / "tr" / "versions"
    shutil.copytree(folder / version, folder / "20200101T000000.482913Z-0123456789ab")
    (folder / "20200101T000000.482913Z-0123456789ab" / "manifest.json").unlink()
    assert [own.version for own in local.list()] == [version]
    shutil.copytree(
        folder / "20200101T000000.482913Z-0123456789ab",
        folder / "20990101T000000.000000Z-0123456789ab",
    )
    assert (
        local._registry.versions("tr").published() == [version]
        and local.resolve("tr@latest") == version
    )
    assert local.prune(1) == (), "what is not whole does not count as one of the newest"
    assert len(local.prune(5, unfinished_after=0)) == 2
    assert [path.name for path in folder.iterdir()] == [version]


def test_a_publisher_that_was_taken_for_dead_says_so(local, small, monkeypatch):
    create = Objects.create

    def pruned_before_the_manifest(self, name, content):
        if name.endswith("manifest.json"):
            monkeypatch.undo()
            local.prune(5, unfinished_after=0)
        return create(self, name, content)

    monkeypatch.setattr(Objects, "create", pruned_before_the_manifest)
    # All of the clearing fits between the last look and the manifest here.
    with pytest.raises(ConflictError, match="pruned .* as abandoned while"):
        local.publish(small, "tr")
    assert local.list() == ()
    assert local.load(f"tr@{local.publish(small, 'tr')}")


def test_a_deletion_that_was_interrupted_is_ended_by_prune(local, small):
    version = local.publish(small, "tr")
    folder = Path(local.uri) / "tr" / "versions" / version
    (folder / "deleted.json").write_text("{}")
    assert local.list() == ()
    with pytest.raises(StoreError, match="There is no model 'tr'"):
        local.load("tr@latest")
    assert local.prune(5, unfinished_after=0) == (f"tr/versions/{version}",)
    assert not folder.exists()


@system
def test_uploads_in_parts_that_were_never_ended_are_given_up(ceph_server, small, tmp_path):
    import boto3

    bucket, options = ceph_server.bucket(), ceph_server.options
    client = boto3.client(
        "s3", endpoint_url=options["endpoint_url"], aws_access_key_id=options["key"],
        aws_secret_access_key=options["secret"], region_name="us-east-1",
    )  # fmt: skip
    store = Store(f"s3://{bucket}/models", storage_options=options, cache=tmp_path)
    store.publish(small, "tr")
    for _ in range(3):
        client.create_multipart_upload(Bucket=bucket, Key="models/tr/versions/x/model.safetensors")
    client.create_multipart_upload(Bucket=bucket, Key="others/file")
    assert store.prune(5) == ()
    time.sleep(1.1)  # the server counts whole seconds
    assert store.prune(5, unfinished_after=0) == ("tr/versions: uploads in parts",)
    left = client.list_multipart_uploads(Bucket=bucket)["Uploads"]
    assert [own["Key"] for own in left] == ["others/file"]


# -- damage -------------------------------------------------------------------


def test_a_manifest_of_another_version_is_refused(local, small):
    first, second = (local.publish(another(small, number), "tr") for number in range(2))
    folder = Path(local.uri) / "tr/versions"
    for path in (folder / second).iterdir():
        shutil.copy(path, folder / first / path.name)
    with pytest.raises(ArtifactError, match=f"is not that of tr@{first}"):
        local.load(f"tr@{first}")
    other = Path(local.uri) / "nl/versions"
    shutil.copytree(folder / second, other / second)
    with pytest.raises(ArtifactError, match=f"is not that of nl@{second}"):
        local.load(f"nl@{second}")


def test_a_manifest_with_other_files_does_not_fit_the_versions_name(local, small):
    version = local.publish(small, "tr")
    folder = Path(local.uri) / "tr/versions" / version
    other = b"# another card\n"
    (folder / "README.md").write_bytes(other)
    manifest = json.loads((folder / "manifest.json").read_text())
    digest = hashlib.sha256(other).hexdigest()
    manifest["files"]["README.md"] = {"bytes": len(other), "sha256": digest}
    (folder / "manifest.json").write_bytes(to_bytes(manifest))
    with pytest.raises(ArtifactError, match="It was replaced or altered"):
        local.load(f"tr@{version}")


def test_a_damaged_version_is_left_out_of_the_list_and_said(local, small, caplog):
    first, second = (local.publish(another(small, number), "tr") for number in range(2))
    (Path(local.uri) / "tr/versions" / first / "manifest.json").write_text("{")
    assert [own.version for own in local.list()] == [second]
    assert "Left out of the list" in caplog.text


@pytest.mark.parametrize(
    "content",
    [b"{", b"[" * 100_000, b"[]", b'{"number": 1}', b"x" * 100_000, b'{"number": 1e999}'],
)
def test_a_damaged_alias_event_is_said(local, small, content):
    local.publish(small, "tr", alias="production")
    (Path(local.uri) / "tr/aliases/production/00000001.json").write_bytes(content)
    with pytest.raises(ArtifactError, match="alias event .*00000001.json' (is|has|holds)"):
        local.load("tr@production")


def test_an_event_that_leads_out_of_the_store_is_said(local, small):
    version = local.publish(small, "tr", alias="production")
    event = Path(local.uri) / "tr/aliases/production/00000001.json"
    event.write_text(event.read_text().replace(version, f"../../../{version}"))
    with pytest.raises(ArtifactError, match="is damaged"):
        local.load("tr@production")


def test_what_strangers_wrote_does_not_reach_the_terminal(local, small, capsys):
    version = local.publish(small, "tr", alias="production", note="good \x1b[2J\nbad")
    manifest = Path(local.uri) / "tr/versions" / version / "manifest.json"
    content = json.loads(manifest.read_text())
    content |= {"metrics": {"ece": "x", "path_accuracy": 0.5}, "libraries": [1]}
    manifest.write_bytes(to_bytes(content))
    shown = run(capsys, "models", "list", "--store", local.uri)
    assert "good  [2J bad" in shown and "\x1b" not in shown and "0.5000" in shown
    assert "\x1b" not in run(capsys, "models", "show", "tr@production", "--store", local.uri)


def test_an_event_of_another_alias_is_said(local, small):
    local.publish(small, "tr", alias="production")
    folder = Path(local.uri) / "tr/aliases"
    shutil.copytree(folder / "production", folder / "candidate")
    with pytest.raises(ArtifactError, match="or belongs to another alias"):
        local.load("tr@candidate")


def test_a_store_of_another_layout_is_not_written_to(local, small):
    local.publish(small, "tr")
    (Path(local.uri) / "store.json").write_text('{"format": "prodcat-store", "layout": 2}')
    with pytest.raises(StoreError, match="another layout; expected layout 1"):
        Store(local.uri).publish(small, "nl")


def test_places_without_a_way_to_let_one_win_are_not_written_to(small, tmp_path):
    with pytest.raises(StoreError, match=r"\(dir\), two writers could both"):
        Store(f"dir::file://{tmp_path}").publish(small, "tr")


# -- the command line ---------------------------------------------------------


def cli(*arguments, code=0, **environment):
    done = subprocess.run(
        [sys.executable, "-m", "prodcat", *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, **environment},
    )
    assert done.returncode == code, done.stderr
    return done.stdout + done.stderr


def test_the_whole_way_on_the_command_line(small, tmp_path, capsys, monkeypatch):
    small.save(str(tmp_path / "a"))
    another(small, 1).save(str(tmp_path / "b.tar.gz"))
    monkeypatch.setenv("PRODCAT_STORE", str(tmp_path / "store"))
    assert "There is no store at" in run(capsys, "models", "list", code=2)
    said = run(capsys, "models", "publish", "tr", tmp_path / "a", "--alias", "production")
    first = said.split("@")[1].split(",")[0]
    second = run(capsys, "models", "publish", "tr", tmp_path / "b.tar.gz", "--note", "n" * 50)
    second = second.strip().split("@")[1]
    table = run(capsys, "models", "list").splitlines()
    assert table[0].split()[:3] == ["MODEL", "VERSION", "ALIASES"]
    assert {first, second} == {line.split()[1] for line in table[1:]}
    assert re.search(r"[0-9] [kM]B  n{39}…", "".join(table))
    assert "(it was " in run(capsys, "models", "promote", "tr", second[-12:], "production")
    assert f"is {first} again" in run(capsys, "models", "rollback", "tr", "production")
    shown = run(capsys, "models", "show", "tr@production")
    assert first in shown and "path_accuracy" in shown and "model.safetensors" in shown
    assert json.loads(run(capsys, "models", "show", "tr@production", "--json"))["version"] == first
    assert len(json.loads(run(capsys, "models", "list", "tr", "--json"))) == 2
    history = run(capsys, "models", "history", "tr", "production")
    assert [line.split()[1] for line in history.splitlines()] == ["promote", "promote", "rollback"]
    assert len(json.loads(run(capsys, "models", "history", "tr", "production", "--json"))) == 3
    assert "is in" in run(capsys, "models", "export", "tr@production", tmp_path / "out.tar.gz")
    assert prodcat.load(str(tmp_path / "out.tar.gz")).fingerprint == small.fingerprint
    assert "deleted" in run(capsys, "models", "delete", "tr", second)
    assert "0 removed" in run(capsys, "models", "prune", "--keep", 1)
    assert "names nothing" in run(capsys, "models", "remove-alias", "tr", "production")
    assert "0 removed" in run(capsys, "models", "prune", "tr", "--keep", 0), "a rollback wants it"
    assert "(it was nothing)" in run(capsys, "models", "rollback", "tr", "production")
    run(capsys, "models", "remove-alias", "tr", "production")
    run(capsys, "models", "delete", "tr", first)
    assert "no model 'tr'" in run(capsys, "models", "list", "tr", code=2)
    assert "contains no models yet" in run(capsys, "models", "list")
    monkeypatch.delenv("PRODCAT_STORE")
    assert "expected --store URI" in run(capsys, "models", "list", code=2)


def test_a_model_is_named_by_its_alias_on_the_command_line(small, tmp_path, capsys):
    store = Store(str(tmp_path / "store"))
    store.publish(small, "tr", alias="production")
    (tmp_path / "titles.csv").write_text("title\nyarim yagli sut\n")
    answer = run(
        capsys, "predict", tmp_path / "titles.csv", "--model", f"{store.uri}/tr@production"
    )
    assert "1 titles answered" in answer
    assert "no alias 'x'" in run(
        capsys, "predict", tmp_path / "titles.csv", "--model", f"{store.uri}/tr@x", code=2
    )


def test_a_model_is_named_in_the_usual_store(small, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("titles.csv").write_text("title\nyarim yagli sut\n")
    Path("gz").mkdir()
    Store("store").publish(small, "tr", alias="production")
    Path("store/notes").mkdir()
    answered = ["predict", "titles.csv", "--model"]
    said = run(capsys, *answered, "tr@production", code=2)
    assert "There is no store at '.'; expected the folder or the URI of a store, such as" in said
    assert "STORE/tr@production" in said and "titles.csv," not in said
    said = run(capsys, *answered, "store/fr@production", code=2)
    assert "There is no model 'fr' in 'store' (models there: tr)." in said
    monkeypatch.setenv("PRODCAT_STORE", "store/")
    assert "1 titles answered" in run(capsys, *answered, "tr@production")
    assert "1 titles answered" in run(capsys, *answered, "store/tr@production")
    monkeypatch.chdir("store")
    assert "1 titles answered" in run(
        capsys, "predict", "../titles.csv", "--model", "tr@production"
    )


def test_a_store_in_place_of_a_version_is_told(small, tmp_path):
    store = Store(str(tmp_path / "store"))
    store.publish(small, "tr")
    with pytest.raises(ArtifactError, match=r"is a store \(models there: tr\); .*store/tr@prod"):
        prodcat.load(store.uri)
    with pytest.raises(ArtifactError, match=r"is a model in a store, with .*store/tr@production"):
        prodcat.load(f"{store.uri}/tr")


def test_an_alias_is_promoted_to_another(small, tmp_path, capsys):
    store = Store(str(tmp_path / "store"))
    version = store.publish(small, "tr", alias="candidate")
    store.publish(another(small, 1), "tr")
    for named in ("candidate", "tr@candidate"):
        alias = f"from-{named[:2]}"
        said = run(capsys, "models", "promote", "tr", named, alias, "--store", store.uri)
        assert f"tr@{alias} is {version}" in said
    assert "is not a version of tr" in run(
        capsys, "models", "promote", "tr", "candidates", "x", "--store", store.uri, code=2
    )


def test_help_says_the_verbs():
    text = cli("models", "--help")
    for verb in ("publish", "promote", "rollback", "list", "show", "delete", "prune", "export"):
        assert verb in text
    assert re.search(r"  load +earlier name of export", text)


# -- what is kept, said and cleared -------------------------------------------


def test_a_rollback_of_a_removed_alias_finds_its_version(local, small):
    versions = [local.publish(another(small, number), "tr") for number in range(3)]
    local.promote("tr", versions[0], "production")
    local.remove_alias("tr", "production")
    assert local.prune(1) == (f"tr@{versions[1]}",)
    assert local.rollback("tr", "production").version == versions[0]


def test_files_that_are_not_the_stores_stay(local, small):
    version = local.publish(small, "tr", alias="production")
    root = Path(local.uri)
    name = f".x.json.{uuid.uuid4().hex}.part"
    own = ["", "tr/aliases/production/", f"tr/versions/{version}/"]
    others = [f"notes/{name}", "tr/.cache.part", ".download.part", f"tr/versions/{name}"]
    for place in [*(f"{folder}{name}" for folder in own), *others]:
        (root / place).parent.mkdir(exist_ok=True)
        (root / place).write_text("x")
    assert set(local.prune(5, unfinished_after=0)) == {f"{folder}{name}" for folder in own}
    assert all((root / place).exists() for place in others)


@pytest.mark.parametrize("seconds", [-1.0, float("nan")])
def test_a_time_that_is_none_is_refused(local, seconds):
    with pytest.raises(ConfigError, match="unfinished_after=.* expected a number of seconds"):
        local.prune(1, unfinished_after=seconds)


def test_a_hash_of_two_versions_is_ambiguous(local, small):
    first = local.publish(small, "tr")
    second = f"20991231T000000.000000Z{first[-13:]}"
    folder = Path(local.uri) / "tr/versions"
    shutil.copytree(folder / first, folder / second)
    with pytest.raises(StoreError, match=f"Several .*{first}, {second}. Give the full"):
        local.promote("tr", first[-12:], "production")


def test_a_note_that_is_not_kept_is_said(local, small, caplog):
    version = local.publish(small, "tr", note="first")
    assert local.publish(small, "tr", note="second") == version
    assert "keeps its earlier note, not 'second'" in caplog.text
    assert local.show("tr@latest").note == "first"


def test_what_it_was_made_of_outlives_a_file(local, small, tmp_path):
    version = local.publish(small, "tr")
    loaded = local.load("tr@latest", device="cpu")
    for place in ("folder", "model.tar.gz"):
        another(loaded, 1).save(str(tmp_path / place))
        again = prodcat.load(str(tmp_path / place), device="cpu")
        assert again.origin == f"tr@{version}"
    local.publish(again, "tr")
    assert local.show("tr@latest").parent == f"tr@{version}"
    manifest = json.loads((tmp_path / "folder/manifest.json").read_text())
    manifest["parent"] = "tr@\x1b[2J"
    (tmp_path / "folder/manifest.json").write_bytes(to_bytes(manifest))
    assert prodcat.load(str(tmp_path / "folder"), device="cpu").origin is None


def test_a_place_that_reads_as_a_version_is_not_saved_to(small):
    with pytest.raises(ArtifactError, match="would be read as a version of a store, 'x@y'"):
        small.save("memory://models/x@y")


def test_bare_roots(small):
    store = Store("memory://")
    version = store.publish(small, f"m{uuid.uuid4().hex}")
    assert any(own.version == version for own in store.list())
    with pytest.raises(StoreError, match="'s3://' names no bucket; expected s3://bucket/folder"):
        Store("s3://").list()


def test_events_move_no_cursor(local, small):
    version = local.publish(small, "tr", alias="production")
    path = Path(local.uri) / "tr/aliases/production/00000001.json"
    event = json.loads(path.read_text())
    path.write_text(json.dumps({**event, "by": "\x1b[2Jme", "time": "\x1b[2J"}))
    [found] = local.history("tr", "production")
    assert "\x1b" not in found.by + found.time
    for wrong in ({"previous": "\x1b[2J"}, {"action": "\x1b[2J"}):
        path.write_text(json.dumps({**event, **wrong}))
        with pytest.raises(ArtifactError, match="is damaged"):
            local.load("tr@production")
    assert version


def test_a_disk_without_hard_links_is_named(local, small, monkeypatch):
    def link(*_):
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", link)
    with pytest.raises(StoreError, match="has no hard links .* Use another disk, or S3"):
        local.publish(small, "tr")
