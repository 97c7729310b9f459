"""Remembers which files of the cache were verified, so that loads need not hash them again.

The record of a verified file is a hash over its SHA-256, inode, device, size, owner, and the times
of the last change of its content and of its inode.  Whoever alters a file can reset its time of
modification, but not the time of the inode's change, so the record no longer matches.

Records are kept in this process and, for other processes, as names of empty files in
``~/.local/state/prodcat/verified``.  This folder is outside of the cache, so that somebody who can
only write to the cache cannot forge a record.  Without a home directory, each process computes
each hash once.
"""

import contextlib
import hashlib
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from prodcat.errors import StoreError
from prodcat.storage.private_folder import PrivateFolder, check_file

FOLDER = Path("~/.local/state/prodcat/verified")
_MOST = 1_000  # files that are remembered
_TICK = 50_000_000  # nanoseconds; changes within one tick of the file system have the same time
_Identity = tuple[str | int, ...]
_in_this_process: set[_Identity] = set()


@contextlib.contextmanager
def open_cached(path: Path) -> Iterator[BinaryIO]:
    """Open a file of the cache for reading, without following a link.

    Raises:
        FileNotFoundError: There is no such file.
        OSError: The file is a link, or cannot be opened.
        StoreError: Somebody else may have written the file.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as file:
        check_file(os.fstat(descriptor), path)
        yield file


def is_intact(descriptor: int, sha256: str, about: os.stat_result | None = None) -> bool:
    """Whether an opened file has the expected hash; computed only if the file is not recorded.

    Args:
        descriptor: The file's descriptor, open for reading.
        sha256: The expected SHA-256, as hexadecimal digits.
        about: The current status of the file, if the caller has it.
    """
    about = about or os.fstat(descriptor)
    identity = _identity(about, sha256)
    if identity in _in_this_process:
        return True
    if _is_recorded(_mark(identity)):
        _in_this_process.add(identity)
        return True
    started = time.time_ns()
    with os.fdopen(descriptor, "rb", closefd=False) as file:
        file.seek(0)
        actual = hashlib.file_digest(file, "sha256").hexdigest()
        file.seek(0)
    if actual != sha256 or _identity(os.fstat(descriptor), sha256) != identity:
        return False
    if started - about.st_ctime_ns > _TICK:
        remember(about, sha256)
    return True


def remember(about: os.stat_result, sha256: str) -> None:
    """Record that a file has a hash; the record holds until the file is changed.

    Args:
        about: The status of the file, from :func:`os.fstat`.
        sha256: The SHA-256 of its content, as hexadecimal digits.
    """
    identity = _identity(about, sha256)
    _in_this_process.add(identity)
    with contextlib.suppress(OSError, RuntimeError, StoreError):  # RuntimeError: there is no home
        folder = PrivateFolder(FOLDER.expanduser())
        with folder.open(_mark(identity), os.O_WRONLY | os.O_CREAT):
            pass
        kept = folder.files("")
        if len(kept) > _MOST:
            for name, _ in sorted(kept, key=lambda file: file[1].st_mtime)[: _MOST // 2]:
                folder.remove(name)


def _identity(about: os.stat_result, sha256: str) -> _Identity:
    times = about.st_mtime_ns, about.st_ctime_ns
    return sha256, about.st_ino, about.st_dev, about.st_size, *times, about.st_uid


def _mark(identity: _Identity) -> str:
    return hashlib.sha256(repr(identity).encode()).hexdigest()


def _is_recorded(mark: str) -> bool:
    """Whether a process of this user has recorded the mark; false if that cannot be read."""
    try:
        with PrivateFolder(FOLDER.expanduser()).open(mark) as record:
            return os.fstat(record).st_uid == os.geteuid()
    except (OSError, RuntimeError, StoreError):
        return False
