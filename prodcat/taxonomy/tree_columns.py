"""Recognises by their names what the columns of a table with a tree hold."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from prodcat.taxonomy.level_columns import level_columns

# Other names of each column, in lower case and without marks and blanks, the usual ones first.
_OTHERS: Mapping[str, tuple[str, ...]] = {
    "id": ("id", "categoryid", "catid", "nodeid", "termid", "entityid", "code", "categorycode"),
    "parent": (
        *("parent", "parentid", "parentcode", "parentcategory", "parentcategoryid", "parentnode"),
        *("parentnodeid", "idparent"),
    ),
    "name": (
        *("name", "categoryname", "nodename", "label", "category", "text", "nodetext"),
        *("description", "title"),
    ),
    "path": (
        *("path", "fullname", "fullpath", "categorypath", "pathname", "namepath", "breadcrumb"),
        *("breadcrumbs",),
    ),
}


@dataclass(frozen=True)
class TreeColumns:
    """The columns of a table with a tree.

    Attributes:
        id: The column with the id of each node, or None.
        parent: The column with the id of the node's parent, or None.
        name: The column with the node's name, or None.
        path: The column with whole paths, or the columns of the levels, coarsest first; or empty.
    """

    id: str | None
    parent: str | None
    name: str | None
    path: str | Sequence[str]

    @property
    def is_parent_child(self) -> bool:
        """Whether there are all columns of a parent-child table."""
        return None not in (self.id, self.parent, self.name)


def recognised(names: Iterable[str], named: Mapping[str, Any]) -> TreeColumns:
    """Find the columns of a tree among all columns of a table.

    Args:
        names: The names of all columns.
        named: The names that the caller gave to ``id``, ``parent``, ``name`` and ``path``.

    >>> recognised(["Category ID", "Parent ID", "Name", "Image"], {}).parent
    'Parent ID'
    """
    names = list(names)
    columns = {key: named.get(key) or _recognised(names, others) for key, others in _OTHERS.items()}
    path = columns["path"]
    if not named.get("path") and None not in (columns["id"], columns["parent"], columns["name"]):
        path = None
    if path is None and columns["parent"] is None:
        path = level_columns(names)
    return TreeColumns(columns["id"], columns["parent"], columns["name"], path or ())


def _recognised(names: Sequence[str], others: Sequence[str]) -> str | None:
    if others[0] in names:
        return others[0]
    plain = [re.sub(r"[\W_]+", "", name).lower() for name in names]
    for other in others:
        if plain.count(other) == 1:
            return names[plain.index(other)]
    return None


def is_header(line: str) -> bool:
    """Whether the first line of a text is the header of a table with a tree.

    >>> is_header("id;parent;name"), is_header("Food > Name")
    (True, False)
    """
    for mark in "\t;,|":
        names = [name.strip().strip('"') for name in line.lstrip("\ufeff").split(mark)]
        columns = recognised(names, {})
        is_known = columns.is_parent_child or (columns.path and columns.id)
        if len(names) > 1 and (is_known or len(level_columns(names)) > 1):
            return True
    return False
