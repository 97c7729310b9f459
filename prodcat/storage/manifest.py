"""The manifest of an artifact: the names, sizes and hashes of its files.

It is written last and read first.  A file that it does not list is not read, and a file whose size
or hash differs from its entry is refused.  Since format version 4 it ends with the SHA-256 of its
other bytes, so that any damage to it is noticed.  Whoever alters it on purpose can alter that hash
too: signatures protect against that.
"""

import hashlib
import importlib.metadata
import platform
import re
from collections.abc import Mapping
from typing import Any

from prodcat.errors import ArtifactError, StoreError
from prodcat.storage.document import json_bytes, read_document
from prodcat.storage.objects import Objects

FORMAT_VERSION = 4
READABLE = (2, 3, 4, 5)
MANIFEST = "manifest.json"
WEIGHTS = "model.safetensors"
MIGRATIONS = "migrations.json"
REQUIRED = ("config.json", "taxonomy.json", WEIGHTS)
KNOWN = (
    *REQUIRED,
    "tokenizer.json",
    "history.json",
    "evaluation.json",
    "guarantee.json",
    MIGRATIONS,
    "README.md",
)
MAX_BYTES = 64 << 30
_SHA256 = re.compile(r"[0-9a-f]{64}")
_MANIFEST_LIMIT = 1 << 20
_SEALED = 4  # the first format version whose manifests end with their hash
# Of classifiers whose tree changed: earlier versions of prodcat would name answers by another tree.
_MIGRATED = 5
_END = b"\n}\n"
# The maximum size in bytes and the maximum number of values of each JSON file.
_LIMITS = {
    "taxonomy.json": (64 << 20, 1_500_000),
    "tokenizer.json": (128 << 20, 4_000_000),
    "evaluation.json": (32 << 20, 500_000),
    MIGRATIONS: (64 << 20, 1_500_000),
}
_LIBRARIES = ("torch", "transformers", "tokenizers", "numpy", "scikit-learn", "safetensors")
REMEDY = "Save or copy the artifact again."


def json_limits(name: str) -> tuple[int, int]:
    """The maximum size in bytes and the maximum number of values of a JSON file of this name.

    >>> json_limits("config.json")
    (4194304, 100000)
    """
    return _LIMITS.get(name, (4 << 20, 100_000))


