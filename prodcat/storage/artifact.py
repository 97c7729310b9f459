"""A saved classifier: a folder of JSON and safetensors at any fsspec URI.

    manifest.json       format version, and size and SHA-256 of every other file
    config.json         model and training settings, encoder config, text columns
    taxonomy.json       the tree
    tokenizer.json      the tokenizer, where there is an encoder
    model.safetensors   all weights
    history.json        the training history
    evaluation.json     metrics on the validation titles
    guarantee.json      the rows on which guarantees were measured, if there are guarantees
    migrations.json     earlier trees and what was done, if the tree changed since the training
    README.md           a model card for people

The manifest is written last, so a folder without one is not a complete artifact.  Nothing in an
artifact is executable: it contains no pickle and no code.  As the files may have been made to do
harm, sizes are compared before anything is read, hashes are compared before anything is parsed, and
the size of JSON is limited.
"""

import hashlib
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prodcat.errors import ArtifactError, ProdcatError, StoreError
from prodcat.storage.document import check_document, count_values, read_document
from prodcat.storage.manifest import (
    MANIFEST,
    REMEDY,
    WEIGHTS,
    check_hash,
    check_size,
    json_limits,
    missing_file,
    parse_manifest,
)
from prodcat.storage.objects import Objects
from prodcat.storage.verified_files import is_intact, open_cached

if TYPE_CHECKING:
    from torch import Tensor

_MOST_TENSORS = 2_000
_MOST_MANIFEST = 1 << 20  # bytes


@dataclass(frozen=True)
class Artifact:
    """A verified artifact: every file has the size and the hash that the manifest states.

    Attributes:
        uri: The artifact's address, for messages.
        manifest: The artifact's manifest.
        files: The content of each file by its name, or the path of its copy in the cache.
    """

    uri: str
    manifest: Mapping[str, Any]
    files: Mapping[str, bytes | Path]

    def read(self, name: str) -> bytes:
        """Read the content of one file.

        Raises:
            ArtifactError: The file was altered in the cache since it was verified.
            StoreError: Another user may have written to the cache.
        """
        content = self.files[name]
        if isinstance(content, bytes):
            return content
        with open_cached(content) as file:
            read = file.read()
        if hashlib.sha256(read).hexdigest() != self.manifest["files"][name]["sha256"]:
            raise self._altered(name)
        return read

    def text(self, name: str, values: int | None = None) -> str:
        """Read a JSON document that another library will parse, and check its size.

        Args:
            name: The file's name.
            values: The maximum number of values for this caller; None, or a number above the
                usual maximum for files of this name, means the usual maximum.

        Returns:
            The text of the document.

        Raises:
            ArtifactError: The document is too large, is not UTF-8, or was altered in the cache.
            StoreError: Another user may have written to the cache.
        """
        content, source = self.read(name), self._source(name)
        limit, most = json_limits(name)
        check_document(content, source, limit=limit, values=min(values or most, most))
        try:
            return content.decode()
        except UnicodeDecodeError as error:
            raise ArtifactError(f"{source} is not UTF-8: {error}. {REMEDY}") from error

    def document(self, name: str) -> Any:
        """Read and parse a JSON document.

        Raises:
            ArtifactError: The document is too large, is nested too deep, is not JSON, or was
                altered in the cache.
            StoreError: Another user may have written to the cache.
        """
        limit, values = json_limits(name)
        return read_document(self.read(name), self._source(name), limit=limit, values=values)

    def _source(self, name: str) -> str:
        """The description of a file of this artifact for messages."""
        return f"{name} in the artifact at {self.uri!r}"

    def _altered(self, name: str) -> ArtifactError:
        return ArtifactError(
            f"{self._source(name)} was altered in the cache while it was loaded. Load it again; if "
            "that does not help, something else writes to the cache: name another folder for it."
        )

    def shapes(self) -> dict[str, tuple[str, tuple[int, ...]]]:
        """Read the type and shape of each tensor from the header of the weights' file.

        Returns:
            By the tensor's name: the type as safetensors writes it (such as ``"F32"``), and the
            shape.

        Raises:
            ArtifactError: The header is damaged, or inconsistent with the size of the file.
            StoreError: Another user may have written to the cache.
        """
        content = self.files[WEIGHTS]
        if isinstance(content, bytes):
            return _shapes(content[:8], lambda end: content[8:end], len(content), self.uri)
        with open_cached(content) as file:
            size = os.fstat(file.fileno()).st_size
            return _shapes(file.read(8), lambda end: file.read(end - 8), size, self.uri)

    def tensors(self) -> "dict[str, Tensor]":
        """Load the weights by name; a file in the cache is mapped into memory.

        Raises:
            ArtifactError: The weights cannot be read, or were altered in the cache.
            StoreError: Another user may have written to the cache.
        """
        from safetensors import SafetensorError
        from safetensors.torch import load

        content = self.files[WEIGHTS]
        try:
            tensors: dict[str, Tensor]
            tensors = load(content) if isinstance(content, bytes) else self._mapped(content)
            return tensors
        except ProdcatError:
            raise
        except (SafetensorError, ValueError, KeyError, OverflowError) as error:
            raise ArtifactError(
                f"{self._source(WEIGHTS)} cannot be read: {type(error).__name__}: {error}. {REMEDY}"
            ) from error

    def _mapped(self, path: Path) -> "dict[str, Tensor]":
        """Verify the weights' file in the cache, and map the same opened file into memory."""
        from safetensors.torch import load, load_file

        with open_cached(path) as file:
            if not is_intact(file.fileno(), self.manifest["files"][WEIGHTS]["sha256"]):
                raise self._altered(WEIGHTS)
            opened = Path(f"/dev/fd/{file.fileno()}")
            tensors: dict[str, Tensor]
            tensors = load_file(opened) if opened.exists() else load(file.read())
            return tensors


