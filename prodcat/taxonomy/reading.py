"""Reads a taxonomy from a file."""

from typing import Any

from prodcat.errors import CatalogError, TaxonomyError
from prodcat.taxonomy.cells import cell_path, cell_text, records_of
from prodcat.taxonomy.paths import Path, join_path
from prodcat.taxonomy.problems import first_problems
from prodcat.taxonomy.tree import Taxonomy

Record = dict[str, Any]


def read_taxonomy(uri: str, *, separator: str = ">", inner: str = "terminal") -> Taxonomy:
    """Read a tree from a file.

    Args:
        uri: The fsspec URI of a ``.json`` file (see :meth:`Taxonomy.from_json`) or of a table, such
            as ``.csv`` or ``.jsonl``; each may be compressed (``.gz``).  The columns of a table
            are either ``id``, ``parent`` and ``name``, or ``path`` (a list of names, or one text
            with separators).  With ``path`` there may be ``path_ids``, the ids along the path in
            the same format, or, if every node has a row, ``id``.
        separator: The text between the names of a ``path``, and between the ids of ``path_ids``.
        inner: The meaning of a path that ends at an inner node, ``"terminal"`` or ``"partial"``;
            see :meth:`Taxonomy.from_paths`.  It has no effect on other files.

    Raises:
        TaxonomyError: The file does not exist, cannot be read, or does not describe a tree.
    """
    import fsspec

    try:
        if uri.lower().removesuffix(".gz").endswith(".json"):
            with fsspec.open(uri, "rt", encoding="utf-8-sig", compression="infer") as file:
                return Taxonomy.from_json(file.read())
        records = records_of(uri)
    except TaxonomyError:
        raise
    except (CatalogError, OSError, ValueError) as error:
        raise TaxonomyError(f"Cannot read the taxonomy {uri!r}: {error}") from error
    if records and records[0].get("path") is not None:
        return _from_path_records(records, separator, inner)
    return Taxonomy.from_table(records)


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
