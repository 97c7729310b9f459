"""Places: URIs with a record of who named them, and with limits on what reading them may cost.

The operator, who runs the process (by a Python call, the command line or ``countries.toml``), may
name any URI.  A URI from a request or from a file that was read must pass
:meth:`AllowedPlaces.place`, which returns a :class:`Place`, before fsspec or the file system sees
it.
"""

import os
import re
import threading
import time
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from urllib.parse import unquote

from prodcat.errors import ConfigError, PlaceError, StoreError
from prodcat.storage.containers import path_text

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_LOCAL = ("file", "local")
_LONGEST = 2_000  # letters
_SHOWN = 200  # letters of a URI in a message


class NamedBy(Enum):
    """Who named a place."""

    OPERATOR = "operator"  # the one who runs the process
    REQUEST = "request"
    ARTIFACT = "artifact"


@dataclass(frozen=True)
class ReadLimits:
    """Limits on what loading from one place may cost.

    Attributes:
        max_bytes: The maximum number of bytes to read, files in the cache not counted.
        seconds: The maximum time in seconds, counted from the first read.

    Raises:
        ConfigError: A limit is not above 0.
    """

    max_bytes: int
    seconds: float

    def __post_init__(self) -> None:
        """Refuse limits that are not above 0."""
        for name in ("max_bytes", "seconds"):
            if not getattr(self, name) > 0:
                raise ConfigError(f"{name}={getattr(self, name)!r}; expected more than 0.")


@dataclass(frozen=True)
class Place:
    """A URI together with who named it.

    A place that a request or an artifact named can only be read.  Symbolic links, redirects of web
    servers and chained URIs are not followed there.

    Attributes:
        uri: The URI of a folder, an archive, or a version in a store (``STORE/model@alias``).
        named_by: Who named it.
        limits: Limits on what reading may cost; None for no limits.
    """

    uri: str
    named_by: NamedBy = NamedBy.OPERATOR
    limits: ReadLimits | None = None

    @classmethod
    def of(cls, uri: "str | os.PathLike[str] | Place") -> "Place":
        """Return a place as it is; a URI becomes a place that the operator named.

        Raises:
            StoreError: It is neither a path nor a URI.
        """
        if isinstance(uri, Place):
            return uri
        return cls(path_text(uri, "uri", "the path or URI of a folder or file", StoreError))

    @property
    def is_restricted(self) -> bool:
        """Whether a request or an artifact named the place, not the operator."""
        return self.named_by is not NamedBy.OPERATOR

    def at(self, uri: str) -> "Place":
        """The place of another URI, such as that of its folder, with the same limits."""
        return replace(self, uri=uri)


@dataclass(frozen=True)
class AllowedPlaces:
    """The folders below which requests and artifacts may name places.

    Attributes:
        roots: URIs of folders, archives or versions, such as ``/opt/ml/models`` or
            ``s3://bucket/models``; if it is empty, nothing is allowed.
        limits: Limits on what one load may cost.

    Raises:
        ConfigError: A root is empty, is chained (``::``), names no bucket or host, or contains a
            password.
    """

    roots: tuple[str, ...]
    limits: ReadLimits

    def __post_init__(self) -> None:
        """Refuse roots that would allow more than their author meant."""
        if isinstance(self.roots, str):
            raise ConfigError(f"roots={self.roots!r} is a string; expected a tuple of URIs.")
        for root in self.roots:
            try:
                scheme, segments = _parsed_root(root)
            except PlaceError as error:
                raise ConfigError(f"The root {root!r} cannot be used: {error}") from error
            if scheme and not segments:
                raise ConfigError(f"The root {root!r} names no bucket or host. Add it.")
            if segments and re.search(":.*@", segments[0]):
                raise ConfigError("A root has a password in it; give it as storage_options.")

    def place(self, uri: str, named_by: NamedBy = NamedBy.REQUEST) -> Place:
        """Return the place of a URI that is below one of the roots.

        Args:
            uri: The URI, which a request or an artifact named.
            named_by: Who named it.

        Returns:
            The place.  Its URI is normalised, as it was compared with the root; for files on this
            machine it is the real path, without symbolic links.

        Raises:
            PlaceError: The URI is chained, is not below a root, or has parts (such as query
                strings or ``..``) that could lead elsewhere than the comparison suggests.
        """
        scheme, segments = _parsed(uri)
        for root in self.roots:
            root_scheme, root_segments = _parsed_root(root)
            if scheme != root_scheme:
                continue
            if scheme and _starts(segments, root_segments):
                return Place(f"{scheme}://{'/'.join(segments)}", named_by, self.limits)
            if not scheme and (real := _real_path_below(segments, root_segments)):
                return Place(real, named_by, self.limits)
        allowed = ", ".join(self.roots) or "nothing"
        raise PlaceError(
            f"{uri[:_SHOWN]!r} is outside of the places that are allowed here ({allowed}). Name a "
            "model inside one of them."
        )


