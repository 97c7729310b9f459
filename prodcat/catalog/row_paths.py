"""The path of each row, as far as it can be used, and what is wrong with the others."""

from dataclasses import dataclass

from prodcat.catalog.cells import cell_text, path_names
from prodcat.catalog.columns import CatalogColumns, PathColumns
from prodcat.catalog.report import AMBIGUOUS_IDS, INVALID_UTF8, NO_CATEGORY, SKIPPED_LEVEL
from prodcat.catalog.row_problems import RowProblems
from prodcat.catalog.text import raw_bytes, readable
from prodcat.storage.tables import Columns
from prodcat.taxonomy.paths import Path


@dataclass(frozen=True)
class RowPaths:
    """Each row's path up to its first gap, and its ids; both are empty where it has none.

    Attributes:
        names: The names along each row's path.
        ids: The ids along each row's path, or None if the source has no ids.
    """

    names: list[Path]
    ids: list[Path] | None

    @property
    def keys(self) -> list[Path]:
        """What identifies the node of each row: the ids, or else the names."""
        return self.names if self.ids is None else self.ids


def read_row_paths(columns: Columns, wanted: CatalogColumns, problems: RowProblems) -> RowPaths:
    """Read the path of every row, and note the rows whose path is wrong."""
    names: list[Path] = []
    ids: list[Path] = []
    reader = _PathReader(columns, wanted.separator, problems)
    for row in range(len(columns[wanted.title])):
        row_names = None if wanted.path is None else reader.read(wanted.path, row)
        row_ids = row_names or [] if wanted.path_ids is None else reader.read(wanted.path_ids, row)
        path, key, problem = _checked_path(row_ids if row_names is None else row_names, row_ids)
        if problem is not None and not (problem[0] == NO_CATEGORY and row in reader.flagged):
            problems.add(row, *problem)
        names.append(path)
        ids.append(key)
    return RowPaths(names, None if wanted.path_ids is None else ids)


class _PathReader:
    """Reads the parts of a path from the cells of a row, and flags cells that are wrong."""

    def __init__(self, columns: Columns, separator: str, problems: RowProblems) -> None:
        self.columns = columns
        self.separator = separator
        self.problems = problems
        self.flagged: set[int] = set()

    def read(self, source: PathColumns, row: int) -> list[str]:
        """The names or ids in one column, or in one column for each level."""
        if isinstance(source, str):
            value = self.columns[source][row]
            if isinstance(value, (dict, set)):
                detail = f"a {type(value).__name__} is no path: {value!r}"
                self._flag(row, NO_CATEGORY, detail)
            parts = path_names(value, self.separator)
        else:
            parts = [cell_text(self.columns[name][row]) for name in source]
        clean = [readable(part) for part in parts]
        if clean != parts:
            first = next(part for part in parts if readable(part) != part)
            self._flag(row, INVALID_UTF8, f"path name {raw_bytes(first)!r}")
        return clean

    def _flag(self, row: int, reason: str, detail: str) -> None:
        self.flagged.add(row)
        self.problems.add(row, reason, detail)


def _checked_path(names: list[str], keys: list[str]) -> tuple[Path, Path, tuple[str, str] | None]:
    """The path and its ids as far as they can be used, and what is wrong with them."""
    path, key = _without_empty_end(names), _without_empty_end(keys)
    gap = next((i for i, part in enumerate(key) if not part), len(key))
    if gap < len(key):
        detail = f"{list(key)!r} has nothing at level {gap + 1}"
        return path[:gap], key[:gap], (SKIPPED_LEVEL, detail)
    if not key:
        return (), (), (NO_CATEGORY, "nothing at any level")
    if len(path) != len(key):
        detail = f"{len(path)} names {list(path)!r} for {len(key)} ids {list(key)!r}"
        return (), (), (AMBIGUOUS_IDS, detail)
    if not all(path):
        return (), (), (SKIPPED_LEVEL, f"{list(path)!r} has an empty name")
    return path, key, None


def _without_empty_end(parts: list[str]) -> Path:
    end = max((i + 1 for i, part in enumerate(parts) if part), default=0)
    return tuple(parts[:end])
