"""The server's routes, as SageMaker's containers have them.

GET  /ping                     200 once the model answers, 503 before and while it stops
POST /invocations              answers of the one model
GET  /execution-parameters     what Batch Transform may send
GET  /metrics                  for Prometheus
GET  /openapi.json             all of this, as OpenAPI describes it
POST /models                   load a model: {"model_name": …, "url": …}
GET  /models                   all models, page by page
GET, DELETE /models/{name}     one of them
POST /models/{name}/invoke     answers of that one
"""

import asyncio
import json
import logging
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from prodcat._version import __version__
from prodcat.classifier.inference import take_cores
from prodcat.decisions.decoding import Answers
from prodcat.serving.batching import Batcher
from prodcat.serving.media import (
    ATTRIBUTES,
    Limits,
    Query,
    picked_type,
    read_body,
    too_large,
    write_body,
)
from prodcat.serving.memory import give_back, settle
from prodcat.serving.metrics import Metrics
from prodcat.serving.models import Models, Served
from prodcat.serving.openapi import openapi
from prodcat.serving.refusal import Refusal

logger = logging.getLogger("prodcat")
ONE = ""  # the name of the model of a server with one
_SMALL = 32  # titles that are read on the event loop, which is quicker than to hand them over
_PAGE = 100
_GRACE = 5.0  # seconds for what is being read when the server stops
_MARGIN = 5.0  # seconds for a batch that was begun in time
_MOST_HELD = 64 << 20  # bytes of bodies that are being answered


@dataclass(frozen=True)
class Settings:
    """How a server works.

    Attributes:
        limits: Of a request.
        patience: Seconds that a request may wait for its answer.
        most_waiting: Titles that may wait.
        most_wait: Seconds that others may keep a request waiting, or twice what it takes itself.
        transforms: Requests that Batch Transform may send at once.
        batch: Titles that are read at once; as suits the device if not given.
    """

    limits: Limits = field(default_factory=Limits)
    patience: float = 50.0
    most_waiting: int = 16_384
    most_wait: float = 1.5
    transforms: int = 4
    batch: int | None = None


