"""A saved classifier: a folder of JSON and safetensors at any fsspec URI.

    manifest.json       format version, and size and SHA-256 of every other file
    config.json         model and training settings, encoder config, text columns
    taxonomy.json       the tree
    tokenizer.json      the tokenizer, where there is an encoder
    model.safetensors   all weights
    history.json        the training history
    evaluation.json     metrics on the validation titles
    guarantee.json      what guarantees were measured on, where they were
    README.md           a card for people

The manifest is written last, so a folder without one is not a whole artifact.  Nothing in
it is executable: no pickle, no code.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from prodcat.errors import ArtifactError

FORMAT_VERSION = 3
READABLE = (2, 3)
MANIFEST = "manifest.json"
REQUIRED = ("config.json", "taxonomy.json", "model.safetensors")


def write_artifact(uri: str, files: Mapping[str, bytes], version: str) -> None:
    """Write the files, then the manifest.

    Args:
        uri: A folder; made if it is not there.  An artifact that is there is replaced:
            its manifest goes first, so that it never vouches for mixed files.
        files: Contents by name.
        version: Of prodcat, for the manifest.

    Raises:
        ArtifactError: The folder cannot be written.
    """
    import fsspec

    try:
        filesystem, root = fsspec.url_to_fs(uri)
        filesystem.makedirs(root, exist_ok=True)
        manifest_path = f"{root}/{MANIFEST}"
        if filesystem.exists(manifest_path):
            filesystem.rm_file(manifest_path)
        for name, content in files.items():
            filesystem.pipe_file(f"{root}/{name}", content)
        manifest = {
            "format": "prodcat",
            "format_version": FORMAT_VERSION,
            "prodcat_version": version,
            "files": {
                name: {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
                for name, content in files.items()
            },
        }
        filesystem.pipe_file(manifest_path, json.dumps(manifest, indent=2).encode() + b"\n")
    except (OSError, ValueError, ImportError) as error:
        raise ArtifactError(
            f"Cannot write the artifact to {uri!r}: {error}. Check the address, the rights and "
            "the free space."
        ) from error


def read_artifact(uri: str) -> dict[str, bytes]:
    """Read and verify all files.

    Returns:
        Contents by name, without the manifest.

    Raises:
        ArtifactError: There is no artifact, its format is another one, or a file is
            missing, truncated or altered; the message says which.
    """
    import fsspec

    try:
        filesystem, root = fsspec.url_to_fs(uri)
    except (ValueError, ImportError) as error:
        raise ArtifactError(f"Cannot look for {uri!r}: {error}. Check the address.") from error
    manifest = _read_manifest(filesystem, root, uri)
    files: dict[str, bytes] = {}
    for name, expected in manifest["files"].items():
        try:
            content = filesystem.cat_file(f"{root}/{name}")
        except FileNotFoundError as error:
            raise ArtifactError(
                f"The artifact at {uri!r} has no {name}, which its manifest lists. {_REMEDY}"
            ) from error
        if len(content) != expected["bytes"]:
            raise ArtifactError(
                f"{name} in the artifact at {uri!r} has {len(content):,} bytes; its manifest says "
                f"{expected['bytes']:,}. The file was truncated or replaced. {_REMEDY}"
            )
        found = hashlib.sha256(content).hexdigest()
        if found != expected["sha256"]:
            raise ArtifactError(
                f"{name} in the artifact at {uri!r} was altered: SHA-256 {found[:12]}…, its "
                f"manifest says {expected['sha256'][:12]}…. {_REMEDY}"
            )
        files[name] = content
    for name in REQUIRED:
        if name not in files:
            raise ArtifactError(
                f"The manifest of the artifact at {uri!r} does not list {name}. {_REMEDY}"
            )
    return files


_REMEDY = "Save or copy the artifact again."


def _read_manifest(filesystem: Any, root: str, uri: str) -> dict[str, Any]:
    try:
        text = filesystem.cat_file(f"{root}/{MANIFEST}")
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
        found = "nothing"
        if filesystem.exists(root):
            listed = (str(path).rsplit("/", 1)[-1] for path in filesystem.find(root, maxdepth=1))
            found = ", ".join(sorted(listed)[:8]) or "an empty folder"
        raise ArtifactError(
            f"Found no artifact at {uri!r}: it has no {MANIFEST} (found {found}). Check the "
            "address; a folder without a manifest was not written to its end."
        ) from error
    try:
        manifest = json.loads(text)
        version, files = manifest["format_version"], manifest["files"]
    except (ValueError, KeyError, TypeError) as error:
        raise ArtifactError(
            f"{MANIFEST} of the artifact at {uri!r} is damaged. {_REMEDY}"
        ) from error
    if manifest.get("format") != "prodcat" or version not in READABLE:
        raise ArtifactError(
            f"The artifact at {uri!r} has format {manifest.get('format')!r} version {version!r}; "
            f"this prodcat reads 'prodcat' versions {READABLE}. Install the prodcat that "
            f"wrote it ({manifest.get('prodcat_version')!r})."
        )
    if not isinstance(files, dict) or not all(
        isinstance(entry, dict) and {"bytes", "sha256"} <= set(entry) and "/" not in name
        for name, entry in files.items()
    ):
        raise ArtifactError(f"{MANIFEST} of the artifact at {uri!r} is damaged. {_REMEDY}")
    return dict(manifest)
