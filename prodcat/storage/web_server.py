"""Objects on a plain web server, read forward because such a server may not support ranges."""

from typing import Any

from prodcat.storage.faults import TruncatedError

PROTOCOLS = ("http", "https")
_AT_ONCE = 8 << 20  # bytes


class ForwardReader:
    """The body of one response; it is requested again only if a read does not follow the last.

    Args:
        filesystem: The HTTP filesystem of fsspec.
        path: The object's address.
    """

    def __init__(self, filesystem: Any, path: str) -> None:
        self.filesystem, self.path = filesystem, path
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
            start: The place of the first byte.
            end: The place after the last byte.
            whole: Whether an earlier end of the body is an error.

        Raises:
            TruncatedError: The body ended too soon.
        """
        try:
            if self.file is None or self.place != start:
                self._ask(start)
            while self.place < start:
                self.place += len(self._next(min(_AT_ONCE, start - self.place)))
            pieces = []
            while self.place < end and (
                piece := self._next(min(_AT_ONCE, end - self.place), whole)
            ):
                pieces.append(piece)
                self.place += len(piece)
        except BaseException:
            self.__exit__()
            raise
        return b"".join(pieces)

    def _ask(self, start: int) -> None:
        """Request the body from ``start``; a server without ranges begins at zero all the same."""
        self.__exit__()
        headers = dict(self.filesystem.kwargs.get("headers") or {})
        if start:
            headers["Range"] = f"bytes={start}-"
        # Without a size, fsspec would make another request for it first.
        self.file = self.filesystem.open(self.path, block_size=0, size=1, headers=headers)
        self.place = start if self.file.r.status == 206 else 0

    def _next(self, size: int, needed: bool = True) -> bytes:
        """Read the next bytes, at most ``size``."""
        piece: bytes = self.file.read(size)
        if not piece and needed:
            raise TruncatedError(f"the body ended after {self.place:,} bytes")
        return piece
