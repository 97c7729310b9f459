"""The way from a reference such as ``tr@production`` to the verified files of a version.

What a local cache holds is not asked for again: files and manifests never change, and what an
alias named last is used where the store cannot be reached.
"""

import json
import logging
from functools import cached_property
from pathlib import Path
from typing import Any

from prodcat.errors import ArtifactError, ConflictError, StoreError
from prodcat.storage.aliases import VERSION
from prodcat.storage.artifact import Artifact, read_near
from prodcat.storage.cache import Cache
from prodcat.storage.document import read_document
from prodcat.storage.objects import Objects
from prodcat.storage.references import split_reference
from prodcat.storage.registry import Registry

logger = logging.getLogger("prodcat")
_TRIES = 3
_SHORT_PATIENCE = 10.0  # seconds


class VersionReader:
    """Reads versions of a store.

    Args:
        registry: What the store holds.
        cache: Where downloads are kept; see :class:`prodcat.Store`.
    """

    def __init__(self, registry: Registry, cache: "Cache | str | Path | None") -> None:
        self.registry = registry
        self._cache_or_folder = cache

    @cached_property
    def cache(self) -> Cache:
        """The cache, whose folder is made when it is first needed."""
        return Cache.of(self._cache_or_folder)

    def resolve(self, reference: str) -> str:
        """The version that a reference means now; see :meth:`prodcat.Store.resolve`."""
        name, wanted = split_reference(reference)
        if VERSION.fullmatch(wanted):
            return wanted
        objects = self.registry.objects
        if objects.is_near:
            return self.registry.meant(name, wanted)
        key = f"{self._address}|{name}@{wanted}"
        noted = _version_in(self.cache.noted(key))
        if noted is not None:  # there is something to fall back on, so it need not take long
            patience = min(objects.patience, _SHORT_PATIENCE)
            objects = Objects(self.registry.uri, objects.options, patience)
        try:
            version = self.registry.meant(name, wanted, objects)
        except StoreError as error:
            if noted is None or not error.unreachable:
                raise
            logger.warning(
                "%s It cannot be asked what %s is; %s is used, which it was when it was last "
                "asked here.",
                error,
                reference,
                noted,
            )
            return noted
        self.cache.note(key, version.encode())
        return version

    def open(self, reference: str) -> tuple[str, Artifact]:
        """A version's verified files; see :meth:`prodcat.Store.open`."""
        name, wanted = split_reference(reference)
        version = self.resolve(reference)
        for _ in range(_TRIES):
            try:
                return f"{name}@{version}", self._artifact(name, version)
            except (StoreError, ArtifactError) as error:
                # An alias may have moved on and its old version been deleted meanwhile.
                deleted = isinstance(error.__cause__, FileNotFoundError)
                if VERSION.fullmatch(wanted) or not deleted:
                    raise
                current = self.resolve(reference)
                if current == version:
                    raise
                version = current
        raise ConflictError(f"{reference} moves too fast to be read. Name a version.")

    @property
    def _address(self) -> str:
        """The store in keys of the cache, unlike a store of the same URI on another server."""
        objects = self.registry.objects
        return f"{objects.options.get('endpoint_url', '')}|{objects.uri}"

    def _artifact(self, name: str, version: str) -> Artifact:
        objects = self.registry.objects
        folder = objects.below(self.registry.versions(name).at(version))
        if objects.is_near:
            manifest = self.registry.manifest(name, version)[2]
            return Artifact(folder.uri, manifest, read_near(folder, manifest, folder.uri))
        manifest = self._manifest(name, version)
        return Artifact(folder.uri, manifest, self.cache.fetch(folder, manifest, folder.uri))

    def _manifest(self, name: str, version: str) -> dict[str, Any]:
        """A version's manifest; as a version never changes, it is asked for once."""
        key = f"{self._address}|{name}|{version}|manifest"
        noted = self._noted_manifest(key, name, version)
        if noted is not None:
            return noted
        content, signature, manifest = self.registry.manifest(name, version)
        note = {"manifest": content.decode(), "signature": (signature or b"").decode()}
        self.cache.note(key, json.dumps(note).encode())
        return manifest

    def _noted_manifest(self, key: str, name: str, version: str) -> dict[str, Any] | None:
        """The manifest that the cache keeps, checked again; None where it keeps none."""
        noted = self.cache.noted(key)
        if noted is None:
            return None
        try:
            note = read_document(noted, "A note in the cache", limit=4 << 20, values=1_000)
            signature = note["signature"].encode() or None
            versions = self.registry.versions(name)
            return versions.check(version, note["manifest"].encode(), signature)
        except (ArtifactError, KeyError, TypeError, AttributeError):
            return None


def _version_in(note: bytes | None) -> str | None:
    """The version that a note in the cache names, or None where it names none."""
    text = (note or b"").decode(errors="replace")
    return text if VERSION.fullmatch(text) else None
