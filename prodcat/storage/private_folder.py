"""A folder on this machine to which nobody but this user and root can write.

These rules are checked each time that a file is opened:

- The folder, and each folder and file in it, must belong to this user or to root, and nobody else
  may have the right to write to it.  So everybody can use a cache that root has placed in a
  container's image.
- If a folder of this user can be written by its group, as ``umask 002`` makes folders, the group's
  right is removed instead of refusing the folder.  Members of the group may have placed something
  there before: files that belong to them are refused, and a file of this user to which the group
  could write is treated as missing.
- The folders above must belong to this user or to root.  Those of this user must not be writable by
  everybody, unless the sticky bit lets only owners rename their files, as in ``/tmp``.  Those of
  root may be, as Kubernetes makes its volumes: if others replace the folder there, the replacement
  belongs to them, and is refused.
- Symbolic links are followed only on the way to the folder, and only if they belong to this user or
  to root.  Inside the folder no link is followed.

All work is done relative to open descriptors of folders that were checked, so that nothing can be
replaced between the check and the use.
"""

import contextlib
import copy
import errno
import os
import stat
import uuid
from collections.abc import Iterator
from pathlib import Path

from prodcat.errors import StoreError

_MOST_LINKS = 40
_EVERYBODY = stat.S_IWOTH
_GROUP = stat.S_IWGRP
_TRIES = 3
_INSIDE = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# This user may not have the right to list the folders above.
_ABOVE = _INSIDE | getattr(os, "O_PATH", 0)


