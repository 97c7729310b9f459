"""Category paths, as tuples of names and as lines of text."""

from collections.abc import Sequence

SEPARATOR = " > "
Path = tuple[str, ...]


def join_path(path: Sequence[str]) -> str:
    """Write a path as one line.

    >>> join_path(("Food", "Fruit", "Apples"))
    'Food > Fruit > Apples'
    """
    return SEPARATOR.join(path)


def split_path(text: str, separator: str = ">") -> Path:
    """Read a path from one line, without the blanks around the names.

    >>> split_path("Food > Fruit>Apples")
    ('Food', 'Fruit', 'Apples')
    >>> split_path("Food/Fruit", separator="/")
    ('Food', 'Fruit')
    """
    return tuple(name.strip() for name in text.split(separator))
