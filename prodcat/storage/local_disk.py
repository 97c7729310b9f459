"""Files of this machine: complete files put in place at once, and removal of leftovers."""

import errno
import logging
import os
import re
import stat
import uuid
from pathlib import Path

from prodcat.errors import ArtifactError, StoreError
from prodcat.storage.faults import explain_disk

logger = logging.getLogger("prodcat")
PROTOCOLS = ("file", "local")
_PART = re.compile(r"\..+\.[0-9a-f]{32}\.part")
_NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS)


class PartFile:
    """A complete file under a temporary name, which is removed at the end unless it was moved.

    Args:
        path: The file's final path, in whose folder the temporary file is written; the folder
            is made.
        content: The file's bytes.
    """

    def __init__(self, path: str, content: bytes) -> None:
        target = Path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        self.part = target.with_name(f".{target.name}.{uuid.uuid4().hex}.part")
        self.content = content

    def __enter__(self) -> Path:
        """Write the file, and return its temporary path."""
        try:
            with self.part.open("wb") as file:
                file.write(self.content)
                file.flush()
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
        StoreError: The disk has no hard links, so that two writers could both succeed.
    """
    with PartFile(path, content) as part:
        try:
            os.link(part, path)
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            raise StoreError(
                f"The disk of {store!r} has no hard links ({error.strerror}), so that two writers "
                "could both succeed. Use another disk, or S3."
            ) from error


def check_regular(path: str, uri: str) -> None:
    """Refuse to read anything but a regular file or a folder.

    A pipe would make the reader wait forever, and a device has no end.

    Args:
        path: The path to check.
        uri: The object's URI, for the message.

    Raises:
        FileNotFoundError: Nothing has this path.
        ArtifactError: It is neither a file nor a folder.
    """
    mode = Path(path).stat().st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise ArtifactError(f"{uri!r} is no file; expected a regular one.")


def remove_part(path: Path, before: float) -> bool:
    """Remove the unfinished file of a process that was killed while it wrote.

    Args:
        path: The file, which is kept if it does not have the name of an unfinished file.
        before: The file is kept if it was changed after this time, in seconds since 1970.

    Returns:
        Whether the file was removed.
    """
    try:
        if _PART.fullmatch(path.name) and path.stat().st_mtime <= before:
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
