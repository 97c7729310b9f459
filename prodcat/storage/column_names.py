"""Checks the names of the columns of a table, and gives columns of a file names of their own."""

from collections import Counter
from collections.abc import Collection, Sequence

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
    _check_count(names, where)
    twice = sorted(name for name, count in Counter(names).items() if count > 1)
    if twice:
        raise CatalogError(f"{where} has two columns named {twice[0]!r}; give each its own name.")


def unique_names(names: Sequence[str], read: Collection[str], where: str) -> tuple[str, ...]:
    """Give columns names by which they can be told apart.

    The first of several columns with one name keeps it.  One column may have no name; of several,
    each is named after its position.

    Args:
        names: The names in the header.
        read: The names of columns that are read, which must be unique.
        where: A description of the table, with which a message begins.

    Raises:
        CatalogError: Two columns have the same name and are read, or there are too many columns.

    >>> unique_names(["title", "price", "price", "", ""], ["title"], "The table")
    ('title', 'price', 'price (2)', 'column 4', 'column 5')
    """
    _check_count(names, where)
    counts = Counter(names)
    twice = sorted(name for name in set(read) if counts[name] > 1 and name)
    if twice:
        raise CatalogError(f"{where} has two columns named {twice[0]!r}; give each its own name.")
    if len(counts) == len(names):
        return tuple(names)
    taken, used = set(names), set[str]()
    unique = []
    for place, name in enumerate(names, 1):
        free = name
        if not name and counts[name] > 1:
            name = f"column {place}"
            free = name if name not in taken else f"{name} (2)"
        number = 2
        while free in used or (free != name and free in taken):
            free, number = f"{name} ({number})", number + 1
        used.add(free)
        unique.append(free)
    return tuple(unique)


def _check_count(names: Sequence[str], where: str) -> None:
    if len(names) > MOST_COLUMNS:
        raise CatalogError(
            f"{where} has {len(names):,} columns; expected at most {MOST_COLUMNS:,}."
        )
