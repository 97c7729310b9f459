"""Draws further titles for labelling, which no label exists for yet.

    python -m benchmarks.offers.sample --data DIR --half fresh > titles.tsv

The seed of each half is fixed, so that the same labels and sets give the same titles.
"""

import argparse
import random
import re
from pathlib import Path

from benchmarks.offers.labels import key_of, read_labels, titles_by_key

# The seeds, in the order in which the halves were drawn.
_SEEDS = {"fresh": 24, "last": 25, "unseen": 26}
_DIGITS = 0.9  # share of titles with a digit or a word of a unit
_SIZED = re.compile(r"\d|\b(?:kg|adet|pi[eè]ce)\b", re.IGNORECASE)
_COUNTS = {
    "receipts-fr": 120, "shop-titles-es": 60, "branded-food": 50, "shop-titles-en": 40,
    "matching/walmart-amazon": 20, "parallel-synthetic": 10,
}  # fmt: skip


def draw(data: Path, half: str) -> list[tuple[str, str]]:
    """The set and the title of each drawn title.

    Args:
        data: The folder of all sets.
        half: ``fresh``, ``last`` or ``unseen``, which has no title of the halves before it.
    """
    later = list(_SEEDS)[list(_SEEDS).index(half) :]
    labelled = {label.key for label in read_labels() if label.half not in later}
    rng = random.Random(_SEEDS[half])
    drawn = []
    for name, count in _COUNTS.items():
        titles = sorted(
            title for key, title in titles_by_key(data, name).items() if key not in labelled
        )
        rng.shuffle(titles)
        sized = [title for title in titles if _SIZED.search(title)][: round(count * _DIGITS)]
        others = [title for title in titles if title not in set(sized)]
        drawn += [(name, title) for title in [*sized, *others[: count - len(sized)]]]
    return drawn


def main() -> None:
    """Print the key, the set and the title of each drawn title."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--half", choices=list(_SEEDS), default="fresh")
    options = parser.parse_args()
    for name, title in draw(options.data, options.half):
        print(key_of(title), name, title, sep="\t")


if __name__ == "__main__":
    main()
