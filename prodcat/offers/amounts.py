"""Texts as they are compared, and the numbers in them, with decimal commas or points."""

import re
import unicodedata

_REPLACED = str.maketrans(
    {
        "½": " 1/2", "¼": " 1/4", "¾": " 3/4", "⅓": " 1/3", "⅔": " 2/3", "⁄": "/", "×": "x",
        "✕": "x", "✖": "x", "*": "x", "º": "°", "ª": "a", "’": "'", "‘": "'", "´": "'", "`": "'",
        "‚": ",", "–": "-", "—": "-", "−": "-", "‑": "-", "İ": "i", "ı": "i", "ß": "ss",
        "œ": "oe", "Œ": "oe", "æ": "ae", "Æ": "ae", "ø": "o", "Ø": "o", "ł": "l", "Ł": "l",
        "℮": " e ", "€": "€", "µ": "u", "ℓ": "l",
    }
)  # fmt: skip
_BLANKS = re.compile(r"\s+")
_UNREAL = re.compile(r"[^\d.,' ]")
_GROUPED = {
    mark: re.compile(rf"\d{{1,3}}(?:{re.escape(mark)}\d{{3}})+") for mark in (".", ",", "'", " ")
}


def folded(text: str) -> str:
    """A text in small letters, without accents, and with one form for each blank, dash and sign.

    >>> folded("Pièces ½ KG, 6×33 cl"), folded("YARIM YAĞLI SÜT 1 LT")
    ('pieces 1/2 kg, 6x33 cl', 'yarim yagli sut 1 lt')
    """
    if text.isascii():
        folded_text = text.translate(_REPLACED) if "*" in text or "`" in text else text
        if "  " in folded_text or not folded_text.isprintable():
            folded_text = _BLANKS.sub(" ", folded_text)
        return folded_text.lower().strip()
    parts = unicodedata.normalize("NFKD", text.translate(_REPLACED))
    bare = "".join(letter for letter in parts if not unicodedata.combining(letter))
    return _BLANKS.sub(" ", bare.translate(_REPLACED)).lower().strip()


def number_in(text: str, *, is_small: bool = False) -> float | None:
    """The number that a text is; None if its marks may be read in two ways.

    Args:
        text: Digits with decimal marks and marks between thousands.
        is_small: Whether a number of thousands is out of the question, so that three digits after
            a mark are decimals.

    >>> number_in("1,5"), number_in("1.234,56"), number_in("1,234.5"), number_in("12 000")
    (1.5, 1234.56, 1234.5, 12000.0)
    >>> number_in("1.500"), number_in("1.500", is_small=True), number_in("0.348")
    (None, 1.5, 0.348)
    """
    if text.isascii() and text.isdigit():
        return float(text)
    text = text.strip()
    if not text or _UNREAL.search(text) or not any(letter.isdigit() for letter in text):
        return None
    points, commas = text.count("."), text.count(",")
    if points and commas:
        mark = "." if text.rindex(".") > text.rindex(",") else ","
        whole, _, cents = text.rpartition(mark)
        other = "," if mark == "." else "."
        return _joined(whole, other, cents) if text.count(mark) == 1 else None
    mark = "." if points else "," if commas else ""
    if not mark:
        return _joined(text, "'" if "'" in text else " ", "")
    if points + commas > 1:
        return _joined(text, mark, "")
    whole, _, cents = text.partition(mark)
    if len(cents) == 3 and whole not in ("", "0") and len(whole) <= 3 and not is_small:
        return None
    marks = [gap for gap in ("'", " ") if gap in whole]
    return _joined(whole or "0", marks[0] if marks else "", cents)


def _joined(whole: str, gap: str, cents: str) -> float | None:
    """A number of its digits before and after the decimal mark; None if they are no number."""
    if gap and gap in whole:
        if not _GROUPED[gap].fullmatch(whole):
            return None
        whole = whole.replace(gap, "")
    if not whole.isdigit() or (cents and not cents.isdigit()):
        return None
    return float(f"{whole}.{cents or 0}")
