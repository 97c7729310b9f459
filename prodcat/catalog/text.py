"""Normalises text, so that different spellings of one title become equal."""

import hashlib
import re
import unicodedata
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

# Letters that Unicode does not decompose into a base letter and a mark.
_LETTERS = str.maketrans(
    {"ı": "i", "ø": "o", "đ": "d", "ł": "l", "æ": "ae", "œ": "oe", "þ": "th", "’": "'", "`": "'"}
)
_MARKS = re.compile(r"[\u0300-\u036f]+")
_WORD = re.compile(r"\w+(?:[.,]\d+)?")
_UNITS = (
    "kg|kilo|kilogram|gr|grs|gram|gramm|grammes|g|mg|l|lt|ltr|litre|liter|litro|litri|ml|cl|dl|cc|"
    "oz|lb|lbs|cm|mm|m|adet|ad|pcs|pc|pack|pk|st|stk|stuk|stuks|stuck|packung|uds|ud|unidades|"
    "pz|pezzi|x|er|li|lu|lik"
)
_NUMBER = r"\d+(?:[.,]\d+)?"
_PACK_SIZE = re.compile(
    rf"(?<!\w)(?:{_NUMBER}\s*(?:x|\*|×)\s*)*{_NUMBER}\s*'?\s*(?:{_UNITS})(?!\w)"
    rf"|(?<!\w)x\s*{_NUMBER}(?!\w)"
)


def readable(text: str) -> str:
    r"""Replace lone surrogates, which UTF-8 cannot encode, with U+FFFD.

    >>> readable("s\udcfct")
    's�t'
    """
    if text.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in text):
        return text
    return raw_bytes(text).decode("utf-8", "replace")


def raw_bytes(text: str) -> bytes:
    r"""The bytes from which a text with lone surrogates was decoded.

    >>> raw_bytes("s\udcfct")
    b's\xfct'
    """
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")


def fold(text: str) -> str:
    """Convert text to lower case without diacritics and Unicode compatibility variants.

    The Turkish letters ı, I, İ and i all become ``i``, so that the result is the same for a
    title in upper case or without its diacritics.

    >>> fold("KIRMIZI Çilek"), fold("kırmızı çilek"), fold("kirmizi cilek")
    ('kirmizi cilek', 'kirmizi cilek', 'kirmizi cilek')
    >>> fold("Süßkartoffel, Crème Brûlée")
    'susskartoffel, creme brulee'
    """
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return _MARKS.sub("", decomposed).translate(_LETTERS)


def near_duplicate_key(title: str) -> str:
    """A key that is equal for titles that differ only in case, diacritics, pack size or word order.

    Two titles with equal keys are near duplicates.  If a title consists only of a pack size, the
    key contains it.

    >>> near_duplicate_key("Pınar Süt 1 L") == near_duplicate_key("SUT PINAR 6x200ml")
    True
    >>> near_duplicate_key("330 ml"), near_duplicate_key("500 ml")
    ('330 ml', '500 ml')
    """
    folded = fold(title)
    words = _WORD.findall(_PACK_SIZE.sub(" ", folded))
    return " ".join(sorted(words or _WORD.findall(folded))) or folded.strip()


def title_hashes(texts: Iterable[str]) -> NDArray[np.uint64]:
    """A 64-bit hash of each text, to recognise titles without storing them: uint64 [texts]."""
    digests = (hashlib.blake2b(raw_bytes(text), digest_size=8).digest() for text in texts)
    return np.frombuffer(b"".join(digests), dtype="<u8").astype(np.uint64)
