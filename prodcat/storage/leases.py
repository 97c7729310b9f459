"""Leases, which let only one process at a time write an output, or a share of it.

    _prodcat/lease-0-of-1.000001.json  the holder, and a count that it raises every few seconds
    _prodcat/.lease-0-of-1.000001…/    the holder's unfinished files, on a local disk

A process takes a lease by creating the file with the next number, in which only one process can
succeed. A holder that gives no sign of life for :data:`EXPIRY` seconds can be replaced by the
holder of the next number. The clocks of machines need not agree: a process compares the times of
holders on its own machine with the clock that they share, and waits whether the counts of holders
on other machines change.

A replaced holder can no longer change the output. It checks its lease before it moves a file to its
place. If it is stopped right after this check, the folder with its unfinished files is gone when it
continues, and in S3 the conditions of its request do not hold (see
:mod:`prodcat.storage.leased_folder`).
"""

import contextlib
import logging
import os
import re
import shutil
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from prodcat.errors import OutputInUseError, StoreError
from prodcat.storage import s3
from prodcat.storage.faults import explained
from prodcat.storage.lease_holder import BYTES, Holder
from prodcat.storage.objects import Objects
from prodcat.storage.output_folders import (
    FOLDER,
    create,
    create_once,
    in_subfolder,
    remove_empty,
)

logger = logging.getLogger("prodcat")
BEAT = 5.0  # seconds between two signs of life
EXPIRY = 30.0  # seconds without a sign of life after which a lease may be taken over
_ATTEMPTS = 20
_POLL = 0.5  # seconds between two checks of a holder on another machine
_REMOVED = ".removed"  # the end of the name of a folder that is being removed
_NAME = re.compile(r"lease-(.+)\.([0-9]{6})\.json")


class LeaseFile(NamedTuple):
    """The file of one holder of a lease.

    Attributes:
        leased: What is leased, such as ``"0-of-1"``.
        number: The number of the holder, counted from 1; 0 before a lease is taken.
        file: The file's name, relative to the output.
    """

    leased: str
    number: int
    file: str

    @classmethod
    def of(cls, leased: str, number: int) -> "LeaseFile":
        """The file of the holder with this number."""
        return cls(leased, number, f"{FOLDER}/lease-{leased}.{number:06d}.json")

    @property
    def folder_prefix(self) -> str:
        """The start of the name of the folder with the holder's unfinished files."""
        return f".{self.file.removeprefix(f'{FOLDER}/').removesuffix('.json')}."


