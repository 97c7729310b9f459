"""Finds labels that are likely to be mistakes, although a tree can be made of them."""

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from prodcat.catalog.report import (
    ACCENTS,
    LIKE_MISSING,
    MERGED,
    SPELLINGS,
    STRAY,
    UNSPLIT,
    LabelWarning,
    numbered,
)
from prodcat.catalog.spellings import Key, Spellings, Twins, accent_key, find_twins, spelling_key
from prodcat.errors import CatalogError
from prodcat.taxonomy.paths import Path, join_path
from prodcat.taxonomy.tree import Taxonomy

Merge = Literal["spelling", "accents"]
_STRAY = 20  # times as many labels below a category as at it
_WHOLE = 0.9  # share of labels that have a mark, from which on it is taken for a separator
_SEPARATORS = (">>", "->", "::", ">", "›", "»", "→", "|", "/", "\\", ";")
_MISSING = frozenset(
    {"nan", "<nan>", "null", "(null)", "none", "nil", "n/a", "#n/a", "na", "<na>", "nat"}
)


def check_merge(merge: object, ids: object) -> None:
    """Check the argument ``merge`` of :func:`prodcat.read_catalog`.

    Args:
        merge: The argument.
        ids: The columns with ids, or None.

    Raises:
        CatalogError: It has another value, or there are ids.
    """
    if merge not in (None, "spelling", "accents"):
        raise CatalogError(
            f"merge={merge!r} is not supported; expected 'spelling', 'accents' or None."
        )
    if merge is not None and ids is not None:
        raise CatalogError(
            f"merge={merge!r} and path_ids= cannot be combined, as ids say which categories are "
            "the same. Leave out one of them."
        )


def merged_labels(
    paths: Sequence[Path], rows: Sequence[int], merge: Merge | None
) -> tuple[list[Path], list[LabelWarning]]:
    """Warn of categories with several spellings, and merge them if asked to.

    Args:
        paths: The path of every row.
        rows: The numbers of the rows from whose paths the tree is made.
        merge: ``"spelling"`` to merge names that differ only in case, blanks or Unicode's form,
            ``"accents"`` to merge also those that differ in accents, None to merge none.

    Returns:
        The path of every row, and the warnings.
    """
    result, current = list(paths), list(paths)
    warnings: list[LabelWarning] = []
    phases: tuple[tuple[Key, str, bool], ...] = (
        (spelling_key, SPELLINGS, merge is not None),
        (accent_key, ACCENTS, merge == "accents"),
    )
    for key, reason, is_merged in phases:
        twins = find_twins(current, rows, key)
        if not twins:
            continue
        warnings += _warnings_of(twins, MERGED if is_merged else reason)
        # Names that differ in accents are searched among those that are spelled alike.
        spellings = Spellings.of([current[row] for row in rows], key)
        current = [spellings.merged(path) for path in current]
        if is_merged:
            result = current
    return result, warnings


def labels_of_tree(
    paths: Sequence[Path], taxonomy: Taxonomy, merge: Merge
) -> tuple[list[Path], list[LabelWarning]]:
    """The paths with the spellings of a tree, and warnings that say which were changed.

    Args:
        paths: The path of every row.
        taxonomy: The tree.
        merge: As for :func:`merged_labels`.
    """
    spellings = Spellings.of_tree(taxonomy, spelling_key if merge == "spelling" else accent_key)
    rows: dict[Path, list[int]] = defaultdict(list)
    merged = list(paths)
    for row, path in enumerate(paths):
        if taxonomy.get(path) is None and spellings.merged(path) != path:
            merged[row] = spellings.merged(path)
            rows[path].append(row)
    return merged, [
        LabelWarning(
            MERGED,
            f"{join_path(path)!r} ({numbered(each)}) is read as "
            f"{join_path(spellings.merged(path))!r}",
            tuple(each),
        )
        for path, each in rows.items()
    ]


def rows_by_path(paths: Sequence[Path], rows: Iterable[int]) -> dict[Path, tuple[int, ...]]:
    """The numbers of the rows with each path, in their order.

    Args:
        paths: The path of every row.
        rows: The numbers of the rows to take.
    """
    by_path: dict[Path, list[int]] = defaultdict(list)
    for row in rows:
        by_path[paths[row]].append(row)
    return {path: tuple(each) for path, each in by_path.items()}


def warn_of_names(by_path: Mapping[Path, tuple[int, ...]]) -> list[LabelWarning]:
    """Warn of categories that are named like a missing value, such as NaN.

    Args:
        by_path: The rows with each path, from :func:`rows_by_path`.
    """
    named: dict[Path, list[int]] = defaultdict(list)
    for path, rows in by_path.items():
        ends = [end for end, name in enumerate(path, 1) if name.casefold() in _MISSING]
        if ends:
            named[path[: ends[0]]] += rows
    return [
        LabelWarning(
            LIKE_MISSING,
            f"{join_path(path)!r} ({numbered(sorted(rows))})",
            tuple(sorted(rows)),
        )
        for path, rows in named.items()
    ]


def warn_of_separator(by_path: Mapping[Path, tuple[int, ...]]) -> list[LabelWarning]:
    """Warn of a tree with one level whose names have the same mark between words.

    Args:
        by_path: The rows with each path, from :func:`rows_by_path`.
    """
    if len(by_path) < 2 or any(len(path) > 1 for path in by_path):
        return []
    counts = {path[0]: len(rows) for path, rows in by_path.items()}
    for mark in _SEPARATORS:
        whole = [name for name in counts if all(part.strip() for part in name.split(mark))]
        whole = [name for name in whole if mark in name]
        if sum(counts[name] for name in whole) >= _WHOLE * sum(counts.values()):
            rows = sorted(row for name in whole for row in by_path[name,])
            return [
                LabelWarning(UNSPLIT, f"{mark!r} in {whole[0]!r} ({numbered(rows)})", tuple(rows))
            ]
    return []


def warn_of_stray_labels(by_path: Mapping[Path, tuple[int, ...]]) -> list[LabelWarning]:
    """Warn of single labels at a category below which nearly all others have a category.

    Args:
        by_path: The rows with each path, from :func:`rows_by_path`.
    """
    below: Counter[Path] = Counter()
    for path, rows in by_path.items():
        for end in range(1, len(path)):
            below[path[:end]] += len(rows)
    return [
        LabelWarning(
            STRAY,
            f"{join_path(path)!r} ({numbered(rows)}), below which {below[path]:,} labels are",
            rows,
        )
        for path, rows in by_path.items()
        if _STRAY * len(rows) <= below[path]
    ]


def _warnings_of(twins: Iterable[Twins], reason: str) -> list[LabelWarning]:
    return [
        LabelWarning(
            reason,
            f"{join_path(each.path)!r} is also written "
            + ", ".join(
                f"{name!r}{_form(name, each.path[-1])} ({numbered(rows)})"
                for name, rows in each.rows.items()
            ),
            tuple(sorted(row for rows in each.rows.values() for row in rows)),
        )
        for each in twins
    ]


def _form(name: str, other: str) -> str:
    """What a person cannot see: that two names differ in Unicode's form alone."""
    forms = {unicodedata.normalize("NFC", each) for each in (name, other)}
    return " in another form of Unicode" if len(forms) == 1 else ""
