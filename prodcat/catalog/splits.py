"""Split of a catalog for training, validation and test that keeps near duplicates together."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from prodcat.catalog.catalog import Catalog
from prodcat.catalog.text import near_duplicate_key
from prodcat.errors import CatalogError
from prodcat.storage.tables import is_missing


@dataclass(frozen=True)
class LeakAudit:
    """How many held-out rows have a near duplicate among the training rows.

    Attributes:
        held_out: The number of rows in validation and test.
        leaked: The number of these rows with a near duplicate in training.
        would_have_leaked: The number of such rows in a plain split, which ignores near
            duplicates.
        plain_held_out: The number of rows in validation and test of that plain split.
        examples: Up to five pairs (held-out title, training title) of the plain split.
    """

    held_out: int
    leaked: int
    would_have_leaked: int
    plain_held_out: int
    examples: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        """The numbers in one line for people."""
        share = self.would_have_leaked / max(self.plain_held_out, 1)
        return (
            f"{self.leaked:,} of {self.held_out:,} held-out titles have a near duplicate in "
            f"training; {self.would_have_leaked:,} ({share:.1%}) would have in a plain split."
        )


@dataclass(frozen=True)
class Split:
    """Three catalogs over one taxonomy.

    Attributes:
        train: The rows for training.
        validation: The rows for early stopping and calibration.
        test: The rows for the final evaluation.
        aside: Of a split by time, the rows that are near duplicates of earlier ones.
        audit: How many near duplicates are on both sides of the split.
    """

    train: Catalog
    validation: Catalog
    test: Catalog
    aside: Catalog
    audit: LeakAudit


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
    """Split a catalog.

    Args:
        catalog: The rows.
        validation: The share of the rows for validation, 0 to 1.
        test: The share of the rows for the test, 0 to 1.
        by: ``"random"``; ``"group"``: rows with the same value in ``column`` stay together;
            ``"time"``: the latest rows by ``column`` are the test set, and those before them
            the validation set.
        column: A column that was kept with ``read_catalog(keep=[...])``.
        near_duplicates: ``"together"``: titles that differ only in case, diacritics, pack size
            or word order are in the same part (in a split by time the later ones are set
            aside); ``"ignore"``: near duplicates may be in different parts.
        seed: The seed of the random order.

    Raises:
        CatalogError: The shares are not between 0 and 1 or leave no rows for training, or the
            column is missing.
    """
    if not (0 <= validation < 1 and 0 <= test < 1 and validation + test < 1):
        raise CatalogError(
            f"validation={validation} and test={test} leave nothing to train on; expected "
            "shares of at least 0 that add up to less than 1."
        )
    if by not in ("random", "group", "time"):
        raise CatalogError(f"by={by!r} is not known; expected 'random', 'group' or 'time'.")
    if near_duplicates not in ("together", "ignore"):
        raise CatalogError(
            f"near_duplicates={near_duplicates!r} is not known; expected 'together' or 'ignore'."
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
    """Count the held-out rows of a given split that have a near duplicate in training."""
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
    if column is None or column not in catalog.columns:
        raise CatalogError(
            f"by={by!r} needs a column; found column={column!r} and kept columns "
            f"{sorted(catalog.columns)}. Read the catalog with keep=[...] and name one."
        )
    return catalog.columns[column]


def _assign(
    catalog: Catalog,
    by: str,
    column: str | None,
    together: list[list[str]],
    validation: float,
    test: float,
    seed: int,
) -> NDArray[np.int64]:
    """The part of each row, 0 train, 1 validation, 2 test: int64 [rows]."""
    rows = len(catalog)
    planned = (round(rows * validation), round(rows * test))
    part = np.zeros(rows, np.int64)
    if by == "time":
        times = _column(catalog, by, column)
        if any(is_missing(time) for time in times):
            raise CatalogError(
                f"{column!r} is empty in some rows; a split by time needs it in all."
            )
        order = np.array(sorted(range(rows), key=lambda row: times[row]), dtype=np.int64)  # type: ignore[arg-type,return-value]
        part[order[rows - planned[1] - planned[0] :]] = 1
        part[order[rows - planned[1] :]] = 2
        return part
    links: list[Sequence[Hashable]] = list(together)
    if by == "group":
        links.append(_column(catalog, by, column))
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


def _fill_empty(
    chosen: NDArray[np.int64], sizes: NDArray[np.int64], planned: tuple[int, int]
) -> None:
    """Put the smallest cluster that is left into each part for which all were too large."""
    for slot in (1, 0):
        if not planned[slot] or (chosen == slot + 1).any():
            continue
        left = np.flatnonzero(chosen == 0)
        if len(left) < 2:
            raise CatalogError(
                f"The rows make {len(sizes)} clusters of near duplicates or groups that must stay "
                f"together, of up to {sizes.max()} rows; too few to split. Give more titles, your "
                "own validation and test sets, or near_duplicates='ignore'."
            )
        chosen[left[sizes[left].argmin()]] = slot + 1


def clusters(rows: int, links: Sequence[Sequence[Hashable]]) -> NDArray[np.int64]:
    """The cluster of each row, numbered by their first rows: int64 [rows].

    Rows that have the same value in any of the links are in the same cluster.

    Args:
        rows: The number of rows.
        links: For each link a value for each row.

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


def _set_aside(part: NDArray[np.int64], keys: list[str]) -> NDArray[np.int64]:
    """Move rows with a near duplicate in an earlier part to part 3, aside."""
    earliest: dict[str, int] = {}
    for number, key in zip(part.tolist(), keys, strict=True):
        earliest[key] = min(earliest.get(key, 2), number)
    late = np.array(
        [earliest[key] < number for number, key in zip(part.tolist(), keys, strict=True)],
        dtype=np.bool_,
    )
    return np.where(late, 3, part)


def _leaks(part: NDArray[np.int64], keys: list[str]) -> list[tuple[int, int]]:
    """Each held-out row that has a near duplicate in training, with the first one of these."""
    trained: dict[str, int] = {}
    for row in np.flatnonzero(part == 0):
        trained.setdefault(keys[row], int(row))
    return [
        (int(row), trained[keys[row]])
        for row in np.flatnonzero((part == 1) | (part == 2))
        if keys[row] in trained
    ]
