"""Normalises text, so that different spellings of one title become equal."""

import hashlib
import re
import unicodedata
from collections.abc import Iterable
from functools import cache

import numpy as np
from numpy.typing import NDArray

from prodcat.catalog.fields import plain
from prodcat.taxonomy.folding import SCRIPTS
from prodcat.taxonomy.folding import fold as fold
from prodcat.taxonomy.folding import fold_before as fold_before

# Characters that cannot be seen and change no word; joiners do, but not in Latin.
_UNSEEN = re.compile(
    rf"[\xad\u034f\u061c\u180b-\u180d\u180f\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f"
    rf"\ufeff\U000e0100-\U000e01ef]|(?<![{SCRIPTS}])[\u200c\u200d]"
)
# All but blanks, controls and what else shows nothing: fillers, selectors and marks of direction.
_VISIBLE = re.compile(
    r"[^\s\x00-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    r"\u2028-\u202e\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
    r"\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d159\U0001d173-\U0001d17a"
    r"\U000e0000-\U000e0fff]"
)
# Raised, lowered, circled digits and fractions: 1½ is not 11/2, and 10² is not 102.
_SMALL_DIGIT = (
    "[²³¹¼-¾\u2070-\u2079\u2080-\u2089\u2150-\u215f\u2189\u2460-\u249b\u24ea\u2776-\u2793]"
)
_BETWEEN_DIGITS = re.compile(rf"(?<=\d)(?={_SMALL_DIGIT})|(?<={_SMALL_DIGIT})(?=\d)|[™℠]")
_UNITS = (
    "kg|kilo|kilogram|gr|grs|gram|gramm|grammes|g|mg|l|lt|ltr|litre|liter|litro|litri|ml|cl|dl|cc|"
    "oz|lb|lbs|cm|mm|m|adet|ad|pcs|pc|pack|pk|st|stk|stuk|stuks|stuck|packung|uds|ud|unidades|"
    "pz|pezzi|x|er|li|lu|lik"
)
_NUMBER = r"\d++(?:[.,⁄]\d++)?"
_JOINED = rf"[^\W{SCRIPTS}]"  # a letter or digit with which a number or unit would be one word
# Blanks are single, and the repetitions bounded, so that the time is linear in the title's length.
_PACK_SIZE = re.compile(
    rf"(?=[\dx])(?<!{_JOINED})(?:(?<!\d)(?:{_NUMBER} ?[x*×] ?){{0,4}}{_NUMBER} ?'? ?(?:{_UNITS})"
    rf"|x ?{_NUMBER})(?!{_JOINED})"
)
_WORD = re.compile(r"\w+(?:[.,]\d+)?")


def is_blank(text: str) -> bool:
    r"""Whether a text shows nothing: it is empty, or has only blanks and invisible characters.

    Such a title is an empty one, whatever it is made of.

    >>> is_blank(""), is_blank(" \u200b\u3164\ufe0f"), is_blank("\u200bÇ"), is_blank("7")
    (True, True, False, False)
    """
    return _VISIBLE.search(text) is None


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


def near_duplicate_key(title: str) -> str:
    """A key that is equal for titles that differ only in case, diacritics, pack size or word order.

    Two titles with equal keys are near duplicates.  Punctuation, symbols and characters that cannot
    be seen do not count.  If a title consists only of a pack size, the key contains it.

    >>> near_duplicate_key("Pınar Süt 1 L") == near_duplicate_key("SUT PINAR 6x200ml")
    True
    >>> near_duplicate_key("330 ml"), near_duplicate_key("500 ml")
    ('330 ml', '500 ml')
    >>> near_duplicate_key("ビール") == near_duplicate_key("ピール")
    False
    """
    if not title.isascii():
        title = _BETWEEN_DIGITS.sub(" ", _UNSEEN.sub("", title))
    folded = " ".join(fold(title).lower().split())
    words = (_WORD if folded.isascii() else _word_with_marks()).findall
    return " ".join(sorted(words(_PACK_SIZE.sub(" ", folded)) or words(folded))) or folded


@cache
def _word_with_marks() -> re.Pattern[str]:
    r"""Finds words with their combining marks, which ``\w`` does not match."""
    letters = map(chr, range(0x300, 0x1F000))
    marks = "".join(letter for letter in letters if unicodedata.category(letter)[0] == "M")
    return re.compile(rf"[\w{marks}][\w{marks}\u200c\u200d]*+(?:[.,⁄]\d+)?")


def title_hashes(texts: Iterable[str]) -> NDArray[np.uint64]:
    """A 64-bit hash of each text, to recognise titles without storing them: uint64 [texts]."""
    digests = (hashlib.blake2b(raw_bytes(plain(text)), digest_size=8).digest() for text in texts)
    return np.frombuffer(b"".join(digests), dtype="<u8").astype(np.uint64)
