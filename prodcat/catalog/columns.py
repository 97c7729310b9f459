"""Reads the columns of a source that a catalog is made from."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from prodcat.catalog.cells import shortened
from prodcat.errors import CatalogError, no_column
from prodcat.storage.containers import described, ordered_values
from prodcat.storage.read_options import ReadOptions
from prodcat.storage.tables import Columns, iter_tables
from prodcat.taxonomy.level_columns import level_columns

_LIKE_PATH = re.compile("path|categ|kateg|catég|rayon|departm|taxonom|breadcrumb", re.IGNORECASE)

# The name of the column with the whole path, or the names of one column for each level.
PathColumns = str | Sequence[str]


class _UnnamedPath(str):
    """The name of the column with the path where the caller named none."""

    __slots__ = ()


UNNAMED_PATH = _UnnamedPath("path")


def column_names(given: object, argument: str) -> tuple[str, ...]:
    """The names of columns in a list or in another container that keeps an order.

    Args:
        given: What a caller gave.
        argument: The name of the argument, with which the message begins.

    Raises:
        CatalogError: It is no list of names.

    >>> column_names(["brand", "size"], "text")
    ('brand', 'size')
    """
    values = ordered_values(given)
    if values is None:
        raise CatalogError(
            f"{argument}= is {described(given)}; expected a list of names of columns; put the name "
            "in a list."
        )
    names = tuple(values)
    for name in names:
        _check_name(name, argument)
    return names


def _check_name(given: object, argument: str, optional: bool = False) -> None:
    """Refuse what is no name of a column.

    Raises:
        CatalogError: It is no text.
    """
    if not isinstance(given, str) and not (optional and given is None):
        raise CatalogError(
            f"{argument}= has {described(given)}; expected the name of a column, as text."
        )


@dataclass(frozen=True)
class CatalogColumns:
    """The column names and the separator that :func:`prodcat.read_catalog` was called with.

    Raises:
        CatalogError: What should be the name of a column is no text.
    """

    title: str
    path: PathColumns | None
    path_ids: PathColumns | None
    language: str | None
    text: Sequence[str]
    keep: Sequence[str]
    separator: str

    def __post_init__(self) -> None:
        for argument in ("title", "language"):
            _check_name(getattr(self, argument), argument, optional=argument == "language")
        for argument in ("path", "path_ids"):
            given = getattr(self, argument)
            if given is not None and not isinstance(given, str):
                object.__setattr__(self, argument, column_names(given, argument))
        for argument in ("text", "keep"):
            names = column_names(getattr(self, argument), argument)
            object.__setattr__(self, argument, names)

    def names(self) -> list[str]:
        """The names of all columns, without duplicates."""
        names: list[str] = [self.title, *self.text, *self.keep]
        for path in (self.path, self.path_ids):
            names += [path] if isinstance(path, str) else list(path or ())
        names += [self.language] if self.language else []
        return list(dict.fromkeys(names))

    def needed(self) -> list[str]:
        """The names of the columns that every file must have: all but those that are kept."""
        kept = {*self.keep, self.language} - {self.title, *self.text}
        return [name for name in self.names() if name not in kept]

    @property
    def read_as_text(self) -> set[str]:
        """The names of the columns whose values are texts or names of categories."""
        return set(self.names()) - set(self.keep) | {self.title, *self.text}


def read_columns(
    source: object, requested: CatalogColumns, file: ReadOptions
) -> tuple[Columns, dict[int, str], str]:
    """Read the requested columns of a source.

    Args:
        source: The source, as :func:`prodcat.read_catalog` takes it.
        requested: The names of the columns.
        file: What is known of a file: its delimiter, encoding or sheet.

    Returns:
        The values of each column, [rows], by its name; what is wrong with rows that could not be
        read, by their number; and why the rows have no categories, which is empty if the source
        has the column with the path, or the caller wants none.

    Raises:
        CatalogError: A column is missing, the source has no rows, or it cannot be read.
    """
    names = requested.names()
    columns: Columns = {name: [] for name in names}
    present: set[str] = set()
    rows = 0
    unreadable: dict[int, str] = {}
    options = replace(file, names=tuple(names))
    pieces = iter_tables(
        source, options=options, report=unreadable.__setitem__, needed=requested.needed()
    )
    for piece in pieces:
        present.update(piece)
        size = len(next(iter(piece.values()), []))
        for name in names:
            values = piece.get(name, [None] * size)
            columns[name] += map(shortened, values) if name in requested.read_as_text else values
        rows += size
    unlabelled = ""
    if isinstance(requested.path, _UnnamedPath) and present and requested.path not in present:
        others = [name for name in present if name not in names]
        unlabelled = _why_unlabelled(requested.path, others)
        names.remove(requested.path)
    missing = [name for name in names if name not in present]
    if missing and present:
        raise CatalogError(
            f"{no_column('The source', missing[0], sorted(present))} "
            "Name the columns with title=, path=, path_ids=, language=, text= and keep=."
        )
    if not rows and unreadable:
        raise CatalogError(next(iter(unreadable.values())))
    if not rows:
        raise CatalogError("The source has no rows; expected at least one title.")
    return columns, unreadable, unlabelled


def _why_unlabelled(path: str, others: Sequence[str]) -> str:
    """Why rows have no categories, and how to name the columns if they have."""
    levels = level_columns(sorted(others))
    likely = [name for name in sorted(others) if _LIKE_PATH.search(name)]
    likely = [name for name in likely if not name.lower().endswith(("id", "ids"))]
    example: object = levels or (likely[0] if likely else None)
    columns = f"found {sorted(others)[:50]}" if others else "found no other column"
    end = f", such as path={example!r}" if example else ""
    return (
        f"the source has no column {path!r}, so that its titles have no categories; {columns}. If "
        f"there are categories, name their column, or those of their levels, with path= "
        f"(--path){end}"
    )
