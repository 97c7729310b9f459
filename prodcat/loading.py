"""Load a classifier from wherever one is saved."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from prodcat.archive import is_archive, read_archive
from prodcat.artifact import Artifact, parse_manifest, read_manifest, read_near
from prodcat.cache import Cache
from prodcat.classifier import Classifier, pick_device, rebuild
from prodcat.errors import ArtifactError, StoreError
from prodcat.objects import Objects
from prodcat.store import Store


def load(
    uri: str,
    *,
    device: str | torch.device | None = None,
    cache: Cache | str | Path | None = None,
    storage_options: Mapping[str, Any] | None = None,
) -> Classifier:
    """Load a classifier; needs no network but the artifact's own.

    Args:
        uri: The folder or the ``model.tar.gz`` that :meth:`Classifier.save` wrote, at any
            fsspec URI, or a version in a store: ``s3://bucket/models/tr@production``.
        device: Where to put it; a GPU if there is one.
        cache: Where downloads are kept; ``~/.cache/prodcat`` if not given.
        storage_options: For the filesystem, such as ``endpoint_url``, ``key``, ``secret``.

    Raises:
        ArtifactError: There is no artifact, or it is not whole.
        StoreError: There is no such version in the store.
    """
    folder, _, last = uri.rstrip("/").rpartition("/")
    if "@" in last and not _is_folder(uri):
        store = Store(folder or ".", cache=cache, storage_options=storage_options)
        return store.load(last, device=device)
    device = pick_device(device)
    if is_archive(uri):
        return rebuild(read_archive(Objects(folder or ".", storage_options), last), device)
    return rebuild(_read(Objects(uri, storage_options), cache), device)


def _is_folder(uri: str) -> bool:
    return "://" not in uri and Path(uri).is_dir()


def _read(objects: Objects, cache: Cache | str | Path | None) -> Artifact:
    uri = objects.uri
    manifest = parse_manifest(read_manifest(objects), uri)
    if objects.is_near:
        return Artifact(uri, manifest, read_near(objects, manifest, uri))
    kept = cache if isinstance(cache, Cache) else Cache(cache)
    try:
        return Artifact(uri, manifest, dict(kept.fetch(objects, manifest, uri)))
    except StoreError as error:
        raise ArtifactError(f"Cannot read the artifact at {uri!r}: {error}") from error
