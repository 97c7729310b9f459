"""Reads the columns of a source that a catalog is made from."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from prodcat.catalog.cells import shortened
from prodcat.errors import CatalogError
from prodcat.storage.read_options import ReadOptions
from prodcat.storage.tables import Columns, iter_tables

# The name of the column with the whole path, or the names of one column for each level.
PathColumns = str | Sequence[str]


@dataclass(frozen=True)
class CatalogColumns:
    """The column names and the separator that :func:`prodcat.read_catalog` was called with."""

    title: str
    path: PathColumns | None
    path_ids: PathColumns | None
    language: str | None
    text: tuple[str, ...]
    keep: tuple[str, ...]
    separator: str

    def names(self) -> list[str]:
        """The names of all columns, without duplicates."""
        names: list[str] = [self.title, *self.text, *self.keep]
        for path in (self.path, self.path_ids):
            names += [path] if isinstance(path, str) else list(path or ())
        names += [self.language] if self.language else []
        return list(dict.fromkeys(names))

    @property
    def read_as_text(self) -> set[str]:
        """The names of the columns whose values are texts or names of categories."""
        return set(self.names()) - set(self.keep) | {self.title, *self.text}


def read_columns(
    source: object, requested: CatalogColumns, file: ReadOptions
) -> tuple[Columns, dict[int, str]]:
    """Read the requested columns of a source.

    Args:
        source: The source, as :func:`prodcat.read_catalog` takes it.
        requested: The names of the columns.
        file: What is known of a file: its delimiter, encoding or sheet.

    Returns:
        The values of each column, [rows], by its name; and what is wrong with rows that could not
        be read, by their number.

    Raises:
        CatalogError: A column is missing, the source has no rows, or it cannot be read.
    """
    names = requested.names()
    columns: Columns = {name: [] for name in names}
    present: set[str] = set()
    rows = 0
    unreadable: dict[int, str] = {}
    options = replace(file, names=tuple(names))
    for piece in iter_tables(source, options=options, report=unreadable.__setitem__):
        present.update(piece)
        size = len(next(iter(piece.values()), []))
        for name in names:
            values = piece.get(name, [None] * size)
            columns[name] += map(shortened, values) if name in requested.read_as_text else values
        rows += size
    missing = [name for name in names if name not in present]
    if missing and present:
        raise CatalogError(
            f"The source has no column {missing[0]!r}; found {sorted(present)[:50]}. Name the "
            "columns with title=, path=, path_ids=, language=, text= and keep=."
        )
    if not rows and unreadable:
        raise CatalogError(next(iter(unreadable.values())))
    if not rows:
        raise CatalogError("The source has no rows; expected at least one title.")
    return columns, unreadable
