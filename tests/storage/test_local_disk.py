"""Files of this machine are put in place whole, and leftovers of killed processes are removed."""

import os
import resource
import socket
import stat
import uuid
from pathlib import Path

import pytest

from prodcat import ArtifactError
from prodcat.errors import PlaceError
from prodcat.storage.local_disk import (
    PartFile,
    create_file,
    names,
    open_regular,
    remove_empty_folder,
    remove_part,
    replace_file,
)

LATER = float("inf")


def test_a_file_is_replaced_whole(tmp_path):
    path = tmp_path / "folder" / "a"
    replace_file(str(path), b"1")
    replace_file(str(path), b"22")
    assert path.read_bytes() == b"22" and list(path.parent.iterdir()) == [path]


def test_a_file_is_created_once(tmp_path):
    path = tmp_path / "a"
    create_file(str(path), b"1", "store")
    with pytest.raises(FileExistsError):
        create_file(str(path), b"2", "store")
    assert path.read_bytes() == b"1" and list(tmp_path.iterdir()) == [path]


def test_a_file_that_cannot_be_written_leaves_nothing(tmp_path, monkeypatch):
    def full(_):
        raise OSError("full")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="full"), PartFile(str(tmp_path / "a"), b"1"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_only_regular_files_are_read(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "socket"))
        for name in ("pipe", "socket"):
            with pytest.raises(
                ArtifactError, match="'x' is a pipe, a device or a socket; expected a regular file"
            ):
                open_regular(str(tmp_path / name), "x")
    with pytest.raises(ArtifactError, match="expected a regular file"):
        open_regular("/dev/zero", "x")
    for missing in (tmp_path, tmp_path / "none", tmp_path / "pipe" / "below"):
        with pytest.raises(FileNotFoundError):
            open_regular(str(missing), "x")


def test_links_are_followed_only_where_that_is_allowed(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/a").write_bytes(b"1")
    (tmp_path / "link").symlink_to("folder")
    (tmp_path / "folder/b").symlink_to("a")
    for name in ("link/a", "folder/b", "link/b"):
        with open_regular(str(tmp_path / name), "x") as file:
            assert file.read() == b"1"
        with pytest.raises(PlaceError, match="'x' leads through a symbolic link"):
            open_regular(str(tmp_path / name), "x", follow=False)
    with open_regular(str(tmp_path / "folder/a"), "x", follow=False) as file:
        assert file.read() == b"1"
    assert names(str(tmp_path / "link"), "x") == names(str(tmp_path / "folder"), "x", follow=False)
    with pytest.raises(PlaceError):
        names(str(tmp_path / "link"), "x", follow=False)


def test_unfinished_files_are_private_and_finished_ones_follow_the_umask(tmp_path):
    before = os.umask(0o027)
    try:
        replace_file(str(tmp_path / "a"), b"1")
        create_file(str(tmp_path / "b"), b"1", "store")
    finally:
        os.umask(before)
    assert [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in "ab"] == [0o640, 0o640]


def test_nobody_else_can_read_an_unfinished_file(tmp_path, monkeypatch):
    modes, unlink = [], Path.unlink

    def removed(path, missing_ok=False):
        modes.append(stat.S_IMODE(path.stat().st_mode))
        unlink(path, missing_ok)

    monkeypatch.setattr(Path, "unlink", removed)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, limits[1]))
    try:
        with (
            pytest.raises(OSError, match="File too large"),
            PartFile(str(tmp_path / "a"), b"1" * 99),
        ):
            pass
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert modes == [0o600]


def test_only_old_unfinished_files_are_removed(tmp_path, monkeypatch, caplog):
    part = tmp_path / f".a.{uuid.uuid4().hex}.part"
    for path in (part, tmp_path / "a.part"):
        path.write_bytes(b"1")
    assert not remove_part(tmp_path / "a.part", LATER)
    assert not remove_part(part, 0.0)
    assert remove_part(part, LATER) and not part.exists()
    assert not remove_part(part, LATER), "it is gone by now"

    def refused(_):
        raise PermissionError(13, "Permission denied")

    part.write_bytes(b"1")
    monkeypatch.setattr(Path, "unlink", refused)
    assert not remove_part(part, LATER)
    assert "Permission denied. The rights are missing" in caplog.text


def test_only_old_empty_folders_are_removed(tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "a").write_bytes(b"1")
    (tmp_path / "empty").mkdir()
    assert not remove_empty_folder(tmp_path / "full", LATER)
    assert not remove_empty_folder(tmp_path / "full" / "a", LATER)
    assert not remove_empty_folder(tmp_path / "empty", 0.0)
    assert remove_empty_folder(tmp_path / "empty", LATER) and not (tmp_path / "empty").exists()
