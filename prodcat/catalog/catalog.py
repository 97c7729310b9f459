"""Product titles with their categories, as an immutable object."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prodcat.catalog.cells import group_text
from prodcat.catalog.fields import join_fields
from prodcat.catalog.migrating import MigratingTitles
from prodcat.catalog.report import UNLABELLED, CatalogReport
from prodcat.errors import CatalogError
from prodcat.storage.containers import described
from prodcat.taxonomy.arrays import Flags, Ints
from prodcat.taxonomy.notebook import (
    MOST_ROWS,
    Framed,
    NotebookTable,
    columns_of_rows,
    notebook_html,
    texts_of_rows,
)
from prodcat.taxonomy.paths import Path, join_path
from prodcat.taxonomy.tree import Taxonomy


@dataclass(frozen=True, eq=False)
class Catalog(Framed, MigratingTitles):
    """Product titles, with their categories where these are known.

    Make one with :func:`read_catalog`.

    Attributes:
        titles: The product title of each row.
        taxonomy: The tree, or None if the source has no categories.
        targets: int64 [rows]: the node with which each row is labelled, -1 for none.
        texts: Further text of each row, such as the brand, by column name.
        languages: The language code of each row, or None if the source has no languages.
        columns: Other columns that were kept, such as a group or a time to split by, by name.
        rows: int64 [rows]: the number of each row in the source, counted from 0.
        report: The wrong rows of the source.
        levels: The names of the columns that hold one level of the paths each, coarsest first;
            empty if one column holds whole paths.
    """

    titles: tuple[str, ...]
    taxonomy: Taxonomy | None
    targets: Ints
    texts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    languages: tuple[str, ...] | None = None
    columns: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    rows: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    report: CatalogReport = field(default_factory=CatalogReport)
    levels: tuple[str, ...] = ()

    def __len__(self) -> int:
        """The number of rows."""
        return len(self.titles)

    @property
    def inputs(self) -> list[str]:
        """The model's input for each row: the title and the further texts, joined as fields."""
        return [join_fields(parts) for parts in zip(self.titles, *self.texts.values(), strict=True)]

    @property
    def labelled(self) -> Flags:
        """Whether each row has a category: bool [rows]."""
        return self.targets >= 0

    @property
    def tree(self) -> Taxonomy:
        """The taxonomy.

        Raises:
            CatalogError: There is no taxonomy, because the source has no categories.
        """
        if self.taxonomy is None:
            reasons = [each.detail for each in self.report.warnings if each.reason == UNLABELLED]
            why = reasons[0] if reasons else "Read it with path= set to their column"
            raise CatalogError(f"The catalog has no categories{': ' if reasons else '. '}{why}.")
        return self.taxonomy

    @property
    def paths(self) -> list[Path | None]:
        """The path of each row's category, None for a row without one.

        Raises:
            CatalogError: There is no taxonomy, because the source has no categories.
        """
        paths = self.tree.paths
        return [paths[target] if target >= 0 else None for target in self.targets]

    def column(self, name: str) -> list[str]:
        """The values of a column as texts; a missing value becomes an empty text.

        Args:
            name: The name of a column in ``columns``, or ``"language"`` for ``languages``.

        Raises:
            CatalogError: There is no column with this name.
        """
        named = name if isinstance(name, str) else ""
        if named in self.columns:
            return [group_text(value) for value in self.columns[named]]
        if named == "language" and self.languages is not None:
            return list(self.languages)
        raise CatalogError(
            f"The catalog has no column {name!r} to group by; found {sorted(self.columns)}. Read "
            f"the catalog with keep=[{name!r}]."
        )

    def take(self, rows: NDArray[np.integer[Any]] | Flags) -> "Catalog":
        """A catalog of some of the rows, with the same taxonomy and report.

        Args:
            rows: int [n]: the positions of the rows, in the order in which they are wanted; or
                bool [rows]: True for the rows to keep.
        """
        index = (np.flatnonzero(rows) if rows.dtype == np.bool_ else rows).tolist()

        def select(values: Sequence[Any]) -> tuple[Any, ...]:
            return tuple(values[i] for i in index)

        return replace(
            self,
            titles=select(self.titles),
            targets=self.targets[index],
            texts={name: select(column) for name, column in self.texts.items()},
            languages=None if self.languages is None else select(self.languages),
            columns={name: select(column) for name, column in self.columns.items()},
            rows=self.rows[index],
        )

    def __repr__(self) -> str:
        """The numbers of titles, labels and wrong rows, and the taxonomy, in one line."""
        labelled = int(self.labelled.sum())
        wrong = f", {len(self.report.problems):,} wrong rows" if self.report.problems else ""
        return f"Catalog({len(self):,} titles, {labelled:,} labelled{wrong}; {self.taxonomy!r})"

    def row_columns(self) -> dict[str, Any]:
        """The columns that tell the rows from each other, by name, for data frames.

        Returns:
            ``row_number`` (from 1, as people count), the columns that were kept, such as ids, the
            further texts, ``title`` and ``language``.  A name that one of your columns has gets
            ``prodcat_`` before it.
        """
        return self._row_columns({})

    def _row_columns(self, further: Mapping[str, Any]) -> dict[str, Any]:
        rows = self.rows if len(self.rows) == len(self) else np.arange(len(self))
        languages = {} if self.languages is None else {"language": self.languages}
        computed = {"title": self.titles, **languages, **further}
        kept = {**self.columns, **{n: t for n, t in self.texts.items() if n not in self.columns}}
        return columns_of_rows(rows, kept, computed)

    def _columns(self) -> Mapping[str, Any]:
        if self.taxonomy is None:
            return self.row_columns()
        tree, paths = self.taxonomy, self.paths
        lines = [None if path is None else join_path(path) for path in paths]
        labels: dict[str, Any] = {"path": lines}
        for level in range(tree.depth):
            name = self.levels[level] if level < len(self.levels) else f"level_{level + 1}"
            labels[f"level_{level + 1}" if name in labels else name] = [
                path[level] if path is not None and level < len(path) else None for path in paths
            ]
        labels["node_id"] = [tree.ids[node] if node >= 0 else None for node in self.targets]
        return self._row_columns(labels)

    def _repr_html_(self) -> str:
        first = self.take(np.arange(min(MOST_ROWS, len(self))))
        columns = first.row_columns()
        if self.taxonomy is not None:
            path = "path" if "path" not in columns else "prodcat_path"
            columns[path] = [None if each is None else join_path(each) for each in first.paths]
        numbers = [f"{len(self):,} titles", f"{int(self.labelled.sum()):,} labelled"]
        if self.report.problems:
            numbers.append(f"{self.report.wrong_rows:,} wrong rows")
        numbers.append("no tree" if self.taxonomy is None else repr(self.taxonomy))
        table = NotebookTable(list(columns), texts_of_rows(columns), "rows", len(self))
        return notebook_html("Catalog", numbers, table)


def check_catalog(given: object, name: str = "catalog") -> None:
    """Refuse what is no catalog.

    Args:
        given: What a caller gave.
        name: The name of the argument, with which the message begins.

    Raises:
        CatalogError: It is something else, such as a table or a list.
    """
    if not isinstance(given, Catalog):
        raise CatalogError(
            f"{name} is {described(given)}; expected a Catalog. Make one of a file or a table with "
            "prodcat.read_catalog(table), and of titles and their paths with "
            "prodcat.read_catalog({'title': titles, 'path': paths})."
        )
