"""Versions of models: a folder each, which never changes once its manifest is there.

    <model>/versions/20261125T132720.482913Z-3f9a1c2b4d5e/
        config.json, model.safetensors, …    the artifact's files
        signature.json                       where it is signed
        manifest.json                        written last: from then on the version is there

The name is the time, and the start of a hash over the hashes of all files.
"""

import contextlib
import hashlib
import json
import logging
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from prodcat.errors import ArtifactError, ConflictError, StoreError
from prodcat.storage.aliases import VERSION, now, stamp
from prodcat.storage.artifact import MANIFEST, content_hash, describe, parse_manifest, to_bytes
from prodcat.storage.document import read_document
from prodcat.storage.objects import Entry, Objects
from prodcat.storage.signature import Key, check_signature, signer_of

logger = logging.getLogger("prodcat")
SIGNATURE = "signature.json"
CONDEMNED = "deleted.json"
_TRIES = 3
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

    def found(self) -> list[str]:
        """All versions that are whole and stay, the oldest first."""
        return sorted(
            version
            for version, names in self._folders().items()
            if MANIFEST in names and CONDEMNED not in names
        )

    def names(self) -> list[str]:
        """All versions' names, the oldest first; some may not be whole."""
        return [own for own in self.objects.names(self.folder) if VERSION.fullmatch(own)]

    def newest(self) -> str | None:
        """The newest version that is whole and stays, or None."""
        return next((own for own in reversed(self.names()) if self.is_there(own)), None)

    def ending(self, digits: str) -> list[str]:
        """Whole versions whose names end with a hash."""
        fitting = [own for own in self.names() if own.endswith(f"-{digits}")]
        return [own for own in fitting if self.is_there(own)]

    def is_there(self, version: str) -> bool:
        """Whether a version is whole and stays."""
        names = self.objects.names(self.at(version))
        return MANIFEST in names and CONDEMNED not in names

    # -- publishing ---------------------------------------------------------------

    def publish(
        self, files: Mapping[str, bytes], prodcat_version: str, facts: Mapping[str, Any]
    ) -> tuple[str, bool]:
        """Upload a version, read it back, and only then let it be seen.

        Args:
            files: The artifact's files.
            prodcat_version: For the manifest.
            facts: For the manifest.

        Returns:
            The version, and whether it is new; the same files may be there already.

        Raises:
            StoreError: It cannot be written.
        """
        draft = describe(files, prodcat_version)
        whole = content_hash(draft["files"])
        for version in self.ending(whole[:12]):
            if self._holds(version, whole):
                logger.info("%s@%s holds the same files already.", self.model, version)
                return version, False
        version = f"{now():%Y%m%dT%H%M%S.%fZ}-{whole[:12]}"
        signer = signer_of(self.keys)
        manifest = {
            **draft,
            **facts,
            "model": self.model,
            "version": version,
            "content_hash": whole,
            "signed_by": None if signer is None else signer.id,
            "token": uuid.uuid4().hex,
        }
        content = to_bytes(manifest)
        whatever = dict(files)
        if signer is not None:
            whatever[SIGNATURE] = json.dumps(signer.sign(content)).encode() + b"\n"
        folder = self.at(version)
        try:
            for name, own in whatever.items():
                self._upload(f"{folder}/{name}", own)
            self._check_complete(folder, whatever)
            there = self.objects.create(f"{folder}/{MANIFEST}", content)
        except BaseException:
            self._give_up(folder)
            raise
        if there is not None:
            # Only the very same files can have this name, published in this microsecond.
            other = parse_manifest(there, self.objects.at(folder))
            if other.get("content_hash") != whole:
                raise StoreError(f"{self.model}@{version} exists already and holds other files.")
            return version, False
        try:
            self._check_complete(folder, whatever)
        except ConflictError:
            self.objects.remove(f"{folder}/{MANIFEST}")
            raise
        return version, True

    def _holds(self, version: str, whole: str) -> bool:
        """Whether a version holds these files, as they should be and signed as it should be."""
        try:
            manifest = self.check(version, *self.manifest(version))
        except (ArtifactError, FileNotFoundError):
            return False
        there = self.objects.walk(self.at(version))
        return content_hash(manifest["files"]) == whole and all(
            name in there and there[name].bytes == own["bytes"]
            for name, own in manifest["files"].items()
        )

    def _upload(self, name: str, content: bytes) -> None:
        """Write an object and read it back, until what is there is right."""
        wanted = hashlib.sha256(content).digest()
        for _ in range(_TRIES):
            self.objects.write(name, content)
            found = hashlib.sha256()
            # Cleared away or altered: the one is noticed at the end, the other is tried again.
            with contextlib.suppress(FileNotFoundError, ArtifactError):
                for piece in self.objects.pieces(name, 0, len(content)):
                    found.update(piece)
            if found.digest() == wanted:
                return
            logger.warning("%s is not what was written; writing it again.", self.objects.at(name))
        raise StoreError(
            f"{self.objects.at(name)!r} was written {_TRIES} times and never read back as it was. "
            "Check the network and the server; no version was published."
        )

    def _check_complete(self, folder: str, files: Mapping[str, bytes]) -> None:
        entries = self.objects.walk(folder)
        whole = all(
            name in entries and entries[name].bytes == len(content)
            for name, content in files.items()
        )
        if CONDEMNED in entries or not whole:
            raise ConflictError(
                f"{self.objects.at(folder)!r} was taken for abandoned and cleared away while it "
                "was still being uploaded. Publish it again, and prune with a longer time."
            )

    def _give_up(self, folder: str) -> None:
        """Clear away what was uploaded, if that can still be done; prune will otherwise."""
        try:
            quick = Objects(self.objects.uri, self.objects.options, patience=2.0)
            if MANIFEST not in quick.names(folder):
                quick.remove_below(folder)
        except Exception as error:
            logger.warning("Left %s behind (%s); prune clears it away.", folder, error)

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
            if max(own.changed for own in entries.values()) > limit:
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
