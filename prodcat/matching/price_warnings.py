"""Warnings about prices that are not compared."""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from os import PathLike, fspath
from typing import Any

from prodcat.storage.containers import is_missing

logger = logging.getLogger("prodcat")
_EXAMPLES = 3
_SHOWN = 80  # letters of a value in a message


class UnreadPrices:
    """Counts the prices of a table that cannot be read.

    Args:
        column: The column with the price; None if there is none.
    """

    def __init__(self, column: str | None) -> None:
        self._column = column
        self._rows = self._count = 0
        self._examples: list[str] = []

    def add(self, piece: Mapping[str, Sequence[Any]], prices: Sequence[float | None]) -> None:
        """Count those of the next rows.

        Args:
            piece: The values of each column by its name.
            prices: The prices that were read of these rows.
        """
        start = self._rows
        self._rows += len(prices)
        if self._column is None:
            return
        for place, (value, price) in enumerate(zip(piece[self._column], prices, strict=True)):
            if price is None and not is_missing(value) and str(value).strip():
                self._count += 1
                if len(self._examples) < _EXAMPLES:
                    self._examples.append(f"{value!r:.{_SHOWN}} (row {start + place + 1:,})")

    def tell(self, source: str | PathLike[str]) -> None:
        """Warn of them, if there are any.

        Args:
            source: The table.
        """
        if self._count:
            logger.warning(
                "%s: %s in %r cannot be read and %s not compared, such as %s.",
                fspath(source),
                counted(self._count, "price"),
                self._column,
                "is" if self._count == 1 else "are",
                ", ".join(self._examples),
            )


def warn_of_currencies(pairs: Sequence[tuple[str, str]]) -> None:
    """Warn of pairs whose prices are in different currencies, if there are any.

    Args:
        pairs: Both currencies of each of these pairs.
    """
    if pairs:
        counts = Counter(pairs).most_common()
        named = ", ".join(f"{one} and {other} ({count:,})" for (one, other), count in counts)
        logger.warning(
            "The prices of %s are in different currencies and are not compared: %s. Convert the "
            "prices of one table to compare them.",
            counted(len(pairs), "pair"),
            named,
        )


def counted(count: int, word: str) -> str:
    """A number and a word in the right form.

    >>> counted(1, "price"), counted(2_000, "price")
    ('1 price', '2,000 prices')
    """
    return f"{count:,} {word}{'s' * (count != 1)}"
