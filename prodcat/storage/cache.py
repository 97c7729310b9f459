"""The cache: files of artifacts on this machine, named by the hash of their content.

    blobs/<ab>/<SHA-256>     complete verified files, which are never written to again
    parts/<SHA-256>          unfinished downloads, which the next attempt resumes
    notes/<SHA-256>          manifests of versions, and the version that each alias named last
    locks/<SHA-256>.lock     the lock of the process that downloads the file
    used/<SHA-256>           an empty file whose time of modification is the last use of the blob

If many processes start at once, one downloads a file, and the others wait for it.  The hash of a
blob is compared each time that it is loaded, unless it is known that the blob was not changed
since the last time: see :mod:`prodcat.storage.verified_files`.  Who may write to the cache is
checked in :mod:`prodcat.storage.private_folder`.
"""

import contextlib
import hashlib
import itertools
import logging
import os
import re
import tempfile
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from prodcat.errors import StoreError
from prodcat.storage.containers import path_text
from prodcat.storage.faults import explain_disk
from prodcat.storage.manifest import check_hash, check_size, missing_file
from prodcat.storage.objects import PIECE, Objects
from prodcat.storage.private_folder import PrivateFolder, refusal
from prodcat.storage.verified_files import is_intact, remember

logger = logging.getLogger("prodcat")
DEFAULT_FOLDER = Path("~/.cache/prodcat")
_AT_ONCE = 4  # downloads
_MOST_ALTERED = 3  # downloads of one file that arrive altered
_MOST_WIPED = 5  # times that the cache's folders vanish during one download
_IN_USE = 600.0  # seconds
_MADE = re.compile(r"[0-9a-f]{64}")  # the start of the name of each file that the cache writes
_CREATED = os.O_RDWR | os.O_CREAT
_ABANDONED = 7 * 86_400.0  # seconds
_NOTES = 10_000
_LONGEST_NOTE = 8 << 20  # bytes
_marked: dict[tuple[str, str], float] = {}  # when this process marked the use of a blob


