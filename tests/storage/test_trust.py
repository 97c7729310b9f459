"""What readers with keys believe of a store to which strangers have written."""

import json
import logging
import shutil
from pathlib import Path

import pytest
from stores import another

from prodcat import ArtifactError, ConflictError, Key, Store, StoreError
from prodcat.storage.document import json_bytes
from prodcat.storage.folder import Folder
from prodcat.storage.manifest import to_bytes
from prodcat.storage.objects import Objects

LATE = "20991231T235959.999999Z"


@pytest.fixture
def key():
    return Key.from_secret(b"s" * 32)


@pytest.fixture
def signed(tmp_path, key):
    return Store(str(tmp_path / "models"), keys=key)


@pytest.fixture
def stranger(signed):
    """Whoever can write to the store without one of the keys."""
    return Store(signed.uri)


def folder_of(store, version="", model="tr"):
    return Path(store.uri) / model / "versions" / version


def event_path(store, number, alias="production"):
    return Path(store.uri) / f"tr/aliases/{alias}/{number:08d}.json"


# -- versions and marks of deletions --------------------------------------------


@pytest.mark.parametrize("mark", [b"{}", b"", b"[]", b"\xff", b"x" * 100_000])
def test_a_planted_mark_deletes_nothing(signed, small, caplog, mark):
    versions = [signed.publish(another(small, number), "tr") for number in range(2)]
    planted = folder_of(signed, versions[1]) / "deleted.json"
    planted.write_bytes(mark)
    with caplog.at_level(logging.WARNING):
        assert signed.resolve("tr@latest") == versions[1]
    assert caplog.text.count("Ignored") == 1 and f"tr@{versions[1]} is not deleted" in caplog.text
    assert signed.load("tr@latest", device="cpu").origin == f"tr@{versions[1]}"
    assert [version.version for version in signed.list()] == versions[::-1]
    assert signed.promote("tr", versions[1], "production").version == versions[1]
    assert signed.publish(another(small, 1), "tr") == versions[1], "it is there already"
    assert signed.prune(0) == (f"tr@{versions[0]}",)
    assert planted.exists(), "it may be work in progress"
    assert signed.prune(5, unfinished_after=0) == () and not planted.exists()


def test_a_planted_mark_does_not_let_prune_delete(signed, small):
    version = signed.publish(small, "tr")
    (folder_of(signed, version) / "deleted.json").write_text("{}")
    assert signed.prune(1, unfinished_after=0) == ()
    assert signed.load("tr@latest", device="cpu").origin == f"tr@{version}"


def test_a_planted_mark_does_not_keep_a_version(signed, small):
    version = signed.publish(small, "tr")
    (folder_of(signed, version) / "deleted.json").write_text("{}")
    signed.delete("tr", version)
    assert not folder_of(signed, version).exists()


def test_a_signed_mark_deletes_its_version_alone(signed, stranger, small):
    first, second, third = (signed.publish(another(small, number), "tr") for number in range(3))
    versions = signed._registry.versions("tr")
    assert versions._condemn(versions.at(third)), "a deletion that was interrupted"
    assert signed.resolve("tr@latest") == stranger.resolve("tr@latest") == second
    mark = folder_of(signed, third) / "deleted.json"
    shutil.copy(mark, folder_of(signed, second))
    assert signed.resolve("tr@latest") == second
    body = json.loads(mark.read_text())
    mark.write_text(json.dumps({**body, "time": "2020"}))
    assert signed.resolve("tr@latest") == third
    mark.write_text(json.dumps(body))
    (folder_of(signed, second) / "deleted.json").unlink()
    assert signed.prune(5, unfinished_after=0) == (f"tr/versions/{third}",)
    assert first in signed.list("tr")[-1].reference


def unsigned(signed, stranger, small):
    return stranger.publish(another(small, 5), "tr")


def of_another_key(signed, stranger, small):
    return Store(signed.uri, keys=Key.from_secret(b"o" * 32)).publish(another(small, 5), "tr")


def copied(signed, stranger, small):
    """An old signed version under a later name."""
    version = signed.resolve("tr@latest")
    later = f"{LATE}-{version[-12:]}"
    shutil.copytree(folder_of(signed, version), folder_of(signed, later))
    return later


def of_another_model(signed, stranger, small):
    version = signed.publish(another(small, 6), "nl")
    shutil.copytree(folder_of(signed, version, "nl"), folder_of(signed, version))
    return version


def damaged(signed, stranger, small):
    later = folder_of(signed, f"{LATE}-0123456789ab")
    later.mkdir()
    (later / "manifest.json").write_text("{")
    return later.name


