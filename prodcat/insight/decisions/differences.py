"""Which words of two titles differ, for people who compare them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from prodcat.offers.units import SPELLINGS
from prodcat.taxonomy.folding import fold

_UNITS = {unit: re.compile(pattern) for unit, pattern in SPELLINGS.items()}
# How many grams or millilitres units are; others stay as they are.
_METRIC = {"kg": (1_000.0, "g"), "l": (1_000.0, "ml"), "dl": (100.0, "ml"), "cl": (10.0, "ml")}
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_WORD = re.compile(r"\d+(?:[.,]\d+)*|[^\W\d_]+")
Piece = tuple[str, bool]  # a part of a title, and whether it differs from the other title


@dataclass(frozen=True)
class _Word:
    """A word, a number or an amount of a title.

    Attributes:
        start: Its first letter in the title.
        end: The letter after its last one.
        key: What equal words have alike: small letters without accents; numbers and amounts in one
            form.
    """

    start: int
    end: int
    key: str


def differing_words(one: str, other: str) -> tuple[list[Piece], list[Piece]]:
    """Divide two titles into what both have, and what only one of them has.

    Upper case, accents, order, blanks inside a word and the unit of an amount count for nothing.

    Args:
        one: A title.
        other: Another title.

    Returns:
        The pieces of both titles, which joined give the titles again.

    >>> differing_words("Velmora Cola 6 x 33 cl", "COLA velmora zero 6X330ML")[1]
    [('COLA velmora ', False), ('zero', True), (' 6X330ML', False)]
    >>> differing_words("Oat milk 1 l", "Oatmilk 500 ml")[1]
    [('Oatmilk ', False), ('500 ml', True)]
    """
    words, others = _words_of(one), _words_of(other)
    return _pieces(one, words, others), _pieces(other, others, words)


def _words_of(text: str) -> list[_Word]:
    words: list[_Word] = []
    for match in _WORD.finditer(text):
        word = _Word(*match.span(), _key(match[0]))
        if words and _is_amount(words[-1], word, text):
            number = words.pop()
            word = _Word(number.start, word.end, _amount(number.key, _unit(word.key)))
        words.append(word)
    return words


def _key(word: str) -> str:
    if not word[0].isdigit():
        return fold(word)
    number = word.replace(",", ".")
    return number.rstrip("0").rstrip(".") if number.count(".") == 1 else number


def _is_amount(number: _Word, unit: _Word, text: str) -> bool:
    """Whether two words of a text are a number and its unit, with no more than blanks between."""
    is_number = _NUMBER.fullmatch(number.key) is not None
    return is_number and bool(_unit(unit.key)) and not text[number.end : unit.start].strip()


def _unit(word: str) -> str:
    """The unit that a word stands for; empty if it is none."""
    return next((unit for unit, spellings in _UNITS.items() if spellings.fullmatch(word)), "")


def _amount(number: str, unit: str) -> str:
    factor, base = _METRIC.get(unit, (1.0, unit))
    return f"{float(number) * factor:.6g} {base}"


def _pieces(text: str, words: Sequence[_Word], others: Sequence[_Word]) -> list[Piece]:
    """The pieces of one title; differing words with only blanks between them are one piece."""
    pieces: list[Piece] = []
    end = 0
    for word, differs in zip(words, _differing(words, others), strict=True):
        between = text[end : word.start]
        joins = differs and bool(pieces) and pieces[-1][1] and not between.strip()
        _add(pieces, between, joins)
        _add(pieces, text[word.start : word.end], differs)
        end = word.end
    _add(pieces, text[end:], False)
    return pieces


def _add(pieces: list[Piece], text: str, differs: bool) -> None:
    if text and pieces and pieces[-1][1] == differs:
        pieces[-1] = (pieces[-1][0] + text, differs)
    elif text:
        pieces.append((text, differs))


def _differing(words: Sequence[_Word], others: Sequence[_Word]) -> list[bool]:
    """Whether each word is not in the other title, also not as two words or as part of one."""
    keys = {word.key for word in others}
    known = keys | {one.key + two.key for one, two in pairwise(others)}
    differs = [word.key not in known for word in words]
    for place, (one, two) in enumerate(pairwise(words)):
        if one.key + two.key in keys:
            differs[place] = differs[place + 1] = False
    return differs
