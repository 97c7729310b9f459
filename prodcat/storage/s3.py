"""Requests that only S3 and servers with the same interface (Ceph, MinIO) support."""

import base64
import contextlib
import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from prodcat.errors import StoreError
from prodcat.storage.faults import error_code, is_taken
from prodcat.storage.places import Budget

PROTOCOLS = ("s3", "s3a")
_ONE_PUT = 64 << 20  # s3fs sends larger objects in parts
_PART = 32 << 20
_PIECE = 1 << 20
_MOST_UNASKED = 4 << 30  # bytes of an object whose size the server does not state


class ConditionError(Exception):
    """An object changed since it was last seen, so a conditional request was refused."""


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


def read(filesystem: Any, path: str, start: int, end: int | None, budget: Budget) -> bytes:
    """Read an object's bytes from ``start`` to before ``end``, or to the object's end.

    Args:
        filesystem: The filesystem of s3fs.
        path: The bucket, and the object's key in it.
        start: The position of the first byte.
        end: The position after the last byte; None for the object's end.
        budget: The limits of reading, to which the bytes are charged.

    Raises:
        FileNotFoundError: There is no such object.
        StoreError: The server sent more bytes than it announced or was asked for.
        PlaceError: Reading cost more than the budget allows.
    """
    from fsspec.asyn import sync

    if end is not None and end <= start:
        return b""
    bucket, key, version = filesystem.split_path(path)
    last = "" if end is None else end - 1
    asked = {"Range": f"bytes={start}-{last}"} if start or end is not None else {}
    asked |= {"VersionId": version} if version else {}
    response = filesystem.call_s3(
        "get_object", Bucket=bucket, Key=key, **asked, timeout=budget.seconds()
    )
    most = _MOST_UNASKED if end is None else end - start
    most = min(most, response.get("ContentLength", most))
    body, largest = response["Body"], budget.most(most)
    content: bytes = sync(filesystem.loop, _read_body, body, largest, timeout=budget.seconds())
    budget.charge(len(content))
    if len(content) > most:
        raise StoreError(
            f"The server sent more than the {most:,} bytes of {path!r} that it "
            "announced. Check the server."
        )
    return content


def names(filesystem: Any, folder: str, most: int, budget: Budget) -> list[str]:
    """The names of the entries of a folder; if there are more than ``most``, some of them.

    Args:
        filesystem: The filesystem of s3fs.
        folder: The bucket, and the folder in it.
        most: After so many names no further ones are requested.
        budget: The limits of reading, to which the names are charged.

    Raises:
        PlaceError: Reading cost more than the budget allows.
    """
    bucket, key, _ = filesystem.split_path(folder)
    start = f"{key}/" if key else ""
    listed: list[str] = []
    more: dict[str, str] = {}
    while True:
        page = filesystem.call_s3(
            "list_objects_v2", Bucket=bucket, Prefix=start, Delimiter="/", **more,
            timeout=budget.seconds(),
        )  # fmt: skip
        keys = [entry["Key"] for entry in page.get("Contents") or []]
        keys += [entry["Prefix"] for entry in page.get("CommonPrefixes") or []]
        names = [name for key in keys if (name := key.removeprefix(start).rstrip("/"))]
        budget.charge(sum(map(len, names)))
        listed += names
        if not page.get("IsTruncated") or len(listed) > most:
            return listed
        more = {"ContinuationToken": page["NextContinuationToken"]}


async def _read_body(body: Any, most: int) -> bytes:
    """Read a response's body to its end, where its checksum is compared, or ``most + 1`` bytes."""
    pieces, left = [], most + 1
    try:
        while left and (piece := await body.read(min(left, _PIECE))):
            pieces.append(piece)
            left -= len(piece)
    finally:
        body.close()
    return b"".join(pieces)


def put(filesystem: Any, path: str, content: bytes) -> None:
    """Write or replace an object.

    Args:
        filesystem: The filesystem of s3fs.
        path: The bucket, and the object's key in it.
        content: The object's bytes.
    """
    if len(content) < _ONE_PUT:
        # The server compares the hash, and refuses content that was damaged in transit.
        filesystem.pipe_file(path, content, chunksize=_PART, ContentMD5=_md5(content))
    else:
        filesystem.pipe_file(path, content, chunksize=_PART)


