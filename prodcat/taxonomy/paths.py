"""Paths of categories, as tuples of names and as lines of text."""

from collections.abc import Sequence

SEPARATOR = " > "
Path = tuple[str, ...]


def join_path(path: Sequence[str]) -> str:
    """Write a path as one line, e.g. ``"Food > Fruit > Apples"``."""
    return SEPARATOR.join(path)


def split_path(text: str, separator: str = ">") -> Path:
    """Read a path from one line; blanks around the names do not count."""
    return tuple(name.strip() for name in text.split(separator))
