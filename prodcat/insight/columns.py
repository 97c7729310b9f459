"""Which unused columns of a table would make answers better, measured on its labelled titles."""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Unpack

import numpy as np

from prodcat.catalog.catalog import Catalog
from prodcat.catalog.columns import PathColumns
from prodcat.catalog.reading import CatalogKeywords, read_catalog
from prodcat.classifier.measuring import difference
from prodcat.errors import CatalogError, all_else_by_name, check_keywords, takes_keywords
from prodcat.evaluation.intervals import Interval
from prodcat.insight.arrays import Ints
from prodcat.model.config import ModelConfig, TrainingConfig
from prodcat.model.fields import number
from prodcat.storage.read_options import ReadOptions
from prodcat.storage.tables import Columns, iter_tables
from prodcat.taxonomy.arrays import Flags
from prodcat.taxonomy.cells import cell_text
from prodcat.taxonomy.notebook import Framed, NotebookTable, notebook_html
from prodcat.taxonomy.paths import join_path
from prodcat.taxonomy.tree import Taxonomy
from prodcat.text_encoding import for_terminal
from prodcat.training.fitting import fit

logger = logging.getLogger("prodcat")
_MOST_ROWS = 5_000
_FEWEST_ROWS = 20
_FILLED = 0.02  # share of the rows below which a column says too little
_DISTINCT = 0.9  # share of different values above which one word names the row
_DETERMINED = 0.95  # share of rows whose label a column's value must not tell
_AGAIN = 0.2  # share of rows whose value must occur again before it can tell a label
_FOLLOWED = 0.99  # share of rows whose value the label must not tell
LIKE_LABEL = "looks like the label"


@dataclass(frozen=True)
class ColumnGain:
    """What a column is worth as a further text column.

    Attributes:
        column: The name of the column.
        gain: The path accuracy with the column minus that without it, with its 95 % interval; None
            if the column was not tried.
        reason: Why the column was not tried; empty if it was.
    """

    column: str
    gain: Interval | None
    reason: str = ""

    @property
    def is_useful(self) -> bool:
        """Whether the column makes answers better by more than chance."""
        return self.gain is not None and self.gain.low > 0


@dataclass(frozen=True)
class ColumnGains(Framed):
    """What the unused columns of a table are worth, each on its own.

    Attributes:
        rows: The number of labelled titles on which the columns were tried.
        path_accuracy: The path accuracy without them, out of fold, by n-grams alone.
        columns: The columns, the most useful first and those that were not tried last.
    """

    rows: int
    path_accuracy: float
    columns: tuple[ColumnGain, ...]

    @property
    def useful(self) -> list[str]:
        """The names of the columns that make answers better by more than chance."""
        return [gain.column for gain in self.columns if gain.is_useful]

    def _columns(self) -> Mapping[str, Any]:
        gains = [tried.gain for tried in self.columns]
        return {
            "column": [tried.column for tried in self.columns],
            "gain": [None if gain is None else gain.value for gain in gains],
            "low": [None if gain is None else gain.low for gain in gains],
            "high": [None if gain is None else gain.high for gain in gains],
            "is_useful": [tried.is_useful for tried in self.columns],
            "reason": [tried.reason or None for tried in self.columns],
        }

    def _repr_html_(self) -> str:
        rows = [
            (tried.column, "" if tried.gain is None else str(tried.gain), tried.reason)
            for tried in self.columns
        ]
        numbers = [
            f"{self.rows:,} rows",
            f"path accuracy without these columns {self.path_accuracy:.1%}",
            f"useful: {', '.join(self.useful) or 'none'}",
        ]
        header = ("column", "gain in path accuracy", "not tried because")
        return notebook_html("Columns", numbers, NotebookTable(header, rows))

    def __str__(self) -> str:
        """A table of the columns for people, with gains in points of path accuracy."""
        lines = [
            f"path accuracy without these columns: {self.path_accuracy:.4f}, out of fold on "
            f"{self.rows:,} titles, by n-grams alone",
            f"{'column':<32}{'gain in points':>16}  95 % interval",
        ]
        for tried in self.columns:
            gain, name = tried.gain, for_terminal(tried.column)
            if gain is None:
                lines.append(f"{name:<32}{'':>16}  not tried: {tried.reason}")
            else:
                low, high = 100 * gain.low, 100 * gain.high
                lines.append(f"{name:<32}{100 * gain.value:>+16.2f}  [{low:+.2f}, {high:+.2f}]")
        if any(tried.reason == LIKE_LABEL for tried in self.columns):
            lines.append(
                "A column that looks like the label may be the best one, if it is known before the "
                "label is."
            )
        return "\n".join(lines)


