"""A local page on which a person works through a review queue with the keyboard.

Decisions are on the disk before the page is told that they were taken; the page keeps those that
it could not send, in the browser, and sends them again.  The server answers this machine alone.
"""

import hashlib
import json
import logging
from collections.abc import Awaitable, Callable, Sequence
from importlib import resources
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
from prodcat.insight.queue import QueueItem
from prodcat.taxonomy.tree import Taxonomy

logger = logging.getLogger("prodcat")
_MOST = 1 << 16  # bytes of a decision
_HEADERS = {
    "Content-Security-Policy": "default-src 'self' 'unsafe-inline'; img-src data:; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
_HOSTS = ["127.0.0.1", "localhost", "[::1]"]


def make_app(items: Sequence[QueueItem], taxonomy: Taxonomy, decisions: Decisions) -> Starlette:
    """The page's application.

    Args:
        items: The queue.
        taxonomy: The tree that categories are chosen from.
        decisions: Where decisions go.
    """
    answers = _Answers(_page_html(), _queue_content(items, taxonomy, decisions), decisions)
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


def _page_html() -> str:
    static = resources.files("prodcat.insight").joinpath("static")
    page = static.joinpath("review.html").read_text(encoding="utf-8")
    style = static.joinpath("page.css").read_text(encoding="utf-8")
    script = static.joinpath("review.js").read_text(encoding="utf-8")
    return page.replace("/*style*/", style).replace("/*script*/", script)


def _queue_content(
    items: Sequence[QueueItem], taxonomy: Taxonomy, decisions: Decisions
) -> dict[str, Any]:
    """What the page is told of the queue and the tree."""
    named = json.dumps([str(decisions.place.resolve()), *(item.title for item in items)]).encode()
    return {
        "name": hashlib.sha256(named).hexdigest()[:16],  # what the browser keeps things under
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
    """Answers to what the page asks, one method for each route.

    Args:
        page: The page itself.
        content: The queue and the tree.
        decisions: Where decisions go.
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
        """What was decided so far."""
        return JSONResponse({"history": self.decisions.history, "seen": self.decisions.seen})

    async def decide(self, request: Request) -> Response:
        """Take a decision, or say why not."""
        # No other site's page can send this header, or this type, without being allowed to.
        if request.headers.get("x-prodcat") != "review":
            return JSONResponse({"error": "Decisions come from this server's page alone."}, 403)
        body = b""
        async for piece in request.stream():
            body += piece
            if len(body) > _MOST:
                return JSONResponse({"error": "A decision is short; this is not."}, 413)
        try:
            event = json.loads(body)
            if not isinstance(event, dict):
                raise ValueError("not an object")
        except (ValueError, RecursionError) as error:
            return JSONResponse({"error": f"This is no decision: {error}."}, 400)
        try:
            self.decisions.take(event)
        except (CatalogError, TaxonomyError, UnicodeEncodeError) as error:
            return JSONResponse({"error": str(error)}, 400)
        return JSONResponse({"taken": event["id"]})


def serve_review(
    items: Sequence[QueueItem], taxonomy: Taxonomy, place: Path, port: int = 8008
) -> None:
    """Answer until it is told to stop.

    Args:
        items: The queue.
        taxonomy: The tree that categories are chosen from.
        place: The file of decisions; what stands in it already is kept.
        port: Where to listen, on this machine alone; 0 for any that is free.

    Raises:
        CatalogError: The file is of another queue, or the queue of another tree.
        ConfigError: The port cannot be listened at, or another process takes decisions.
    """
    import socket

    import uvicorn

    listening = socket.socket()
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(("127.0.0.1", port))
    except (OSError, OverflowError) as error:
        listening.close()
        raise ConfigError(
            f"Port {port} cannot be listened at ({error}). Give another one with --port, or 0 for "
            "any that is free."
        ) from error
    with listening, Decisions(place, items, taxonomy) as decisions:
        config = uvicorn.Config(
            make_app(items, taxonomy, decisions),
            log_level="warning",
            access_log=False,
            timeout_graceful_shutdown=2,
        )
        said = f"http://127.0.0.1:{listening.getsockname()[1]}/"
        logger.info("%s titles to review: %s (stop with Ctrl+C)", f"{len(items):,}", said)
        logger.info("Decisions go to %s.", place)
        try:
            uvicorn.Server(config).run(sockets=[listening])
        finally:
            logger.info("%s of %s decided on.", f"{len(decisions.standing):,}", f"{len(items):,}")
