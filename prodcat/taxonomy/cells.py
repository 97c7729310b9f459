"""Records of a table, and what their cells mean in a taxonomy."""

from typing import Any

import numpy as np

from prodcat.storage.tables import is_missing, iter_tables
from prodcat.taxonomy.paths import Path, split_path


def records_of(source: object) -> list[dict[str, Any]]:
    """The rows of any table that prodcat reads, each as values by column."""
    records: list[dict[str, Any]] = []
    for piece in iter_tables(source):
        names = list(piece)
        rows = zip(*piece.values(), strict=True)
        records += [dict(zip(names, row, strict=True)) for row in rows]
    return records


def cell_text(value: object) -> str:
    """The text of a cell without the blanks around it; empty where the value is missing."""
    return "" if is_missing(value) else str(value).strip()


def cell_path(value: object, separator: str) -> Path:
    """The path in a cell, which holds one line or a list of names; empty for other values."""
    if isinstance(value, str):
        return split_path(value, separator)
    if isinstance(value, (list, tuple, np.ndarray)):
        return tuple(cell_text(part) for part in value)
    return ()


def cell_mark(value: object) -> bool:
    """Whether a cell says yes."""
    return cell_text(value).lower() in ("true", "1", "yes", "y")
