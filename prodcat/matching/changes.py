"""Two dates of one retailer's table: what came, what went, and what has another price."""

import logging
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prodcat.matching.columns import CHANGES, arrow_table
from prodcat.matching.features import foreign_pairs
from prodcat.matching.matcher import Matcher
from prodcat.matching.matching import read_both
from prodcat.matching.price_warnings import counted, warn_of_currencies
from prodcat.matching.products import MatchColumns, Products
from prodcat.matching.results import relative_difference
from prodcat.offers.amounts import folded

logger = logging.getLogger("prodcat")
CAME, WENT, DEARER, CHEAPER = "came", "went", "dearer", "cheaper"
RENAMED, UNCHANGED = "renamed", "unchanged"
KINDS = (CAME, WENT, DEARER, CHEAPER, RENAMED, UNCHANGED)
_SAME_PRICE = 1e-6
_EXAMPLES = 3  # in a warning
LEAST_SURE = 0.8  # probability at which a product with another title is the same one


@dataclass(frozen=True)
class Changes:
    """What changed between two dates of one table.

    Attributes:
        table: An Arrow table with the columns of :data:`~prodcat.matching.columns.CHANGES`; each
            row of either table is in exactly one row of it.
        counts: How many products have each change.
        repriced_and_renamed: How many of the dearer and cheaper ones have another title, too.
    """

    table: Any
    counts: Counter[str]
    repriced_and_renamed: int = 0

    def __str__(self) -> str:
        """The counts in a line."""
        text = ", ".join(f"{self.counts[kind]:,} {kind}" for kind in KINDS)
        if not self.repriced_and_renamed:
            return text
        return f"{text}; {self.repriced_and_renamed:,} of the dearer and cheaper ones renamed, too"


@dataclass(frozen=True)
class _Pair:
    before: int | None
    after: int | None
    by: str = ""
    probability: float = float("nan")


def compare_dates(
    before: object,
    after: object,
    columns: MatchColumns | None = None,
    *,
    after_columns: MatchColumns | None = None,
    matcher: Matcher | None = None,
) -> Changes:
    """Compare two dates of one retailer's table.

    A product is the same if it has the same id; else if it has the same title, apart from case,
    accents and blanks; else if the matcher is sure enough.  A product whose id is known at both
    dates is never taken for another one.  An id that several rows of a table have names none of
    them: these rows are compared by title and matcher, which is told as a warning, as are prices
    that are known at one date only.

    Args:
        before: The earlier table, as for :func:`~prodcat.matching.matching.match_products`.
        after: The later table.
        columns: The columns of both tables; by default only ``title``.
        after_columns: The columns of the later table, if they have other names.
        matcher: The settings of the matcher, or one that learned before; by default one that wants
            a probability of 0.8.

    Raises:
        CatalogError: A table cannot be read, or lacks a column.
        ConfigError: The package pint is not installed.
    """
    one, other = read_both(before, after, columns, after_columns)
    matcher = Matcher(threshold=LEAST_SURE) if matcher is None else matcher
    pairs: list[_Pair] = []
    rest = list(range(len(one))), list(range(len(other)))
    if one.ids is not None and other.ids is not None:
        repeated = _repeated_ids(one.ids, "earlier") | _repeated_ids(other.ids, "later")
        names = [
            ["" if each in repeated else each for each in table] for table in (one.ids, other.ids)
        ]
        rest = _pair_up(names[0], names[1], rest, "id", pairs)
    keys = [_title_keys(each) for each in (one, other)]
    rest = _pair_up(keys[0], keys[1], rest, "title", pairs)
    rest = _by_matcher(one, other, rest, replace(matcher, is_one_to_one=True), pairs)
    pairs += [_Pair(row, None) for row in rest[0]]
    pairs += [_Pair(None, row) for row in rest[1]]
    changes = _changes(one, other, pairs)
    _warn_of_prices(one, other, changes.table)
    return changes


_Rest = tuple[list[int], list[int]]


def _repeated_ids(ids: Sequence[str], date: str) -> set[str]:
    """The ids that several rows of a table have, which are told as a warning."""
    rows: dict[str, list[int]] = defaultdict(list)
    for row, name in enumerate(ids):
        if name:
            rows[name].append(row)
    repeated = {name: places for name, places in rows.items() if len(places) > 1}
    if repeated:
        examples = ", ".join(
            f"{name!r} (rows {places[0] + 1:,} and {places[1] + 1:,})"
            for name, places in list(repeated.items())[:_EXAMPLES]
        )
        logger.warning(
            "%s of the %s table %s in several rows, such as %s. Such rows are "
            "compared by title and matcher, not by id.",
            counted(len(repeated), "id"),
            date,
            "stands" if len(repeated) == 1 else "stand",
            examples,
        )
    return set(repeated)


