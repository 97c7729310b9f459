"""Checks the names of the columns of a table."""

from collections import Counter
from collections.abc import Sequence

from prodcat.errors import CatalogError

MOST_COLUMNS = 100_000


def no_twins(names: Sequence[str], where: str) -> None:
    """Refuse a table with two columns of the same name, or with too many columns.

    Args:
        names: The names of the columns.
        where: A description of the table, with which the message begins.

    Raises:
        CatalogError: Two columns have the same name, or there are too many.
    """
    if len(names) > MOST_COLUMNS:
        raise CatalogError(
            f"{where} has {len(names):,} columns; expected at most {MOST_COLUMNS:,}."
        )
    twice = sorted(name for name, count in Counter(names).items() if count > 1)
    if twice:
        raise CatalogError(f"{where} has two columns named {twice[0]!r}; give each its own name.")
