"""The columns from which a catalog is read."""

from collections.abc import Sequence
from dataclasses import dataclass

from prodcat.errors import CatalogError
from prodcat.storage.tables import Columns, iter_tables

# One column with the whole path, or one column for each level.
PathColumns = str | Sequence[str]


@dataclass(frozen=True)
class CatalogColumns:
    """The names of the columns, and the mark between the names of a path; see ``read_catalog``."""

    title: str
    path: PathColumns | None
    path_ids: PathColumns | None
    language: str | None
    text: tuple[str, ...]
    keep: tuple[str, ...]
    separator: str

    def names(self) -> list[str]:
        """The names of all columns, each of them once."""
        names: list[str] = [self.title, *self.text, *self.keep]
        for path in (self.path, self.path_ids):
            names += [path] if isinstance(path, str) else list(path or ())
        names += [self.language] if self.language else []
        return list(dict.fromkeys(names))


def read_columns(source: object, requested: CatalogColumns) -> Columns:
    """Read the requested columns of a source, all of one length.

    Raises:
        CatalogError: A column is missing, or the source has no rows.
    """
    names = requested.names()
    columns: Columns = {name: [] for name in names}
    present: set[str] = set()
    rows = 0
    for piece in iter_tables(source):
        present.update(piece)
        size = len(next(iter(piece.values()), []))
        for name in names:
            columns[name] += piece.get(name, [None] * size)
        rows += size
    missing = [name for name in names if name not in present]
    if missing and present:
        raise CatalogError(
            f"The source has no column {missing[0]!r}; found {sorted(present)}. Name the "
            "columns with title=, path=, path_ids=, language=, text= and keep=."
        )
    if not rows:
        raise CatalogError("The source has no rows; expected at least one title.")
    return columns
