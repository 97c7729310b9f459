"""Uploads a version; readers only see it after it is complete and was read back."""

import contextlib
import hashlib
import logging
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from prodcat.errors import ArtifactError, ConflictError, StoreError
from prodcat.storage.aliases import now
from prodcat.storage.document import json_bytes
from prodcat.storage.manifest import MANIFEST, content_hash, describe, parse_manifest, to_bytes
from prodcat.storage.newest_version import newest_version
from prodcat.storage.versions import CONDEMNED, SIGNATURE, Versions

logger = logging.getLogger("prodcat")
_TRIES = 3
_TIME = "%Y%m%dT%H%M%S.%fZ"
_PATIENCE_AFTER_FAULT = 2.0  # seconds


class Publisher:
    """Adds versions to one model.

    Args:
        versions: The versions of the model.
    """

    def __init__(self, versions: Versions) -> None:
        self.versions = versions
        self.objects = versions.objects
        self.signer = versions.trust.signer

    def publish(
        self, files: Mapping[str, bytes], prodcat_version: str, facts: Mapping[str, Any]
    ) -> tuple[str, bool]:
        """Upload a version, read it back, and only then make it visible.

        Args:
            files: The content of each file of the artifact by its name.
            prodcat_version: The version of prodcat, for the manifest.
            facts: Further entries of the manifest, by name.

        Returns:
            The version's name, and whether it is new: if an earlier version has the same files,
            the name of that version and False.

        Raises:
            StoreError: The version cannot be written.
            ConflictError: Another process removed files of the version during the upload.
        """
        draft = describe(files, prodcat_version)
        whole = content_hash(draft["files"])
        published = self._published_before(whole)
        if published is not None:
            return published, False
        version = f"{self._time():{_TIME}}-{whole[:12]}"
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
        """The version that already has the same files, or None.

        Args:
            whole: The hash over the names and the hashes of all files.
        """
        for version in self.versions.ending(whole[:12]):
            if self._holds(version, whole):
                logger.info("%s@%s already has the same files.", self.versions.model, version)
                return version
        return None

    def _holds(self, version: str, whole: str) -> bool:
        """Whether a version has exactly these files and, if there are keys, one of them signed it.

        Args:
            version: The version's name.
            whole: The hash over the names and the hashes of all files.
        """
        try:
            manifest = self.versions.check(version, *self.versions.manifest(version))
        except (ArtifactError, FileNotFoundError):
            return False
        entries = self.objects.walk(self.versions.at(version))
        return content_hash(manifest["files"]) == whole and all(
            name in entries and entries[name].bytes == listed["bytes"]
            for name, listed in manifest["files"].items()
        )

    def _time(self) -> datetime:
        """The time for the name of a new version: now, or right after that of the newest version.

        So the names are in the order of publication even if the clocks of publishers differ.

        Raises:
            StoreError: The newest version has the latest time that a name can have.
        """
        newest, time = newest_version(self.versions), now()
        if newest is None:
            return time
        try:
            last = datetime.strptime(newest.rpartition("-")[0], _TIME).replace(tzinfo=UTC)
            return max(time, last + timedelta(microseconds=1))
        except (ValueError, OverflowError) as error:
            raise StoreError(
                f"{self.versions.model}@{newest} leaves no time for the name of a later version "
                f"({error}). No version is published so late: delete that one."
            ) from error

    def _manifest(self, description: Mapping[str, Any], version: str, whole: str) -> bytes:
        """The bytes of the manifest's file."""
        manifest = {
            **description,
            "model": self.versions.model,
            "version": version,
            "content_hash": whole,
            "signed_by": None if self.signer is None else self.signer.id,
            "store": self.versions.trust.store,
            "token": uuid.uuid4().hex,
        }
        return to_bytes(manifest)

    def _upload_all(self, folder: str, files: Mapping[str, bytes], manifest: bytes) -> bytes | None:
        """Write all files, then the manifest.

        Returns:
            None if the manifest was written; otherwise the bytes of the manifest that exists.
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
            # An altered object is written again here; a removed one is noticed at the end.
            with contextlib.suppress(FileNotFoundError, ArtifactError):
                for piece in self.objects.pieces(name, 0, len(content)):
                    digest.update(piece)
            if digest.digest() == expected:
                return
            logger.warning("%s was read back altered; writing it again.", self.objects.at(name))
        raise StoreError(
            f"{self.objects.at(name)!r} was written {_TRIES} times, and each time other bytes were "
            "read back. No version was published. Check the network and the server."
        )

    def _check_complete(self, folder: str, files: Mapping[str, bytes]) -> None:
        """Check that no other process has removed files of this upload.

        Raises:
            ConflictError: A file is missing, or the folder is marked for deletion.
        """
        entries = self.objects.walk(folder)
        complete = all(
            name in entries and entries[name].bytes == len(content)
            for name, content in files.items()
        )
        condemned = CONDEMNED in entries and self.versions.is_condemned(folder.rpartition("/")[2])
        if condemned or not complete:
            raise ConflictError(
                f"Another process pruned {self.objects.at(folder)!r} as abandoned while it was "
                "still being uploaded. Publish it again, and prune with a longer unfinished_after."
            )

    def _check_same(self, version: str, winner: bytes, whole: str) -> None:
        """Refuse an existing version of the same name that has other files.

        The name contains the time in microseconds and the start of the files' hash, so an existing
        version should have the same files.

        Args:
            version: The version's name.
            winner: The bytes of the manifest that exists.
            whole: The hash over the names and the hashes of all files.

        Raises:
            StoreError: The existing version has other files.
        """
        other = parse_manifest(winner, self.objects.at(self.versions.at(version)))
        if other.get("content_hash") != whole:
            raise StoreError(
                f"{self.versions.model}@{version} already exists with other files. Publish again."
            )

    def _give_up(self, folder: str) -> None:
        """Remove the uploaded files; if that fails, a later prune removes them."""
        try:
            quick = self.objects.with_patience(_PATIENCE_AFTER_FAULT)
            if MANIFEST not in quick.names(folder):
                quick.remove_below(folder)
        except Exception as error:
            logger.warning("%s was left behind (%s); prune will remove it.", folder, error)
