"""Versions of models: each is a folder that does not change once its manifest exists.

    <model>/versions/20261125T132720.482913Z-3f9a1c2b4d5e/
        config.json, model.safetensors, …    the artifact's files
        signature.json                       the signature of the manifest, if there is one
        manifest.json                        written last; with it the version becomes visible

A version's name is a time and the start of a hash over the names and hashes of all files.  The time
is later than that of all existing versions even if the clocks of publishers differ, so the order of
the names is the order of publication.
"""

import contextlib
import logging
import time
import uuid
from collections.abc import Callable, Container
from typing import Any

from prodcat.errors import ArtifactError, ConflictError
from prodcat.storage.aliases import VERSION, stamp
from prodcat.storage.document import read_document
from prodcat.storage.folder import Entry
from prodcat.storage.manifest import MANIFEST, content_hash, parse_manifest
from prodcat.storage.objects import Objects
from prodcat.storage.trust import Trust

logger = logging.getLogger("prodcat")
SIGNATURE = "signature.json"
CONDEMNED = "deleted.json"
_LIMIT = 64 << 10  # bytes of a signature


class Versions:
    """The versions of one model.

    Args:
        objects: The objects of the store.
        model: The model's name.
        trust: The trusted keys; the first one that can sign signs new marks of deletions.  If
            there are keys, each version that is read must be signed by one of them, and marks of
            deletions that none of them signed are ignored.
    """

    def __init__(self, objects: Objects, model: str, trust: Trust | None = None) -> None:
        self.objects, self.model = objects, model
        self.trust = trust or Trust()
        self.folder = f"{model}/versions"

    def at(self, version: str) -> str:
        """The path of a version's folder, relative to the store."""
        return f"{self.folder}/{version}"

    def published(self) -> list[str]:
        """All versions that are complete and not being deleted, oldest first."""
        return sorted(
            version
            for version, names in self._folders().items()
            if self._is_visible(version, names)
        )

    def names(self) -> list[str]:
        """The names of all versions, oldest first, including incomplete ones."""
        return [name for name in self.objects.names(self.folder) if VERSION.fullmatch(name)]

    def fault(self, version: str) -> Exception | None:
        """The error for a version that cannot be trusted.

        Returns:
            The error; None if the version is signed by one of the keys, or if there are no keys.
        """
        if not self.trust.keys:
            return None
        try:
            self.check(version, *self.manifest(version))
        except (ArtifactError, FileNotFoundError) as error:
            return error
        return None

    def ending(self, digits: str) -> list[str]:
        """Versions whose names end with this part of the content hash, unless being deleted."""
        fitting = [name for name in self.names() if name.endswith(f"-{digits}")]
        return [name for name in fitting if self.is_there(name)]

    def is_there(self, version: str) -> bool:
        """Whether a version is complete and not being deleted."""
        return self._is_visible(version, self.objects.names(self.at(version)))

    def _is_visible(self, version: str, names: Container[str]) -> bool:
        """Whether a version is complete and not being deleted.

        Args:
            version: The version's name.
            names: The names of the objects in its folder.
        """
        return MANIFEST in names and not (CONDEMNED in names and self.is_condemned(version))

    def is_condemned(self, version: str) -> bool:
        """Whether the mark of a version's deletion can be trusted; always without keys."""
        if not self.trust.keys:
            return True
        name = f"{self.at(version)}/{CONDEMNED}"
        source = f"The mark {self.objects.at(name)!r}"
        try:
            mark = self.trust.unsealed(self.objects.start(name, _LIMIT + 1), source)
            self.trust.check_store(mark.get("store"), self.objects, source)
        except FileNotFoundError:
            return False
        except ArtifactError as error:
            message = "Ignored a mark that cannot be trusted, so %s@%s is not deleted: %s"
            logger.warning(message, self.model, version, error)
            return False
        expected = ("deletion", self.model, version)
        return (mark.get("kind"), mark.get("model"), mark.get("version")) == expected

    # -- reading ------------------------------------------------------------------

    def manifest(self, version: str) -> tuple[bytes, bytes | None]:
        """Read the files of a version's manifest and of its signature.

        Returns:
            The bytes of the manifest's file; and those of the signature's file, or None if there
            is no signature or there are no keys to check it.

        Raises:
            FileNotFoundError: There is no such version.
        """
        folder = self.at(version)
        content = self.objects.start(f"{folder}/{MANIFEST}", (1 << 20) + 1)
        # Without a key nobody can check a signature, so it is not read.
        signature = None
        if self.trust.keys:
            with contextlib.suppress(FileNotFoundError):
                signature = self.objects.start(f"{folder}/{SIGNATURE}", _LIMIT)
        return content, signature

    def check(self, version: str, content: bytes, signature: bytes | None) -> dict[str, Any]:
        """Parse a version's manifest and check that it belongs to this version.

        Args:
            version: The version's name.
            content: The bytes of the manifest's file.
            signature: The bytes of the signature's file, or None.

        Returns:
            The manifest.

        Raises:
            ArtifactError: The manifest is damaged, belongs to another version, or is not signed
                by one of the keys for this store.
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
                f"version whose name ends with -{whole[:12]}. It was replaced or altered. Roll "
                "back, and publish the version again."
            )
        return manifest

    def check_signed(self, version: str, content: bytes, signature: bytes | None) -> None:
        """Refuse a manifest that none of the keys signed, if there are keys.

        Args:
            version: The version's name.
            content: The bytes of the manifest's file.
            signature: The bytes of the signature's file, or None.

        Raises:
            ArtifactError: The manifest is unsigned, altered, or signed by another key or for
                another store.
        """
        if not self.trust.keys:
            return
        source = f"{self.model}@{version}"
        signed = None
        if signature is not None:
            signed = read_document(
                signature, f"The signature of {source}", limit=_LIMIT, values=1_000
            )
        self.trust.check(content, signed, source)
        store = parse_manifest(content, self.objects.at(self.at(version))).get("store")
        self.trust.check_store(store, self.objects, source)

    # -- removing -----------------------------------------------------------------

    def remove(self, version: str, used_by: Callable[[], str | None]) -> None:
        """Remove a version unless an alias names it.

        The version is first marked as being deleted, and then its use is checked again; a promotion
        looks for the mark after it has changed the alias.  So at least one of two simultaneous
        processes notices the other.

        Args:
            version: The version's name.
            used_by: A function that returns which alias names the version, such as
                ``"tr@production"``, or None if no alias does.

        Raises:
            ConflictError: An alias names the version, or another process is deleting it.
        """
        folder = self.at(version)
        reason = used_by()
        if reason is None:
            if not self._condemn(folder):
                raise ConflictError(
                    f"{self.model}@{version} is already being deleted by another process. If that "
                    "was interrupted, prune completes it."
                )
            reason = used_by()
            if reason is not None:
                self.objects.remove(f"{folder}/{CONDEMNED}")
        if reason is not None:
            raise ConflictError(
                f"{self.model}@{version} is named by {reason}, so it is not deleted. First promote "
                "another version to the alias, or remove the alias."
            )
        self._clear(folder)

    def clear_abandoned(self, older_than: float, named: Callable[[], set[str]]) -> list[str]:
        """Remove the leftovers of publications and deletions that were interrupted.

        Args:
            older_than: The minimum age in seconds; younger leftovers may belong to work in
                progress.
            named: A function that returns the versions that aliases name.

        Returns:
            The folders that were removed, as paths relative to the store.
        """
        limit = time.time() - older_than
        removed = []
        for version, entries in sorted(self._folders().items()):
            folder = self.at(version)
            if MANIFEST in entries and CONDEMNED not in entries:
                continue
            if max(entry.changed for entry in entries.values()) > limit:
                continue
            if MANIFEST in entries and (version in named() or not self.is_condemned(version)):
                # The version was promoted while it was being deleted, and the deletion was
                # interrupted; or the mark was not made with one of the keys.
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
        """Mark a version's folder as being deleted; return False if it was marked already."""
        name, version = f"{folder}/{CONDEMNED}", folder.rpartition("/")[2]
        mark = {
            "kind": "deletion",
            "model": self.model,
            "version": version,
            "store": self.trust.store,
            "time": stamp(),
            "token": uuid.uuid4().hex,
        }
        if self.objects.create(name, self.trust.sealed(mark)) is None:
            return True
        if self.is_condemned(version):
            return False
        self.objects.remove(name)
        return self.objects.create(name, self.trust.sealed(mark)) is None

    def _clear(self, folder: str) -> None:
        """Remove a folder.

        The manifest is removed first, which makes the version invisible, and the mark last.
        """
        self.objects.remove(f"{folder}/{MANIFEST}")
        for name in self.objects.walk(folder):
            if name != CONDEMNED:
                self.objects.remove(f"{folder}/{name}")
        self.objects.remove_below(folder)

    def _folders(self) -> dict[str, dict[str, Entry]]:
        """The objects of each version by their names, including incomplete versions."""
        folders: dict[str, dict[str, Entry]] = {}
        for name, entry in self.objects.walk(self.folder).items():
            version, _, rest = name.partition("/")
            if VERSION.fullmatch(version) and rest:
                folders.setdefault(version, {})[rest] = entry
        return folders
