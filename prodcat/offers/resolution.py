"""Decides what the evidence of one text says about the pack, or that it is not sure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from prodcat.offers.evidence import Amount, Evidence, is_size_of_each
from prodcat.offers.grammar import ABOUT, BOTTLE, DRAINED, EACH, EXTRA, LOOSE, NAPPY, SQUARE_METRE
from prodcat.offers.holders import WATTS, holds
from prodcat.offers.pack import DOSE, NONE, PIECE, READ, UNKNOWN, WASH, Pack

_SAME = 0.02  # relative difference of two amounts that say the same, such as 1 kg and 1,000 g
_ALIKE = 0.07  # of two amounts in different systems, such as 90 ml and 3 fl oz
_MOST_PACKS = 50  # in a bundle of packs that are multiples themselves
_NEAR = 25  # letters beside an amount in which a word tells that it is drained
_LEAST_DRAINED = 0.25  # share of a pack that is left when it is drained
_LARGEST_STRENGTH = 2.0  # grams of what a tablet has
_SQUARE_METRES = range(30, 1_201)  # grams that a square metre of paper or cloth has
_SMALLEST_CL = 10.0  # of one item; less each means that a size in centilitres is that of each
_FOREIGN = frozenset({"lb", "oz", "fl oz"})


def resolved(evidence: Evidence) -> Pack:
    """The pack of one text.

    Args:
        evidence: What the numbers of the text mean.
    """
    hard, soft = list(evidence.hard), list(evidence.soft)
    amounts = _contents(evidence, soft)
    amounts, drained = _without_drained(evidence.text, amounts, hard)
    amounts = _without_foreign(amounts)
    amounts = _distinct(amounts, evidence.pieces)
    amounts = _of_each(evidence, amounts, hard)
    if len(amounts) > 1:
        hard.append("it names several sizes: " + ", ".join(amount.text for amount in amounts))
    if amounts and amounts[0].unit == "oz":
        hard.append("oz may be a weight or a volume")
    if amounts and any(_is_other_count(amounts[0], number) for number in evidence.bundles):
        hard.append(f"{amounts[0].text!r} may be of one or of the whole pack")
    if amounts and _is_loose(evidence):
        hard.append("it is not clear how many items the size is of")
    if any(EXTRA.match(evidence.text, amount.end) for amount in amounts):
        hard.append("something is added to the size")
    counts = _counts(evidence)
    if not amounts and counts.pieces is not None and WATTS.search(evidence.text):
        hard.append(f"{evidence.counted!r} may be what an appliance takes")
    if not hard and amounts:
        return _of_amount(evidence, amounts[0], drained, counts)
    if not hard and (counted := _of_count(evidence, counts)) is not None:
        return counted
    reasons = hard or _contradictions(evidence) or soft
    if reasons:
        return Pack(UNKNOWN, drained=drained, reason="; ".join(dict.fromkeys(reasons)))
    return Pack(NONE)


@dataclass(frozen=True, slots=True)
class _Counts:
    """The numbers of pieces, washes and doses of a pack; None if not told, or told differently."""

    pieces: int | None
    washes: int | None
    doses: int | None


def _counts(evidence: Evidence) -> _Counts:
    return _Counts(_only(evidence.pieces), _only(evidence.washes), _only(evidence.doses))


def _only(numbers: Sequence[int]) -> int | None:
    return numbers[0] if numbers and len(set(numbers)) == 1 else None


def _contradictions(evidence: Evidence) -> list[str]:
    """Counts that cannot all be right, in words."""
    told = (
        ("pieces", [*evidence.pieces, *evidence.bundles]),
        ("washes", evidence.washes),
        ("doses", evidence.doses),
    )
    return [
        f"it names several numbers of {name}: {', '.join(map(str, numbers))}"
        for name, numbers in told
        if len(set(numbers)) > 1
    ]


def _contents(evidence: Evidence, soft: list[str]) -> list[Amount]:
    """The amounts that say what is in the pack; why the others do not is added to the doubts."""
    text = evidence.text
    kept = []
    for amount in evidence.amounts:
        is_heavy = amount.unit == "kg"
        is_light = amount.unit == "g" and amount.count == 1
        if (amount.base == "ml" and holds(text)) or (is_heavy and holds(text, weight=True)):
            soft.append(f"{amount.text!r} may be what the product holds")
            if amount.count > 1 and not evidence.pieces:
                evidence.pieces.append(amount.count)
                evidence.counted = evidence.counted or amount.text
        elif is_heavy and NAPPY.search(text):
            soft.append(f"{amount.text!r} may be the weight of a child")
        elif is_light and amount.total in _SQUARE_METRES and SQUARE_METRE.search(text):
            soft.append(f"{amount.text!r} may be the weight of a square metre")
        elif is_light and amount.total <= _LARGEST_STRENGTH and max(evidence.doses, default=0) > 1:
            soft.append(f"{amount.text!r} may be the strength of one dose")
        else:
            kept.append(amount)
    return kept


def _without_drained(
    text: str, amounts: list[Amount], hard: list[str]
) -> tuple[list[Amount], float | None]:
    """The amounts that are not drained weights, and the drained weight.

    Of two weights the drained one is the smaller, wherever its word stands; beside a volume, a
    weight is the drained one.
    """
    if not DRAINED.search(text):
        return amounts, None
    masses = _distinct([amount for amount in amounts if amount.base == "g"], ())
    volumes = [amount for amount in amounts if amount.base == "ml"]
    if len(masses) == 1:
        return volumes or masses, masses[0].total
    if len(masses) != 2:
        return amounts, None
    small, large = sorted(masses, key=lambda amount: amount.total)
    is_of_one = small.count != large.count and (
        small.count > 1 or small.total <= large.total / large.count or not _is_marked(text, small)
    )
    if is_of_one or small.total < _LEAST_DRAINED * large.total:
        hard.append(f"{small.text!r} may be drained of one or of all")
    return [large, *volumes], small.total


def _is_marked(text: str, amount: Amount) -> bool:
    """Whether the word for a drained weight stands right beside an amount."""
    behind = DRAINED.search(text, amount.end, amount.end + _NEAR)
    before = list(DRAINED.finditer(text, max(amount.start - _NEAR, 0), amount.start))
    gaps = [text[amount.end : behind.start()]] if behind else []
    gaps += [text[before[-1].end() : amount.start]] if before else []
    return any(not any(mark.isdigit() for mark in gap) for gap in gaps)


def _without_foreign(amounts: list[Amount]) -> list[Amount]:
    """The metric amounts where others say the same in pounds or ounces."""
    metric = [amount for amount in amounts if amount.unit not in _FOREIGN]
    return [
        amount
        for amount in amounts
        if amount.unit not in _FOREIGN
        or not any(amount.unit == "oz" or _is_near(amount, other, _ALIKE) for other in metric)
    ]


def _is_near(one: Amount, other: Amount, share: float) -> bool:
    """Whether two amounts are the same but for a share of the larger one."""
    if one.base != other.base:
        return False
    return abs(one.total - other.total) <= share * max(one.total, other.total)


def _distinct(amounts: list[Amount], pieces: Sequence[int]) -> list[Amount]:
    """The amounts without those that say the same as another one, or what one piece has."""
    kept: list[Amount] = []
    for amount in sorted(amounts, key=lambda amount: -amount.count):
        if not any(_is_near(amount, other, _SAME) for other in kept):
            kept.append(amount)
    if len(kept) == 2 and kept[0].base == kept[1].base and kept[0].count == kept[1].count == 1:
        small, large = sorted(kept, key=lambda amount: amount.total)
        if any(abs(small.total * n - large.total) <= _SAME * large.total for n in pieces):
            return [large]
    return kept


def _of_each(evidence: Evidence, amounts: list[Amount], hard: list[str]) -> list[Amount]:
    """The amount of a drink, which is that of each in a bundle if each would have too little."""
    number = _only(evidence.bundles)
    if len(amounts) != 1:
        return amounts
    [amount] = amounts
    pieces = _only(evidence.pieces)
    if amount.count == 1 and EACH.match(evidence.text, amount.end):
        if (several := pieces or number) is not None:
            return [replace(amount, count=several)]
        hard.append(f"{amount.text!r} is of each of several")
    if pieces is not None and pieces > 1 and _is_bottle(evidence, amount):
        if is_size_of_each(amount.total, amount.unit, pieces):
            return [replace(amount, count=pieces)]
        hard.append(f"{amount.text!r} may be of one or of all {pieces}")
    if number is None or number < 2:
        return amounts
    if amount.unit == "cl" and amount.count == 1 and amount.size < _SMALLEST_CL * number:
        return [replace(amount, count=number)]
    return amounts


def _is_bottle(evidence: Evidence, amount: Amount) -> bool:
    """Whether an amount may be that of one of several bottles or cans."""
    is_single = amount.base == "ml" and amount.count == 1
    return is_single and BOTTLE.search(evidence.text) is not None


def _is_loose(evidence: Evidence) -> bool:
    """Whether the text begins a product with how many of it there are, as in "2 x Soap 250 g"."""
    loose = LOOSE.search(evidence.text)
    return loose is not None and not any(
        start <= loose.start() < end for start, end in evidence.spans
    )


def _is_other_count(amount: Amount, number: int) -> bool:
    """Whether a number of packs in a bundle may multiply an amount once more."""
    return number > 1 and number != amount.count and (amount.count == 1 or number < _MOST_PACKS)


def _of_amount(evidence: Evidence, amount: Amount, drained: float | None, counts: _Counts) -> Pack:
    pieces = counts.pieces
    if not evidence.pieces and amount.count > 1:
        pieces = amount.count
    return Pack(
        READ,
        amount.size,
        amount.unit,
        amount.count,
        amount.total,
        amount.base,
        pieces,
        counts.washes,
        counts.doses,
        drained,
        ABOUT.search(evidence.text) is not None,
        amount.text,
    )


def _of_count(evidence: Evidence, counts: _Counts) -> Pack | None:
    """The pack of a text that only counts; None if it does not, or contradicts itself."""
    if _contradictions(evidence):
        return None
    pieces = counts.pieces or _only(evidence.bundles)
    for number, unit in ((counts.washes, WASH), (counts.doses, DOSE), (pieces, PIECE)):
        if number is not None:
            about = ABOUT.search(evidence.text) is not None
            return Pack(
                READ, 1.0, unit, number, float(number), unit, pieces, counts.washes,
                counts.doses, None, about, evidence.counted,
            )  # fmt: skip
    return None
