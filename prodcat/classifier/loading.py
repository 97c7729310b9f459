"""Load a classifier from a folder, an archive or a store."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypedDict

import torch

from prodcat.classifier.classifier import Classifier
from prodcat.classifier.device import pick_device
from prodcat.classifier.opening import rebuild
from prodcat.classifier.store import Store
from prodcat.errors import ArtifactError, ConfigError, PlaceError, StoreError
from prodcat.storage.archive import is_archive, read_archive
from prodcat.storage.artifact import Artifact, read_near
from prodcat.storage.cache import Cache
from prodcat.storage.manifest import parse_manifest, read_manifest
from prodcat.storage.objects import Objects
from prodcat.storage.places import Place
from prodcat.storage.signature import Key

_MOST_LISTED = 8  # models in an error message


class LoadKeywords(TypedDict, total=False):
    """Keyword arguments of functions that load a classifier; see :func:`load`."""

    device: str | torch.device | None
    cache: Cache | str | Path | None
    storage_options: Mapping[str, Any] | None
    keys: Sequence[Key] | Key | None


def load(
    uri: str | os.PathLike[str] | Place,
    *,
    device: str | torch.device | None = None,
    cache: Cache | str | Path | None = None,
    storage_options: Mapping[str, Any] | None = None,
    keys: Sequence[Key] | Key | None = None,
) -> Classifier:
    """Load a classifier; nothing but the artifact is read, so no other network access is needed.

    A name with an ``@`` means a version in a store, unless it is a folder on this machine and no
    keys are given.

    Args:
        uri: The folder or the ``model.tar.gz`` that :meth:`Classifier.save` wrote, at any
            fsspec URI, or a version in a store: ``s3://bucket/models/tr@production``.  If the
            URI comes from somebody else, such as a request, pass the place that
            :meth:`prodcat.storage.places.AllowedPlaces.place` makes of it.
        device: The device to put the classifier on; None for a GPU if there is one, or the CPU.
        cache: The folder in which downloads are kept; ``~/.cache/prodcat`` if not given.
        storage_options: Options of the filesystem, such as ``endpoint_url``, ``key``, ``secret``.
        keys: Keys of a store: only versions that one of them signed are loaded.

    Raises:
        ArtifactError: There is no artifact, or it is incomplete.
        StoreError: There is no such version in the store.
        PlaceError: Reading exceeded the limits of the place.
        ConfigError: Keys were given, and the URI is not that of a version in a store.
    """
    place = Place.of(uri)
    uri = place.uri
    folder, _, last = uri.rstrip("/").rpartition("/")
    parent = place.at(folder or ".")
    if is_reference(uri, signed=keys is not None):
        store = Store(parent, cache=cache, storage_options=storage_options, keys=keys)
        return store.load(last, device=device)
    if keys is not None:
        raise ConfigError(
            f"{uri!r} is not in a store, so nothing there is signed; expected STORE/model@alias. "
            "Load it without keys, or publish it."
        )
    device = pick_device(device)
    if is_archive(uri):
        return rebuild(read_archive(Objects(parent, storage_options), last), device)
    return rebuild(_read(Objects(place, storage_options), cache), device)


def is_reference(uri: str, *, signed: bool = False) -> bool:
    """Whether a URI is that of a version in a store, such as ``STORE/model@alias``.

    Args:
        uri: The URI.
        signed: Whether a signature is required, so that a folder whose name has an ``@`` is not
            taken for an artifact.
    """
    if "@" not in uri.rstrip("/").rpartition("/")[2] or is_archive(uri):
        return False
    return signed or "://" in uri or not Path(uri).is_dir()


def _read(objects: Objects, cache: Cache | str | Path | None) -> Artifact:
    uri = objects.uri
    try:
        manifest = parse_manifest(read_manifest(objects), uri)
    except ArtifactError as error:
        if isinstance(error.__cause__, PlaceError):
            raise error.__cause__ from None
        if isinstance(error.__cause__, FileNotFoundError):
            _refuse_part_of_store(objects)
        raise
    if objects.is_near:
        return Artifact(uri, manifest, read_near(objects, manifest, uri))
    try:
        return Artifact(uri, manifest, Cache.of(cache).fetch(objects, manifest, uri))
    except PlaceError:
        raise
    except StoreError as error:
        if not error.unreachable:  # the cache cannot be used; the message says why
            raise
        raise ArtifactError(f"Cannot read the artifact at {uri!r}: {error}") from error


def _refuse_part_of_store(objects: Objects) -> None:
    """Say how to name a version, if a folder without a manifest is a store or a model in one.

    Raises:
        ArtifactError: It is.
    """
    names, uri = set(objects.names("")), objects.uri
    if "store.json" in names:
        models = [name for name in sorted(names) if "versions" in objects.names(name)]
        example = models[0] if models else "model"
        what = f"is a store (models there: {', '.join(models[:_MOST_LISTED]) or 'none'})"
        reference = f"{uri}/{example}@production"
    elif "versions" in names and names <= {"versions", "aliases"}:
        what, reference = "is a model in a store, with all its versions", f"{uri}@production"
    else:
        return
    raise ArtifactError(
        f"{uri!r} {what}; expected one version, such as {reference} or "
        f"{reference.rpartition('@')[0]}@latest."
    )
