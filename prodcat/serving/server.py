"""A server: its models and threads, and the steps from a request to its answer."""

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import Coroutine, Iterator
from functools import partial
from typing import Any, TypeVar

import numpy as np
import torch
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from prodcat.classifier.inference import take_cores
from prodcat.decisions.answers import Answers
from prodcat.serving.asked import Asked
from prodcat.serving.available_memory import settle
from prodcat.serving.batching import Batcher
from prodcat.serving.body_arrival import arrived_body
from prodcat.serving.body_threads import BodyThreads
from prodcat.serving.field_names import UNREAD, unread_header
from prodcat.serving.held_bytes import HeldBytes, Share
from prodcat.serving.isolated import Deadline
from prodcat.serving.loaded_models import Models
from prodcat.serving.loaders import Loaders
from prodcat.serving.media_types import PARQUET, media_type, picked_type
from prodcat.serving.metrics import Metrics
from prodcat.serving.packed_bodies import content_coding, unpacked
from prodcat.serving.query import Query
from prodcat.serving.reasons import check_kind, on_one_core
from prodcat.serving.refusal import answer_too_large, too_large, too_late
from prodcat.serving.served import Served
from prodcat.serving.settings import Settings
from prodcat.serving.sifter import Sifted, Sifter

logger = logging.getLogger("prodcat")
ONE = ""  # the name of the only model of a server
BEGAN = "prodcat_began"  # key in a request's state of the time at which its first byte arrived
_SMALL = 6_400  # bytes below which a body is handled on the event loop, as a thread would be slower
_ALWAYS_SIFTED = 4  # titles of a request that n-grams read even if the device is overloaded
_GRACE = 5.0  # seconds to wait for the current batch when the server stops
_MARGIN = 5.0  # seconds to wait beyond the deadline for a batch that began before it
_MOST_HELD = 64 << 20  # maximum bytes of bodies and answers of all requests together
_Out = TypeVar("_Out")


