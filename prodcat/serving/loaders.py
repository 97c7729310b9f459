"""Load models in several threads, so that a slow store does not delay other loads."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any

import torch
from starlette.requests import ClientDisconnect, Request

from prodcat.classifier.inference import take_cores
from prodcat.serving.loaded_models import Models
from prodcat.serving.refusal import Refusal, shown
from prodcat.serving.served import Served
from prodcat.storage.places import Place

_THREADS = 4
_MOST_LOADS = 32  # models that are being loaded or wait to be loaded


class Loaders:
    """Four threads that load models for requests.

    Args:
        takes_one_core: Whether each thread computes with one core, because another thread of the
            process computes with all cores.
    """

    def __init__(self, takes_one_core: bool) -> None:
        begin = partial(take_cores, 1) if takes_one_core else None
        self._threads = ThreadPoolExecutor(_THREADS, "prodcat-load", begin)
        self._loads: set[Future[Served]] = set()
        if takes_one_core:
            # Otherwise there are more threads than cores, and OpenMP lets those of the main thread
            # sleep at their barriers.
            cores = torch.get_num_threads()
            started = threading.Barrier(_THREADS + 1)
            for _ in range(_THREADS):
                self._threads.submit(started.wait)
            started.wait()
            torch.set_num_threads(cores)  # the new threads changed this setting of the process

    @property
    def is_loading(self) -> bool:
        """Whether a model that a request named is being loaded."""
        return len(self._loads) > 0

    def submit(self, call: Callable[[], object]) -> "Future[object]":
        """Call a function in one of the threads, and return a future of its result."""
        return self._threads.submit(call)

    async def load(
        self, models: Models, name: str, uri: str, place: Place, request: Request
    ) -> None:
        """Load a model for a request.

        Args:
            models: The models of the server, to which the new one is added.
            name: The name that clients use for the model.
            uri: The URI that the request named.
            place: The place at this URI, from :meth:`Models.place`.
            request: The request, whose body was read already.

        Raises:
            Refusal: The refusals of :meth:`Models.load`; or with status 429 if 32 models are being
                loaded already, or 504 if the model was not loaded in time.
            ClientDisconnect: The client has closed the connection.  If the model's files have not
                been read by then, it will not be loaded.
        """
        if len(self._loads) >= _MOST_LOADS:
            raise Refusal(
                429, f"{_MOST_LOADS} models are being loaded already. Try again later.", 5.0
            )
        abandoned = threading.Event()
        load = self._threads.submit(models.load, name, uri, place, abandoned)
        self._loads.add(load)
        load.add_done_callback(self._loads.discard)
        loaded, gone = asyncio.wrap_future(load), asyncio.ensure_future(_gone(request))
        # Twice the time limit for reading, as the model is built after its files are read.
        seconds = 2 * models.allowed.limits.seconds
        both: list[asyncio.Future[Any]] = [loaded, gone]
        try:
            await asyncio.wait(both, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            if loaded.done():
                loaded.result()
            elif gone.done():
                raise ClientDisconnect
            else:
                raise Refusal(
                    504,
                    f"The model {shown(name)} was not loaded within {seconds:g} seconds. Raise "
                    "--max-load.",
                )
        finally:
            abandoned.set()
            loaded.cancel()
            gone.cancel()

    def end(self) -> None:
        """Load no further models; loads that have begun go on."""
        self._threads.shutdown(wait=False, cancel_futures=True)


async def _gone(request: Request) -> None:
    """Wait until the client closes the connection."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
