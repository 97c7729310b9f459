"""Category paths, as tuples of names and as lines of text."""

from collections.abc import Sequence

SEPARATOR = " > "
Path = tuple[str, ...]


def join_path(path: Sequence[str]) -> str:
    """The names of a path in one line, with :data:`SEPARATOR` between them.

    >>> join_path(("Food", "Fruit", "Apples"))
    'Food > Fruit > Apples'
    """
    return SEPARATOR.join(path)


def split_path(text: str, separator: str = ">") -> Path:
    """The names in one line of text, each without surrounding blanks.

    >>> split_path("Food > Fruit>Apples")
    ('Food', 'Fruit', 'Apples')
    >>> split_path("Food/Fruit", separator="/")
    ('Food', 'Fruit')
    """
    return tuple(name.strip() for name in text.split(separator))
