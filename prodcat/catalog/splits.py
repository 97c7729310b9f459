"""Splits a catalog into training, validation and test rows; near duplicates stay together."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from prodcat.catalog.catalog import Catalog, check_catalog
from prodcat.catalog.cells import group_text
from prodcat.catalog.text import near_duplicate_key
from prodcat.catalog.times import order_of
from prodcat.errors import CATALOG_ADVICE, CatalogError, all_else_by_name
from prodcat.taxonomy.arrays import Ints


@dataclass(frozen=True)
class LeakAudit:
    """How many held-out rows, those in validation and test, have a near duplicate in training.

    Attributes:
        held_out: The number of held-out rows.
        leaked: The number of held-out rows with a near duplicate in training.
        would_have_leaked: The number of such rows in a plain split, which ignores near
            duplicates.
        plain_held_out: The number of held-out rows of the plain split.
        examples: Up to five near duplicates in the plain split: pairs of a held-out and a
            training title.
    """

    held_out: int
    leaked: int
    would_have_leaked: int
    plain_held_out: int
    examples: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        """The numbers in one sentence for people."""
        share = self.would_have_leaked / max(self.plain_held_out, 1)
        return (
            f"{self.leaked:,} of {self.held_out:,} held-out titles have a near duplicate in "
            f"training; {self.would_have_leaked:,} ({share:.1%}) would have one in a plain split."
        )


@dataclass(frozen=True)
class Split:
    """The parts of a catalog, which have the same taxonomy.

    Attributes:
        train: The rows for training.
        validation: The rows for early stopping and calibration.
        test: The rows for the final evaluation.
        aside: In a split by time, the rows with a near duplicate in an earlier part; else empty.
        audit: How many held-out rows have a near duplicate in training.
    """

    train: Catalog
    validation: Catalog
    test: Catalog
    aside: Catalog
    audit: LeakAudit


@all_else_by_name(CATALOG_ADVICE)
def split(
    catalog: Catalog,
    *,
    validation: float = 0.1,
    test: float = 0.1,
    by: Literal["random", "group", "time"] = "random",
    column: str | None = None,
    near_duplicates: Literal["together", "ignore"] = "together",
    seed: int = 0,
) -> Split:
    """Split the rows of a catalog for training, validation and test.

    Args:
        catalog: The rows.
        validation: The share of the rows for validation, 0 to 1.
        test: The share of the rows for the test, 0 to 1.
        by: ``"random"``; ``"group"``: rows with the same value in ``column`` stay together;
            ``"time"``: the latest rows by ``column`` (:mod:`prodcat.catalog.times`) are the test
            set, and those before them the validation set.
        column: The column of groups or times, which was kept with ``read_catalog(keep=[...])``.
        near_duplicates: ``"together"``: titles that differ only in case, diacritics, pack size
            or word order are in the same part (in a split by time the later ones are set
            aside); ``"ignore"``: near duplicates may be in different parts.
        seed: The seed of the random order.

    Raises:
        CatalogError: The shares are negative or leave no rows for training, ``by`` or
            ``near_duplicates`` is not supported, the column is missing, its times have no order,
            there are too few groups for all parts, or ``catalog`` is none.
    """
    check_catalog(catalog)
    if not (0 <= validation < 1 and 0 <= test < 1 and validation + test < 1):
        raise CatalogError(
            f"validation={validation} and test={test} leave no rows for training or are negative; "
            "expected shares of at least 0 whose sum is less than 1."
        )
    if by not in ("random", "group", "time"):
        raise CatalogError(f"by={by!r} is not supported; expected 'random', 'group' or 'time'.")
    if near_duplicates not in ("together", "ignore"):
        raise CatalogError(
            f"near_duplicates={near_duplicates!r} is unknown; expected 'together' or 'ignore'."
        )
    keys = [near_duplicate_key(title) for title in catalog.titles]
    plain = _assign(catalog, by, column, [], validation, test, seed)
    part = plain
    if near_duplicates == "together":
        if by == "time":
            part = _set_aside(plain, keys)
        else:
            part = _assign(catalog, by, column, [keys], validation, test, seed)
    leaks = _leaks(plain, keys)
    audit = LeakAudit(
        held_out=int(np.isin(part, (1, 2)).sum()),
        leaked=len(_leaks(part, keys)),
        would_have_leaked=len(leaks),
        plain_held_out=int(np.isin(plain, (1, 2)).sum()),
        examples=tuple((catalog.titles[row], catalog.titles[twin]) for row, twin in leaks[:5]),
    )
    train, held, tested, aside = (catalog.take(part == number) for number in range(4))
    return Split(train, held, tested, aside, audit)


def leak_audit(train: Catalog, held_out: Catalog) -> LeakAudit:
    """Count the held-out rows of any split that have a near duplicate in training.

    Raises:
        CatalogError: One of the two is no catalog.
    """
    check_catalog(train, "train")
    check_catalog(held_out, "held_out")
    first: dict[str, str] = {}
    for title in train.titles:
        first.setdefault(near_duplicate_key(title), title)
    pairs = [
        (title, first[key])
        for title in held_out.titles
        if (key := near_duplicate_key(title)) in first
    ]
    rows = len(held_out)
    return LeakAudit(rows, len(pairs), len(pairs), rows, tuple(pairs[:5]))


def _column(catalog: Catalog, by: str, column: str | None) -> Sequence[Hashable]:
    if not isinstance(column, str) or column not in catalog.columns:
        raise CatalogError(
            f"by={by!r} needs a column; expected column= one of {sorted(catalog.columns)}, got "
            f"{column!r}. To keep more columns, read the catalog with keep=[...]."
        )
    return catalog.columns[column]


def groups(catalog: Catalog, column: str | None) -> list[Hashable]:
    """The group of each row, by the values of a column that was kept; a row without one is alone.

    Raises:
        CatalogError: There is no such column.
    """
    values = _column(catalog, "group", column)
    texts = map(group_text, values)
    return [("group", text) if text else ("alone", row) for row, text in enumerate(texts)]


def _assign(
    catalog: Catalog,
    by: str,
    column: str | None,
    together: list[list[str]],
    validation: float,
    test: float,
    seed: int,
) -> Ints:
    """The part of each row, 0 for training, 1 for validation, 2 for test: int64 [rows].

    The arguments are those of :func:`split`, and ``together``: lists of a value for each row; rows
    with an equal value in one of the lists get the same part.  A split by time ignores it.

    Raises:
        CatalogError: The column is missing, a time is empty, or there are too few clusters.
    """
    rows = len(catalog)
    planned = (round(rows * validation), round(rows * test))
    part = np.zeros(rows, np.int64)
    if by == "time":
        times = _column(catalog, by, column)
        numbers = catalog.rows.tolist() if len(catalog.rows) == rows else ()
        order = np.array(order_of(times, str(column), numbers), dtype=np.int64)
        part[order[rows - planned[1] - planned[0] :]] = 1
        part[order[rows - planned[1] :]] = 2
        return part
    links: list[Sequence[Hashable]] = list(together)
    if by == "group":
        links.append(groups(catalog, column))
    cluster = clusters(rows, links)
    sizes = np.bincount(cluster)
    left = list(planned)
    chosen = np.zeros(len(sizes), np.int64)
    for number in np.random.default_rng(seed).permutation(len(sizes)):
        for slot in (1, 0):
            if 0 < sizes[number] <= left[slot]:
                chosen[number] = slot + 1
                left[slot] -= int(sizes[number])
                break
    _fill_empty(chosen, sizes, planned)
    return chosen[cluster]


def _fill_empty(chosen: Ints, sizes: Ints, planned: tuple[int, int]) -> None:
    """Put the smallest training cluster in each part that was planned but got no cluster.

    Args:
        chosen: int64 [clusters]: the part of each cluster, which is changed.
        sizes: int64 [clusters]: the number of rows of each cluster.
        planned: The numbers of rows that were planned for validation and for test.

    Raises:
        CatalogError: Training would be left without a cluster.
    """
    for slot in (1, 0):
        if not planned[slot] or (chosen == slot + 1).any():
            continue
        left = np.flatnonzero(chosen == 0)
        if len(left) < 2:
            raise CatalogError(
                f"Near duplicates and groups stay together, which leaves {len(sizes)} clusters of "
                f"up to {sizes.max()} rows: too few to split. Give more titles, or "
                "validation and test titles of your own, or near_duplicates='ignore'."
            )
        chosen[left[sizes[left].argmin()]] = slot + 1


def clusters(rows: int, links: Sequence[Sequence[Hashable]]) -> Ints:
    """The cluster of each row, where clusters are numbered by their first rows: int64 [rows].

    Two rows with an equal value in one of the lists are in the same cluster.

    Args:
        rows: The number of rows.
        links: Lists of a value for each row.

    >>> clusters(4, [["milk", "bread", "milk", "tea"], ["a", "b", "c", "b"]]).tolist()
    [0, 1, 0, 1]
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    twins: list[int] = []
    for values in links:
        first: dict[Hashable, int] = {}
        twins += [first.setdefault(value, row) for row, value in enumerate(values)]
    places = np.tile(np.arange(rows), len(links)), np.array(twins, np.int64)
    graph = coo_array((np.ones(len(twins), np.int64), places), shape=(rows, rows))
    return np.asarray(connected_components(graph, directed=False)[1], np.int64)


