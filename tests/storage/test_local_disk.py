"""Files of this machine are put in place whole, and leftovers of killed processes are removed."""

import os
import uuid
from pathlib import Path

import pytest

from prodcat import ArtifactError
from prodcat.storage.local_disk import (
    PartFile,
    check_regular,
    create_file,
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


def test_only_files_and_folders_are_read(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ArtifactError, match="'x' is no file; expected a regular one"):
        check_regular(str(tmp_path / "pipe"), "x")
    check_regular(str(tmp_path), "x")
    with pytest.raises(FileNotFoundError):
        check_regular(str(tmp_path / "none"), "x")


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
