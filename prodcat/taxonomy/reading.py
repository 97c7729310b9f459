"""Reads a taxonomy from a file."""

import os
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Any

from prodcat.errors import CatalogError, TaxonomyError, no_column
from prodcat.storage.containers import described
from prodcat.taxonomy.category_lines import records_of_lines
from prodcat.taxonomy.cells import cell_path, cell_text, records_of
from prodcat.taxonomy.level_columns import level_columns
from prodcat.taxonomy.nodes import SourceNodes, breadth_first
from prodcat.taxonomy.parent_rows import ParentColumns, nodes_of_table, rows_of_json
from prodcat.taxonomy.path_rows import nodes_of_paths
from prodcat.taxonomy.paths import Path, join_path
from prodcat.taxonomy.problems import first_problems
from prodcat.taxonomy.tree import Taxonomy

Record = dict[str, Any]


def read_taxonomy(
    uri: str | os.PathLike[str],
    *,
    separator: str = ">",
    inner: str = "terminal",
    path: str | Sequence[str] | None = None,
    id: str = "id",
    parent: str = "parent",
    name: str = "name",
    same_names: str = "refuse",
) -> Taxonomy:
    """Read a tree from a file.

    Args:
        uri: The fsspec URI of a ``.json`` file (see :meth:`Taxonomy.from_json`; or the categories
            that Shopify publishes), of a ``.txt`` file with one category a line, with or without
            ids, as Google and Shopify publish them, or of a table, such as ``.csv`` or ``.jsonl``;
            each may be compressed (``.gz``).  The columns of a table are either ``id``, ``parent``
            and ``name``, or ``path`` (a list of names, or one text with separators), or one for
            each level, such as ``level_1`` and ``level_2``.  With ``path`` there may be
            ``path_ids``, the ids along the path in the same format, or, if every node has a row,
            ``id``.
        separator: The text between the names of a ``path``, and between the ids of ``path_ids``.
        inner: The meaning of a path that ends at an inner node, ``"terminal"`` or ``"partial"``;
            see :meth:`Taxonomy.from_paths`.  It has no effect on other files, nor if every node has
            a row or line: products then end at leaves only.
        path: The column of a table with the path, or one column for each level, coarsest first;
            None to find them by their names.
        id: The column of a table with the id of each node.
        parent: The column of a table with the id of the node's parent.
        name: The column of a table with the node's name, such as ``name_fr``.
        same_names: What to do with siblings that have the same name and different ids, as in many
            translated trees: ``"refuse"``, or ``"id"`` to add the id to each such name.

    Raises:
        TaxonomyError: The file does not exist, cannot be read, or does not describe a tree.
    """
    if not isinstance(uri, (str, os.PathLike)):
        raise TaxonomyError(
            f"uri is {described(uri)}; expected the path or URI of a file. Make a tree from "
            "a table with Taxonomy.from_table, and from a list of paths with Taxonomy.from_paths."
        )
    if same_names not in ("refuse", "id"):
        raise TaxonomyError(f"same_names={same_names!r} is unknown; expected 'refuse' or 'id'.")
    columns = ParentColumns(id, parent, name, "terminal")
    uri = os.fspath(uri)
    try:
        return _read(uri, separator, inner, path, columns, same_names)
    except TaxonomyError:
        raise
    except (CatalogError, OSError, ValueError) as error:
        raise TaxonomyError(f"Cannot read the taxonomy {uri!r}: {error}") from error


def _read(
    uri: str,
    separator: str,
    inner: str,
    path: str | Sequence[str] | None,
    columns: ParentColumns,
    same_names: str,
) -> Taxonomy:
    """Read a tree from a file; see :func:`read_taxonomy`."""
    kind = PurePath(uri.lower().removesuffix(".gz")).suffix
    if kind == ".json":
        return _tree(nodes_of_table(rows_of_json(_text_of(uri)), columns), same_names)
    if kind == ".txt":
        records = records_of_lines(_text_of(uri), separator)
        meaning = inner if "id" in records[0] else _meaning(records, inner)
        return _from_path_records(records, separator, meaning, "id", same_names)
    records = _with_paths(records_of(uri), path, separator, uri)
    if records and any(record.get("path") is not None for record in records):
        return _from_path_records(records, separator, inner, columns.id, same_names)
    return _tree(nodes_of_table(records, columns), same_names)


def _tree(nodes: SourceNodes, same_names: str) -> Taxonomy:
    return Taxonomy(**breadth_first(nodes, same_names))


