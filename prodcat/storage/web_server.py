"""Reads objects on a plain web server from front to back, as it may not support ranges."""

import contextlib
import html
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urljoin

from prodcat.storage.faults import TruncatedError
from prodcat.storage.places import Budget

PROTOCOLS = ("http", "https")
_AT_ONCE = 8 << 20  # bytes
_LARGEST_PAGE = 2 << 20  # bytes of a page that lists a folder
_LINK = re.compile(r"""href=["']([^"']{1,2000})["']""", re.IGNORECASE)


def connection_options(options: Mapping[str, Any], restricted: bool = False) -> dict[str, Any]:
    """The user's options for fsspec's HTTP filesystem, completed by prodcat's defaults.

    Args:
        options: The user's ``storage_options``.
        restricted: Whether redirects are refused.
    """
    from prodcat.storage.web_client import client_options

    client = {**client_options(), **(options.get("client_kwargs") or {})}
    redirects = {"allow_redirects": False} if restricted else {}
    return {**options, "client_kwargs": client, **redirects}


class ForwardReader:
    """Reads an object in one request, if each read continues where the last one ended.

    Args:
        filesystem: The HTTP filesystem of fsspec.
        path: The object's address.
        budget: The limits of reading, to which the bytes are charged.
    """

    def __init__(self, filesystem: Any, path: str, budget: Budget) -> None:
        self.filesystem, self.path, self.budget = filesystem, path, budget
        self.file: Any = None
        self.place = 0

    def __enter__(self) -> "ForwardReader":
        """Return the reader; the first read makes the request."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connection."""
        if self.file is not None:
            self.file.close()
            self.file = None

    def read(self, start: int, end: int, whole: bool = True) -> bytes:
        """Read the bytes from ``start`` to before ``end``, or fewer if the body ends earlier.

        Args:
            start: The position of the first byte.
            end: The position after the last byte.
            whole: Whether it is an error if the body ends earlier.

        Raises:
            TruncatedError: The body ended too soon.
            PlaceError: Reading cost more than the budget allows.
        """
        try:
            if self.file is None or self.place != start:
                self._ask(start)
            while self.place < start:
                self._next(min(_AT_ONCE, start - self.place))
            pieces = []
            while self.place < end and (
                piece := self._next(min(_AT_ONCE, end - self.place), whole)
            ):
                pieces.append(piece)
        except BaseException:
            self.__exit__()
            raise
        return b"".join(pieces)

    def _ask(self, start: int) -> None:
        """Request the body from ``start``; a server that ignores ranges sends it from the first."""
        from prodcat.storage.web_client import timeout

        self.__exit__()
        headers = dict(self.filesystem.kwargs.get("headers") or {})
        if start:
            headers["Range"] = f"bytes={start}-"
        seconds = self.budget.seconds()
        limit = {} if seconds is None else {"timeout": timeout(seconds)}
        # Without a size, fsspec would make another request for it first.
        self.file = self.filesystem.open(self.path, block_size=0, size=1, headers=headers, **limit)
        self.place = start if self.file.r.status == 206 else 0

    def _next(self, size: int, needed: bool = True) -> bytes:
        """Read the next bytes, at most ``size``."""
        self.budget.seconds()
        piece: bytes = self.file.read(self.budget.most(size))
        if not piece and needed:
            raise TruncatedError(f"the body ended after {self.place:,} bytes")
        self.place += len(piece)
        self.budget.charge(len(piece))
        return piece


def names(filesystem: Any, path: str, budget: Budget) -> set[str]:
    """The names in a folder, taken from the links in the web server's page for the folder.

    Raises:
        FileNotFoundError: There is no such page.
    """
    folder = path.rstrip("/") + "/"
    with ForwardReader(filesystem, folder, budget) as reader:
        page = reader.read(0, _LARGEST_PAGE, whole=False).decode(errors="replace")
    links = []
    for link in _LINK.findall(page):
        with contextlib.suppress(ValueError):  # not a valid address
            links.append(urljoin(folder, html.unescape(link)))
    listed = {link.removeprefix(folder).rstrip("/") for link in links if link.startswith(folder)}
    return {name for name in listed if name and not set(name) & set("/?#")}


def refuse_other_than_missing(fault: Exception) -> None:
    """Raise a web server's fault again, unless it says that there is no such object.

    Raises:
        Exception: The fault itself.
    """
    of_client = type(fault).__module__.startswith("aiohttp") or isinstance(fault, TimeoutError)
    if of_client and getattr(fault, "status", None) not in (404, 410):
        raise fault
