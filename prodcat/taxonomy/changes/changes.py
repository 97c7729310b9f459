"""What changed from one tree to the next, one row for each category."""

import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from prodcat.taxonomy.changes.change import TreeChange
from prodcat.taxonomy.changes.kinds import ADDED, KINDS
from prodcat.taxonomy.changes.reading import read_table
from prodcat.taxonomy.changes.table import COLUMNS, save_table, table_rows
from prodcat.taxonomy.changes.trees import Tree
from prodcat.taxonomy.notebook import Framed, NotebookTable, notebook_html
from prodcat.taxonomy.paths import join_path

_SHOWN = 10  # changes that a summary lists


@dataclass(frozen=True, eq=False)
class TreeChanges(Framed):
    """What changed from one tree to the next; :meth:`Taxonomy.diff` finds it.

    Attributes:
        rows: One for each category of the old tree, in its order.
        added: One for each category of the new tree that no old one has become.
        old: The old tree, a :class:`prodcat.Taxonomy`.
        new: The new tree, a :class:`prodcat.Taxonomy`.
    """

    rows: tuple[TreeChange, ...]
    added: tuple[TreeChange, ...]
    old: Tree
    new: Tree

    @property
    def counts(self) -> dict[str, int]:
        """The number of categories with each kind of change, those added last."""
        counts = Counter(row.kind for row in self.rows)
        return {**{kind: counts[kind] for kind in KINDS}, ADDED: len(self.added)}

    @property
    def targets(self) -> dict[str, tuple[str, ...]]:
        """The ids of what each old category has become, by its id; none for a dropped one."""
        return {row.old_id: row.new_ids for row in self.rows}

    def to_table(self) -> list[dict[str, Any]]:
        """The rows of the table that :meth:`save` writes, those to be checked first."""
        return table_rows(self.rows, self.added)

    def save(self, uri: str | os.PathLike[str]) -> None:
        """Write the changes as a table that a person can check.

        Rows that are not sure are first, then other changes, then what has been added, then what is
        the same.  A split category has one row for each part.

        Args:
            uri: The file, at any fsspec URI: ``.csv``, ``.xlsx``, ``.json``, ``.jsonl`` or
                ``.parquet``.  In a CSV, an apostrophe is put before texts that a spreadsheet would
                run as a formula; :meth:`read` removes it.

        Raises:
            ConfigError: The name has another extension, or the package for Excel is not installed.
            StoreError: The file cannot be written.
        """
        save_table(self.rows, self.added, uri)

    @classmethod
    def read(cls, uri: str | os.PathLike[str], old: Tree, new: Tree) -> "TreeChanges":
        """Read a table that :meth:`save` wrote, and that a person may have edited.

        What a category has become is read from ``new_id`` or ``new_path``; if both are given, they
        must agree.  The kinds are found again.  Rows of the kind ``added`` may stay or go.

        Args:
            uri: The file, at any fsspec URI.
            old: The old tree.
            new: The new tree.

        Raises:
            TaxonomyError: A category is unknown, missing or mapped twice, ``new_id`` and
                ``new_path`` disagree, or a confidence is no number from 0 to 1; the message gives
                the numbers of the rows, counted from 1 without the header.
            CatalogError: The file cannot be read.
        """
        return cls(*read_table(uri, old, new), old, new)

    def __repr__(self) -> str:
        """The number of changes in one line."""
        return f"TreeChanges({len(self.rows):,} categories, {len(self.added):,} added)"

    def __str__(self) -> str:
        """How many changes of each kind there are, and the first that are to be checked."""
        counts = self.counts
        changed = [row for row in self.rows if row.kind != "same"]
        unsure = sorted((row for row in self.rows if not row.sure), key=lambda r: r.confidence)
        lines = [f"{len(self.rows):,} categories, of which {len(changed):,} changed:"]
        lines += [f"  {kind:<18}{count:>8,}" for kind, count in counts.items() if count]
        lines.append(f"to be checked by a person: {len(unsure):,}")
        for row in unsure[:_SHOWN]:
            became = " and ".join(map(join_path, row.new_paths)) or "nothing"
            lines.append(f"  {row.confidence:.2f}  {join_path(row.old_path)}")
            lines.append(f"        {row.kind}: {became}")
        if len(unsure) > _SHOWN:
            lines.append(f"  and {len(unsure) - _SHOWN:,} more")
        return "\n".join(lines)

    def _columns(self) -> Mapping[str, Any]:
        rows = self.to_table()
        return {column: [row[column] for row in rows] for column in COLUMNS}

    def _repr_html_(self) -> str:
        rows = self.to_table()
        numbers = [f"{len(self.rows):,} categories", f"{len(self.added):,} added"]
        counts = [(kind, f"{count:,}") for kind, count in self.counts.items() if count]
        columns = ("kind", "old_path", "new_path", "confidence", "sure", "reason")
        return notebook_html(
            "TreeChanges",
            numbers,
            NotebookTable(("kind", "categories"), counts),
            NotebookTable(columns, [[str(row[column]) for column in columns] for row in rows]),
        )