@all_else_by_name("Titles with their paths are one table: {'title': titles, 'path': paths}.")
@takes_keywords(CatalogKeywords, separator=">", inner="terminal")
def suggest_columns(
    source: object,
    *,
    title: str = "title",
    path: PathColumns | None = "path",
    text: Sequence[str] = (),
    taxonomy: Taxonomy | None = None,
    seed: int = 0,
    **rarer: Unpack[CatalogKeywords],
) -> ColumnGains:
    """Measure which unused columns of a table would make answers better.

    A model of n-grams alone is evaluated out of fold without each column and with it, on at most
    5,000 labelled titles.  Columns that cannot help are left out: empty ones, those with the same
    value in all rows, ids of the rows, and those that look like the label.

    Args:
        source: A table with labels; see :func:`prodcat.read_catalog`.  Rows that are wrong are
            left out.
        title: The column with the product title.
        path: The column or columns with the path; None with ``path_ids``.
        text: The further text columns that are used already.
        taxonomy: The tree that contains the categories; None to make it from the rows' paths.
        seed: Seed of the random sample of titles.
        **rarer: Further arguments of :func:`prodcat.read_catalog`.

    Returns:
        The gain of each column.

    Raises:
        CatalogError: The source cannot be read, or there are fewer than 20 labelled titles.
        TaxonomyError: The paths do not form a tree.
        TypeError: A keyword argument is unknown.
    """
    check_keywords(suggest_columns, rarer)
    keywords: dict[str, Any] = {"title": title, "path": path, "on_error": "aside", **rarer}
    reading = ReadOptions(rarer.get("delimiter"), rarer.get("encoding"), rarer.get("sheet"))
    table, _ = whole_table(source, replace(reading, names=(title,)))
    catalog = _sampled(read_catalog(table, text=text, taxonomy=taxonomy, **keywords), seed)
    sample = {name: [values[row] for row in catalog.rows] for name, values in table.items()}
    keywords |= {"taxonomy": catalog.tree, "on_error": "accept"}

    def answered_right(*columns: str) -> Flags:
        return _right(read_catalog(sample, text=[*text, *columns], **keywords))

    without, gains = answered_right(), []
    used = (title, path, text, rarer.get("path_ids"), rarer.get("language"))
    for name in unused_columns(sample, *used):
        gain, reason = None, _reason_to_skip([cell_text(value) for value in sample[name]], catalog)
        if not reason:
            logger.info("Trying the column %s.", name)
            gain = difference(answered_right(name), without)
        gains.append(ColumnGain(name, gain, reason))
    gains.sort(key=lambda tried: -np.inf if tried.gain is None else tried.gain.value, reverse=True)
    return ColumnGains(len(without), float(without.mean()), tuple(gains))


def _sampled(catalog: Catalog, seed: int) -> Catalog:
    """The labelled rows, or a random sample of many."""
    rows = np.flatnonzero(catalog.labelled)
    if len(rows) < _FEWEST_ROWS:
        raise CatalogError(
            f"Found {len(rows)} labelled titles; expected at least {_FEWEST_ROWS} to measure "
            "columns on. Label more titles."
        )
    if len(rows) > _MOST_ROWS:
        rows = np.sort(np.random.default_rng(seed).choice(rows, _MOST_ROWS, replace=False))
    return catalog.take(rows)


def unused_columns(names: Iterable[str], *used: PathColumns | None) -> list[str]:
    """The columns of a table that are not used yet, in the order of the table.

    Args:
        names: The names of all columns.
        used: Names, or lists of names, of columns that are used; None for none.
    """
    taken: set[str] = set()
    for entry in used:
        taken.update([entry] if isinstance(entry, str) else entry or ())
    return [name for name in names if name not in taken]


