"""The file in which decisions are saved: lines are only appended, by one process at a time."""

import contextlib
import os
import stat
from pathlib import Path

from prodcat.errors import ConfigError, StoreError
from prodcat.storage.faults import explain_disk


class DecisionFile:
    """The file of decisions, opened and locked by one process of the user who owns the file.

    The lock belongs to the file and not to its name, so it also holds for a process that opens the
    file by a link.

    Args:
        place: The file; it is created if it does not exist.

    Raises:
        ConfigError: Another process is adding decisions to the file, the file cannot be opened, or
            it is not a regular file of the user who runs this process.
        StoreError: Another program replaced the file while it was being opened.
    """

    def __init__(self, place: Path) -> None:
        self._name = str(place)
        self._has_rest = False  # whether part of a refused decision may be in the file
        if place.is_symlink() and place.lstat().st_uid not in (0, os.geteuid()):
            raise self._refusal("is a link that another user made")
        place.parent.mkdir(parents=True, exist_ok=True)
        self.place = Path(os.path.realpath(place))
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        try:
            self._descriptor = os.open(self.place, flags, 0o600)
        except OSError as error:
            raise self._refusal(f"cannot be opened ({error.strerror})") from error
        try:
            self._take_hold()
        except BaseException:
            os.close(self._descriptor)
            raise

    def _refusal(self, reason: str) -> ConfigError:
        return ConfigError(
            f"{self._name!r} {reason}; expected a file to which decisions can be added. Choose "
            "another file with --decisions."
        )

    def _take_hold(self) -> None:
        import fcntl

        status = os.fstat(self._descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid():
            raise self._refusal("is not a regular file of the user who runs this process")
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ConfigError(
                f"Another prodcat review is writing decisions to {self._name!r}. Use its page, "
                "stop it, or choose another file with --decisions."
            ) from error
        except OSError as error:
            raise self._refusal(f"cannot be locked ({error.strerror})") from error
        with contextlib.suppress(OSError):  # some file systems have no modes
            os.fchmod(self._descriptor, 0o600)
        self._size = os.fstat(self._descriptor).st_size
        self._check_unchanged()

    def _check_unchanged(self) -> None:
        """Raise StoreError if another program replaced the file or changed its size."""
        mine = os.fstat(self._descriptor)
        with contextlib.suppress(FileNotFoundError):
            there = os.lstat(self.place)
            if (there.st_dev, there.st_ino) == (mine.st_dev, mine.st_ino):
                if self._has_rest:
                    self.cut(self._size)
                    return
                if mine.st_size == self._size:
                    return
        raise StoreError(
            f"{self._name!r} was changed by another program after this one had opened it. No "
            "decision was written; stop prodcat review and start it again."
        )

    def read(self) -> bytes:
        """The whole content of the file."""
        return os.pread(self._descriptor, self._size, 0)

    def append(self, line: bytes) -> None:
        """Append a line and flush it to the disk; if that fails, the file is left as it was.

        Raises:
            StoreError: The line cannot be written, or another program changed the file.
        """
        try:
            self._check_unchanged()
            rest = line
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
            os.fsync(self._descriptor)
        except OSError as error:
            self._has_rest = True
            with contextlib.suppress(OSError):
                self.cut(self._size)
            raise StoreError(
                f"The decision cannot be written to {self._name!r}, so it was not saved: "
                f"{explain_disk(error)}"
            ) from error
        self._size += len(line)

    def cut(self, size: int) -> None:
        """Remove everything after the first ``size`` bytes."""
        os.ftruncate(self._descriptor, size)
        os.fsync(self._descriptor)
        self._size, self._has_rest = size, False

    def close(self) -> None:
        """Close the file and remove it if it is empty."""
        with contextlib.suppress(OSError, StoreError):
            self._check_unchanged()
            if not self._size:
                self.place.unlink()
        os.close(self._descriptor)
