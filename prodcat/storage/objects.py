"""Objects below one fsspec URI: each whole or not there, faults retried or explained.

Local files are written beside and put in place; an object store shows a PUT whole or not at
all.  What may pass (throttling, a lost connection) is tried again for a minute; what will not
(missing rights, expired credentials, a full disk) is said at once, with what to do.
"""

import base64
import contextlib
import errno
import hashlib
import logging
import os
import random
import re
import stat
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from prodcat.errors import ArtifactError, StoreError

logger = logging.getLogger("prodcat")
_T = TypeVar("_T")
_S3 = ("s3", "s3a")
_ONE_PUT = 64 << 20  # s3fs sends larger objects in parts
_PART = 32 << 20
_SMALL = 64 << 10
PIECE = 8 << 20
_AT_ONCE = 4
_WRONG = 3  # times that bytes may come altered
_IN_MEMORY = threading.Lock()
_HTTP = ("http", "https")
_BESIDE = re.compile(r"\..+\.[0-9a-f]{32}\.part")

_PASSING_CODES = {
    "SlowDown", "ServiceUnavailable", "InternalError", "RequestTimeout", "OperationAborted",
    "Throttling", "ThrottlingException", "RequestLimitExceeded", "TooManyRequestsException",
    "BadDigest", "XAmzContentSHA256Mismatch", "IncompleteBody", "ConditionalRequestConflict",
    "500", "502", "503", "504", "429",
}  # fmt: skip
_TAKEN_CODES = {"PreconditionFailed", "412"}
# Faults of botocore and aiohttp that are the network's, by the names of their classes.
_NETWORK = {
    "HTTPClientError", "ConnectionError", "IncompleteReadError", "ChecksumError",
    "FlexibleChecksumError", "ClientConnectionError", "ClientPayloadError", "ServerTimeoutError",
}  # fmt: skip
_HINTS = {
    "ExpiredToken": "The credentials have expired: renew them",
    "ExpiredTokenException": "The credentials have expired: renew them",
    "TokenRefreshRequired": "The credentials have expired: renew them",
    "RequestExpired": "The credentials have expired: renew them",
    "InvalidToken": "The session token is not valid: renew the credentials",
    "InvalidAccessKeyId": "The server does not know this access key: check the credentials",
    "SignatureDoesNotMatch": "The secret does not belong to the access key: check the credentials",
    "RequestTimeTooSkewed": "The clock of this machine is wrong: set it",
    "NoSuchBucket": "There is no such bucket: check the address, or make the bucket",
    "AccessDenied": "These credentials lack the right: ask for s3:ListBucket, s3:GetObject and, "
    "to write, s3:PutObject and s3:DeleteObject here",
    "XAmzContentSHA256Mismatch": "The server read other bytes than were sent: set "
    "AWS_REQUEST_CHECKSUM_CALCULATION=when_required for servers that do not know checksums "
    "behind the body",
}
_ERRNO_HINTS = {
    errno.ENOSPC: "The disk is full: free some space, or name another place",
    errno.EDQUOT: "The disk quota is used up: free some space, or name another place",
    errno.EFBIG: "The file is larger than this place allows: name another place",
    errno.EROFS: "This place can only be read: name another one",
    errno.EACCES: "The rights are missing: check who may write here",
    errno.EPERM: "The rights are missing: check who may write here",
    errno.ENOTDIR: "A part of the path is a file: check the address",
}
_PASSING_ERRNOS = {errno.EBUSY, getattr(errno, "EREMOTEIO", errno.EIO), errno.ETIMEDOUT}


@dataclass(frozen=True)
class Entry:
    """What a listing says of one object.

    Attributes:
        bytes: Its size.
        changed: When it was written, seconds since 1970.
    """

    bytes: int
    changed: float


