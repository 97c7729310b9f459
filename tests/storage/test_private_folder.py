"""Caches that others have made, opened to others, or filled with links."""

import logging
import os
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from prodcat import Cache, StoreError
from prodcat.storage.objects import Objects

ROOT = Path(__file__).parents[2]
STRANGER = 12_345
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
CONTENT = b"x" * 1_000
SHA256 = "44f8354494a5ba03ba1792a8d3e9c534c47a9181980fde7a3f44b06ef2ae7c7f"
BLOB = f"blobs/{SHA256[:2]}/{SHA256}"


@pytest.fixture
def remote(tmp_path):
    objects = Objects(str(tmp_path / "remote"))
    objects.write("a", CONTENT)
    return objects


def fetch(folder, remote):
    manifest = {"files": {"a": {"bytes": len(CONTENT), "sha256": SHA256}}}
    return Cache(folder).fetch(remote, manifest, "x")["a"].read_bytes()


def use(folder, remote):
    """Use every kind of file in a cache."""
    cache = Cache(folder)
    cache.note("key", b"kept")
    assert cache.noted("key") == b"kept"
    assert fetch(folder, remote) == CONTENT


@pytest.fixture
def folder(tmp_path, remote):
    """A cache in which something was kept."""
    folder = tmp_path / "above" / "cache"
    use(folder, remote)
    (folder / "parts" / SHA256).write_bytes(b"x")
    return folder


def note_of(folder):
    [note] = (folder / "notes").iterdir()
    return note


PLACES = [
    "", "blobs", "blobs/44", BLOB, "parts", f"parts/{SHA256}", "locks", f"locks/{SHA256}.lock",
    "notes", "note",
]  # fmt: skip


def place_in(folder, name):
    if name.startswith(("parts", "locks")):
        (folder / BLOB).unlink()  # so that it is downloaded again
    return note_of(folder) if name == "note" else folder / name


def using(folder, remote):
    cache = Cache(folder)
    cache.noted("key")
    return fetch(folder, remote)


@as_root
@pytest.mark.parametrize("name", PLACES)
def test_what_belongs_to_another_user_is_refused(folder, remote, name):
    os.lchown(place_in(folder, name), STRANGER, -1)
    with pytest.raises(StoreError, match=r"belongs to another user \(12345\).* Remove it, or use"):
        using(folder, remote)


@pytest.mark.parametrize("name", PLACES)
def test_what_everybody_can_write_is_refused(folder, remote, name):
    place_in(folder, name).chmod(0o777)
    with pytest.raises(StoreError, match="can be written by"):
        using(folder, remote)


@pytest.mark.parametrize("name", PLACES[1:])
def test_no_link_in_a_cache_is_followed(folder, remote, tmp_path, name):
    place, elsewhere = place_in(folder, name), tmp_path / "elsewhere"
    place.rename(elsewhere)
    place.symlink_to(elsewhere)
    before = elsewhere.stat()
    with pytest.raises(StoreError, match="is a symbolic link"):
        using(folder, remote)
    after = elsewhere.stat()
    assert (after.st_size, after.st_mtime_ns) == (before.st_size, before.st_mtime_ns)


def test_a_link_in_the_place_of_a_new_note_is_replaced(folder, tmp_path):
    victim, note = tmp_path / "victim", note_of(folder)
    victim.write_text("mine")
    note.unlink()
    note.symlink_to(victim)
    Cache(folder).note("key", b"new")
    assert victim.read_text() == "mine" and note.read_bytes() == b"new"


def test_a_file_with_a_second_name_is_not_written_to(folder, remote, tmp_path):
    victim, part = tmp_path / "victim", folder / "parts" / SHA256
    victim.write_text("mine")
    part.unlink()
    part.hardlink_to(victim)
    (folder / BLOB).unlink()
    assert fetch(folder, remote) == CONTENT
    assert victim.read_text() == "mine"


@pytest.mark.parametrize("name", [BLOB, f"parts/{SHA256}", f"locks/{SHA256}.lock", "note"])
def test_a_pipe_does_not_make_a_reader_wait(folder, remote, name):
    place = place_in(folder, name)
    place.unlink()
    os.mkfifo(place, 0o600)
    with pytest.raises(StoreError, match="is not a regular file"):
        using(folder, remote)


def test_whatever_is_made_is_private(tmp_path, remote):
    umask = os.umask(0)
    try:
        use(tmp_path / "new" / "cache", remote)
    finally:
        os.umask(umask)
    paths = [tmp_path / "new", *(tmp_path / "new").rglob("*")]
    assert len(paths) > 8
    for path in paths:
        assert path.stat().st_mode & 0o077 == 0, path


