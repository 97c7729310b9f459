"""A lease has one holder, and what a former holder writes has no effect."""

import os
import threading
import time
from dataclasses import replace
from pathlib import Path

import fsspec
import pytest

from prodcat import OutputInUseError, StoreError
from prodcat.storage import leases
from prodcat.storage.lease_holder import BYTES, Holder
from prodcat.storage.leased_folder import LeasedFolder
from prodcat.storage.leases import Lease
from prodcat.storage.objects import Objects
from prodcat.storage.output_folders import FOLDER, create_once

EXPIRY = 0.6  # seconds
SECOND = f"{FOLDER}/lease-0-of-1.000002.json"


def lease(objects, leased="0-of-1", **more):
    return Lease(objects, leased, lambda other: other.endswith(leased[1:]), **more)


@pytest.fixture
def objects(tmp_path):
    return Objects(tmp_path / "out")


@pytest.fixture
def short(monkeypatch):
    """Leases that expire soon."""
    monkeypatch.setattr(leases, "EXPIRY", EXPIRY)
    monkeypatch.setattr(leases, "BEAT", 0.1)
    monkeypatch.setattr(leases, "_POLL", 0.05)


def left_behind(objects, **values):
    """A lease whose holder is not this process."""
    holder = replace(Holder.of_this_process(), **values)
    objects.make()
    objects.write(f"{FOLDER}/lease-0-of-1.000001.json", holder.content())
    return holder


def names(objects):
    return [name for name in objects.walk("") if "/lease-" in name]


def test_a_lease_is_held_once_and_given_back(objects):
    with lease(objects) as held:
        held.check()
        with pytest.raises(OutputInUseError, match=f"written by process {os.getpid()} on"):
            lease(objects).__enter__()
        with pytest.raises(OutputInUseError, match="'out.csv' is being written by process"):
            lease(objects, shown="out.csv").__enter__()
        held.check()
        assert len(names(objects)) == 1
    assert not names(objects) and not Path(objects.folder.path(FOLDER)).exists()
    with lease(objects):
        assert len(names(objects)) == 1


def test_one_of_many_that_come_together_gets_the_lease(objects):
    held, refused, start, end = [], [], threading.Barrier(8), threading.Barrier(8)

    def take():
        start.wait()
        try:
            with lease(objects):
                held.append(1)
                end.wait()
        except OutputInUseError:
            refused.append(1)
            end.wait()

    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(held) == 1 and len(refused) == 7


def test_shares_of_one_number_go_beside_each_other_and_no_others(objects):
    with lease(objects, "0-of-2") as first, lease(objects, "1-of-2"):
        for other in ("0-of-2", "0-of-1", "2-of-3", "all"):
            with pytest.raises(OutputInUseError):
                lease(objects, other).__enter__()
        first.check()
    with lease(objects, "all") as whole:
        with pytest.raises(OutputInUseError):
            lease(objects, "0-of-2").__enter__()
        with lease(objects, "0-of-2", within=whole.holder.token) as share:
            share.check()
            whole.check()


@pytest.mark.parametrize("values", [{"pid": 2**22 + 1}, {"pid": 1, "started": "5"}])
def test_who_has_ended_on_this_machine_holds_nothing(objects, values):
    left_behind(objects, **values)
    began = time.monotonic()
    with lease(objects) as held:
        assert time.monotonic() - began < 5 and names(objects) == [SECOND]
        held.check()


def test_a_process_of_this_machine_that_gives_no_sign_of_life_is_replaced(objects):
    left_behind(objects, seconds=time.monotonic() - leases.EXPIRY - 1)
    with lease(objects):
        assert names(objects) == [SECOND]


def test_a_machine_that_gives_no_sign_of_life_is_replaced(objects, short):
    left_behind(objects, machine="another", seconds=0.0)
    began = time.monotonic()
    with lease(objects):
        assert time.monotonic() - began >= EXPIRY and names(objects) == [SECOND]


def test_a_machine_that_gives_a_sign_of_life_keeps_its_lease(objects, short):
    # Its clock may say what it will.
    holder = left_behind(objects, machine="another", host="far\x1b[2J", seconds=-1e9)
    over = threading.Event()

    def live():
        beat = holder
        while not over.wait(0.2):
            beat = replace(beat, count=beat.count + 1)
            objects.write(f"{FOLDER}/lease-0-of-1.000001.json", beat.content())

    thread = threading.Thread(target=live)
    thread.start()
    try:
        with pytest.raises(OutputInUseError, match=r"is being written by process \d+ on far \[2J"):
            lease(objects).__enter__()
    finally:
        over.set()
        thread.join()
    assert names(objects) == [f"{FOLDER}/lease-0-of-1.000001.json"]


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"pid": 1}', b"x" * 5_000, b"\xff"])
def test_a_damaged_lease_expires(objects, short, content):
    objects.make()
    objects.write(f"{FOLDER}/lease-0-of-1.000001.json", content)
    with lease(objects):
        assert names(objects) == [SECOND]


@pytest.mark.parametrize("values", [{"pid": -1}, {"pid": "1"}, {"seconds": None}, {"token": 5}])
def test_a_holder_that_is_none_is_not_asked(values):
    assert Holder.parse(replace(Holder.of_this_process(), **values).content()) is None
    assert len(Holder.of_this_process().content()) == BYTES


