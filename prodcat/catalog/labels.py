"""Makes a tree from the paths of the rows, and finds the node of each row."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from prodcat.catalog.columns import CatalogColumns
from prodcat.catalog.label_warnings import (
    Merge,
    labels_of_tree,
    merged_labels,
    rows_by_path,
    warn_of_codes,
    warn_of_ids,
    warn_of_names,
    warn_of_separator,
    warn_of_several,
    warn_of_stray_labels,
)
from prodcat.catalog.report import (
    SKIPPED_LEVEL,
    UNKNOWN_CATEGORY,
    UNREADABLE,
    LabelWarning,
    OnError,
)
from prodcat.catalog.row_paths import RowPaths, read_row_paths
from prodcat.catalog.row_problems import RowProblems
from prodcat.catalog.spellings import Spellings, spelling_key
from prodcat.catalog.targets import nodes_by_ids
from prodcat.catalog.unknown_labels import refuse_unknown
from prodcat.storage.tables import Columns
from prodcat.taxonomy.arrays import Ints
from prodcat.taxonomy.paths import Path, join_path
from prodcat.taxonomy.tree import Taxonomy


@dataclass(frozen=True)
class Labelling:
    """The arguments of :func:`prodcat.read_catalog` that determine the labels of the rows."""

    taxonomy: Taxonomy | None
    inner: str
    on_error: OnError
    merge: Merge | None = None


@dataclass(frozen=True)
class Labels:
    """The labels of the rows.

    Attributes:
        taxonomy: The tree, or None if there are no categories.
        targets: int64 [rows]: the node of each row, -1 for none.
        warnings: Labels that are likely to be mistakes.
    """

    taxonomy: Taxonomy | None
    targets: Ints
    warnings: tuple[LabelWarning, ...] = ()


def label_rows(
    columns: Columns,
    requested: CatalogColumns,
    languages: Sequence[str] | None,
    labelling: Labelling,
    problems: RowProblems,
) -> Labels:
    """Find the node of each row; adds the rows whose path is wrong to ``problems``.

    Args:
        columns: The values of each column, [rows], by its name.
        requested: The names of the columns.
        languages: The language code of each row, or None if the source has no languages.
        labelling: How rows get their labels.
        problems: The rows that are wrong.

    Raises:
        CatalogError: Nearly no label is in the given tree.
        TaxonomyError: The paths do not form a tree.
    """
    rows = len(columns[requested.title])
    taxonomy, unlabelled = labelling.taxonomy, np.full(rows, -1, np.int64)
    if requested.path is None and requested.path_ids is None:
        return Labels(taxonomy, unlabelled)
    paths = read_row_paths(columns, requested, problems)
    # A row is reported as unknown category only if that is not a consequence of another problem:
    # its path was cut at a skipped level, or the tree was made without the row.
    reported = problems.rows(SKIPPED_LEVEL)
    warnings: list[LabelWarning] = []
    if taxonomy is None:
        wrong = problems.rows()
        reported |= wrong
        left_out = problems.rows(UNREADABLE) if labelling.on_error == "accept" else wrong
        usable = [row for row in range(rows) if paths.names[row] and row not in left_out]
        if not usable:
            return Labels(None, unlabelled)
        names, warnings = _doubtful(paths, usable, labelling, requested.separator)
        if paths.ids is not None:
            warnings += warn_of_ids(names, paths.ids, languages, usable)
        paths = replace(paths, names=names)
        taxonomy = grow_taxonomy(paths, languages, usable, labelling.inner)
    elif labelling.merge is not None:
        names, warnings = labels_of_tree(paths.names, taxonomy, labelling.merge)
        paths = replace(paths, names=names)
    places = find_places(paths, taxonomy)
    if labelling.taxonomy is not None:
        lost = places.unknown
        if labelling.on_error == "accept":  # a path that the tree has in part is cut
            lost = [row for row in lost if places.targets[row] < 0]
        refuse_unknown(paths.names, lost, taxonomy)
    _report_unknown(paths, taxonomy, [r for r in places.unknown if r not in reported], problems)
    return Labels(taxonomy, places.targets, tuple(warnings))


def _doubtful(
    paths: RowPaths, rows: Sequence[int], labelling: Labelling, separator: str
) -> tuple[list[Path], list[LabelWarning]]:
    """The names of all rows, merged if asked for, and warnings of labels that may be mistakes.

    Args:
        paths: The paths of all rows.
        rows: The numbers of the rows from whose paths the tree is made.
        labelling: How rows get their labels.
        separator: The text between the names of a path.
    """
    names, by_path = paths.names, rows_by_path(paths.names, rows)
    warnings = warn_of_names(by_path)
    if paths.ids is None:  # with ids, names may differ, and ids say what is the same
        names, twins = merged_labels(names, rows, labelling.merge)
        warnings = [*twins, *warnings]
        if names != paths.names:
            by_path = rows_by_path(names, rows)
    warnings += warn_of_separator(by_path, separator)
    warnings += warn_of_several(by_path, separator)
    warnings += warn_of_codes(by_path)
    if labelling.inner == "terminal":
        warnings += warn_of_stray_labels(by_path)
    return names, warnings


def grow_taxonomy(
    paths: RowPaths, languages: Sequence[str] | None, rows: Sequence[int], inner: str
) -> Taxonomy:
    """Make a tree from the paths of some rows.

    If the paths have ids, a node gets its name from the first row with its id, and its name in
    each language from the first row with its id in that language.

    Args:
        paths: The paths of all rows.
        languages: The language code of each row, or None if the source has no languages.
        rows: The numbers of the rows to make the tree from.
        inner: The meaning of a path that ends at an inner node, ``"terminal"`` or ``"partial"``;
            see :meth:`prodcat.Taxonomy.from_paths`.

    Raises:
        TaxonomyError: The paths do not form a tree.
    """
    names, ids = paths.names, paths.ids
    if ids is None:
        return Taxonomy.from_paths([names[row] for row in rows], inner=inner)
    first: dict[str, str] = {}
    translations: dict[str, dict[str, str]] = {}
    for row in rows:
        language = languages[row] if languages is not None else ""
        for key, name in zip(ids[row], names[row], strict=True):
            first.setdefault(key, name)
            if language:
                translations.setdefault(language, {}).setdefault(key, name)
    taxonomy = Taxonomy.from_paths(
        [tuple(first[key] for key in ids[row]) for row in rows],
        ids=[ids[row] for row in rows],
        inner=inner,
    )
    for language, translated in translations.items():
        taxonomy = taxonomy.with_names(language, translated)
    return taxonomy


@dataclass(frozen=True)
class Places:
    """Where the rows are in a tree.

    Attributes:
        targets: int64 [rows]: the deepest node of each row's path that is in the tree, -1 for none.
        unknown: The numbers of the rows whose whole path is not in the tree.
    """

    targets: Ints
    unknown: list[int]


def find_places(paths: RowPaths, taxonomy: Taxonomy) -> Places:
    """Find the node of each row.

    Args:
        paths: The paths of all rows.
        taxonomy: The tree.
    """
    node_at: Callable[[Path], int | None]
    node_at = taxonomy.get if paths.ids is None else nodes_by_ids(taxonomy).get

    @cache
    def known(key: Path) -> tuple[int, bool]:
        """The deepest node of a path, -1 for none; and whether it is that of the whole path."""
        ends = (node_at(key[:end]) for end in range(len(key), 0, -1))
        node = next((end for end in ends if end is not None), -1)
        return node, not key or node_at(key) is not None

    places = [known(key) for key in paths.keys]
    return Places(
        np.array([node for node, _ in places], np.int64),
        [row for row, (_, is_whole) in enumerate(places) if not is_whole],
    )


def _report_unknown(
    paths: RowPaths, taxonomy: Taxonomy, rows: Sequence[int], problems: RowProblems
) -> None:
    """Add rows whose path is not in the tree to ``problems``."""
    near = cache(taxonomy.near)
    merged = Spellings.of_tree(taxonomy, spelling_key).merged if rows else None
    for row in rows:
        key = paths.keys[row]
        hint = near(key) if paths.ids is None else ""
        if paths.ids is None and merged is not None and taxonomy.get(merged(key)) is not None:
            hint += (
                f"; {join_path(merged(key))!r} differs only in spelling: set merge='spelling' "
                "(--merge spelling)"
            )
        problems.add(row, UNKNOWN_CATEGORY, f"{join_path(key)!r} is not in the tree{hint}")
