"""Load a model to serve it, and estimate beforehand how much memory it takes."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from prodcat.classifier.classifier import Classifier
from prodcat.classifier.loading import is_reference, load
from prodcat.classifier.store import Store
from prodcat.decisions.options import AnswerOptions, ReadingPrecision
from prodcat.serving.refusal import Refusal
from prodcat.serving.served import Served
from prodcat.storage.archive import is_archive
from prodcat.storage.manifest import parse_manifest, read_manifest
from prodcat.storage.objects import Objects

# Titles that are answered after loading, to measure how long a title in a batch takes.
_TRIAL_TITLES = [f"{number} litre of {'whole ' * (number % 4)}milk" for number in range(32)]
_MOST_SHOWN = 200  # letters of a URI in a message
_TOKENIZER = 10  # memory of a tokenizer, as a multiple of the bytes of its JSON
_REST = 1 << 20  # bytes for everything else


def is_there(uri: str) -> bool:
    """Whether there is a file or a folder at a URI.

    Args:
        uri: The URI of a folder or an archive, not that of a version in a store.

    Raises:
        Refusal: 400: the filesystem cannot be reached.
    """
    import fsspec

    try:
        filesystem, path = fsspec.url_to_fs(uri)
        return bool(filesystem.exists(path))
    except Exception as error:  # each filesystem raises errors of another kind
        raise Refusal(400, f"{uri[:_MOST_SHOWN]!r} cannot be read: {error}") from error


def open_model(
    name: str,
    uri: str,
    size: int = 0,
    device: str | None = None,
    opener: Callable[..., Classifier] = load,
    others: Sequence[Served] = (),
    precision: ReadingPrecision = "auto",
) -> Served:
    """Load a model and answer titles, so that the first request is as fast as later ones.

    Args:
        name: The name by which clients call it.
        uri: The folder, the archive or the version in a store.
        size: The bytes of memory that it takes.
        device: The device that it is put on; a GPU if there is one.
        opener: Loads the classifier at a URI.
        others: Models whose encoder it shares if it has the same.
        precision: The precision in which its encoder is run.

    Raises:
        ProdcatError: There is no model at the URI.
    """
    classifier = _sharing_encoder(opener(uri, device=device), others)
    served = Served(name, uri, classifier, size, precision)
    for titles in (["a"], _TRIAL_TITLES):
        began = time.monotonic()
        served.fast.answers(served.fast.prepare(titles), served.decision(AnswerOptions()))
        served.seconds = (time.monotonic() - began) / len(titles)
    return served


def _sharing_encoder(classifier: Classifier, others: Sequence[Served]) -> Classifier:
    """The same classifier, with the encoder of the first model that has an equal one."""
    for other in others:
        sharing = classifier.sharing_encoder(other.classifier)
        if sharing is not None:
            return sharing
    return classifier


def artifact_bytes(uri: str) -> int:
    """Estimate how many bytes of memory a model takes, from the sizes of its files.

    The weights are in memory twice, as they are stored and in the form that is fastest; a quarter
    of them is added for activations, and ten times the JSON of the tokenizer.

    Args:
        uri: The URI of a folder, an archive or a version in a store.

    Raises:
        ProdcatError: There is no artifact.
    """
    folder, _, name = uri.rstrip("/").rpartition("/")
    if is_archive(uri):
        return 4 * Objects(folder or ".").size(name) + _REST
    if is_reference(uri):
        files: Mapping[str, Any] = Store(folder or ".").show(name).files
    else:
        files = parse_manifest(read_manifest(Objects(uri)), uri)["files"]
    sizes = {name: int(file["bytes"]) for name, file in files.items()}
    weights, tokenizer = sizes.get("model.safetensors", 0), sizes.get("tokenizer.json", 0)
    return 2 * weights + weights // 4 + _TOKENIZER * tokenizer + _REST
