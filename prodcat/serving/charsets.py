"""Decode the text of a body in the ``charset`` that its ``Content-Type`` names.

CSV may have the encodings that the reader of files knows.  JSON is always UTF-8 (RFC 8259).
Nothing is guessed: a body may be too short for that.
"""

import codecs
from encodings.aliases import aliases
from functools import lru_cache

from prodcat.serving.refusal import Refusal, shown
from prodcat.storage.legacy_encodings import LEGACY_ENCODINGS
from prodcat.storage.text_decoding import marked_encoding, unmarked_encoding

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
_MARK_STARTS = b"\xef\xff\xfe\x00"  # the first bytes of all byte order marks
_HINT = "Name its encoding in the header, such as Content-Type: text/csv; charset=windows-1252."


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
        hint = f" {_HINT}" if charset is None else ""
        raise Refusal(400, f"The body is not valid {codec.upper()}: {error}.{hint}") from error
    if "\0" in text:
        raise Refusal(
            400,
            f"The body has NUL characters as {codec.upper()}; expected text. If it is UTF-16, name "
            "it in the header: Content-Type: text/csv; charset=utf-16.",
        )
    # The decoders of UTF-16 and UTF-32 drop the mark themselves.
    return text if codec in ("utf-16", "utf-32") else text.removeprefix("\ufeff")


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
    if codec in ("utf-16", "utf-32") and mark is None:
        return _unmarked_codec(body, codec)
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
