"""A server as a process."""

import logging
import signal
import sys
from functools import partial
from typing import Any

import uvicorn

from prodcat.loading import load
from prodcat.serving.app import Server, Settings, make_app
from prodcat.serving.models import Models

_GRACE = 30  # seconds for what is in flight


def serve(
    uri: str | None,
    *,
    host: str = "0.0.0.0",
    port: int = 8080,
    settings: Settings | None = None,
    budget: int | None = None,
    device: str | None = None,
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
        cache: See :func:`prodcat.load`.
        keys: See there.
    """
    models = Models(budget, device, partial(load, cache=cache, keys=keys))
    server = Server(models, settings or Settings(), uri)
    logging.getLogger("prodcat").info("Listening on port %d.", port)
    # uvicorn raises the signal again when it has ended in good order.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(0))
    uvicorn.run(
        make_app(server),
        host=host,
        port=port,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=_GRACE,
        server_header=False,
    )
