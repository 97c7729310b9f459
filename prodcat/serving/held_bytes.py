"""Limit the memory of all requests together: their bodies, titles and unsent answers."""

import asyncio
import time
from collections.abc import Callable
from types import TracebackType

from prodcat.serving.refusal import Refusal

_SMALL = 16 << 10  # bytes up to which a request is accepted even if the limit is reached
_PAUSE = 1.0  # seconds for which a body may arrive before a faster request can displace it


class HeldBytes:
    """Counts the bytes that the requests of a server hold together.

    Args:
        most: The maximum of these bytes.
        unsent: Returns the bytes of answers that clients have not read yet.
    """

    def __init__(self, most: int, unsent: Callable[[], int] = int) -> None:
        self.most, self.unsent = most, unsent
        self.taken = 0
        self.arriving: dict[Share, None] = {}  # requests whose bodies arrive, the oldest first

    def has_room(self, size: int) -> bool:
        """Whether a request may hold this many bytes more; may give up another request.

        If the limit would be exceeded, the request whose body has been arriving longest is given
        up, if that is over a second.  So clients that send slowly cannot keep others out.
        """
        if self.taken + self.unsent() + size <= self.most:
            return True
        oldest = next(iter(self.arriving), None)
        if oldest is None or time.monotonic() - oldest.began < _PAUSE:
            return False
        oldest.give_up()
        return True


class Share:
    """Counts the bytes that one request holds, until the end of a ``with`` block.

    Args:
        held: Counts the bytes of all requests.
    """

    def __init__(self, held: HeldBytes) -> None:
        self.held, self.bytes = held, 0
        self.began = time.monotonic()
        self.timer: asyncio.Timeout | None = None
        self.is_given_up = False

    def __enter__(self) -> "Share":
        """Return this object."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Release all bytes of the request."""
        self.held.arriving.pop(self, None)
        self.take(-self.bytes)

    def add(self, size: int) -> None:
        """Count more bytes for the request.

        Raises:
            Refusal: With status 429 if all requests together would hold too many bytes, or this
                request was given up.
        """
        large = self.bytes + size > _SMALL
        if self.is_given_up or (large and not self.held.has_room(size)):
            raise Refusal(
                429, "The server is busy with other large requests. Try again later.", 1.0
            )
        self.take(size)

    def keeps(self, size: int) -> bool:
        """Count more bytes for the request if half of all bytes are free; return whether they are.

        For what the request can do without.
        """
        is_free = 2 * (self.held.taken + size) <= self.held.most
        if is_free:
            self.take(size)
        return is_free

    def take(self, size: int) -> None:
        """Count more bytes, or fewer if ``size`` is negative, without checking the limit."""
        self.bytes += size
        self.held.taken += size

    def arrives(self, timer: asyncio.Timeout) -> None:
        """Allow other requests to displace this one while its body arrives.

        Args:
            timer: The timeout of the wait for the body; expires at once if the request is given up.
        """
        self.timer = timer
        self.held.arriving[self] = None

    def has_arrived(self) -> None:
        """Note that the body is complete: the request can no longer be displaced."""
        self.held.arriving.pop(self, None)

    def give_up(self) -> None:
        """Release the bytes of the request, and end the wait for the rest of its body."""
        self.has_arrived()
        self.take(-self.bytes)
        self.is_given_up = True
        if self.timer is not None and not self.timer.expired():
            self.timer.reschedule(asyncio.get_running_loop().time())
