"""Reads the table of changes that a person checked, and says what is wrong with it."""

import json
import math
import os
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from prodcat.errors import CatalogError, TaxonomyError, did_you_mean, no_column
from prodcat.storage.containers import path_text
from prodcat.storage.objects import Objects
from prodcat.storage.row_tables import plain_cell
from prodcat.taxonomy.cells import cell_path, cell_text, records_of
from prodcat.taxonomy.changes.change import Rows, made_rows
from prodcat.taxonomy.changes.kinds import ADDED, KINDS
from prodcat.taxonomy.changes.table import NO, YES
from prodcat.taxonomy.changes.trees import Tree
from prodcat.taxonomy.changes.weights import SURE
from prodcat.taxonomy.paths import join_path
from prodcat.taxonomy.problems import first_problems, number_of_mistakes

if TYPE_CHECKING:
    from collections.abc import Mapping

_YES = (YES, "true", "1", "1.0", "y", "x")
_NO = (NO, "false", "0", "0.0", "n", "")


@dataclass
class _Table:
    """A table while it is read.

    Attributes:
        old: The old tree.
        new: The new tree.
        problems: What is wrong with the rows.
        rows: The numbers of the rows of each old node.
        targets: What each old node has become; -1 for nothing.
        cells: The kind, confidence, mark and reason of each old node, from its first row.
    """

    old: Tree
    new: Tree
    problems: list[str] = field(default_factory=list)
    rows: dict[int, list[int]] = field(default_factory=lambda: defaultdict(list))
    targets: dict[int, list[int]] = field(default_factory=lambda: defaultdict(list))
    cells: dict[int, tuple[str, float, bool, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.places = [
            {key: node for node, key in enumerate(tree.ids)} for tree in (self.old, self.new)
        ]


def read_table(uri: str | os.PathLike[str], old: Tree, new: Tree) -> Rows:
    """Read the table of changes; see :meth:`TreeChanges.read`.

    Raises:
        TaxonomyError: A row or the whole table is wrong.
        CatalogError: The file cannot be read.
    """
    uri = path_text(uri, "uri", "the path or URI of a file", CatalogError)
    records = _records(uri)
    _check_columns(uri, records)
    table = _Table(old, new)
    for number, record in enumerate(records, 1):
        _read_row(table, number, record)
    _check_splits(table)
    missing = [node for node in range(len(old)) if node not in table.rows]
    if not table.problems and missing:
        listed = [repr(join_path(old.paths[node])) for node in missing]
        raise TaxonomyError(
            f"{uri!r} has no row for {len(missing):,} of {len(old):,} categories of the old tree: "
            f"{first_problems(listed)}. Add a row for each, with the kind 'dropped' and no new_id "
            "if nothing has become of it."
        )
    if table.problems:
        raise TaxonomyError(
            f"{uri!r} has {number_of_mistakes(table.problems)}: {first_problems(table.problems)}. "
            "Rows are counted from 1, without the header. Correct the table, and read it again."
        )
    order = range(len(old))
    return made_rows(
        old,
        new,
        [tuple(target for target in table.targets[node] if target >= 0) for node in order],
        [table.cells[node][1] for node in order],
        [table.cells[node][2] for node in order],
        [table.cells[node][3] for node in order],
    )


def _records(uri: str) -> "Sequence[Mapping[str, Any]]":
    """The rows of the file.

    Raises:
        CatalogError: The file cannot be read.
        TaxonomyError: A JSON file is no list of rows.
    """
    if not uri.lower().endswith(".json"):
        is_csv = uri.lower().removesuffix(".gz").endswith((".csv", ".tsv", ".txt"))
        records = records_of(uri)
        return (
            [{k: plain_cell(v) for k, v in row.items()} for row in records] if is_csv else records
        )
    folder, slash, name = uri.rpartition("/")
    try:
        rows = json.loads(Objects(folder or slash or ".").read(name))
    except FileNotFoundError as error:
        raise CatalogError(
            f"There is no file {uri!r}. Write it with changes.save(uri), or correct its name."
        ) from error
    except (ValueError, RecursionError) as error:
        raise CatalogError(f"{uri!r} is not valid JSON: {error}. Correct it.") from error
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise TaxonomyError(f"{uri!r} is no list of rows; expected what changes.save(uri) writes.")
    return rows


def _check_columns(uri: str, records: "Sequence[Mapping[str, Any]]") -> None:
    names = list(dict.fromkeys(name for record in records for name in record))
    if not records:
        raise TaxonomyError(f"{uri!r} has no rows; expected one for each category of the old tree.")
    for name in ("kind", *(() if "old_path" in names else ("old_id",))):
        if name not in names:
            raise TaxonomyError(no_column(repr(uri), name, names))
    if not {"new_id", "new_path"} & set(names):
        raise TaxonomyError(no_column(repr(uri), "new_id", names))


def _read_row(table: _Table, number: int, record: "Mapping[str, Any]") -> None:
    """Read a row, whose mistakes go to the problems of the table."""
    if not any(cell_text(value) for value in record.values()):
        return
    before = len(table.problems)
    kind = " ".join(cell_text(record.get("kind")).lower().split())
    if kind not in (*KINDS, ADDED):
        guess = did_you_mean(kind, [*KINDS, ADDED])
        table.problems.append(
            f"row {number}: the kind {kind!r} is unknown{guess or ''}"
            f"{'' if guess else f', expected one of {[*KINDS, ADDED]}'}"
        )
    target = _node(table, number, record, "new")
    if kind == ADDED and not cell_text(record.get("old_id")) + cell_text(record.get("old_path")):
        return
    node = _node(table, number, record, "old")
    if node == -1:
        table.problems.append(f"row {number}: old_id and old_path are empty")
    if kind == ADDED:
        table.problems.append(
            f"row {number}: it has an old category, but the kind {ADDED!r}; write 'merged', or "
            "leave old_id and old_path empty"
        )
    if kind == "dropped" and target not in (-1, None):
        table.problems.append(
            f"row {number}: it is 'dropped', but has a new_id or new_path; empty them, or write "
            "another kind"
        )
    if kind in KINDS and kind != "dropped" and target == -1:
        table.problems.append(
            f"row {number}: it is {kind!r}, but new_id and new_path are empty; fill in one of "
            "them, or write 'dropped'"
        )
    cells = _checked_cells(table, number, kind, record)
    if len(table.problems) == before and node is not None and target is not None:
        table.rows[node].append(number)
        table.targets[node].append(target)
        table.cells.setdefault(node, cells)
    elif node is not None and node >= 0:
        table.rows[node].append(number)
        table.cells.setdefault(node, cells)


def _node(table: _Table, number: int, record: "Mapping[str, Any]", side: str) -> int | None:
    """The node that a row names by id or path: -1 for none, and None for a mistake."""
    tree, places = (table.old, table.places[0]) if side == "old" else (table.new, table.places[1])
    key = cell_text(record.get(f"{side}_id"))
    path = cell_path(record.get(f"{side}_path"), ">")
    by_path = tree.get(path) if path else None
    if key and key not in places:
        if by_path is not None:
            hint = f"; the category {join_path(path)!r} has the id {tree.ids[by_path]!r}"
        else:
            hint = did_you_mean(key, tree.ids)
        table.problems.append(f"row {number}: {side}_id {key!r} is not in the {side} tree{hint}")
        return None
    if path and by_path is None and not key:
        table.problems.append(
            f"row {number}: {side}_path {join_path(path)!r} is not in the {side} tree"
            + tree.near(path)
        )
        return None
    if key and path and by_path != places[key]:
        table.problems.append(
            f"row {number}: {side}_id {key!r} is {join_path(tree.paths[places[key]])!r}, but "
            f"{side}_path is {join_path(path)!r}; correct one, or leave one empty"
        )
        return None
    if key:
        return places[key]
    return -1 if by_path is None else by_path


def _checked_cells(
    table: _Table, number: int, kind: str, record: "Mapping[str, Any]"
) -> tuple[str, float, bool, str]:
    """The kind, the confidence, whether it is sure, and the reason."""
    text = cell_text(record.get("confidence"))
    try:
        confidence = float(text.replace(",", ".")) if text else 1.0
    except ValueError:
        confidence = math.nan
    if not 0 <= confidence <= 1:
        table.problems.append(
            f"row {number}: the confidence is {text!r}; expected a number from 0 to 1, or nothing"
        )
    # A table from which the column was removed has not been checked where it was not sure.
    unmarked = YES if confidence >= SURE else NO
    mark = cell_text(record.get("sure", unmarked)).lower()
    if mark not in (*_YES, *_NO):
        table.problems.append(f"row {number}: sure is {mark!r}; expected {YES!r} or {NO!r}")
    return kind, confidence, mark in _YES, cell_text(record.get("reason"))


def _check_splits(table: _Table) -> None:
    """Only a split category has several rows, with different targets."""
    for node, rows in table.rows.items():
        name = join_path(table.old.paths[node])
        targets = table.targets[node]
        if len(rows) > 1 and table.cells[node][0] != "split":
            table.problems.append(
                f"rows {rows[0]} and {rows[1]}: {name!r} is mapped twice; keep one row, or write "
                "'split' in both"
            )
        elif len(set(targets)) < len(targets):
            table.problems.append(f"rows {rows}: {name!r} is split into one category twice")
