"""An artifact in one file ``model.tar.gz``, the format that SageMaker expects.

The same files always give the same bytes: times and owners are left out, and the order of the names
is fixed, with the manifest first.  Reading writes nothing to the disk and accepts only regular
files that the manifest lists: links, devices, absolute paths, ``..`` and archives that unpack to
an unexpected size are refused.  An archive also contains code for AWS's servers, which prodcat
never reads: ``inference.py`` at the root for servers of many models, and in ``code/`` for servers
of one model.  Multi Model Server would mistake ``manifest.json`` for a manifest of its own older
format and stop, so the archive also contains a manifest in the server's current format, which
takes precedence.
"""

import gzip
import hashlib
import io
import tarfile
import zlib
from collections.abc import Mapping
from typing import Any

from prodcat.errors import ArtifactError, PlaceError, StoreError
from prodcat.storage.artifact import Artifact
from prodcat.storage.document import json_bytes
from prodcat.storage.manifest import MANIFEST, check_hash, check_size, missing_file, parse_manifest
from prodcat.storage.objects import Objects

_ENDS = (".tar.gz", ".tgz")
_LEVEL = 1  # weights hardly shrink, so speed counts
_MOST_AT_ONCE = 1 << 20
_MOST_MEMBERS = 1_000
_FREE = 64 << 20
_INFERENCE = b"""# For AWS's containers, in which prodcat must be installed: Multi Model Server
# calls handle, the Hugging Face and PyTorch toolkits call the others.
from prodcat.aws.sagemaker import handle, input_fn, model_fn, output_fn, predict_fn

__all__ = ["handle", "input_fn", "model_fn", "output_fn", "predict_fn"]
"""
_SERVED = {
    "specificationVersion": "1.0",
    "runtime": "python",
    "model": {"modelName": "model", "handler": "inference:handle"},
}
_CODE = {
    "inference.py": _INFERENCE,
    "code/inference.py": _INFERENCE,
    "MAR-INF/MANIFEST.json": json_bytes(_SERVED, ascii=True, end=""),
}
_RATIO = 8  # weights shrink to nine tenths of their size, the JSON of a tree to a tenth


def is_archive(uri: str) -> bool:
    """Whether a URI names an archive, judging by its ending.

    >>> is_archive("s3://models/tr/model.tar.gz"), is_archive("s3://models/tr")
    (True, False)
    """
    return uri.lower().endswith(_ENDS)


def pack(files: Mapping[str, bytes]) -> bytes:
    """Pack all files, and the code that AWS's servers run, into one archive.

    Args:
        files: The content of each file by its name, the manifest included.

    Returns:
        The archive's bytes.
    """
    files = {**files, **_CODE}
    packed = _packed(files, _LEVEL)
    if sum(map(len, files.values())) > _most(len(packed)):
        packed = _packed(files, 0)  # otherwise reading would refuse it as a decompression bomb
    return packed


