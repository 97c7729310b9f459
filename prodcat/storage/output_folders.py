"""Folders of outputs on this machine, which several processes make and remove at the same time.

A folder is only removed while it is empty.  A process whose folder was removed makes it again, and
the file that it creates there keeps the folder from being removed.  Each step is relative to the
descriptor of a folder that was checked, so nobody can replace the folder in between.
"""

import contextlib
import errno
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from prodcat.errors import StoreError
from prodcat.storage.objects import Objects
from prodcat.storage.retries import Operation

_T = TypeVar("_T")
FOLDER = "_prodcat"  # the subfolder of an output for files that are no answers
_TRIES = 100
_OPEN = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_OTHERS_MAY_WRITE = stat.S_IWGRP | stat.S_IWOTH


def in_subfolder(objects: Objects, private: bool, action: Callable[[int], _T]) -> _T:
    """Make the folder ``_prodcat`` of an output, and do something in it.

    Args:
        objects: The output folder, which is on this machine.
        private: Whether the output folder must belong to this user, and be accessible to nobody
            else.
        action: Gets the descriptor of the folder ``_prodcat``; called again if it raises a
            ``FileNotFoundError``, because another process has removed the folder.

    Returns:
        The result of the action.

    Raises:
        StoreError: The folder is a link, belongs to another user, or cannot be made.
    """
    root = Path(objects.folder.path(""))

    def attempt() -> _T:
        for _ in range(_TRIES):
            with (
                contextlib.suppress(FileNotFoundError),
                _opened_output(root, objects.uri, private) as output,
            ):
                with contextlib.suppress(FileExistsError):
                    os.mkdir(FOLDER, dir_fd=output)
                with _opened_subfolder(output, objects.at(FOLDER)) as folder:
                    return action(folder)
        raise FileNotFoundError(errno.ENOENT, "Another program keeps removing it", str(root))

    return Operation("write", objects.uri, True, False, objects.patience).run(attempt)


def create(folder: int, name: str, content: bytes) -> bool:
    """Create a small file in an opened folder.

    Args:
        folder: The descriptor of the folder.
        name: The name of the file.
        content: The bytes of the file.

    Returns:
        False if a file of this name exists.

    Raises:
        OSError: The file cannot be written.
    """
    try:
        number = os.open(name, _NEW, 0o666, dir_fd=folder)
    except FileExistsError:
        return False
    with os.fdopen(number, "wb") as file:
        try:
            file.write(content)
            file.flush()
        except OSError:
            os.unlink(name, dir_fd=folder)
            raise
    return True


def create_once(objects: Objects, name: str, content: bytes) -> bytes | None:
    """Create a small object unless it exists; see :meth:`Objects.create`.

    This function also works on disks without hard links, and in stores without conditional writes;
    in the latter, two simultaneous writers can both succeed.

    Returns:
        None if the object was written; otherwise the content of the one that exists.
    """
    conditional = objects.is_near or objects.folder.is_s3
    try:
        if conditional:
            return objects.create(name, content)
    except StoreError as error:
        if not objects.is_local or "no hard links" not in str(error):
            raise
        path = Path(objects.folder.path(name))
        with contextlib.suppress(FileExistsError), path.open("xb") as file:
            file.write(content)
            return None
    try:
        return objects.read(name)
    except FileNotFoundError:
        objects.write(name, content)
        return None


def remove_empty(objects: Objects, private: bool) -> None:
    """Remove the folder ``_prodcat`` of an output, and a private output folder, if it is empty.

    Args:
        objects: The output folder, which is on this machine.
        private: Whether the output folder must belong to this user, and is removed too.
    """
    root = Path(objects.folder.path(""))
    with contextlib.suppress(OSError, StoreError):
        flags = _OPEN | (os.O_NOFOLLOW if private else 0)
        output = os.open(root, flags)
        try:
            with contextlib.suppress(OSError):
                os.rmdir(FOLDER, dir_fd=output)
        finally:
            os.close(output)
        if private:
            root.rmdir()


@contextlib.contextmanager
def _opened_output(root: Path, uri: str, private: bool) -> Iterator[int]:
    """Make and open the output folder, and yield its descriptor."""
    if not private:
        root.mkdir(parents=True, exist_ok=True)
        number = os.open(root, _OPEN)
    else:
        root.parent.mkdir(parents=True, exist_ok=True)
        is_new = True
        try:
            root.mkdir(mode=0o700)
        except FileExistsError:
            is_new = False
        try:
            number = os.open(root, _OPEN | os.O_NOFOLLOW)
        except OSError as error:
            if error.errno in (errno.ELOOP, errno.ENOTDIR, errno.EACCES):
                raise _not_private(uri) from error
            raise
    try:
        if private:
            _make_private(number, uri, is_new)
        yield number
    finally:
        os.close(number)


def _make_private(folder: int, uri: str, is_new: bool) -> None:
    """Refuse a folder of another user or that others could write to; let nobody else read it."""
    about = os.fstat(folder)
    # A disk without modes may show a new folder as open to everybody.
    if about.st_uid != os.geteuid() or (about.st_mode & _OTHERS_MAY_WRITE and not is_new):
        raise _not_private(uri)
    if stat.S_IMODE(about.st_mode) & 0o077:
        with contextlib.suppress(OSError):
            os.fchmod(folder, 0o700)


def _not_private(uri: str) -> StoreError:
    return StoreError(
        f"{uri!r} is a link, or another user made it or may write to it; expected a folder that "
        "this user made for unfinished parts. Remove it, or name another output."
    )


@contextlib.contextmanager
def _opened_subfolder(output: int, uri: str) -> Iterator[int]:
    """Open the folder ``_prodcat`` of an opened output, and yield its descriptor."""
    try:
        number = os.open(FOLDER, _OPEN | os.O_NOFOLLOW, dir_fd=output)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENOTDIR):
            raise StoreError(
                f"{uri!r} is a file, or is a symbolic link; expected a folder. Remove it."
            ) from error
        raise
    try:
        yield number
    finally:
        os.close(number)
