"""A server: its models, its threads, and the way from a request to the answer."""

import asyncio
import logging
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import torch
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from prodcat.classifier.inference import take_cores
from prodcat.classifier.rows import TitleRows
from prodcat.decisions.answers import Answers
from prodcat.serving.available_memory import settle
from prodcat.serving.batching import Batcher
from prodcat.serving.bodies import read_body, write_body
from prodcat.serving.loaded_models import Models
from prodcat.serving.media_types import picked_type
from prodcat.serving.metrics import Metrics
from prodcat.serving.query import Query
from prodcat.serving.refusal import Refusal, too_large
from prodcat.serving.served import Served
from prodcat.serving.settings import Settings

logger = logging.getLogger("prodcat")
ONE = ""  # the name of the model of a server with one
_SMALL = 32  # titles that are handled on the event loop, faster than in another thread
_GRACE = 5.0  # seconds for the current batch when the server stops
_MARGIN = 5.0  # seconds for a batch that began in time
_MOST_HELD = 64 << 20  # bytes of bodies that are being answered


class Server:
    """Answers requests with one model or with many.

    Args:
        models: The models, which may be none at first.
        settings: The limits and the behaviour of the server.
        uri: The URI of the only model, which is loaded when the server starts; None for a server
            of many models.
        starts_threads: Whether new threads load the model and answer; otherwise the thread that
            calls :meth:`run`.
    """

    def __init__(
        self,
        models: Models,
        settings: Settings,
        uri: str | None = None,
        starts_threads: bool = True,
    ) -> None:
        self.models, self.settings, self.uri = models, settings, uri
        self.metrics = Metrics()
        batch = settings.batch or _batch(models.device)
        self.batcher = Batcher(
            settings.most_waiting,
            batch,
            most_wait=settings.most_wait,
            starts_thread=starts_threads,
            on_batch=self.metrics.batch,
        )
        self.metrics.watch(lambda: self.batcher.waiting, lambda: len(models), lambda: models.bytes)
        self.threads = ThreadPoolExecutor(2, "prodcat-body")
        self.loaders = ThreadPoolExecutor(
            1, "prodcat-load", None if starts_threads else partial(take_cores, 1)
        )
        if not starts_threads:
            # With more threads, the workers of the main thread would sleep at their barriers.
            cores = torch.get_num_threads()
            self.loaders.submit(int).result()
            torch.set_num_threads(cores)  # the loader changed the default of the process
        self.starts_threads = self.answering = starts_threads
        self.failure: str | None = None
        self.held = 0  # bytes of bodies that are being answered
        self.stopping = False

    @property
    def is_serving(self) -> bool:
        """Whether it answers requests."""
        return (
            not self.stopping
            and not self.batcher.ended
            and (self.uri is None or len(self.models) > 0)
        )

    def begin(self) -> None:
        """Start to load the only model, if there is one."""
        if self.uri is not None and self.starts_threads:
            self.loaders.submit(self._load_one)

    def run(self) -> None:
        """Load the only model, if there is one, and answer until :meth:`end` is called."""
        if self.uri is not None:
            self._load_one()
        self.answering = True
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
        """Answer the open requests, and stop."""
        self.stopping = True
        self.batcher.close(_GRACE if self.answering else 0.0)
        self.threads.shutdown(wait=False)
        self.loaders.shutdown(wait=False, cancel_futures=True)

    async def answered(self, served: Served, request: Request) -> Response:
        """Answer a request.

        Args:
            served: The model that is asked.
            request: The request, whose body is not read yet.

        Raises:
            Refusal: The request cannot be answered, or not in time.
            ClientDisconnect: The client has closed the connection.
        """
        began = time.monotonic()
        kind = picked_type(request.headers.get("accept"), request.headers.get("content-type"))
        body = await self.body(request)
        self.held += len(body)
        try:
            query, rows = await self._understood(served, request, body)
            decide = served.decision(query.settings)
            left = self.settings.patience - (time.monotonic() - began)
            future = self.batcher.submit(
                served.inference(query), rows.texts, decide, rows.groups, left, served.seconds
            )
            answers = await self._unless_gone(asyncio.wrap_future(future), request, left)
            content = await self._written(served, query, answers, rows.errors, kind)
            self.metrics.titles.inc(len(query))
            return Response(content, media_type=kind)
        finally:
            self.held -= len(body)

    async def _understood(
        self, served: Served, request: Request, body: bytes
    ) -> tuple[Query, TitleRows]:
        """The query of a body, and its titles as the model reads them."""
        content_type = request.headers.get("content-type")

        def read() -> tuple[Query, TitleRows]:
            query = read_body(body, content_type, served.columns, self.settings.limits)
            return query, served.rows(query)

        # A small Parquet file may unpack to a large table.
        if len(body) < 200 * _SMALL and not body.startswith(b"PAR1"):
            return read()
        return await asyncio.get_running_loop().run_in_executor(self.threads, read)

    async def _written(
        self, served: Served, query: Query, answers: Answers, errors: dict[int, str], kind: str
    ) -> bytes:
        def written() -> bytes:
            return write_body(served.records(answers, errors), query, kind)

        if len(query) <= _SMALL:
            return written()
        return await asyncio.get_running_loop().run_in_executor(self.threads, written)

    async def _unless_gone(
        self, answers: "asyncio.Future[Answers]", request: Request, patience: float
    ) -> Answers:
        """Wait for the answers; if the client disconnects before, the request is cancelled."""
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
            raise Refusal(503, "The request was not answered in time. Try again later.", 1.0)
        finally:
            gone.cancel()

    async def body(self, request: Request) -> bytes:
        """Read the body of a request.

        Raises:
            Refusal: 413: the body is too large; 429: too many bodies are being answered.
        """
        most = self.settings.limits.body
        announced = request.headers.get("content-length", "")
        if announced.isdecimal() and int(announced) > most:
            raise too_large(int(announced), most)
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
    """Wait until the client closes the connection."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _batch(device: str | None) -> int:
    """The most titles in a batch that suit a device."""
    gpu = torch.cuda.is_available() if device is None else not device.startswith("cpu")
    return 2_048 if gpu else 256
