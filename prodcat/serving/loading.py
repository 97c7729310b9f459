"""Load a model for a server, and estimate its memory before it is loaded."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from prodcat.classifier.classifier import Classifier
from prodcat.classifier.loading import is_reference, load
from prodcat.classifier.store import Store
from prodcat.decisions.options import AnswerOptions, ReadingPrecision
from prodcat.errors import StoreError
from prodcat.serving.served import Served
from prodcat.storage.archive import is_archive
from prodcat.storage.manifest import parse_manifest, read_manifest
from prodcat.storage.objects import Objects
from prodcat.storage.places import Place

# Titles that are answered after loading, to measure how long a title in a batch takes.
_TRIAL_TITLES = [f"{number} litre of {'whole ' * (number % 4)}milk" for number in range(32)]
_TOKENIZER = 10  # memory of a tokenizer, as a multiple of the size of its JSON
_REST = 1 << 20  # bytes for everything else
_DOCUMENTS = 256 << 20  # maximum bytes of files other than the weights and the tokenizer


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
        name: The name that clients use for the model.
        uri: The URI of a folder, of an archive or of a version in a store.
        size: The estimated memory of the model in bytes; see :func:`artifact_bytes`.
        device: The PyTorch device of the model; if None, a GPU if there is one.
        opener: Loads the classifier at a URI, which it gets with ``device=``.
        others: The loaded models; if one of them has an equal encoder, it is shared.
        precision: The number format of the encoder.

    Returns:
        The loaded model.

    Raises:
        ProdcatError: There is no model at the URI, or it cannot be loaded.
    """
    return warmed_up(name, uri, opener(uri, device=device), size, others, precision)


def warmed_up(
    name: str,
    uri: str,
    classifier: Classifier,
    size: int,
    others: Sequence[Served],
    precision: ReadingPrecision,
) -> Served:
    """Answer titles with a loaded classifier once; see :func:`open_model` for the arguments."""
    served = Served(name, uri, _sharing_encoder(classifier, others), size, precision)
    inference = served.whole  # with a cascade, the encoder might read none of these titles
    for titles in (["a"], _TRIAL_TITLES):
        began = time.monotonic()
        inference.answers(inference.prepare(titles), served.decision(AnswerOptions()))
        served.seconds = (time.monotonic() - began) / len(titles)
    return served


def _sharing_encoder(classifier: Classifier, others: Sequence[Served]) -> Classifier:
    """The same classifier, with the encoder of the first other model that has an equal one."""
    for other in others:
        sharing = classifier.sharing_encoder(other.classifier)
        if sharing is not None:
            return sharing
    return classifier


def bounded(place: Place, size: int) -> Place:
    """The same place, with a limit on the bytes to read that fits the estimated memory.

    Args:
        place: The place of a model.
        size: The estimated memory of the model in bytes; see :func:`artifact_bytes`.

    Returns:
        The place, with the smaller of its own limit and the limit that follows from ``size``.
    """
    limits = place.limits
    if limits is None:
        return place
    most = min(limits.max_bytes, size if is_archive(place.uri) else size + _DOCUMENTS)
    return replace(place, limits=replace(limits, max_bytes=most))


def artifact_bytes(uri: str | Place) -> int:
    """Estimate the memory of a model from the sizes of its files.

    The estimate is the sum of twice the weights (as stored, and in the layout that is fastest), a
    quarter of the weights for activations, and ten times the size of the tokenizer's JSON.  For an
    archive it is four times its size.

    Args:
        uri: The URI of a folder, of an archive or of a version in a store.

    Returns:
        The estimated memory in bytes.

    Raises:
        FileNotFoundError: There is no archive or version at the URI.
        ProdcatError: There is no model at the URI, or it cannot be read.
    """
    place = Place.of(uri)
    folder, _, name = place.uri.rstrip("/").rpartition("/")
    parent = place.at(folder or ".")
    if is_archive(place.uri):
        return 4 * Objects(parent).size(name) + _REST
    if is_reference(place.uri):
        try:
            files: Mapping[str, Any] = Store(parent).show(name).files
        except StoreError as error:
            if type(error) is not StoreError or error.unreachable or error.__cause__:
                raise  # the store could not be read
            raise FileNotFoundError(str(error)) from error
    else:
        files = parse_manifest(read_manifest(Objects(place)), place.uri)["files"]
    sizes = {name: int(file["bytes"]) for name, file in files.items()}
    weights, tokenizer = sizes.get("model.safetensors", 0), sizes.get("tokenizer.json", 0)
    return 2 * weights + weights // 4 + _TOKENIZER * tokenizer + _REST
