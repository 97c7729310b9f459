"""Limit the number of connections, the size of request heads, and how slow a client may be.

The head of a request is its request line and headers.  The HTTP parser has no such limits, and the
application gets a request only when its head is complete.  If there are too many connections, those
that have waited longest for their clients are closed first.  ``/ping`` is answered even if the
requests of all other connections are being answered.
"""

import asyncio
import heapq
import logging
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any, cast

import httptools
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from prodcat.serving.application import refused
from prodcat.serving.refusal import Refusal
from prodcat.serving.server import BEGAN
from prodcat.serving.settings import Settings

_LINE = 8 << 10  # maximum bytes of the target in a request line
_HEAD = 32 << 10  # maximum bytes of a head, or of headers after a body
_HEADERS = 100  # maximum number of headers
_CONNECTIONS = 4_096 + 64  # the default maximum of a server, and the reserve
_FILES = 256  # open files that are not connections
_HEADS = 32 << 20  # maximum bytes of all incomplete heads together
_PIPELINED = 8  # maximum number of requests that wait on one connection
_RESERVE = 64  # connections above the maximum, for /ping and for refusals
_UNSENT = 16 << 10  # unsent bytes of an answer that still count as sent
_LINGER = 1.0  # seconds in which a client can read a refusal before its connection is closed
_CLOSED = 64  # one in so many connections is closed if there are too many
# Warnings about requests are not logged, as a hostile client could fill the disk with them.
_logger = logging.getLogger("uvicorn.error.connections")
_logger.setLevel(logging.ERROR)


def most_connections() -> int:
    """Raise the process's limit of open files if possible; return how many connections fit."""
    try:
        import resource
    except ImportError:  # not on Unix
        return _CONNECTIONS
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        soft = max(soft, min(hard, 2 * _CONNECTIONS))
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return soft - _FILES