def _text_of(uri: str) -> str:
    import fsspec

    with fsspec.open(uri, "rt", encoding="utf-8-sig", compression="infer") as file:
        return str(file.read())


def _meaning(records: list[Record], inner: str) -> str:
    """``"partial"`` if every node has a line, as then a line says only that its node exists."""
    paths = {record["path"] for record in records}
    complete = all(path[:end] in paths for path in paths for end in range(1, len(path)))
    has_inner = any(path[:-1] in paths for path in paths if len(path) > 1)
    return "partial" if complete and has_inner else inner


def _with_paths(
    records: list[Record], path: str | Sequence[str] | None, separator: str, uri: str
) -> list[Record]:
    """The records, with a ``path`` of the columns that the caller named or whose names tell.

    Raises:
        TaxonomyError: A column that was named is missing.
    """
    names = list(dict.fromkeys(name for record in records for name in record))
    asked = [path] if isinstance(path, str) else list(path or ())
    missing = [name for name in asked if name not in names]
    if missing:
        raise TaxonomyError(no_column(repr(uri), missing[0], names))
    if isinstance(path, str):
        return [{**record, "path": cell_path(record.get(path), separator)} for record in records]
    if not asked and not {"path", "parent"}.intersection(names):
        asked = level_columns(names)
    if not asked:
        return records
    rows = [[cell_text(record.get(name)) for name in asked] for record in records]
    return [
        {"path": tuple(row[: max((end for end, name in enumerate(row, 1) if name), default=0)])}
        for row in rows
    ]


def _from_path_records(
    records: list[Record], separator: str, inner: str, id: str, same_names: str
) -> Taxonomy:
    """Make the tree from records with a ``path`` and perhaps ``path_ids`` or an id."""
    paths = [cell_path(record.get("path"), separator) for record in records]
    if records[0].get("path_ids") is not None:
        ids = [cell_path(record.get("path_ids"), separator) for record in records]
        return _tree(nodes_of_paths(paths, ids, inner), same_names)
    if id not in records[0]:
        if id != "id":
            raise TaxonomyError(f"There is no column {id!r}; found {list(records[0])[:50]}.")
        return Taxonomy.from_paths(paths, inner=inner)
    keys = [cell_text(record.get(id)) for record in records]
    chains = _chains_of_ids(paths, keys, same_names)
    # Every node has a row here, so a row does not mean that products end at its node.
    return _tree(nodes_of_paths(paths, chains, "partial"), same_names)


def _chains_of_ids(paths: list[Path], keys: list[str], same_names: str) -> list[Path]:
    """The ids along each path, of records with the id of the node at the end of their path.

    Raises:
        TaxonomyError: A record has no id, a parent has no record, or two records with the same path
            have different ids, unless ``same_names`` allows it and they have no children.
    """
    ids_of: dict[Path, list[str]] = {}
    problems = []
    for row, (path, key) in enumerate(zip(paths, keys, strict=True)):
        ids = ids_of.setdefault(path, [])
        if not key:
            problems.append(f"row {row}: empty id")
        elif ids and key not in ids and same_names == "refuse":
            problems.append(f"row {row}: {join_path(path)!r} has the ids {ids[0]!r} and {key!r}")
        else:
            ids.append(key)
    for row, path in enumerate(paths if same_names == "id" else ()):
        above = set(ids_of.get(path[:-1], ()))
        if len(above) > 1:
            problems.append(f"row {row}: the parent of {join_path(path)!r} has several ids")
    if problems:
        raise TaxonomyError(
            f"{len(problems)} of {len(paths)} rows are wrong: {first_problems(problems)}. Give "
            "every node one row and one id. If siblings have the same name, as in translated "
            "trees, same_names='id' adds their ids to it; if they have children, add a column "
            "path_ids."
        )
    _refuse_missing_parents(paths, ids_of)
    return [
        (*(ids_of[path[:end]][0] for end in range(1, len(path))), key)
        for path, key in zip(paths, keys, strict=True)
    ]


def _refuse_missing_parents(paths: list[Path], ids_of: Mapping[Path, Sequence[str]]) -> None:
    """Check that every node on a path has a row, which gives its id.

    Raises:
        TaxonomyError: A node has no row.
    """
    missing = [
        f"row {row}: {join_path(path[:end])!r} has no row of its own"
        for row, path in enumerate(paths)
        for end in range(1, len(path))
        if path[:end] not in ids_of
    ]
    if missing:
        raise TaxonomyError(
            f"{len(missing)} parents have no id: {first_problems(missing)}. Add a row for every "
            "node, or a column path_ids."
        )
