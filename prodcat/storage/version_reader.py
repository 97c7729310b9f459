"""The way from a reference such as ``tr@production`` to the verified files of a version.

Files and manifests never change, so those in the local cache are not fetched again.  If the store
cannot be reached, the version that the alias named last is used.
"""

import logging
from functools import cached_property
from pathlib import Path
from typing import Any

from prodcat.errors import ArtifactError, ConflictError, StoreError
from prodcat.storage.aliases import VERSION
from prodcat.storage.artifact import Artifact, read_near
from prodcat.storage.cache import Cache
from prodcat.storage.document import json_bytes, read_document
from prodcat.storage.objects import Objects
from prodcat.storage.references import split_reference
from prodcat.storage.registry import Registry

logger = logging.getLogger("prodcat")
_TRIES = 3  # times that an alias is followed while versions are deleted
_SHORT_PATIENCE = 10.0  # seconds


class VersionReader:
    """Reads versions of a store.

    Args:
        registry: The models of the store.
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
        """The version that a reference names now; see :meth:`prodcat.Store.resolve`."""
        name, alias = split_reference(reference)
        if VERSION.fullmatch(alias):
            return alias
        objects = self.registry.objects
        if objects.is_near:
            return self.registry.meant(name, alias)
        key = f"{self._address}|{name}@{alias}"
        noted = _version_in(self.cache.noted(key))
        if noted is not None:  # with a version to fall back on, there is no need to wait long
            patience = min(objects.patience, _SHORT_PATIENCE)
            objects = Objects(self.registry.uri, objects.options, patience)
        try:
            version = self.registry.meant(name, alias, objects)
        except StoreError as error:
            if noted is None or not error.unreachable:
                raise
            logger.warning(
                "%s So it is not known which version %s names now; %s is used, the one that it "
                "named when it was last resolved here.",
                error,
                reference,
                noted,
            )
            return noted
        self.cache.note(key, version.encode())
        return version

    def open(self, reference: str) -> tuple[str, Artifact]:
        """Read the verified files of a version; see :meth:`prodcat.Store.open`."""
        name, alias = split_reference(reference)
        version = self.resolve(reference)
        for _ in range(_TRIES):
            try:
                return f"{name}@{version}", self._artifact(name, version)
            except (StoreError, ArtifactError) as error:
                # The alias may have been moved, and its former version deleted, meanwhile.
                deleted = isinstance(error.__cause__, FileNotFoundError)
                if VERSION.fullmatch(alias) or not deleted:
                    raise
                current = self.resolve(reference)
                if current == version:
                    raise
                version = current
        raise ConflictError(f"{reference} moves too fast to be read. Name a version.")

    @property
    def _address(self) -> str:
        """The store's part of the cache's keys; it differs between servers with the same URI."""
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
        """A version's manifest, which never changes and so is fetched only once."""
        key = f"{self._address}|{name}|{version}|manifest"
        noted = self._noted_manifest(key, name, version)
        if noted is not None:
            return noted
        content, signature, manifest = self.registry.manifest(name, version)
        note = {"manifest": content.decode(), "signature": (signature or b"").decode()}
        self.cache.note(key, json_bytes(note, ascii=True, end=""))
        return manifest

    def _noted_manifest(self, key: str, name: str, version: str) -> dict[str, Any] | None:
        """The manifest in the cache, checked again, or None if there is none."""
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
    """The version that a note in the cache names, or None if it names none."""
    text = (note or b"").decode(errors="replace")
    return text if VERSION.fullmatch(text) else None
