"""Reads files in which only some of the titles have a category."""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from prodcat.cli.input import column_advice, first_piece, read_titles
from prodcat.cli.output import say
from prodcat.errors import CatalogError, did_you_mean

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from prodcat.catalog.catalog import Catalog
    from prodcat.taxonomy.tree import Taxonomy


def read_named(options: argparse.Namespace, source: str, **extra: Any) -> "Catalog":
    """Read titles with categories; error messages begin with the name of the file.

    Args:
        options: The parsed options, which include those of
            :func:`~prodcat.cli.input.column_options`.
        source: A file, a glob or a URI.
        extra: Further arguments of :func:`~prodcat.catalog.reading.read_catalog`.

    Raises:
        CatalogError: The titles cannot be read, or there are faulty rows and ``--on-error`` is
            ``raise``.
    """
    try:
        return read_titles(options, source, **extra)
    except CatalogError as error:
        raise CatalogError(f"{source}: {error}") from error


def read_optional(
    options: argparse.Namespace, source: str | None, **extra: Any
) -> "Catalog | None":
    """Read titles with categories as :func:`read_named` does; None if no file is named."""
    return read_named(options, source, **extra) if source else None


def read_partly_labelled(
    options: argparse.Namespace,
    source: str,
    taxonomy: "Taxonomy",
    keep: Sequence[str] = (),
    *,
    path_is_elsewhere: bool = False,
) -> "Catalog":
    """Read titles with categories; some or all categories may be empty.

    If the table has none of the columns with the category, all titles are read without categories,
    and a message says so.

    Args:
        options: The parsed options, which include those of
            :func:`~prodcat.cli.input.column_options`.
        source: A file, a glob or a URI.
        taxonomy: The tree of the categories.
        keep: Names of further columns to keep.
        path_is_elsewhere: Whether another table of the command has the columns that ``--path`` and
            ``--path-ids`` name, so that this one may lack them.

    Returns:
        A catalog whose titles without a category have the target -1.

    Raises:
        CatalogError: The titles cannot be read, there are faulty rows and ``--on-error`` is
            ``raise``, or the file lacks only some of the columns that ``--path`` or ``--path-ids``
            names, or all of them if no other table has them.
    """
    names = [*options.path, *(options.path_ids or [])]
    unlabelled = argparse.Namespace(**{**vars(options), "path": None, "path_ids": None})
    columns = first_piece(options, source, 1_000)
    missing = [name for name in names if name not in columns]
    if missing:
        is_named = options.path != ["path"] or options.path_ids
        if len(missing) < len(names) or (is_named and not path_is_elsewhere):
            raise CatalogError(
                f"{source}: the file lacks some of the columns {names}: it has no "
                f"{_listed(missing)}{did_you_mean(missing[0], list(columns)) or '.'} Name the "
                f"columns with the category with --path.{column_advice(options, columns)}"
            )
        titles = read_named(unlabelled, source, keep=list(keep))
        say(
            f"{source}: there is no column {_listed(missing)}; all {len(titles):,} titles are "
            "unlabelled"
        )
        return titles
    titles = read_named(unlabelled, source, keep=list(dict.fromkeys([*keep, *names])))
    given = {name: titles.columns[name] for name in names}
    labelled = _rows_with_a_value(given)
    titles = replace(titles, columns={name: titles.columns[name] for name in keep})
    if not labelled.any():
        return titles
    try:
        known = _read_labelled(options, titles, given, labelled, taxonomy)
    except CatalogError as error:
        raise CatalogError(f"{source}, rows with a category: {error}") from error
    return _with_targets(titles, known, labelled)


def _listed(names: Sequence[str]) -> str:
    return " or ".join(repr(name) for name in names)


def _rows_with_a_value(columns: dict[str, Any]) -> "NDArray[np.bool_]":
    """Whether each row has a value in any of the columns: bool [row]."""
    import numpy as np

    rows = zip(*columns.values(), strict=True)
    return np.array([not all(map(_is_empty, row)) for row in rows], np.bool_)


def _is_empty(value: object) -> bool:
    from prodcat.storage.tables import is_missing

    return is_missing(value) or value == "" or (isinstance(value, (list, tuple)) and not value)


def _read_labelled(
    options: argparse.Namespace,
    titles: "Catalog",
    columns: dict[str, Any],
    labelled: "NDArray[np.bool_]",
    taxonomy: "Taxonomy",
) -> "Catalog":
    """Make a catalog of only the labelled titles; its ``rows`` count only labelled titles."""
    import numpy as np

    rows = np.flatnonzero(labelled)
    table: dict[str, Any] = {
        name: [values[row] for row in rows] for name, values in columns.items()
    }
    table[options.title] = [titles.titles[row] for row in rows]
    if options.language is not None and titles.languages is not None:
        table[options.language] = [titles.languages[row] for row in rows]
    without_text = argparse.Namespace(**{**vars(options), "text": []})
    return read_titles(without_text, table, taxonomy=taxonomy)


def _with_targets(titles: "Catalog", known: "Catalog", labelled: "NDArray[np.bool_]") -> "Catalog":
    """Add the targets of the labelled titles to a catalog, without titles with faulty labels.

    Args:
        titles: The catalog of all titles, without targets.
        known: The labelled titles with targets; faulty ones were left out.
        labelled: bool [title]: whether each title has a category.
    """
    import numpy as np

    rows = np.flatnonzero(labelled)
    targets = np.full(len(titles), -1, np.int64)
    targets[rows[known.rows]] = known.targets
    titles = replace(titles, targets=targets, taxonomy=known.tree)
    if len(known) == len(rows):
        return titles
    kept = ~labelled
    kept[rows[known.rows]] = True
    return titles.take(kept)
