"""Files of artifacts kept on this machine, named by the hash of their content.

    blobs/<ab>/<SHA-256>     whole verified files, which are never written to again
    parts/<SHA-256>          unfinished downloads, which the next attempt continues
    notes/<SHA-256>          manifests of versions, and the version that each alias named last
    locks/<SHA-256>.lock     held by the one process that downloads the file

If many processes start at once, one downloads a file, and the others wait for it.
"""

import contextlib
import hashlib
import itertools
import logging
import os
import tempfile
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from prodcat.errors import StoreError
from prodcat.storage.faults import explain_disk
from prodcat.storage.local_disk import replace_file
from prodcat.storage.manifest import check_hash, check_size, missing_file
from prodcat.storage.objects import PIECE, Objects

logger = logging.getLogger("prodcat")
DEFAULT_FOLDER = Path("~/.cache/prodcat")
_AT_ONCE = 4  # downloads
_MOST_ALTERED = 3  # downloads of one file that arrive altered
_MOST_WIPED = 5  # times that the cache's folders vanish during one download
_IN_USE = 600.0  # seconds
_ABANDONED = 7 * 86_400.0  # seconds
_NOTES = 10_000


class Cache:
    """Verified files of artifacts on this machine.

    Args:
        folder: Where the files are kept; ``~/.cache/prodcat`` if not given.
        max_bytes: When the cache holds more, the files whose last use is longest ago are removed,
            but none that was used in the last ten minutes.

    Raises:
        StoreError: The folder cannot be made.
    """

    def __init__(self, folder: str | Path | None = None, max_bytes: int = 20 << 30) -> None:
        self.folder = _usable(folder)
        self.max_bytes = max_bytes

    @classmethod
    def of(cls, cache: "Cache | str | Path | None") -> "Cache":
        """The cache that a user means by a cache, a folder, or None for the usual folder."""
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
            StoreError: The store cannot be reached, or this machine's disk is full.
        """
        listed = manifest["files"]
        blobs = {name: self._blob(entry["sha256"]) for name, entry in listed.items()}
        absent = [name for name in listed if not self._has(blobs[name], listed[name]["bytes"])]
        if absent:
            with ThreadPoolExecutor(_AT_ONCE) as pool:
                downloads = [
                    pool.submit(self._get, objects, name, listed[name], uri) for name in absent
                ]
                for download in downloads:
                    download.result()
            self._evict()
        return blobs

    def note(self, key: str, content: bytes) -> None:
        """Keep a few bytes under a key; if that fails, they will be fetched again."""
        with contextlib.suppress(OSError):
            replace_file(str(self._note(key)), content)

    def noted(self, key: str) -> bytes | None:
        """The bytes that :meth:`note` kept under a key, or None if there are none."""
        try:
            return self._note(key).read_bytes()
        except OSError:
            return None

    # -- one file -----------------------------------------------------------------

    def _blob(self, sha256: str) -> Path:
        return self.folder / "blobs" / sha256[:2] / sha256

    def _note(self, key: str) -> Path:
        return self.folder / "notes" / hashlib.sha256(key.encode()).hexdigest()

    def _has(self, blob: Path, size: int) -> bool:
        """Whether a file is in the cache; this counts as a use of the file."""
        try:
            if blob.stat().st_size != size:
                return False
        except OSError:
            return False
        with contextlib.suppress(OSError):  # the cache may be read-only
            os.utime(blob)
        return True

    def _get(self, objects: Objects, name: str, entry: Mapping[str, Any], uri: str) -> None:
        """Download one file, unless another process has done so first."""
        from filelock import FileLock

        sha256, size = entry["sha256"], entry["bytes"]
        blob = self._blob(sha256)
        lock = self.folder / "locks" / f"{sha256}.lock"
        part = self.folder / "parts" / sha256
        for tries in itertools.count(1):
            try:
                for path in (blob, lock, part):
                    path.parent.mkdir(parents=True, exist_ok=True)
                with FileLock(lock, poll_interval=0.02):
                    if self._has(blob, size):
                        return
                    self._download(objects, name, part, sha256, size, uri)
                    part.replace(blob)
                    blob.chmod(0o444)
                return
            except FileNotFoundError as error:  # another process removed the cache's folders
                if tries == _MOST_WIPED:
                    raise self._cannot(name, uri, error) from error
                time.sleep(0.05 * tries)
            except OSError as error:
                with contextlib.suppress(OSError):
                    part.unlink()
                raise self._cannot(name, uri, error) from error

    def _cannot(self, name: str, uri: str, error: OSError) -> StoreError:
        return StoreError(
            f"Cannot keep {name} of {uri!r} in the cache {str(self.folder)!r}: "
            f"{explain_disk(error)}"
        )

    def _download(
        self, objects: Objects, name: str, part: Path, sha256: str, size: int, uri: str
    ) -> None:
        """Download a file, from where the last attempt ended, until its hash is right."""
        if not size:
            part.write_bytes(b"")
        for tries in itertools.count(1):
            digest = hashlib.sha256()
            with part.open("ab") as file:
                done = file.tell()
                if done > size:
                    file.truncate(0)
                    done = 0
                for piece in _pieces_of(part, done):
                    digest.update(piece)
                for piece in _remote_pieces(objects, name, done, size, uri):
                    file.write(piece)
                    digest.update(piece)
                file.flush()
                os.fsync(file.fileno())
            received = digest.hexdigest()
            if received == sha256:
                return
            part.unlink()
            logger.warning("%s came altered from %s.", name, uri)
            if tries == _MOST_ALTERED:
                _check_remote_size(objects, name, size, uri)
                check_hash(name, received, sha256, uri)

    # -- its size -----------------------------------------------------------------

    def _evict(self) -> None:
        """Remove the files whose last use is longest ago, until the cache is small enough."""
        from filelock import FileLock, Timeout

        try:
            with FileLock(self.folder / "locks" / "evict.lock", blocking=False):
                now = time.time()
                for path, about in _files(self.folder / "parts"):
                    if now - about.st_mtime > _ABANDONED:
                        path.unlink(missing_ok=True)
                notes = sorted(_files(self.folder / "notes"), key=lambda file: file[1].st_mtime)
                for path, _ in notes[:-_NOTES]:
                    path.unlink(missing_ok=True)
                held = sorted(_files(self.folder / "blobs"), key=lambda file: file[1].st_mtime)
                total = sum(about.st_size for _, about in held)
                for path, about in held:
                    if total <= self.max_bytes or now - about.st_mtime < _IN_USE:
                        break
                    path.unlink(missing_ok=True)
                    total -= about.st_size
                if total > self.max_bytes:
                    logger.info(
                        "The cache %s holds %d MB, more than %d: all of it is in use.",
                        self.folder,
                        total >> 20,
                        self.max_bytes >> 20,
                    )
        except (Timeout, OSError):
            return


def _remote_pieces(objects: Objects, name: str, start: int, end: int, uri: str) -> Iterator[bytes]:
    """The bytes of an artifact's file; a missing one must not look like a fault of this disk."""
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


