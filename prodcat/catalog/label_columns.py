"""Reads the labels of a table in the old tree, and writes those of the new tree into its cells.

All that is not changed by the new tree stays as it is in the table, cell by cell: a label whose
category has the same path and ids, a row without a label, and each other column.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from prodcat.catalog.columns import CatalogColumns, PathColumns
from prodcat.catalog.label_warnings import Merge, labels_of_tree
from prodcat.catalog.labels import find_places
from prodcat.catalog.migrating import OldLabels
from prodcat.catalog.report import AMBIGUOUS_IDS, NO_CATEGORY, UNKNOWN_CATEGORY
from prodcat.catalog.row_paths import RowPaths, read_row_paths
from prodcat.catalog.row_problems import RowProblems
from prodcat.storage.tables import Columns
from prodcat.taxonomy.arrays import Ints
from prodcat.taxonomy.cells import cell_path, cell_text
from prodcat.taxonomy.paths import Path, join_path
from prodcat.taxonomy.tree import Taxonomy

_NUMBERED = re.compile(r"(.*?)(\d+)$")
_WHOLE = re.compile(r"-?[1-9]\d{0,17}|0")


@dataclass(frozen=True)
class LabelColumns:
    """The columns of a table that say the category of each row.

    Attributes:
        title: The column with the title.
        path: The column with the whole path, or one column for each level; None for none.
        path_ids: The column or columns with the ids along the path; None for none.
        id: The column with the id of the category itself; None for none.
        language: The column with the language code of the names; None for the usual names.
        separator: The text between the names of a path in one text.
        merge: How names that are spelled alike are taken for the same; see :func:`read_catalog`.
    """

    title: str
    path: PathColumns | None
    path_ids: PathColumns | None = None
    id: str | None = None
    language: str | None = None
    separator: str = ">"
    merge: Merge | None = None

    @property
    def requested(self) -> CatalogColumns:
        """The columns as :func:`read_catalog` reads them."""
        keep = [] if self.id is None else [self.id]
        return CatalogColumns(
            self.title, self.path, self.path_ids, self.language, (), keep, self.separator
        )

    def labels(self) -> list[str]:
        """The names of the columns with labels."""
        names: list[str] = []
        for given in (self.path, self.path_ids, self.id):
            names += [given] if isinstance(given, str) else list(given or ())
        return names


@dataclass(frozen=True, eq=False)
class TableLabels:
    """The labels of a table's rows.

    Attributes:
        labels: The labels, in the order of the rows, without those of rows that have none.
        problems: What is wrong with rows whose label cannot be read, by the number of the row.
    """

    labels: OldLabels
    problems: RowProblems


def read_labels(columns: Columns, names: LabelColumns, old: Taxonomy) -> TableLabels:
    """Find the node of the old tree of each row of a table that has a label.

    Args:
        columns: The values of each column, [rows], by its name.
        names: The names of the columns.
        old: The old tree.
    """
    titles = [cell_text(value) for value in columns[names.title]]
    problems = RowProblems(columns)
    paths = _row_paths(columns, names, old, problems)
    empty, wrong = problems.rows(NO_CATEGORY), problems.rows() - problems.rows(NO_CATEGORY)
    nodes = np.full(len(titles), -1, np.int64)
    unknown: dict[int, Path] = {}
    if paths is not None:
        places = find_places(paths, old)
        nodes = np.where([bool(key) for key in paths.keys], places.targets, -1)
        nodes[[*places.unknown, *wrong]] = -1
        unknown = {row: paths.names[row] or paths.keys[row] for row in range(len(titles))}
    if names.id is not None:
        empty = _read_ids(
            columns[names.id], nodes, unknown, empty if paths else None, problems, old
        )
    rows = np.array([row for row in range(len(titles)) if row not in empty], np.int64)
    reported = problems.rows() - problems.rows(NO_CATEGORY)
    for row in rows[nodes[rows] < 0].tolist():
        if row not in reported:
            path = join_path(unknown[row])
            near = "" if names.path is None else old.near(unknown[row])
            problems.add(row, UNKNOWN_CATEGORY, f"{path!r} is not in the old tree{near}")
    labels = OldLabels(
        rows,
        [titles[row] for row in rows.tolist()],
        nodes[rows],
        {at: unknown.get(row, ()) for at, row in enumerate(rows.tolist())},
    )
    return TableLabels(labels, problems)


def _row_paths(
    columns: Columns, names: LabelColumns, old: Taxonomy, problems: RowProblems
) -> RowPaths | None:
    """The path of every row; None if only ids say the categories."""
    if names.path is None and names.path_ids is None:
        return None
    paths = read_row_paths(columns, names.requested, problems)
    if names.merge is not None and paths.ids is None:
        merged, _ = labels_of_tree(paths.names, old, names.merge)
        paths = RowPaths(merged, None)
    return paths


def _read_ids(
    values: Sequence[Any],
    nodes: Ints,
    unknown: dict[int, Path],
    empty: set[int] | None,
    problems: RowProblems,
    old: Taxonomy,
) -> set[int]:
    """Read the ids of the categories themselves, which must agree with the paths if there are some.

    Args:
        values: The ids, [rows].
        nodes: int64 [rows]: the nodes by the paths, -1 for none; those by ids are added.
        unknown: The paths of all rows; ids are added where there is no path.
        empty: The rows without a path; None if there are no paths at all.
        problems: Rows that are wrong are added.
        old: The old tree.

    Returns:
        The rows without a label.
    """
    node_of = {key: node for node, key in enumerate(old.ids)}
    without = set()
    for row, value in enumerate(values):
        key = cell_text(value)
        has_path = empty is not None and row not in empty
        if not key:
            without |= set() if has_path else {row}
            continue
        node = node_of.get(key, -1)
        if not has_path:
            nodes[row], unknown[row] = node, (key,)
        elif node != nodes[row]:
            shown = repr(join_path(old.paths[node])) if node >= 0 else "not in the old tree"
            detail = f"the id {key!r} is {shown}, but the path {join_path(unknown[row])!r}"
            problems.add(row, AMBIGUOUS_IDS, detail)
            nodes[row] = -1
    return without


@dataclass(frozen=True)
class NewLabels:
    """The labels of rows in both trees.

    Attributes:
        old: The old tree.
        new: The new tree.
        before: int64 [rows]: the node of the old tree of each row, -1 for none.
        after: int64 [rows]: the node of the new tree, -1 for none.
        has_label: bool [rows]: whether the row has a label.
    """

    old: Taxonomy
    new: Taxonomy
    before: Ints
    after: Ints
    has_label: Any


def written_labels(columns: Columns, names: LabelColumns, labels: NewLabels) -> Columns:
    """The columns with labels, with those of the new tree in their cells.

    Args:
        columns: The values of each column, [rows], by its name.
        names: The names of the columns.
        labels: The labels of all rows.

    Returns:
        The values of the columns with labels by name, in the forms of the cells before: a list for
        a list, a number for a number.  If the new tree is deeper than there are columns for levels,
        there are further ones.
    """
    written: Columns = {name: list(columns[name]) for name in names.labels()}
    writer = _CellWriter(names, labels)
    languages = [""] * len(labels.after)
    if names.language is not None:
        languages = [cell_text(value) for value in columns[names.language]]
    changed = [row for row in np.flatnonzero(labels.has_label).tolist() if not writer.is_same(row)]
    for source, of_node in ((names.path, writer.names), (names.path_ids, writer.ids)):
        parts = {row: of_node(row, languages[row]) for row in changed} if source else {}
        if isinstance(source, str):
            cells = written[source]
            for row, path in parts.items():
                cells[row] = _path_cell(cells[row], path, names.separator)
        elif source:
            _write_levels(written, columns, list(source), parts)
    if names.id is not None:
        for row in changed:
            node = int(labels.after[row])
            key = labels.new.ids[node] if node >= 0 else ""
            written[names.id][row] = _id_cell(written[names.id][row], key)
    return written


class _CellWriter:
    """What stands in the cells of rows.

    Args:
        names: The columns.
        labels: The labels of all rows.
    """

    def __init__(self, names: LabelColumns, labels: NewLabels) -> None:
        self.labels = labels
        self.has_ids = names.path_ids is not None or names.id is not None
        self._is_same = cache(self._find_same)

    def is_same(self, row: int) -> bool:
        """Whether the label of a row is written as before."""
        return self._is_same(int(self.labels.before[row]), int(self.labels.after[row]))

    def _find_same(self, before: int, after: int) -> bool:
        old, new = self.labels.old, self.labels.new
        if -1 in (before, after) or old.paths[before] != new.paths[after]:
            return False
        return not self.has_ids or _ids_of(old, before) == _ids_of(new, after)

    def names(self, row: int, language: str) -> Path:
        """The names of the new path in a language that the tree has, or the usual ones."""
        node, new = int(self.labels.after[row]), self.labels.new
        if node < 0:
            return ()
        return new.path(node, language) if language in new.translations else new.paths[node]

    def ids(self, row: int, language: str) -> Path:
        """The ids of the new path."""
        node = int(self.labels.after[row])
        return _ids_of(self.labels.new, node) if node >= 0 else ()


def _ids_of(tree: Taxonomy, node: int) -> Path:
    return tuple(tree.ids[each] for each in tree.ancestors(node))


def _path_cell(cell: Any, path: Path, separator: str) -> Any:
    """A path in the form that the cell had before."""
    if not isinstance(cell, str):
        is_text = cell is None or not hasattr(cell, "__len__")
        return (join_path(path, separator) if is_text else list(path)) if path else None
    if not path:
        return ""
    text, mark = cell.strip(), separator.strip()
    if text[:1] in ("[", "(") and cell_path(text, separator) != (text,):
        return json.dumps(list(path), ensure_ascii=False)
    line = join_path(path, separator)
    is_compact = mark in text and f" {mark}" not in text and f"{mark} " not in text
    return line.replace(f" {mark} ", mark) if is_compact else line


def _id_cell(cell: Any, key: str) -> Any:
    """An id in the form that the cell had before: a number stays one if the new id is one."""
    if isinstance(cell, str):
        return key
    if not key:
        return None
    is_number = isinstance(cell, (int, float, np.integer, np.floating))
    return int(key) if is_number and _WHOLE.fullmatch(key) else key


def _write_levels(
    written: Columns, columns: Mapping[str, Any], source: list[str], parts: Mapping[int, Path]
) -> None:
    """Write paths into one column for each level, and add columns for deeper levels."""
    rows = len(written[source[0]])
    deepest = max(map(len, parts.values()), default=0)
    for level in range(len(source), deepest):
        name = _next_name(source[-1], level + 1, {*columns, *written})
        is_text = all(isinstance(value, str) for value in written[source[-1]])
        written[name] = ["" if is_text else None] * rows
        source.append(name)
    for row, path in parts.items():
        for level, name in enumerate(source):
            cell = written[name][row]
            empty = "" if isinstance(cell, str) else None
            written[name][row] = _id_cell(cell, path[level]) if level < len(path) else empty


def _next_name(last: str, level: int, taken: set[str]) -> str:
    """The name of the column for one level more: ``level_5`` after ``level_4``.

    >>> _next_name("level_4", 5, set()), _next_name("type", 5, set())
    ('level_5', 'level_5')
    """
    match = _NUMBERED.fullmatch(last)
    name = f"{match[1]}{int(match[2]) + 1}" if match else f"level_{level}"
    while name in taken:
        name = f"prodcat_{name}"
    return name
