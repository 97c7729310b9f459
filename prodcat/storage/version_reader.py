"""Resolves references such as ``tr@production``, and reads the verified files of the version.

Files and manifests never change, so those in the local cache are not fetched again.  If the store
cannot be reached, an alias stands for the version that it named when it was last resolved here.
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
from prodcat.storage.references import LATEST, split_reference
from prodcat.storage.registry import Registry

logger = logging.getLogger("prodcat")
_TRIES = 3  # times that an alias is resolved again because its version was deleted
_SHORT_PATIENCE = 10.0  # seconds


class VersionReader:
    """Reads versions of a store.

    Args:
        registry: The models of the store.
        cache: The cache or its folder; see :class:`prodcat.Store`.
    """

    def __init__(self, registry: Registry, cache: "Cache | str | Path | None") -> None:
        self.registry = registry
        self._cache_or_folder = cache

    @cached_property
    def cache(self) -> Cache:
        """The cache, whose folder is made when it is first needed."""
        return Cache.of(self._cache_or_folder)

    def resolve(self, reference: str) -> str:
        """The version that a reference names; see :meth:`prodcat.Store.resolve` for errors."""
        name, alias = split_reference(reference)
        if VERSION.fullmatch(alias):
            return alias
        objects = self.registry.objects
        if objects.is_near:
            return self.registry.meant(name, alias)
        self._recall_store()
        is_signed = bool(self.registry.trust.keys)
        key = f"{self._address}|{name}@{alias}{'|signed' if is_signed else ''}"
        noted = self._noted_version(self.cache.noted(key), name, alias)
        if noted is not None:  # as there is a version to fall back on, do not wait long
            objects = objects.with_patience(min(objects.patience, _SHORT_PATIENCE))
        try:
            if is_signed and alias != LATEST:
                log = self.registry.log(name, alias, objects)
                event = self.registry.last_event(log)
                version, note = str(event.version), log.content(event)
            else:
                version = self.registry.meant(name, alias, objects)
                note = version.encode()
        except StoreError as error:
            if noted is None or not error.unreachable:
                raise
            logger.warning(
                "%s It is not known which version %s names now; using %s, which it named when it "
                "was last resolved here.",
                error,
                reference,
                noted,
            )
            return noted
        self.cache.note(key, note)
        self._note_store()
        return version

    def open(self, reference: str) -> tuple[str, Artifact]:
        """Read the verified files of a version; see :meth:`prodcat.Store.open`."""
        name, alias = split_reference(reference)
        version = self.resolve(reference)
        for _ in range(_TRIES):
            try:
                return f"{name}@{version}", self._artifact(name, version)
            except (StoreError, ArtifactError) as error:
                # In the meantime the alias may have been moved, and its former version deleted.
                deleted = isinstance(error.__cause__, FileNotFoundError)
                if VERSION.fullmatch(alias) or not deleted:
                    raise
                current = self.resolve(reference)
                if current == version:
                    raise
                version = current
        raise ConflictError(
            f"{reference} changed {_TRIES} times while it was read. Try again, or name a version."
        )

    @property
    def _address(self) -> str:
        """The start of keys in the cache: the server's address, if one is set, and the URI."""
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
        """A version's manifest, from the cache if it is there, as it never changes."""
        self._recall_store()
        key = f"{self._address}|{name}|{version}|manifest"
        noted = self._noted_manifest(key, name, version)
        if noted is not None:
            return noted
        content, signature, manifest = self.registry.manifest(name, version)
        note = {"manifest": content.decode(), "signature": (signature or b"").decode()}
        self.cache.note(key, json_bytes(note, ascii=True, end=""))
        self._note_store()
        return manifest

    def _noted_manifest(self, key: str, name: str, version: str) -> dict[str, Any] | None:
        """The manifest in the cache, or None if there is none that passes all checks."""
        noted = self.cache.noted(key)
        if noted is None:
            return None
        try:
            note = read_document(noted, "A note in the cache", limit=4 << 20, values=1_000)
            signature = note["signature"].encode() or None
            versions = self.registry.versions(name)
            return versions.check(version, note["manifest"].encode(), signature)
        except (ArtifactError, StoreError, KeyError, TypeError, AttributeError):
            return None

    def _noted_version(self, note: bytes | None, name: str, alias: str) -> str | None:
        """The version that an alias named when it was last resolved; None if not known.

        Args:
            note: The note in the cache.  With keys it must be the signed change of the alias or,
                for ``"latest"``, the name of a signed version; None if there is no note.
            name: The model's name.
            alias: The alias, or ``"latest"``.
        """
        if note is None:
            return None
        if self.registry.trust.keys and alias != LATEST:
            try:
                event = self.registry.log(name, alias).parse(note, None, "A note in the cache")
            except (ArtifactError, StoreError):
                return None
            return event.version
        text = note.decode(errors="replace")
        if not VERSION.fullmatch(text):
            return None
        if self.registry.trust.keys:
            key = f"{self._address}|{name}|{text}|manifest"
            return text if self._noted_manifest(key, name, text) is not None else None
        return text

    def _recall_store(self) -> None:
        """If there are keys, and the token of the store is not known, take it from the cache."""
        trust = self.registry.trust
        if trust.keys and trust.store is None:
            noted = self.cache.noted(f"{self._address}|store")
            trust.store = None if noted is None else noted.decode(errors="replace")

    def _note_store(self) -> None:
        store = self.registry.trust.store
        if store is not None:
            self.cache.note(f"{self._address}|store", store.encode())