class Server:
    """Answers requests with one model or with many.

    Args:
        models: The loaded models; may be empty at first.
        settings: The limits of requests and the behaviour of the server.
        uri: The URI of the only model, which is loaded when the server starts; None for a server
            with many models.
        starts_threads: Whether to start threads that load the model and answer requests; if false,
            a thread must call :meth:`run`.
        must_load: Whether the server ends if its only model cannot be loaded.
    """

    def __init__(
        self,
        models: Models,
        settings: Settings,
        uri: str | None = None,
        starts_threads: bool = True,
        must_load: bool = False,
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
        self.sifter = Sifter(settings.most_wait)
        self.metrics.watch(lambda: self.batcher.waiting, lambda: len(models), lambda: models.bytes)
        self.threads = BodyThreads(settings.most_wait)
        self.loaders = Loaders(takes_one_core=not starts_threads)
        self.starts_threads = self.answering = starts_threads
        self.failure: str | None = None
        self.cause: BaseException | None = None
        self.must_load = must_load
        limits = settings.limits
        self.held = HeldBytes(max(_MOST_HELD, 2 * (limits.body + limits.answer)))
        self.stopping = False

    @property
    def is_serving(self) -> bool:
        """Whether the server answers requests."""
        return (
            not self.stopping
            and not self.batcher.ended
            and (self.uri is None or len(self.models) > 0)
        )

    def begin(self) -> None:
        """Start to load the only model in a thread, if ``starts_threads`` is true."""
        if self.uri is not None and self.starts_threads:
            self.loaders.submit(self._load_one)

    def run(self) -> None:
        """Load the only model, if there is one, and answer until :meth:`end` is called.

        Returns at once if the model cannot be loaded and ``must_load`` is true.
        """
        if self.uri is not None:
            self._load_one()
            self._leave_a_core()
        self.answering = True
        if not self.must_end:
            self.batcher.run()

    @property
    def must_end(self) -> bool:
        """Whether the only model could not be loaded, without which the server has no use."""
        return self.must_load and self.failure is not None

    def _leave_a_core(self) -> None:
        """Leave a core to the event loop if n-grams read the titles there.

        A step of the encoder ends when the slowest core has done its share, which would be the core
        of the event loop.
        """
        if any(served.fast.easy is not None for served in self.models.all()):
            take_cores(max(torch.get_num_threads() - 1, 1))

    def _load_one(self) -> None:
        began = time.monotonic()
        try:
            assert self.uri is not None
            self.models.load(ONE, self.uri)
            settle()
            logger.info(
                "%s was loaded in %.1f s; the server answers requests.",
                self.uri,
                time.monotonic() - began,
            )
        except Exception as error:
            self.failure = str(error)
            self.cause = error.__cause__
            if self.must_load:
                return
            logger.error("%s", error)

    def end(self) -> None:
        """Refuse further requests, answer the open ones within 5 seconds, and stop the threads."""
        self.stopping = True
        self.batcher.close(_GRACE if self.answering else 0.0)
        self.threads.end()
        self.loaders.end()

    async def answered(self, served: Served, request: Request) -> Response:
        """Answer a request.

        Args:
            served: The model that answers.
            request: The request, whose body was not read yet.

        Returns:
            The response, with status 200.

        Raises:
            Refusal: The request is not valid, too large, or cannot be answered in time.
            ClientDisconnect: The client has closed the connection.
        """
        until = self._until(request)
        content_type = request.headers.get("content-type")
        kind = picked_type(request.headers.get("accept"), content_type)
        with Share(self.held) as share:
            body = await self._arrived(request, share, until)
            if len(body) < _SMALL and media_type(content_type) != PARQUET:
                asked = Asked.read(served, body, content_type, self.settings.limits)
                query = asked.query
                sifted = await self._sifted(asked, share)
                answering = self._answered(asked, sifted, kind, share, until)
                is_complete = sifted is not None and sifted.complete is not None
                if is_complete and not query.explain:
                    content = await answering
                else:
                    content = await _unless_gone(answering, request, until)
            else:
                query, content = await _unless_gone(
                    self._read_and_answered(served, body, content_type, kind, share, until),
                    request,
                    until,
                )
        headers = {UNREAD: unread_header(query.unread)} if query.unread else None
        return Response(content, media_type=kind, headers=headers)

    async def _read_and_answered(
        self,
        served: Served,
        body: bytes,
        content_type: str | None,
        kind: str,
        share: Share,
        until: float,
    ) -> tuple[Query, bytes]:
        """The query of a request whose body takes long to parse, and the body of its answer."""
        deadline = Deadline(until - time.monotonic())
        limits = self.settings.limits
        read = partial(Asked.read, served, body, content_type, limits, deadline)
        isolated = media_type(content_type) == PARQUET
        with _given_up(deadline):
            asked = await self.threads.read(read, len(body), until, isolated)
        sifted = await self._sifted(asked, share)
        return asked.query, await self._answered(asked, sifted, kind, share, until)

    async def _sifted(self, asked: Asked, share: Share) -> Sifted | None:
        """What n-grams alone can answer at once; None if it is not a small request."""
        size, most = asked.answer_bytes, self.settings.limits.answer
        share.add(int(asked.costs.letters[-1]))
        if size > most:
            raise answer_too_large(most, size)
        share.add(size)
        inference, costs = asked.inference, asked.costs
        if not self.sifter.takes(inference, costs):
            return None
        if (
            len(costs) > _ALWAYS_SIFTED and inference.reading.encoded
        ):  # hardly ever is all of it easy
            first = costs.only(np.arange(len(costs)) == 0)
            whole = asked.served.without_cascade(inference)
            self.batcher.check(whole, first, asked.served.seconds)
        sifted = await self.sifter.sift(inference, asked.question, costs)
        self.metrics.easy.inc(int(sifted.sure.sum()))
        return sifted

    async def _answered(
        self, asked: Asked, sifted: Sifted | None, kind: str, share: Share, until: float
    ) -> bytes:
        """The body of the answer to a request, of which some titles may wait for the device."""
        if sifted is not None and sifted.complete is not None:
            return await self._written(asked, sifted.complete, kind, until)
        served, left = asked.served, until - time.monotonic()
        inference, question, costs, margins = asked.inference, asked.question, asked.costs, None
        if sifted is not None:
            hard = ~sifted.sure
            inference = served.without_cascade(inference)
            question, costs = question.only(hard), costs.only(hard)
            margins = sifted.margins if share.keeps(sifted.margins.nbytes) else None
        future = self.batcher.submit(inference, question, left, served.seconds, costs, margins)
        answers = await asyncio.wrap_future(future)
        if sifted is not None:
            answers = sifted.joined(answers)
        return await self._written(asked, answers, kind, until)

    async def _written(self, asked: Asked, answers: Answers, kind: str, until: float) -> bytes:
        """The body of an answer."""
        size, most = asked.answer_bytes, self.settings.limits.answer
        reasons = await self._reasons(asked, kind, until) if asked.query.explain else None
        self.metrics.titles.inc(len(asked.query))
        if size < _SMALL and kind != PARQUET:
            return asked.written(answers, kind, most, None, reasons)
        deadline = Deadline(until - time.monotonic())
        write = partial(asked.written, answers, kind, most, deadline, reasons)
        with _given_up(deadline):
            return await self.threads.write(write, size, until, kind == PARQUET)

    async def _reasons(self, asked: Asked, kind: str, until: float) -> list[dict[str, Any]]:
        """The reasons for the answers to a request, made in a thread of their own."""
        check_kind(kind)
        gone = threading.Event()
        make = partial(asked.served.reasons, asked.query, asked.rows, gone.is_set, until)
        letters = int(asked.costs.letters[-1])
        try:
            return await self.threads.explain(partial(on_one_core, make), letters, until)
        finally:
            gone.set()

    async def body(self, request: Request) -> bytes:
        """Receive the body of a request.

        Returns:
            The bytes of the body.

        Raises:
            Refusal: With status 408 if the body arrives too slowly, 413 if it is too large, or 429
                if all requests together hold too many bytes, or 415 if it is compressed with
                something else than gzip or deflate.
            ClientDisconnect: The client has closed the connection.
        """
        with Share(self.held) as share:
            return await self._arrived(request, share, self._until(request))

    async def _arrived(self, request: Request, share: Share, until: float) -> bytes:
        coding = content_coding(request.headers.getlist("content-encoding"))
        settings, most = self.settings, self.settings.limits.body
        patience = until - time.monotonic()
        body = await arrived_body(request, most, share, settings.pace, patience)
        if coding is None:
            return body
        content = None
        if len(body) < _SMALL:
            content = unpacked(body, coding, min(_SMALL, most))
        if content is None:
            unpack = self.threads.unpack(partial(unpacked, body, coding, most), until)
            content = await _unless_gone(unpack, request, until)
        if content is None:
            raise too_large("more unpacked", most)
        share.add(len(content))
        share.take(-len(body))
        return content

    def _until(self, request: Request) -> float:
        """The time at which a request must be answered, on the monotonic clock."""
        began = request.scope.get("state", {}).get(BEGAN, time.monotonic())
        return float(began) + self.settings.patience


@contextlib.contextmanager
def _given_up(deadline: Deadline) -> Iterator[None]:
    """Give up a call to a child process if the request is cancelled meanwhile."""
    try:
        yield
    except asyncio.CancelledError:
        deadline.give_up()
        raise


async def _unless_gone(work: Coroutine[Any, Any, _Out], request: Request, until: float) -> _Out:
    """The result of the work, which is cancelled if the client disconnects or time runs out."""
    task, gone = asyncio.ensure_future(work), asyncio.ensure_future(_gone(request))
    try:
        both: list[asyncio.Future[Any]] = [task, gone]
        left = until - time.monotonic() + _MARGIN
        await asyncio.wait(both, timeout=left, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        if gone.done():
            raise ClientDisconnect
        raise too_late()
    finally:
        task.cancel()
        gone.cancel()


async def _gone(request: Request) -> None:
    """Wait until the client closes the connection."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _batch(device: str | None) -> int:
    """The default of the maximum number of titles in a batch on a device."""
    gpu = torch.cuda.is_available() if device is None else not device.startswith("cpu")
    return 2_048 if gpu else 256
