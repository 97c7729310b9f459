"""Text in lower case without accents."""

import re
import unicodedata

# Letters that Unicode does not decompose into a base letter and a mark.
_LETTERS = str.maketrans(
    {"ı": "i", "ø": "o", "đ": "d", "ł": "l", "æ": "ae", "œ": "oe", "þ": "th", "’": "'", "`": "'"}
)
# The scripts in which a mark or a joiner makes another word.  It does not in Latin and Greek, and
# in Cyrillic only joiners do not: й is another letter than и, but stress and the dots of ё may go.
SCRIPTS = r"\u0530-\u1cff\u2c80-\u2dff\u3005-\ua63f\ua6a0-\ua71f\ua800-\uab2f\uab70-\ufdff"
SCRIPTS += r"\ufe70-\ufefe\uff66-\uffdc\U00010000-\U0001efff\U00020000-\U0003ffff"
_CYRILLIC = r"\u0400-\u052f\ua640-\ua69f"
_STRESS = re.compile("(?<=е)[\u0301\u0308]+|(?<=[аиоуыэюяіѣѵєәөүұ])(\u0308?)\u0301")
_LONG_RUN = re.compile(r"[^\w\s!-~]{31,}")
_ANY_MARK = re.compile(r"[\u0300-\u036f]+")
_MARKS = re.compile(rf"([{SCRIPTS}{_CYRILLIC}][\u0300-\u036f]+)|[\u0300-\u036f]+")


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
