"""The models of a server: load and unload them within a memory budget while others answer."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from weakref import WeakSet

from prodcat.classifier.classifier import Classifier
from prodcat.classifier.loading import load
from prodcat.decisions.options import ReadingPrecision
from prodcat.errors import PlaceError, is_fault
from prodcat.serving.available_memory import free_memory, give_back, trim
from prodcat.serving.loading import artifact_bytes, bounded, warmed_up
from prodcat.serving.refusal import Refusal, shown
from prodcat.serving.served import Served
from prodcat.serving.settings import MODEL_LIMITS
from prodcat.storage.document import printable
from prodcat.storage.places import AllowedPlaces, Place

logger = logging.getLogger("prodcat")

_MOMENT = 2.0  # seconds to wait for the memory of unloaded models


class Models:
    """The models of a server by name.

    Args:
        budget: Maximum memory, in bytes, of all models together; if None, the memory that is free
            when a model is loaded.
        device: The PyTorch device of the models; if None, a GPU if there is one.
        opener: Loads the classifier at a URI or place, which it gets with ``device=``.
        precision: The number format of the encoders.
        allowed: The folders from which requests may load models; if None, requests may load none.
    """

    def __init__(
        self,
        budget: int | None = None,
        device: str | None = None,
        opener: Callable[..., Classifier] = load,
        precision: ReadingPrecision = "auto",
        allowed: AllowedPlaces | None = None,
    ) -> None:
        self.precision = precision
        self.allowed = allowed or AllowedPlaces((), MODEL_LIMITS)
        self.budget, self.device, self.opener = budget, device, opener
        self._models: dict[str, Served] = {}
        self._loading: dict[str, int] = {}  # reserved bytes by the name of a model
        self._leaving: WeakSet[Served] = WeakSet()  # unloaded models that still answer requests
        self._lock, self._warming = threading.Lock(), threading.Lock()

    def __len__(self) -> int:
        """The number of models that are loaded."""
        return len(self._models)

    @property
    def bytes(self) -> int:
        """Memory in bytes of the loaded models, plus what is reserved for those being loaded."""
        with self._lock:
            return self._taken()

    def _taken(self) -> int:
        models = [*self._models.values(), *self._leaving]
        # A shared encoder is in memory once, whichever of its models was loaded first.
        encoders = {id(model.encoder): model.encoder_bytes for model in models}
        loaded = sum(model.unshared_bytes for model in models) + sum(encoders.values())
        return loaded + sum(self._loading.values())

    def get(self, name: str) -> Served:
        """The loaded model with this name.

        Raises:
            Refusal: With status 404 if no model with this name is loaded.
        """
        with self._lock:
            if name in self._models:
                return self._models[name]
        raise Refusal(404, f"No model {shown(name)} is loaded. Load it with POST /models.")

    def all(self) -> list[Served]:
        """All loaded models, sorted by name."""
        with self._lock:
            return [self._models[name] for name in sorted(self._models)]

    def place(self, uri: str) -> Place:
        """The place at a URI that a request names, with the limits on reading it.

        Raises:
            Refusal: With status 403 if the URI is not below a folder from which requests may load
                models.
        """
        if not self.allowed.roots:
            raise Refusal(
                403,
                "Requests may not load models on this server. Start it with --models-root URI to "
                "let requests load the models below a folder.",
            )
        try:
            return self.allowed.place(uri)
        except PlaceError as error:
            raise Refusal(403, str(error)) from error

    def load(
        self,
        name: str,
        uri: str,
        place: Place | None = None,
        abandoned: threading.Event | None = None,
    ) -> Served:
        """Load a model and add it; may take minutes.

        Args:
            name: The name that clients use for the model.
            uri: The URI of a folder, of an archive or of a version in a store.
            place: If a request named the URI, the place that :meth:`place` returned for it.  None
                if the operator of the server named the URI, which may then be any.
            abandoned: An event that is set when no client waits for the model any longer.  If it
                is set before the files are read, the model is not loaded.

        Returns:
            The loaded model.

        Raises:
            Refusal: With status 400 if the model cannot be read, 404 if there is none at the URI,
                409 if the name is in use, 503 if ``abandoned`` is set, or 507 if there is not
                enough memory.
        """
        with self._lock:
            self._check_new(name)
        with self._explained(name, place):
            size = artifact_bytes(place or uri)
        if abandoned is not None and abandoned.is_set():
            raise Refusal(
                503, f"The model {shown(name)} was not loaded: its client has disconnected."
            )
        self._reserve(name, size)
        with self._lock:
            dropped = len(self._leaving) > 0
        if dropped:
            give_back()
        try:
            with self._explained(name, place):
                read = uri if place is None else bounded(place, size)
                classifier = self.opener(read, device=self.device)
                # One at a time, as each model may share the encoder of an earlier one.
                with self._warming:
                    served = warmed_up(name, uri, classifier, size, self.all(), self.precision)
                    with self._lock:
                        del self._loading[name]
                        self._models[name] = served
        except BaseException:
            with self._lock:
                del self._loading[name]
            raise
        finally:
            trim()  # the memory that only loading needed
        return served

    @contextmanager
    def _explained(self, name: str, place: Place | None) -> Iterator[None]:
        """Turn errors of loading into refusals; these name no place that the client did not."""
        try:
            yield
        except Refusal:
            raise
        except BaseException as error:  # damaged files make libraries raise anything
            if not is_fault(error):
                raise
            # torch raises a RuntimeError when memory is exhausted, on CPUs and on GPUs.
            if isinstance(error, MemoryError) or (
                isinstance(error, RuntimeError) and "memory" in str(error)
            ):
                raise Refusal(
                    507,
                    f"Not enough memory to load {shown(name)}. Unload another model first.",
                ) from error
            if place is None:
                raise Refusal(400, f"The model {name!r} cannot be loaded: {error}") from error
            reason = printable(error)
            logger.warning("The model %r at %r cannot be loaded: %s", name, place.uri, reason)
            raise _refused(name, error) from error

    def _check_new(self, name: str) -> None:
        if name in self._models or name in self._loading:
            raise Refusal(409, f"A model {shown(name)} is loaded already. Unload it first.")

    def _reserve(self, name: str, size: int) -> None:
        """Reserve memory for a model; wait up to 2 seconds for the memory of unloaded models."""
        limit = time.monotonic() + _MOMENT
        while True:
            with self._lock:
                self._check_new(name)
                refused = self._too_much(name, size)
                if refused is None:
                    self._loading[name] = size
                    return
                if not self._leaving or time.monotonic() > limit:
                    raise refused
            give_back()
            time.sleep(0.05)

    def _too_much(self, name: str, size: int) -> Refusal | None:
        needs = f"Not enough memory to load {shown(name)}: the model needs about {size:,} bytes;"
        if self.budget is not None:
            taken = self._taken()
            if taken + size <= self.budget:
                return None
            return Refusal(
                507, f"{needs} {taken:,} of {self.budget:,} are in use. Unload another model first."
            )
        free = free_memory(self.device)
        if free is None or size + sum(self._loading.values()) <= free:
            return None
        return Refusal(507, f"{needs} {free:,} are free. Unload another model first.")

    def drop(self, name: str) -> None:
        """Unload a model; requests already accepted are still answered.

        Raises:
            Refusal: With status 404 if no model with this name is loaded.
        """
        with self._lock:
            if name not in self._models:
                raise Refusal(404, f"No model {shown(name)} is loaded.")
            self._leaving.add(self._models.pop(name))


def _refused(name: str, error: BaseException) -> Refusal:
    """The refusal that a client gets; the error itself may name files that it must not see."""
    reasons = (error, error.__cause__)
    for reason in reasons:
        if isinstance(reason, PlaceError):  # its message names only the place and its limits
            return Refusal(400, f"The model {shown(name)} cannot be loaded: {reason}")
    if any(isinstance(reason, FileNotFoundError) for reason in reasons):
        return Refusal(404, f"There is no model at the url of {shown(name)}.")
    return Refusal(
        400,
        f"The model {shown(name)} cannot be loaded: its url cannot be read or is not a "
        "classifier. The log of the server says why.",
    )
