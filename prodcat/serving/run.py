"""A server as a process."""

import logging
import os
import signal
import threading
from functools import partial
from typing import Any

import uvicorn

from prodcat.classifier.loading import load
from prodcat.decisions.options import ReadingPrecision
from prodcat.serving.app import Server, Settings, make_app
from prodcat.serving.models import Models

_GRACE = 22  # seconds for what is in flight; SageMaker kills after 30
_KEPT = 75  # seconds that a connection stays open between requests: longer than clients keep it
_AT_ONCE = 4_096  # requests, above which they are refused before they are looked at


def serve(
    uri: str | None,
    *,
    host: str = "0.0.0.0",
    port: int = 8080,
    settings: Settings | None = None,
    budget: int | None = None,
    device: str | None = None,
    precision: ReadingPrecision = "auto",
    cache: str | None = None,
    keys: Any = None,
) -> None:
    """Answer until SIGTERM comes; then finish what is in flight.

    Args:
        uri: Of the model; without one, models are loaded by ``POST /models``.
        host: Where to listen.
        port: Where to listen; 0 for any that is free.
        settings: How to work.
        budget: Bytes that models may take together.
        device: Where they are.
        precision: Of encoders; see :meth:`Classifier.predict`.
        cache: See :func:`prodcat.load`.
        keys: See there.
    """
    models = Models(budget, device, partial(load, cache=cache, keys=keys), precision)
    server = Server(models, settings or Settings(), uri, own_threads=False)
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
    socket = config.bind_socket()
    logging.getLogger("prodcat").info("Listening on port %d.", socket.getsockname()[1])
    web = uvicorn.Server(config)

    def stop(number: int, frame: object) -> None:
        if web.should_exit:  # asked twice
            os._exit(1)
        web.should_exit = True

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)

    def listen() -> None:
        try:
            web.run(sockets=[socket])
        finally:
            if not server.reading:  # a model that is being loaded cannot be stopped
                os._exit(0 if web.should_exit else 1)
            server.batcher.close(0)

    # What reads has the main thread: OpenMP lets the threads of any other one fall asleep at each
    # of their many meetings where there are no more cores than threads, and waking them takes
    # longer than the product that they wait for.
    listening = threading.Thread(target=listen, name="prodcat-web")
    listening.start()
    try:
        server.run()
    finally:
        asked, web.should_exit = web.should_exit, True
    listening.join()
    if not asked:
        raise SystemExit("The server ended, and nobody asked it to.")
