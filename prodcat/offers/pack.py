"""A pack and the unit prices of an offer, as they are read from a text."""

from dataclasses import dataclass

READ, NONE, UNKNOWN = "read", "none", "unknown"
PIECE, WASH, DOSE = "piece", "wash", "dose"


@dataclass(frozen=True, slots=True)
class Pack:
    """What a text says about a pack.

    Attributes:
        status: ``"read"``, ``"none"`` if the text names no size, or ``"unknown"`` if it seems to
            name one that may be understood in several ways.
        size: The amount of one item as it is written, such as 33 of ``6 x 33 cl``; 1 if the text
            only counts pieces, washes or doses.
        unit: ``kg``, ``g``, ``lb``, ``fl oz``, ``ml``, ``cl``, ``dl``, ``l``, ``piece``, ``wash``
            or ``dose``.
        count: How many items of this size are in the pack, such as 6 of ``6 x 33 cl``.
        total: ``size`` times ``count`` in ``total_unit``.
        total_unit: ``g``, ``ml``, ``piece``, ``wash`` or ``dose``.
        pieces: The number of pieces in the pack, if it is told.
        washes: How many washes the pack is for, if it is told.
        doses: The number of capsules, tablets, pods or doses in the pack, if it is told.
        drained: The drained weight of the pack in grams, if it is told.
        is_approximate: Whether the text says that the size is approximate.
        text: Where the size is from, in small letters without accents.
        reason: Why the size is unknown; empty otherwise.
    """

    status: str = NONE
    size: float | None = None
    unit: str | None = None
    count: int | None = None
    total: float | None = None
    total_unit: str | None = None
    pieces: int | None = None
    washes: int | None = None
    doses: int | None = None
    drained: float | None = None
    is_approximate: bool = False
    text: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class StatedPrice:
    """A price of a unit that stands in a text, such as 3,98 €/kg.

    Attributes:
        money: The text of the price, such as ``3,98 €``.
        of: How many units it is for.
        unit: The unit, such as ``kg``, ``piece`` or ``wash``.
    """

    money: str
    of: float
    unit: str
