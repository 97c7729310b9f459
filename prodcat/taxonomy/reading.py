"""Reading of a taxonomy from a file."""

from typing import Any

from prodcat.errors import CatalogError, TaxonomyError
from prodcat.taxonomy.cells import cell_path, cell_text, records_of
from prodcat.taxonomy.paths import Path, join_path
from prodcat.taxonomy.problems import first_problems
from prodcat.taxonomy.tree import Taxonomy

Record = dict[str, Any]


def read_taxonomy(uri: str, *, separator: str = ">", inner: str = "terminal") -> Taxonomy:
    """Read a tree from a file at any fsspec URI.

    Args:
        uri: The address of a ``.json`` file (see :meth:`Taxonomy.from_json`), or of any table
            that prodcat reads, such as ``.csv`` or ``.jsonl``; all of them also with ``.gz``.
            Rows have either ``id``, ``parent`` and ``name``, or a ``path`` (a list, or one line
            with separators).  Rows with a ``path`` may also have ``path_ids``, the ids along
            the path, or an ``id``, if every node has a row.
        separator: The mark between the names of a ``path`` in one line.
        inner: As for :meth:`Taxonomy.from_paths`.

    Raises:
        TaxonomyError: The file does not exist, has another form, or does not hold a tree.
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
    """Make the tree of rows with a path each, and with ``path_ids``, an ``id`` or neither."""
    paths = [cell_path(record.get("path"), separator) for record in records]
    if records[0].get("path_ids") is not None:
        ids = [cell_path(record.get("path_ids"), separator) for record in records]
        return Taxonomy.from_paths(paths, ids=ids, inner=inner)
    if "id" not in records[0]:
        return Taxonomy.from_paths(paths, inner=inner)
    id_of = _ids_by_path(paths, records)
    _refuse_missing_parents(paths, id_of)
    # Every node has a row here, so a row says that the node exists, not that products end there.
    return Taxonomy.from_paths(
        paths,
        ids=[tuple(id_of[path[:end]] for end in range(1, len(path) + 1)) for path in paths],
        inner="partial",
    )


def _ids_by_path(paths: list[Path], records: list[Record]) -> dict[Path, str]:
    """The id of each path, from rows that have the id of the node at the end of the path."""
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
    """Raise an error if a node on a path has no row, and therefore no id."""
    missing = [
        f"row {row}: {join_path(path[:end])!r} has no row of its own"
        for row, path in enumerate(paths)
        for end in range(1, len(path))
        if path[:end] not in id_of
    ]
    if missing:
        raise TaxonomyError(
            f"{len(missing)} parents have no id: {first_problems(missing)}. Give every node a row, "
            "or give path_ids."
        )
