"""A folder at any fsspec URI; each operation is one attempt, whose faults are passed on.

This module decides whatever differs between kinds of stores.  A local file is written under
another name and then moved to its place; an object store shows a PUT either whole or not at all.
"""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from prodcat.errors import StoreError
from prodcat.storage import local_disk, s3, web_server
from prodcat.storage.faults import TruncatedError, error_code, is_taken, nothing_there

_MEMORY = "memory"
_IN_MEMORY = threading.Lock()


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
        uri: The folder's URI, without a slash at the end.
        options: Options of the filesystem, such as ``endpoint_url``, ``key`` and ``secret``.
    """

    def __init__(self, uri: str, options: Mapping[str, Any]) -> None:
        self.uri, self.options = uri, dict(options)
        self.protocol = uri.split("://", 1)[0].split("::", 1)[0] if "://" in uri else "file"
        self._connection: tuple[Any, str] | None = None

    @property
    def is_local(self) -> bool:
        """Whether the objects are files of this machine."""
        return self.protocol in local_disk.PROTOCOLS

    @property
    def is_near(self) -> bool:
        """Whether reading needs no network."""
        return self.is_local or self.protocol == _MEMORY

    @property
    def is_s3(self) -> bool:
        """Whether the folder is in S3, or on a server with the same interface."""
        return self.protocol in s3.PROTOCOLS

    @property
    def is_web(self) -> bool:
        """Whether the folder is on a plain web server."""
        return self.protocol in web_server.PROTOCOLS

    @property
    def filesystem(self) -> Any:
        """The filesystem of fsspec.

        Raises:
            StoreError: There is no such filesystem, or the URI does not name a bucket.
        """
        return self._connected()[0]

    def at(self, name: str) -> str:
        """The URI of one object, for messages."""
        if not name:
            return self.uri
        return f"{self.uri}{name}" if self.uri.endswith("/") else f"{self.uri}/{name}"

    def path(self, name: str) -> str:
        """The path of an object in the filesystem, or of the folder if the name is empty."""
        root = self._connected()[1]
        return f"{root}/{name}" if name else root

    def _connected(self) -> tuple[Any, str]:
        """The filesystem, and the path of the folder in it."""
        if self._connection is None:
            import fsspec

            options = s3.connection_options(self.options) if self.is_s3 else self.options
            try:
                filesystem, root = fsspec.url_to_fs(self.uri, **options)
            except (ValueError, ImportError, TypeError, OSError) as error:
                raise StoreError(
                    f"Cannot look for {self.uri!r}: {error}. Check the address and what is "
                    "installed."
                ) from error
            root = str(root).rstrip("/")
            if not root and self.is_s3:
                raise StoreError(
                    f"{self.uri!r} names no bucket; expected s3://bucket/folder. Add it."
                )
            self._connection = filesystem, root
        return self._connection

    # -- reading ------------------------------------------------------------------

    def read(self, name: str, start: int | None, end: int | None) -> bytes:
        """Read an object's bytes from ``start`` to before ``end``, or to the object's end.

        Raises:
            FileNotFoundError: There is no such object.
            TruncatedError: The object has fewer than ``end`` bytes.
        """
        content = self._content(name, start, end)
        if end is not None and len(content) != end - (start or 0):
            raise TruncatedError(f"{len(content):,} bytes came of {end - (start or 0):,}")
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
        filesystem, path = self.filesystem, self.path(name)
        try:
            if self.is_local:
                local_disk.check_regular(path, self.at(name))
            if self.is_web and end is not None:
                with web_server.ForwardReader(filesystem, path) as reader:
                    return reader.read(start or 0, end, whole=False)
            content: bytes = filesystem.cat_file(path, start=start, end=end)
        except (IsADirectoryError, NotADirectoryError) as error:
            raise FileNotFoundError(path) from error
        return content

    def size(self, name: str) -> int:
        """An object's size in bytes.

        Raises:
            FileNotFoundError: There is no such object.
            StoreError: The server does not tell the size.
        """
        try:
            info = self.filesystem.info(self.path(name))
        except NotADirectoryError as error:
            raise FileNotFoundError(name) from error
        if info.get("type") == "directory":
            raise FileNotFoundError(name)
        if info.get("size") is None:
            raise StoreError(f"The server does not say how large {self.at(name)!r} is.")
        return int(info["size"])

    def names(self, folder: str) -> list[str]:
        """The sorted names of all entries of a subfolder; none if there is no such folder."""
        filesystem, path = self.filesystem, self.path(folder)
        filesystem.invalidate_cache()
        try:
            listed = filesystem.ls(path, detail=False)
        except (FileNotFoundError, NotADirectoryError) as error:
            return nothing_there(error)
        paths = {str(entry).rstrip("/") for entry in listed} - {path}
        return sorted(entry.rsplit("/", 1)[-1] for entry in paths)

    def walk(self, folder: str) -> dict[str, Entry]:
        """All objects below a subfolder, by their names relative to that subfolder."""
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
            StoreError: In a store of this kind, several writers could succeed.
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
                f"{self.uri!r} is in a store of a kind ({self.protocol}) in which two writers "
                "could both succeed, so prodcat does not publish models there. Expected s3://, a "
                "local folder or memory://."
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


def _changed(info: Mapping[str, Any]) -> float:
    """When a listed object was written, in seconds since 1970."""
    for key in ("LastModified", "mtime", "created"):
        changed = info.get(key)
        if isinstance(changed, datetime):
            return (changed if changed.tzinfo else changed.replace(tzinfo=UTC)).timestamp()
        if isinstance(changed, (int, float)):
            return float(changed)
    return time.time()  # unknown: taken for new, so that nothing is removed too soon
