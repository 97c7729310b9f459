"""Files of this machine: written whole, put in place at once, and cleared of leftovers."""

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


class beside:  # noqa: N801, used as a function
    """A whole file beside the place where it belongs; gone at the end unless it was moved.

    Args:
        path: Where it belongs; its folder is made.
        content: What is in it.
    """

    def __init__(self, path: str, content: bytes) -> None:
        target = Path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        self.part = target.with_name(f".{target.name}.{uuid.uuid4().hex}.part")
        self.content = content

    def __enter__(self) -> Path:
        """Write the file, and return its path."""
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
        """Remove the file where it still is."""
        self.part.unlink(missing_ok=True)


def replace_file(path: str, content: bytes) -> None:
    """Write a file, or replace it; a reader sees the old content or the new one, whole."""
    with beside(path, content) as part:
        part.replace(path)


def create_file(path: str, content: bytes, store: str) -> None:
    """Write a file only where there is none.

    Args:
        path: Where.
        content: What is in it.
        store: The URI of the store, for messages.

    Raises:
        FileExistsError: There is one.
        StoreError: The disk has no hard links, so that two writers could both succeed.
    """
    with beside(path, content) as part:
        try:
            os.link(part, path)
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            raise StoreError(
                f"The disk of {store!r} has no hard links ({error.strerror}), without which "
                "prodcat knows no way to let one writer alone win. Use another disk, or S3."
            ) from error


def check_regular(path: str, uri: str) -> None:
    """Refuse to read what is neither a file nor a folder.

    Args:
        path: Its path.
        uri: Its URI, for the message.

    Raises:
        FileNotFoundError: There is nothing.
        ArtifactError: It is a pipe, which would be waited for, or a device, which has no end.
    """
    mode = Path(path).stat().st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise ArtifactError(f"{uri!r} is no file; expected a regular one.")


def remove_part(path: Path, before: float) -> bool:
    """Remove the unfinished file of a process that was killed while it wrote.

    Args:
        path: A file; one whose name is not that of an unfinished file stays.
        before: It stays, too, where it was changed later, in seconds since 1970.

    Returns:
        Whether it was removed.
    """
    try:
        if _PART.fullmatch(path.name) and path.stat().st_mtime <= before:
            path.unlink()
            return True
    except FileNotFoundError:  # put in place by now
        return False
    except OSError as error:
        logger.warning("Left %s behind: %s", path, explain_disk(error))
    return False


def remove_empty_folder(path: Path, before: float) -> bool:
    """Remove a folder in which nothing is.

    Args:
        path: The folder; a file stays.
        before: It stays, too, where it was changed later, in seconds since 1970.

    Returns:
        Whether it was removed.
    """
    try:
        if path.is_dir() and path.stat().st_mtime <= before and not any(path.iterdir()):
            path.rmdir()
            return True
    except OSError:  # something is in it by now
        return False
    return False