class Server:
    """Models, the device's thread, and what is known of them.

    Args:
        models: To answer with; may be empty.
        settings: How.
        uri: Of the one model of a server with one, which is loaded once the server has started.
        own_threads: Whether it loads that model and reads in threads of its own; otherwise
            whoever calls :meth:`run` lends it one.
    """

    def __init__(
        self,
        models: Models,
        settings: Settings,
        uri: str | None = None,
        own_threads: bool = True,
    ) -> None:
        self.models, self.settings, self.uri = models, settings, uri
        self.metrics = Metrics()
        batch = settings.batch or _batch(models.device)
        self.batcher = Batcher(
            settings.most_waiting,
            batch,
            most_wait=settings.most_wait,
            own_thread=own_threads,
            told=self.metrics.batch,
        )
        self.metrics.watch(lambda: self.batcher.waiting, lambda: len(models), lambda: models.bytes)
        self.threads = ThreadPoolExecutor(2, "prodcat-body")
        self.loaders = ThreadPoolExecutor(
            1, "prodcat-load", None if own_threads else partial(take_cores, 1)
        )
        if not own_threads:
            # More threads would keep those of the main one from waiting awake for each other.
            cores = torch.get_num_threads()
            self.loaders.submit(int).result()
            torch.set_num_threads(cores)  # what another thread took is at first that of all
        self.own_threads = self.reading = own_threads
        self.failure: str | None = None
        self.held = 0
        self.stopping = False

    @property
    def ready(self) -> bool:
        """Whether it answers."""
        return (
            not self.stopping
            and not self.batcher.ended
            and (self.uri is None or len(self.models) > 0)
        )

    def begin(self) -> None:
        """Load the one model."""
        if self.uri is not None and self.own_threads:
            self.loaders.submit(self._load_one)

    def run(self) -> None:
        """Load the one model and read, until it is ended."""
        if self.uri is not None:
            self._load_one()
        self.reading = True
        self.batcher.run()

    def _load_one(self) -> None:
        began = time.monotonic()
        try:
            assert self.uri is not None
            self.models.load(ONE, self.uri)
            settle()
            logger.info("%s answers after %.1f s.", self.uri, time.monotonic() - began)
        except Exception as error:
            self.failure = str(error)
            logger.error("%s", error)

    def end(self) -> None:
        """Answer what is in flight, and stop."""
        self.stopping = True
        self.batcher.close(_GRACE if self.reading else 0.0)
        self.threads.shutdown(wait=False)
        self.loaders.shutdown(wait=False, cancel_futures=True)

    async def answered(self, served: Served, request: Request) -> Response:
        """Answers to a request."""
        began = time.monotonic()
        kind = picked_type(request.headers.get("accept"), request.headers.get("content-type"))
        body = await self.body(request)
        self.held += len(body)
        try:
            return await self._answered(served, request, kind, body, began)
        finally:
            self.held -= len(body)

    async def _answered(
        self, served: Served, request: Request, kind: str, body: bytes, began: float
    ) -> Response:
        content_type = request.headers.get("content-type")
        loop = asyncio.get_running_loop()

        def prepared() -> tuple[Query, Any]:
            query = read_body(body, content_type, served.columns, self.settings.limits)
            return query, served.texts(query)

        # What is packed may be large, however small it comes.
        small = len(body) < 200 * _SMALL and not body.startswith(b"PAR1")
        query, (texts, groups, errors) = (
            prepared() if small else await loop.run_in_executor(self.threads, prepared)
        )
        decide = served.decision(query.settings)
        left = self.settings.patience - (time.monotonic() - began)
        asked = self.batcher.submit(
            served.inference(query), texts, decide, groups, left, served.seconds
        )
        answers = await self._unless_gone(asyncio.wrap_future(asked), request, left)

        def written() -> bytes:
            return write_body(served.records(answers, errors), query, kind)

        content = (
            written() if len(texts) <= _SMALL else await loop.run_in_executor(self.threads, written)
        )
        self.metrics.titles.inc(len(texts))
        return Response(content, media_type=kind)

    async def _unless_gone(
        self, answers: "asyncio.Future[Answers]", request: Request, patience: float
    ) -> Answers:
        """Answers, unless who asked goes away before: then nothing more is read for them."""
        gone = asyncio.ensure_future(_gone(request))
        try:
            both: list[asyncio.Future[Any]] = [answers, gone]
            await asyncio.wait(
                both, timeout=patience + _MARGIN, return_when=asyncio.FIRST_COMPLETED
            )
            if answers.done():
                return answers.result()
            answers.cancel()
            if gone.done():
                raise ClientDisconnect
            raise Refusal(503, "It was not this request's turn in time.", 1.0)
        finally:
            gone.cancel()

    async def body(self, request: Request) -> bytes:
        """A request's body, as long as it may be."""
        most = self.settings.limits.body
        said = request.headers.get("content-length", "")
        if said.isdecimal() and int(said) > most:
            raise too_large(int(said), most)
        if self.held > max(_MOST_HELD, 4 * most):
            raise Refusal(429, "Too many large requests wait already. Try again later.", 1.0)
        pieces, size = [], 0
        async for piece in request.stream():
            size += len(piece)
            if size > most:
                raise too_large("more", most)
            pieces.append(piece)
        return b"".join(pieces)


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _batch(device: str | None) -> int:
    gpu = torch.cuda.is_available() if device is None else not device.startswith("cpu")
    return 2_048 if gpu else 256


Endpoint = Callable[[Request], Awaitable[Response]]


