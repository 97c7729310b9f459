"""Objects below an fsspec URI; temporary faults are retried, and other faults are explained.

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

from prodcat.errors import PlaceError, StoreError
from prodcat.storage import local_disk, s3
from prodcat.storage.folder import Entry, Folder
from prodcat.storage.places import Budget, Place
from prodcat.storage.retries import Operation
from prodcat.storage.web_server import ForwardReader

_T = TypeVar("_T")
PIECE = 8 << 20  # bytes
_AT_ONCE = 4  # pieces
_SMALL = 64 << 10  # bytes
_IN_PIECES = 64 << 20  # bytes of the largest object in S3 that is read in one request


class Objects:
    """The objects below one URI; the connection is made when it is first needed.

    Args:
        uri: A folder at any fsspec URI, or a place.  A place that a request or an artifact named
            is never written to.
        storage_options: Options of the filesystem, such as ``endpoint_url``, ``key`` and
            ``secret``.
        patience: Seconds for which a failing operation is retried.
        budget: The bytes and seconds that reading may take, shared with other objects; None for
            the place's limits.

    Attributes:
        is_local: Whether the objects are files on this machine.
        is_near: Whether reading needs no network.
    """

    def __init__(
        self,
        uri: str | os.PathLike[str] | Place,
        storage_options: Mapping[str, Any] | None = None,
        patience: float = 60.0,
        budget: Budget | None = None,
    ) -> None:
        place = Place.of(uri)
        bare = place.uri.rstrip("/")
        self.place = place if not bare or bare.endswith(":") else place.at(bare)
        self.folder = Folder(self.place, storage_options or {}, budget)
        self.uri, self.budget = self.place.uri, self.folder.budget
        self.options = self.folder.options
        self.protocol, self.patience = self.folder.protocol, patience
        self.is_local, self.is_near = self.folder.is_local, self.folder.is_near

    def below(self, folder: str) -> "Objects":
        """The objects below a subfolder."""
        return Objects(self.place.at(self.at(folder)), self.options, self.patience, self.budget)

    def with_patience(self, seconds: float) -> "Objects":
        """The same objects, with failing operations retried for ``seconds``."""
        return Objects(self.place, self.options, seconds, self.budget)

    def at(self, name: str) -> str:
        """The URI of one object, for messages."""
        return self.folder.at(name)

    # -- reading ------------------------------------------------------------------

    def read(self, name: str, start: int | None = None, end: int | None = None) -> bytes:
        """Read an object's bytes, or those from ``start`` to before ``end``.

        Raises:
            FileNotFoundError: There is no such object.
            StoreError: The object cannot be read, or is larger than its server announced.
            PlaceError: Reading exceeded the limits of the place.
        """
        if start is None and end is None and self.folder.is_s3:
            size = self._retried("look at", name, partial(self.folder.whole_size, name)) or 0
            if size > _IN_PIECES:
                return b"".join(self.pieces(name, 0, size))
        return self._retried("read", name, partial(self.folder.read, name, start, end))

    def pieces(self, name: str, start: int, end: int) -> Iterator[bytes]:
        """Yield an object's bytes from ``start`` to before ``end``, at most 8 MiB at a time.

        The next pieces are fetched while the caller uses the current one.  After a lost connection
        only one piece is requested again.

        Raises:
            FileNotFoundError: There is no such object.
            ArtifactError: The object arrived altered or truncated three times.
            StoreError: The object cannot be read.
            PlaceError: Reading exceeded the limits of the place.
        """
        bounds = [(first, min(first + PIECE, end)) for first in range(start, end, PIECE)]
        if self.folder.is_web:
            folder = self.folder
            with ForwardReader(folder.filesystem, folder.path(name), self.budget) as reader:
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
            PlaceError: Reading exceeded the limits of the place.
        """
        return self._retried("read", name, partial(self.folder.start, name, limit))

    def size(self, name: str) -> int:
        """An object's size in bytes.

        Raises:
            FileNotFoundError: There is no such object.
            StoreError: The server does not state the size, or cannot be reached.
        """
        return self._retried("look at", name, partial(self.folder.size, name))

    def names(self, folder: str, most: int | None = None) -> list[str]:
        """The sorted names of all entries of a folder; none if there is no such folder.

        Args:
            folder: The folder.
            most: The maximum number of entries; None for no maximum.

        Raises:
            StoreError: There are more entries, or the folder cannot be listed.
        """
        names = self._retried("list", folder, partial(self.folder.names, folder, most))
        if most is not None and len(names) > most:
            raise StoreError(
                f"{self.at(folder)!r} has more than {most:,} entries, so it is not searched. "
                "Delete those that do not belong there, and find out who can write there."
            )
        return names

    def walk(self, folder: str) -> dict[str, Entry]:
        """All objects below a folder, by their names relative to that folder.

        Raises:
            StoreError: The folder cannot be listed.
            PlaceError: A request or an artifact named the place.
        """
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
        """Write an object unless it exists; of several simultaneous callers only one succeeds.

        Args:
            name: The object's name.
            content: A few hundred bytes that no other caller writes, so that this call can
                recognise its own object.

        Returns:
            None if the object was written; otherwise the content of the one that exists.

        Raises:
            StoreError: The object cannot be written, or the server ignores the condition that the
                object must not exist.
        """
        written = self._retried("write", name, partial(self.folder.create, name, content))
        # Read back: if a response was lost and the request sent again, the object may exist
        # because of this very call.  And a server that ignores the condition lets everybody write.
        try:
            existing = self.start(name, max(_SMALL, len(content) + 1))
        except FileNotFoundError:
            existing = b""
        if existing == content:
            return None
        if written:
            raise StoreError(
                f"Another process wrote {self.at(name)!r} at the same time, and both succeeded: "
                "this server ignores If-None-Match, so versions published there could be lost. Use "
                "S3, or a server that honours If-None-Match."
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
            mine: A function that returns whether a file may be removed; its argument is the
                temporary name, which begins with the file's final name.  None to remove any
                unfinished file.

        Returns:
            The names of the removed files, relative to the URI.
        """
        self._check_writable()
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
        self._check_writable()
        if not self.is_local:
            return []
        names = [f"{folder}/{name}" for name in self.names(folder)]
        return [name for name in names if local_disk.remove_empty_folder(self._file(name), before)]

    def abort_uploads(self, folder: str, before: float) -> int:
        """Abort unfinished multipart uploads, which only S3 has.

        Args:
            folder: The folder below which the uploads were begun.
            before: Uploads that were begun after this time, in seconds since 1970, are kept.

        Returns:
            How many uploads were aborted.
        """
        self._check_writable()
        if not self.folder.is_s3:
            return 0

        def abort() -> int:
            return s3.abort_uploads(self.folder.filesystem, self.folder.path(folder), before)

        return self._retried("list", folder, abort)

    def _file(self, name: str) -> Path:
        return Path(self.folder.path(name))

    def _check_writable(self) -> None:
        if self.place.is_restricted:
            raise PlaceError(
                f"{self.uri!r} was named by a request or an artifact, so it is never written to."
            )

    def _retried(self, verb: str, name: str, attempt: Callable[[], _T]) -> _T:
        """Run an operation, and retry temporary faults within the patience and the time limit."""
        if verb in ("write", "remove"):
            self._check_writable()
        left = self.budget.seconds()
        patience = self.patience if left is None else min(left, self.patience)
        is_local, is_s3 = self.folder.is_local, self.folder.is_s3
        try:
            return Operation(verb, self.at(name), is_local, is_s3, patience).run(attempt)
        except StoreError as error:
            if error.unreachable:
                self.budget.seconds()  # raises PlaceError if the time limit ended the attempts
            raise
