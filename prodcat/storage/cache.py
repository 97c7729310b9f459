"""Files of artifacts kept on this machine, named by what they hold.

    blobs/<ab>/<SHA-256>     whole, verified, never written to again
    parts/<SHA-256>          a download that is not at its end; the next one goes on from there
    notes/<SHA-256>          manifests of versions, and what aliases named last
    locks/<SHA-256>.lock     held by the one process that downloads

Many processes may start at once: one downloads, the others wait and find the file.
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
from prodcat.storage.local_disk import beside
from prodcat.storage.manifest import check_hash, check_size, missing_file
from prodcat.storage.objects import PIECE, Objects

logger = logging.getLogger("prodcat")
DEFAULT_FOLDER = Path("~/.cache/prodcat")
_AT_ONCE = 4
_TRIES = 3
_WIPED = 5
_IN_USE = 600.0  # seconds
_FORGOTTEN = 7 * 86_400.0
_NOTES = 10_000


class Cache:
    """Verified files of artifacts on this machine.

    Args:
        folder: Where; ``~/.cache/prodcat`` if not given.
        max_bytes: When it holds more, what was used longest ago goes, but nothing that was
            used in the last ten minutes.

    Raises:
        StoreError: The folder cannot be made.
    """

    def __init__(self, folder: str | Path | None = None, max_bytes: int = 20 << 30) -> None:
        self.folder = _usable(folder)
        self.max_bytes = max_bytes

    @classmethod
    def of(cls, cache: "Cache | str | Path | None") -> "Cache":
        """A cache as users name one: itself, its folder, or None for the usual folder."""
        return cache if isinstance(cache, Cache) else cls(cache)

    def fetch(self, objects: Objects, manifest: Mapping[str, Any], uri: str) -> dict[str, Path]:
        """Have all files of an artifact here, downloaded and verified where they were not.

        Args:
            objects: The artifact's folder.
            manifest: Of the artifact.
            uri: Of the artifact, for messages.

        Returns:
            Where each file lies.

        Raises:
            ArtifactError: A file is missing, truncated or altered there.
            StoreError: The store cannot be reached, or this disk is full.
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
        """Keep something small under a key; what cannot be kept is asked for again."""
        with contextlib.suppress(OSError):
            path = self._note(key)
            with beside(str(path), content) as part:
                part.replace(path)

    def noted(self, key: str) -> bytes | None:
        """What :meth:`note` kept, or None."""
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
        """Whether it is here; being asked for is being used."""
        try:
            if blob.stat().st_size != size:
                return False
        except OSError:
            return False
        with contextlib.suppress(OSError):  # a cache that can only be read serves, too
            os.utime(blob)
        return True

    def _get(self, objects: Objects, name: str, wanted: Mapping[str, Any], uri: str) -> None:
        from filelock import FileLock

        sha256, size = wanted["sha256"], wanted["bytes"]
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
            except FileNotFoundError as error:  # the cache was wiped in this moment
                if tries == _WIPED:
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
        """Bytes to a file, from where the last try ended, until their hash is right."""
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
                for piece in _there(objects, name, done, size, uri):
                    file.write(piece)
                    digest.update(piece)
                file.flush()
                os.fsync(file.fileno())
            received = digest.hexdigest()
            if received == sha256:
                return
            part.unlink()
            logger.warning("%s came altered from %s.", name, uri)
            if tries == _TRIES:
                _check_there(objects, name, size, uri)
                check_hash(name, received, sha256, uri)

    # -- its size -----------------------------------------------------------------

    def _evict(self) -> None:
        """Remove what was used longest ago, down to the size that is allowed."""
        from filelock import FileLock, Timeout

        try:
            with FileLock(self.folder / "locks" / "evict.lock", blocking=False):
                now = time.time()
                for path, about in _files(self.folder / "parts"):
                    if now - about.st_mtime > _FORGOTTEN:
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


def _there(objects: Objects, name: str, start: int, end: int, uri: str) -> Iterator[bytes]:
    """Bytes from where the artifact is; that they are not there is not this disk's fault."""
    try:
        yield from objects.pieces(name, start, end)
    except FileNotFoundError as error:
        raise missing_file(name, uri) from error


def _check_there(objects: Objects, name: str, size: int, uri: str) -> None:
    try:
        check_size(name, objects.size(name), size, uri)
    except FileNotFoundError as error:
        raise missing_file(name, uri) from error
    except StoreError:  # some servers do not say
        return


def _pieces_of(path: Path, size: int) -> Iterator[bytes]:
    if not size:
        return
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            yield piece


def _files(folder: Path) -> Iterator[tuple[Path, os.stat_result]]:
    for path in folder.rglob("*"):
        try:
            about = path.stat()
        except OSError:
            continue
        if path.is_file():
            yield path, about


def _usable(folder: str | Path | None) -> Path:
    wanted = Path(DEFAULT_FOLDER if folder is None else folder).expanduser()
    try:
        wanted.mkdir(parents=True, exist_ok=True)
        return wanted
    except (OSError, RuntimeError) as error:  # RuntimeError: there is no home
        if folder is not None:
            raise StoreError(
                f"Cannot make the cache {str(folder)!r}: {error}. Name a folder that can be "
                "written to."
            ) from error
        # No home, or a container that can only be read: not worth failing for.
        other = Path(tempfile.gettempdir()) / f"prodcat-{os.getuid()}"
        logger.warning("Cannot make the cache %s (%s); it is kept in %s.", wanted, error, other)
        other.mkdir(mode=0o700, parents=True, exist_ok=True)
        if other.stat().st_uid != os.getuid():  # what is in it is trusted later
            return Path(tempfile.mkdtemp(prefix="prodcat-"))
        return other