def describe(files: Mapping[str, bytes], version: str) -> dict[str, Any]:
    """Make the manifest of an artifact.

    Args:
        files: The content of each file by its name.
        version: The version of prodcat.

    Returns:
        The manifest as a JSON object, which :func:`to_bytes` writes.
    """
    return {
        "format": "prodcat",
        "format_version": _MIGRATED if MIGRATIONS in files else FORMAT_VERSION,
        "prodcat_version": version,
        "libraries": libraries(),
        "files": {
            name: {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
            for name, content in files.items()
        },
    }


def content_hash(listed: Mapping[str, Mapping[str, Any]]) -> str:
    """SHA-256 over the names and the hashes of all files in a manifest.

    Args:
        listed: The manifest's entry ``"files"``: size and hash of each file by its name.

    Returns:
        The hash, as 64 hexadecimal digits.
    """
    pairs = sorted((name, entry["sha256"]) for name, entry in listed.items())
    return hashlib.sha256(json_bytes(pairs, ascii=True, end="")).hexdigest()


def to_bytes(manifest: Mapping[str, Any]) -> bytes:
    """The bytes of a manifest's file, whose last entry ``"sha256"`` is the hash of the others.

    Args:
        manifest: The manifest; if it has an entry ``"sha256"``, that is replaced.
    """
    content = json_bytes({k: v for k, v in manifest.items() if k != "sha256"}, indent=2)
    return content.removesuffix(_END) + _seal(content)


def _seal(content: bytes) -> bytes:
    """The end of a manifest's file, with the hash of the file without that entry."""
    return f',\n  "sha256": "{hashlib.sha256(content).hexdigest()}"'.encode() + _END


def _is_sealed(text: bytes) -> bool:
    """Whether a manifest's file ends with the hash of its other bytes."""
    start = len(text) - len(_seal(b""))
    return text[start:] == _seal(text[: max(start, 0)] + _END)


def libraries() -> dict[str, str]:
    """The installed versions of Python and of the packages that affect a model's answers."""
    return {"python": platform.python_version()} | {
        name: importlib.metadata.version(name) for name in _LIBRARIES
    }


def parse_manifest(text: bytes, uri: str) -> dict[str, Any]:
    """Parse a manifest, and check its format and the entries of its files.

    Args:
        text: The bytes of the manifest's file.
        uri: The artifact's address, for messages.

    Returns:
        The manifest, in which ``"files"`` has been checked; other entries may have any type.

    Raises:
        ArtifactError: The manifest is damaged or was altered, or its format version is not
            supported.
    """
    source = f"{MANIFEST} of the artifact at {uri!r}"
    manifest = read_document(text, source, limit=_MANIFEST_LIMIT, values=20_000)
    damaged = ArtifactError(f"{source} is damaged. {REMEDY}")
    if not isinstance(manifest, dict):
        raise damaged
    if "format" not in manifest or manifest.get("format_version") is None:
        raise damaged
    _check_format(manifest, uri)
    if (manifest["format_version"] >= _SEALED or "sha256" in manifest) and not _is_sealed(text):
        raise ArtifactError(
            f"{source} was altered: its last entry is not the SHA-256 of the others. {REMEDY}"
        )
    files = manifest.get("files")
    if not isinstance(files, dict):
        raise damaged
    for name, entry in files.items():
        if name not in KNOWN:
            raise ArtifactError(
                f"{source} is damaged: it lists a file {name[:64]!r}, which no artifact has. "
                f"{REMEDY}"
            )
        if not _is_entry(name, entry):
            raise damaged
    for name in REQUIRED:
        if name not in files:
            raise ArtifactError(
                f"The manifest of the artifact at {uri!r} does not list {name}. {REMEDY}"
            )
    return manifest


def _check_format(manifest: Mapping[str, Any], uri: str) -> None:
    version = manifest["format_version"]
    if manifest["format"] != "prodcat" or version not in READABLE:
        raise ArtifactError(
            f"The artifact at {uri!r} has format {str(manifest['format'])[:64]!r} version "
            f"{str(version)[:64]}; this prodcat reads 'prodcat' versions {READABLE}. Install the "
            f"prodcat that wrote it ({str(manifest.get('prodcat_version'))[:64]!r})."
        )


def _is_entry(name: str, entry: object) -> bool:
    """Whether an entry has a size that is allowed for a file of this name, and a SHA-256."""
    return (
        isinstance(entry, dict)
        and type(entry.get("bytes")) is int
        and 0 <= entry["bytes"] <= (MAX_BYTES if name == WEIGHTS else json_limits(name)[0])
        and isinstance(entry.get("sha256"), str)
        and _SHA256.fullmatch(entry["sha256"]) is not None
    )


def missing_file(name: str, uri: str) -> ArtifactError:
    """The error for a file that the manifest lists but the artifact does not contain."""
    return ArtifactError(
        f"The artifact at {uri!r} has no {name}, which its manifest lists. {REMEDY}"
    )


def check_size(name: str, actual: int, expected: int, uri: str) -> None:
    """Refuse a file whose size differs from the manifest.

    Args:
        name: The file's name.
        actual: The file's size in bytes.
        expected: The size in bytes that the manifest states.
        uri: The artifact's address, for messages.

    Raises:
        ArtifactError: The sizes differ.
    """
    if actual != expected:
        raise ArtifactError(
            f"{name} in the artifact at {uri!r} has {actual:,} bytes; its manifest says "
            f"{expected:,}. The file was truncated or replaced. {REMEDY}"
        )


def check_hash(name: str, actual: str, expected: str, uri: str) -> None:
    """Refuse a file whose hash differs from the manifest.

    Args:
        name: The file's name.
        actual: The file's SHA-256, as hexadecimal digits.
        expected: The SHA-256 that the manifest states.
        uri: The artifact's address, for messages.

    Raises:
        ArtifactError: The hashes differ.
    """
    if actual != expected:
        raise ArtifactError(
            f"{name} in the artifact at {uri!r} was altered: SHA-256 {actual[:12]}…, its "
            f"manifest says {expected[:12]}…. {REMEDY}"
        )


def read_manifest(objects: Objects) -> bytes:
    """Read the bytes of an artifact's manifest.

    Raises:
        ArtifactError: There is no manifest, or it cannot be read.
        PlaceError: Reading exceeded the limits of the place.
    """
    try:
        return objects.start(MANIFEST, _MANIFEST_LIMIT + 1)
    except FileNotFoundError as error:
        names = ", ".join(objects.names("")[:8]) or "nothing"
        raise ArtifactError(
            f"Found no artifact at {objects.uri!r}: it has no {MANIFEST} (found {names}). Check "
            "the address; a folder without a manifest was not written completely."
        ) from error
    except StoreError as error:
        raise ArtifactError(f"Cannot read the artifact at {objects.uri!r}: {error}") from error
