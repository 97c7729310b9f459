"""Requests that only S3 and servers with the same interface (Ceph, MinIO) know."""

import base64
import hashlib
from collections.abc import Mapping
from typing import Any

PROTOCOLS = ("s3", "s3a")
_ONE_PUT = 64 << 20  # s3fs sends larger objects in parts
_PART = 32 << 20


def connection_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options for s3fs: the user's options, completed by prodcat's defaults.

    Args:
        options: The user's ``storage_options``.

    >>> connection_options({"use_listings_cache": True})["config_kwargs"]["read_timeout"]
    20
    """
    complete = dict(options)
    complete.setdefault("use_listings_cache", False)
    # prodcat and s3fs retry already; retries of botocore on top would take minutes.
    client: dict[str, Any] = {
        "connect_timeout": 5,
        "read_timeout": 20,
        "retries": {"total_max_attempts": 1},
    }
    complete["config_kwargs"] = client | dict(complete.get("config_kwargs", {}))
    return complete


def put(filesystem: Any, path: str, content: bytes) -> None:
    """Write or replace an object.

    Args:
        filesystem: The filesystem of s3fs.
        path: The bucket, and the object's key in it.
        content: The object's bytes.
    """
    if len(content) < _ONE_PUT:
        # The server compares the hash, and refuses content that was damaged on its way.
        filesystem.pipe_file(path, content, chunksize=_PART, ContentMD5=_md5(content))
    else:
        filesystem.pipe_file(path, content, chunksize=_PART)


def put_new(filesystem: Any, path: str, content: bytes) -> None:
    """Ask the server to write an object unless it exists already.

    Args:
        filesystem: The filesystem of s3fs.
        path: The bucket, and the object's key in it.
        content: The object's bytes, few enough for one request.

    Raises:
        FileExistsError: The object exists already.
    """
    filesystem.pipe_file(path, content, mode="create", ContentMD5=_md5(content))


def abort_uploads(filesystem: Any, folder: str, before: float) -> int:
    """Abort unfinished multipart uploads.

    Args:
        filesystem: The filesystem of s3fs.
        folder: The bucket, and the folder in it below which the uploads were begun.
        before: Uploads that were begun after this time go on, in seconds since 1970.

    Returns:
        How many uploads were aborted.
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