class Cache:
    """Verified files of artifacts on this machine.

    Args:
        folder: The folder for the files; ``~/.cache/prodcat`` if not given.  If that one cannot
            be used, a temporary folder is.
        max_bytes: The maximum size in bytes.  Above it, the files that were not used for the
            longest time are removed, except those that were used in the last ten minutes.

    Raises:
        StoreError: The folder cannot be made, belongs to another user, or others can write to it.
    """

    def __init__(self, folder: str | Path | None = None, max_bytes: int = 20 << 30) -> None:
        self._files = _usable(folder)
        self.max_bytes = max_bytes

    @property
    def folder(self) -> Path:
        """The folder for the files."""
        return self._files.path

    @classmethod
    def of(cls, cache: "Cache | str | Path | None") -> "Cache":
        """Return a cache as it is, or make one in a folder; None means the usual folder."""
        return cache if isinstance(cache, Cache) else cls(cache)

    def fetch(self, objects: Objects, manifest: Mapping[str, Any], uri: str) -> dict[str, Path]:
        """Download and verify the files of an artifact that are not in the cache yet.

        Args:
            objects: The artifact's folder.
            manifest: The artifact's manifest.
            uri: The artifact's address, for messages.

        Returns:
            The path of each file in the cache, by its name.

        Raises:
            ArtifactError: A file of the artifact is missing, truncated or altered.
            StoreError: The store cannot be reached, the cache cannot be written to (as when the
                disk is full), or another user may have written to it.
        """
        listed = manifest["files"]
        try:
            with self._files.held("blobs") as blobs:
                absent = [name for name in listed if not self._has(blobs, name, listed[name], uri)]
        except FileNotFoundError:  # the folder was removed
            absent = list(listed)
        if absent:
            with ThreadPoolExecutor(_AT_ONCE) as pool:
                downloads = [
                    pool.submit(self._get, objects, name, listed[name], uri) for name in absent
                ]
                for download in downloads:
                    download.result()
            self._evict()
        return {name: self.folder / _blob(entry["sha256"]) for name, entry in listed.items()}

    def note(self, key: str, content: bytes) -> None:
        """Store a few bytes under a key; a failure is ignored, as they can be fetched again.

        Raises:
            StoreError: Another user may have written to the cache.
        """
        with contextlib.suppress(OSError):
            self._files.replace(_note(key), content)

    def noted(self, key: str) -> bytes | None:
        """The bytes that :meth:`note` stored under a key, or None if there are none.

        Raises:
            StoreError: Another user may have written them.
        """
        try:
            return self._files.read(_note(key), _LONGEST_NOTE)
        except OSError:
            return None

    # -- one file -----------------------------------------------------------------

    def _has(self, blobs: PrivateFolder, name: str, entry: Mapping[str, Any], uri: str) -> bool:
        """Whether a file is in the folder of blobs unaltered; if so, mark it as used now."""
        sha256 = entry["sha256"]
        try:
            with blobs.open(_blob(sha256).removeprefix("blobs/")) as blob:
                about = os.fstat(blob)
                if about.st_size != entry["bytes"] or not is_intact(blob, sha256, about):
                    return False
        except FileNotFoundError:
            return False
        except OSError as error:
            raise self._cannot(name, uri, error) from error
        # The use is marked in another file: a new time of the blob would look like an alteration.
        now, place = time.monotonic(), (str(self.folder), sha256)
        if now - _marked.get(place, -_IN_USE) < _IN_USE / 10:
            return True
        _marked[place] = now
        with contextlib.suppress(OSError), self._files.open(_used(sha256), _CREATED) as mark:
            os.utime(mark)
        return True

    def _get(self, objects: Objects, name: str, entry: Mapping[str, Any], uri: str) -> None:
        """Download one file, unless another process has done so first."""
        sha256, size = entry["sha256"], entry["bytes"]
        for tries in itertools.count(1):
            try:
                with self._files.locked(f"locks/{sha256}.lock"):
                    with contextlib.suppress(FileNotFoundError), self._files.held("blobs") as blobs:
                        if self._has(blobs, name, entry, uri):
                            return
                    if self._files.remove(_blob(sha256)):
                        logger.warning(
                            "%s of %s was altered in the cache; it is downloaded again.", name, uri
                        )
                    self._download(objects, name, sha256, size, uri)
                    self._files.rename(_part(sha256), _blob(sha256))
                    with self._files.open(_blob(sha256)) as blob:
                        os.fchmod(blob, 0o400)
                        remember(os.fstat(blob), sha256)
                return
            except FileNotFoundError as error:  # another process removed the cache's folders
                if tries == _MOST_WIPED:
                    raise self._cannot(name, uri, error) from error
                time.sleep(0.05 * tries)
            except OSError as error:
                with contextlib.suppress(OSError):
                    self._files.remove(_part(sha256))
                raise self._cannot(name, uri, error) from error

    def _cannot(self, name: str, uri: str, error: OSError) -> StoreError:
        return StoreError(
            f"Cannot store {name} of {uri!r} in the cache {str(self.folder)!r}: "
            f"{explain_disk(error)}"
        )

    def _download(self, objects: Objects, name: str, sha256: str, size: int, uri: str) -> None:
        """Resume the download of a file, or begin it, until the file has the expected hash."""
        for tries in itertools.count(1):
            with self._files.open(_part(sha256), _CREATED) as part:
                received = _complete(part, objects, name, size, uri)
            if received == sha256:
                return
            self._files.remove(_part(sha256))
            logger.warning("%s arrived altered from %s.", name, uri)
            if tries == _MOST_ALTERED:
                _check_remote_size(objects, name, size, uri)
                check_hash(name, received, sha256, uri)

    # -- size of the cache --------------------------------------------------------

    def _evict(self) -> None:
        """Remove the files that were not used for the longest time, down to the maximum size."""
        try:
            with self._files.locked("locks/evict.lock", wait=False):
                self._evict_locked(time.time())
        except OSError:  # another process is doing so, or the cache is read-only
            return

    def _evict_locked(self, now: float) -> None:
        for name, about in self._kept("parts"):
            if now - about.st_mtime > _ABANDONED:
                self._files.remove(name)
        notes = sorted(self._kept("notes"), key=lambda file: file[1].st_mtime)
        for name, _ in notes[:-_NOTES]:
            self._files.remove(name)
        used = {name: about.st_mtime for name, about in self._kept("used")}
        held = []
        for name, about in self._kept("blobs"):
            sha256 = name.rpartition("/")[2]
            last_use = max(about.st_mtime, used.pop(_used(sha256), 0.0))
            held.append((last_use, name, about.st_size))
        for name in used:  # of blobs that were removed
            self._files.remove(name)
        total = sum(size for *_, size in held)
        for last_use, name, size in sorted(held):
            if total <= self.max_bytes or now - last_use < _IN_USE:
                break
            self._files.remove(name)
            total -= size
        if total > self.max_bytes:
            logger.info(
                "The cache %s holds %d MB, more than %d: all of it is in use.",
                self.folder,
                total >> 20,
                self.max_bytes >> 20,
            )

    def _kept(self, folder: str) -> list[tuple[str, os.stat_result]]:
        """Name and status of each file in a subfolder, without files that others placed there."""
        files = self._files.files(folder)
        return [file for file in files if _MADE.match(file[0].rpartition("/")[2])]


