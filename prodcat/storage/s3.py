"""What is special about S3 and servers with the same interface (Ceph, MinIO)."""

import base64
import hashlib
from collections.abc import Mapping
from typing import Any

PROTOCOLS = ("s3", "s3a")
_ONE_PUT = 64 << 20  # s3fs sends larger objects in parts
_PART = 32 << 20


def connection_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options for s3fs: those of the user, and where there are none those that suit prodcat.

    Args:
        options: The user's ``storage_options``.
    """
    complete = dict(options)
    complete.setdefault("use_listings_cache", False)
    # Retries are counted by prodcat and by s3fs; a third count would take minutes.
    client: dict[str, Any] = {
        "connect_timeout": 5,
        "read_timeout": 20,
        "retries": {"total_max_attempts": 1},
    }
    complete["config_kwargs"] = client | dict(complete.get("config_kwargs", {}))
    return complete


def put(filesystem: Any, path: str, content: bytes) -> None:
    """Write an object, or replace it.

    Args:
        filesystem: The filesystem of s3fs.
        path: The bucket, and the object's key in it.
        content: The object's bytes.
    """
    if len(content) < _ONE_PUT:
        # The server compares the hash: what was damaged on its way is refused.
        filesystem.pipe_file(path, content, chunksize=_PART, ContentMD5=_md5(content))
    else:
        filesystem.pipe_file(path, content, chunksize=_PART)


def put_new(filesystem: Any, path: str, content: bytes) -> None:
    """Ask the server to write an object only where there is none.

    Args:
        filesystem: The filesystem of s3fs.
        path: The bucket, and the object's key in it.
        content: The object's bytes, few enough for one request.

    Raises:
        FileExistsError: There is one.
    """
    filesystem.pipe_file(path, content, mode="create", ContentMD5=_md5(content))


def abort_uploads(filesystem: Any, folder: str, before: float) -> int:
    """Give up uploads in parts that were begun before a time and never ended.

    Args:
        filesystem: The filesystem of s3fs.
        folder: The bucket, and the folder in it below which they were begun.
        before: Seconds since 1970.

    Returns:
        How many there were.
    """
    bucket, key, _ = filesystem.split_path(folder)
    count = 0
    markers: dict[str, str] = {}
    while True:
        page = filesystem.call_s3(
            "list_multipart_uploads", Bucket=bucket, Prefix=f"{key}/", **markers
        )
        for upload in page.get("Uploads") or []:
            if upload["Initiated"].timestamp() <= before:
                filesystem.call_s3(
                    "abort_multipart_upload",
                    Bucket=bucket,
                    Key=upload["Key"],
                    UploadId=upload["UploadId"],
                )
                count += 1
        if not page.get("IsTruncated"):
            return count
        markers = {
            "KeyMarker": page["NextKeyMarker"],
            "UploadIdMarker": page["NextUploadIdMarker"],
        }


def _md5(content: bytes) -> str:
    return base64.b64encode(hashlib.md5(content, usedforsecurity=False).digest()).decode()
