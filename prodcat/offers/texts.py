"""Reads the texts of offers: titles, and what a table says about packs."""

from prodcat.offers.amounts import folded
from prodcat.offers.evidence import Evidence, unit_of
from prodcat.offers.grammar import BARE_UNIT, DIGIT, PATTERN
from prodcat.offers.kinds import HANDLERS
from prodcat.offers.pack import Pack, StatedPrice
from prodcat.offers.resolution import resolved


def read_text(text: str) -> tuple[Pack, list[StatedPrice], int]:
    """Read everything that a text says about a pack and its unit prices.

    Args:
        text: A title or the text of a pack, in any of the eight languages.

    Returns:
        The pack; the unit prices that stand in the text; and how many packs were bought, such as 2
        of ``2 x 2,97 €``, which is 1 if nothing is told.

    Raises:
        ConfigError: The package pint is not installed.
    """
    evidence = Evidence(folded(text))
    has_digit = DIGIT.search(evidence.text) is not None
    for match in PATTERN.finditer(evidence.text) if has_digit else ():
        handle = HANDLERS.get(match.lastgroup or "")
        if handle is not None:
            handle(evidence, match)
        evidence.before = match.end()
        evidence.spans.append(match.span())
    if not has_digit and (bare := BARE_UNIT.fullmatch(evidence.text)) is not None:
        unit = unit_of(bare["whole"] or bare["last"])
        evidence.add_bare(unit)
    return resolved(evidence), evidence.stated, evidence.purchased


def read_pack(text: str) -> Pack:
    """Read what a text says about a pack.

    Args:
        text: A title or the text of a pack, in any of the eight languages.

    Raises:
        ConfigError: The package pint is not installed.

    >>> pack = read_pack("Cola zero 6 x 33 cl")
    >>> pack.size, pack.unit, pack.count, pack.total, pack.total_unit
    (33.0, 'cl', 6, 1980.0, 'ml')
    >>> read_pack("Windeln 11-16kg, 36 Stück").total_unit
    'piece'
    >>> read_pack("Thon 190 g (140 g égoutté)").drained
    140.0
    """
    return read_text(text)[0]
