"""The server as an application that any ASGI server can run."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from prodcat.serving.media_types import ATTRIBUTES
from prodcat.serving.refusal import Refusal
from prodcat.serving.routes import Routes
from prodcat.serving.server import Server

logger = logging.getLogger("prodcat")
Endpoint = Callable[[Request], Awaitable[Response]]


def make_app(server: Server) -> Starlette:
    """Make the application of a server.

    Args:
        server: The server; it begins and ends together with the application.
    """
    routes = Routes(server)
    addresses = [
        ("/ping", "GET", routes.ping),
        ("/invocations", "POST", routes.invocations),
        ("/execution-parameters", "GET", routes.parameters),
        ("/metrics", "GET", routes.metrics),
        ("/openapi.json", "GET", routes.document),
        ("/models", "POST", routes.load),
        ("/models", "GET", routes.listed),
        # The name of a model may contain slashes.
        ("/models/{name:path}/invoke", "POST", routes.invoke),
        ("/models/{name:path}", "GET", routes.one),
        ("/models/{name:path}", "DELETE", routes.drop),
    ]

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        server.begin()
        yield
        await asyncio.get_running_loop().run_in_executor(None, server.end)

    return Starlette(
        routes=[
            Route(path, endpoint(server, call), methods=[method])
            for path, method, call in addresses
        ],
        exception_handlers={HTTPException: _unknown},
        lifespan=lifespan,
    )


def endpoint(server: Server, call: Endpoint) -> Endpoint:
    """Make a route that turns every exception into a response, and counts its requests.

    Args:
        server: The server whose metrics count the requests.
        call: Answers a request, or raises.
    """

    async def answered(request: Request) -> Response:
        began = time.perf_counter()
        try:
            response = await call(request)
        except Refusal as refusal:
            response = refused(refusal)
        except ClientDisconnect:
            response = Response(status_code=499)
        except Exception:
            logger.exception("A request failed.")
            response = refused(Refusal(500, "The server failed. Its log says why."))
        given = request.headers.get(ATTRIBUTES)
        if given is not None:
            response.headers[ATTRIBUTES] = given
        name = getattr(call, "__name__", "")
        server.metrics.request(name, response.status_code, time.perf_counter() - began)
        return response

    return answered


def refused(refusal: Refusal) -> Response:
    """Make a response of a refusal.

    Args:
        refusal: The refusal, whose status and reason are sent.
    """
    response = JSONResponse({"error": refusal.reason}, refusal.status)
    if refusal.retry_after is not None:
        response.headers["Retry-After"] = str(max(round(refusal.retry_after), 1))
    return response


async def _unknown(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    reason = {
        404: f"There is nothing at {request.url.path!r}; expected /ping or /invocations.",
        405: f"{request.method} is not possible at {request.url.path!r}.",
    }.get(error.status_code, error.detail)
    response = refused(Refusal(error.status_code, reason))
    response.headers.update(error.headers or {})
    return response