def folds_of(
    catalog: Catalog, folds: int, seed: int, group: str | None = None
) -> tuple[Ints, list[str]]:
    """Divide rows into parts of about the same size, with near duplicates in the same part.

    Args:
        catalog: The rows.
        folds: Number of parts.
        seed: Seed of the random division.
        group: A column, kept with ``read_catalog(keep=[...])``; rows with the same value in it are
            in the same part too.

    Returns:
        int64 [rows]: the part of each row, from 0; and for each row a key, which is the same for
        near duplicates.

    Raises:
        CatalogError: ``catalog`` is none, or has no column ``group``.
    """
    check_catalog(catalog)
    keys = [near_duplicate_key(title) for title in catalog.titles]
    links: list[Sequence[Hashable]] = [keys]
    if group is not None:
        links.append(groups(catalog, group))
    cluster = clusters(len(keys), links)
    order = np.random.default_rng(seed).permutation(int(cluster.max()) + 1)
    return order[cluster] % folds, keys


def _set_aside(part: Ints, keys: list[str]) -> Ints:
    """The part of each row, changed to 3 (aside) if an earlier part has a near duplicate.

    Args:
        part: int64 [rows]: 0 for training, 1 for validation, 2 for test.
        keys: The near-duplicate key of each row's title.

    Returns:
        int64 [rows].
    """
    earliest: dict[str, int] = {}
    for number, key in zip(part.tolist(), keys, strict=True):
        earliest[key] = min(earliest.get(key, 2), number)
    late = [earliest[key] < number for number, key in zip(part.tolist(), keys, strict=True)]
    return np.where(late, 3, part)


def _leaks(part: Ints, keys: list[str]) -> list[tuple[int, int]]:
    """Pairs of a held-out row and the first training row that is a near duplicate of it."""
    trained: dict[str, int] = {}
    for row in np.flatnonzero(part == 0):
        trained.setdefault(keys[row], int(row))
    return [
        (int(row), trained[keys[row]])
        for row in np.flatnonzero((part == 1) | (part == 2))
        if keys[row] in trained
    ]
