"""The nodes of a tree from rows that name each node's parent, in tables and in JSON."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prodcat.errors import TaxonomyError
from prodcat.taxonomy.cells import cell_mark, cell_text, records_of
from prodcat.taxonomy.nodes import SourceNodes
from prodcat.taxonomy.problems import first_problems

Record = Mapping[str, Any]


@dataclass(frozen=True)
class ParentColumns:
    """The names of the columns of a parent-child table.

    Attributes:
        id: The column with each node's stable id.
        parent: The column with the id of the node's parent.
        name: The column with the node's name; ``name:tr`` holds the Turkish names, and so on.
        terminal: The column that marks nodes at which a product may end.
    """

    id: str
    parent: str
    name: str
    terminal: str

    def languages(self, records: Sequence[Record]) -> list[str]:
        """The languages of the names, in alphabetical order."""
        start = f"{self.name}:"
        return sorted({c[len(start) :] for r in records for c in r if str(c).startswith(start)})


def nodes_of_table(source: object, columns: ParentColumns) -> SourceNodes:
    """Read the nodes from a parent-child table, one from each row.

    Args:
        source: Any table that prodcat reads.
        columns: The names of its columns.

    Raises:
        TaxonomyError: The rows do not form a tree.
    """
    table = records_of(source)
    problems: list[str] = []
    by_row = _records_by_row(table, columns, problems)
    rows, records = list(by_row), list(by_row.values())
    ids = [cell_text(record[columns.id]) for record in records]
    names = [cell_text(record[columns.name]) for record in records]
    parents = [cell_text(record[columns.parent]) for record in records]
    position = {key: place for place, key in enumerate(ids)}
    problems += [
        f"row {row}: parent {key!r} is not in the table"
        for row, key in zip(rows, parents, strict=True)
        if key and key not in position
    ]
    parent = [position.get(key, -1) if key else -1 for key in parents]
    problems += _cycles(parent, ids, rows)
    if problems:
        raise TaxonomyError(
            f"The table of {len(table)} rows is not a tree: {first_problems(problems)}. Give every "
            "node one row, one name and one parent that is in the table."
        )
    if not records:
        raise TaxonomyError("Found no rows; expected at least one node.")
    return SourceNodes(
        ids=ids,
        names=names,
        parent=parent,
        terminal=[cell_mark(record.get(columns.terminal)) for record in records],
        rows=rows,
        translations={
            language: [
                cell_text(record.get(f"{columns.name}:{language}")) or name
                for record, name in zip(records, names, strict=True)
            ]
            for language in columns.languages(records)
        },
    )


def _records_by_row(
    table: Sequence[Record], columns: ParentColumns, problems: list[str]
) -> dict[int, Record]:
    """The records with a unique id and a name, by row; adds the others to ``problems``."""
    row_of_id: dict[str, int] = {}
    records: dict[int, Record] = {}
    for row, record in enumerate(table):
        missing = [c for c in (columns.id, columns.parent, columns.name) if c not in record]
        if missing:
            raise TaxonomyError(
                f"Row {row} has no column {missing[0]!r}; found {sorted(map(str, record))}. "
                "Name the columns with id=, parent= and name=."
            )
        key, name = cell_text(record[columns.id]), cell_text(record[columns.name])
        if not key or not name:
            problems.append(f"row {row}: empty {'id' if not key else 'name'}")
        elif key in row_of_id:
            first = row_of_id[key]
            old, new = (cell_text(r[columns.parent]) for r in (records[first], record))
            what = f"has two parents, {old!r} and {new!r}" if old != new else "is there twice"
            problems.append(f"rows {first} and {row}: id {key!r} {what}")
        else:
            row_of_id[key] = row
            records[row] = record
    return records


def _cycles(parents: Sequence[int], ids: Sequence[str], rows: Sequence[int]) -> list[str]:
    """Describe each cycle once.  ``state`` is 0 for new nodes, 1 on the present trail, 2 after."""
    state = [0] * len(parents)
    problems = []
    for start in range(len(parents)):
        trail: list[int] = []
        node = start
        while node >= 0 and state[node] == 0:
            state[node] = 1
            trail.append(node)
            node = parents[node]
        if node >= 0 and state[node] == 1:
            loop = trail[trail.index(node) :]
            names = " -> ".join(repr(ids[n]) for n in [*loop, node])
            problems.append(f"rows {sorted(rows[n] for n in loop)}: cycle {names}")
        for visited in trail:
            state[visited] = 2
    return problems


def rows_of_json(text: str) -> list[dict[str, Any]]:
    """Read the parent-child rows from a JSON document.

    Args:
        text: ``{"nodes": [{"id": ..., "parent": ..., "name": ...}, ...]}``, or the list alone.

    Raises:
        TaxonomyError: The text is not JSON, or not of that form.

    >>> rows_of_json('[{"id": "f", "parent": null, "name": "Food"}]')
    [{'id': 'f', 'parent': None, 'name': 'Food'}]
    """
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        raise TaxonomyError(f"The taxonomy is not valid JSON: {error}.") from error
    rows = document.get("nodes") if isinstance(document, dict) else document
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise TaxonomyError(
            'Found JSON of another form; expected {"nodes": [{"id", "parent", "name"}, ...]} '
            "or the list alone."
        )
    return rows


def table_rows(
    ids: Sequence[str],
    names: Sequence[str],
    parent: NDArray[np.int64],
    terminal: NDArray[np.bool_],
    translations: Mapping[str, Sequence[str]],
) -> list[dict[str, Any]]:
    """The rows of a parent-child table from which the same nodes can be read again."""
    return [
        {
            "id": key,
            "parent": ids[above] if above >= 0 else None,
            "name": name,
            "terminal": bool(end),
            **{f"name:{language}": column[node] for language, column in translations.items()},
        }
        for node, (key, above, name, end) in enumerate(
            zip(ids, parent, names, terminal, strict=True)
        )
    ]
