"""Writes the table of changes that a person checks."""

import os
from collections.abc import Sequence
from typing import Any

from prodcat.storage.row_tables import save_rows
from prodcat.taxonomy.changes.change import TreeChange
from prodcat.taxonomy.paths import join_path

COLUMNS = (
    "kind", "old_id", "old_path", "new_id", "new_path", "confidence", "sure", "reason",
)  # fmt: skip
YES, NO = "yes", "no"


def table_rows(rows: Sequence[TreeChange], added: Sequence[TreeChange]) -> list[dict[str, Any]]:
    """The rows of the table: first what is not sure, the least likely first; then what changed.

    What has been added, and what is the same, is at the end.
    """
    unsure = sorted((row for row in rows if not row.sure), key=lambda row: row.confidence)
    sure = [row for row in rows if row.sure]
    changed = [row for row in sure if row.kind != "same"]
    same = [row for row in sure if row.kind == "same"]
    return [cells for row in (*unsure, *changed, *added, *same) for cells in _cells_of(row)]


def _cells_of(row: TreeChange) -> list[dict[str, Any]]:
    """The row of a change in the table, or one for each part of a split category."""
    parts = list(zip(row.new_ids, row.new_paths, strict=True)) or [("", ())]
    return [
        {
            "kind": row.kind,
            "old_id": row.old_id,
            "old_path": join_path(row.old_path),
            "new_id": key,
            "new_path": join_path(path),
            "confidence": row.confidence,
            "sure": YES if row.sure else NO,
            "reason": row.reason,
        }
        for key, path in parts
    ]


def save_table(
    rows: Sequence[TreeChange], added: Sequence[TreeChange], uri: str | os.PathLike[str]
) -> None:
    """Write changes as a table; see :meth:`TreeChanges.save`.

    Raises:
        ConfigError: The name has an ending that is not supported.
        StoreError: The file cannot be written.
    """
    types = {name: float if name == "confidence" else str for name in COLUMNS}
    save_rows(uri, types, table_rows(rows, added))