def overwritten(signed, stranger, small):
    version = signed.publish(another(small, 7), "tr")
    (folder_of(signed, version) / "manifest.json").write_text("{")
    return version


@pytest.mark.parametrize(
    "plant", [unsigned, of_another_key, copied, of_another_model, damaged, overwritten]
)
def test_a_newest_version_that_is_not_signed_is_ignored(signed, stranger, small, caplog, plant):
    version = signed.publish(small, "tr", alias="production")
    planted = plant(signed, stranger, small)
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        assert signed.resolve("tr@latest") == version
    warnings = [record.message for record in caplog.records if "Ignored" in record.message]
    assert len(warnings) == 1 and "Ignored versions of tr that cannot be trusted (1)" in warnings[0]
    assert signed.load("tr@latest", device="cpu").origin == f"tr@{version}"
    with pytest.raises(ArtifactError):
        signed.load(f"tr@{planted}", device="cpu")
    with pytest.raises(ArtifactError):
        signed.promote("tr", planted, "production")
    newer = signed.publish(another(small, 8), "tr")
    assert signed.resolve("tr@latest") == newer


def test_without_a_signed_version_the_latest_is_an_error(signed, stranger, small):
    stranger.publish(small, "tr")
    with pytest.raises(ArtifactError, match="is not signed; expected a signature by"):
        signed.resolve("tr@latest")
    with pytest.raises(StoreError, match="There is no model 'nl'"):
        signed.resolve("nl@latest")


def test_versions_that_are_not_signed_do_not_displace_signed_ones(signed, stranger, small):
    versions = [signed.publish(another(small, number), "tr") for number in range(3)]
    planted = [stranger.publish(another(small, number), "tr") for number in range(5, 8)]
    assert signed.prune(2) == (f"tr@{versions[0]}", f"tr@{planted[0]}")
    assert signed.resolve("tr@latest") == versions[2]


# -- aliases ------------------------------------------------------------------------


def promoted(store, stranger, versions):
    stranger.promote("tr", versions[0], "production")


def nonsense(store, stranger, versions):
    event_path(store, 3).write_text("{")


def replayed(store, stranger, versions):
    shutil.copy(event_path(store, 1), event_path(store, 3))


def renumbered(store, stranger, versions):
    event = json.loads(event_path(store, 1).read_text())
    event_path(store, 3).write_text(json.dumps({**event, "number": 3}))


def removed(store, stranger, versions):
    stranger.remove_alias("tr", "production")


def taken_over(store, stranger, versions):
    nonsense(store, stranger, versions)
    stranger.promote("tr", versions[0], "production", take_over=True)


def used_up(store, stranger, versions):
    shutil.copy(event_path(store, 2), event_path(store, 99_999_999))


@pytest.mark.parametrize(
    "plant", [promoted, nonsense, replayed, renumbered, removed, taken_over, used_up]
)
def test_planted_changes_of_an_alias_are_ignored(signed, stranger, small, caplog, plant):
    versions = [
        signed.publish(another(small, number), "tr", alias="production") for number in range(2)
    ]
    plant(signed, stranger, versions)
    with caplog.at_level(logging.WARNING):
        assert signed.resolve("tr@production") == versions[1]
    assert caplog.text.count("Ignored changes of tr@production that cannot be trusted") == 1
    assert signed.load("tr@production", device="cpu").origin == f"tr@{versions[1]}"
    assert signed.aliases("tr") == {"production": versions[1]}
    assert [event.version for event in signed.history("tr", "production")] == versions
    # What is written next comes after it, and needs no take-over.
    newer = signed.publish(another(small, 2), "tr", alias="production")
    assert signed.resolve("tr@production") == newer
    assert signed.rollback("tr", "production").version == versions[1]
    assert signed.remove_alias("tr", "production").version is None
    assert signed.rollback("tr", "production").version == versions[1]


def test_what_readers_with_keys_see_is_kept_beside_what_others_see(signed, stranger, small):
    versions = [signed.publish(another(small, number), "tr") for number in range(3)]
    signed.promote("tr", versions[1], "production")
    stranger.promote("tr", versions[0], "production")
    for version in versions[:2]:
        with pytest.raises(ConflictError, match="is named by tr@production"):
            signed.delete("tr", version)
    assert signed.prune(0) == (), "a signed change may have been overwritten"
    signed.promote("tr", versions[2], "production")
    assert signed.prune(0) == (f"tr@{versions[0]}",)