class PrivateFolder:
    """A folder to which nobody but this user and root can write.

    Names of files are relative to the folder, such as ``"notes/1a"``.  All methods raise a
    StoreError if the folder or the file belongs to somebody else or can be written by others.

    Args:
        path: The folder, which is made if it does not exist.

    Raises:
        StoreError: The folder belongs to somebody else, or others can write to it.
        OSError: The folder cannot be made.
    """

    def __init__(self, path: Path) -> None:
        self.path = Path.cwd() / path
        self._held: int | None = None
        with self._opened("", make=True):
            pass

    @contextlib.contextmanager
    def held(self, name: str = "") -> "Iterator[PrivateFolder]":
        """Yield the folder or a subfolder kept open, so that its path is followed only once."""
        with self._opened(name) as descriptor:
            folder = copy.copy(self)
            folder.path, folder._held = self.path / name, descriptor
            yield folder

    # -- files ------------------------------------------------------------------------

    @contextlib.contextmanager
    def open(self, name: str, flags: int = os.O_RDONLY) -> Iterator[int]:
        """Open a file without following a link, and yield its descriptor.

        A file to which the group could write is removed, and counts as missing.

        Args:
            name: The file's name.
            flags: Flags of :func:`os.open`.  With ``O_CREAT`` missing folders are made as well.

        Raises:
            FileNotFoundError: There is no such file, or the group could write to it.
            StoreError: The file is a link, belongs to somebody else, or everybody can write to it.
            OSError: The file cannot be opened.
        """
        making = bool(flags & os.O_CREAT)
        above, _, last = name.rpartition("/")
        folder = self._descriptor(above, make=making)
        try:
            descriptor = self._open_in(folder, last, flags, name)
        finally:
            os.close(folder)
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    def _open_in(self, folder: int, last: str, flags: int, name: str) -> int:
        path = f"{self.path}/{name}"
        for _ in range(_TRIES):
            try:
                descriptor = os.open(
                    last, flags | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK, 0o600, dir_fd=folder
                )
            except OSError as error:
                if error.errno == errno.ELOOP:
                    raise refusal(path, "is a symbolic link") from error
                raise
            try:
                about = os.fstat(descriptor)
                check_file(about, path)
            except BaseException:
                os.close(descriptor)
                raise
            writes = flags & (os.O_WRONLY | os.O_RDWR)
            if not about.st_mode & _GROUP and not (writes and about.st_nlink > 1):
                return descriptor
            # Somebody else may hold it open, or it is another file's second name.
            os.close(descriptor)
            with contextlib.suppress(OSError):
                os.unlink(last, dir_fd=folder)
            if not flags & os.O_CREAT:
                break
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)

    @contextlib.contextmanager
    def locked(self, name: str, *, wait: bool = True) -> Iterator[None]:
        """Hold a lock on an empty file, which is made if it does not exist, during a context.

        Args:
            name: The name of the empty file.
            wait: Whether to wait while another process holds the lock.

        Raises:
            BlockingIOError: Another process holds the lock, and ``wait`` is false.
        """
        import fcntl

        with self.open(name, os.O_RDWR | os.O_CREAT) as descriptor:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            yield

    def read(self, name: str, limit: int) -> bytes:
        """Read the first bytes of a file, at most ``limit``; see :meth:`open` for errors."""
        with self.open(name) as descriptor, os.fdopen(descriptor, "rb", closefd=False) as file:
            return file.read(limit)

    def replace(self, name: str, content: bytes) -> None:
        """Write or replace a file; readers see either the old or the new content, never a mix."""
        part = f"{name}.{uuid.uuid4().hex}.part"
        try:
            with (
                self.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL) as descriptor,
                os.fdopen(descriptor, "wb", closefd=False) as file,
            ):
                file.write(content)
            self.rename(part, name)
        except BaseException:
            self.remove(part)
            raise

    def rename(self, name: str, target: str) -> None:
        """Rename a file; an existing file with the new name is replaced."""
        with self._parent(name) as (source, old), self._parent(target, make=True) as (folder, new):
            os.rename(old, new, src_dir_fd=source, dst_dir_fd=folder)

    def remove(self, name: str) -> bool:
        """Remove a file, and return whether it existed."""
        with contextlib.suppress(FileNotFoundError), self._parent(name) as (folder, last):
            os.unlink(last, dir_fd=folder)
            return True
        return False

    def files(self, folder: str) -> list[tuple[str, os.stat_result]]:
        """Name and status of all regular files below a subfolder; empty if it does not exist."""
        listed: list[tuple[str, os.stat_result]] = []
        try:
            with self._opened(folder) as descriptor, os.scandir(descriptor) as entries:
                for entry in entries:
                    name = f"{folder}/{entry.name}".lstrip("/")
                    with contextlib.suppress(FileNotFoundError):  # removed meanwhile
                        if entry.is_dir(follow_symlinks=False):
                            listed += self.files(name)
                        elif entry.is_file(follow_symlinks=False):
                            listed.append((name, entry.stat(follow_symlinks=False)))
        except FileNotFoundError:
            pass
        return listed

    # -- folders ----------------------------------------------------------------------

    @contextlib.contextmanager
    def _parent(self, name: str, *, make: bool = False) -> Iterator[tuple[int, str]]:
        """Yield the descriptor of a file's folder, and the last part of the file's name."""
        folder, _, last = name.rpartition("/")
        with self._opened(folder, make=make) as descriptor:
            yield descriptor, last

    @contextlib.contextmanager
    def _opened(self, name: str, *, make: bool = False) -> Iterator[int]:
        """Open the folder or a subfolder, and yield its descriptor."""
        folder = self._descriptor(name, make=make)
        try:
            yield folder
        finally:
            os.close(folder)

    def _descriptor(self, name: str, *, make: bool) -> int:
        """Open the folder or a subfolder; the caller must close the descriptor."""
        held, shown = self._held, str(self.path)
        folder = _open_from_root(self.path, make=make) if held is None else os.dup(held)
        try:
            if held is None:  # otherwise it was checked when it was opened
                _check_folder(folder, shown)
            for last in name.split("/") if name else ():
                shown += f"/{last}"
                next_folder = _enter(folder, last, _INSIDE, make=make)
                if next_folder is None:
                    raise refusal(shown, "is a symbolic link")
                os.close(folder)
                folder = next_folder
                _check_folder(folder, shown)
        except BaseException:
            os.close(folder)
            raise
        return folder


