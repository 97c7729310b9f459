"""Versions of models: a folder each, which never changes once its manifest is there.

    <model>/versions/20261125T132720.482913Z-3f9a1c2b4d5e/
        config.json, model.safetensors, …    the artifact's files
        signature.json                       where it is signed
        manifest.json                        written last: from then on the version is there

The name is the time, and the start of a hash over the hashes of all files.
"""

import json
import time
import uuid
from collections.abc import Callable, Sequence
from typing import Any

from prodcat.errors import ArtifactError, ConflictError
from prodcat.storage.aliases import VERSION, stamp
from prodcat.storage.document import read_document
from prodcat.storage.folder import Entry
from prodcat.storage.manifest import MANIFEST, content_hash, parse_manifest
from prodcat.storage.objects import Objects
from prodcat.storage.signature import Key, check_signature

SIGNATURE = "signature.json"
CONDEMNED = "deleted.json"
_LIMIT = 64 << 10


class Versions:
    """The versions of one model.

    Args:
        objects: The store.
        model: The model's name.
        keys: The first that can sign signs; each version must fit one of them, if there are
            any.
    """

    def __init__(self, objects: Objects, model: str, keys: Sequence[Key] = ()) -> None:
        self.objects, self.model, self.keys = objects, model, tuple(keys)
        self.folder = f"{model}/versions"

    def at(self, version: str) -> str:
        """A version's folder, relative to the store."""
        return f"{self.folder}/{version}"

    def published(self) -> list[str]:
        """All versions that are whole and stay, the oldest first."""
        return sorted(
            version
            for version, names in self._folders().items()
            if MANIFEST in names and CONDEMNED not in names
        )

    def names(self) -> list[str]:
        """All versions' names, the oldest first; some may not be whole."""
        return [name for name in self.objects.names(self.folder) if VERSION.fullmatch(name)]

    def newest(self) -> str | None:
        """The newest version that is whole and stays, or None."""
        return next((name for name in reversed(self.names()) if self.is_there(name)), None)

    def ending(self, digits: str) -> list[str]:
        """Whole versions whose names end with a hash."""
        fitting = [name for name in self.names() if name.endswith(f"-{digits}")]
        return [name for name in fitting if self.is_there(name)]

    def is_there(self, version: str) -> bool:
        """Whether a version is whole and stays."""
        names = self.objects.names(self.at(version))
        return MANIFEST in names and CONDEMNED not in names

    # -- reading ------------------------------------------------------------------

    def manifest(self, version: str) -> tuple[bytes, bytes | None]:
        """A version's manifest and signature as they are there.

        Raises:
            FileNotFoundError: There is no such version.
        """
        folder = self.at(version)
        content = self.objects.start(f"{folder}/{MANIFEST}", (1 << 20) + 1)
        # Whether there is one is of no concern to who has no key to check it with.
        signature = None
        if self.keys:
            try:
                signature = self.objects.start(f"{folder}/{SIGNATURE}", _LIMIT)
            except FileNotFoundError:
                signature = None
        return content, signature

    def check(self, version: str, content: bytes, signature: bytes | None) -> dict[str, Any]:
        """A version's manifest, if it is this version's.

        Raises:
            ArtifactError: It is damaged, another version's, or not signed as it should be.
        """
        source = f"{self.model}@{version}"
        uri = self.objects.at(self.at(version))
        self.check_signed(version, content, signature)
        manifest = parse_manifest(content, uri)
        whole = content_hash(manifest["files"])
        if (
            manifest.get("model") != self.model
            or manifest.get("version") != version
            or not version.endswith(f"-{whole[:12]}")
        ):
            raise ArtifactError(
                f"The manifest at {uri!r} is not that of {source}: its files are those of a "
                f"version that ends with -{whole[:12]}. It was swapped or altered; roll back, and "
                "publish the version again."
            )
        return manifest

    def check_signed(self, version: str, content: bytes, signature: bytes | None) -> None:
        """Refuse a manifest that none of the keys signed, if there are any.

        Raises:
            ArtifactError: It is unsigned, signed by another key, or altered.
        """
        if not self.keys:
            return
        source = f"{self.model}@{version}"
        signed = None
        if signature is not None:
            signed = read_document(
                signature, f"The signature of {source}", limit=_LIMIT, values=1_000
            )
        check_signature(self.keys, content, signed, source)

    # -- removing -----------------------------------------------------------------

    def remove(self, version: str, wanted: Callable[[], str | None]) -> None:
        """Remove a version unless something wants it.

        A mark comes first and the question second, while who wants a version asks for the
        mark after saying so: at least one of the two notices the other.

        Args:
            version: Which.
            wanted: Says what wants it, or None.

        Raises:
            ConflictError: Something does.
        """
        folder = self.at(version)
        reason = wanted()
        if reason is None:
            if not self._condemn(folder):
                raise ConflictError(
                    f"{self.model}@{version} is being deleted by someone else already. If that was "
                    "interrupted, prune ends it."
                )
            reason = wanted()
            if reason is not None:
                self.objects.remove(f"{folder}/{CONDEMNED}")
        if reason is not None:
            raise ConflictError(
                f"{self.model}@{version} is named by {reason}, so it is not deleted. Promote "
                "another version, or remove the alias, first."
            )
        self._clear(folder)

    def clear_abandoned(self, older_than: float, named: Callable[[], set[str]]) -> list[str]:
        """Remove what publishers and deletions left unfinished.

        Args:
            older_than: Seconds; younger ones may still be going on.
            named: Says which versions aliases name.

        Returns:
            The folders and files that were removed, relative to the store.
        """
        limit = time.time() - older_than
        removed = []
        for version, entries in sorted(self._folders().items()):
            folder = self.at(version)
            if MANIFEST in entries and CONDEMNED not in entries:
                continue
            if max(entry.changed for entry in entries.values()) > limit:
                continue
            if MANIFEST in entries and version in named():
                # Promoted while it was being deleted, and who deleted it is no more.
                self.objects.remove(f"{folder}/{CONDEMNED}")
                continue
            if CONDEMNED not in entries:
                if not self._condemn(folder):
                    continue
                if MANIFEST in self.objects.names(folder):  # it was finished just now
                    self.objects.remove(f"{folder}/{CONDEMNED}")
                    continue
            self._clear(folder)
            removed.append(folder)
        removed += self.objects.remove_empty(self.folder, limit)
        if self.objects.abort_uploads(self.folder, limit):
            removed.append(f"{self.folder}: uploads in parts")
        return removed

    def _condemn(self, folder: str) -> bool:
        """Mark a folder as going; whether it was not marked before."""
        mark = {"time": stamp(), "token": uuid.uuid4().hex}
        content = json.dumps(mark).encode() + b"\n"
        return self.objects.create(f"{folder}/{CONDEMNED}", content) is None

    def _clear(self, folder: str) -> None:
        """The manifest first, so that it is no version any more; the mark last."""
        self.objects.remove(f"{folder}/{MANIFEST}")
        for name in self.objects.walk(folder):
            if name != CONDEMNED:
                self.objects.remove(f"{folder}/{name}")
        self.objects.remove_below(folder)

    def _folders(self) -> dict[str, dict[str, Entry]]:
        """Each version's objects by name, whole or not."""
        folders: dict[str, dict[str, Entry]] = {}
        for name, entry in self.objects.walk(self.folder).items():
            version, _, rest = name.partition("/")
            if VERSION.fullmatch(version) and rest:
                folders.setdefault(version, {})[rest] = entry
        return folders