def _packed(files: Mapping[str, bytes], level: int) -> bytes:
    out = io.BytesIO()
    with (
        gzip.GzipFile("", "wb", level, out, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as tar,
    ):
        for name in sorted(files, key=lambda file: (file != MANIFEST, file)):
            member = tarfile.TarInfo(name)
            member.size, member.mode, member.mtime = len(files[name]), 0o644, 0
            tar.addfile(member, io.BytesIO(files[name]))
    return out.getvalue()


def _most(packed: int) -> int:
    """The maximum unpacked size in bytes of an archive of ``packed`` bytes."""
    return max(_FREE, _RATIO * packed)


def read_archive(objects: Objects, name: str) -> Artifact:
    """Read and verify the artifact in an archive.

    Args:
        objects: The folder that the archive is in.
        name: The archive's name in that folder.

    Raises:
        ArtifactError: There is no such archive, it is damaged, or it has members that an
            artifact cannot have.
        PlaceError: Reading exceeded the limits of the place.
    """
    uri = objects.at(name)
    try:
        content = objects.read(name)
        manifest = parse_manifest(_manifest_of(content, uri), uri)
        return Artifact(uri, manifest, _files_of(content, manifest, uri))
    except FileNotFoundError as error:
        raise ArtifactError(f"Found no archive at {uri!r}. Check the address.") from error
    except (ArtifactError, PlaceError):
        raise
    except StoreError as error:
        raise ArtifactError(f"Cannot read the archive {uri!r}: {error}") from error
    except (tarfile.TarError, EOFError, OSError, zlib.error, ValueError) as error:
        raise ArtifactError(
            f"The archive {uri!r} cannot be read: {type(error).__name__}: {error}. Copy it again."
        ) from error


class _Unpacked:
    """The unpacked bytes of an archive as a file, read in small pieces up to a maximum size."""

    def __init__(self, content: bytes, uri: str) -> None:
        self.file = gzip.GzipFile(fileobj=io.BytesIO(content))
        self.most = _most(len(content))
        self.uri = uri

    def read(self, size: int) -> bytes:
        """Read the next bytes."""
        if not 0 <= size <= _MOST_AT_ONCE:
            raise ArtifactError(
                f"The archive {self.uri!r} has a header of {size:,} bytes; expected at most "
                f"{_MOST_AT_ONCE:,}. It was not made by prodcat."
            )
        self._check(self.file.tell() + size)
        return self.file.read(size)

    def seek(self, place: int) -> int:
        """Move to a place, counted in bytes from the start."""
        self._check(place)
        return self.file.seek(place)

    def tell(self) -> int:
        """The place of the next byte, counted from the start."""
        return self.file.tell()

    def _check(self, place: int) -> None:
        if place > self.most:
            raise ArtifactError(
                f"The archive {self.uri!r} unpacks to more than {self.most:,} bytes, more than "
                "any artifact of its size. It was not made by prodcat."
            )


def _members(content: bytes, uri: str) -> Any:
    """Yield name, size and reader of each regular file, in the order of the archive."""
    unpacked: Any = _Unpacked(content, uri)
    with tarfile.open(fileobj=unpacked, mode="r:") as tar:
        for number, member in enumerate(tar):
            path = member.name.removeprefix("./")
            if number == _MOST_MEMBERS:
                raise ArtifactError(f"The archive {uri!r} has more than {number:,} members.")
            if path.startswith("/") or "\\" in path or ".." in path.split("/"):
                raise ArtifactError(
                    f"The archive {uri!r} has a member {member.name[:100]!r}, whose path leads "
                    "out of the archive. It was made to do harm; do not use it."
                )
            if member.issparse() or any("sparse" in key for key in member.pax_headers):
                raise ArtifactError(
                    f"The archive {uri!r} has a member {member.name[:100]!r} with holes, which can "
                    "unpack to any size. Pack the files themselves, without --sparse."
                )
            if not (member.isreg() or member.isdir()):
                raise ArtifactError(
                    f"The archive {uri!r} has a member {member.name[:100]!r} that is a link or a "
                    "device; expected only regular files. Pack the files themselves."
                )
            if member.isreg():
                yield path, member.size, tar.extractfile(member)


def _manifest_of(content: bytes, uri: str) -> bytes:
    """The bytes of the manifest in an archive."""
    for path, size, file in _members(content, uri):
        if path == MANIFEST:
            return bytes(file.read(min(size, _MOST_AT_ONCE)))
    raise ArtifactError(
        f"Found no artifact in {uri!r}: it has no {MANIFEST}; expected the files that `save` wrote "
        "at the root of the archive. Pack the artifact again."
    )


def _files_of(content: bytes, manifest: Mapping[str, Any], uri: str) -> dict[str, bytes]:
    """The content of each file that the manifest lists, verified, by its name."""
    listed = manifest["files"]
    files: dict[str, bytes] = {}
    for path, size, file in _members(content, uri):
        if path not in listed:
            continue  # the manifest itself, or code for a server
        if path in files:
            raise ArtifactError(f"The archive {uri!r} has two members {path!r}. Pack it again.")
        check_size(path, size, listed[path]["bytes"], uri)
        digest, pieces = hashlib.sha256(), []
        while piece := file.read(_MOST_AT_ONCE):
            digest.update(piece)
            pieces.append(piece)
        check_hash(path, digest.hexdigest(), listed[path]["sha256"], uri)
        files[path] = b"".join(pieces)
    for name in listed:
        if name not in files:
            raise missing_file(name, uri)
    return files
