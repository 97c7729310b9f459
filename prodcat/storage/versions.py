"""Versions of models: a folder for each, which never changes once its manifest exists.

    <model>/versions/20261125T132720.482913Z-3f9a1c2b4d5e/
        config.json, model.safetensors, …    the artifact's files
        signature.json                       the signature of the manifest, if there is one
        manifest.json                        written last; with it the version becomes visible

A version's name is the time and the start of the hash over the hashes of all files.
"""

import time
import uuid
from collections.abc import Callable, Sequence
from typing import Any

from prodcat.errors import ArtifactError, ConflictError
from prodcat.storage.aliases import VERSION, stamp
from prodcat.storage.document import json_bytes, read_document
from prodcat.storage.folder import Entry
from prodcat.storage.manifest import MANIFEST, content_hash, parse_manifest
from prodcat.storage.objects import Objects
from prodcat.storage.signature import Key, check_signature

SIGNATURE = "signature.json"
CONDEMNED = "deleted.json"
_LIMIT = 64 << 10  # bytes of a signature


class Versions:
    """The versions of one model.

    Args:
        objects: The store.
        model: The model's name.
        keys: The first key that can sign signs new versions; if there are keys, each version
            that is read must have been signed with one of them.
    """

    def __init__(self, objects: Objects, model: str, keys: Sequence[Key] = ()) -> None:
        self.objects, self.model, self.keys = objects, model, tuple(keys)
        self.folder = f"{model}/versions"

    def at(self, version: str) -> str:
        """A version's folder, relative to the store."""
        return f"{self.folder}/{version}"

    def published(self) -> list[str]:
        """All versions that are complete and not being deleted, oldest first."""
        return sorted(
            version
            for version, names in self._folders().items()
            if MANIFEST in names and CONDEMNED not in names
        )

    def names(self) -> list[str]:
        """The names of all versions, oldest first, incomplete ones included."""
        return [name for name in self.objects.names(self.folder) if VERSION.fullmatch(name)]

    def newest(self) -> str | None:
        """The newest version that is complete and not being deleted, or None."""
        return next((name for name in reversed(self.names()) if self.is_there(name)), None)

    def ending(self, digits: str) -> list[str]:
        """All versions with this hash in their name that are complete and not being deleted."""
        fitting = [name for name in self.names() if name.endswith(f"-{digits}")]
        return [name for name in fitting if self.is_there(name)]

    def is_there(self, version: str) -> bool:
        """Whether a version is complete and not being deleted."""
        names = self.objects.names(self.at(version))
        return MANIFEST in names and CONDEMNED not in names

    # -- reading ------------------------------------------------------------------

    def manifest(self, version: str) -> tuple[bytes, bytes | None]:
        """Read the bytes of a version's manifest and of its signature, or None without one.

        Raises:
            FileNotFoundError: There is no such version.
        """
        folder = self.at(version)
        content = self.objects.start(f"{folder}/{MANIFEST}", (1 << 20) + 1)
        # Without a key nobody can check a signature, so it is not read.
        signature = None
        if self.keys:
            try:
                signature = self.objects.start(f"{folder}/{SIGNATURE}", _LIMIT)
            except FileNotFoundError:
                signature = None
        return content, signature

    def check(self, version: str, content: bytes, signature: bytes | None) -> dict[str, Any]:
        """Parse a version's manifest and check that it belongs to this version.

        Args:
            version: The version's name.
            content: The bytes of the manifest's file.
            signature: The bytes of the signature's file, or None.

        Raises:
            ArtifactError: The manifest is damaged, belongs to another version, or is not signed
                by one of the keys.
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
        """Refuse a manifest that none of the keys signed, if there are keys.

        Args:
            version: The version's name.
            content: The bytes of the manifest's file.
            signature: The bytes of the signature's file, or None.

        Raises:
            ArtifactError: The manifest is unsigned, signed by another key, or altered.
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

    def remove(self, version: str, used_by: Callable[[], str | None]) -> None:
        """Remove a version unless something uses it.

        The version is first marked as going, and then its use is checked again; whoever starts to
        use a version checks for the mark afterwards.  So at least one of the two notices the
        other.

        Args:
            version: The version's name.
            used_by: Says what uses the version; None for nothing.

        Raises:
            ConflictError: Something uses the version, or another process deletes it.
        """
        folder = self.at(version)
        reason = used_by()
        if reason is None:
            if not self._condemn(folder):
                raise ConflictError(
                    f"{self.model}@{version} is being deleted by someone else already. If that was "
                    "interrupted, prune ends it."
                )
            reason = used_by()
            if reason is not None:
                self.objects.remove(f"{folder}/{CONDEMNED}")
        if reason is not None:
            raise ConflictError(
                f"{self.model}@{version} is named by {reason}, so it is not deleted. Promote "
                "another version, or remove the alias, first."
            )
        self._clear(folder)

    def clear_abandoned(self, older_than: float, named: Callable[[], set[str]]) -> list[str]:
        """Remove the leftovers of publications and deletions that were interrupted.

        Args:
            older_than: Age in seconds; younger leftovers may belong to work in progress.
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
                # It was promoted while it was being deleted, and the deletion was interrupted.
                self.objects.remove(f"{folder}/{CONDEMNED}")
                continue
            if CONDEMNED not in entries:
                if not self._condemn(folder):
                    continue
                if MANIFEST in self.objects.names(folder):  # its publisher has just finished
                    self.objects.remove(f"{folder}/{CONDEMNED}")
                    continue
            self._clear(folder)
            removed.append(folder)
        removed += self.objects.remove_empty(self.folder, limit)
        if self.objects.abort_uploads(self.folder, limit):
            removed.append(f"{self.folder}: uploads in parts")
        return removed

    def _condemn(self, folder: str) -> bool:
        """Mark a folder as being deleted, and return whether it was not marked before."""
        mark = {"time": stamp(), "token": uuid.uuid4().hex}
        return self.objects.create(f"{folder}/{CONDEMNED}", json_bytes(mark, ascii=True)) is None

    def _clear(self, folder: str) -> None:
        """Remove a folder: its manifest first, which makes the version invisible, its mark last."""
        self.objects.remove(f"{folder}/{MANIFEST}")
        for name in self.objects.walk(folder):
            if name != CONDEMNED:
                self.objects.remove(f"{folder}/{name}")
        self.objects.remove_below(folder)

    def _folders(self) -> dict[str, dict[str, Entry]]:
        """The objects of each version by name, incomplete versions included."""
        folders: dict[str, dict[str, Entry]] = {}
        for name, entry in self.objects.walk(self.folder).items():
            version, _, rest = name.partition("/")
            if VERSION.fullmatch(version) and rest:
                folders.setdefault(version, {})[rest] = entry
        return folders
