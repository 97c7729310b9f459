"""A local web page on which a person reviews a queue: titles, or pairs of products.

The server writes each decision to the disk before it confirms the decision to the page.  The page
stores unconfirmed decisions in the browser and sends them again.  Only this machine can reach the
server, and the server answers only requests with the secret token that is part of the page's
address, which other users of the machine and pages of other sites do not know.
"""

import hashlib
import hmac
import json
import logging
import re
import secrets
import socket
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from prodcat.errors import CatalogError, ConfigError, StoreError, TaxonomyError
from prodcat.insight.decisions import Decisions
from prodcat.insight.decisions.choices import Choices, ReviewItem, choices_of
from prodcat.insight.page import content_policy, render, static_text
from prodcat.taxonomy.tree import Taxonomy

logger = logging.getLogger("prodcat")
_MOST_BYTES = 1 << 16  # maximum size of a decision
Reasons = Callable[[Any], Mapping[str, Any]]
_HOST = re.compile(r"(127\.0\.0\.1|localhost)(:[0-9]+)?")


def make_app(
    items: Sequence[ReviewItem],
    choices: Taxonomy | Choices,
    decisions: Decisions,
    token: str,
    reasons: Reasons | None = None,
) -> Starlette:
    """Create the web application that serves the page and saves its decisions.

    Args:
        items: The queue.
        choices: What can be chosen for an item: a tree, whose categories are chosen for titles, or
            other choices; see :class:`~prodcat.insight.decisions.Decisions`.
        decisions: Saves the decisions.
        token: A secret that the path of every request must begin with.  The address of the page is
            ``http://127.0.0.1:PORT/TOKEN/``.
        reasons: Returns why the classifier answers an item as it does, as values for JSON, such as
            :class:`prodcat.insight.review_reasons.ReviewReasons`; None to show no reasons.

    Returns:
        The application.
    """
    offered = choices_of(choices)
    content = {"name": _queue_name(items, decisions), **offered.page_values(items)}
    content["explains"] = reasons is not None
    script = "\n".join(static_text(name) for name in (offered.script, "review.js"))
    page = render("review.html", noun=offered.noun, script=script)
    answers = _Answers(page, content, decisions, reasons)
    routes: list[tuple[str, str, Callable[[Request], Awaitable[Response]]]] = [
        ("/", "GET", answers.index),
        ("/queue", "GET", answers.queue),
        ("/state", "GET", answers.state),
        ("/decide", "POST", answers.decide),
        ("/reasons/{item:int}", "GET", answers.why),
    ]
    app = Starlette(
        routes=[Route(path, call, methods=[method]) for path, method, call in routes],
        middleware=[Middleware(_Guard, token=token, script=script)],
    )
    app.router.redirect_slashes = False
    return app