@pytest.mark.parametrize("mode", [0o755, 0o775, 0o2775])
def test_caches_of_earlier_versions_are_used(folder, remote, mode, tmp_path):
    """Umask 002 gives the group the right to write, which is taken from it."""
    for path in [folder, *folder.rglob("*")]:
        path.chmod(mode if path.is_dir() else 0o444 if "blobs" in str(path) else mode & 0o664)
    (tmp_path / "remote" / "a").unlink()
    assert using(folder, remote) == CONTENT, "from the cache"
    assert Cache(folder).noted("key") == (b"kept" if mode == 0o755 else None)
    visited = [folder, folder / "blobs", folder / "blobs/44", folder / "notes"]
    assert not any(path.stat().st_mode & stat.S_IWGRP for path in visited)


def test_a_part_to_which_the_group_could_write_is_thrown_away(folder, remote):
    (folder / BLOB).unlink()
    part = folder / "parts" / SHA256
    part.chmod(0o664)
    with part.open("r+b") as held:  # by a member of the group, who writes when it is complete
        assert fetch(folder, remote) == CONTENT
        held.write(b"y" * 500)
    assert fetch(folder, remote) == CONTENT


# -- above the folder -------------------------------------------------------------


def test_folders_above_that_everybody_can_write_are_refused(folder, remote):
    folder.parent.chmod(0o777)
    with pytest.raises(StoreError, match=r"above' can be written by everybody"):
        using(folder, remote)
    folder.parent.chmod(0o1777)
    assert using(folder, remote) == CONTENT, "as in /tmp"
    folder.parent.chmod(0o775)
    assert using(folder, remote) == CONTENT


@as_root
def test_folders_and_links_above_of_another_user_are_refused(folder, remote, tmp_path):
    link = tmp_path / "link"
    link.symlink_to("above/../above")
    assert using(link / "cache", remote) == CONTENT, "the user's links are followed"
    os.lchown(link, STRANGER, -1)
    with pytest.raises(StoreError, match=r"link' belongs to another user"):
        using(link / "cache", remote)
    os.chown(folder.parent, STRANGER, -1)
    with pytest.raises(StoreError, match=r"above' belongs to another user"):
        using(folder, remote)


def test_links_that_lead_in_circles_end(tmp_path):
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(StoreError, match="is a symbolic link"):
        Cache(tmp_path / "a" / "cache")


# -- the temporary folder ---------------------------------------------------------


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """The folder for temporary files of a user whose home cannot be used."""
    (tmp_path / "file").write_text("")
    monkeypatch.setattr("prodcat.storage.cache.DEFAULT_FOLDER", tmp_path / "file" / "x")
    folder = tmp_path / "tmp"
    folder.mkdir()
    folder.chmod(0o1777)
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def test_a_temporary_cache_is_private_and_used_again(temporary, remote, caplog):
    with caplog.at_level(logging.WARNING):
        cache = Cache()
    assert cache.folder == temporary / f"prodcat-{os.geteuid()}" == Cache().folder
    assert cache.folder.stat().st_mode & 0o777 == 0o700 and " instead." in caplog.text


@pytest.mark.parametrize("planted", ["link", "open folder", "file"])
def test_a_planted_temporary_cache_is_not_used(temporary, remote, tmp_path, planted):
    name, elsewhere = temporary / f"prodcat-{os.geteuid()}", tmp_path / "elsewhere"
    elsewhere.mkdir()
    if planted == "link":
        name.symlink_to(elsewhere)
    elif planted == "file":
        name.write_text("")
    else:
        name.mkdir()
        name.chmod(0o777)
    folder = Cache().folder
    assert folder.parent == temporary and folder != name
    assert folder.stat().st_mode & 0o777 == 0o700 and not list(elsewhere.iterdir())


@as_root
def test_a_default_cache_of_another_user_is_not_used(temporary, tmp_path, monkeypatch):
    """Such as that of whoever has called sudo."""
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    os.chown(theirs, STRANGER, -1)
    monkeypatch.setattr("prodcat.storage.cache.DEFAULT_FOLDER", theirs)
    assert Cache().folder.parent == temporary


_READ = """
import os, sys
from prodcat.storage.cache import Cache
from prodcat.storage.objects import Objects
os.setgid(65534), os.setuid(65534)
folder, sha256, size = sys.argv[1:]
manifest = {"files": {"a": {"bytes": int(size), "sha256": sha256}}}
paths = Cache(folder).fetch(Objects("/none"), manifest, "x")
print(len(paths["a"].read_bytes()), end="")
"""


@as_root
def test_a_cache_that_root_has_filled_serves_every_user(remote):
    """As a cache that was placed in a container's image."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "cache"
        fetch(folder, remote)
        for path in [Path(place), folder, *folder.rglob("*")]:
            path.chmod(0o755 if path.is_dir() else 0o444)
        done = subprocess.run(
            [sys.executable, "-c", _READ, folder, SHA256, str(len(CONTENT))],
            capture_output=True, text=True, cwd=ROOT,
        )  # fmt: skip
    assert done.stdout == "1000", done.stderr
