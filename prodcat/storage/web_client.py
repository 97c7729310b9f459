"""The HTTP client that fsspec uses for plain web servers; imported only when one is used."""

import re
from typing import Any

import aiohttp

_RANGE = re.compile(r"bytes=(\d+)-(\d+)")
MOST_UNASKED = 4 << 30  # bytes of a body whose size the server does not state
_TOTAL = 300.0  # seconds for one response


class BoundedResponse(aiohttp.ClientResponse):
    """A response that refuses bodies longer than requested, and redirects."""

    async def read(self) -> bytes:
        """Read the body, at most the range that was requested.

        Raises:
            aiohttp.ClientPayloadError: The server sends more bytes.
        """
        if self._body is None:
            asked = _RANGE.fullmatch(self.request_info.headers.get("Range", ""))
            most = int(asked[2]) - int(asked[1]) + 1 if asked else MOST_UNASKED
            body = bytearray()
            while piece := await self.content.readany():
                body += piece
                if len(body) > most:
                    self.close()
                    raise aiohttp.ClientPayloadError(f"the server sent more than {most:,} bytes")
            self._body = bytes(body)
        return self._body

    def raise_for_status(self) -> None:
        """Refuse errors, and redirects that were not followed.

        Raises:
            aiohttp.ClientResponseError: The status is 300 or more.
        """
        super().raise_for_status()
        if self.status >= 300:
            raise aiohttp.ClientResponseError(
                self.request_info,
                self.history,
                status=self.status,
                message="the server redirects to another address, which is not followed here",
            )


def client_options() -> dict[str, Any]:
    """Arguments of :class:`aiohttp.ClientSession`."""
    return {"response_class": BoundedResponse, "timeout": timeout(_TOTAL)}


def timeout(seconds: float) -> aiohttp.ClientTimeout:
    """The time limits of one response.

    Args:
        seconds: The total time in seconds; at most 300 are used.

    Returns:
        The total time, with at most 20 seconds for a server that sends nothing.
    """
    return aiohttp.ClientTimeout(total=min(seconds, _TOTAL), sock_connect=5, sock_read=20)
