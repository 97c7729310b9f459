"""What the numbers of one text mean, before it is decided what they say about the pack."""

import re
from dataclasses import dataclass, field
from functools import lru_cache

from prodcat.offers import words
from prodcat.offers.amounts import number_in
from prodcat.offers.pack import DOSE, PIECE, WASH, StatedPrice
from prodcat.offers.units import SPELLINGS, base_unit, factors

_MOST_PIECES = 5_000
_ROUND = 50  # grams or millilitres; 1.500 g is 1,500 g, but 8.360 g may be 8 of 360 g
_SMALLEST_BOTTLE = 150.0  # millilitres
# Sizes of single bottles and cans in millilitres, which are no totals of small ones.
_BOTTLE_SIZES = frozenset({200, 250, 275, 330, 355, 440, 473, 568, 660, 750})
_SPELLED = tuple(
    (unit, re.compile(pattern))
    for unit, pattern in {**SPELLINGS, WASH: words.WASHES, DOSE: words.DOSES}.items()
)


@lru_cache(4096)
def unit_of(spelling: str) -> str:
    """The unit that a spelling means, such as ``l`` for ``lt``.

    All other words that the grammar knows mean pieces.

    >>> unit_of("litros"), unit_of("gr"), unit_of("lavados"), unit_of("uds")
    ('l', 'g', 'wash', 'piece')
    """
    for unit, pattern in _SPELLED:
        if pattern.fullmatch(spelling):
            return unit
    return PIECE


def is_size_of_each(size: float, unit: str, count: int) -> bool:
    """Whether a volume beside a number of bottles or cans can only be that of each.

    Args:
        size: The volume in millilitres.
        unit: The unit in which it is written.
        count: How many there are.

    >>> is_size_of_each(330, "ml", 6), is_size_of_each(455, "ml", 7), is_size_of_each(1500, "l", 6)
    (True, False, False)
    """
    is_single = unit == "cl" or (base_unit(unit) == "ml" and size in _BOTTLE_SIZES)
    return is_single and count > 1 and size < count * _SMALLEST_BOTTLE


@dataclass(frozen=True, slots=True)
class Amount:
    """An amount of mass or volume in a text.

    Attributes:
        size: The amount of one item.
        unit: Its unit.
        count: The number of items.
        start: Where it begins in the text.
        end: Where it ends.
        text: What is written.
    """

    size: float
    unit: str
    count: int
    start: int
    end: int
    text: str

    @property
    def base(self) -> str:
        """``g`` or ``ml``."""
        return base_unit(self.unit)

    @property
    def total(self) -> float:
        """The amount of all items in grams or millilitres."""
        return round(self.size * self.count * factors()[self.unit], 6)


@dataclass(slots=True)
class Evidence:
    """What the numbers of one text mean.

    Attributes:
        text: The folded text.
        amounts: Weights and volumes.
        pieces: Numbers of pieces.
        bundles: Numbers of packs in a bundle.
        washes: Numbers of washes.
        doses: Numbers of capsules, tablets, pods or doses.
        soft: Doubts that count only if the text has no clear amount.
        hard: Doubts that always count.
        stated: Prices of a unit.
        purchased: How many packs were bought.
        before: The end of the last number that was understood.
        spans: Where the understood numbers are.
        counted: What is written where pieces, washes or doses are counted.
    """

    text: str
    amounts: list[Amount] = field(default_factory=list)
    pieces: list[int] = field(default_factory=list)
    bundles: list[int] = field(default_factory=list)
    washes: list[int] = field(default_factory=list)
    doses: list[int] = field(default_factory=list)
    soft: list[str] = field(default_factory=list)
    hard: list[str] = field(default_factory=list)
    stated: list[StatedPrice] = field(default_factory=list)
    purchased: int = 1
    before: int = 0
    spans: list[tuple[int, int]] = field(default_factory=list)
    counted: str = ""

    def add(self, match: re.Match[str], number: str, unit: str, count: int = 1) -> None:
        """Add an amount."""
        canonical = unit_of(unit)
        size = number_in(number, is_small=canonical in ("kg", "l", "lb"))
        if size is None and canonical in ("g", "ml"):
            thousands = number_in(re.sub(r"[.,]", "", number))
            size = thousands if thousands and thousands % _ROUND == 0 else None
        if size is None:
            self.hard.append(f"{number!r} may be thousands or decimals")
        elif size <= 0 or count <= 0:
            return
        elif count > _MOST_PIECES:
            self.hard.append(f"{count:,} items are more than a pack has")
        else:
            span = match.span()
            text = match[0].strip(" (")
            self.amounts.append(Amount(size, canonical, count, span[0], span[1], text))

    def add_bare(self, unit: str) -> None:
        """Add one of a unit, of a text that is nothing but the unit or ends with it."""
        self.counted = unit
        if unit == PIECE:
            self.pieces.append(1)
        else:
            self.amounts.append(Amount(1.0, unit, 1, 0, len(self.text), unit))

    def count(self, numbers: list[int], number: str | int, match: re.Match[str]) -> None:
        """Add a number of pieces, washes or doses."""
        if 0 < int(number) <= _MOST_PIECES:
            numbers.append(int(number))
            self.counted = self.counted or match[0].strip()
