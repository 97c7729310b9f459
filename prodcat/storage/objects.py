"""Objects below one fsspec URI, with temporary faults retried and others explained.

The rest of prodcat uses :class:`Objects`.  A single attempt at each operation is in
:mod:`prodcat.storage.folder`, the decision on further attempts in :mod:`prodcat.storage.retries`,
and the meaning of faults in :mod:`prodcat.storage.faults`.
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
PIECE = 8 << 20  # bytes
_AT_ONCE = 4  # pieces
_SMALL = 64 << 10  # bytes


class Objects:
    """The objects below one URI; the connection is made when it is first needed.

    Args:
        uri: A folder at any fsspec URI.
        storage_options: Options of the filesystem, such as ``endpoint_url``, ``key`` and
            ``secret``.
        patience: Seconds for which a failing operation is retried.
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
        """Whether the objects are files of this machine."""
        return self.folder.is_local

    @property
    def is_near(self) -> bool:
        """Whether reading needs no network."""
        return self.folder.is_near

    def below(self, folder: str) -> "Objects":
        """The objects below a subfolder."""
        return Objects(self.at(folder), self.options, self.patience)

    def at(self, name: str) -> str:
        """The URI of one object, for messages."""
        return self.folder.at(name)

    # -- reading ------------------------------------------------------------------

    def read(self, name: str, start: int | None = None, end: int | None = None) -> bytes:
        """Read an object's bytes, or those from ``start`` to before ``end``.

        Raises:
            FileNotFoundError: There is no such object.
            StoreError: The object cannot be read.
        """
        return self._retried("read", name, partial(self.folder.read, name, start, end))

    def pieces(self, name: str, start: int, end: int) -> Iterator[bytes]:
        """Read an object's bytes from ``start`` to before ``end``, a few MB at a time.

        The next pieces are fetched while the caller uses the present one, and a lost connection
        costs one piece only.

        Raises:
            FileNotFoundError: There is no such object.
            StoreError: The object cannot be read.
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
        """Read an object's first bytes, at most ``limit``.

        Raises:
            FileNotFoundError: There is no such object.
            StoreError: The object cannot be read.
        """
        return self._retried("read", name, partial(self.folder.start, name, limit))

    def size(self, name: str) -> int:
        """An object's size in bytes.

        Raises:
            FileNotFoundError: There is no such object.
            StoreError: The size cannot be found out.
        """
        return self._retried("look at", name, partial(self.folder.size, name))

    def names(self, folder: str) -> list[str]:
        """The sorted names of all entries of a folder; none if there is no such folder."""
        return self._retried("list", folder, partial(self.folder.names, folder))

    def walk(self, folder: str) -> dict[str, Entry]:
        """All objects below a folder, by their names relative to that folder."""
        return self._retried("list", folder, partial(self.folder.walk, folder))

    # -- writing ------------------------------------------------------------------

    def make(self) -> None:
        """Make the folder in stores that have folders; an object store has none.

        Raises:
            StoreError: The folder cannot be made.
        """
        self._retried("write", "", self.folder.make)

    def write(self, name: str, content: bytes) -> None:
        """Write or replace an object; readers see either the old or the new content, whole.

        Raises:
            StoreError: The object cannot be written.
        """
        self._retried("write", name, partial(self.folder.write, name, content))

    def create(self, name: str, content: bytes) -> bytes | None:
        """Write an object unless it exists, even if others try at the same time.

        Args:
            name: The object's name.
            content: A few hundred bytes, which no other caller writes.

        Returns:
            None if the object was written; otherwise the content of the one that exists.

        Raises:
            StoreError: The object cannot be written, or the server ignores the condition.
        """
        written = self._retried("write", name, partial(self.folder.create, name, content))
        # Read back: if an answer was lost and the request sent again, the object may exist
        # because of this very call; and a server that ignores the condition lets everybody write.
        try:
            existing = self.start(name, max(_SMALL, len(content) + 1))
        except FileNotFoundError:
            existing = b""
        if existing == content:
            return None
        if written:
            raise StoreError(
                f"{self.at(name)!r} was written by another process although it was to be written "
                "only once: this server ignores If-None-Match, so that publishing there would "
                "lose versions. Use S3, or a server that keeps the condition."
            )
        return existing

    def remove(self, name: str) -> None:
        """Remove an object, if it exists."""
        self._retried("remove", name, partial(self.folder.remove, name))

    def remove_below(self, folder: str) -> None:
        """Remove a folder and everything in it, if it exists."""
        self._retried("remove", folder, partial(self.folder.remove_below, folder))

    # -- leftovers ----------------------------------------------------------------

    def clear_parts(
        self, folder: str, before: float, mine: Callable[[str], bool] | None = None
    ) -> list[str]:
        """Remove unfinished files that a killed process of this machine left behind.

        Args:
            folder: The folder in which the files are.
            before: Files that were changed after this time are kept, in seconds since 1970.
            mine: Says of a file's final name whether the file may be removed; None for any file.

        Returns:
            The names of the removed files, relative to the URI.
        """
        if not self.is_local:
            return []
        candidates = [name for name in self.names(folder) if mine is None or mine(name[1:])]
        names = [f"{folder}/{name}" if folder else name for name in candidates]
        return [name for name in names if local_disk.remove_part(self._file(name), before)]

    def remove_empty(self, folder: str, before: float) -> list[str]:
        """Remove empty folders on this machine; an object store has none.

        Args:
            folder: The folder in which the empty folders are.
            before: Folders that were changed after this time are kept, in seconds since 1970.

        Returns:
            The names of the removed folders, relative to the URI.
        """
        if not self.is_local:
            return []
        names = [f"{folder}/{name}" for name in self.names(folder)]
        return [name for name in names if local_disk.remove_empty_folder(self._file(name), before)]

    def abort_uploads(self, folder: str, before: float) -> int:
        """Abort unfinished multipart uploads, which only S3 has.

        Args:
            folder: The folder below which the uploads were begun.
            before: Uploads that were begun after this time go on, in seconds since 1970.

        Returns:
            How many uploads were aborted.
        """
        if not self.folder.is_s3:
            return 0

        def abort() -> int:
            return s3.abort_uploads(self.folder.filesystem, self.folder.path(folder), before)

        return self._retried("list", folder, abort)

    def _file(self, name: str) -> Path:
        return Path(self.folder.path(name))

    def _retried(self, verb: str, name: str, attempt: Callable[[], _T]) -> _T:
        """Run an operation, again while its fault is temporary and the patience lasts."""
        is_local, is_s3 = self.folder.is_local, self.folder.is_s3
        return Operation(verb, self.at(name), is_local, is_s3, self.patience).run(attempt)
