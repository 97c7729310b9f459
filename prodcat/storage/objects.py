"""Objects below one fsspec URI: each whole or not there, faults retried or explained.

:class:`Objects` is what the rest of prodcat uses.  What one attempt does is in
:mod:`prodcat.storage.folder`, when there is another attempt in :mod:`prodcat.storage.retries`,
and what a fault means in :mod:`prodcat.storage.faults`.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from prodcat.errors import StoreError
from prodcat.storage import local_disk, s3
from prodcat.storage.folder import Entry, Folder
from prodcat.storage.retries import Operation
from prodcat.storage.web_server import ForwardReader

_T = TypeVar("_T")
PIECE = 8 << 20
_AT_ONCE = 4
_SMALL = 64 << 10


class Objects:
    """What lies below one URI; nothing is connected before it is needed.

    Args:
        uri: A folder at any fsspec URI.
        storage_options: For the filesystem, such as ``endpoint_url``, ``key`` and ``secret``.
        patience: Seconds for which one operation is tried again.
    """

    def __init__(
        self,
        uri: str | os.PathLike[str],
        storage_options: Mapping[str, Any] | None = None,
        patience: float = 60.0,
    ) -> None:
        uri = os.fspath(uri)
        bare = uri.rstrip("/")
        self.uri = uri if not bare or bare.endswith(":") else bare
        self.folder = Folder(self.uri, storage_options or {})
        self.options = self.folder.options
        self.protocol = self.folder.protocol
        self.patience = patience

    @property
    def is_local(self) -> bool:
        """Whether these are files of this machine."""
        return self.folder.is_local

    @property
    def is_near(self) -> bool:
        """Whether reading needs no network."""
        return self.folder.is_near

    def below(self, folder: str) -> "Objects":
        """What lies below a folder of these."""
        return Objects(self.at(folder), self.options, self.patience)

    def at(self, name: str) -> str:
        """The URI of one object, for messages."""
        return self.folder.at(name)

    # -- reading ------------------------------------------------------------------

    def read(self, name: str, start: int | None = None, end: int | None = None) -> bytes:
        """An object's bytes, or those from ``start`` to before ``end``.

        Raises:
            FileNotFoundError: It is not there.
            StoreError: It cannot be read.
        """
        return self._retried("read", name, partial(self.folder.read, name, start, end))

    def pieces(self, name: str, start: int, end: int) -> Iterator[bytes]:
        """An object's bytes from ``start`` to before ``end``, in order, a few MB at a time.

        Some are on their way while the ones before them are used; what a lost connection
        loses is one piece.

        Raises:
            FileNotFoundError: It is not there.
            StoreError: It cannot be read.
        """
        bounds = [(first, min(first + PIECE, end)) for first in range(start, end, PIECE)]
        if self.folder.is_web:
            with ForwardReader(self.folder.filesystem, self.folder.path(name)) as reader:
                for piece_bounds in bounds:
                    yield self._retried("read", name, partial(reader.read, *piece_bounds))
            return
        if len(bounds) == 1:
            yield self.read(name, *bounds[0])
            return
        waiting: list[Future[bytes]] = []
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            try:
                for piece_bounds in bounds:
                    waiting.append(pool.submit(self.read, name, *piece_bounds))
                    if len(waiting) == _AT_ONCE:
                        yield waiting.pop(0).result()
                while waiting:
                    yield waiting.pop(0).result()
            finally:
                for future in waiting:
                    future.cancel()

    def start(self, name: str, limit: int) -> bytes:
        """An object's first bytes: all of it where it has no more than ``limit``.

        Raises:
            FileNotFoundError: It is not there.
            StoreError: It cannot be read.
        """
        return self._retried("read", name, partial(self.folder.start, name, limit))

    def size(self, name: str) -> int:
        """An object's size in bytes.

        Raises:
            FileNotFoundError: It is not there.
            StoreError: It cannot be looked at.
        """
        return self._retried("look at", name, partial(self.folder.size, name))

    def names(self, folder: str) -> list[str]:
        """What lies directly in a folder; nothing where there is none."""
        return self._retried("list", folder, partial(self.folder.names, folder))

    def walk(self, folder: str) -> dict[str, Entry]:
        """All objects below a folder, by their names relative to it."""
        return self._retried("list", folder, partial(self.folder.walk, folder))

    # -- writing ------------------------------------------------------------------

    def make(self) -> None:
        """Make the folder, where folders are something; an object store needs none.

        Raises:
            StoreError: It cannot be made.
        """
        self._retried("write", "", self.folder.make)

    def write(self, name: str, content: bytes) -> None:
        """Write an object, or replace it; a reader sees the old one or the new one, whole.

        Raises:
            StoreError: It cannot be written.
        """
        self._retried("write", name, partial(self.folder.write, name, content))

    def create(self, name: str, content: bytes) -> bytes | None:
        """Write an object only where there is none, whoever else tries at the same time.

        Args:
            name: Of the object.
            content: A few hundred bytes, unlike those of any other caller.

        Returns:
            None if it was written; otherwise what is there.

        Raises:
            StoreError: It cannot be written, or the server ignores the condition.
        """
        written = self._retried("write", name, partial(self.folder.create, name, content))
        # Read back: an answer may have been lost and the request sent again, so "taken" can
        # mean "by this very call"; and a server that ignores the condition lets all win.
        try:
            there = self.start(name, max(_SMALL, len(content) + 1))
        except FileNotFoundError:
            there = b""
        if there == content:
            return None
        if written:
            raise StoreError(
                f"{self.at(name)!r} was written by another process although it was to be written "
                "only once: this server ignores If-None-Match, so that publishing there would "
                "lose versions. Use S3, or a server that keeps the condition."
            )
        return there

    def remove(self, name: str) -> None:
        """Remove an object; nothing happens where there is none."""
        self._retried("remove", name, partial(self.folder.remove, name))

    def remove_below(self, folder: str) -> None:
        """Remove a folder and all in it; nothing happens where there is none."""
        self._retried("remove", folder, partial(self.folder.remove_below, folder))

    # -- leftovers ----------------------------------------------------------------

    def clear_parts(
        self, folder: str, before: float, mine: Callable[[str], bool] | None = None
    ) -> list[str]:
        """Remove files beside their places that a killed process of this machine left.

        Args:
            folder: Those directly in it.
            before: Only those last changed before this time, seconds since 1970.
            mine: Only those for whose name, once they are in place, this says true.

        Returns:
            Their names, relative to all of this.
        """
        if not self.is_local:
            return []
        candidates = [name for name in self.names(folder) if mine is None or mine(name[1:])]
        names = [f"{folder}/{name}" if folder else name for name in candidates]
        return [name for name in names if local_disk.remove_part(self._file(name), before)]

    def remove_empty(self, folder: str, before: float) -> list[str]:
        """Remove empty folders in a folder of this machine; elsewhere there are none.

        Args:
            folder: In which.
            before: Only those last changed before this time, seconds since 1970.

        Returns:
            Their names, relative to all of this.
        """
        if not self.is_local:
            return []
        names = [f"{folder}/{name}" for name in self.names(folder)]
        return [name for name in names if local_disk.remove_empty_folder(self._file(name), before)]

    def abort_uploads(self, folder: str, before: float) -> int:
        """Give up uploads in parts that were begun before a time and never ended (S3 alone).

        Args:
            folder: Below which.
            before: Seconds since 1970.

        Returns:
            How many there were.
        """
        if not self.folder.is_s3:
            return 0

        def abort() -> int:
            return s3.abort_uploads(self.folder.filesystem, self.folder.path(folder), before)

        return self._retried("list", folder, abort)

    def _file(self, name: str) -> Path:
        return Path(self.folder.path(name))

    def _retried(self, verb: str, name: str, attempt: Callable[[], _T]) -> _T:
        """Attempt it, again while the fault may pass and the patience lasts."""
        is_local, is_s3 = self.folder.is_local, self.folder.is_s3
        return Operation(verb, self.at(name), is_local, is_s3, self.patience).run(attempt)
