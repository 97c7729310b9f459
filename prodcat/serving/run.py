"""Run a server as a process."""

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
from prodcat.errors import check_keywords, takes_keywords
from prodcat.serving.application import make_app
from prodcat.serving.loaded_models import Models
from prodcat.serving.server import Server
from prodcat.serving.settings import Settings

_GRACE = 22  # seconds to complete open requests; SageMaker kills the process after 30
_KEPT = 75  # seconds that an idle connection stays open, longer than clients keep it
_AT_ONCE = 4_096  # open requests; further ones are refused unread


class ModelKeywords(TypedDict, total=False):
    """How :func:`serve` loads models.

    Attributes:
        budget: Most bytes that models may take together; the free memory if not given.
        device: The device that they are put on; a GPU if there is one.
        precision: The precision in which encoders are run; ``"auto"`` if not given.
        cache: The folder in which downloads are kept; see :func:`prodcat.load`.
        keys: Keys of a store, of which one must have signed a version; see :func:`prodcat.load`.
    """

    budget: int | None
    device: str | None
    precision: ReadingPrecision
    cache: str | None
    keys: Any


@takes_keywords(ModelKeywords, precision="auto")
def serve(
    uri: str | None,
    *,
    host: str = "0.0.0.0",
    port: int = 8080,
    settings: Settings | None = None,
    **models: Unpack[ModelKeywords],
) -> None:
    """Answer requests until SIGTERM; then complete the open requests and return.

    Args:
        uri: The URI of the model; without it, models are loaded by ``POST /models``.
        host: The address to listen at.
        port: The port to listen at; 0 for any free port.
        settings: The limits and the behaviour of the server.
        models: How models are loaded: ``budget``, ``device``, ``precision``, ``cache`` and
            ``keys``; see :class:`ModelKeywords`.

    Raises:
        TypeError: A keyword is not known.
        SystemExit: The server ended without a signal.
    """
    check_keywords(serve, models)
    server = Server(_models(models), settings or Settings(), uri, starts_threads=False)
    web, listener = _listening(server, host, port)
    _stop_at_signals(web)

    def answer() -> None:
        try:
            web.run(sockets=[listener])
        finally:
            if not server.answering:  # loading a model cannot be interrupted
                os._exit(0 if web.should_exit else 1)
            server.batcher.close(0)

    # The main thread computes: for any other thread, OpenMP lets its workers fall asleep at each
    # of their many barriers if there are no more cores than threads, and waking them takes longer
    # than the product that they wait for.
    answering = threading.Thread(target=answer, name="prodcat-web")
    answering.start()
    try:
        server.run()
    finally:
        asked_to_stop, web.should_exit = web.should_exit, True
    answering.join()
    if not asked_to_stop:
        raise SystemExit("The server ended without being asked to stop. Its log says why.")


def _models(named: ModelKeywords) -> Models:
    opener = partial(load, cache=named.get("cache"), keys=named.get("keys"))
    return Models(named.get("budget"), named.get("device"), opener, named.get("precision", "auto"))


def _listening(server: Server, host: str, port: int) -> tuple[uvicorn.Server, socket]:
    """The web server, and the socket at which it will listen."""
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


def _stop_at_signals(web: uvicorn.Server) -> None:
    def stop(number: int, frame: object) -> None:
        if web.should_exit:  # this is the second signal
            os._exit(1)
        web.should_exit = True

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
