"""Write a classifier's files as an artifact: a folder, or one archive."""

import os
from collections.abc import Mapping

from prodcat._version import __version__
from prodcat.errors import ArtifactError, StoreError
from prodcat.storage.archive import is_archive, pack
from prodcat.storage.artifact import write_artifact
from prodcat.storage.containers import path_text
from prodcat.storage.manifest import MANIFEST, describe, to_bytes
from prodcat.storage.objects import Objects


def save_files(uri: str | os.PathLike[str], files: Mapping[str, bytes], origin: str | None) -> None:
    """Write the files of a classifier, and their manifest.

    Args:
        uri: A folder at any fsspec URI, or an archive whose name ends with ``.tar.gz``.
        files: The artifact's files by name, without the manifest.
        origin: The version in a store from which the classifier was made, or None.

    Raises:
        ArtifactError: They cannot be written, or ``uri`` looks like a version in a store.
    """
    uri = path_text(uri, "uri", "the path or URI of a folder", ArtifactError)
    folder, _, name = uri.rstrip("/").rpartition("/")
    if "://" in uri and "@" in name and not is_archive(uri):
        raise ArtifactError(
            f"{uri!r} would be read as a version of a store, {name!r}. Name the folder "
            "without an @, or publish the classifier with prodcat.Store."
        )
    facts = describe(files, __version__)
    if origin is not None:
        facts["parent"] = origin
    manifest = to_bytes(facts)
    if is_archive(uri):
        try:
            Objects(folder or ".").write(name, pack({MANIFEST: manifest, **files}))
        except StoreError as error:
            raise ArtifactError(f"Cannot write the artifact to {uri!r}: {error}") from error
    else:
        write_artifact(Objects(uri), files, manifest)
