"""A server as a process."""

import logging
import os
import signal
import threading
from functools import partial
from socket import socket
from typing import Any, TypedDict, Unpack

import uvicorn

from prodcat.classifier.loading import load
from prodcat.decisions.options import ReadingPrecision
from prodcat.serving.application import make_app
from prodcat.serving.loaded_models import Models
from prodcat.serving.server import Server
from prodcat.serving.settings import Settings

_GRACE = 22  # seconds for what is in flight; SageMaker kills after 30
_KEPT = 75  # seconds that a connection stays open between requests: longer than clients keep it
_AT_ONCE = 4_096  # requests, above which they are refused before they are looked at


class ModelKeywords(TypedDict, total=False):
    """How :func:`serve` loads models.

    Attributes:
        budget: Bytes that models may take together; what is free if not given.
        device: Where they are; a GPU if there is one.
        precision: The precision of encoders; ``"auto"`` if not given.
        cache: Where downloads are kept; see :func:`prodcat.load`.
        keys: Only what one of them signed is loaded; see :func:`prodcat.load`.
    """

    budget: int | None
    device: str | None
    precision: ReadingPrecision
    cache: str | None
    keys: Any


def serve(
    uri: str | None,
    *,
    host: str = "0.0.0.0",
    port: int = 8080,
    settings: Settings | None = None,
    **models: Unpack[ModelKeywords],
) -> None:
    """Answer until SIGTERM comes; then finish what is in flight.

    Args:
        uri: Where the model is; without one, models are loaded by ``POST /models``.
        host: The address to listen at.
        port: The port to listen at; 0 for any that is free.
        settings: How to work.
        models: ``budget``, ``device``, ``precision``, ``cache`` and ``keys``: how models are
            loaded; see :class:`ModelKeywords`.

    Raises:
        TypeError: A keyword is not known.
        SystemExit: The server ended without being told to.
    """
    server = Server(_models(models), settings or Settings(), uri, own_threads=False)
    web, listener = _listening(server, host, port)
    _stop_when_told(web)

    def answer() -> None:
        try:
            web.run(sockets=[listener])
        finally:
            if not server.reading:  # a model that is being loaded cannot be stopped
                os._exit(0 if web.should_exit else 1)
            server.batcher.close(0)

    # What reads has the main thread: OpenMP lets the threads of any other one fall asleep at each
    # of their many meetings where there are no more cores than threads, and waking them takes
    # longer than the product that they wait for.
    answering = threading.Thread(target=answer, name="prodcat-web")
    answering.start()
    try:
        server.run()
    finally:
        told, web.should_exit = web.should_exit, True
    answering.join()
    if not told:
        raise SystemExit("The server ended, and nobody asked it to.")


def _models(named: ModelKeywords) -> Models:
    known = list(ModelKeywords.__annotations__)
    unknown = sorted(set(named) - set(known))
    if unknown:
        raise TypeError(f"{unknown[0]}= is no keyword of serve; expected some of {known}.")
    opener = partial(load, cache=named.get("cache"), keys=named.get("keys"))
    return Models(named.get("budget"), named.get("device"), opener, named.get("precision", "auto"))


def _listening(server: Server, host: str, port: int) -> tuple[uvicorn.Server, socket]:
    """The web server, and the socket that it is to answer at."""
    config = uvicorn.Config(
        make_app(server),
        host=host,
        port=port,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=_GRACE,
        timeout_keep_alive=_KEPT,
        limit_concurrency=_AT_ONCE,
        server_header=False,
    )
    listener = config.bind_socket()
    logging.getLogger("prodcat").info("Listening on port %d.", listener.getsockname()[1])
    return uvicorn.Server(config), listener


def _stop_when_told(web: uvicorn.Server) -> None:
    def stop(number: int, frame: object) -> None:
        if web.should_exit:  # asked twice
            os._exit(1)
        web.should_exit = True

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
