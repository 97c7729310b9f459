"""Titles with their categories."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prodcat.catalog.cells import group_text
from prodcat.catalog.report import CatalogReport
from prodcat.errors import CatalogError
from prodcat.taxonomy.paths import Path
from prodcat.taxonomy.tree import Taxonomy

_TEXT_SEPARATOR = " | "


@dataclass(frozen=True, eq=False)
class Catalog:
    """Product titles, with their place in a taxonomy where it is known.

    Make one with :func:`read_catalog`.

    Attributes:
        titles: One product title for each row.
        taxonomy: The tree, or None where the source has no categories.
        targets: int64 [rows]: the node each row is labelled with, -1 for none.
        texts: Further text of each row by column, such as the brand.
        languages: The language of each row, or None.
        columns: Other columns that were kept, such as a group or a time to split by.
        rows: int64 [rows]: each row's number in the source.
        report: What was wrong in the source.
    """

    titles: tuple[str, ...]
    taxonomy: Taxonomy | None
    targets: NDArray[np.int64]
    texts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    languages: tuple[str, ...] | None = None
    columns: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    rows: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    report: CatalogReport = field(default_factory=CatalogReport)

    def __len__(self) -> int:
        """The number of rows."""
        return len(self.titles)

    @property
    def inputs(self) -> list[str]:
        """What the model reads for each row: the title, then the further texts."""
        if not self.texts:
            return list(self.titles)
        return [
            _TEXT_SEPARATOR.join(part for part in parts if part)
            for parts in zip(self.titles, *self.texts.values(), strict=True)
        ]

    @property
    def labelled(self) -> NDArray[np.bool_]:
        """Bool [rows]: whether the row has a category."""
        return self.targets >= 0

    @property
    def tree(self) -> Taxonomy:
        """The taxonomy.

        Raises:
            CatalogError: The catalog has no categories.
        """
        if self.taxonomy is None:
            raise CatalogError(
                "The catalog has no categories; expected some. Name their column with path=."
            )
        return self.taxonomy

    @property
    def paths(self) -> list[Path | None]:
        """The target path of each row, None where it has none."""
        paths = self.tree.paths
        return [paths[target] if target >= 0 else None for target in self.targets]

    def column(self, name: str) -> list[str]:
        """A kept column, or the language, as texts; empty where a value is missing.

        Raises:
            CatalogError: There is none of this name.
        """
        if name in self.columns:
            return [group_text(value) for value in self.columns[name]]
        if name == "language" and self.languages is not None:
            return list(self.languages)
        raise CatalogError(
            f"The catalog has no column {name!r} to group by; found {sorted(self.columns)}. Read "
            f"it with keep=[{name!r}]."
        )

    def take(self, rows: NDArray[np.integer[Any]] | NDArray[np.bool_]) -> "Catalog":
        """The rows at these positions (or where this mask is true), in this order."""
        index = (np.flatnonzero(rows) if rows.dtype == np.bool_ else rows).tolist()
        some: Callable[[Sequence[Any]], tuple[Any, ...]] = lambda v: tuple(v[i] for i in index)  # noqa: E731
        return replace(
            self,
            titles=some(self.titles),
            targets=self.targets[index],
            texts={name: some(column) for name, column in self.texts.items()},
            languages=None if self.languages is None else some(self.languages),
            columns={name: some(column) for name, column in self.columns.items()},
            rows=self.rows[index],
        )

    def __repr__(self) -> str:
        """Sizes in one line."""
        labelled = int(self.labelled.sum())
        wrong = f", {len(self.report.problems):,} wrong rows" if self.report.problems else ""
        return f"Catalog({len(self):,} titles, {labelled:,} labelled{wrong}; {self.taxonomy!r})"
