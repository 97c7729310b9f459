"""The models of a server, which are loaded and dropped while others answer, within a budget."""

import threading
import time
from collections.abc import Callable
from weakref import WeakSet

from prodcat.classifier.classifier import Classifier
from prodcat.classifier.loading import is_reference, load
from prodcat.decisions.options import ReadingPrecision
from prodcat.errors import ProdcatError
from prodcat.serving.available_memory import free_memory, give_back, trim
from prodcat.serving.loading import artifact_bytes, is_there, open_model
from prodcat.serving.refusal import Refusal
from prodcat.serving.served import Served

_MOMENT = 2.0  # seconds to wait for the memory of models that were dropped


class Models:
    """The models of a server by name.

    Args:
        budget: Most bytes that they may take together; the free memory if None.
        device: The device that they are put on; a GPU if there is one.
        opener: Loads the classifier at a URI.
        precision: The precision in which their encoders are run.
    """

    def __init__(
        self,
        budget: int | None = None,
        device: str | None = None,
        opener: Callable[..., Classifier] = load,
        precision: ReadingPrecision = "auto",
    ) -> None:
        self.precision = precision
        self.budget, self.device, self.opener = budget, device, opener
        self._models: dict[str, Served] = {}
        self._loading: dict[str, int] = {}  # bytes that are reserved for a model, by its name
        self._leaving: WeakSet[Served] = WeakSet()  # dropped models that are still answering
        self._lock = threading.Lock()

    def __len__(self) -> int:
        """The number of models that are loaded."""
        return len(self._models)

    @property
    def bytes(self) -> int:
        """The bytes that models take, or that are reserved for models that are being loaded."""
        with self._lock:
            return self._taken()

    def _taken(self) -> int:
        models = [*self._models.values(), *self._leaving]
        # A shared encoder is in memory once, whichever of its models was loaded first.
        encoders = {id(model.encoder): model.encoder_bytes for model in models}
        loaded = sum(model.unshared_bytes for model in models) + sum(encoders.values())
        return loaded + sum(self._loading.values())

    def get(self, name: str) -> Served:
        """The model with this name.

        Raises:
            Refusal: 404: there is no model with this name.
        """
        with self._lock:
            if name in self._models:
                return self._models[name]
        raise Refusal(404, f"There is no model {name!r} here. Load it with POST /models.")

    def all(self) -> list[Served]:
        """All models, in the order of their names."""
        with self._lock:
            return [self._models[name] for name in sorted(self._models)]

    def load(self, name: str, uri: str) -> Served:
        """Load a model, which may take long.

        Args:
            name: The name by which clients call it.
            uri: The folder, the archive or the version in a store.

        Raises:
            Refusal: 409: a model has this name already; 507: there is no memory for it; 400 or
                404: there is no model at the URI.
        """
        if not is_reference(uri) and not is_there(uri):
            raise Refusal(404, f"There is nothing at {uri!r}.")
        try:
            size = artifact_bytes(uri)
        except (ProdcatError, OSError, ValueError) as error:
            raise Refusal(400, f"The model {name!r} cannot be loaded: {error}") from error
        self._reserve(name, size)
        served: Served | None = None
        with self._lock:
            dropped = len(self._leaving) > 0
        if dropped:
            give_back()
        try:
            served = self._opened(name, uri, size)
        finally:
            with self._lock:
                del self._loading[name]
                if served is not None:
                    self._models[name] = served
            trim()  # the memory that only loading needed
        return served

    def _opened(self, name: str, uri: str, size: int) -> Served:
        try:
            return open_model(name, uri, size, self.device, self.opener, self.all(), self.precision)
        except ProdcatError as error:
            raise Refusal(400, f"The model {name!r} cannot be loaded: {error}") from error
        except (MemoryError, RuntimeError) as error:
            # torch raises a RuntimeError when memory is exhausted, on CPUs and on GPUs.
            if isinstance(error, MemoryError) or "memory" in str(error):
                raise Refusal(507, f"There is no memory for the model {name!r}.") from error
            raise

    def _reserve(self, name: str, size: int) -> None:
        """Reserve memory for a model, waiting shortly for that of models that were dropped."""
        limit = time.monotonic() + _MOMENT
        while True:
            with self._lock:
                if name in self._models or name in self._loading:
                    raise Refusal(409, f"There is a model {name!r} already. Drop it first.")
                refused = self._too_much(name, size)
                if refused is None:
                    self._loading[name] = size
                    return
                if not self._leaving or time.monotonic() > limit:
                    raise refused
            give_back()
            time.sleep(0.05)

    def _too_much(self, name: str, size: int) -> Refusal | None:
        needs = f"The model {name!r} takes about {size:,} bytes, and"
        if self.budget is not None:
            taken = self._taken()
            if taken + size <= self.budget:
                return None
            return Refusal(
                507, f"{needs} {taken:,} of {self.budget:,} are taken. Drop another one first."
            )
        free = free_memory(self.device)
        if free is None or size + sum(self._loading.values()) <= free:
            return None
        return Refusal(507, f"{needs} {free:,} are free. Drop another one first.")

    def drop(self, name: str) -> None:
        """Drop a model, which still answers the requests that it has.

        Raises:
            Refusal: 404: there is no model with this name.
        """
        with self._lock:
            if name not in self._models:
                raise Refusal(404, f"There is no model {name!r} here.")
            self._leaving.add(self._models.pop(name))
