"""Titles as a caller gives them, in any container: as texts, or as a catalog if in a table."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from prodcat.catalog.catalog import Catalog
from prodcat.catalog.fields import BORDER
from prodcat.catalog.text import is_blank, readable
from prodcat.errors import CatalogError, no_column
from prodcat.storage.containers import (
    described,
    given_texts,
    refuse_file_names,
    titles_or_rows,
)
from prodcat.storage.tables import Columns, memory_pieces
from prodcat.taxonomy.cells import cell_text

TITLE = "title"  # the name of the column with the titles

# Titles in a list, generator, array or column; a table with a column of titles; or a catalog.
Titles = object


def given_titles(
    given: Titles, text_columns: Sequence[str] = (), group: str | None = None
) -> list[str] | Catalog:
    """The titles that a caller gives.

    Args:
        given: Titles in a list, a generator, a NumPy array [titles] or [titles, 1], or a column of
            pandas, polars or Arrow; a table with a column ``title``, as
            :func:`prodcat.storage.tables.memory_pieces` reads it; or a catalog.
        text_columns: The names of further columns that are read if a table has them.
        group: The name of a column that is kept if a table has it, or None.

    Returns:
        The titles, of which those that are missing or show nothing are empty; or the catalog, which
        is made of a table.

    Raises:
        CatalogError: There are no titles in it, or a title is not text.
    """
    if isinstance(given, Catalog):
        return given
    titles, rows = titles_or_rows(given)
    if titles is not None:
        refuse_file_names(titles, "titles")
        return _visible(titles)
    _refuse_texts_and_paths(given)
    columns = _columns(rows, given, (TITLE, *text_columns, *([] if group is None else [group])))
    made = _visible(columns.pop(TITLE))
    return Catalog(
        titles=tuple(made),
        taxonomy=None,
        targets=np.full(len(made), -1, np.int64),
        texts={
            name: tuple(_further_text(value) for value in columns[name])
            for name in text_columns
            if name in columns
        },
        columns={name: tuple(columns[name]) for name in (group,) if name in columns},
        rows=np.arange(len(made), dtype=np.int64),
    )


def title_columns(given: list[str] | Catalog) -> Mapping[str, Sequence[Any]]:
    """The columns that tell titles from each other, by name.

    Args:
        given: Titles, as :func:`given_titles` returns them.

    Returns:
        The number of each row, from 1, as ``row_number``, the titles, and the further columns of a
        catalog.
    """
    if isinstance(given, Catalog):
        return given.row_columns()
    return {"row_number": range(1, len(given) + 1), "title": given}


def empty_titles(texts: Sequence[str]) -> list[int]:
    r"""The positions of texts whose title is empty.

    >>> empty_titles(["milk", "", "\x1fVelmora", "bread\x1f"])
    [1, 2]
    """
    return [row for row, text in enumerate(texts) if not text or text[0] == BORDER]


def _visible(titles: Sequence[object]) -> list[str]:
    """The titles as texts; those that are missing or show nothing are empty.

    Raises:
        CatalogError: A title is not text.
    """
    return ["" if is_blank(text) else text for text in given_texts(titles, "titles")]


def _further_text(value: object) -> str:
    text = readable(cell_text(value))
    return "" if is_blank(text) else text


def _refuse_texts_and_paths(given: object) -> None:
    """Refuse one text, and paths, whose files are not read for an answer.

    Raises:
        CatalogError: It is one of these.
    """
    if isinstance(given, str):
        raise CatalogError("titles is one text; expected a list of titles. Put it into a list.")
    is_list = isinstance(given, (list, tuple))
    paths: Sequence[Any] = given if is_list else [given]  # type: ignore[assignment]
    if any(isinstance(path, os.PathLike) for path in paths):
        what = f"a list with {described(paths[0])}" if is_list else described(given)
        raise CatalogError(
            f"titles is {what}; expected titles. Read files with read_catalog(paths, path=None) "
            "first, or answer them with prodcat.score(classifier, input, output)."
        )


def _columns(table: object, given: object, names: Sequence[str]) -> Columns:
    """The columns of a table that have these names, the first of which it must have.

    Args:
        table: The table, or its rows.
        given: What the caller gave, for the message of an error.
        names: The names of the columns.

    Raises:
        CatalogError: It is no table, or has no such column.
    """
    read = memory_pieces(table)
    if read is None:
        raise CatalogError(
            f"titles is {described(given)}; expected titles in a list, generator, array or column, "
            "or a table with a column 'title'."
        )
    pieces = list(read)
    present = dict.fromkeys(name for piece in pieces for name in piece)
    if names[0] not in present and pieces:
        raise CatalogError(
            f"{no_column('The table', names[0], present)} Give the column "
            "with the titles, such as table['name'], or read the table with "
            "read_catalog(table, title='name', path=None)."
        )
    columns: Columns = {names[0]: []}
    columns |= {name: [] for name in names if name in present}
    for piece in pieces:
        rows = len(next(iter(piece.values()), []))
        for name, values in columns.items():
            values += piece.get(name, [None] * rows)
    return columns
