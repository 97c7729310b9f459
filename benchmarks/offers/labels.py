"""The labels of real titles, by the hash of the title, as the titles are not in the repository.

A label says what a person reads in a text: ``6x33cl``; ``140g/4`` for 140 g in 4 pieces; ``24p``,
``32w`` and ``60d`` for pieces, washes and doses; ``-`` for no size, ``?`` for a size that a person
cannot tell for sure, and ``c`` for what the product holds rather than what is in the pack.
"""

import csv
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from benchmarks.quality.sets import rows_of

FILE = Path(__file__).parent / "labels.tsv"
NONE, UNCLEAR, CAPACITY = "-", "?", "c"
_LABEL = re.compile(r"(?:(\d+)x)?([\d.]+)(kg|g|ml|cl|l|p|w|d)(?:/(\d+))?")
_COUNTED = {"p": "piece", "w": "wash", "d": "dose"}
# The parts of each set from which titles were drawn.
PARTS = {
    "shop-titles-es": ("train", "validation"), "receipts-fr": ("train", "validation"),
    "shop-titles-en": ("train", "validation"), "branded-food": ("items",),
    "food-terms": ("train", "validation"), "matching/walmart-amazon": ("train",),
    "parallel-synthetic": ("items",),
}  # fmt: skip


@dataclass(frozen=True)
class Labelled:
    """The labels of one title.

    Attributes:
        key: The hash of the title.
        set: The set that the title is from.
        half: ``development``, which was read while the grammar was made, or ``held-out``.
        first: The label of the first reading.
        second: The label of the second reading.
        settled: The label after differences were settled.
    """

    key: str
    set: str
    half: str
    first: str
    second: str
    settled: str


@dataclass(frozen=True)
class Meaning:
    """What a label says about a size.

    Attributes:
        total: The content in the base unit.
        unit: The base unit.
        count: How many items the size is multiplied by.
        pieces: The number of pieces beside the size; None if the label names none.
    """

    total: float
    unit: str
    count: int
    pieces: int | None


def key_of(title: str) -> str:
    """The hash of a title.

    >>> key_of("Milk 1 l")
    'df79efda48018e95'
    """
    return hashlib.sha256(title.strip().encode()).hexdigest()[:16]


def read_labels() -> list[Labelled]:
    """All labels."""
    with FILE.open(encoding="utf-8", newline="") as file:
        return [Labelled(**row) for row in csv.DictReader(file, delimiter="\t")]


def titles_by_key(data: Path, name: str) -> dict[str, str]:
    """The titles of a set by their hashes.

    Args:
        data: The folder of all sets.
        name: The set.
    """
    titles = {}
    for part in PARTS[name]:
        for row in rows_of(data, name, [part]):
            title = row.get("title") or (row.get("left") or {}).get("title") or ""
            titles[key_of(title)] = title.strip()
    return titles


def meaning(label: str) -> Meaning | None:
    """What a label says about a size; None if there is none, or none that is sure."""
    from prodcat.offers.units import base_unit, factors

    match = _LABEL.fullmatch(label)
    if match is None:
        return None
    count, size = int(match[1] or 1), float(match[2])
    if match[3] in _COUNTED:
        total = count * size
        return Meaning(total, _COUNTED[match[3]], int(total), None)
    total = round(count * size * factors()[match[3]], 6)
    return Meaning(total, base_unit(match[3]), count, int(match[4]) if match[4] else None)
