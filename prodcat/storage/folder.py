"""A folder at any fsspec URI; each operation is a single attempt whose faults are passed on.

This module handles all differences between kinds of stores.  A local file is written under a
temporary name and then moved to its place; an object store shows an upload either complete or not
at all.
"""

import os
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from prodcat.errors import PlaceError, StoreError
from prodcat.storage import local_disk, s3, web_server
from prodcat.storage.faults import TruncatedError, error_code, is_taken, nothing_there
from prodcat.storage.places import Budget, Place

_MEMORY = "memory"
_IN_MEMORY = threading.Lock()
_LARGEST = 64 << 30  # bytes of an object that is read whole
_MOST_UNASKED = 4 << 30  # the same, if the server does not state the size


@dataclass(frozen=True)
class Entry:
    """One object in a listing.

    Attributes:
        bytes: The object's size.
        changed: When the object was written, in seconds since 1970.
    """

    bytes: int
    changed: float


class Folder:
    """A folder, which connects to its store when it is first used.

    Args:
        place: The folder; its URI has no slash at the end.
        options: Options of the filesystem, such as ``endpoint_url``, ``key`` and ``secret``.
        budget: The bytes and seconds that reading may take; None for the place's limits.

    Attributes:
        uri: The folder's URI.
        protocol: The URI's scheme, such as ``"s3"``; ``"file"`` for a path.
        is_local: Whether the objects are files on this machine.
        is_near: Whether reading needs no network.
        is_s3: Whether the folder is in S3, or on a server with the same interface.
        is_web: Whether the folder is on a plain web server.
    """

    def __init__(
        self, place: Place, options: Mapping[str, Any], budget: Budget | None = None
    ) -> None:
        self.place, self.budget, self.options = place, budget or Budget(place), dict(options)
        uri = self.uri = place.uri
        self.protocol = uri.split("://", 1)[0].split("::", 1)[0] if "://" in uri else "file"
        self.is_local = self.protocol in local_disk.PROTOCOLS
        self.is_near = self.is_local or self.protocol == _MEMORY
        self.is_s3 = self.protocol in s3.PROTOCOLS
        self.is_web = self.protocol in web_server.PROTOCOLS
        self._connection: tuple[Any, str] | None = None

    @property
    def filesystem(self) -> Any:
        """The filesystem of fsspec.

        Raises:
            StoreError: There is no such filesystem, or the URI does not name a bucket.
            PlaceError: The URI is chained, and a request or an artifact named it.
        """
        return self._connected()[0]

    def at(self, name: str) -> str:
        """The URI of one object, for messages."""
        if not name:
            return self.uri
        return f"{self.uri}{name}" if self.uri.endswith("/") else f"{self.uri}/{name}"

    def path(self, name: str) -> str:
        """The path of an object in the filesystem, or of the folder if the name is empty.

        Raises:
            PlaceError: The name leads out of a folder that a request or an artifact named.
        """
        if self.place.is_restricted and not {"..", "."}.isdisjoint(name.split("/")):
            raise PlaceError(f"{name!r} leads out of {self.uri!r}; expected a name inside it.")
        root = self._connected()[1]
        return f"{root}/{name}" if name else root

    def _connected(self) -> tuple[Any, str]:
        """The filesystem, and the path of the folder in it."""
        if self._connection is None:
            options = self.options
            if self.is_s3:
                options = s3.connection_options(options)
            elif self.is_web:
                options = web_server.connection_options(options, self.place.is_restricted)
            filesystem, root = _connect(self.place, options)
            if not root and self.is_s3:
                raise StoreError(f"{self.uri!r} names no bucket; expected s3://bucket/folder.")
            self._connection = filesystem, root
        return self._connection

    # -- reading ------------------------------------------------------------------

    def read(self, name: str, start: int | None, end: int | None) -> bytes:
        """Read an object's bytes from ``start`` to before ``end``, or to the object's end.

        Raises:
            FileNotFoundError: There is no such object.
            TruncatedError: The object has fewer than ``end`` bytes.
            PlaceError: Reading exceeded the budget.
        """
        content = self._content(name, start, end)
        if end is not None and len(content) != end - (start or 0):
            raise _truncated(self.at(name), len(content), end - (start or 0))
        return content

    def start(self, name: str, limit: int) -> bytes:
        """Read an object's first bytes, at most ``limit``.

        Raises:
            FileNotFoundError: There is no such object.
        """
        try:
            return self._content(name, 0, limit)
        except OSError as error:
            if error_code(error) == "InvalidRange":  # the object is empty
                return b""
            raise

    def _content(self, name: str, start: int | None, end: int | None) -> bytes:
        filesystem, path, budget = self.filesystem, self.path(name), self.budget
        seconds = budget.seconds()
        if self.is_local:
            with local_disk.open_regular(path, self.at(name), self._follows_links) as file:
                content = local_disk.read(file, start or 0, end, budget)
        elif self.is_web:
            return self._web_content(name, start or 0, end)
        elif self.is_s3:
            return s3.read(filesystem, path, start or 0, end, budget)
        else:
            if end is not None:
                end = (start or 0) + budget.most(end - (start or 0))
            elif seconds is not None:
                end = (start or 0) + budget.most(self.size(name) - (start or 0))
            try:
                content = filesystem.cat_file(path, start=start, end=end, **self._timed())
            except (IsADirectoryError, NotADirectoryError) as error:
                raise FileNotFoundError(path) from error
        budget.charge(len(content))
        return content

    def _web_content(self, name: str, start: int, end: int | None) -> bytes:
        """Read an object from a web server, which may send more bytes than it announced."""
        most = self.whole_size(name) if end is None else end
        last = most if most is not None else start + _MOST_UNASKED
        with web_server.ForwardReader(self.filesystem, self.path(name), self.budget) as reader:
            content = reader.read(start, last + (end is None), whole=False)
        if end is None and len(content) > last - start:
            raise StoreError(
                f"{self.at(name)!r} has more than {last:,} bytes: more than its server announced, "
                "or than are read if it announces no size. Check the server."
            )
        if end is None and most is not None and len(content) < most - start:
            raise _truncated(self.at(name), len(content), most - start)
        return content

    def size(self, name: str) -> int:
        """An object's size in bytes.

        Raises:
            FileNotFoundError: There is no such object.
            StoreError: The server does not state the size.
        """
        size = self._size(name)
        if size is None:
            raise StoreError(
                f"The server does not state the size of {self.at(name)!r}. Use another server."
            )
        return size

    def whole_size(self, name: str) -> int | None:
        """The size in bytes of an object to be read whole; None if the server does not state it.

        Raises:
            FileNotFoundError: There is no such object.
            StoreError: The object is too large to be read whole.
        """
        size = self._size(name)
        if size is not None and size > _LARGEST:
            raise StoreError(
                f"{self.at(name)!r} has {size:,} bytes; expected at most {_LARGEST:,}. Check the "
                "address."
            )
        return size

    def _size(self, name: str) -> int | None:
        """An object's size in bytes, or None if the server does not state it."""
        if self.is_local:
            path = self.path(name)
            with local_disk.open_regular(path, self.at(name), self._follows_links) as file:
                return os.fstat(file.fileno()).st_size
        try:
            info = self.filesystem.info(self.path(name), **self._timed())
        except NotADirectoryError as error:
            raise FileNotFoundError(name) from error
        except FileNotFoundError as error:  # fsspec raises it for every fault of a web server
            if isinstance(error.__cause__, Exception):
                web_server.refuse_other_than_missing(error.__cause__)
            raise
        if info.get("type") == "directory":
            raise FileNotFoundError(name)
        return None if info.get("size") is None else int(info["size"])

    def names(self, folder: str, most: int | None = None) -> list[str]:
        """The sorted names of a subfolder's entries; if over ``most``, at least one name more."""
        filesystem, path = self.filesystem, self.path(folder)
        filesystem.invalidate_cache()
        try:
            if self.is_local:
                return sorted(local_disk.names(path, self.at(folder), self._follows_links))
            if self.is_web:
                return sorted(web_server.names(filesystem, path, self.budget))
            if self.is_s3 and most is not None:
                return sorted(s3.names(filesystem, path, most, self.budget))
            listed = filesystem.ls(path, detail=False, **self._timed())
        except (FileNotFoundError, NotADirectoryError) as error:
            return nothing_there(error)
        paths = {str(entry).rstrip("/") for entry in listed} - {path}
        self.budget.charge(sum(map(len, paths)))
        return sorted(entry.rsplit("/", 1)[-1] for entry in paths)

    @property
    def _follows_links(self) -> bool:
        return not self.place.is_restricted

    def _timed(self) -> dict[str, float]:
        """The time that is left, as the argument of fsspec's asynchronous filesystems."""
        seconds = self.budget.seconds()
        return {"timeout": seconds} if seconds and self.filesystem.async_impl else {}

    def walk(self, folder: str) -> dict[str, Entry]:
        """All objects below a subfolder, by their names relative to that subfolder.

        Raises:
            PlaceError: A request or an artifact named the folder.
        """
        if self.place.is_restricted:
            raise PlaceError(
                f"{self.uri!r} was named by a request or an artifact, so it is not searched."
            )
        filesystem, path = self.filesystem, self.path(folder)
        filesystem.invalidate_cache()
        try:
            listed = filesystem.find(path, detail=True)
        except (FileNotFoundError, NotADirectoryError) as error:
            return dict(nothing_there(error))
        return {
            str(entry)[len(path) :].lstrip("/"): Entry(int(info["size"] or 0), _changed(info))
            for entry, info in listed.items()
            if str(entry).rstrip("/") != path and not str(entry).endswith("/")
        }

    # -- writing ------------------------------------------------------------------

    def make(self) -> None:
        """Make the folder in stores that have folders; an object store has none."""
        if not self.is_s3:
            self.filesystem.makedirs(self.path(""), exist_ok=True)

    def write(self, name: str, content: bytes) -> None:
        """Write or replace an object; readers see either the old or the new content, whole."""
        filesystem, path = self.filesystem, self.path(name)
        if self.is_local:
            local_disk.replace_file(path, content)
        elif self.is_s3:
            s3.put(filesystem, path, content)
        else:
            filesystem.pipe_file(path, content)

    def create(self, name: str, content: bytes) -> bool:
        """Write an object unless it exists already.

        Returns:
            Whether the object was written.

        Raises:
            StoreError: In a store of this kind, two writers could both succeed.
        """
        try:
            return self._create(name, content)
        except FileExistsError:
            return False
        except OSError as error:
            if is_taken(error):
                return False
            raise

    def _create(self, name: str, content: bytes) -> bool:
        filesystem, path = self.filesystem, self.path(name)
        if self.is_local:
            local_disk.create_file(path, content, self.uri)
        elif self.protocol == _MEMORY:
            with _IN_MEMORY:
                if filesystem.exists(path):
                    return False
                filesystem.pipe_file(path, content)
        elif self.is_s3:
            s3.put_new(filesystem, path, content)
        else:
            raise StoreError(
                f"In a store of the kind of {self.uri!r} ({self.protocol}), two writers could both "
                "succeed, so prodcat does not publish models there. Use s3://, a local folder or "
                "memory://."
            )
        return True

    def remove(self, name: str) -> None:
        """Remove an object, if it exists."""
        try:
            self.filesystem.rm_file(self.path(name))
        except FileNotFoundError as error:
            nothing_there(error)

    def remove_below(self, folder: str) -> None:
        """Remove a subfolder and everything in it, if it exists."""
        filesystem, path = self.filesystem, self.path(folder)
        filesystem.invalidate_cache()
        try:
            filesystem.rm(path, recursive=True)
        except FileNotFoundError as error:
            nothing_there(error)


