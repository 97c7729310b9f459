"""Joins a title and the further texts of its row to one text that keeps the borders between them.

The joined text is what files, servers and clusters hand on for a row.
"""

from collections.abc import Iterable, Sequence

import numpy as np

from prodcat.taxonomy.arrays import Flags

BORDER = "\x1f"  # the unit separator of ASCII, which no title needs


def join_fields(parts: Iterable[str]) -> str:
    r"""Join the title and the further texts of a row; empty ones keep their places.

    A border within a part becomes a blank.

    >>> join_fields(["Oat milk", "", "1.39"]), join_fields(["Oat\x1fmilk"])
    ('Oat milk\x1f\x1f1.39', 'Oat milk')
    """
    return BORDER.join(part.replace(BORDER, " ") for part in parts)


def title_of(text: str) -> str:
    """The title of a joined text."""
    return text.partition(BORDER)[0]


def are_titles_alone(texts: Sequence[str]) -> Flags:
    r"""Whether joined texts have a title and no further text, bool [texts].

    >>> are_titles_alone(["Oat milk\x1f\x1f1.39", "Oat milk\x1f\x1f", "Oat milk"])
    array([False,  True,  True])
    """
    alone = (not text.partition(BORDER)[2].strip(BORDER) for text in texts)
    return np.fromiter(alone, np.bool_, len(texts))


def plain(text: str) -> str:
    r"""A joined text as one line, by which rows are recognised and which the encoder reads.

    >>> plain("Oat milk\x1f\x1f1.39"), plain("Oat milk")
    ('Oat milk | 1.39', 'Oat milk')
    """
    return " | ".join(filter(None, text.split(BORDER))) if BORDER in text else text