def taken_over(objects):
    """The lease is taken over although its holder lives, as if it had been stopped for long."""
    [name] = names(objects)
    until = time.monotonic() + 60
    while True:
        holder = Holder.parse(objects.read(name))
        objects.write(name, replace(holder, pid=2**22 + 1).content())
        try:
            with lease(objects) as later:
                LeasedFolder(objects, later).write("part", b"later")
            return
        except OutputInUseError:  # the holder gave a sign of life meanwhile
            assert time.monotonic() < until


@pytest.fixture(params=["local", "memory", "s3", pytest.param("ceph", marks=pytest.mark.system)])
def place(request, tmp_path):
    """A folder at each kind of store."""
    if request.param == "local":
        return Objects(tmp_path / "out")
    if request.param == "memory":
        request.addfinalizer(lambda: fsspec.filesystem("memory").rm("/leases", recursive=True))
        return Objects("memory://leases/out")
    server = request.getfixturevalue("moto_server" if request.param == "s3" else "ceph_server")
    return Objects(f"s3://{server.bucket()}/out", server.options)


def test_who_lost_the_lease_writes_and_removes_nothing(place, short):
    with lease(place) as held:
        folder = LeasedFolder(place, held)
        folder.write("part", b"first")
        folder.write("part", b"first again")
        taken_over(place)
        for attempt in (
            lambda: folder.write("part", b"late"),
            lambda: folder.write("new", b"late"),
            lambda: folder.remove("part"),
        ):
            with pytest.raises(OutputInUseError, match="no longer holds"):
                attempt()
        time.sleep(0.3)  # signs of life do not bring the lease back
        assert held.lost.is_set() and not names(place)
    assert place.read("part") == b"later" and "new" not in place.names("")


def test_a_lease_is_renewed_while_it_is_held(place, short):
    with lease(place) as held:
        time.sleep(2 * EXPIRY)
        held.check()
        [name] = names(place)
        assert Holder.parse(place.read(name)).count > 1
    assert not names(place)


def test_who_is_stopped_right_before_a_file_is_in_place_is_fenced_out(objects, monkeypatch):
    """The lease is taken over after the last look at it, on a local disk."""
    with lease(objects) as held:
        folder, move = LeasedFolder(objects, held), Path.replace

        def late(self, target):
            monkeypatch.undo()
            taken_over(objects)
            return move(self, target)

        monkeypatch.setattr(Path, "replace", late)
        with pytest.raises(OutputInUseError, match="no longer holds"):
            folder.write("part", b"late")
    assert objects.read("part") == b"later"


@pytest.mark.parametrize("before", [None, b"old"])
@pytest.mark.parametrize("server", ["moto_server", pytest.param("ceph_server", marks=pytest.mark.system)])  # fmt: skip
def test_who_is_stopped_right_before_a_request_replaces_nothing(
    request, monkeypatch, server, before
):
    """The lease is taken over after the last look at it, in S3."""
    import s3fs

    server = request.getfixturevalue(server)
    objects = Objects(f"s3://{server.bucket()}/out", server.options)
    if before:
        objects.write("part", before)
    with lease(objects) as held:
        folder, call = LeasedFolder(objects, held), s3fs.S3FileSystem.call_s3

        def late(self, method, *arguments, **named):
            if named.get("Body") == b"late":
                monkeypatch.undo()
                taken_over(objects)
            return call(self, method, *arguments, **named)

        monkeypatch.setattr(s3fs.S3FileSystem, "call_s3", late)
        with pytest.raises(OutputInUseError, match="no longer holds"):
            folder.write("part", b"late")
    assert objects.read("part") == b"later"


@pytest.mark.parametrize(
    ("server", "megabytes"),
    [("moto_server", 1), pytest.param("ceph_server", 70, marks=pytest.mark.system)],
)
def test_files_of_any_size_are_put_in_place(request, tmp_path, server, megabytes):
    server = request.getfixturevalue(server)
    objects = Objects(f"s3://{server.bucket()}/out", server.options)
    near = tmp_path / "near"
    for content in (os.urandom(megabytes << 20), os.urandom(100)):
        near.write_bytes(content)
        with lease(objects) as held:
            LeasedFolder(objects, held).put(near, objects.folder.path("joined"), objects.at("x"))
        assert objects.read("joined") == content


def test_unfinished_files_have_random_names_in_a_private_folder(objects):
    with lease(objects) as held:
        folder = LeasedFolder(objects, held)
        seen = []
        for _ in range(2):
            with folder.new_file("part") as (_, path):
                seen.append(path)
                assert path.parent.stat().st_mode & 0o777 == 0o700
                assert path.parent.name.startswith(".lease-0-of-1.000001.")
        assert seen[0] != seen[1] and not any(path.exists() for path in seen)


def test_a_place_that_cannot_be_written_is_explained(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(StoreError, match="Cannot write"):
        lease(Objects(tmp_path / "file")).__enter__()


def test_something_is_created_once_on_every_store(objects, monkeypatch):
    def no_links(*arguments, **named):
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(os, "link", no_links)
    objects.make()
    assert create_once(objects, "a", b"1") is None
    assert create_once(objects, "a", b"2") == b"1"
    with lease(objects), pytest.raises(OutputInUseError):
        lease(objects).__enter__()