def check_file(about: os.stat_result, path: str | Path) -> None:
    """Refuse a file that somebody else may have written.

    A file of this user to which the group can write is accepted here.

    Args:
        about: The status of the opened file.
        path: The file's path, for the message.

    Raises:
        StoreError: The file is not a regular file, belongs to somebody else, or others can write
            to it.
    """
    if not stat.S_ISREG(about.st_mode):
        raise refusal(path, "is not a regular file")
    _check_owner(about, path)
    if about.st_mode & _EVERYBODY or (about.st_mode & _GROUP and about.st_uid != os.geteuid()):
        raise refusal(path, "can be written by others")


def refusal(path: str | Path, why: str) -> StoreError:
    """The error for a file or folder that others may have written.

    Args:
        path: The path of the file or folder.
        why: What is wrong, as the predicate of a sentence, such as ``"is a symbolic link"``.
    """
    return StoreError(
        f"{str(path)!r} {why}, so its content cannot be trusted. It must belong to this user "
        f"({os.geteuid()}) or to root, must not be a link, and nobody else may have the right to "
        "write to it (chmod go-w). Remove it, or use another folder as the cache."
    )


def _check_owner(about: os.stat_result, path: str | Path) -> None:
    if about.st_uid not in (0, os.geteuid()):
        raise refusal(path, f"belongs to another user ({about.st_uid})")


def _check_folder(folder: int, shown: str) -> None:
    """Refuse a folder to which others can write; first remove the group's right if possible."""
    about = os.fstat(folder)
    _check_owner(about, shown)
    if about.st_mode & _EVERYBODY:
        raise refusal(shown, "can be written by everybody")
    if about.st_mode & _GROUP:
        try:
            os.fchmod(folder, stat.S_IMODE(about.st_mode) & ~_GROUP)
        except OSError as error:
            if error.errno != errno.EROFS:  # otherwise nobody can write there
                raise refusal(shown, "can be written by its group") from error


def _open_from_root(path: Path, *, make: bool) -> int:
    """Open a folder step by step from the root of the file system, and return its descriptor.

    Raises:
        StoreError: A folder or a link on the way belongs to somebody else, or everybody can write
            to a folder of this user.
    """
    names, shown, links = list(reversed(path.parts[1:])), "", 0
    folder = os.open("/", _ABOVE)
    try:
        while names:
            about, last = os.fstat(folder), names.pop()
            _check_owner(about, shown or "/")
            is_open = bool(about.st_mode & _EVERYBODY and not about.st_mode & stat.S_ISVTX)
            if is_open and about.st_uid == os.geteuid():
                raise refusal(shown or "/", "can be written by everybody")
            next_folder = _enter(folder, last, _ABOVE, make=make)
            shown += f"/{last}"
            if next_folder is None:
                links += 1
                _check_owner(os.stat(last, dir_fd=folder, follow_symlinks=False), shown)
                if is_open or links > _MOST_LINKS:
                    raise refusal(shown, "is a symbolic link")
                target = Path(os.readlink(last, dir_fd=folder))
                names += reversed(target.parts)
                shown = shown.rpartition("/")[0]
                if not target.is_absolute():
                    continue
                names.pop()
                next_folder, shown = os.open("/", _ABOVE), ""
            os.close(folder)
            folder = next_folder
        return os.open(".", _INSIDE, dir_fd=folder)
    finally:
        os.close(folder)


def _enter(folder: int, name: str, flags: int, *, make: bool) -> int | None:
    """Open a folder that is in another one; None if there is a symbolic link instead."""
    try:
        return os.open(name, flags, dir_fd=folder)
    except FileNotFoundError:
        if not make:
            raise
        with contextlib.suppress(FileExistsError):
            os.mkdir(name, 0o700, dir_fd=folder)
        return os.open(name, flags, dir_fd=folder)
    except OSError:
        if stat.S_ISLNK(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
            return None
        raise
