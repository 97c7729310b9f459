"""Models that cannot be pruned, beside those that can."""

import logging
from pathlib import Path

import pytest
from stores import another, run

from prodcat import ArtifactError, Key, Store


@pytest.fixture(params=[None, Key.from_secret(b"s" * 32)], ids=["unsigned", "signed"])
def store(request, tmp_path):
    return Store(str(tmp_path / "models"), keys=request.param)


@pytest.mark.parametrize("number", [1, 2])
def test_a_model_with_a_damaged_alias_is_skipped_and_named(store, small, caplog, number, capsys):
    versions = {}
    for model in ("de", "nl", "tr"):
        versions[model] = [store.publish(another(small, own), model) for own in range(2)]
    for version in versions["nl"]:
        store.promote("nl", version, "production")
    event = Path(store.uri) / f"nl/aliases/production/{number:08d}.json"
    event.write_text("{")
    with caplog.at_level(logging.WARNING):
        removed = store.prune(0)
    expected = [f"{model}@{version}" for model in ("de", "tr") for version in versions[model]]
    assert list(removed) == expected
    assert "nl was not pruned:" in caplog.text
    assert {own.version for own in store.list("nl")} == set(versions["nl"])
    with pytest.raises(ArtifactError, match=f"{event.name}|last change of nl@production is not"):
        store.prune(0, "nl")
    if not store.keys:
        shown = run(capsys, "models", "prune", "--store", store.uri, "--keep", 0)
        assert "0 removed" in shown


@pytest.mark.parametrize("number", [3, 99, 99_999_999])
def test_a_planted_change_does_not_prevent_pruning(tmp_path, small, number):
    store = Store(str(tmp_path / "models"), keys=Key.from_secret(b"s" * 32))
    versions = [store.publish(another(small, change), "de") for change in range(3)]
    for version in versions[1:]:
        store.promote("de", version, "production")
    folder = Path(store.uri) / "de/aliases/production"
    (folder / f"{number:08d}.json").write_text("{}")
    if number == 3:  # a change may have been overwritten there
        assert store.prune(1) == ()
        store.promote("de", versions[-1], "production", take_over=True)
    assert store.prune(1) == (f"de@{versions[0]}",)
    assert store.rollback("de", "production").version == versions[1]


def test_an_alias_with_planted_changes_only_can_be_taken_over(tmp_path, small):
    store = Store(str(tmp_path / "models"), keys=Key.from_secret(b"s" * 32))
    version = store.publish(small, "de")
    folder = Path(store.uri) / "de/aliases/production"
    folder.mkdir(parents=True)
    (folder / "99999999.json").write_text("{}")
    store.promote("de", version, "production", take_over=True)
    assert store.resolve("de@production") == version