class Budget:
    """Counts the bytes and seconds that one load has spent; threads may share it.

    Args:
        place: The place that is read, with its limits.  The time starts at the first read.
    """

    def __init__(self, place: Place) -> None:
        self.place, self.spent = place, 0
        self._deadline: float | None = None
        self._lock = threading.Lock()

    def most(self, count: int) -> int:
        """How many bytes a read of ``count`` bytes may request.

        The result is at most one byte more than is left; that byte lets :meth:`charge` notice that
        the limit was exceeded.
        """
        limits = self.place.limits
        return count if limits is None else min(count, limits.max_bytes - self.spent + 1)

    def charge(self, count: int) -> None:
        """Add bytes that were read.

        Raises:
            PlaceError: More bytes were read in total than the limits allow.
        """
        with self._lock:
            self.spent += count
        limits = self.place.limits
        if limits is not None and self.spent > limits.max_bytes:
            raise PlaceError(
                f"Reading {self.place.uri!r} took more than {limits.max_bytes:,} bytes, which is "
                "the limit here. Name a smaller model, or raise the limit."
            )

    def seconds(self) -> float | None:
        """The seconds that are left, or None if there is no limit; the first call starts the time.

        Raises:
            PlaceError: No time is left.
        """
        limits = self.place.limits
        if limits is None:
            return None
        with self._lock:
            if self._deadline is None:
                self._deadline = time.monotonic() + limits.seconds
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise PlaceError(
                f"Reading {self.place.uri!r} took longer than {limits.seconds:g} seconds, which "
                "is the limit here. Check the server, or raise the limit."
            )
        return left


def _parsed(uri: str) -> tuple[str, tuple[str, ...]]:
    """Split a URI into its scheme and path segments, without access to any file or server.

    Returns:
        The scheme in lower case, or an empty text for files on this machine.  And the segments:
        for files, the parts of the absolute path without ``..``; otherwise the host or bucket, and
        the names after it.

    Raises:
        PlaceError: The URI is chained, or has parts that servers understand in different ways.
    """
    shown = repr(uri[:_SHOWN]) if isinstance(uri, str) else repr(type(uri).__name__)
    if not isinstance(uri, str) or not uri or len(uri) > _LONGEST:
        raise PlaceError(f"{shown} is not a URI; expected text of 1 to {_LONGEST:,} letters.")
    if "::" in uri or not uri.isprintable() or "\\" in uri:
        raise PlaceError(
            f"{shown} is chained (::), or has a backslash or control characters; expected the "
            "plain URI of a folder, an archive or a version."
        )
    match = _SCHEME.match(uri)
    scheme = match[1].lower() if match else ""
    rest = uri[match.end() :] if match else uri
    if match and scheme not in _LOCAL:
        if not rest.startswith("//"):
            raise PlaceError(f"{shown} has no // after {match[0]!r}; expected {scheme}://….")
        return _remote(scheme, rest, shown)
    if match and rest.startswith("//") and not rest.startswith("///"):
        raise PlaceError(f"{shown} names a host; expected {scheme}:///folder, or a plain path.")
    path = os.path.abspath(rest or "/")  # noqa: PTH100, links stay
    return "", tuple(segment for segment in path.split("/") if segment)


def _parsed_root(root: str) -> tuple[str, tuple[str, ...]]:
    """Split a root as :func:`_parsed` does; ``~`` stands for the home directory."""
    return _parsed(str(Path(root).expanduser()) if root.startswith("~") else root)


def _remote(scheme: str, rest: str, shown: str) -> tuple[str, tuple[str, ...]]:
    """Split a URI that is not a file on this machine; see :func:`_parsed`."""
    if any(mark in rest for mark in "?#"):
        raise PlaceError(f"{shown} has a query or a fragment; expected a plain URI.")
    segments = [segment for segment in rest.split("/") if segment]
    for segment in segments:
        plain = unquote(segment, errors="replace")
        if plain.partition(";")[0] in (".", "..") or any(mark in plain for mark in "/\\%\ufffd"):
            raise PlaceError(f"{shown} has the part {segment!r}; expected plain names only.")
        if not plain.isprintable():
            raise PlaceError(f"{shown} has control characters in {segment!r}.")
    if scheme == "s3a":
        scheme = "s3"
    if segments and scheme in ("http", "https"):
        segments[0] = segments[0].lower()
    return scheme, tuple(segments)


def _starts(segments: tuple[str, ...], start: tuple[str, ...]) -> bool:
    return segments[: len(start)] == start


def _real_path_below(segments: tuple[str, ...], root: tuple[str, ...]) -> str | None:
    """The real path of a file or folder below a root of this machine, or None if it is outside.

    The file system is asked only about paths that look as if they were below the root, as a path
    such as ``/net/host/x`` could make it mount another machine's disk.
    """
    path = "/" + "/".join(segments)
    try:
        real_root = _split(os.path.realpath("/" + "/".join(root)))
        if not (_starts(segments, root) or _starts(segments, real_root)):
            return None
        real = os.path.realpath(path)
        folder, _, name = path.rpartition("/")
        model = os.path.realpath(f"{folder}/{name.partition('@')[0]}")  # if it is a reference
        # A link that remains in a real path leads to itself.
        if any(part.is_symlink() for part in (Path(real), *Path(real).parents, Path(model))):
            return None
    except OSError:  # it is being changed
        return None
    plain = "::" not in real and "\\" not in real and real.isprintable()
    is_below = all(_starts(_split(part), real_root) for part in (real, model))
    return real if plain and is_below else None


def _split(path: str) -> tuple[str, ...]:
    return tuple(segment for segment in path.split("/") if segment)
