"""Recognises encodings by their bytes: UTF-16 and UTF-32 without a mark, and ISO 2022.

In UTF-16 and UTF-32, the delimiters and line ends of a table have zero bytes.  In ISO 2022, which
has ASCII bytes only, escapes say which letters follow.
"""

import codecs
import re
import unicodedata

_LEAST_ZEROS = 2  # zero bytes at even places for one at an odd place, or the other way
_MOST_UNKNOWN = 0.02  # share of the characters of a text that may not be assigned
_SAMPLE = 4_096  # bytes from which an encoding is recognised
# The escapes that select Japanese or Korean letters.
_ESCAPES = {
    re.compile(rb"\x1b\$(?:[@B]|\([@BD])|\x1b\([JI]"): "iso2022_jp_ext",
    re.compile(rb"\x1b\$\)C"): "iso2022_kr",
}
_PLAIN = re.compile(rb"[\0\t\r\n\x20-\x7e]*")  # ASCII and zeros
_CUT = re.compile(rb"\x1b(?:\$?[()]?)?\Z")


def unmarked_encoding(head: bytes) -> str | None:
    r"""UTF-16 or UTF-32 without a mark, which the zero bytes of a text show; or None.

    Args:
        head: The first bytes of the text.

    >>> unmarked_encoding(b"a\x00b\x00")
    'utf-16-le'
    >>> unmarked_encoding("品名,分類\n".encode("utf-16-be"))
    'utf-16-be'
    """
    if b"\0" not in head[:_SAMPLE]:
        return None
    half = len(head) // 2
    zeros = [head[place::2].count(0) for place in (0, 1)]
    if half and max(zeros) > 0.4 * half and min(zeros) < 0.02 * half:
        return "utf-16-le" if zeros[1] > zeros[0] else "utf-16-be"
    sample = head[:_SAMPLE]
    for name in ("utf-32-le", "utf-32-be", "utf-16-le", "utf-16-be"):
        if _is_text(sample, name, is_whole=len(head) <= _SAMPLE):
            return name
    return None


def _is_text(sample: bytes, encoding: str, *, is_whole: bool) -> bool:
    """Whether bytes are lines of a text in an encoding of two or four bytes a character."""
    if encoding.startswith("utf-16"):
        zeros = [sample[place::2].count(0) for place in (0, 1)]
        high = encoding.endswith("le")
        if zeros[high] < _LEAST_ZEROS * zeros[not high] and zeros[not high]:
            return False
    try:
        text = codecs.getincrementaldecoder(encoding)("strict").decode(sample, is_whole)
    except UnicodeDecodeError:
        return False
    if _PLAIN.fullmatch(sample) and 2 * sum(map(str.isascii, text)) < len(text):
        return False  # a text of one byte a character, with stray zeros
    unknown = sum(unicodedata.category(letter) in ("Cn", "Co", "Cs") for letter in text)
    has_ends = any(mark in text for mark in "\r\n") and any(map(str.isalpha, text))
    return "\0" not in text and has_ends and unknown <= _MOST_UNKNOWN * len(text)


def escaped_encoding(block: bytes) -> str | None:
    r"""The encoding of ASCII bytes with an escape of ISO 2022, or None.

    >>> escaped_encoding("牛乳".encode("iso2022_jp"))
    'iso2022_jp_ext'
    """
    if b"\x1b" not in block:
        return None
    return next((name for escape, name in _ESCAPES.items() if escape.search(block)), None)


def cut_escape(block: bytes) -> int:
    """The position of an escape that may go on after these bytes, or their number."""
    match = _CUT.search(block[-4:])
    return len(block) if match is None else len(block) - len(match[0])