def _blob(sha256: str) -> str:
    return f"blobs/{sha256[:2]}/{sha256}"


def _part(sha256: str) -> str:
    return f"parts/{sha256}"


def _note(key: str) -> str:
    return f"notes/{hashlib.sha256(key.encode()).hexdigest()}"


def _used(sha256: str) -> str:
    return f"used/{sha256}"


def _complete(part: int, objects: Objects, name: str, size: int, uri: str) -> str:
    """Download the missing rest of an unfinished file.

    Args:
        part: The descriptor of the unfinished file.
        objects: The artifact's folder.
        name: The file's name in it.
        size: The file's size when it is complete.
        uri: The artifact's address, for messages.

    Returns:
        The SHA-256 of the complete file, in hexadecimal digits.
    """
    digest = hashlib.sha256()
    with os.fdopen(part, "r+b", closefd=False) as file:
        if os.fstat(part).st_size > size:
            file.truncate(0)
        done = 0
        while piece := file.read(PIECE):
            digest.update(piece)
            done += len(piece)
        for piece in _remote_pieces(objects, name, done, size, uri):
            file.write(piece)
            digest.update(piece)
        file.flush()
        os.fsync(part)
    return digest.hexdigest()


def _remote_pieces(objects: Objects, name: str, start: int, end: int, uri: str) -> Iterator[bytes]:
    """Yield an artifact's file from ``start`` to before ``end``.

    Raises:
        ArtifactError: The file is missing; a FileNotFoundError would look like a missing folder of
            the cache.
    """
    try:
        yield from objects.pieces(name, start, end)
    except FileNotFoundError as error:
        raise missing_file(name, uri) from error


def _check_remote_size(objects: Objects, name: str, size: int, uri: str) -> None:
    """Refuse an artifact's file that is missing or has another size than expected."""
    try:
        check_size(name, objects.size(name), size, uri)
    except FileNotFoundError as error:
        raise missing_file(name, uri) from error
    except StoreError:  # some servers do not tell the size
        return


def _usable(folder: str | Path | None) -> PrivateFolder:
    """Make the cache's folder; if no folder is given and the usual one fails, a temporary one."""
    requested = DEFAULT_FOLDER
    if folder is not None:
        requested = Path(path_text(folder, "cache", "a folder on this machine", StoreError))
    try:
        return PrivateFolder(requested.expanduser())
    except (OSError, RuntimeError, StoreError) as error:  # RuntimeError: there is no home
        reason = error
        if folder is not None and isinstance(error, StoreError):
            raise
        if folder is not None:
            raise StoreError(
                f"Cannot make the cache {str(folder)!r}: {error}. Choose a folder that you can "
                "write to."
            ) from error
    # Loading must work for users without a home directory and in read-only containers too.
    temporary = Path(tempfile.gettempdir()) / f"prodcat-{os.geteuid()}"
    try:
        if temporary.is_symlink():
            raise refusal(temporary, "is a symbolic link")
        usable = PrivateFolder(temporary)
    except (OSError, StoreError):  # its name is known, so anybody can have made it
        usable = PrivateFolder(Path(tempfile.mkdtemp(prefix="prodcat-")))
    logger.warning(
        "Cannot use the cache %s (%s); using %s instead.", requested, reason, usable.path
    )
    return usable