class Objects:
    """What lies below one URI; nothing is connected before it is needed.

    Args:
        uri: A folder at any fsspec URI.
        storage_options: For the filesystem, such as ``endpoint_url``, ``key`` and ``secret``.
        patience: Seconds for which one operation is tried again.
    """

    def __init__(
        self,
        uri: str | os.PathLike[str],
        storage_options: Mapping[str, Any] | None = None,
        patience: float = 60.0,
    ) -> None:
        uri = os.fspath(uri)
        bare = uri.rstrip("/")
        self.uri = uri if not bare or bare.endswith(":") else bare
        self.protocol = uri.split("://", 1)[0].split("::", 1)[0] if "://" in uri else "file"
        self.options = dict(storage_options or {})
        self.patience = patience
        self._found: tuple[Any, str] | None = None

    @property
    def is_local(self) -> bool:
        """Whether these are files of this machine."""
        return self.protocol in ("file", "local")

    @property
    def is_near(self) -> bool:
        """Whether reading needs no network."""
        return self.is_local or self.protocol == "memory"

    def _place(self) -> tuple[Any, str]:
        """The filesystem and the folder's path in it."""
        if self._found is None:
            import fsspec

            options = dict(self.options)
            if self.protocol in _S3:
                options.setdefault("use_listings_cache", False)
                own: dict[str, Any] = {"connect_timeout": 5, "read_timeout": 20}
                # Retries are counted here and by s3fs; a third count would take minutes.
                own |= {"retries": {"total_max_attempts": 1}}
                options["config_kwargs"] = own | dict(options.get("config_kwargs", {}))
            try:
                filesystem, root = fsspec.url_to_fs(self.uri, **options)
            except (ValueError, ImportError, TypeError, OSError) as error:
                raise StoreError(
                    f"Cannot look for {self.uri!r}: {error}. Check the address and what is "
                    "installed."
                ) from error
            root = str(root).rstrip("/")
            if not root and self.protocol in _S3:
                raise StoreError(
                    f"{self.uri!r} names no bucket; expected s3://bucket/folder. Add it."
                )
            self._found = filesystem, root
        return self._found

    def _path(self, name: str) -> str:
        root = self._place()[1]
        return f"{root}/{name}" if name else root

    def below(self, folder: str) -> "Objects":
        """What lies below a folder of these."""
        return Objects(self.at(folder), self.options, self.patience)

    def at(self, name: str) -> str:
        """The URI of one object, for messages."""
        if not name:
            return self.uri
        return f"{self.uri}{name}" if self.uri.endswith("/") else f"{self.uri}/{name}"

    # -- reading ------------------------------------------------------------------

    def read(self, name: str, start: int | None = None, end: int | None = None) -> bytes:
        """An object's bytes, or those from ``start`` to before ``end``.

        Raises:
            FileNotFoundError: It is not there.
            StoreError: It cannot be read.
        """

        def fetch() -> bytes:
            content = self._cat(name, start, end)
            if end is not None and len(content) != end - (start or 0):
                raise _ShortError(f"{len(content):,} bytes came of {end - (start or 0):,}")
            return content

        return self._tried("read", name, fetch)

    def pieces(self, name: str, start: int, end: int) -> Iterator[bytes]:
        """An object's bytes from ``start`` to before ``end``, in order, a few MB at a time.

        Some are on their way while the ones before them are used; what a lost connection
        loses is one piece.

        Raises:
            FileNotFoundError: It is not there.
            StoreError: It cannot be read.
        """
        bounds = [(first, min(first + PIECE, end)) for first in range(start, end, PIECE)]
        if self.protocol in _HTTP:
            with _Body(self._place()[0], self._path(name)) as body:
                for own in bounds:
                    yield self._tried("read", name, partial(body.read, *own))
            return
        if len(bounds) == 1:
            yield self.read(name, *bounds[0])
            return
        waiting: list[Future[bytes]] = []
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            try:
                for own in bounds:
                    waiting.append(pool.submit(self.read, name, *own))
                    if len(waiting) == _AT_ONCE:
                        yield waiting.pop(0).result()
                while waiting:
                    yield waiting.pop(0).result()
            finally:
                for one in waiting:
                    one.cancel()

    def start(self, name: str, limit: int) -> bytes:
        """An object's first bytes: all of it where it has no more than ``limit``.

        Raises:
            FileNotFoundError: It is not there.
            StoreError: It cannot be read.
        """

        def fetch() -> bytes:
            try:
                return self._cat(name, 0, limit)
            except OSError as error:
                if _code(error) == "InvalidRange":  # of an empty object
                    return b""
                raise

        return self._tried("read", name, fetch)

    def _cat(self, name: str, start: int | None, end: int | None) -> bytes:
        filesystem, path = self._place()[0], self._path(name)
        try:
            if self.is_local:
                mode = Path(path).stat().st_mode
                # A pipe would be waited for, and a device has no end.
                if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
                    raise ArtifactError(f"{self.at(name)!r} is no file; expected a regular one.")
            if self.protocol in _HTTP and end is not None:
                with _Body(filesystem, path) as body:
                    return body.read(start or 0, end, whole=False)
            content: bytes = filesystem.cat_file(path, start=start, end=end)
        except (IsADirectoryError, NotADirectoryError) as error:
            raise FileNotFoundError(path) from error
        return content

    def size(self, name: str) -> int:
        """An object's size in bytes.

        Raises:
            FileNotFoundError: It is not there.
            StoreError: It cannot be looked at.
        """

        def look() -> int:
            try:
                info = self._place()[0].info(self._path(name))
            except NotADirectoryError as error:
                raise FileNotFoundError(name) from error
            if info.get("type") == "directory":
                raise FileNotFoundError(name)
            if info.get("size") is None:
                raise StoreError(f"The server does not say how large {self.at(name)!r} is.")
            return int(info["size"])

        return self._tried("look at", name, look)

    def names(self, folder: str) -> list[str]:
        """What lies directly in a folder; nothing where there is none."""

        def look() -> list[str]:
            filesystem, path = self._place()[0], self._path(folder)
            filesystem.invalidate_cache()
            try:
                listed = filesystem.ls(path, detail=False)
            except (FileNotFoundError, NotADirectoryError) as error:
                return _nothing(error)
            found = {str(own).rstrip("/") for own in listed} - {path}
            return sorted(own.rsplit("/", 1)[-1] for own in found)

        return self._tried("list", folder, look)

    def walk(self, folder: str) -> dict[str, Entry]:
        """All objects below a folder, by their names relative to it."""

        def look() -> dict[str, Entry]:
            filesystem, path = self._place()[0], self._path(folder)
            filesystem.invalidate_cache()
            try:
                found = filesystem.find(path, detail=True)
            except (FileNotFoundError, NotADirectoryError) as error:
                return dict(_nothing(error))
            return {
                str(own)[len(path) :].lstrip("/"): Entry(int(info["size"] or 0), _changed(info))
                for own, info in found.items()
                if str(own).rstrip("/") != path and not str(own).endswith("/")
            }

        return self._tried("list", folder, look)

    # -- writing ------------------------------------------------------------------

    def make(self) -> None:
        """Make the folder, where folders are something; an object store needs none.

        Raises:
            StoreError: It cannot be made.
        """
        if self.protocol not in _S3:
            filesystem, root = self._place()
            self._tried("write", "", lambda: filesystem.makedirs(root, exist_ok=True))

    def write(self, name: str, content: bytes) -> None:
        """Write an object, or replace it; a reader sees the old one or the new one, whole.

        Raises:
            StoreError: It cannot be written.
        """

        def put() -> None:
            filesystem, path = self._place()[0], self._path(name)
            if self.is_local:
                with beside(path, content) as part:
                    part.replace(path)
            elif self.protocol in _S3 and len(content) < _ONE_PUT:
                # The server compares the hash: what was damaged on its way is refused.
                filesystem.pipe_file(path, content, chunksize=_PART, ContentMD5=_md5(content))
            elif self.protocol in _S3:
                filesystem.pipe_file(path, content, chunksize=_PART)
            else:
                filesystem.pipe_file(path, content)

        self._tried("write", name, put)

    def create(self, name: str, content: bytes) -> bytes | None:
        """Write an object only where there is none, whoever else tries at the same time.

        Args:
            name: Of the object.
            content: A few hundred bytes, unlike those of any other caller.

        Returns:
            None if it was written; otherwise what is there.

        Raises:
            StoreError: It cannot be written, or the server ignores the condition.
        """

        def put() -> bool:
            filesystem, path = self._place()[0], self._path(name)
            try:
                if self.is_local:
                    with beside(path, content) as part:
                        self._link(part, path)
                elif self.protocol == "memory":
                    with _IN_MEMORY:
                        if filesystem.exists(path):
                            return False
                        filesystem.pipe_file(path, content)
                elif self.protocol in _S3:
                    filesystem.pipe_file(path, content, mode="create", ContentMD5=_md5(content))
                else:
                    raise StoreError(
                        f"{self.uri!r} is of a kind ({self.protocol}) on which prodcat knows no "
                        "way to let one writer alone win, so models are not published there. "
                        "Expected s3://, a local folder or memory://."
                    )
            except FileExistsError:
                return False
            except OSError as error:
                if _code(error) in _TAKEN_CODES:
                    return False
                raise
            return True

        made = self._tried("write", name, put)
        # Read back: an answer may have been lost and the request sent again, so "taken" can
        # mean "by this very call"; and a server that ignores the condition lets all win.
        try:
            there = self.start(name, max(_SMALL, len(content) + 1))
        except FileNotFoundError:
            there = b""
        if there == content:
            return None
        if made:
            raise StoreError(
                f"{self.at(name)!r} was written by another process although it was to be written "
                "only once: this server ignores If-None-Match, so that publishing there would "
                "lose versions. Use S3, or a server that keeps the condition."
            )
        return there

    def _link(self, part: Path, path: str) -> None:
        try:
            os.link(part, path)
        except OSError as error:
            if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS):
                raise
            raise StoreError(
                f"The disk of {self.uri!r} has no hard links ({error.strerror}), without which "
                "prodcat knows no way to let one writer alone win. Use another disk, or S3."
            ) from error

    def remove(self, name: str) -> None:
        """Remove an object; nothing happens where there is none."""

        def drop() -> None:
            try:
                self._place()[0].rm_file(self._path(name))
            except FileNotFoundError as error:
                _nothing(error)

        self._tried("remove", name, drop)

    def remove_below(self, folder: str) -> None:
        """Remove a folder and all in it; nothing happens where there is none."""

        def drop() -> None:
            filesystem, path = self._place()[0], self._path(folder)
            filesystem.invalidate_cache()
            try:
                filesystem.rm(path, recursive=True)
            except FileNotFoundError as error:
                _nothing(error)

        self._tried("remove", folder, drop)

    def clear_parts(
        self, folder: str, before: float, mine: Callable[[str], bool] | None = None
    ) -> list[str]:
        """Remove files beside their places that a killed process of this machine left.

        Args:
            folder: Those directly in it.
            before: Only those last changed before this time, seconds since 1970.
            mine: Only those for whose name, once they are in place, this says true.

        Returns:
            Their names, relative to all of this.
        """
        removed = []
        if self.is_local:
            for name in self.names(folder):
                if mine is not None and not mine(name[1:]):
                    continue
                path = Path(self._path(f"{folder}/{name}" if folder else name))
                try:
                    if _BESIDE.fullmatch(name) and path.stat().st_mtime <= before:
                        path.unlink()
                        removed.append(f"{folder}/{name}" if folder else name)
                except FileNotFoundError:  # put in place by now
                    continue
                except OSError as error:
                    logger.warning("Left %s behind: %s", path, explain_disk(error))
        return removed

    def remove_empty(self, folder: str, before: float) -> list[str]:
        """Remove empty folders in a folder of this machine; elsewhere there are none.

        Args:
            folder: In which.
            before: Only those last changed before this time, seconds since 1970.

        Returns:
            Their names, relative to all of this.
        """
        if not self.is_local:
            return []
        removed = []
        for name in self.names(folder):
            path = Path(self._path(f"{folder}/{name}"))
            try:
                if path.is_dir() and path.stat().st_mtime <= before and not any(path.iterdir()):
                    path.rmdir()
                    removed.append(f"{folder}/{name}")
            except OSError:  # something is in it by now
                continue
        return removed

    def abort_uploads(self, folder: str, before: float) -> int:
        """Give up uploads in parts that were begun before a time and never ended (S3 alone).

        Args:
            folder: Below which.
            before: Seconds since 1970.

        Returns:
            How many there were.
        """
        if self.protocol not in _S3:
            return 0

        def give_up() -> int:
            filesystem = self._place()[0]
            bucket, key, _ = filesystem.split_path(self._path(folder))
            found = 0
            marks: dict[str, str] = {}
            while True:
                listed = filesystem.call_s3(
                    "list_multipart_uploads", Bucket=bucket, Prefix=f"{key}/", **marks
                )
                for own in listed.get("Uploads") or []:
                    if own["Initiated"].timestamp() <= before:
                        filesystem.call_s3(
                            "abort_multipart_upload",
                            Bucket=bucket,
                            Key=own["Key"],
                            UploadId=own["UploadId"],
                        )
                        found += 1
                if not listed.get("IsTruncated"):
                    return found
                marks = {
                    "KeyMarker": listed["NextKeyMarker"],
                    "UploadIdMarker": listed["NextUploadIdMarker"],
                }

        return self._tried("list", folder, give_up)

    # -- faults -------------------------------------------------------------------

    def _tried(self, verb: str, name: str, call: Callable[[], _T]) -> _T:
        """Call, again while the fault may pass and the patience lasts."""
        began, wait, wrong = time.monotonic(), 0.2, 0
        while True:
            try:
                return call()
            except (FileNotFoundError, StoreError, ArtifactError) as error:
                if _code(error) == "NoSuchBucket" or (
                    verb == "write" and isinstance(error, FileNotFoundError)
                ):
                    raise self._explained(verb, name, error, None) from error
                raise
            except Exception as error:
                wrong_option = self.protocol in _S3 and isinstance(error, (TypeError, ValueError))
                if not (isinstance(error, OSError) or _is_of_s3(error) or wrong_option):
                    raise
                if "Checksum" in type(error).__name__ or isinstance(error, _ShortError):
                    wrong += 1
                    if wrong == _WRONG:
                        raise ArtifactError(
                            f"{self.at(name)!r} came altered or truncated {wrong} times: {error}. "
                            "What is there is not what was written: write it again."
                        ) from error
                spent = time.monotonic() - began
                if not _passes(error) or spent + wait > self.patience:
                    raise self._explained(
                        verb, name, error, spent if _passes(error) else None
                    ) from error
                logger.info("Cannot %s %s yet (%s); trying again.", verb, self.at(name), error)
                time.sleep(wait * random.uniform(0.5, 1.0))  # so that many do not come back at once
                wait = min(wait * 2, 10.0)

    def _explained(self, verb: str, name: str, error: Exception, spent: float | None) -> StoreError:
        code = _code(error)
        reason = str(error).strip().rstrip(".") or type(error).__name__
        if code and code not in reason:
            reason = f"{code}: {reason}"
        if spent is not None:
            hint = f"Tried for {spent:.0f} seconds: check the network and the server"
        elif code in _HINTS:
            hint = _HINTS[code]
        elif "ProfileNotFound" in type(error).__name__:
            hint = "Set AWS_PROFILE to one of the profiles in ~/.aws, or unset it"
        elif isinstance(error, (TypeError, ValueError)):
            hint = "Check the address, the endpoint and storage_options"
        elif "credentials" in reason.lower():
            hint = "Give credentials: a role, AWS_PROFILE, or storage_options"
        elif isinstance(error, PermissionError) and not self.is_local:
            hint = _HINTS["AccessDenied"]
        else:
            hint = _ERRNO_HINTS.get(getattr(error, "errno", None) or 0, "Check the address")
        explained = StoreError(f"Cannot {verb} {self.at(name)!r}: {reason}. {hint}.")
        explained.unreachable = spent is not None
        return explained


