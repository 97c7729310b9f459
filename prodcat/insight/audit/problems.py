"""Labels that are probably wrong, and near duplicates with different labels."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from prodcat.catalog.catalog import Catalog
from prodcat.catalog.text import near_duplicate_key
from prodcat.errors import CatalogError, did_you_mean
from prodcat.insight.arrays import Ints
from prodcat.storage.containers import is_missing
from prodcat.taxonomy.cells import cell_text
from prodcat.taxonomy.paths import Path


@dataclass(frozen=True)
class LabelProblem:
    """A label that is probably wrong.

    Attributes:
        row: Position of the row in the catalog.
        title: Title of the row.
        label: Path of the label.
        suggestion: Path of the model's answer.
        probability: Probability of the label, by a model that was not trained on the row.
        suggested: Probability of the suggestion, by the same model.
        level: The first level at which label and suggestion differ; 1 for departments.
    """

    row: int
    title: str
    label: Path
    suggestion: Path
    probability: float
    suggested: float
    level: int


@dataclass(frozen=True)
class Conflict:
    """A group of near duplicates with different labels.

    Attributes:
        rows: Positions of the rows in the catalog.
        titles: Titles of these rows, in the same order.
        labels: Paths of their labels, in the same order.
    """

    rows: tuple[int, ...]
    titles: tuple[str, ...]
    labels: tuple[Path, ...]


def conflicts_in(catalog: Catalog, rows: Ints, keys: Sequence[str] | None) -> Iterator[Conflict]:
    """Find near duplicates with different labels.

    Args:
        catalog: Titles with their categories.
        rows: int64 [labelled]: positions of the labelled rows.
        keys: For each of these rows a key, which is the same for near duplicates; computed if
            None.

    Yields:
        Groups of near duplicates whose labels contradict each other.
    """
    if keys is None:
        keys = [near_duplicate_key(catalog.titles[row]) for row in rows]
    groups: dict[str, list[int]] = {}
    for key, row in zip(keys, rows.tolist(), strict=True):
        groups.setdefault(key, []).append(row)
    for group in groups.values():
        ends = {int(catalog.targets[row]) for row in group}
        # A label at an inner category does not contradict a label below that category.
        inner = {node for end in ends for node in catalog.tree.ancestors(end)[:-1]}
        if len(ends - inner) > 1:
            yield Conflict(
                tuple(group),
                tuple(catalog.titles[row] for row in group),
                tuple(catalog.tree.paths[int(catalog.targets[row])] for row in group),
            )


def check_ids(catalog: Catalog, column: str) -> None:
    """Refuse a column that does not identify the rows.

    Args:
        catalog: The catalog.
        column: Name of a column that was kept.

    Raises:
        CatalogError: The catalog has no such column, or a value in it is missing or is there twice.
    """
    values = catalog.columns.get(column)
    if values is None:
        hint = did_you_mean(column, list(catalog.columns)) or "."
        raise CatalogError(
            f"The catalog has no column {column!r}; it kept {sorted(catalog.columns)}{hint} Read "
            f"it with read_catalog(..., keep=[{column!r}])."
        )
    numbers = catalog.rows if len(catalog.rows) == len(catalog) else range(len(catalog))
    first: dict[str, int] = {}
    for value, row in zip(values, numbers, strict=True):
        text = "" if is_missing(value) else cell_text(value).strip()
        if not text:
            raise CatalogError(
                f"Row {int(row) + 1:,} has no {column!r}, which is to identify the rows. Fill it "
                "in, or keep the column without naming it as the id."
            )
        if text in first:
            raise CatalogError(
                f"Rows {first[text] + 1:,} and {int(row) + 1:,} both have {text!r} as {column!r}, "
                "which is to identify the rows. Name a column in which every value is there once."
            )
        first[text] = int(row)
