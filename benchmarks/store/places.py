"""Where the stores are, and small classifiers that tell which one they are."""

import contextlib
import multiprocessing
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.support import servers

if TYPE_CHECKING:
    from prodcat import Cache, Classifier, Store

PLACES = ("ceph", "moto", "local")
# Children inherit the libraries that are loaded; they are started before any thread is.
FORK = multiprocessing.get_context("fork")


@dataclass(frozen=True)
class Place:
    """An empty store.

    Attributes:
        uri: Its folder.
        options: For its filesystem, or None for local files.
    """

    uri: str
    options: Mapping[str, Any] | None = None

    def store(self, cache: "Cache | Path | None" = None) -> "Store":
        """The store there."""
        import prodcat

        return prodcat.Store(self.uri, storage_options=self.options, cache=cache, patience=120)

    def count_objects(self) -> int:
        """How many objects lie in the store."""
        from prodcat.storage.objects import Objects

        return len(Objects(self.uri, self.options, 120).walk(""))


@contextlib.contextmanager
def place_of(name: str, folder: Path) -> Iterator[Place]:
    """An empty store, on a server that runs as long as it is used."""
    if name == "local":
        yield Place(str(folder / "models"))
        return
    with servers.moto() if name == "moto" else servers.ceph(folder / "c") as server:
        yield Place(f"s3://{server.bucket()}/models", server.options)


def small_classifier() -> "Classifier":
    """A classifier of n-grams alone."""
    import prodcat
    from prodcat.demo.quick_commerce import generate

    rows = [{"title": row.title, "path": list(row.path)} for row in generate(150, "tr")]
    model = prodcat.ModelConfig(encoder=None)
    return prodcat.fit(prodcat.read_catalog(rows), model=model, progress=False)


def numbered(classifier: "Classifier", number: int) -> "Classifier":
    """A classifier that tells by its weights which one it is."""
    import torch

    from prodcat.decisions.weights import Weights

    weights = classifier.weights
    evidence = torch.tensor([1.0, 1.0 + number])
    changed = Weights(evidence, weights.levels, weights.sharpness)
    return replace(classifier, reader=replace(classifier.reader, weights=changed))


def number_of(classifier: "Classifier") -> float:
    """The number that :func:`numbered` gave to it."""
    return float(classifier.weights.evidence[1]) - 1


def in_child(call: Callable[..., Any], *arguments: Any) -> Any:
    """What a call returns in a process of its own, started by fork.

    Raises:
        RuntimeError: The call raised an error there.
    """
    answer = FORK.Queue()

    def run() -> None:
        try:
            answer.put((call(*arguments), None))
        except BaseException as error:
            answer.put((None, repr(error)))

    child = FORK.Process(target=run)
    child.start()
    result, error = answer.get()
    child.join()
    if error is not None:
        raise RuntimeError(f"{call.__name__} failed in a child process: {error}")
    return result
