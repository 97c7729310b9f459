"""Load a model to serve it: whether it is there, how much memory it takes, its first answer."""

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

# Titles from which it is known how long one of many takes before the first are asked for.
_SOME = [f"{number} litre of {'whole ' * (number % 4)}milk" for number in range(32)]
_MOST_SHOWN = 200  # letters of a URI
_TOKENIZER = 10  # times its JSON
_REST = 1 << 20  # bytes


def is_there(uri: str) -> bool:
    """Whether there is anything at a URI that is no version in a store.

    Args:
        uri: Of a folder or an archive.

    Raises:
        Refusal: 400: that cannot be found out.
    """
    import fsspec

    try:
        filesystem, path = fsspec.url_to_fs(uri)
        return bool(filesystem.exists(path))
    except Exception as error:  # every store has its own
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
    """Load a model and answer once, so that what is made at the first answer is made.

    Args:
        name: As clients call it.
        uri: Where it is.
        size: The bytes of memory that it takes.
        device: Where it is to be.
        opener: From a URI to a classifier.
        others: Models whose encoder it shares if it is the same.
        precision: The precision of its encoder.

    Raises:
        ProdcatError: There is no model.
    """
    classifier = _sharing_encoder(opener(uri, device=device), others)
    served = Served(name, uri, classifier, size, precision)
    for titles in (["a"], _SOME):
        began = time.monotonic()
        served.fast.answers(served.fast.ready(titles), served.decision(AnswerOptions()))
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
    """About how much memory a model takes, by the sizes of its files before they are read.

    The weights once as they are and once as they are read with, a quarter for what is made while
    titles are read, a tokenizer ten times its JSON.

    Args:
        uri: Of a folder, an archive or a version in a store.

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