def test_a_planted_alias_hides_no_other(signed, stranger, small):
    version = signed.publish(small, "tr", alias="production")
    event_path(signed, 1, "planted").parent.mkdir()
    event_path(signed, 1, "planted").write_text("{")
    assert signed.aliases("tr") == {"production": version}
    with pytest.raises(ArtifactError, match="planted/00000001.json"):
        signed.resolve("tr@planted")
    with pytest.raises(ArtifactError, match="planted/00000001.json"):
        signed.prune(0, "tr")
    signed.remove_alias("tr", "planted", take_over=True)
    assert signed.prune(0, "tr") == ()


def test_a_planted_event_that_comes_first_loses(signed, stranger, small, monkeypatch):
    from prodcat.storage.aliases import AliasLog

    first, second = (signed.publish(another(small, number), "tr") for number in range(2))
    signed.promote("tr", first, "production")
    last = AliasLog.last

    def last_and_plant(self, before=None):
        event = last(self, before)
        monkeypatch.undo()
        event_path(signed, 2).write_text("{")
        return event

    monkeypatch.setattr(AliasLog, "last", last_and_plant)
    assert signed.promote("tr", second, "production").number == 3
    assert signed.resolve("tr@production") == second


def test_a_rollback_to_a_version_that_was_altered_is_refused(signed, small):
    versions = [
        signed.publish(another(small, number), "tr", alias="production") for number in range(2)
    ]
    manifest = folder_of(signed, versions[0]) / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"note": ""', '"note": "x"'))
    with pytest.raises(ArtifactError, match="does not match its signature"):
        signed.rollback("tr", "production")
    assert signed.resolve("tr@production") == versions[1]


# -- other stores -------------------------------------------------------------------


def test_what_was_signed_for_another_store_is_refused(signed, small, key, tmp_path):
    staging = Store(str(tmp_path / "staging"), keys=key)
    good = signed.publish(small, "tr", alias="production")
    other = staging.publish(another(small, 1), "tr")
    staging.promote("tr", other, "production")
    staging.promote("tr", staging.publish(another(small, 2), "tr"), "production")
    shutil.copytree(folder_of(staging, other), folder_of(signed, other))
    shutil.copy(event_path(staging, 2), event_path(signed, 2))
    assert signed.resolve("tr@latest") == signed.resolve("tr@production") == good
    with pytest.raises(ArtifactError, match=f"tr@{other} was signed for another store than"):
        signed.load(f"tr@{other}", device="cpu")
    assert {own.version: own.signed_by for own in signed.list()} == {good: key.id, other: None}
    shutil.rmtree(Path(signed.uri) / "tr" / "aliases")
    shutil.copytree(Path(staging.uri) / "tr" / "aliases", Path(signed.uri) / "tr" / "aliases")
    with pytest.raises(ArtifactError, match="was signed for another store"):
        signed.resolve("tr@production")
    (Path(signed.uri) / "store.json").unlink()
    with pytest.raises(ArtifactError, match="was signed for another store"):
        Store(signed.uri, keys=key).load(f"tr@{other}", device="cpu")


def test_a_store_that_is_copied_whole_is_the_same_store(signed, small, key, tmp_path):
    version = signed.publish(small, "tr", alias="production")
    shutil.copytree(signed.uri, tmp_path / "copy")
    assert Store(str(tmp_path / "copy"), keys=key).resolve("tr@production") == version


def test_what_earlier_versions_of_prodcat_signed_is_believed(signed, small, key):
    version = signed.publish(small, "tr", alias="production")
    event = json.loads(event_path(signed, 1).read_text())
    event["token"] = event["token"]["id"]
    del event["signature"]
    bare = json_bytes(event, ascii=True, end="", sort_keys=True, separators=(",", ":"))
    event_path(signed, 1).write_text(json.dumps({**event, "signature": key.sign(bare)}))
    manifest = json.loads((folder_of(signed, version) / "manifest.json").read_text())
    del manifest["store"]
    content = to_bytes(manifest)
    (folder_of(signed, version) / "manifest.json").write_bytes(content)
    (folder_of(signed, version) / "signature.json").write_text(json.dumps(key.sign(content)))
    reader = Store(signed.uri, keys=key)
    assert reader.resolve("tr@latest") == reader.resolve("tr@production") == version
    assert reader.load("tr@production", device="cpu").origin == f"tr@{version}"


# -- many planted files ----------------------------------------------------------------


def plant_events(store, numbers, alias="production"):
    for number in numbers:
        event_path(store, number, alias).write_text('{"number": 1}')


def plant_versions(store, numbers, content):
    for number in numbers:
        folder = folder_of(store, f"{LATE}-{number:012x}")
        folder.mkdir()
        if content is not None:
            (folder / "manifest.json").write_bytes(content)