class Connections:
    """The open connections of a server.

    Args:
        settings: The settings of the server.
        most: Maximum number of open connections that the system allows; see
            :func:`most_connections`.
    """

    def __init__(self, settings: Settings, most: int) -> None:
        self.pace, self.patience = settings.pace, settings.patience
        self.most = max(min(settings.connections, most - _RESERVE), 1)
        self.open: set[Connection] = set()
        self.unread: set[Connection] = set()  # those whose clients have many bytes to read
        self.head_bytes = 0  # of heads that are not complete
        self._is_watching = False

    @property
    def protocol(self) -> Callable[..., "Connection"]:
        """The factory that uvicorn calls for each new connection."""
        return partial(Connection, self)

    def unsent(self) -> int:
        """The bytes of answers that clients have not read yet."""
        return sum(connection.unsent for connection in self.unread)

    def add(self, connection: "Connection") -> bool:
        """Add a connection, and return whether there is room for it."""
        if len(self.open) >= self.most:
            self.make_room()
        self.open.add(connection)
        if not self._is_watching:
            self._is_watching = True
            self._watch()
        return len(self.open) <= self.most + _RESERVE

    def make_room(self) -> None:
        """Close the connections that have waited longest for their clients, one in 64."""
        waiting = [
            (since, id(connection), connection)
            for connection in self.open
            if (since := connection.waits_since) is not None
        ]
        for _, _, connection in heapq.nsmallest(max(self.most // _CLOSED, 1), waiting):
            connection.drop()

    def _watch(self) -> None:
        """Close all connections whose clients are too slow, and schedule the next check."""
        now = time.monotonic()
        for connection in list(self.open):
            connection.check(now)
        self._is_watching = bool(self.open)
        if self.open:
            pause = min(self.pace.head, self.pace.stall, 4 * _LINGER) / 4
            asyncio.get_running_loop().call_later(pause, self._watch)


class Connection(HttpToolsProtocol):
    """One connection, whose requests are answered one after the other.

    Args:
        connections: All connections of the server.
        named: The keyword arguments that uvicorn passes to a protocol.
    """

    def __init__(self, connections: Connections, **named: Any) -> None:
        super().__init__(**named)
        self.logger = _logger
        self.registry = connections
        self.answering_app: ASGIApp = self.app
        now = time.monotonic()
        self.head_since: float | None = now  # time since which a head is awaited
        self.idle_since = now  # time of the last complete answer or head
        self.closing_since: float | None = None
        self.is_arriving = False  # whether the body of a request is incomplete
        self.progress = 0  # number of parsed elements of requests
        self.waiting_bytes = 0  # bytes that were received but not parsed yet
        self.size = self.count = 0  # bytes and number of the headers of a request
        self.began = now
        self.received = b""
        self.refusal: Refusal | None = None
        self.most_unsent = self.last_unsent = 0
        self.unsent_since = self.read_at = now

    # Methods that uvicorn and the HTTP parser call.
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Register a new connection, or close it if there are too many."""
        super().connection_made(transport)
        transport.set_write_buffer_limits(high=_UNSENT)
        if not self.registry.add(self):
            self.drop()

    def connection_lost(self, exc: Exception | None) -> None:
        """Unregister a closed connection."""
        self._count_head(-self.waiting_bytes)
        self.registry.open.discard(self)
        self.registry.unread.discard(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse received bytes, and check the limits."""
        if self.closing_since is not None:
            return
        if self.head_since is None and self.is_idle and not self.is_arriving:
            self.head_since = time.monotonic()
        before, self.received = self.progress, data
        super().data_received(data)
        if self.progress != before:
            self._count_head(-self.waiting_bytes)
        elif self.closing_since is None:
            self._count_head(len(data))
            if self.waiting_bytes > _HEAD:
                self._refuse(_too_long("A header of the request has"))
            elif self.registry.head_bytes > _HEADS:
                self.registry.make_room()

    def on_message_begin(self) -> None:
        """Start a request at its first byte."""
        super().on_message_begin()
        self.began = time.monotonic()
        self.head_since = self.head_since or self.began
        self.scope["state"][BEGAN] = self.began
        self.size = self.count = 0

    def on_url(self, url: bytes) -> None:
        """Add bytes to the target of the request line, and check its length."""
        self.progress += 1
        super().on_url(url)
        if len(self.url) > _LINE:
            self._fail(Refusal(414, f"The URL has more than {_LINE:,} bytes."))

    def on_header(self, name: bytes, value: bytes) -> None:
        """Add a header of the head or of the trailer, and check the limits on headers."""
        self.progress += 1
        self.size += len(name) + len(value)
        self.count += 1
        if self.size > _HEAD:
            self._fail(_too_long("The headers of the request have"))
        if self.count > _HEADERS:
            self._fail(Refusal(431, f"The request has more than {_HEADERS} headers."))
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Pass the request on, or refuse it if there are too many connections."""
        self.progress += 1
        if self.parser.should_upgrade():
            return  # the parser stops here, and _unsupported_upgrade_warning goes on
        self.head_since, self.is_arriving = None, True
        self.idle_since = time.monotonic()
        if len(self.pipeline) >= _PIPELINED:
            self._fail(
                Refusal(429, "Too many requests wait on this connection. Try again later.", 1.0)
            )
        is_full = len(self.registry.open) > self.registry.most
        is_ping = self.url.partition(b"?")[0] == b"/ping"
        self.app = _busy if is_full and not is_ping else self.answering_app
        super().on_headers_complete()

    def on_chunk_header(self) -> None:
        """Note that an element was parsed."""
        self.progress += 1

    def on_body(self, body: bytes) -> None:
        """Add bytes to the body."""
        self.progress += 1
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Note that a request has arrived completely."""
        self.progress += 1
        if not self.parser.should_upgrade():
            self.is_arriving = False
            super().on_message_complete()

    def _unsupported_upgrade_warning(self) -> None:
        """Parse the request again without the headers that ask for another protocol.

        A server may ignore them (RFC 9110, 7.8), and some clients send them with every request.
        The parser would skip the body.
        """
        [offset] = cast(httptools.HttpParserUpgrade, sys.exception()).args
        head = self.parser.get_method() + b" " + self.url
        head += f" HTTP/{self.parser.get_http_version()}\r\n".encode()
        for name, value in self.headers:
            if name not in (b"upgrade", b"connection", b"http2-settings"):
                head += name + b": " + value + b"\r\n"
        rest = self.received[offset:]
        self.parser = httptools.HttpRequestParser(self)
        super().data_received(head + b"\r\n" + rest)

    def on_response_complete(self) -> None:
        """Note that a request was answered, and wait for the next one."""
        self.idle_since = time.monotonic()
        super().on_response_complete()

    def pause_writing(self) -> None:
        """Begin to count the bytes that the client has not read."""
        self.registry.unread.add(self)
        super().pause_writing()

    def resume_writing(self) -> None:
        """Stop counting unread bytes, as only a few are left."""
        self.registry.unread.discard(self)
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:
        """Refuse a request that the parser, or one of the methods that it called, rejected."""
        self._refuse(self.refusal or Refusal(400, "The request is not valid HTTP."))

    # Properties and methods for this module.
    @property
    def unsent(self) -> int:
        """The bytes of answers that the client has not read yet."""
        return self.transport.get_write_buffer_size()

    @property
    def is_idle(self) -> bool:
        """Whether no request is being answered."""
        return self.cycle is None or self.cycle.response_complete

    @property
    def waits_since(self) -> float | None:
        """The monotonic time since which the server waits for the client; None while it answers."""
        if self.closing_since is not None:
            return self.closing_since
        if self.is_idle:
            return self.idle_since if self.head_since is None else self.head_since
        return self.idle_since if self.is_arriving else None

    def check(self, now: float) -> None:
        """End the connection if its client is too slow.

        Args:
            now: The time on the monotonic clock.
        """
        pace = self.registry.pace
        if self._reads_too_slowly(now):
            self.drop()
        elif self.closing_since is not None:
            if now - self.closing_since > _LINGER:
                self.drop()
        elif self.head_since is not None:
            if now - self.head_since > pace.head and self.is_idle:
                self._refuse(
                    Refusal(
                        408, f"The head of the request was not complete after {pace.head:.0f} s."
                    )
                )
        # The rest of a refused body is received, as many clients read the refusal only afterwards.
        elif self.is_idle and self.is_arriving and now - self.idle_since > pace.stall:
            self.drop()

    def _reads_too_slowly(self, now: float) -> bool:
        size, pace = self.unsent, self.registry.pace
        if size > self.last_unsent:  # another answer
            self.most_unsent += size - self.last_unsent
        if size < self.last_unsent or not self.last_unsent:
            self.read_at = now
        if not size or not self.last_unsent:
            self.unsent_since, self.most_unsent = now, size
        self.last_unsent = size
        if not size:
            return False
        slowest = self.unsent_since + pace.stall + (self.most_unsent - size) / pace.bytes_a_second
        return now > min(
            slowest, self.read_at + pace.stall, self.began + self.registry.patience + pace.stall
        )

    def drop(self) -> None:
        """Close the connection at once, and discard unsent bytes."""
        self.registry.open.discard(self)
        self.transport.abort()

    def _count_head(self, size: int) -> None:
        self.waiting_bytes += size
        self.registry.head_bytes += size

    def _fail(self, refusal: Refusal) -> None:
        """Stop the parser by raising the refusal; it then calls :meth:`send_400_response`."""
        self.refusal = refusal
        raise refusal

    def _refuse(self, refusal: Refusal) -> None:
        """Send a refusal, and close the connection a second later."""
        if self.unsent or self.pipeline or (not self.is_idle and self.cycle.response_started):
            self.drop()  # the client would take the refusal for a part of an answer
            return
        if not self.is_idle:
            self.cycle.disconnected = True  # its answer is no longer needed
            self.cycle.message_event.set()
        self.closing_since = time.monotonic()
        response = refused(refusal)
        head = [f"HTTP/1.1 {refusal.status} Refused".encode(), b"connection: close"]
        head += [name + b": " + value for name, value in response.raw_headers]
        self.transport.write(b"\r\n".join([*head, b"", bytes(response.body)]))
        if self.transport.can_write_eof():
            self.transport.write_eof()


def _too_long(what: str) -> Refusal:
    return Refusal(431, f"{what} more than {_HEAD:,} bytes.")


async def _busy(scope: Scope, receive: Receive, send: Send) -> None:
    """Refuse a request because there are too many connections."""
    response = refused(Refusal(503, "Too many requests are being answered. Try again later.", 1.0))
    response.headers["Connection"] = "close"
    await response(scope, receive, send)
