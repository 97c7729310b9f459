"""Finds labels that are likely to be mistakes, although a tree can be made of them."""

import html
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from prodcat.catalog.report import (
    ACCENTS,
    BRACKETS,
    CODES,
    LIKE_MISSING,
    MERGED,
    ONE_ID,
    SEVERAL,
    SPELLINGS,
    STRAY,
    UNSPLIT,
    LabelWarning,
    numbered,
)
from prodcat.catalog.spellings import Key, Spellings, Twins, accent_key, find_twins, spelling_key
from prodcat.errors import CatalogError
from prodcat.taxonomy.paths import Path, join_path
from prodcat.taxonomy.separators import mark_in_names
from prodcat.taxonomy.tree import Taxonomy

Merge = Literal["spelling", "accents"]
_STRAY = 20  # times as many labels below a category as at it
_MOSTLY = 0.9  # share of labels that are lists, from which on it is told
_BETWEEN_PATHS = re.compile(r"[,;|\n]")
_LIST = re.compile(r"\[[^\[\]]*,[^\[\]]*\]|\{[^{}]*,[^{}]*\}")  # the second as Postgres writes it
_CODE = re.compile(r"&(?:[a-zA-Z]{2,8}|#\d{2,6}|#x[0-9a-fA-F]{2,5});")
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


def warn_of_separator(
    by_path: Mapping[Path, tuple[int, ...]], separator: str
) -> list[LabelWarning]:
    """Warn of a tree with one level whose names have the same mark between words, or are lists.

    Args:
        by_path: The rows with each path, from :func:`rows_by_path`.
        separator: The text between the names of a path.
    """
    if any(len(path) > 1 for path in by_path):
        return []
    counts = {path[0]: len(rows) for path, rows in by_path.items()}
    lists = [name for name in counts if _LIST.fullmatch(name)]
    if sum(counts[name] for name in lists) >= _MOSTLY * sum(counts.values()):
        rows = sorted(row for name in lists for row in by_path[name,])
        return [LabelWarning(BRACKETS, f"{lists[0]!r} ({numbered(rows)})", tuple(rows))]
    divided = mark_in_names(counts)
    if len(by_path) < 2 or divided is None:
        return []
    mark, whole = divided
    rows = sorted(row for name in whole for row in by_path[name,])
    reason = SEVERAL if mark == separator.strip() else UNSPLIT  # a list with whole paths
    return [LabelWarning(reason, f"{mark!r} in {whole[0]!r} ({numbered(rows)})", tuple(rows))]


def warn_of_several(by_path: Mapping[Path, tuple[int, ...]], separator: str) -> list[LabelWarning]:
    """Warn of cells that have several paths, as shops write them for a title in many categories.

    Args:
        by_path: The rows with each path, from :func:`rows_by_path`.
        separator: The text between the names of a path.
    """
    mark = separator.strip()
    tops = {path[0] for path in by_path}
    known = {path[:end] for path in by_path for end in range(1, len(path) + 1)}
    several = []
    for path in by_path:
        ends = [_BETWEEN_PATHS.split(name)[1:] for name in path[:-1]]
        starts_again = any(end and (end[-1].strip() in tops) for end in ends)
        is_divided = any("|" in name or "\n" in name for name in path[:-1])
        are_paths = len(path) > 1 and all(mark in name for name in path)
        first, *tails = (part.strip() for part in path[-1].split(","))
        are_known = bool(tails) and (*path[:-1], first) in known and tops.issuperset(tails)
        if starts_again or is_divided or are_paths or are_known:
            several.append(path)
    return [
        LabelWarning(SEVERAL, f"{join_path(path)!r} ({numbered(by_path[path])})", by_path[path])
        for path in several
    ]


def warn_of_ids(
    names: Sequence[Path],
    ids: Sequence[Path],
    languages: Sequence[str] | None,
    rows: Sequence[int],
) -> list[LabelWarning]:
    """Warn of ids that have several names in one language.

    Args:
        names: The names along the path of every row.
        ids: The ids along the path of every row.
        languages: The language code of every row, or None if there are no languages.
        rows: The numbers of the rows from whose paths the tree is made.
    """
    named: dict[tuple[str, str], dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        language = languages[row] if languages is not None else ""
        for key, name in zip(ids[row], names[row], strict=True):
            named[language, key][name].append(row)
    warnings = []
    for (_, key), by_name in named.items():
        if len(by_name) > 1:
            listed = ", ".join(f"{name!r} ({numbered(each)})" for name, each in by_name.items())
            others = sorted(row for each in list(by_name.values())[1:] for row in each)
            warnings.append(LabelWarning(ONE_ID, f"{key!r} is {listed}", tuple(others)))
    return warnings


def warn_of_codes(by_path: Mapping[Path, tuple[int, ...]]) -> list[LabelWarning]:
    """Warn of names with characters written as in HTML, such as ``&amp;``.

    Args:
        by_path: The rows with each path, from :func:`rows_by_path`.
    """
    coded: dict[str, list[int]] = defaultdict(list)
    for path, rows in by_path.items():
        names = [n for n in path if "&" in n and _CODE.search(n) and html.unescape(n) != n]
        if names:
            coded[names[0]] += rows
    return [
        LabelWarning(CODES, f"{name!r} ({numbered(sorted(rows))})", tuple(sorted(rows)))
        for name, rows in coded.items()
    ]


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
