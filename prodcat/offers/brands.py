"""Brands: learned from a catalog, given as a list, and looked up in titles."""

import random
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from prodcat.offers.amounts import folded

_WORD = re.compile(r"[a-z0-9]+(?:[&'.+-]+[a-z0-9]+)*[+]?")
_WORDS = re.compile(r"[^\W_]+(?:[&'’.+-]+[^\W_]+)*[+]?")
_LONGEST = 3  # words of a brand that is learned
_LEAST_TITLES = 4
_LEAST_TYPES = 3
_FRONT = 0.9  # least share of the titles with a brand that begin with it
_STEM = 5  # letters that a word has in common with its plural
_MOST_TYPED = 0.1  # share of titles that begin with a word of their category's name
_SHORTEST = 3  # letters of a brand that is looked for behind the first word
_folded = lru_cache(1 << 16)(folded)  # titles repeat their words
_KEPT = 200_000  # titles that brands are learned from


@dataclass(frozen=True)
class Brands:
    """Names of brands, which are looked up in titles.

    Attributes:
        names: The names as they are written.
    """

    names: tuple[str, ...]
    _by_first: dict[str, list[tuple[tuple[str, ...], str]]] = field(
        init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        """Prepare the look-up."""
        by_first: dict[str, list[tuple[tuple[str, ...], str]]] = defaultdict(list)
        for name in dict.fromkeys(self.names):
            if words := tuple(_WORD.findall(folded(name))):
                by_first[words[0]].append((words, name))
        for entries in by_first.values():
            entries.sort(key=lambda entry: -len(entry[0]))
        object.__setattr__(self, "_by_first", dict(by_first))

    def find(self, title: str) -> str | None:
        """The brand in a title; None if there is none, or if it is not clear which it is.

        A brand at the front of the title is taken before others.  Behind the front, a word is a
        brand only if it begins with a capital letter or the title has no capital letters or
        nothing else, and if all that are found there are the same.

        Args:
            title: The title of a product.

        >>> Brands(("Dia", "Don Limpio")).find("Limpiador multiusos Don Limpio botella 1.3 l")
        'Don Limpio'
        >>> Brands(("Dia", "Don Limpio")).find("Crema de dia Garnier 50 ml") is None
        True
        """
        if not self._by_first:
            return None
        written = _WORDS.findall(title)
        words = [_folded(word) for word in written]
        has_cases = title != title.upper() and title != title.lower()
        matches: dict[str, None] = {}
        place = 0
        while place < len(words):
            entry = self._at(words, place)
            if entry is None or (place and not _is_name(written[place], entry[0], has_cases)):
                place += 1
                continue
            if place == 0:
                return entry[1]
            matches[entry[1]] = None
            place += len(entry[0])
        return next(iter(matches)) if len(matches) == 1 else None

    def _at(self, words: list[str], place: int) -> tuple[tuple[str, ...], str] | None:
        for entry in self._by_first.get(words[place], ()):
            size = len(entry[0])
            if tuple(words[place : place + size]) == entry[0]:
                return entry
        return None


def _is_name(written: str, words: tuple[str, ...], has_cases: bool) -> bool:
    """Whether words behind the front of a title are a name rather than words of the language."""
    if len(words) == 1 and len(words[0]) < _SHORTEST:
        return False
    return not has_cases or written[:1].isupper() or written[:1].isdigit()


@dataclass
class BrandSample:
    """Titles of a catalog, of any size, from which brands are learned.

    Attributes:
        kept: At most 200,000 titles with their product types; each title is kept with the same
            probability.
        named: How often each brand is in the column of brands.
        seen: How many titles were added.
    """

    kept: list[tuple[str, str]] = field(default_factory=list)
    named: Counter[str] = field(default_factory=Counter)
    seen: int = 0
    _random: random.Random = field(default_factory=lambda: random.Random(0), repr=False)

    def add(self, title: str, product_type: str = "", brand: str = "") -> None:
        """Add a row.

        Args:
            title: The title; empty if there is none.
            product_type: What kind of product it is, such as the path of its category.
            brand: The brand in the row's column; empty if there is none.
        """
        if brand:
            self.named[brand] += 1
        if not title:
            return
        self.seen += 1
        if len(self.kept) < _KEPT:
            self.kept.append((title, product_type))
        elif (place := self._random.randrange(self.seen)) < _KEPT:
            self.kept[place] = (title, product_type)

    def brands(self) -> Brands:
        """The brands of the column, if the catalog has one; else those that are learned."""
        if self.named:
            return Brands(tuple(name for name, _ in self.named.most_common()))
        return learn_brands(self.kept)


def learn_brands(rows: Iterable[tuple[str, str]]) -> Brands:
    """Learn brands from titles that begin with them.

    A brand is a beginning of one to three words that at least four titles have, that goes with many
    product types for its number of titles, that seldom stands elsewhere in titles, and that no
    product type has in its name.  Nothing is learned from a catalog whose titles begin with words
    of their product types, as in ``Leche entera Puleva``, or that names no product types.

    Args:
        rows: The title and the product type of each row, such as the path of its category; rows
            without a product type are left out.

    Returns:
        The brands, the most frequent ones first.
    """
    counts = _Fronts()
    for title, product_type in rows:
        if product_type:
            counts.add(title, product_type)
    kept = [] if counts.begin_with_types() else list(filter(counts.is_brand, counts.titles))
    kept = list(_longest(kept, counts.titles))
    kept.sort(key=lambda front: (-counts.titles[front], front))
    return Brands(tuple(counts.shown[front] for front in kept))


@dataclass
class _Fronts:
    """The beginnings of titles, with what is counted of each.

    Attributes:
        titles: How many titles begin with it.
        types: The product types of these titles.
        shown: How it is written.
        everywhere: How many titles have a word anywhere.
        named: The stems of the words that product types have in their names.
        typed: How many titles begin with a word of their product type's name.
        rows: How many titles there are.
    """

    titles: Counter[tuple[str, ...]] = field(default_factory=Counter)
    types: dict[tuple[str, ...], set[str]] = field(default_factory=lambda: defaultdict(set))
    shown: dict[tuple[str, ...], str] = field(default_factory=dict)
    everywhere: Counter[str] = field(default_factory=Counter)
    named: set[str] = field(default_factory=set)
    typed: int = 0
    rows: int = 0

    def add(self, title: str, product_type: str) -> None:
        written = _WORDS.findall(title)
        words = [_folded(word) for word in written]
        stems = {word[:_STEM] for word in _WORD.findall(folded(product_type))}
        self.rows += 1
        self.named |= stems
        self.typed += bool(words) and words[0][:_STEM] in stems
        self.everywhere.update(set(words))
        for size in range(1, min(_LONGEST, len(words) - 1) + 1):
            front = tuple(words[:size])
            self.titles[front] += 1
            self.types[front].add(product_type)
            self.shown.setdefault(front, " ".join(written[:size]))

    def begin_with_types(self) -> bool:
        """Whether titles begin with what the product is rather than with the brand."""
        return self.typed > _MOST_TYPED * self.rows

    def is_brand(self, front: tuple[str, ...]) -> bool:
        """Whether a beginning of titles is a brand."""
        titles, types = self.titles[front], len(self.types[front])
        if titles < _LEAST_TITLES or types < max(_LEAST_TYPES, titles**0.5):
            return False
        if not front[0][:1].isalpha() or len(front[0]) < 2 or not front[-1][-1:].isalnum():
            return False
        if front[0][:_STEM] in self.named:
            return False
        return self.titles[front[:1]] >= _FRONT * self.everywhere[front[0]]


def _longest(
    kept: list[tuple[str, ...]], fronts: Counter[tuple[str, ...]]
) -> Iterator[tuple[str, ...]]:
    """The beginnings without those that nearly always go on, or that are cut from a brand."""
    brands = set(kept)
    for front in kept:
        size = len(front)
        longer = [fronts[other] for other in brands if len(other) > size and other[:size] == front]
        is_cut = max(longer, default=0) >= _FRONT * fronts[front]
        shorter = next((front[:n] for n in range(1, len(front)) if front[:n] in brands), None)
        is_part = shorter is not None and fronts[front] < _FRONT * fronts[shorter]
        if not is_cut and not is_part:
            yield front