def _shapes(start: bytes, rest: Any, size: int, uri: str) -> dict[str, tuple[str, tuple[int, ...]]]:
    source = f"The header of {WEIGHTS} in the artifact at {uri!r}"
    length = int.from_bytes(start, "little")
    if len(start) < 8 or length > size - 8:
        raise ArtifactError(
            f"{source} would have {length:,} bytes; expected fewer than the {size:,} bytes of the "
            f"whole file. {REMEDY}"
        )
    if length > 16 << 20:
        raise ArtifactError(
            f"{source} has {length:,} bytes; expected at most {16 << 20:,}. {REMEDY}"
        )
    header = read_document(rest(8 + length), source, limit=16 << 20, values=500_000)
    if isinstance(header, dict) and len(header) > _MOST_TENSORS:
        raise ArtifactError(
            f"{source} names {len(header):,} tensors; expected at most {_MOST_TENSORS:,}. {REMEDY}"
        )
    shapes = {}
    try:
        for name, entry in header.items():
            if name == "__metadata__":
                continue
            shape, (begin, end) = tuple(entry["shape"]), entry["data_offsets"]
            if not all(type(axis) is int and axis >= 0 for axis in (*shape, begin, end)):
                raise ValueError(f"{name} has no shape")
            if not begin <= end <= size - 8 - length or math.prod(shape) > 2 * (end - begin):
                raise ValueError(f"{name} is not within the file")
            shapes[name] = str(entry["dtype"]), shape
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ArtifactError(f"{source} is damaged: {error}. {REMEDY}") from error
    return shapes


# -- writing ----------------------------------------------------------------------


def check_loadable(name: str, content: bytes, values: int | None = None) -> None:
    """Refuse to write JSON that :meth:`Artifact.text` would refuse to read back.

    Args:
        name: The file's name.
        content: The file's bytes.
        values: The maximum number of values; see :meth:`Artifact.text`.

    Raises:
        ArtifactError: The document is too large.
    """
    limit, most = json_limits(name)
    most = min(values or most, most)
    count = count_values(content)
    if len(content) > limit or count > most:
        raise ArtifactError(
            f"{name} of this classifier would have {len(content):,} bytes and some {count:,} "
            f"values; expected at most {limit:,} and {most:,}, since more is refused when it is "
            "loaded. Use a smaller tree or tokenizer, or fewer languages of the tree's names."
        )


def write_artifact(objects: Objects, files: Mapping[str, bytes], manifest: bytes) -> None:
    """Write the files of an artifact, then its manifest.

    Args:
        objects: The folder.  An artifact that it contains is replaced, with all of its files; its
            manifest is removed first, so that no manifest ever describes a mixture of files.
        files: The content of each file by its name.
        manifest: The bytes of the manifest's file; see
            :func:`~prodcat.storage.manifest.describe` and
            :func:`~prodcat.storage.manifest.to_bytes`.

    Raises:
        ArtifactError: The folder cannot be written to.
    """
    try:
        stale = _listed_files(objects) - files.keys()
        objects.remove(MANIFEST)
        for name in sorted(stale):
            objects.remove(name)
        for name, content in files.items():
            objects.write(name, content)
        objects.write(MANIFEST, manifest)
    except StoreError as error:
        raise ArtifactError(f"Cannot write the artifact to {objects.uri!r}: {error}") from error


def _listed_files(objects: Objects) -> set[str]:
    """The names of the files of an artifact in a folder; none if it has no readable manifest."""
    try:
        content = objects.start(MANIFEST, _MOST_MANIFEST)
        return set(parse_manifest(content, objects.uri)["files"])
    except (FileNotFoundError, ProdcatError):
        return set()


# -- reading ----------------------------------------------------------------------


def read_near(objects: Objects, manifest: Mapping[str, Any], uri: str) -> dict[str, bytes]:
    """Read and verify all files of an artifact that is on this machine's disk or in memory.

    Args:
        objects: The folder.
        manifest: The artifact's manifest.
        uri: The artifact's address, for messages.

    Returns:
        The content of each file by its name.

    Raises:
        ArtifactError: A file is missing, truncated or altered; the message says which one.
        StoreError: A file cannot be read.
        PlaceError: Reading exceeded the limits of the place.
    """
    files: dict[str, bytes] = {}
    for name, entry in manifest["files"].items():
        try:
            check_size(name, objects.size(name), entry["bytes"], uri)
            content = objects.start(name, entry["bytes"] + 1)
        except FileNotFoundError as error:
            raise missing_file(name, uri) from error
        check_size(name, len(content), entry["bytes"], uri)
        check_hash(name, hashlib.sha256(content).hexdigest(), entry["sha256"], uri)
        files[name] = content
    return files