def explain_disk(error: OSError) -> str:
    """What a fault of this machine's disk is, and what to do."""
    hint = _ERRNO_HINTS.get(error.errno or 0, "Check the disk")
    return f"{error.strerror or error}. {hint}."


def _nothing(error: Exception) -> list[Any]:
    """Nothing is there, unless it is the bucket that is not."""
    if _code(error) == "NoSuchBucket":
        raise error
    return []


def _code(error: BaseException | None) -> str | None:
    """The server's own code of the fault."""
    while error is not None:
        response = getattr(error, "response", None)
        if isinstance(response, dict):
            return str(response.get("Error", {}).get("Code"))
        error = error.__cause__
    return None


def _is_of_s3(error: Exception) -> bool:
    return type(error).__module__.split(".")[0] in ("botocore", "aiobotocore", "aiohttp")


@contextlib.contextmanager
def store_faults(uri: str) -> Iterator[None]:
    """Say of a file that is read when it is its store that fails, and not the file.

    Raises:
        StoreError: It is.
    """
    try:
        yield
    except Exception as error:
        fault = _read_fault(uri, error)
        if fault is None:
            raise
        raise fault from error


def _read_fault(uri: str, error: Exception) -> StoreError | None:
    of_store = isinstance(error, OSError) or _is_of_s3(error)
    if not of_store or isinstance(error, FileNotFoundError):
        return None
    passes = _passes(error)
    if not (passes or _is_of_s3(error) or _code(error)):
        return None
    hint = "Check the network and the server" if passes else "Check the address and the rights"
    found = StoreError(f"Cannot read {uri!r}: {str(error).strip().rstrip('.')}. {hint}.")
    found.unreachable = passes
    return found


