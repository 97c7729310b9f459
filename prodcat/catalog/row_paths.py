"""Reads the path of each row, and reports rows whose path is wrong."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from prodcat.catalog.cells import lost_digits
from prodcat.catalog.columns import CatalogColumns, PathColumns
from prodcat.catalog.report import (
    AMBIGUOUS_IDS,
    INVALID_UTF8,
    LOST_DIGITS,
    NO_CATEGORY,
    SKIPPED_LEVEL,
    UNREADABLE_PATH,
)
from prodcat.catalog.row_problems import RowProblems
from prodcat.catalog.text import raw_bytes, readable
from prodcat.errors import TaxonomyError
from prodcat.storage.tables import Columns
from prodcat.taxonomy.cells import cell_path, cell_text
from prodcat.taxonomy.paths import Path, is_like_list


@dataclass(frozen=True)
class RowPaths:
    """The usable part of each row's path: all levels above the first that is empty.

    Attributes:
        names: The names along each row's path, empty for a row without a path.
        ids: The ids along each row's path, or None if the source has no ids.
    """

    names: list[Path]
    ids: list[Path] | None

    @property
    def keys(self) -> list[Path]:
        """The ids along each row's path, or the names if there are no ids."""
        return self.names if self.ids is None else self.ids


def read_row_paths(columns: Columns, requested: CatalogColumns, problems: RowProblems) -> RowPaths:
    """Read the path of every row.

    Args:
        columns: The values of all rows by column.
        requested: The names of the columns, and the separator.
        problems: The rows whose path is wrong are added to it.
    """
    names: list[Path] = []
    ids: list[Path] = []
    reader = _PathReader(columns, requested.separator, problems)
    for row in range(len(columns[requested.title])):
        row_names = None if requested.path is None else reader.read(requested.path, row)
        row_ids = (
            row_names or [] if requested.path_ids is None else reader.read(requested.path_ids, row)
        )
        path, key, problem = _checked_path(row_ids if row_names is None else row_names, row_ids)
        if problem is not None and not (problem[0] == NO_CATEGORY and row in reader.flagged):
            problems.add(row, *problem)
        names.append(path)
        ids.append(key)
    return RowPaths(names, None if requested.path_ids is None else ids)


class _PathReader:
    """Reads the names along a path from the cells of a row.

    Args:
        columns: The values of all rows by column.
        separator: The text between the names of a path in one text.
        problems: Cells that are wrong are added to it.

    Attributes:
        flagged: The numbers of the rows that this reader added to ``problems``.
    """

    def __init__(self, columns: Columns, separator: str, problems: RowProblems) -> None:
        self.columns = columns
        self.separator = separator
        self.problems = problems
        self.flagged: set[int] = set()

    def read(self, source: PathColumns, row: int) -> list[str]:
        """The names or ids of a row, from one column or from one column for each level."""
        self._check_digits([source] if isinstance(source, str) else source, row)
        if isinstance(source, str):
            try:
                parts = list(cell_path(self.columns[source][row], self.separator))
            except TaxonomyError as error:
                self._flag(row, UNREADABLE_PATH, str(error))
                parts = []
        else:
            parts = [cell_text(self.columns[name][row]) for name in source]
            lists = [
                part
                for name, part in zip(source, parts, strict=True)
                if is_like_list(part) and not self._is_answer(name, row)
            ]
            if lists:
                detail = f"{lists[0][:60]!r} is a list or an object; expected one name"
                self._flag(row, UNREADABLE_PATH, detail)
                parts = []
        clean = [readable(part) for part in parts]
        if clean != parts:
            first = next(part for part in parts if readable(part) != part)
            self._flag(row, INVALID_UTF8, f"path name {raw_bytes(first)!r}")
        return clean

    def _is_answer(self, name: str, row: int) -> bool:
        """Whether a cell is a text of a level in prodcat's answers, where any text is a name."""
        return name.startswith("predicted_") and isinstance(self.columns[name][row], str)

    def _check_digits(self, names: Sequence[str], row: int) -> None:
        """Flag a row with ids that are floats, of which digits are lost."""
        for name in names:
            value = self.columns[name][row]
            if type(value) is not str:
                parts = value if isinstance(value, (list, tuple, np.ndarray)) else [value]
                faults = [fault for fault in (lost_digits(part, name) for part in parts) if fault]
                if faults:
                    self._flag(row, LOST_DIGITS, faults[0])

    def _flag(self, row: int, reason: str, detail: str) -> None:
        self.flagged.add(row)
        self.problems.add(row, reason, detail)


def _checked_path(names: list[str], keys: list[str]) -> tuple[Path, Path, tuple[str, str] | None]:
    """Check a path and its ids.

    Returns:
        The usable parts of ``names`` and ``keys``, and the reason and detail of a problem, or None.
    """
    path, key = _without_empty_end(names), _without_empty_end(keys)
    gap = next((i for i, part in enumerate(key) if not part), len(key))
    if gap < len(key):
        detail = f"{list(key)!r} is empty at level {gap + 1}"
        return path[:gap], key[:gap], (SKIPPED_LEVEL, detail)
    if not key:
        return (), (), (NO_CATEGORY, "all levels are empty")
    if len(path) != len(key):
        detail = f"{len(path)} names {list(path)!r} for {len(key)} ids {list(key)!r}"
        return (), (), (AMBIGUOUS_IDS, detail)
    if not all(path):
        return (), (), (SKIPPED_LEVEL, f"{list(path)!r} has an empty name")
    return path, key, None


def _without_empty_end(parts: list[str]) -> Path:
    end = max((i + 1 for i, part in enumerate(parts) if part), default=0)
    return tuple(parts[:end])
