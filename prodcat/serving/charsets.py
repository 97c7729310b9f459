"""Decode the text of a body in the ``charset`` that its ``Content-Type`` names.

CSV may have the encodings that the reader of files knows.  JSON is always UTF-8 (RFC 8259).
Nothing is guessed: a body may be too short for that.
"""

import codecs
from encodings.aliases import aliases
from functools import lru_cache

from prodcat.serving.refusal import Refusal, shown
from prodcat.storage.legacy_encodings import LEGACY_ENCODINGS
from prodcat.storage.text_decoding import marked_encoding
from prodcat.storage.wide_encodings import unmarked_encoding

_UNICODE = ("utf-8", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "us-ascii")
# The encodings, with the names that they have on the internet.
CHARSETS = tuple(
    name.replace("cp125", "windows-125").replace("iso8859", "iso-8859").replace("16-", "16")
    for name in (*_UNICODE, *LEGACY_ENCODINGS)
)
_WITH_MARK = {  # the byte order mark with which a body in an encoding may begin
    "utf-8": (codecs.BOM_UTF8,),
    "utf-16": (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE),
    "utf-16-le": (codecs.BOM_UTF16_LE,),
    "utf-16-be": (codecs.BOM_UTF16_BE,),
    "utf-32": (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE),
}
_ORDERED = ("utf-16-le", "utf-16-be")
_MARK_STARTS = b"\xef\xff\xfe\x00"  # the first bytes of all byte order marks
_OTHER_FILES = {  # how files that are no text begin, what they are, and what to do
    b"\x1f\x8b": ("packed with gzip", "Name that in the header: Content-Encoding: gzip"),
    b"PK\x03\x04": ("a ZIP archive or a workbook", "Save the table as CSV in UTF-8"),
    b"PAR1": ("a Parquet file", "Name that in the header: Content-Type: application/x-parquet"),
}


def _folded(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())


def _codecs() -> dict[str, str]:
    """Python's name of each supported encoding, by its names without case and signs."""
    labels: dict[str, str] = {}
    for name in (*_UNICODE, *LEGACY_ENCODINGS):
        codec = codecs.lookup(name).name
        spelled = name.replace("-", "_")
        module = aliases.get(spelled, spelled)
        others = [alias for alias, target in aliases.items() if target == module]
        labels |= {_folded(label): codec for label in (name, module, *others)}
    return labels


_CODECS = _codecs()


@lru_cache(maxsize=64)
def _codec_of(charset: str) -> str | None:
    """Python's name of a supported encoding; None for another one."""
    return _CODECS.get(_folded(charset))


def check_json_charset(charset: str | None) -> None:
    """Refuse a charset that JSON cannot have.

    Args:
        charset: The parameter ``charset`` of the ``Content-Type``, or None.

    Raises:
        Refusal: With status 415 if it is not UTF-8, or ASCII, which is a part of it.
    """
    if charset is not None and _codec_of(charset) not in ("utf-8", "ascii"):
        raise Refusal(
            415,
            f"The charset {shown(charset)} is not supported for JSON, which is always UTF-8 "
            "(RFC 8259). Send it as UTF-8, without a charset.",
        )


def decoded_text(body: bytes, charset: str | None) -> str:
    """Decode the text of a CSV body; a byte order mark is dropped.

    Args:
        body: The bytes of the body.
        charset: The parameter ``charset`` of the ``Content-Type``; None for UTF-8, or for what a
            byte order mark says.

    Raises:
        Refusal: With status 415 if the charset is not supported, or 400 if the body does not fit
            it or has NUL characters.
    """
    is_plain = charset is None and body[:1] not in _MARK_STARTS
    codec = "utf-8" if is_plain else _codec(body, charset)
    try:
        text = body.decode(codec)
    except UnicodeError as error:
        name = codec.upper() if charset is None else charset
        raise Refusal(
            400, f"The body is not valid {name}: {error}. {_advice(body, codec, charset)}."
        ) from error
    if "\0" in text:
        raise Refusal(
            400,
            f"The body has NUL characters as {codec.upper()}; expected text. "
            f"{_advice(body, codec, charset)}.",
        )
    # The decoders of UTF-16 and UTF-32 drop the mark themselves.
    return text if codec in ("utf-16", "utf-32") else text.removeprefix("\ufeff")