def _passes(error: Exception) -> bool:
    code = _code(error)
    if code is not None:
        return code in _PASSING_CODES
    status = getattr(error, "status", None)  # of a plain HTTP server
    if isinstance(status, int):
        return status >= 500 or status in (408, 429)
    if _is_of_s3(error):
        if "CERTIFICATE_VERIFY_FAILED" in str(error):
            return False
        return any(kind.__name__ in _NETWORK for kind in type(error).__mro__)
    passing = (ConnectionError, TimeoutError)
    return isinstance(error, passing) or getattr(error, "errno", None) in _PASSING_ERRNOS


def _md5(content: bytes) -> str:
    return base64.b64encode(hashlib.md5(content, usedforsecurity=False).digest()).decode()


def _changed(info: Mapping[str, Any]) -> float:
    for key in ("LastModified", "mtime", "created"):
        found = info.get(key)
        if isinstance(found, datetime):
            return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
        if isinstance(found, (int, float)):
            return float(found)
    return time.time()  # unknown: as if it were new, so that nothing is removed too soon


class _ShortError(ConnectionError):
    """An object that ended before it should, though nothing went wrong on its way."""


class _Body:
    """An object of a plain web server, read forward: such a server may not know ranges.

    Args:
        filesystem: fsspec's.
        path: The object's address.
    """

    def __init__(self, filesystem: Any, path: str) -> None:
        self.filesystem, self.path = filesystem, path
        self.file: Any = None
        self.place = 0

    def __enter__(self) -> "_Body":
        """Nothing is asked for yet."""
        return self

    def __exit__(self, *_: object) -> None:
        """Hang up."""
        if self.file is not None:
            self.file.close()
            self.file = None

    def read(self, start: int, end: int, whole: bool = True) -> bytes:
        """The bytes from ``start`` to before ``end``, or fewer where there are no more.

        Args:
            start: Of the first byte.
            end: After the last byte.
            whole: Whether fewer are an error.
        """
        try:
            if self.file is None or self.place != start:
                self.__exit__()
                own = dict(self.filesystem.kwargs.get("headers") or {})
                if start:
                    own["Range"] = f"bytes={start}-"
                # With a size, whatever it is, nothing is asked before the bytes.
                self.file = self.filesystem.open(self.path, block_size=0, size=1, headers=own)
                self.place = start if self.file.r.status == 206 else 0
            while self.place < start:
                self.place += len(self._some(min(PIECE, start - self.place)))
            pieces = []
            while self.place < end and (piece := self._some(min(PIECE, end - self.place), whole)):
                pieces.append(piece)
                self.place += len(piece)
        except BaseException:
            self.__exit__()
            raise
        return b"".join(pieces)

    def _some(self, size: int, needed: bool = True) -> bytes:
        piece: bytes = self.file.read(size)
        if not piece and needed:
            raise _ShortError(f"the body ended after {self.place:,} bytes")
        return piece


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
        """Write it, and say where."""
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
        """Remove it where it still is."""
        self.part.unlink(missing_ok=True)