class Lease:
    """A context manager during which only this process can write an output, or a share of it.

    Entering the context may wait for about :data:`EXPIRY` seconds, to learn whether a holder on
    another machine is alive.

    Args:
        objects: The output folder.
        leased: The name of what is leased, which stands for the whole output or a share of it.
        alongside: A function that returns whether another process may hold what has the given name
            at the same time.
        within: The token of a lease on the whole output, whose holder lets this process write the
            share; empty if there is none.
        shown: The name of the output in messages; the folder's URI if empty.
        private: Whether the output folder is temporary and, on a local disk, accessible to this
            user alone.  It is then made with the lease, and removed with it if it is empty.

    Raises:
        OutputInUseError: Another process holds the output.
        StoreError: The output cannot be written to.
    """

    def __init__(
        self,
        objects: Objects,
        leased: str,
        alongside: Callable[[str], bool],
        within: str = "",
        shown: str = "",
        private: bool = False,
    ) -> None:
        self.objects, self.leased = objects, leased
        self.alongside, self.within = alongside, within
        self.shown, self.private = shown or objects.uri, private
        self.holder = Holder.of_this_process()
        self.lost = threading.Event()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="prodcat-lease", daemon=True)
        self._tag = ""  # of the lease's object in S3
        self.file = LeaseFile.of(leased, 0)

    def __enter__(self) -> "Lease":
        """Take the lease, and start the thread that gives signs of life."""
        expired = self._create()
        self._thread.start()  # other processes may already be waiting for a sign of life
        try:
            later = [rival for rival in self._rivals() if rival not in (*expired, self.file)]
            expired += self._expired(later)
            with _explained(self.objects):
                if self.objects.is_local:
                    self._unfinished().mkdir(mode=0o700)
                for rival in sorted(expired):
                    self._fence_out(rival)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Give the lease back."""
        self._over.set()
        self._thread.join()
        try:
            self._remove()
        except StoreError as error:
            logger.warning("%s expires by itself: %s", self.objects.at(self.file.file), error)

    def check(self) -> None:
        """Check that no other process has taken the output over.

        Raises:
            OutputInUseError: The lease was lost.
        """
        if self.lost.is_set() or not self._is_held():
            self.lost.set()
            raise self.loss()

    def loss(self) -> OutputInUseError:
        """The error for a lease that was lost."""
        return OutputInUseError(
            f"This process no longer holds {self.shown!r}: it gave no sign of life for "
            f"{EXPIRY:.0f} seconds and another process has taken the output over, or its files "
            "were removed. It has written nothing since. Run the same command again to continue."
        )

    @contextlib.contextmanager
    def unfinished_file(self, name: str) -> Iterator[Path]:
        """A context manager that yields a path for a new file that only this user can access.

        The file's folder has the mode 0700, so the file itself can have its final permissions from
        the start.  At the end of the context the file is removed, unless it was moved.

        Args:
            name: The final name of the file, whose last part ends the temporary name.
        """
        path = Path(self._unfinished(), f"{uuid.uuid4().hex}-{Path(name).name}"[:200])
        try:
            yield path
        finally:
            path.unlink(missing_ok=True)

    # -- taking -------------------------------------------------------------------

    def _create(self) -> list[LeaseFile]:
        """Create the lease's file, and return those of other holders that are dead.

        Raises:
            OutputInUseError: Another process holds the output.
        """
        self._make_folder()
        for _ in range(_ATTEMPTS):
            expired = self._expired(self._rivals())
            numbers = [rival.number for rival in expired if rival.leased == self.leased]
            self.file = LeaseFile.of(self.leased, max(numbers, default=0) + 1)
            self.holder = self.holder.beat()
            if self._create_file(self.holder.content()):
                self._tag = self._current_tag()
                return expired
            # Another process came first.
        raise self._in_use(None)

    def _make_folder(self) -> None:
        """Make the folder of the leases; refuse a link, or a folder that is not private."""
        if self.objects.is_local:
            in_subfolder(self.objects, self.private, lambda folder: None)
        else:
            self.objects.below(FOLDER).make()

    def _create_file(self, content: bytes) -> bool:
        """Create the lease's file, and return False if it exists."""
        if not self.objects.is_local:
            return create_once(self.objects, self.file.file, content) is None
        name = self.file.file.removeprefix(f"{FOLDER}/")
        return in_subfolder(
            self.objects, self.private, lambda folder: create(folder, name, content)
        )

    def _rivals(self) -> list[LeaseFile]:
        """The existing leases that cannot be held at the same time as this one."""
        rivals = []
        for name in self.objects.names(FOLDER):
            match = _NAME.fullmatch(name)
            if match and (match[1] == self.leased or not self.alongside(match[1])):
                rivals.append(LeaseFile.of(match[1], int(match[2])))
        return rivals

    def _expired(self, rivals: Iterable[LeaseFile]) -> list[LeaseFile]:
        """Return the leases whose holders are dead; wait until that is known.

        Raises:
            OutputInUseError: One of the holders is alive.
        """
        expired: list[LeaseFile] = []
        waiting: dict[LeaseFile, bytes] = {}
        for rival in rivals:
            content = self._read(rival.file)
            holder = None if content is None else Holder.parse(content)
            if content is None or (holder and holder.token == self.within):
                continue  # given back, or the holder of the whole output allows this share
            alive = holder.is_alive(EXPIRY) if holder else None
            if alive:
                raise self._in_use(holder)
            if alive is None:
                waiting[rival] = content
            expired.append(rival)
        if waiting:
            logger.info(
                "%s was left unfinished, or is being written on another machine; waiting up to "
                "%.0f seconds for a sign of life.", self.shown, EXPIRY,
            )  # fmt: skip
        until = time.monotonic() + EXPIRY + 2 * _POLL
        while waiting and time.monotonic() < until:
            time.sleep(_POLL)
            for rival, before in list(waiting.items()):
                content = self._read(rival.file)
                if content is None:  # given back
                    del waiting[rival]
                elif content != before:
                    raise self._in_use(Holder.parse(content))
        return expired

    def _in_use(self, holder: Holder | None) -> OutputInUseError:
        return OutputInUseError(
            f"{self.shown!r} is being written by {holder or 'another process'}. This process has "
            "changed nothing there. Wait until the other one has ended, or name another output."
        )

    def _fence_out(self, rival: LeaseFile) -> None:
        """Remove a lease that has expired, and the unfinished files of its holder."""
        self.objects.remove(rival.file)
        if not self.objects.is_local:
            return
        folder = Path(self.objects.folder.path(FOLDER))
        for path in folder.glob(f"{rival.folder_prefix}*"):
            with contextlib.suppress(FileNotFoundError):
                # Renaming is immediate, so no file can be moved from there to its place any more.
                path.rename(folder / f".{uuid.uuid4().hex}{_REMOVED}")
        for path in folder.glob(f".*{_REMOVED}"):
            shutil.rmtree(path, ignore_errors=True)

    def _unfinished(self) -> Path:
        """The path of the folder with the unfinished files of this holder, on a local disk."""
        folder = Path(self.objects.folder.path(FOLDER))
        return folder / f"{self.file.folder_prefix}{self.holder.token}"

    # -- holding ------------------------------------------------------------------

    def _read(self, name: str) -> bytes | None:
        """The content of a lease, or None if there is none."""
        try:
            return self.objects.start(name, BYTES)
        except FileNotFoundError:
            return None

    def _is_mine(self) -> bool:
        holder = Holder.parse(self._read(self.file.file) or b"")
        return holder is not None and holder.token == self.holder.token

    def _is_held(self) -> bool:
        """Whether no other process has taken the lease over.

        The lease with the next number must be looked for before this one, as a process that takes
        a lease over creates its own before it removes the old one.
        """
        following = LeaseFile.of(self.leased, self.file.number + 1)
        return self._read(following.file) is None and self._is_mine()

    def _beat(self) -> None:
        """Give signs of life until the lease is given back or lost."""
        while not self._over.wait(BEAT):
            try:
                if not self._rewrite(self.holder.beat()):
                    self.lost.set()
                    return
            except Exception as error:  # the next one may succeed
                logger.debug("No sign of life: %s", error)

    def _rewrite(self, holder: Holder) -> bool:
        """Write a sign of life to this lease, but never to another holder's.

        Args:
            holder: This process as the holder, with the new sign of life.

        Returns:
            False if the lease was lost.
        """
        folder, content = self.objects.folder, holder.content()
        path = folder.path(self.file.file)
        if self.objects.is_local:
            if not _rewrite_file(path, content, self.holder.token):
                return False
        elif folder.is_s3:
            try:
                # Without a tag the request would create the lease again after it was removed.
                self._tag = self._tag or "none"
                self._tag = s3.put_if(folder.filesystem, path, content, self._tag)
            except s3.ConditionError:
                if not self._is_mine():
                    return False
                self._tag = self._current_tag()  # the response to the last request was lost
        elif not self._is_mine():
            return False
        else:
            folder.write(self.file.file, content)
        self.holder = holder
        return True

    def _current_tag(self) -> str:
        folder = self.objects.folder
        if not folder.is_s3:
            return ""
        return s3.tag_of(folder.filesystem, folder.path(self.file.file)) or ""

    def _remove(self) -> None:
        """Remove the lease and the unfinished files of this holder."""
        if self.objects.is_local:
            shutil.rmtree(self._unfinished(), ignore_errors=True)
        if self._is_mine():
            self.objects.remove(self.file.file)
        if self.objects.is_local:
            remove_empty(self.objects, self.private)


@contextlib.contextmanager
def _explained(objects: Objects) -> Iterator[None]:
    """A context manager that turns faults of the local disk into a StoreError."""
    try:
        yield
    except OSError as error:
        raise explained("write", objects.uri, error, is_local=True) from error


def _rewrite_file(path: str, content: bytes, token: str) -> bool:
    """Rewrite a lease's file in place; return False if it is gone or names another holder."""
    try:
        number = os.open(path, os.O_RDWR | getattr(os, "O_NOFOLLOW", 0))
    except FileNotFoundError:
        return False
    try:
        holder = Holder.parse(os.read(number, BYTES + 1))
        if holder is None or holder.token != token:
            return False
        os.lseek(number, 0, os.SEEK_SET)
        return os.write(number, content) == len(content)
    finally:
        os.close(number)
