"""Reads a catalog; rows that are wrong are reported, never dropped silently."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypedDict, Unpack

import numpy as np

from prodcat.catalog.catalog import Catalog
from prodcat.catalog.columns import CatalogColumns, PathColumns, read_columns
from prodcat.catalog.labels import grow_taxonomy, place_rows
from prodcat.catalog.report import (
    EMPTY_TITLE,
    INVALID_UTF8,
    SKIPPED_LEVEL,
    TOO_LONG,
    UNREADABLE,
    CatalogReport,
    OnError,
)
from prodcat.catalog.row_paths import read_row_paths
from prodcat.catalog.row_problems import RowProblems
from prodcat.catalog.text import raw_bytes, readable
from prodcat.errors import CatalogError, check_keywords, takes_keywords
from prodcat.storage.read_options import ReadOptions
from prodcat.storage.tables import MOST_LETTERS, Columns
from prodcat.taxonomy.arrays import Ints
from prodcat.taxonomy.cells import cell_text
from prodcat.taxonomy.tree import Taxonomy

_NAME_ENCODING = (
    " If the file is not in UTF-8, name its encoding with encoding= (--file-encoding), such as "
    "encoding='cp1252'."
)


class CatalogKeywords(TypedDict, total=False):
    """The less common keyword arguments of :func:`read_catalog`."""

    path_ids: PathColumns | None
    language: str | None
    separator: str
    inner: str
    delimiter: str | None
    encoding: str | None
    sheet: str | None


@takes_keywords(CatalogKeywords, separator=">", inner="terminal")
def read_catalog(
    source: object,
    *,
    title: str = "title",
    path: PathColumns | None = "path",
    text: Sequence[str] = (),
    keep: Sequence[str] = (),
    taxonomy: Taxonomy | None = None,
    on_error: OnError = "raise",
    **rarer: Unpack[CatalogKeywords],
) -> Catalog:
    """Read titles and their categories.

    Args:
        source: A URI or glob of Parquet, CSV, TSV, JSONL (also with ``.gz``) or Excel files on any
            fsspec filesystem, a pandas or polars DataFrame, an Arrow table, a list of titles, a
            list of mappings, or a mapping from column names to values.
        title: The column with the product title.
        path: The column with the whole path (a list, or one text such as ``"A > B > C"``),
            or one column for each level, coarsest first; None if there are no categories.
        text: Further text columns that are part of the model's input, such as brand.
        keep: Other columns to keep, such as a group or a time to split by.
        taxonomy: The tree that contains the categories; None to make it from the rows' paths.
        on_error: What to do with wrong rows (too many or too few fields, empty title, text of more
            than 10,000 letters, invalid UTF-8, no or unknown category, a path that skips a
            level): ``"raise"`` raises an error; ``"aside"`` leaves them out and lists them in
            ``catalog.report``; ``"accept"`` lists them too, but keeps their usable part (long
            texts are cut, invalid bytes become U+FFFD, and a path ends at its last known node).
        **rarer: ``path_ids``: the column or columns with the stable ids along the path; with
            ids, a category may have another name in each row's language.
            ``language``: the column with the row's language code.
            ``separator``: the text between the names of a path in one text, ``">"`` by default.
            ``inner``: the meaning of a path that ends at an inner node, ``"terminal"`` (default)
            or ``"partial"``; see :meth:`Taxonomy.from_paths`.  Ignored if ``taxonomy`` is given.
            ``delimiter`` and ``encoding``: those of CSV and JSONL files, if they shall not be
            recognised, such as ``";"`` and ``"cp1252"``.
            ``sheet``: the name of the sheet of an Excel workbook; the first one by default.

    Returns:
        The catalog, whose ``report`` lists the wrong rows.

    Raises:
        CatalogError: A column is missing, the source cannot be read or has no rows, an argument
            is wrong, or rows are wrong and ``on_error`` is ``"raise"``.
        TaxonomyError: The paths do not form a tree.
        TypeError: A keyword argument is unknown.
    """
    check_keywords(read_catalog, rarer)
    separator = rarer.get("separator", ">")
    _refuse_mistakes(on_error, separator, text, keep)
    if isinstance(source, (list, tuple)) and source and isinstance(source[0], str):
        path = None  # The source is a list of titles.
    ids, language = rarer.get("path_ids"), rarer.get("language")
    requested = CatalogColumns(title, path, ids, language, tuple(text), tuple(keep), separator)
    labelling = _Labelling(taxonomy, rarer.get("inner", "terminal"), on_error)
    file = ReadOptions(rarer.get("delimiter"), rarer.get("encoding"), rarer.get("sheet"))
    columns, unreadable = read_columns(source, requested, file)
    return _assemble(columns, requested, labelling, unreadable)


def _refuse_mistakes(
    on_error: str, separator: str, text: Sequence[str], keep: Sequence[str]
) -> None:
    """Check arguments of :func:`read_catalog`.

    Raises:
        CatalogError: An argument is wrong.
    """
    if on_error not in ("raise", "aside", "accept"):
        raise CatalogError(
            f"on_error={on_error!r} is not supported; expected 'raise', 'aside' or 'accept'."
        )
    if not separator.strip():
        raise CatalogError(f"separator={separator!r} is blank; expected a text such as '>'.")
    if isinstance(text, str) or isinstance(keep, str):
        raise CatalogError("text= and keep= take lists of columns; put the name in a list.")


@dataclass(frozen=True)
class _Labelling:
    """The arguments of :func:`read_catalog` that determine the labels of the rows."""

    taxonomy: Taxonomy | None
    inner: str
    on_error: OnError


def _assemble(
    columns: Columns,
    requested: CatalogColumns,
    labelling: _Labelling,
    unreadable: Mapping[int, str],
) -> Catalog:
    """Make the catalog from the values of the columns.

    Args:
        columns: The values of each column, [rows], by its name.
        requested: The names of the columns.
        labelling: How rows get their labels, and what to do with wrong rows.
        unreadable: What is wrong with rows that could not be read from the source, by number.

    Raises:
        CatalogError: Rows are wrong, and ``on_error`` is ``"raise"``.
    """
    rows = len(columns[requested.title])
    problems = RowProblems(columns)
    for row, detail in unreadable.items():
        problems.add(row, UNREADABLE, detail)
    titles = _clean_texts(columns[requested.title], requested.title, problems)
    texts = {name: tuple(_clean_texts(columns[name], name, problems)) for name in requested.text}
    for row, value in enumerate(titles):
        if not value:
            problems.add(row, EMPTY_TITLE, f"{requested.title}={columns[requested.title][row]!r}")
    languages = None
    if requested.language is not None:
        languages = tuple(readable(cell_text(value)) for value in columns[requested.language])
    taxonomy, targets = _label_rows(columns, requested, languages, labelling, problems)
    report = CatalogReport(rows, problems.by_row(), labelling.on_error)
    if report.problems and labelling.on_error == "raise":
        raise CatalogError(
            f"{report}\nCorrect the rows, or read with on_error='aside' to leave them out or "
            "on_error='accept' to keep the usable part of them."
            + (_NAME_ENCODING if problems.rows(INVALID_UTF8) else "")
        )
    catalog = Catalog(
        titles=tuple(titles),
        taxonomy=taxonomy,
        targets=targets,
        texts=texts,
        languages=languages,
        columns={name: tuple(columns[name]) for name in requested.keep},
        rows=np.arange(rows, dtype=np.int64),
        report=report,
        levels=() if isinstance(requested.path, str) else tuple(requested.path or ()),
    )
    wrong = problems.rows()
    if wrong and labelling.on_error == "aside":
        return catalog.take(np.array([row not in wrong for row in range(rows)], dtype=np.bool_))
    return catalog


def _clean_texts(values: Iterable[object], column: str, problems: RowProblems) -> list[str]:
    """The values as texts; adds rows with one that is too long or not UTF-8 to ``problems``."""
    cleaned = []
    for row, value in enumerate(values):
        text = cell_text(value)
        clean = readable(text)
        if len(clean) > MOST_LETTERS:
            detail = f"{column} has more than {MOST_LETTERS:,} letters; it begins {clean[:40]!r}"
            problems.add(row, TOO_LONG, detail)
            clean = text = clean[:MOST_LETTERS]
        if clean != text:
            problems.add(row, INVALID_UTF8, f"{column}={raw_bytes(text)!r}")
        cleaned.append(clean)
    return cleaned


def _label_rows(
    columns: Columns,
    requested: CatalogColumns,
    languages: Sequence[str] | None,
    labelling: _Labelling,
    problems: RowProblems,
) -> tuple[Taxonomy | None, Ints]:
    """Find the node of each row; adds the rows whose path is wrong to ``problems``.

    Returns:
        The tree, or None if there are no categories, and int64 [rows]: the node of each row, -1
        for none.
    """
    rows = len(columns[requested.title])
    taxonomy, unlabelled = labelling.taxonomy, np.full(rows, -1, np.int64)
    if requested.path is None and requested.path_ids is None:
        return taxonomy, unlabelled
    paths = read_row_paths(columns, requested, problems)
    # A row is reported as unknown category only if that is not a consequence of another problem:
    # its path was cut at a skipped level, or the tree was made without the row.
    reported = problems.rows(SKIPPED_LEVEL)
    if taxonomy is None:
        wrong = problems.rows()
        reported |= wrong
        left_out = problems.rows(UNREADABLE) if labelling.on_error == "accept" else wrong
        usable = [row for row in range(rows) if paths.names[row] and row not in left_out]
        if not usable:
            return None, unlabelled
        taxonomy = grow_taxonomy(paths, languages, usable, labelling.inner)
    return taxonomy, place_rows(paths, taxonomy, problems, reported)
