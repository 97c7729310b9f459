"""Words of titles as they are compared: parts, numbers and codes."""

import re

from prodcat.offers.amounts import folded

WORD, NUMBER, CODE = 0, 1, 2
_WORDS = re.compile(r"[^\W_]+(?:[.,'/&+-][^\W_]+)*")
_MARKS = re.compile(r"[.,'/&+-]")
_DECIMAL = re.compile(r"\d+[.,]\d{1,2}")
_MEASURE = re.compile(r"(\d{1,4})([^\W\d_]{1,6})")
_LONGEST_NUMBER = 4
_SHORTEST_CODE = 4
_BLANKS = re.compile(r"[\W_]+")


def words_of(text: str) -> list[str]:
    """The words of a text in small letters, without accents, in their order.

    A word with a dash gives its parts, a number with its unit gives both, and decimal numbers have
    one form.

    Args:
        text: A title, or another text of a product.

    >>> words_of("Café-Crème 1,50% 8dbi KX-TG6512B")
    ['cafe', 'creme', '1.5', '8', 'dbi', 'kx', 'tg6512b']
    """
    words: list[str] = []
    for word in _WORDS.findall(folded(text)):
        if word.isalpha():
            words.append(word)
        elif _DECIMAL.fullmatch(word):
            words.append(word.replace(",", ".").rstrip("0").rstrip("."))
        else:
            for part in _MARKS.split(word):
                measure = _MEASURE.fullmatch(part)
                words += measure.groups() if measure else [part]
    return words


def kind_of(word: str) -> int:
    """Whether a word is a ``NUMBER``, a ``CODE`` such as a model's, or another ``WORD``.

    >>> [kind_of(word) for word in ("milk", "3.5", "dscw300", "0123456")]
    [0, 1, 2, 2]
    """
    if word.isalpha():
        return WORD
    if word.replace(".", "").isdigit():
        return NUMBER if len(word) <= _LONGEST_NUMBER else CODE
    return CODE if len(word) >= _SHORTEST_CODE else WORD


def joined(text: str) -> str:
    """The letters and digits of a text in one word, as codes are compared.

    >>> joined("KX-TG 6512B")
    'kxtg6512b'
    """
    return _BLANKS.sub("", folded(text))
