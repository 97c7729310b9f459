"""The order of versions, whose publishers' clocks may differ."""

import shutil
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from stores import another

from prodcat import Key, Store, StoreError


@pytest.fixture(params=[None, Key.from_secret(b"s" * 32)], ids=["unsigned", "signed"])
def store(request, tmp_path):
    return Store(str(tmp_path / "models"), keys=request.param)


@pytest.fixture
def clock(monkeypatch):
    """Sets the clock of the publisher by some days."""

    def set_clock(days):
        def now():
            return datetime.now(UTC) + timedelta(days=days)

        monkeypatch.setattr("prodcat.storage.publishing.now", now)

    return set_clock


@pytest.mark.parametrize("days", [(1, 0, 0), (0, -1, -400), (30_000, -1, 0)])
def test_the_version_that_was_published_last_is_the_latest(store, small, clock, days):
    versions = []
    for number, offset in enumerate(days):
        clock(offset)
        versions.append(store.publish(another(small, number), "tr"))
        assert store.resolve("tr@latest") == versions[-1]
    assert [own.version for own in store.list("tr")] == versions[::-1]
    assert store.prune(1) == (f"tr@{versions[0]}", f"tr@{versions[1]}")
    assert store.resolve("tr@latest") == versions[-1]
    assert store.load("tr@latest", device="cpu").origin == f"tr@{versions[-1]}"


def test_publishers_at_the_same_time_after_a_fast_clock(store, small, clock):
    clock(1)
    fast = store.publish(small, "tr")
    clock(0)

    def publish(number):
        return Store(store.uri, keys=store.keys or None).publish(another(small, number), "tr")

    with ThreadPoolExecutor(4) as pool:
        versions = list(pool.map(publish, range(1, 5)))
    assert len(set(versions)) == 4 and all(version > fast for version in versions)
    assert store.resolve("tr@latest") == max(versions)
    last = publish(5)
    assert store.resolve("tr@latest") == last
    assert len(store.prune(1)) == 5 and store.resolve("tr@latest") == last


def test_what_is_unfinished_or_of_another_model_does_not_shift_the_time(store, small, clock):
    clock(1)
    store.publish(small, "nl")
    (Path(store.uri) / "tr/versions/20991231T000000.000000Z-0123456789ab").mkdir(parents=True)
    clock(0)
    assert store.publish(small, "tr")[:8] == f"{datetime.now(UTC):%Y%m%d}"


@pytest.mark.parametrize("time", ["99991231T235959.999999Z", "99999999T999999.999999Z"])
def test_a_version_that_leaves_no_later_time_is_named(tmp_path, small, time):
    key = Key.from_secret(b"s" * 32)
    store, signed = Store(str(tmp_path / "models")), Store(str(tmp_path / "models"), keys=key)
    version = signed.publish(small, "tr")
    folder = tmp_path / "models/tr/versions"
    shutil.copytree(folder / version, folder / f"{time}{version[-13:]}")
    with pytest.raises(StoreError, match=f"tr@{time}.* leaves no time .* delete that one"):
        store.publish(another(small, 1), "tr")
    newer = signed.publish(another(small, 1), "tr")
    assert signed.resolve("tr@latest") == newer, "it is not signed"