def put_new(filesystem: Any, path: str, content: bytes) -> None:
    """Ask the server to write an object only if it does not exist.

    Args:
        filesystem: The filesystem of s3fs.
        path: The bucket, and the object's key in it.
        content: The object's bytes, few enough for one request.

    Raises:
        FileExistsError: The object exists already.
    """
    filesystem.pipe_file(path, content, mode="create", ContentMD5=_md5(content))


def tag_of(filesystem: Any, path: str) -> str | None:
    """The tag (ETag) of an object's current content, or None if there is no such object."""
    filesystem.invalidate_cache(path)
    try:
        return str(filesystem.info(path)["ETag"]).strip('"')
    except FileNotFoundError:
        return None


def put_if(
    filesystem: Any,
    path: str,
    content: bytes | Path,
    tag: str | None,
    check: Callable[[], None] = lambda: None,
) -> str:
    """Write an object only if it still has the content that the caller last saw.

    Args:
        filesystem: The filesystem of s3fs.
        path: The bucket, and the object's key in it.
        content: The object's bytes, or a file that holds them.
        tag: The tag of the content that the caller saw (see :func:`tag_of`); None if there was no
            object.
        check: A function that is called right before the request that makes the object visible;
            it may raise an exception to stop the write.

    Returns:
        The tag of the new content.

    Raises:
        ConditionError: The object has other content, or does not exist although a tag is given.
    """
    bucket, key, _ = filesystem.split_path(path)
    at = {"Bucket": bucket, "Key": key}
    if isinstance(content, bytes):
        pieces, size = iter([content]), len(content)
    else:
        pieces, size = _pieces(content), content.stat().st_size
    if size < _ONE_PUT:
        body = b"".join(pieces)
        method, request = "put_object", {**at, "Body": body, "ContentMD5": _md5(body)}
    else:
        method, request = "complete_multipart_upload", _uploaded(filesystem, at, pieces)
    check()
    # Ceph accepts only tags without quotes; other servers may accept only tags with quotes.
    tags = [{"IfNoneMatch": "*"}] if tag is None else [{"IfMatch": tag}, {"IfMatch": f'"{tag}"'}]
    for condition in tags:
        try:
            answer = filesystem.call_s3(method, **request, **condition)
            filesystem.invalidate_cache(path)
            return str(answer["ETag"]).strip('"')
        except OSError as error:
            gone = tag is not None and error_code(error) == "NoSuchKey"
            if not (gone or is_taken(error) or isinstance(error, FileExistsError)):
                raise
    if method != "put_object":
        with contextlib.suppress(OSError):
            filesystem.call_s3("abort_multipart_upload", **at, UploadId=request["UploadId"])
    raise ConditionError(path)


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(_PART):
            yield piece


def _uploaded(filesystem: Any, at: Mapping[str, str], pieces: Iterable[bytes]) -> dict[str, Any]:
    """Upload an object in parts, and return the request that will make it visible to readers."""
    upload = {**at, "UploadId": filesystem.call_s3("create_multipart_upload", **at)["UploadId"]}
    parts = []
    try:
        for number, piece in enumerate(pieces, 1):
            named = {"PartNumber": number, "Body": piece, "ContentMD5": _md5(piece)}
            answer = filesystem.call_s3("upload_part", **upload, **named)
            parts.append({"PartNumber": number, "ETag": answer["ETag"]})
    except BaseException:
        filesystem.call_s3("abort_multipart_upload", **upload)
        raise
    return {**upload, "MultipartUpload": {"Parts": parts}}


def abort_uploads(filesystem: Any, folder: str, before: float) -> int:
    """Abort unfinished multipart uploads.

    Args:
        filesystem: The filesystem of s3fs.
        folder: The bucket, and the folder in it below which the uploads were begun.
        before: Uploads that were begun after this time, in seconds since 1970, are kept.

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
