"""The upload of a version, which readers see once it is complete and has been read back."""

import contextlib
import hashlib
import logging
import uuid
from collections.abc import Mapping
from typing import Any

from prodcat.errors import ArtifactError, ConflictError, StoreError
from prodcat.storage.aliases import now
from prodcat.storage.document import json_bytes
from prodcat.storage.manifest import MANIFEST, content_hash, describe, parse_manifest, to_bytes
from prodcat.storage.objects import Objects
from prodcat.storage.signature import signer_of
from prodcat.storage.versions import CONDEMNED, SIGNATURE, Versions

logger = logging.getLogger("prodcat")
_TRIES = 3
_PATIENCE_AFTER_FAULT = 2.0  # seconds


class Publisher:
    """Adds versions to one model.

    Args:
        versions: The versions of the model.
    """

    def __init__(self, versions: Versions) -> None:
        self.versions = versions
        self.objects = versions.objects
        self.signer = signer_of(versions.keys)

    def publish(
        self, files: Mapping[str, bytes], prodcat_version: str, facts: Mapping[str, Any]
    ) -> tuple[str, bool]:
        """Upload a version, read it back, and only then make it visible.

        Args:
            files: The content of each file of the artifact by its name.
            prodcat_version: The version of prodcat, for the manifest.
            facts: Further entries of the manifest.

        Returns:
            The version's name, and whether it is new; if an earlier version holds the same
            files, that version is returned.

        Raises:
            StoreError: The version cannot be written.
            ConflictError: Another process removed its files during the upload.
        """
        draft = describe(files, prodcat_version)
        whole = content_hash(draft["files"])
        published = self._published_before(whole)
        if published is not None:
            return published, False
        version = f"{now():%Y%m%dT%H%M%S.%fZ}-{whole[:12]}"
        manifest = self._manifest({**draft, **facts}, version, whole)
        listed = dict(files)
        if self.signer is not None:
            listed[SIGNATURE] = json_bytes(self.signer.sign(manifest), ascii=True)
        folder = self.versions.at(version)
        winner = self._upload_all(folder, listed, manifest)
        if winner is not None:
            self._check_same(version, winner, whole)
            return version, False
        try:
            self._check_complete(folder, listed)
        except ConflictError:
            self.objects.remove(f"{folder}/{MANIFEST}")
            raise
        return version, True

    def _published_before(self, whole: str) -> str | None:
        """The version that already holds the same files, or None.

        Args:
            whole: The hash over the names and the hashes of all files.
        """
        for version in self.versions.ending(whole[:12]):
            if self._holds(version, whole):
                logger.info("%s@%s holds the same files already.", self.versions.model, version)
                return version
        return None

    def _holds(self, version: str, whole: str) -> bool:
        """Whether a version holds exactly these files, and is signed by one of the keys."""
        try:
            manifest = self.versions.check(version, *self.versions.manifest(version))
        except (ArtifactError, FileNotFoundError):
            return False
        entries = self.objects.walk(self.versions.at(version))
        return content_hash(manifest["files"]) == whole and all(
            name in entries and entries[name].bytes == listed["bytes"]
            for name, listed in manifest["files"].items()
        )

    def _manifest(self, description: Mapping[str, Any], version: str, whole: str) -> bytes:
        """The bytes of the manifest's file."""
        manifest = {
            **description,
            "model": self.versions.model,
            "version": version,
            "content_hash": whole,
            "signed_by": None if self.signer is None else self.signer.id,
            "token": uuid.uuid4().hex,
        }
        return to_bytes(manifest)

    def _upload_all(self, folder: str, files: Mapping[str, bytes], manifest: bytes) -> bytes | None:
        """Write all files, then the manifest.

        Returns:
            None if the manifest was written; otherwise the one that exists.
        """
        try:
            for name, content in files.items():
                self._upload(f"{folder}/{name}", content)
            self._check_complete(folder, files)
            return self.objects.create(f"{folder}/{MANIFEST}", manifest)
        except BaseException:
            self._give_up(folder)
            raise

    def _upload(self, name: str, content: bytes) -> None:
        """Write an object and read it back, until the bytes are the same."""
        expected = hashlib.sha256(content).digest()
        for _ in range(_TRIES):
            self.objects.write(name, content)
            digest = hashlib.sha256()
            # An altered object is written again; a removed one is noticed at the end.
            with contextlib.suppress(FileNotFoundError, ArtifactError):
                for piece in self.objects.pieces(name, 0, len(content)):
                    digest.update(piece)
            if digest.digest() == expected:
                return
            logger.warning("%s is not what was written; writing it again.", self.objects.at(name))
        raise StoreError(
            f"{self.objects.at(name)!r} was written {_TRIES} times and never read back as it was. "
            "Check the network and the server; no version was published."
        )

    def _check_complete(self, folder: str, files: Mapping[str, bytes]) -> None:
        """Refuse to go on if another process has removed files of this upload."""
        entries = self.objects.walk(folder)
        complete = all(
            name in entries and entries[name].bytes == len(content)
            for name, content in files.items()
        )
        if CONDEMNED in entries or not complete:
            raise ConflictError(
                f"{self.objects.at(folder)!r} was taken for abandoned and cleared away while it "
                "was still being uploaded. Publish it again, and prune with a longer time."
            )

    def _check_same(self, version: str, winner: bytes, whole: str) -> None:
        """Refuse a version of the same name that holds other files.

        The name contains the time in microseconds and the start of the files' hash, so an
        existing version can only be one of the same files.
        """
        other = parse_manifest(winner, self.objects.at(self.versions.at(version)))
        if other.get("content_hash") != whole:
            raise StoreError(
                f"{self.versions.model}@{version} exists already and holds other files."
            )

    def _give_up(self, folder: str) -> None:
        """Remove the uploaded files; if that fails, a later prune removes them."""
        try:
            quick = Objects(self.objects.uri, self.objects.options, patience=_PATIENCE_AFTER_FAULT)
            if MANIFEST not in quick.names(folder):
                quick.remove_below(folder)
        except Exception as error:
            logger.warning("Left %s behind (%s); prune clears it away.", folder, error)
