"""Detect whether an input file is changed while it is read.

The state of a file is recorded before it is read, and compared after each part was read from it and
once more at the end.  Other programs can write to the file meanwhile, but then the job ends with an
error: all parts of a file come from the same content, whose identity is recorded with them.
"""

import hashlib
import os
import stat
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from prodcat.errors import CatalogError, InputChangedError, StoreError
from prodcat.scoring.parts import list_files, located
from prodcat.storage.faults import store_faults
from prodcat.storage.table_files import Files, uris_of

_TICK = 0.02  # seconds; the resolution of file times on some kernels
_MARKS = ("LastModified", "last_modified", "mtime", "created", "VersionId", "generation", "etag")


@dataclass(frozen=True)
class FileState:
    """The metadata of a file that change with its content.

    Attributes:
        size: The size in bytes.
        tag: The tag that an object store derives from the content, such as an ETag, or None.
        marks: Other metadata that change with the content: times, and the inode or version.
    """

    size: int
    tag: str | None
    marks: tuple[Any, ...]

    @classmethod
    def of(cls, uri: str) -> "FileState":
        """The present state of the file at a URI.

        Raises:
            CatalogError: There is no such file.
            StoreError: The store cannot be reached.
        """
        import fsspec
        from fsspec.implementations.local import LocalFileSystem

        filesystem, path = fsspec.url_to_fs(uri)
        try:
            with store_faults(uri):
                if isinstance(filesystem, LocalFileSystem):
                    return cls._of_local(path)
                filesystem.invalidate_cache()
                info = filesystem.info(path)
        except OSError as error:
            raise CatalogError(f"Cannot read {uri!r}: {error}. Check the address.") from error
        tag = info.get("ETag") or info.get("etag") or info.get("md5Hash")
        marks = tuple(str(info.get(mark)) for mark in _MARKS)
        return cls(int(info["size"]), str(tag).strip('"') if tag else None, marks)

    @classmethod
    def _of_local(cls, path: str) -> "FileState":
        status = os.stat(path)  # noqa: PTH116, the path may be a descriptor's
        if 0 <= time.time() - status.st_ctime < _TICK:
            # A second change within the same tick of the clock would leave the times equal.
            time.sleep(_TICK)
            status = os.stat(path)  # noqa: PTH116
        if not stat.S_ISREG(status.st_mode):
            raise CatalogError(
                f"{path!r} is a pipe or a device, which can be read only once; expected a file. "
                "Write its content to a file first."
            )
        marks = (status.st_dev, status.st_ino, status.st_mtime_ns, status.st_ctime_ns)
        return cls(status.st_size, None, marks)


class Inputs:
    """The files of an input and their states at the time when this object is made.

    Args:
        source: The URI of the input: a file, a folder or a glob; or several of them.
        files: The URIs of the files, as :func:`prodcat.scoring.parts.list_files` returned them.

    Raises:
        CatalogError: A file does not exist.
        StoreError: The store cannot be reached.
    """

    def __init__(self, source: str | Files, files: Sequence[str]) -> None:
        self.source, self.files = source, list(files)
        self.states = [FileState.of(file) for file in files]
        self._identities: dict[int, str] = {}

    @property
    def sizes(self) -> list[int]:
        """The size of each file in bytes."""
        return [state.size for state in self.states]

    def identity(self, file: int) -> str:
        """The identity of a file's content: its size and tag in an object store, or its SHA-256.

        Args:
            file: The position of the file in ``files``, from 0.

        Raises:
            StoreError: The file cannot be read.
        """
        if file not in self._identities:
            self._identities[file] = _identity(self.files[file], self.states[file])
        return self._identities[file]

    def check(self, file: int) -> None:
        """Check that the metadata of a file have not changed.

        Args:
            file: The position of the file in ``files``, from 0.

        Raises:
            InputChangedError: The file was changed, replaced or removed.
            StoreError: The store cannot be reached.
        """
        try:
            changed = FileState.of(self.files[file]) != self.states[file]
        except CatalogError:
            changed = True
        if changed:
            raise self._changed(file)

    def check_all(self) -> None:
        """Check that the metadata of no file have changed.

        Raises:
            InputChangedError: A file was changed, replaced or removed.
            StoreError: The store cannot be reached.
        """
        for file in range(len(self.files)):
            self.check(file)

    def check_content(self, files: Iterable[int]) -> None:
        """Check that the contents of files have not changed; files without a tag are read again.

        Args:
            files: The positions of the files in ``files``, from 0.

        Raises:
            InputChangedError: A file was changed, replaced or removed.
            StoreError: A file cannot be read.
        """
        for file in files:
            self.check(file)
            if _identity(self.files[file], self.states[file]) != self.identity(file):
                raise self._changed(file)
            self.check(file)

    def check_list(self) -> None:
        """Check that the input still consists of the same files.

        Raises:
            InputChangedError: A file was added, renamed or removed.
            StoreError: The store cannot be reached.
        """
        for uri in uris_of(self.source):
            located(uri)[0].invalidate_cache()
        try:
            changed = sorted(set(list_files(self.source)) ^ set(self.files))
        except CatalogError as error:
            changed = [str(error)]
        if changed:
            raise InputChangedError(
                f"Files were added to {self.source!r} or removed while it was read, so the output "
                f"is not finished: {changed[0]}. Once no program changes the folder, run the same "
                "command again; if the folder then has other files than before, use overwrite."
            )

    def _changed(self, file: int) -> InputChangedError:
        return InputChangedError(
            f"{self.files[file]!r} was changed while it was read, so the output is not finished. "
            "Run the same command again once no program writes to the file; if the file then has "
            "other content than before, use overwrite."
        )


def identity_of(uri: str) -> str:
    """The identity of a file's content: its size and tag in an object store, or its SHA-256.

    Raises:
        StoreError: The file does not exist or cannot be read.
    """
    try:
        return _identity(uri, FileState.of(uri))
    except CatalogError as error:
        raise StoreError(str(error)) from error


def _identity(uri: str, state: FileState) -> str:
    import fsspec

    if state.tag:
        return f"{state.size}-{state.tag}"
    filesystem, path = fsspec.url_to_fs(uri)
    digest = hashlib.sha256()
    try:
        with filesystem.open(path, "rb") as file:
            while piece := file.read(8 << 20):
                digest.update(piece)
    except OSError as error:
        raise StoreError(f"Cannot read {uri!r}: {error}. Check the address.") from error
    return digest.hexdigest()