def whole_table(source: object, reading: ReadOptions) -> tuple[Columns, int]:
    """All columns of a source, without the rows that cannot be read.

    A value is None in the pieces that lack its column.

    Args:
        source: A table; see :func:`prodcat.read_catalog`.
        reading: How a text file is to be read.

    Returns:
        The columns by name, and the number of rows that cannot be read.

    Raises:
        CatalogError: The source cannot be read.
    """
    unreadable: dict[int, str] = {}
    pieces = list(iter_tables(source, options=reading, report=unreadable.__setitem__))
    names = dict.fromkeys(name for piece in pieces for name in piece)
    columns = {name: list(_values(pieces, name)) for name in names}
    read = {
        name: [value for row, value in enumerate(values) if row not in unreadable]
        for name, values in columns.items()
    }
    return read, len(unreadable)


def _values(pieces: Sequence[Columns], name: str) -> Iterator[Any]:
    for piece in pieces:
        size = len(next(iter(piece.values()), []))
        yield from piece.get(name, [None] * size)


def _right(catalog: Catalog) -> Flags:
    """Which titles n-grams answer right out of fold, bool [titles]."""
    classifier = fit(
        catalog,
        model=ModelConfig(encoder=None),
        training=TrainingConfig(baseline=False, calibration="temperature"),
        device="cpu",
        progress=False,
    )
    assert classifier.validation is not None
    return classifier.validation.correct


def _reason_to_skip(values: Sequence[str], catalog: Catalog) -> str:
    """Why a column cannot help, or must not; empty if there is no reason.

    Args:
        values: The column's value in each row.
        catalog: The rows, all labelled.
    """
    filled = [row for row, value in enumerate(values) if value]
    if len(filled) < max(_FILLED * len(values), 3):
        return "nearly empty" if filled else "empty"
    _, codes = np.unique([values[row] for row in filled], return_inverse=True)
    distinct = int(codes.max()) + 1
    if distinct == 1 and len(filled) == len(values):
        return "the same value in all rows"
    if _is_name_of_label(values, filled, catalog):
        return LIKE_LABEL
    targets = catalog.targets[filled]
    labels = np.unique(targets, return_inverse=True)[1]
    if min(distinct, labels.max() + 1) > 2 and (
        _determined(codes, labels) > _DETERMINED or _determined(labels, codes) > _FOLLOWED
    ):
        return LIKE_LABEL
    words = sum(values[row].count(" ") + 1 for row in filled) / len(filled)
    if distinct > _DISTINCT * len(filled) and words < 1.5 and not _has_fractions(values, filled):
        return "a value for each row, such as an id"
    return ""


def _is_name_of_label(values: Sequence[str], filled: list[int], catalog: Catalog) -> bool:
    """Whether most values are the path of their row, or a name or an id on it."""
    tree, equal = catalog.tree, 0
    for row in filled:
        path = tree.paths[catalog.targets[row]]
        chain = tree.ancestors(int(catalog.targets[row]))
        names = {*path, join_path(path), *(tree.ids[node] for node in chain)}
        equal += values[row].casefold() in {name.casefold() for name in names}
    return equal > len(filled) / 2


def _determined(given: Ints, other: Ints) -> float:
    """Of the rows whose number occurs again, the share with its most frequent other number.

    If these are few, the share is that of a fifth of all rows, because it could be chance.
    """
    pairs, counts = np.unique(np.stack([given, other], axis=1), axis=0, return_counts=True)
    rows = np.bincount(given)
    most = np.zeros_like(rows)
    np.maximum.at(most, pairs[:, 0], counts)
    again = rows > 1
    return float(most[again].sum() / max(rows[again].sum(), _AGAIN * len(given)))


def _has_fractions(values: Sequence[str], filled: list[int]) -> bool:
    """Whether values are numbers with decimals, such as prices, which differ in many rows."""
    numbers = np.array([number(values[row]) for row in filled])
    return bool(np.mean(numbers % 1 > 0) > 0.1)