@pytest.mark.slow
def test_planted_events_cannot_make_a_reader_read_without_end(signed, small):
    version = signed.publish(small, "tr", alias="production")
    plant_events(signed, range(2, 2_001))
    assert signed.resolve("tr@production") == version
    plant_events(signed, [7_000])
    with pytest.raises(ArtifactError, match=r"None of 2,000 changes of tr@production in a row, "
                       r"from '.*/00000002.json' on, .* Delete the files in this folder"):  # fmt: skip
        signed.resolve("tr@production")
    with pytest.raises(ArtifactError, match="None of 2,000 changes"):
        signed.history("tr", "production")
    assert signed.aliases("tr") == {}
    event_path(signed, 7_000).unlink()
    newer = signed.publish(another(small, 1), "tr", alias="production")
    assert signed.resolve("tr@production") == newer, "signed changes are not skipped"


@pytest.mark.parametrize(
    ("content", "count"), [(None, 2_000), (b"{", 2_000), (b" " * 700_000, 200)]
)
def test_planted_versions_cannot_make_a_reader_read_without_end(signed, small, content, count):
    version = signed.publish(small, "tr")
    plant_versions(signed, range(3), content)
    assert signed.resolve("tr@latest") == version
    plant_versions(signed, range(3, count), content)
    with pytest.raises(ArtifactError, match="The newest versions of tr, .* Delete them"):
        signed.resolve("tr@latest")
    assert signed.load(f"tr@{version}", device="cpu").origin == f"tr@{version}"


def test_names_of_another_form_are_not_read(signed, stranger, small):
    version = signed.publish(small, "tr", alias="production")
    folder = event_path(signed, 1).parent
    for name in ("0000000\N{ARABIC-INDIC DIGIT TWO}.json", "00000002.JSON", "2.json", "x.json"):
        (folder / name).write_text("{")
    late = LATE.replace("2", "\N{ARABIC-INDIC DIGIT TWO}")
    folder_of(signed, f"{late}-0123456789ab").mkdir()
    (folder_of(signed, f"{late}-0123456789ab") / "manifest.json").write_text("{}")
    for store in (signed, stranger):
        assert store.resolve("tr@production") == store.resolve("tr@latest") == version
        assert len(store.history("tr", "production")) == 1


def test_a_folder_of_planted_files_is_not_listed_for_a_version(signed, small, monkeypatch):
    version = signed.publish(small, "tr")
    planted = folder_of(signed, f"{LATE}-0123456789ab")
    planted.mkdir()
    (planted / "manifest.json").write_text("{}")
    listed, list_names = [], Folder.names

    def names(self, folder, *rest):
        listed.append(folder)
        return list_names(self, folder, *rest)

    monkeypatch.setattr(Folder, "names", names)
    assert signed.resolve("tr@latest") == version
    assert listed == ["tr/versions"]


def test_planted_aliases_do_not_delay_an_error(signed, small, monkeypatch):
    signed.publish(small, "tr", alias="production")
    for number in range(50):
        event_path(signed, 1, f"planted-{number}").parent.mkdir()
        event_path(signed, 1, f"planted-{number}").write_text("{")
    read, start = [], Folder.start

    def count(self, name, limit):
        read.append(name)
        return start(self, name, limit)

    monkeypatch.setattr(Folder, "start", count)
    with pytest.raises(StoreError, match="has no alias 'other': there are 51 others"):
        signed.resolve("tr@other")
    assert not read


@pytest.mark.slow
def test_a_folder_with_too_many_names_is_not_searched(signed, small):
    version = signed.publish(small, "tr", alias="production")
    folder = event_path(signed, 1).parent
    for number in range(100_000):
        (folder / f"{number:x}").touch()
    with pytest.raises(StoreError, match=r"aliases/production' has more than 100,000 entries"):
        signed.resolve("tr@production")
    assert signed.resolve("tr@latest") == version


def test_a_folder_in_s3_is_listed_as_far_as_needed(moto_server):
    import s3fs

    bucket = moto_server.bucket()
    place = s3fs.S3FileSystem(**moto_server.options, skip_instance_cache=True)
    names = [f"{number:04d}" for number in range(1_100)]
    place.pipe({f"{bucket}/a/{name}": b"x" for name in names} | {f"{bucket}/a/deep/x": b"x"})
    objects = Objects(f"s3://{bucket}", moto_server.options)
    assert objects.names("a", 1_101) == objects.names("a") == [*names, "deep"]
    assert objects.names("nothing", 5) == []
    with pytest.raises(StoreError, match=r"/a' has more than 1,100 entries"):
        objects.names("a", 1_100)