class _Routes:
    """What a server does at each of its addresses."""

    def __init__(self, server: Server) -> None:
        self.server = server

    async def ping(self, request: Request) -> Response:
        """Whether it answers."""
        server = self.server
        if server.failure is not None:
            raise Refusal(503, f"The model could not be loaded: {server.failure}")
        if not server.ready:
            raise Refusal(503, "The model is not loaded yet.", 1.0)
        return JSONResponse({"status": "Healthy"})

    async def invocations(self, request: Request) -> Response:
        """Answers of the one model."""
        server = self.server
        if not server.ready:
            raise Refusal(503, "The model is not loaded yet. Ask /ping when it is.", 1.0)
        if server.uri is None:
            raise Refusal(404, "There are many models here. Ask /models/NAME/invoke.")
        return await server.answered(server.models.get(ONE), request)

    async def parameters(self, request: Request) -> Response:
        """What Batch Transform may send."""
        return JSONResponse(
            {
                "MaxConcurrentTransforms": self.server.settings.transforms,
                "BatchStrategy": os.environ.get("SAGEMAKER_BATCH_STRATEGY", "MULTI_RECORD"),
                "MaxPayloadInMB": max(self.server.settings.limits.body >> 20, 1),
            }
        )

    async def metrics(self, request: Request) -> Response:
        """For Prometheus."""
        content, kind = self.server.metrics.text()
        return Response(content, headers={"Content-Type": kind})

    async def document(self, request: Request) -> Response:
        """What can be asked, as OpenAPI describes it."""
        return JSONResponse(openapi(self.server.settings.limits, __version__))

    async def load(self, request: Request) -> Response:
        """Load a model."""
        self._many()
        body = await self.server.body(request)
        try:
            asked = json.loads(body)
            name, uri = asked["model_name"], asked["url"]
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise Refusal(400, 'Expected {"model_name": NAME, "url": FOLDER}.') from error
        if not (isinstance(name, str) and isinstance(uri, str) and name and uri):
            raise Refusal(400, "model_name and url are not texts; expected a name and a folder.")
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self.server.loaders, self.server.models.load, name, uri)
        return JSONResponse({"status": f"The model {name!r} answers."})

    def _many(self) -> None:
        if self.server.uri is not None:
            raise Refusal(403, "There is one model here, for good. Start with --many for more.")

    async def listed(self, request: Request) -> Response:
        """All models, page by page."""
        token = request.query_params.get("next_page_token", "0")
        size = request.query_params.get("limit", str(_PAGE))
        if not all(_is_count(own) for own in (token, size)) or not int(size):
            raise Refusal(400, "next_page_token or limit is no number of models.")
        start, end = int(token), int(token) + int(size)
        found = self.server.models.all()
        content: dict[str, Any] = {"models": [_about(own) for own in found[start:end]]}
        if end < len(found):
            content["nextPageToken"] = str(end)
        return JSONResponse(content)

    async def one(self, request: Request) -> Response:
        """One model."""
        return JSONResponse(_about(self.server.models.get(request.path_params["name"])))

    async def drop(self, request: Request) -> Response:
        """Let a model go."""
        self._many()
        self.server.models.drop(request.path_params["name"])
        self.server.loaders.submit(give_back)
        return JSONResponse({"status": "The model is gone."})

    async def invoke(self, request: Request) -> Response:
        """Answers of one model of many."""
        served = self.server.models.get(request.path_params["name"])
        return await self.server.answered(served, request)


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 9


def make_app(server: Server) -> Starlette:
    """The application of a server."""
    own = _Routes(server)
    routes = [
        ("/ping", "GET", own.ping),
        ("/invocations", "POST", own.invocations),
        ("/execution-parameters", "GET", own.parameters),
        ("/metrics", "GET", own.metrics),
        ("/openapi.json", "GET", own.document),
        ("/models", "POST", own.load),
        ("/models", "GET", own.listed),
        # A name may have slashes.
        ("/models/{name:path}/invoke", "POST", own.invoke),
        ("/models/{name:path}", "GET", own.one),
        ("/models/{name:path}", "DELETE", own.drop),
    ]

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        server.begin()
        yield
        await asyncio.get_running_loop().run_in_executor(None, server.end)

    return Starlette(
        routes=[
            Route(path, endpoint(server, call), methods=[method]) for path, method, call in routes
        ],
        exception_handlers={HTTPException: _unknown},
        lifespan=lifespan,
    )


def endpoint(server: Server, call: Endpoint) -> Endpoint:
    """A route that answers whatever happens, and counts."""

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


async def _unknown(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    reason = {
        404: f"There is nothing at {request.url.path!r}; expected /ping or /invocations.",
        405: f"{request.method} is not possible at {request.url.path!r}.",
    }.get(error.status_code, error.detail)
    response = refused(Refusal(error.status_code, reason))
    response.headers.update(error.headers or {})
    return response


def refused(refusal: Refusal) -> Response:
    """A refusal as a response."""
    response = JSONResponse({"error": refusal.reason}, refusal.status)
    if refusal.retry_after is not None:
        response.headers["Retry-After"] = str(max(round(refusal.retry_after), 1))
    return response


def _about(served: Served) -> dict[str, Any]:
    return {"modelName": served.name, "modelUrl": served.uri}