def _pieces_of(path: Path, size: int) -> Iterator[bytes]:
    """The bytes of a local file; nothing for one of size 0, which may not exist."""
    if not size:
        return
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            yield piece


def _files(folder: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """All files below a folder; other processes may remove files meanwhile."""
    for path in folder.rglob("*"):
        try:
            about = path.stat()
        except OSError:
            continue
        if path.is_file():
            yield path, about


def _usable(folder: str | Path | None) -> Path:
    """Make the cache's folder, or a temporary one where the usual one cannot be made."""
    requested = Path(DEFAULT_FOLDER if folder is None else folder).expanduser()
    try:
        requested.mkdir(parents=True, exist_ok=True)
        return requested
    except (OSError, RuntimeError) as error:  # RuntimeError: there is no home
        if folder is not None:
            raise StoreError(
                f"Cannot make the cache {str(folder)!r}: {error}. Name a folder that can be "
                "written to."
            ) from error
        # A user without a home, or a read-only container, shall not make loading fail.
        other = Path(tempfile.gettempdir()) / f"prodcat-{os.getuid()}"
        logger.warning("Cannot make the cache %s (%s); it is kept in %s.", requested, error, other)
        other.mkdir(mode=0o700, parents=True, exist_ok=True)
        if other.stat().st_uid != os.getuid():  # files in the cache are trusted later
            return Path(tempfile.mkdtemp(prefix="prodcat-"))
        return other
