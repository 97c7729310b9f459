"""Reads a taxonomy from a file."""

import os
from collections.abc import Sequence
from pathlib import PurePath
from typing import Any

from prodcat.errors import CatalogError, TaxonomyError
from prodcat.taxonomy.category_lines import records_of_lines
from prodcat.taxonomy.cells import cell_path, cell_text, records_of
from prodcat.taxonomy.level_columns import level_columns
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

    Raises:
        TaxonomyError: The file does not exist, cannot be read, or does not describe a tree.
    """
    if not isinstance(uri, (str, os.PathLike)):
        raise TaxonomyError(
            f"uri is a {type(uri).__name__}; expected the path or URI of a file. Make a tree from "
            "a table with Taxonomy.from_table, and from a list of paths with Taxonomy.from_paths."
        )
    uri = os.fspath(uri)
    kind = PurePath(uri.lower().removesuffix(".gz")).suffix
    try:
        if kind == ".json":
            return Taxonomy.from_json(_text_of(uri))
        if kind == ".txt":
            records = records_of_lines(_text_of(uri), separator)
            has_ids = "id" in records[0]
            return _from_path_records(
                records, separator, inner if has_ids else _meaning(records, inner)
            )
        records = records_of(uri)
    except TaxonomyError:
        raise
    except (CatalogError, OSError, ValueError) as error:
        raise TaxonomyError(f"Cannot read the taxonomy {uri!r}: {error}") from error
    records = _with_paths(records, path, separator, uri)
    if records and any(record.get("path") is not None for record in records):
        return _from_path_records(records, separator, inner)
    return Taxonomy.from_table(records)


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
        raise TaxonomyError(f"{uri!r} has no column {missing[0]!r}; found {names[:50]}.")
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


def _from_path_records(records: list[Record], separator: str, inner: str) -> Taxonomy:
    """Make the tree from records with a ``path`` and perhaps ``path_ids`` or ``id``."""
    paths = [cell_path(record.get("path"), separator) for record in records]
    if records[0].get("path_ids") is not None:
        ids = [cell_path(record.get("path_ids"), separator) for record in records]
        return Taxonomy.from_paths(paths, ids=ids, inner=inner)
    if "id" not in records[0]:
        return Taxonomy.from_paths(paths, inner=inner)
    id_of = _ids_by_path(paths, records)
    _refuse_missing_parents(paths, id_of)
    # Every node has a row here, so a row does not mean that products end at its node.
    return Taxonomy.from_paths(
        paths,
        ids=[tuple(id_of[path[:end]] for end in range(1, len(path) + 1)) for path in paths],
        inner="partial",
    )


def _ids_by_path(paths: list[Path], records: list[Record]) -> dict[Path, str]:
    """The id of each path, from records with the id of the node at the end of their path.

    Raises:
        TaxonomyError: A record has no id, or two records with the same path have different ids.
    """
    id_of: dict[Path, str] = {}
    problems = []
    for row, (path, record) in enumerate(zip(paths, records, strict=True)):
        key = cell_text(record.get("id"))
        if not key:
            problems.append(f"row {row}: empty id")
        elif id_of.setdefault(path, key) != key:
            problems.append(
                f"row {row}: {join_path(path)!r} has the ids {id_of[path]!r} and {key!r}"
            )
    if problems:
        raise TaxonomyError(
            f"{len(problems)} of {len(records)} rows are wrong: {first_problems(problems)}. Give "
            "every node one row and one id."
        )
    return id_of


def _refuse_missing_parents(paths: list[Path], id_of: dict[Path, str]) -> None:
    """Check that every node on a path has a row, which gives its id.

    Raises:
        TaxonomyError: A node has no row.
    """
    missing = [
        f"row {row}: {join_path(path[:end])!r} has no row of its own"
        for row, path in enumerate(paths)
        for end in range(1, len(path))
        if path[:end] not in id_of
    ]
    if missing:
        raise TaxonomyError(
            f"{len(missing)} parents have no id: {first_problems(missing)}. Add a row for every "
            "node, or a column path_ids."
        )
