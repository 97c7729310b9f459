"""Run a server in this process, until it gets a signal to stop."""

import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from socket import AF_INET, AF_INET6, SO_REUSEADDR, SO_SNDBUF, SOL_SOCKET, socket
from typing import Any, TypedDict, Unpack, cast

import torch
import uvicorn
from starlette.applications import Starlette

from prodcat.classifier.inference import take_cores
from prodcat.classifier.loading import load
from prodcat.decisions.options import ReadingPrecision
from prodcat.errors import ConfigError, ProdcatError, check_keywords, takes_keywords
from prodcat.serving.access import Access, is_loopback
from prodcat.serving.application import make_app
from prodcat.serving.connections import Connections, most_connections
from prodcat.serving.loaded_models import Models
from prodcat.serving.server import Server
from prodcat.serving.settings import Settings
from prodcat.storage.places import AllowedPlaces

_GRACE = 22  # seconds to complete open requests; SageMaker kills the process after 30
_SENT = 256 << 10  # bytes of an answer in the system's send buffer
_SWITCH = 0.0005  # seconds after which a thread lets others run Python; a tenth of what is usual
_KEPT = 75  # seconds that an idle connection stays open; longer than usual clients keep one


class ModelKeywords(TypedDict, total=False):
    """Keyword arguments of :func:`serve` about the loading of models.

    Attributes:
        budget: Maximum memory, in bytes, of all models together; if not given, the free memory.
        device: The PyTorch device of the models; if not given, a GPU if there is one.
        precision: The number format of the encoders; ``"auto"`` if not given.
        cache: The folder in which downloads are kept; see :func:`prodcat.load`.
        keys: The keys of the store.  A version is loaded only if it was signed with one of them;
            see :func:`prodcat.load`.
        must_load: Whether the server ends with an error if its only model cannot be loaded; if
            not given, it stays and answers ``GET /ping`` with 503, as SageMaker expects.
        models_root: The URI of a folder below which ``POST /models`` may load models, or several
            URIs.  If not given, requests cannot load models.
    """

    budget: int | None
    device: str | None
    precision: ReadingPrecision
    cache: str | None
    keys: Any
    must_load: bool
    models_root: str | Sequence[str] | None


@takes_keywords(ModelKeywords, precision="auto", must_load=False)
def serve(
    uri: str | None,
    *,
    host: str = "127.0.0.1",
    port: int = 8080,
    settings: Settings | None = None,
    access: Access | None = None,
    **models: Unpack[ModelKeywords],
) -> None:
    """Answer HTTP requests until SIGTERM or SIGINT; then complete the open requests and return.

    Must be called in the main thread.  It may also end the process: at a second signal, or if a
    model is being loaded when it is told to stop.

    Args:
        uri: The URI of the model; if None, models are loaded by ``POST /models``.
        host: The host name or address at which to listen; ``"0.0.0.0"`` for all of this machine.
        port: The TCP port at which to listen; 0 for any free port.
        settings: The limits of requests and the behaviour of the server.
        access: Which requests are accepted; if None, all except those from web pages of other
            sites.
        models: How models are loaded; see :class:`ModelKeywords`.

    Raises:
        ConfigError: A folder in ``models_root`` is not allowed, or ``host`` cannot be listened at.
        ProdcatError: The only model cannot be loaded, and ``must_load`` is true.
        TypeError: A keyword argument is unknown.
        SystemExit: The server ended without a signal.
    """
    check_keywords(serve, models)
    settings = settings or Settings()
    server = Server(_models(models, settings), settings, uri, False, models.get("must_load", False))
    access = replace(access or Access(), is_local=is_loopback(host))
    connections = Connections(settings, most_connections())
    server.held.unsent = connections.unsent
    web, listener = _listening(make_app(server, access), connections, host, port)

    def answer() -> None:
        try:
            web.run(sockets=[listener])
        finally:
            if not server.answering:  # loading a model cannot be interrupted
                os._exit(0 if web.should_exit else 1)
            server.batcher.close(0)

    # The main thread computes.  If another thread did, there could be more OpenMP threads than
    # cores; OpenMP then lets its workers sleep at each of their many barriers, and waking them
    # takes longer than the matrix product that they wait for.
    answering = _on_one_core(answer)
    try:
        server.run()
    finally:
        asked_to_stop, web.should_exit = web.should_exit, True
    answering.join()
    if server.must_end:
        raise _failure(server)
    if server.loaders.is_loading and asked_to_stop:
        os._exit(0)  # a model that is being loaded for a request cannot be interrupted
    if not asked_to_stop:
        raise SystemExit("The server ended although no signal told it to stop. Its log says why.")


def _failure(server: Server) -> ProdcatError:
    """Why the only model could not be loaded."""
    cause = server.cause
    return cause if isinstance(cause, ProdcatError) else ConfigError(str(server.failure))


def _on_one_core(answer: Callable[[], None]) -> threading.Thread:
    """Start the thread with the event loop, which uses only one core for the n-grams of titles."""
    cores, has_started = torch.get_num_threads(), threading.Event()

    def run() -> None:
        take_cores(1)
        has_started.set()
        answer()

    thread = threading.Thread(target=run, name="prodcat-web")
    thread.start()
    has_started.wait()
    torch.set_num_threads(cores)  # the other thread changed this setting of the process
    sys.setswitchinterval(_SWITCH)
    return thread


def _models(named: ModelKeywords, settings: Settings) -> Models:
    opener = partial(load, cache=named.get("cache"), keys=named.get("keys"))
    roots = named.get("models_root") or ()
    allowed = AllowedPlaces((roots,) if isinstance(roots, str) else tuple(roots), settings.model)
    precision = named.get("precision", "auto")
    return Models(named.get("budget"), named.get("device"), opener, precision, allowed)


def _listening(
    app: Starlette, connections: Connections, host: str, port: int
) -> tuple[uvicorn.Server, socket]:
    """A uvicorn server that stops at signals, and the socket at which it will listen."""
    config = uvicorn.Config(
        app,
        http=cast(Any, connections.protocol),
        host=host,
        port=port,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=_GRACE,
        timeout_keep_alive=_KEPT,
        server_header=False,
        ws="none",
    )
    listener = _bound(host, port)
    # By default, the system would buffer several megabytes of an answer that no client reads.
    listener.setsockopt(SOL_SOCKET, SO_SNDBUF, _SENT)
    logging.getLogger("prodcat").info("Listening on port %d.", listener.getsockname()[1])
    web = uvicorn.Server(config)
    _stop_at_signals(web)
    return web, listener


def _bound(host: str, port: int) -> socket:
    """A socket that is bound to an address of this machine.

    Raises:
        ConfigError: There is no such address, or another program listens there.
    """
    listener = socket(AF_INET6 if ":" in host else AF_INET)
    listener.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except (OSError, OverflowError) as error:
        listener.close()
        raise ConfigError(
            f"The server cannot listen at {host!r}, port {port}: {error}. Choose an address of "
            "this machine and a port that no other program uses."
        ) from error
    listener.set_inheritable(True)
    return listener


def _stop_at_signals(web: uvicorn.Server) -> None:
    def stop(number: int, frame: object) -> None:
        if web.should_exit:  # this is the second signal
            os._exit(1)
        web.should_exit = True

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
