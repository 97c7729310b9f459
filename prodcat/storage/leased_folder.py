"""Writes an output under a lease, so that a process that lost its lease can change nothing.

On a local disk, a file is written to the holder's folder of unfinished files and then moved to its
place; a process that takes the lease over first removes that folder. In S3, a request names the
content that it replaces, so it never replaces what a later holder has written. In other stores, the
lease is only checked before each write.
"""

import contextlib
import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import BinaryIO

from prodcat.storage import s3
from prodcat.storage.leases import Lease
from prodcat.storage.objects import Objects
from prodcat.storage.retries import Operation

_ATTEMPTS = 5


class LeasedFolder:
    """The objects of an output, which only the holder of its lease can change.

    Args:
        objects: The output folder.
        lease: The lease on it, or on a share of it.
    """

    def __init__(self, objects: Objects, lease: Lease) -> None:
        self.objects, self.lease = objects, lease

    def write(self, name: str, content: bytes) -> None:
        """Write or replace an object; readers see either the old or the new content, whole.

        Raises:
            OutputInUseError: The lease was lost.
            StoreError: The object cannot be written.
        """
        self._attempt("write", self.objects.at(name), partial(self._write, name, content))

    def remove(self, name: str) -> None:
        """Remove an object, if it exists.

        Raises:
            OutputInUseError: The lease was lost.
            StoreError: The object cannot be removed.
        """
        self._attempt("remove", self.objects.at(name), partial(self._remove, name))

    @contextlib.contextmanager
    def new_file(self, name: str) -> Iterator[tuple[BinaryIO, Path]]:
        """A context manager that opens a new file on the local disk for writing.

        At the end of the context the file is removed, unless it was moved to its place.

        Args:
            name: The final name of the file.

        Yields:
            The opened file, and its temporary path.

        Raises:
            OutputInUseError: The lease was lost.
        """
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
        with self.lease.unfinished_file(name) as path:
            try:
                number = os.open(path, flags, 0o666)
            except FileNotFoundError:  # the process that took the lease over removed the folder
                raise self.lease.loss() from None
            with os.fdopen(number, "wb") as file:
                yield file, path

    def put(self, near: Path, path: str, uri: str) -> None:
        """Move or upload a complete file to its place, which may be outside of the leased folder.

        Args:
            near: The path of the file on this machine.  If the leased folder is local too, the file
                must be one of :meth:`new_file`, and is moved.
            path: The file's new path in the filesystem of the leased folder.
            uri: The URI of that path, for messages.

        Raises:
            OutputInUseError: The lease was lost.
            StoreError: The file cannot be written there.
        """
        self._attempt("write", uri, partial(self._put, near, path))

    def _attempt(self, verb: str, uri: str, attempt: Callable[[], None]) -> None:
        objects = self.objects
        Operation(verb, uri, objects.is_local, objects.folder.is_s3, objects.patience).run(attempt)

    def _write(self, name: str, content: bytes) -> None:
        folder = self.objects.folder
        path = folder.path(name)
        if self.objects.is_local:
            with self.new_file(name) as (file, near):
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
                self._move(near, path)
        elif folder.is_s3:
            self._put_in_s3(path, content, None)
        else:
            self.lease.check()
            folder.write(name, content)

    def _put(self, near: Path, path: str) -> None:
        folder = self.objects.folder
        if self.objects.is_local:
            self._move(near, path)
        elif folder.is_s3:
            self._put_in_s3(path, near, s3.tag_of(folder.filesystem, path))
        else:
            self.lease.check()
            folder.filesystem.put_file(str(near), path)

    def _move(self, near: Path, path: str) -> None:
        self.lease.check()
        try:
            near.replace(path)
        except FileNotFoundError:
            if near.exists():  # the target's folder is missing
                raise
            raise self.lease.loss() from None

    def _put_in_s3(self, path: str, content: bytes | Path, tag: str | None) -> None:
        filesystem = self.objects.folder.filesystem
        for _ in range(_ATTEMPTS):
            try:
                s3.put_if(filesystem, path, content, tag, self.lease.check)
                return
            except s3.ConditionError:
                # If the lease is still held, this holder may replace the object.  If the object has
                # the same content already, the response to this very request was lost.
                self.lease.check()
                tag = s3.tag_of(filesystem, path)
                if tag is not None and content == filesystem.cat_file(path):
                    return
        raise self.lease.loss()

    def _remove(self, name: str) -> None:
        self.lease.check()
        if not self.objects.is_local:
            self.objects.folder.remove(name)
            return
        path = Path(self.objects.folder.path(name))
        with self.lease.unfinished_file(name) as gone:
            try:
                path.rename(gone)
            except FileNotFoundError:
                self.lease.check()
