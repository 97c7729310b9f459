"""Faults of stores: whether a fault is temporary, and what the user can do about it.

Stores raise exceptions of many packages (fsspec, botocore, aiohttp, the operating system).  Only
this module decides what each of them means.
"""

import contextlib
import errno
from collections.abc import Iterator
from typing import Any

from prodcat.errors import StoreError

_PASSING_CODES = {
    "SlowDown", "ServiceUnavailable", "InternalError", "RequestTimeout", "OperationAborted",
    "Throttling", "ThrottlingException", "RequestLimitExceeded", "TooManyRequestsException",
    "BadDigest", "XAmzContentSHA256Mismatch", "IncompleteBody", "ConditionalRequestConflict",
    "500", "502", "503", "504", "429",
    "UnknownError",  # Ceph's answer for an object that is being replaced
}  # fmt: skip
_TAKEN_CODES = {"PreconditionFailed", "412"}
# The classes of botocore and aiohttp for faults of the network, by name.
_NETWORK = {
    "HTTPClientError", "ConnectionError", "IncompleteReadError", "ChecksumError",
    "FlexibleChecksumError", "ClientConnectionError", "ClientPayloadError", "ServerTimeoutError",
}  # fmt: skip
_HINTS = {
    "ExpiredToken": "The credentials have expired: renew them",
    "ExpiredTokenException": "The credentials have expired: renew them",
    "TokenRefreshRequired": "The credentials have expired: renew them",
    "RequestExpired": "The credentials have expired: renew them",
    "InvalidToken": "The session token is not valid: renew the credentials",
    "InvalidAccessKeyId": "The server does not know this access key: check the credentials",
    "SignatureDoesNotMatch": "The secret does not belong to the access key: check the credentials",
    "RequestTimeTooSkewed": "The clock of this machine is wrong: set it",
    "NoSuchBucket": "There is no such bucket: check the address, or make the bucket",
    "AccessDenied": "These credentials lack the right: ask for s3:ListBucket, s3:GetObject and, "
    "to write, s3:PutObject and s3:DeleteObject here",
    "XAmzContentSHA256Mismatch": "The server read other bytes than were sent: if it does not "
    "support checksums after the body, set AWS_REQUEST_CHECKSUM_CALCULATION=when_required",
}
_ERRNO_HINTS = {
    errno.ENOSPC: "The disk is full: free some space, or name another place",
    errno.EDQUOT: "The disk quota is used up: free some space, or name another place",
    errno.EFBIG: "The file is larger than this place allows: name another place",
    errno.EROFS: "This place can only be read: name another one",
    errno.EACCES: "The rights are missing: check who may write here",
    errno.EPERM: "The rights are missing: check who may write here",
    errno.ENOTDIR: "A part of the path is a file: check the address",
}
_PASSING_ERRNOS = {errno.EBUSY, getattr(errno, "EREMOTEIO", errno.EIO), errno.ETIMEDOUT}


class TruncatedError(ConnectionError):
    """An object ended too soon, although the connection reported no fault."""


def error_code(error: BaseException | None) -> str | None:
    """The error code in the server's response, such as ``"NoSuchBucket"``, or None."""
    while error is not None:
        response = getattr(error, "response", None)
        if isinstance(response, dict):
            return str(response.get("Error", {}).get("Code"))
        error = error.__cause__
    return None


def is_missing_bucket(error: Exception) -> bool:
    """Whether the bucket itself does not exist."""
    return error_code(error) == "NoSuchBucket"


def is_taken(error: Exception) -> bool:
    """Whether the server refused to write because the object exists already."""
    return error_code(error) in _TAKEN_CODES


def is_from_client(error: Exception) -> bool:
    """Whether a fault comes from the packages that talk to servers."""
    return type(error).__module__.split(".")[0] in ("botocore", "aiobotocore", "aiohttp")


def is_corrupt(error: Exception) -> bool:
    """Whether an object arrived altered or truncated."""
    return "Checksum" in type(error).__name__ or isinstance(error, TruncatedError)


