"""The upload of a version, which is seen once all of it is there and has been read back."""

import contextlib
import hashlib
import json
import logging
import uuid
from collections.abc import Mapping
from typing import Any

from prodcat.errors import ArtifactError, ConflictError, StoreError
from prodcat.storage.aliases import now
from prodcat.storage.manifest import MANIFEST, content_hash, describe, parse_manifest, to_bytes
from prodcat.storage.objects import Objects
from prodcat.storage.signature import signer_of
from prodcat.storage.versions import CONDEMNED, SIGNATURE, Versions

logger = logging.getLogger("prodcat")
_TRIES = 3
_PATIENCE_AFTER_FAULT = 2.0  # seconds


class Publisher:
    """Adds versions of one model.

    Args:
        versions: The versions that there are.
    """

    def __init__(self, versions: Versions) -> None:
        self.versions = versions
        self.objects = versions.objects
        self.signer = signer_of(versions.keys)

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
        published = self._published_before(whole)
        if published is not None:
            return published, False
        version = f"{now():%Y%m%dT%H%M%S.%fZ}-{whole[:12]}"
        manifest = self._manifest({**draft, **facts}, version, whole)
        listed = dict(files)
        if self.signer is not None:
            listed[SIGNATURE] = json.dumps(self.signer.sign(manifest)).encode() + b"\n"
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
        """The version that holds the same files already, or None.

        Args:
            whole: The hash over the files' hashes.
        """
        for version in self.versions.ending(whole[:12]):
            if self._holds(version, whole):
                logger.info("%s@%s holds the same files already.", self.versions.model, version)
                return version
        return None

    def _holds(self, version: str, whole: str) -> bool:
        """Whether a version holds these files, as they should be and signed as it should be."""
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
        """The manifest as its file holds it."""
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
        """Write all files, and the manifest last; see :meth:`Objects.create`."""
        try:
            for name, content in files.items():
                self._upload(f"{folder}/{name}", content)
            self._check_complete(folder, files)
            return self.objects.create(f"{folder}/{MANIFEST}", manifest)
        except BaseException:
            self._give_up(folder)
            raise

    def _upload(self, name: str, content: bytes) -> None:
        """Write an object and read it back, until what is there is right."""
        wanted = hashlib.sha256(content).digest()
        for _ in range(_TRIES):
            self.objects.write(name, content)
            digest = hashlib.sha256()
            # Cleared away or altered: the one is noticed at the end, the other is tried again.
            with contextlib.suppress(FileNotFoundError, ArtifactError):
                for piece in self.objects.pieces(name, 0, len(content)):
                    digest.update(piece)
            if digest.digest() == wanted:
                return
            logger.warning("%s is not what was written; writing it again.", self.objects.at(name))
        raise StoreError(
            f"{self.objects.at(name)!r} was written {_TRIES} times and never read back as it was. "
            "Check the network and the server; no version was published."
        )

    def _check_complete(self, folder: str, files: Mapping[str, bytes]) -> None:
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
        """Refuse another manifest in the place of the one that was to be written.

        Only the very same files can have this name, published in this microsecond.
        """
        other = parse_manifest(winner, self.objects.at(self.versions.at(version)))
        if other.get("content_hash") != whole:
            raise StoreError(
                f"{self.versions.model}@{version} exists already and holds other files."
            )

    def _give_up(self, folder: str) -> None:
        """Clear away what was uploaded, if that can still be done; prune will otherwise."""
        try:
            quick = Objects(self.objects.uri, self.objects.options, patience=_PATIENCE_AFTER_FAULT)
            if MANIFEST not in quick.names(folder):
                quick.remove_below(folder)
        except Exception as error:
            logger.warning("Left %s behind (%s); prune clears it away.", folder, error)
