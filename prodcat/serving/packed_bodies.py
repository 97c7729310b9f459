"""Unpack the bodies of requests that are compressed, within the limit of plain bodies.

The limit is checked while a body is unpacked: a small body that would unpack to a large one takes
no more memory and time than a plain body of the largest size.
"""

import zlib
from collections.abc import Sequence

from prodcat.serving.refusal import Refusal, shown

CODINGS = ("gzip", "deflate")
_WINDOW = 16 << 10  # packed bytes that are unpacked at once; what follows a member is copied
_MOST_MEMBERS = 10_000  # parts of a gzip body, each of which takes some time
_GZIP, _ZLIB, _RAW = 31, 15, -15  # the formats, as the number that zlib knows them by


def content_coding(headers: Sequence[str]) -> str | None:
    """The compression of a body.

    Args:
        headers: The values of the header ``Content-Encoding``, which may be there several times.

    Returns:
        One of :data:`CODINGS`; None if the body is not compressed.

    Raises:
        Refusal: With status 415 if the compression is not supported, or there are two.

    >>> content_coding(["X-GZip, identity"])
    'gzip'
    """
    names = [name.strip().lower() for header in headers for name in header.split(",")]
    codings = [name.removeprefix("x-") for name in names if name not in ("", "identity")]
    if not codings:
        return None
    if len(codings) == 1 and codings[0] in CODINGS:
        return codings[0]
    raise Refusal(
        415,
        f"Content-Encoding {shown(', '.join(headers))} is not supported; expected one of "
        f"{list(CODINGS)}, or the body as it is.",
        headers={"Accept-Encoding": ", ".join(CODINGS)},
    )


def unpacked(body: bytes, coding: str, most: int) -> bytes | None:
    """Unpack a body.

    Args:
        body: The compressed bytes.
        coding: One of :data:`CODINGS`.
        most: Maximum number of bytes.

    Returns:
        The unpacked bytes; None if there are more than ``most``, of which no more were unpacked.

    Raises:
        Refusal: With status 400 if the body is damaged, or ends too early.
    """
    packed = memoryview(body)
    pieces: list[bytes] = []
    size = place = members = 0
    member = None
    try:
        while place < len(packed):
            if member is None:
                members += 1
                member = zlib.decompressobj(_format(body, coding, members))
            window = packed[place : place + _WINDOW]
            piece = member.decompress(window, most - size + 1)
            size += len(piece)
            if size > most:
                return None
            if piece:
                pieces.append(piece)
            place += len(window) - len(member.unused_data)
            if member.eof:
                member = None
    except zlib.error as error:
        raise Refusal(400, f"The body is not valid {coding}: {error}.") from error
    if member is not None:
        raise Refusal(400, f"The body ends before the end of its {coding} data. Send all of it.")
    return b"".join(pieces)


def _format(body: bytes, coding: str, members: int) -> int:
    """The number of the format of the next member; ``deflate`` is often sent without its frame."""
    if coding == "gzip" and members <= _MOST_MEMBERS:
        return _GZIP
    if coding == "gzip":
        raise Refusal(
            400,
            f"The body has more than {_MOST_MEMBERS:,} gzip members. Compress it as a whole.",
        )
    if members > 1:
        raise Refusal(400, "The body has bytes after the end of its deflate data.")
    is_framed = body[0] & 0x0F == 8 and int.from_bytes(body[:2], "big") % 31 == 0
    return _ZLIB if is_framed else _RAW