class _Guard:
    """Passes on requests whose path begins with the token, and refuses all others.

    Args:
        app: The application, which gets the path without the token.
        token: The token.
        script: The script of the page, the only one that may run.
    """

    def __init__(self, app: ASGIApp, token: str, script: str) -> None:
        self.app, self.token = app, token.encode()
        self.headers = {
            "Content-Security-Policy": f"{content_policy(script)}; "
            "connect-src 'self'; frame-ancestors 'none'",
            "Cache-Control": "no-store",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on to the application, or refuse it."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        headers = Headers(scope=scope)
        token, _, path = scope["path"].removeprefix("/").partition("/")
        hosts, origins = headers.getlist("host"), headers.getlist("origin")
        # Another site's name may resolve to the address of this machine (DNS rebinding).
        if len(hosts) != 1 or not _HOST.fullmatch(hosts[0]):
            refusal = _error("Wrong host. Open the address that prodcat review printed.", 400)
        elif not hmac.compare_digest(token.encode("utf-8", "replace"), self.token):
            refusal = _error("There is nothing here. Open the address of the page.", 404)
        elif any(origin != f"http://{hosts[0]}" for origin in origins):
            refusal = _error("Only this server's page can send decisions.", 403)
        else:

            async def send_with_headers(message: Any) -> None:
                if message["type"] == "http.response.start":
                    added = [(k.lower().encode(), v.encode()) for k, v in self.headers.items()]
                    message = {**message, "headers": [*message["headers"], *added]}
                await send(message)

            return await self.app({**scope, "path": f"/{path}"}, receive, send_with_headers)
        return await refusal(scope, receive, send)


def _error(text: str, status: int) -> Response:
    return JSONResponse({"error": text}, status)


def _queue_name(items: Sequence[ReviewItem], decisions: Decisions) -> str:
    """The name of a queue, which is part of the keys under which the browser stores decisions."""
    place, titles = str(decisions.place.resolve()), [item.title for item in items]
    return hashlib.sha256(json.dumps([place, *titles]).encode()).hexdigest()[:16]


class _Answers:
    """Answers the requests of the page, with a method for each route.

    Args:
        page: The HTML of the page.
        content: The queue, and what can be chosen.
        decisions: Saves the decisions.
        reasons: Returns why the classifier answers an item as it does, or None.
    """

    def __init__(
        self, page: str, content: dict[str, Any], decisions: Decisions, reasons: Reasons | None
    ) -> None:
        self.page, self.content, self.decisions = page, content, decisions
        self.reasons = reasons

    async def index(self, request: Request) -> Response:
        """Answer with the page."""
        return HTMLResponse(self.page)

    async def queue(self, request: Request) -> Response:
        """Answer with the queue, and with what can be chosen."""
        # In ASCII, because a name may contain a lone surrogate, which UTF-8 cannot encode.
        return Response(json.dumps(self.content), media_type="application/json")

    async def state(self, request: Request) -> Response:
        """Answer with the decisions so far."""
        return JSONResponse({"history": self.decisions.history, "seen": self.decisions.seen})

    async def why(self, request: Request) -> Response:
        """Answer with the reasons for the answer to one item."""
        items, number = self.decisions.items, int(request.path_params["item"])
        if self.reasons is None or number >= len(items):
            return _error("There are no reasons for this title.", 404)
        # In a thread, so that decisions are taken in the meantime.
        return JSONResponse(await run_in_threadpool(self.reasons, items[number]))

    async def decide(self, request: Request) -> Response:
        """Save a decision and confirm it, or answer why it is refused."""
        # Browsers do not allow pages of other sites to send this header.
        if request.headers.get("x-prodcat") != "review":
            return _error("Only this server's page can send decisions.", 403)
        body = b""
        async for piece in request.stream():
            body += piece
            if len(body) > _MOST_BYTES:
                return _error(f"The decision has more than {_MOST_BYTES:,} bytes.", 413)
        try:
            event = json.loads(body)
            if not isinstance(event, dict):
                raise ValueError("expected a JSON object")
        except (ValueError, RecursionError) as error:
            return _error(f"This is not a decision: {error}.", 400)
        try:
            self.decisions.take(event)
        except (CatalogError, TaxonomyError, UnicodeEncodeError) as error:
            return _error(str(error), 400)
        except StoreError as error:
            return _error(str(error), 507)
        return JSONResponse({"taken": event["id"]})


def serve_review(
    items: Sequence[ReviewItem],
    choices: Taxonomy | Choices,
    place: Path,
    port: int = 8008,
    reasons: Reasons | None = None,
) -> None:
    """Serve the page until the process is stopped.

    The page's address contains a new random token each time.  It is printed to the standard output
    and not logged, as everyone who knows it can decide.

    Args:
        items: The queue.
        choices: What can be chosen for an item: a tree, whose categories are chosen for titles, or
            other choices; see :class:`~prodcat.insight.decisions.Decisions`.
        place: The file of decisions; existing decisions in it are kept.
        port: The port to listen on, on 127.0.0.1 only; 0 for any free port.
        reasons: Returns why the classifier answers an item as it does; see :func:`make_app`.

    Raises:
        CatalogError: The file belongs to another queue or tree or is damaged, or the queue belongs
            to another tree.
        ConfigError: The port is not free, another process is adding decisions to the file, or the
            file cannot be opened or belongs to another user.
        StoreError: Another program changed the file while it was being opened.
    """
    import uvicorn

    with _bound(port) as server_socket, Decisions(place, items, choices) as decisions:
        token = secrets.token_urlsafe(32)
        config = uvicorn.Config(
            make_app(items, choices, decisions, token, reasons),
            log_config=None,  # keeps the process's logging
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=2,
            ws="none",
        )
        address = f"http://127.0.0.1:{server_socket.getsockname()[1]}/{token}/"
        noun = decisions.choices.noun
        sys.stdout.write(f"{len(items):,} {noun} to review: {address} (stop with Ctrl+C)\n")
        sys.stdout.flush()
        logger.info("Decisions are saved in %s.", place)
        try:
            uvicorn.Server(config).run(sockets=[server_socket])
        finally:
            logger.info("%s of %s decided.", f"{len(decisions.standing):,}", f"{len(items):,}")


def _bound(port: int) -> socket.socket:
    """A socket on a port of this machine, which no other machine can reach.

    Raises:
        ConfigError: The port is not free.
    """
    server_socket = socket.socket()
    try:
        server_socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server_socket.bind(("127.0.0.1", port))
    except (OSError, OverflowError) as error:
        server_socket.close()
        raise ConfigError(
            f"The page cannot use port {port} ({error}). Choose another port with --port, or "
            "--port 0 for any free port."
        ) from error
    return server_socket
