"""Files on this machine's disk: atomic writes, reads without races, and removal of leftovers."""

import contextlib
import errno
import logging
import os
import re
import stat
import uuid
from pathlib import Path
from typing import BinaryIO

from prodcat.errors import ArtifactError, PlaceError, StoreError
from prodcat.storage.faults import explain_disk
from prodcat.storage.places import Budget

logger = logging.getLogger("prodcat")
PROTOCOLS = ("file", "local")
_PART = re.compile(r"\..+\.[0-9a-f]{32}\.part")
_NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS)
_READ = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC  # a pipe must not block
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_FOLDER = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_CLOEXEC


class PartFile:
    """A context manager that writes a complete file under a temporary name.

    At the end of the context the file is removed, unless it was moved.

    Args:
        path: The file's final path.  The temporary file is written to the same folder, which is
            made if it does not exist.
        content: The file's bytes.
    """

    def __init__(self, path: str, content: bytes) -> None:
        target = Path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        self.part = target.with_name(f".{target.name}.{uuid.uuid4().hex}.part")
        self.content = content

    def __enter__(self) -> Path:
        """Write the file and return its temporary path."""
        try:
            with os.fdopen(os.open(self.part, _NEW, 0o600), "wb") as file:
                file.write(self.content)
                file.flush()
                with contextlib.suppress(OSError):  # some disks have no modes
                    os.fchmod(file.fileno(), 0o666 & ~_umask())
                os.fsync(file.fileno())
        except BaseException:
            self.__exit__()
            raise
        return self.part

    def __exit__(self, *_: object) -> None:
        """Remove the file if it was not moved."""
        self.part.unlink(missing_ok=True)


def replace_file(path: str, content: bytes) -> None:
    """Write or replace a file; readers see either the old or the new content, whole."""
    with PartFile(path, content) as part:
        part.replace(path)


def create_file(path: str, content: bytes, store: str) -> None:
    """Write a file unless it exists already.

    Args:
        path: The file's path.
        content: The file's bytes.
        store: The URI of the store, for messages.

    Raises:
        FileExistsError: The file exists already.
        StoreError: The disk does not support hard links, so two writers could both succeed.
    """
    with PartFile(path, content) as part:
        try:
            os.link(part, path)
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            raise StoreError(
                f"The disk of {store!r} has no hard links ({error.strerror}), so two writers could "
                "both succeed. Use another disk, or S3."
            ) from error


def open_regular(path: str, uri: str, follow: bool = True) -> BinaryIO:
    """Open a regular file for reading.

    The kind of file is checked after it was opened, so that nobody can replace it in between.
    Pipes and devices are refused: a pipe could make the reader wait forever, and a device may have
    no end.

    Args:
        path: The file's path.
        uri: The file's URI, for messages.
        follow: Whether symbolic links are followed, in any part of the path.

    Returns:
        The file, opened for reading bytes.

    Raises:
        FileNotFoundError: Nothing exists at this path, or it is a folder.
        ArtifactError: The path is that of a pipe, a device or a socket.
        PlaceError: A part of the path is a symbolic link, and links are not followed.
    """
    try:
        descriptor = _opened(path, uri, follow)
    except NotADirectoryError as error:
        raise FileNotFoundError(path) from error
    except OSError as error:
        if error.errno == errno.ENXIO:
            raise _not_a_file(uri) from error
        raise
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISREG(mode):
        return os.fdopen(descriptor, "rb")
    os.close(descriptor)
    if stat.S_ISDIR(mode):
        raise FileNotFoundError(path)
    raise _not_a_file(uri)


def _not_a_file(uri: str) -> ArtifactError:
    return ArtifactError(f"{uri!r} is a pipe, a device or a socket; expected a regular file.")


def read(file: BinaryIO, start: int, end: int | None, budget: Budget) -> bytes:
    """Read a file's bytes from ``start`` to before ``end``, or to the end of the file.

    Args:
        file: The opened file.
        start: The position of the first byte.
        end: The position after the last byte; None for the size that the file has now.
        budget: The limits of reading; the caller must charge the bytes to it.

    Returns:
        The bytes; fewer if the file or the budget ends earlier.
    """
    size = os.fstat(file.fileno()).st_size
    last = size if end is None else min(end, size)
    file.seek(start)
    return file.read(budget.most(max(last - start, 0)))


def names(path: str, uri: str, follow: bool = True) -> list[str]:
    """The names of all entries of a folder, in no particular order.

    Args:
        path: The folder's path.
        uri: The folder's URI, for messages.
        follow: Whether symbolic links are followed, in any part of the path.

    Raises:
        FileNotFoundError: Nothing exists at this path.
        NotADirectoryError: The path is not that of a folder.
        PlaceError: A part of the path is a symbolic link, and links are not followed.
    """
    descriptor = _opened(path, uri, follow)
    try:
        return os.listdir(descriptor)  # noqa: PTH208, a descriptor
    finally:
        os.close(descriptor)


def _opened(path: str, uri: str, follow: bool) -> int:
    """Open a file or a folder for reading, and return its descriptor."""
    if follow:
        return os.open(path, _READ)
    folder = os.open("/", _FOLDER)
    try:
        *parents, last = Path(os.path.abspath(path)).parts[1:] or (".",)  # noqa: PTH100
        for part in parents:
            _refuse_link(part, folder, uri)
            inner = os.open(part, _FOLDER | os.O_NOFOLLOW, dir_fd=folder)
            os.close(folder)
            folder = inner
        _refuse_link(last, folder, uri)
        return os.open(last, _READ | os.O_NOFOLLOW, dir_fd=folder)
    finally:
        os.close(folder)


def _refuse_link(name: str, folder: int, uri: str) -> None:
    if stat.S_ISLNK(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
        raise PlaceError(
            f"{uri!r} leads through a symbolic link, which is not followed here. Replace the link "
            "by the files themselves."
        )


def _umask() -> int:
    """The umask of this process: the permissions that new files do not get."""
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
        return int(re.search(r"^Umask:\s*([0-7]+)", status, re.MULTILINE)[1], 8)  # type: ignore[index]
    except (OSError, TypeError):  # not Linux: the umask can only be read by setting it
        umask = os.umask(0o077)
        os.umask(umask)
        return umask


def remove_part(path: Path, before: float) -> bool:
    """Remove the unfinished file of a process that was killed while it wrote.

    Args:
        path: The file, which is kept if it does not have the name of an unfinished file.
        before: The file is kept if it was changed after this time, in seconds since 1970.

    Returns:
        Whether the file was removed.
    """
    try:
        if _PART.fullmatch(path.name) and path.lstat().st_mtime <= before:
            path.unlink()
            return True
    except FileNotFoundError:  # its writer has put it in place meanwhile
        return False
    except OSError as error:
        logger.warning("Left %s behind: %s", path, explain_disk(error))
    return False


def remove_empty_folder(path: Path, before: float) -> bool:
    """Remove an empty folder.

    Args:
        path: The folder; a file is kept.
        before: The folder is kept if it was changed after this time, in seconds since 1970.

    Returns:
        Whether the folder was removed.
    """
    try:
        if path.is_dir() and path.stat().st_mtime <= before and not any(path.iterdir()):
            path.rmdir()
            return True
    except OSError:  # another process has written to it meanwhile
        return False
    return False
