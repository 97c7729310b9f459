"""Reads the nodes of a tree from parent-child rows, in tables or JSON."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from prodcat.errors import TaxonomyError
from prodcat.taxonomy.cells import cell_mark, cell_text, records_of
from prodcat.taxonomy.nodes import SourceNodes
from prodcat.taxonomy.problems import first_problems

Record = Mapping[str, Any]
logger = logging.getLogger("prodcat")
# What tables write as the parent of a node at the top level, if no node has that id.
_TOP_MARKS = frozenset(
    {
        *(
            "0",
            "-1",
            "-",
            "--",
            "#",
            "null",
            "(null)",
            "\\n",
            "none",
            "(none)",
            "nil",
            "nan",
            "<na>",
        ),
        *("n/a", "na", "#n/a", "root", "(root)", "top", "/"),
    }
)


@dataclass(frozen=True)
class ParentColumns:
    """The names of the columns of a parent-child table.

    Attributes:
        id: The column with each node's stable id.
        parent: The column with the id of the node's parent.
        name: The column with the node's name.  Columns such as ``name:tr`` contain the names in
            other languages.
        terminal: The column that marks nodes at which a product may end.
    """

    id: str
    parent: str
    name: str
    terminal: str

    def languages(self, records: Sequence[Record]) -> list[str]:
        """The codes of the languages for which there is a column of names, in order."""
        start = f"{self.name}:"
        return sorted({c[len(start) :] for r in records for c in r if str(c).startswith(start)})


def nodes_of_table(source: object, columns: ParentColumns, what: str = "The table") -> SourceNodes:
    """Read nodes from a parent-child table with one row for each node.

    A node is at the top level if its parent is empty, is the node itself, or is no id of the table
    but a mark such as 0 or NULL, or the only such text; all but the first are told.

    Args:
        source: Any table that prodcat reads.
        columns: The names of its columns.
        what: What the table is, for messages, which begin with it.

    Raises:
        TaxonomyError: A column is missing, there are no rows, or the rows do not form a tree.
        CatalogError: The table cannot be read.
    """
    table = records_of(source)
    problems: list[str] = []
    by_row = _records_by_row(table, columns, problems)
    rows, records = list(by_row), list(by_row.values())
    ids = [cell_text(record[columns.id]) for record in records]
    names = [cell_text(record[columns.name]) for record in records]
    position = {key: place for place, key in enumerate(ids)}
    parents = [_knkey_of_node(cell_text(record[columns.parent]), position) for record in records]
    parents = _without_top_marks(parents, ids, what)
    problems += [
        f"row {row + 1:,}: parent {key!r} is not in the table"
        for row, key in zip(rows, parents, strict=True)
        if key and key not in position
    ]
    parent = [position.get(key, -1) if key else -1 for key in parents]
    problems += _cycles(parent, ids, rows)
    if problems:
        raise TaxonomyError(
            f"{what} of {len(table):,} rows is not a tree: {first_problems(problems)}. Give every "
            "node one row with an id, a name and a parent that is in the table; the parent of a "
            "node at the top is empty."
        )
    if not records:
        raise TaxonomyError(f"{what} has no rows; expected at least one node.")
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
    """The records with a name and a new id, by row number.

    Appends to ``problems`` what is wrong with the other records.

    Raises:
        TaxonomyError: A column is missing.
    """
    row_of_id: dict[str, int] = {}
    records: dict[int, Record] = {}
    for row, record in enumerate(table):
        missing = [c for c in (columns.id, columns.parent, columns.name) if c not in record]
        if missing:
            raise TaxonomyError(
                f"Row {row + 1:,} has no column {missing[0]!r}; found "
                f"{sorted(map(str, record))[:50]}. Name the columns id, parent and name; or path "
                "if one has whole paths, or level_1, level_2 and so on; or give their names to "
                "the arguments id, parent, name and path in Python."
            )
        key, name = cell_text(record[columns.id]), cell_text(record[columns.name])
        if not key or not name:
            problems.append(f"row {row + 1:,}: empty {'id' if not key else 'name'}")
        elif key in row_of_id:
            first = row_of_id[key]
            old, new = (cell_text(r[columns.parent]) for r in (records[first], record))
            what = f"has two parents, {old!r} and {new!r}" if old != new else "is in both"
            problems.append(f"rows {first + 1:,} and {row + 1:,}: id {key!r} {what}")
        else:
            row_of_id[key] = row
            records[row] = record
    return records


def _knkey_of_node(key: str, known: Mapping[str, int]) -> str:
    """The id of a parent; "1.0" means the node "1" if no node has the id "1.0".

    A data frame converts a column of whole numbers to floats if one of its values is missing, and
    writes them into files in this form.
    """
    whole, _, decimals = key.partition(".")
    is_float = decimals != "" and not decimals.strip("0")
    return whole if is_float and key not in known and whole in known else key


def _without_top_marks(parents: Sequence[str], ids: Sequence[str], what: str) -> list[str]:
    """The parents, empty where a mark says that the node is at the top level; tells which marks.

    Args:
        parents: The id of each node's parent as the table has it.
        ids: The id of each node.
        what: What the table is, for the message.
    """
    known = set(ids)
    unknown = {key for key in parents if key and key not in known}
    has_top = any(
        not key or key == key_of_node for key, key_of_node in zip(parents, ids, strict=True)
    )
    marks = {key for key in unknown if key.casefold() in _TOP_MARKS}
    if len(unknown) == 1 and not has_top:  # there is a top level, so that this is its mark
        marks = unknown
    tops = [key in marks for key in parents]
    are_selves = [key == key_of_node for key, key_of_node in zip(parents, ids, strict=True)]
    if marks:
        shown = ", ".join(map(repr, sorted(marks)))
        logger.warning(
            "%s: no node has the id %s, which is the parent in %s; read as the top level.",
            what, shown, _counted(sum(tops)),
        )  # fmt: skip
    if any(are_selves):
        logger.warning(
            "%s: the parent is the node itself in %s; read as the top level.",
            what, _counted(sum(are_selves)),
        )  # fmt: skip
    return [
        "" if is_top or is_self else key
        for key, is_top, is_self in zip(parents, tops, are_selves, strict=True)
    ]


def _counted(rows: int) -> str:
    return f"{rows:,} row{'s' if rows > 1 else ''}"


def _cycles(parents: Sequence[int], ids: Sequence[str], rows: Sequence[int]) -> list[str]:
    """A description of each cycle of parents.

    Args:
        parents: The position of each node's parent, -1 for none.
        ids: The id of each node.
        rows: The row of each node.
    """
    state = [0] * len(parents)  # 0 for a node not visited, 1 on the current trail, 2 visited before
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
            listed = ", ".join(f"{row + 1:,}" for row in sorted(rows[n] for n in loop))
            problems.append(f"row{'s' if len(loop) > 1 else ''} {listed}: cycle {names}")
        for visited in trail:
            state[visited] = 2
    return problems