def _connect(place: Place, options: Mapping[str, Any]) -> tuple[Any, str]:
    """The filesystem of fsspec for a place, and the place's path in it."""
    import fsspec

    if place.is_restricted and "::" in place.uri:
        raise PlaceError(f"{place.uri!r} is chained (::); expected a plain URI.")
    try:
        filesystem, root = fsspec.url_to_fs(place.uri, **options)
    except (ValueError, ImportError, TypeError, OSError) as error:
        raise StoreError(
            f"Cannot look for {place.uri!r}: {error}. Check the address, and that the package for "
            "such addresses is installed."
        ) from error
    return filesystem, str(root).rstrip("/")


def _changed(info: Mapping[str, Any]) -> float:
    """When a listed object was written, in seconds since 1970."""
    for key in ("LastModified", "mtime", "created"):
        changed = info.get(key)
        if isinstance(changed, datetime):
            return (changed if changed.tzinfo else changed.replace(tzinfo=UTC)).timestamp()
        if isinstance(changed, (int, float)):
            return float(changed)
    return time.time()  # unknown: treated as new, so that nothing is removed too soon


def _truncated(place: str, arrived: int, expected: int) -> TruncatedError:
    return TruncatedError(
        f"Only {arrived:,} of the {expected:,} bytes of {place!r} arrived. Try again."
    )
