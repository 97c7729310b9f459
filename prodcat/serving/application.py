"""Make an ASGI application of a server."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from prodcat.errors import is_fault
from prodcat.serving.access import Access
from prodcat.serving.media_types import ATTRIBUTES, JSON, checked_attributes
from prodcat.serving.refusal import Refusal, shown
from prodcat.serving.routes import Routes
from prodcat.serving.server import Server

logger = logging.getLogger("prodcat")
Endpoint = Callable[[Request], Awaitable[Response]]
_PING = "/ping"
_NOSNIFF = (b"x-content-type-options", b"nosniff")


def make_app(server: Server, access: Access | None = None) -> Starlette:
    """Make the ASGI application of a server.

    Args:
        server: The server; it is started and stopped together with the application.
        access: Which requests are accepted; if None, all except those from web pages of other
            sites.
    """
    routes = Routes(server)
    addresses: list[tuple[str, dict[str, Endpoint]]] = [
        (_PING, {"GET": routes.ping}),
        ("/invocations", {"POST": routes.invocations}),
        ("/execution-parameters", {"GET": routes.parameters}),
        ("/metrics", {"GET": routes.metrics}),
        ("/openapi.json", {"GET": routes.document}),
        ("/", {"GET": routes.page}),
        ("/docs", {"GET": routes.page}),
        ("/models", {"GET": routes.listed, "POST": routes.load}),
        # The name of a model may contain slashes.
        ("/models/{name:path}/invoke", {"POST": routes.invoke}),
        ("/models/{name:path}", {"GET": routes.one, "DELETE": routes.drop}),
    ]

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        server.begin()
        yield
        await asyncio.get_running_loop().run_in_executor(None, server.end)

    app = Starlette(
        routes=[
            Route(path, _by_method(server, calls), methods=[*calls]) for path, calls in addresses
        ],
        exception_handlers={HTTPException: _unknown},
        middleware=[Middleware(_Gate, access=access or Access())],
        lifespan=lifespan,
    )
    app.router.redirect_slashes = (
        False  # a redirect would lead to whatever host the Host header names
    )
    return app


class _Gate:
    """Middleware that refuses requests by the access rules, and formats all errors in one way.

    Args:
        app: The application to which accepted requests are passed on.
        access: Which requests are accepted.
    """

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self.app, self.access = app, access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = False

        async def send_on(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                headers = [header for header in message["headers"] if header != _NOSNIFF]
                message = {**message, "headers": [*headers, _NOSNIFF]}
            await send(message)

        try:
            if scope["path"] != _PING:  # load balancers send no token, and only an address as Host
                self.access.check(Headers(scope=scope))
            await self.app(scope, receive, send_on)
        except Refusal as refusal:
            await refused(refusal)(scope, receive, send_on)
        except BaseException as error:
            if started or not is_fault(error):
                raise
            await failed(error)(scope, receive, send_on)


def _by_method(server: Server, calls: Mapping[str, Endpoint]) -> Endpoint:
    """An endpoint that calls the function for the method of the request."""
    endpoints = {method: endpoint(server, call) for method, call in calls.items()}

    async def answered(request: Request) -> Response:
        # Starlette accepts HEAD wherever it accepts GET.
        return await endpoints["GET" if request.method == "HEAD" else request.method](request)

    return answered


def endpoint(server: Server, call: Endpoint) -> Endpoint:
    """Make an endpoint that turns exceptions into responses, and counts its requests.

    Args:
        server: The server whose metrics count the requests.
        call: Answers a request, or raises :class:`Refusal` or another exception.

    Returns:
        A function that answers a request: with the status of a :class:`Refusal`, 499 if the client
        disconnected, or 500 after any other error.
    """

    async def answered(request: Request) -> Response:
        began, attributes = time.perf_counter(), None
        try:
            attributes = checked_attributes(request.headers.get(ATTRIBUTES))
            response = await call(request)
        except Refusal as refusal:
            response = refused(refusal)
        except ClientDisconnect:
            response = Response(status_code=499)
        except BaseException as error:
            if not is_fault(error):
                raise
            response = failed(error)
        if attributes is not None:
            response.headers[ATTRIBUTES] = attributes
        name = getattr(call, "__name__", "")
        server.metrics.request(name, response.status_code, time.perf_counter() - began)
        return response

    return answered


def refused(refusal: Refusal) -> Response:
    """Make the HTTP response of a refusal.

    Args:
        refusal: The refusal; its status, reason, ``retry_after`` and headers are sent.
    """
    response = Response(refusal.body, refusal.status, media_type=JSON)
    response.raw_headers.append(_NOSNIFF)
    if refusal.retry_after is not None:
        response.headers["Retry-After"] = str(max(round(refusal.retry_after), 1))
    response.headers.update(refusal.headers)
    if refusal.status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def failed(error: BaseException) -> Response:
    """Log an unexpected error, and make a response that does not describe it.

    Args:
        error: The exception that was raised.
    """
    logger.error("A request failed.", exc_info=error)
    return refused(Refusal(500, "The server failed to answer the request. Its log says why."))


async def _unknown(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    path = shown(request.scope["path"])
    reason = {
        404: f"There is nothing at {path}; expected a path such as /ping or /invocations.",
        405: f"The method {request.method} is not allowed at {path}.",
    }.get(error.status_code, error.detail)
    response = refused(Refusal(error.status_code, reason))
    response.headers.update(error.headers or {})
    return response
