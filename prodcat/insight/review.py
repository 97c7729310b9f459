"""A local web page on which a person works through a review queue with the keyboard.

A decision is on the disk before it is confirmed to the page.  The page keeps decisions that it
could not send in the browser, and sends them again.  Only this machine can reach the server.
"""

import hashlib
import json
import logging
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from prodcat.errors import CatalogError, ConfigError, TaxonomyError
from prodcat.insight.decisions import Decisions
from prodcat.insight.page import render
from prodcat.insight.queue import QueueItem
from prodcat.taxonomy.tree import Taxonomy

logger = logging.getLogger("prodcat")
_MOST_BYTES = 1 << 16  # of a decision
_HEADERS = {
    "Content-Security-Policy": "default-src 'self' 'unsafe-inline'; img-src data:; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
_HOSTS = ["127.0.0.1", "localhost", "[::1]"]


def make_app(items: Sequence[QueueItem], taxonomy: Taxonomy, decisions: Decisions) -> Starlette:
    """Make the web application that shows the page and takes its decisions.

    Args:
        items: The queue.
        taxonomy: The tree that categories are chosen from.
        decisions: Where decisions are saved.
    """
    content = _queue_content(items, taxonomy, decisions)
    answers = _Answers(render("review.html"), content, decisions)
    routes: list[tuple[str, str, Callable[[Request], Awaitable[Response]]]] = [
        ("/", "GET", answers.index),
        ("/queue", "GET", answers.queue),
        ("/state", "GET", answers.state),
        ("/decide", "POST", answers.decide),
    ]
    return Starlette(
        routes=[Route(path, call, methods=[method]) for path, method, call in routes],
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=_HOSTS)],
    )


def _queue_content(
    items: Sequence[QueueItem], taxonomy: Taxonomy, decisions: Decisions
) -> dict[str, Any]:
    """The queue and the tree as JSON values for the page."""
    place, titles = str(decisions.place.resolve()), [item.title for item in items]
    identity = json.dumps([place, *titles]).encode()
    return {
        "name": hashlib.sha256(identity).hexdigest()[:16],  # part of the browser's storage keys
        "items": [
            {
                "item": item.item, "title": item.title, "answers": item.answers,
                "neighbours": item.neighbours,
                "columns": {name: str(value) for name, value in item.columns.items()},
            }
            for item in items
        ],
        "tree": {
            "ids": list(taxonomy.ids), "paths": [list(path) for path in taxonomy.paths],
            "ends": taxonomy.terminal.astype(int).tolist(),
        },
    }  # fmt: skip


class _Answers:
    """Answers the page's requests, one method for each route.

    Args:
        page: The HTML of the page.
        content: The queue and the tree.
        decisions: Where decisions are saved.
    """

    def __init__(self, page: str, content: dict[str, Any], decisions: Decisions) -> None:
        self.page, self.content, self.decisions = page, content, decisions

    async def index(self, request: Request) -> Response:
        """The page."""
        return HTMLResponse(self.page, headers=_HEADERS)

    async def queue(self, request: Request) -> Response:
        """The queue and the tree."""
        return JSONResponse(self.content)

    async def state(self, request: Request) -> Response:
        """The decisions so far."""
        return JSONResponse({"history": self.decisions.history, "seen": self.decisions.seen})

    async def decide(self, request: Request) -> Response:
        """Save a decision, or say why it is refused."""
        # Browsers do not let pages of other sites send this header.
        if request.headers.get("x-prodcat") != "review":
            return JSONResponse({"error": "Only this server's page can send decisions."}, 403)
        body = b""
        async for piece in request.stream():
            body += piece
            if len(body) > _MOST_BYTES:
                error = f"The decision is longer than {_MOST_BYTES:,} bytes."
                return JSONResponse({"error": error}, 413)
        try:
            event = json.loads(body)
            if not isinstance(event, dict):
                raise ValueError("not an object")
        except (ValueError, RecursionError) as error:
            return JSONResponse({"error": f"This is not a decision: {error}."}, 400)
        try:
            self.decisions.take(event)
        except (CatalogError, TaxonomyError, UnicodeEncodeError) as error:
            return JSONResponse({"error": str(error)}, 400)
        return JSONResponse({"taken": event["id"]})


def serve_review(
    items: Sequence[QueueItem], taxonomy: Taxonomy, place: Path, port: int = 8008
) -> None:
    """Serve the page until the process is told to stop.

    Args:
        items: The queue.
        taxonomy: The tree that categories are chosen from.
        place: The file of decisions; decisions that it holds already are kept.
        port: The port to listen on, for this machine only; 0 for any free port.

    Raises:
        CatalogError: The file belongs to another queue, or the queue to another tree.
        ConfigError: The port is not free, or another process is adding decisions to the file.
    """
    import socket

    import uvicorn

    server_socket = socket.socket()
    try:
        server_socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server_socket.bind(("127.0.0.1", port))
    except (OSError, OverflowError) as error:
        server_socket.close()
        raise ConfigError(
            f"The page cannot use port {port} ({error}). Give another one with --port, or 0 for "
            "any free port."
        ) from error
    with server_socket, Decisions(place, items, taxonomy) as decisions:
        config = uvicorn.Config(
            make_app(items, taxonomy, decisions),
            log_level="warning",
            access_log=False,
            timeout_graceful_shutdown=2,
        )
        address = f"http://127.0.0.1:{server_socket.getsockname()[1]}/"
        logger.info("%s titles to review: %s (stop with Ctrl+C)", f"{len(items):,}", address)
        logger.info("Decisions are saved in %s.", place)
        try:
            uvicorn.Server(config).run(sockets=[server_socket])
        finally:
            logger.info("%s of %s decided.", f"{len(decisions.standing):,}", f"{len(items):,}")
