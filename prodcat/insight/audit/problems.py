"""Labels that are probably wrong, and near duplicates whose labels contradict each other."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from prodcat.catalog.catalog import Catalog
from prodcat.catalog.text import near_duplicate_key
from prodcat.insight.arrays import Ints
from prodcat.taxonomy.paths import Path


@dataclass(frozen=True)
class LabelProblem:
    """A label that is probably wrong.

    Attributes:
        row: Position in the catalog.
        title: Title of the row.
        label: The path that it has.
        suggestion: The path that the model answers.
        probability: Probability of the label, by a model that has not seen the row.
        suggested: Probability of the suggestion, by the same model.
        level: The level at which label and suggestion part, 1 for the top.
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
    """Near duplicates with different labels.

    Attributes:
        rows: Positions in the catalog.
        titles: Their titles, in the same order.
        labels: Their paths, in the same order.
    """

    rows: tuple[int, ...]
    titles: tuple[str, ...]
    labels: tuple[Path, ...]


def conflicts_in(catalog: Catalog, rows: Ints, keys: Sequence[str] | None) -> Iterator[Conflict]:
    """Find near duplicates with different labels.

    Args:
        catalog: Titles with their categories.
        rows: int64 [labelled]: positions of the labelled rows.
        keys: A text for each of these that is equal for near duplicates; made if not given.
    """
    if keys is None:
        keys = [near_duplicate_key(catalog.titles[row]) for row in rows]
    groups: dict[str, list[int]] = {}
    for key, row in zip(keys, rows.tolist(), strict=True):
        groups.setdefault(key, []).append(row)
    for group in groups.values():
        ends = {int(catalog.targets[row]) for row in group}
        # A label that stops early is none against one below it.
        inner = {node for end in ends for node in catalog.tree.ancestors(end)[:-1]}
        if len(ends - inner) > 1:
            yield Conflict(
                tuple(group),
                tuple(catalog.titles[row] for row in group),
                tuple(catalog.tree.paths[int(catalog.targets[row])] for row in group),
            )