def _warn_of_prices(one: Products, other: Products, table: Any) -> None:
    """Warn of products whose prices at both dates cannot be compared."""
    rows = zip(*(table[f"{date}_row"].to_pylist() for date in ("before", "after")), strict=True)
    both = [(row, there) for row, there in rows if row is not None and there is not None]
    known = [np.isfinite(products.prices) for products in (one, other)]
    states = [(known[0][row], known[1][there]) for row, there in both]
    for date, state in (("later", (True, False)), ("earlier", (False, True))):
        lost = [pair for pair, each in zip(both, states, strict=True) if each == state]
        if lost:
            examples = ", ".join(repr(one.titles[row]) for row, _ in lost[:_EXAMPLES])
            logger.warning(
                "%s no price that can be read in the %s table, but in the other one, such as %s; "
                "whether the price changed is not known.",
                f"{counted(len(lost), 'product')} {'has' if len(lost) == 1 else 'have'}",
                date,
                examples,
            )
    mine, theirs = [row for row, _ in both], [row for _, row in both]
    warn_of_currencies(foreign_pairs(one, other, mine, theirs))


def _title_keys(products: Products) -> list[str]:
    """What two rows must have in common to have the same title: its size counts, too."""
    return [folded(title) for title in products.titles]


def _pair_up(
    ours: Sequence[str], theirs: Sequence[str], rest: _Rest, by: str, pairs: list[_Pair]
) -> _Rest:
    """Pair rows with the same key, in their order; empty keys are no keys."""
    waiting: dict[str, list[int]] = defaultdict(list)
    for row in reversed(rest[1]):
        if theirs[row]:
            waiting[theirs[row]].append(row)
    left: list[int] = []
    taken: set[int] = set()
    for row in rest[0]:
        if ours[row] and waiting.get(ours[row]):
            other = waiting[ours[row]].pop()
            taken.add(other)
            pairs.append(_Pair(row, other, by))
        else:
            left.append(row)
    return left, [row for row in rest[1] if row not in taken]


def _by_matcher(
    one: Products, other: Products, rest: _Rest, matcher: Matcher, pairs: list[_Pair]
) -> _Rest:
    """Pair the rest of the rows with the matcher, if both tables have any with a title."""
    mine = [row for row in rest[0] if one.titles[row].strip()]
    theirs = [row for row in rest[1] if other.titles[row].strip()]
    has_words = all(
        any(any(letter.isalnum() for letter in table.titles[row]) for row in rows)
        for table, rows in ((one, mine), (other, theirs))
    )
    if not has_words:
        return rest
    table = matcher.match(one.rows(mine), other.rows(theirs)).table
    kept = table.filter(np.array(table["relation"].to_pylist(), object) == "same product")
    before, after = (kept[name].to_pylist() for name in ("our_row", "their_row"))
    for row, there, sure in zip(before, after, kept["probability"].to_pylist(), strict=True):
        pairs.append(_Pair(mine[row], theirs[there], "matcher", sure))
    taken = {mine[row] for row in before}, {theirs[row] for row in after}
    left, right = (
        [row for row in rows if row not in gone] for rows, gone in zip(rest, taken, strict=True)
    )
    return left, right


def _changes(one: Products, other: Products, pairs: list[_Pair]) -> Changes:
    last = len(one) + len(other)
    pairs.sort(key=lambda pair: (last if pair.before is None else pair.before, pair.after or 0))
    columns: dict[str, Any] = {
        "before_row": [pair.before for pair in pairs],
        "after_row": [pair.after for pair in pairs],
        "matched_by": [pair.by for pair in pairs],
        "probability": [pair.probability for pair in pairs],
    }
    for side, products in (("before", one), ("after", other)):
        rows = columns[f"{side}_row"]
        ids = products.ids or [""] * len(products)
        columns[f"{side}_id"] = ["" if row is None else ids[row] for row in rows]
        columns[f"{side}_title"] = ["" if row is None else products.titles[row] for row in rows]
        columns[f"{side}_price"] = _numbers(products.prices, rows)
    change = relative_difference(columns["before_price"], columns["after_price"])
    columns["price_change"] = np.where(_are_foreign(one, other, pairs), np.nan, change)
    kinds = [
        _kind(pair, change, one, other)
        for pair, change in zip(pairs, columns["price_change"].tolist(), strict=True)
    ]
    both = sum(
        kind in (DEARER, CHEAPER) and _is_renamed(pair, one, other)
        for pair, kind in zip(pairs, kinds, strict=True)
    )
    return Changes(arrow_table({**columns, "change": kinds}, CHANGES), Counter(kinds), both)


def _are_foreign(one: Products, other: Products, pairs: Sequence[_Pair]) -> list[bool]:
    """Whether the prices of each pair are in known, different currencies."""
    return [
        pair.before is not None
        and pair.after is not None
        and bool(foreign_pairs(one, other, [pair.before], [pair.after]))
        for pair in pairs
    ]


def _numbers(values: NDArray[np.float64], rows: Sequence[int | None]) -> NDArray[np.float64]:
    return np.array([np.nan if row is None else values[row] for row in rows], np.float64)


def _kind(pair: _Pair, change: float, one: Products, other: Products) -> str:
    if pair.before is None:
        return CAME
    if pair.after is None:
        return WENT
    if change > _SAME_PRICE:
        return DEARER
    if change < -_SAME_PRICE:
        return CHEAPER
    return RENAMED if _is_renamed(pair, one, other) else UNCHANGED


def _is_renamed(pair: _Pair, one: Products, other: Products) -> bool:
    """Whether a product of both dates has another title at the later one."""
    if pair.before is None or pair.after is None:
        return False
    return folded(one.titles[pair.before]) != folded(other.titles[pair.after])