def _advice(body: bytes, codec: str, charset: str | None) -> str:
    """What to do about a body that is no text in its encoding: what its bytes show to be of use.

    Args:
        body: The bytes of the body.
        codec: Python's name of the encoding in which it was decoded.
        charset: The parameter ``charset`` of the ``Content-Type``, or None.
    """
    other = advice_for_other_file(body)
    if other is not None:
        return other
    if codec.startswith(("utf-16", "utf-32")):
        named = "" if charset is None else f", or correct charset={charset} in the header"
        return f"Send the whole text{named}"
    if b"\0" in body:
        return _advice_for_zeros(body)
    if codec != "utf-8":
        return f"Correct charset={charset} in the header, or send UTF-8"
    if _has_half_pairs(body):
        return "It has surrogates, which are halves of characters. Send whole characters"
    name = "Name its encoding" if charset is None else f"Correct charset={charset}"
    return (
        f"{name} in the header, such as Content-Type: text/csv; charset=windows-1252, or send UTF-8"
    )


def advice_for_other_file(body: bytes) -> str | None:
    """What to do about a body that begins as a file that is no text; None for all others."""
    for start, (what, action) in _OTHER_FILES.items():
        if body.startswith(start):
            return f"It is {what}. {action}"
    return None


def _advice_for_zeros(body: bytes) -> str:
    """What to do about a body with zero bytes, which only UTF-16 and UTF-32 have."""
    order = unmarked_encoding(body)
    if order is None:
        return "Remove zero bytes, and begin UTF-16 and UTF-32 with their byte order mark"
    name = order.replace("16-", "16")
    return f"If it is UTF-16, name it in the header: Content-Type: text/csv; charset={name}"


def _has_half_pairs(body: bytes) -> bool:
    """Whether a body is UTF-8 but for surrogates, which UTF-8 must not have."""
    try:
        body.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return False
    return True


def _codec(body: bytes, charset: str | None) -> str:
    """Python's name of the encoding of a body."""
    mark = marked_encoding(body) if body[:1] in _MARK_STARTS else None
    if charset is None:
        return (mark or "utf-8").removesuffix("-sig")
    codec = _codec_of(charset)
    if codec is None:
        raise Refusal(
            415,
            f"The charset {shown(charset)} is not supported; expected one of {list(CHARSETS)}.",
        )
    if mark is not None and not body.startswith(_WITH_MARK.get(codec, ())):
        raise Refusal(
            400,
            f"The body begins with the byte order mark of {mark.removesuffix('-sig')}, and not as "
            f"{shown(charset)}. Correct the charset, or leave it out.",
        )
    if mark is None and codec in ("utf-16", "utf-32"):
        return _unmarked_codec(body, codec)
    if mark is None and codec in _ORDERED and unmarked_encoding(body) not in (None, codec):
        raise Refusal(
            400,
            f"The body has the byte order of {unmarked_encoding(body)}, and not that of "
            f"{shown(charset)}. Correct the charset, or leave it out and send a byte order mark.",
        )
    return codec


def _unmarked_codec(body: bytes, codec: str) -> str:
    """The byte order of a body in UTF-16 or UTF-32 that has no mark of it."""
    order = unmarked_encoding(body) if codec == "utf-16" else None
    if order is None:
        raise Refusal(
            400,
            f"The body is said to be {codec.upper()}, but has no byte order mark. Send it with the "
            "mark, name utf-16le or utf-16be, or send UTF-8.",
        )
    return order