def passes(error: Exception) -> bool:
    """Whether a fault is temporary, so that the same request may succeed later."""
    code = error_code(error)
    if code is not None:
        return code in _PASSING_CODES
    status = getattr(error, "status", None)  # the answer of a plain HTTP server
    if isinstance(status, int):
        return status >= 500 or status in (408, 429)
    if is_from_client(error):
        if "CERTIFICATE_VERIFY_FAILED" in str(error):
            return False
        return any(kind.__name__ in _NETWORK for kind in type(error).__mro__)
    passing = (ConnectionError, TimeoutError)
    return isinstance(error, passing) or getattr(error, "errno", None) in _PASSING_ERRNOS


def nothing_there(error: Exception) -> list[Any]:
    """Return an empty listing for a missing folder, unless its bucket is missing too.

    Args:
        error: The fault with which listing the folder failed.

    Raises:
        Exception: ``error`` itself, if the bucket does not exist.
    """
    if is_missing_bucket(error):
        raise error
    return []


def explained(
    verb: str, uri: str, error: Exception, *, is_local: bool, seconds: float | None = None
) -> StoreError:
    """Make an error that says what was attempted, what went wrong and what to do.

    Args:
        verb: What was attempted, such as ``"read"``.
        uri: The object's URI.
        error: The fault.
        is_local: Whether the object is a file on this machine.
        seconds: For how many seconds the operation was retried, if the fault is temporary;
            otherwise None.

    Returns:
        The error to raise; ``unreachable`` is true if the fault is temporary.
    """
    code = error_code(error)
    reason = str(error).strip().rstrip(".") or type(error).__name__
    if code and code not in reason:
        reason = f"{code}: {reason}"
    if seconds is not None:
        hint = f"Tried for {seconds:.0f} seconds: check the network and the server"
    elif code in _HINTS:
        hint = _HINTS[code]
    elif "ProfileNotFound" in type(error).__name__:
        hint = "Set AWS_PROFILE to one of the profiles in ~/.aws, or unset it"
    elif isinstance(error, (TypeError, ValueError)):
        hint = "Check the address, the endpoint and storage_options"
    elif "credentials" in reason.lower():
        hint = "Give credentials: a role, AWS_PROFILE, or storage_options"
    elif isinstance(error, PermissionError) and not is_local:
        hint = _HINTS["AccessDenied"]
    else:
        hint = _ERRNO_HINTS.get(getattr(error, "errno", None) or 0, "Check the address")
    fault = StoreError(f"Cannot {verb} {uri!r}: {reason}. {hint}.")
    fault.unreachable = seconds is not None
    return fault


def explain_disk(error: OSError) -> str:
    """Describe a fault of this machine's disk in two sentences: the fault, and what to do."""
    hint = _ERRNO_HINTS.get(error.errno or 0, "Check the disk")
    return f"{error.strerror or error}. {hint}."


@contextlib.contextmanager
def store_faults(uri: str) -> Iterator[None]:
    """A context manager that turns faults of the store into a StoreError.

    Other errors, such as those of a damaged file, are passed on unchanged.

    Args:
        uri: The URI of the file that is read in the context, for the message.

    Raises:
        StoreError: The store failed.
    """
    try:
        yield
    except Exception as error:
        fault = _read_fault(uri, error)
        if fault is None:
            raise
        raise fault from error


def _read_fault(uri: str, error: Exception) -> StoreError | None:
    """The error to raise for a fault of the store, or None for a fault of the file."""
    of_store = isinstance(error, OSError) or is_from_client(error)
    if not of_store or isinstance(error, FileNotFoundError):
        return None
    may_pass = passes(error)
    if not (may_pass or is_from_client(error) or error_code(error)):
        return None
    hint = "Check the network and the server" if may_pass else "Check the address and the rights"
    fault = StoreError(f"Cannot read {uri!r}: {str(error).strip().rstrip('.')}. {hint}.")
    fault.unreachable = may_pass
    return fault
