"""Normalises text, so that different spellings of one title become equal."""

import hashlib
import re
import unicodedata
from collections.abc import Iterable
from functools import cache

import numpy as np
from numpy.typing import NDArray

from prodcat.catalog.fields import plain

# Letters that Unicode does not decompose into a base letter and a mark.
_LETTERS = str.maketrans(
    {"ı": "i", "ø": "o", "đ": "d", "ł": "l", "æ": "ae", "œ": "oe", "þ": "th", "’": "'", "`": "'"}
)
# The scripts in which a mark or a joiner makes another word.  It does not in Latin and Greek, and
# in Cyrillic only joiners do not: й is another letter than и, but stress and the dots of ё may go.
_SCRIPTS = r"\u0530-\u1cff\u2c80-\u2dff\u3005-\ua63f\ua6a0-\ua71f\ua800-\uab2f\uab70-\ufdff"
_SCRIPTS += r"\ufe70-\ufefe\uff66-\uffdc\U00010000-\U0001efff\U00020000-\U0003ffff"
_CYRILLIC = r"\u0400-\u052f\ua640-\ua69f"
_STRESS = re.compile("(?<=е)[\u0301\u0308]+|(?<=[аиоуыэюяіѣѵєәөүұ])(\u0308?)\u0301")
_LONG_RUN = re.compile(r"[^\w\s!-~]{31,}")
_ANY_MARK = re.compile(r"[\u0300-\u036f]+")
_MARKS = re.compile(rf"([{_SCRIPTS}{_CYRILLIC}][\u0300-\u036f]+)|[\u0300-\u036f]+")
# Characters that cannot be seen and change no word; joiners do, but not in Latin.
_UNSEEN = re.compile(
    rf"[\xad\u034f\u061c\u180b-\u180d\u180f\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f"
    rf"\ufeff\U000e0100-\U000e01ef]|(?<![{_SCRIPTS}])[\u200c\u200d]"
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
_JOINED = rf"[^\W{_SCRIPTS}]"  # a letter or digit with which a number or unit would be one word
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


def fold(text: str) -> str:
    """Convert text to lower case without diacritics and Unicode compatibility variants.

    The Turkish letters ı, I, İ and i all become ``i``, so that the result is the same for a
    title in upper case or without its diacritics.  Only Latin and Greek letters lose their
    diacritics, and Cyrillic vowels their stress (ё becomes е): in other scripts a mark makes
    another word.

    >>> fold("KIRMIZI Çilek"), fold("kırmızı çilek"), fold("kirmizi cilek")
    ('kirmizi cilek', 'kirmizi cilek', 'kirmizi cilek')
    >>> fold("Süßkartoffel, Crème Brûlée")
    'susskartoffel, creme brulee'
    >>> fold("ﾋﾞｰﾙ"), fold("ピール"), fold("Й"), fold("Ё")
    ('ビール', 'ピール', 'й', 'е')
    """
    if text.isascii():
        return text.lower()
    decomposed = _decomposed(text)
    plain = _MARKS.sub(r"\1", _STRESS.sub(r"\1", decomposed)).translate(_LETTERS)
    return unicodedata.normalize("NFC", plain)


def fold_before(text: str) -> str:
    """Convert text as :func:`fold` did when it decomposed the letters of every script."""
    if text.isascii():
        return text.lower()
    return _ANY_MARK.sub("", _decomposed(text)).translate(_LETTERS)


def _decomposed(text: str) -> str:
    """The text in lower case, with its letters decomposed and without compatibility variants."""
    if len(text) > 256:  # the time to sort a run of marks grows with the square of its length
        text = _LONG_RUN.sub(_first_marks, text)
    return unicodedata.normalize("NFKD", text.casefold())


def _first_marks(run: re.Match[str]) -> str:
    return run[0][:30] if any(map(unicodedata.combining, run[0])) else run[0]


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
