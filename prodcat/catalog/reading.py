"""Reading of a catalog; wrong rows are reported, never dropped silently."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypedDict, Unpack

import numpy as np
from numpy.typing import NDArray

from prodcat.catalog.catalog import Catalog
from prodcat.catalog.cells import cell_text
from prodcat.catalog.columns import CatalogColumns, PathColumns, read_columns
from prodcat.catalog.labels import grow_taxonomy, place_rows
from prodcat.catalog.report import (
    EMPTY_TITLE,
    INVALID_UTF8,
    SKIPPED_LEVEL,
    CatalogReport,
    OnError,
)
from prodcat.catalog.row_paths import read_row_paths
from prodcat.catalog.row_problems import RowProblems
from prodcat.catalog.text import raw_bytes, readable
from prodcat.errors import CatalogError, check_keywords, takes_keywords
from prodcat.storage.tables import Columns
from prodcat.taxonomy.tree import Taxonomy


class CatalogKeywords(TypedDict, total=False):
    """The less common keyword arguments of :func:`read_catalog`."""

    path_ids: PathColumns | None
    language: str | None
    separator: str
    inner: str


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
        source: A URI or glob (Parquet, CSV, TSV, JSONL; ``.gz`` too; any fsspec
            filesystem), a pandas or polars DataFrame, an Arrow table, a list of mappings,
            or a mapping of columns.
        title: The column with the product title.
        path: The column with the whole path (a list, or one line such as ``"A > B > C"``),
            or one column for each level, coarse to fine; None for titles alone.
        text: Further text columns for the model to read, such as brand or description.
        keep: Other columns to keep, such as a group or a time to split by.
        taxonomy: The tree in which the paths must be; without it the rows make the tree.
        on_error: What to do with wrong rows (empty title, invalid UTF-8, no or unknown
            category, a path that skips a level): ``"raise"`` raises an error; ``"aside"``
            leaves them out and lists them in ``catalog.report``; ``"accept"`` lists them too,
            but keeps what can be read of them (invalid bytes become U+FFFD, and a path ends
            at its last known node).
        **rarer: ``path_ids``: the column or columns with the stable ids along the path; with
            ids, a category may have another name in each row's language.
            ``language``: the column with the row's language.
            ``separator``: the mark between the names of a path in one line, ``">"`` by default.
            ``inner``: as for :meth:`Taxonomy.from_paths`, if the rows make the tree.

    Returns:
        The catalog, with a report on the wrong rows.

    Raises:
        CatalogError: A column is missing, the source cannot be read, or rows are wrong and
            ``on_error`` is ``"raise"``.
        TaxonomyError: The rows do not make a tree.
        TypeError: A keyword argument is not known.
    """
    check_keywords(read_catalog, rarer)
    separator = rarer.get("separator", ">")
    _refuse_mistakes(on_error, separator, text, keep)
    if isinstance(source, (list, tuple)) and source and isinstance(source[0], str):
        path = None  # The source is a list of titles.
    requested = CatalogColumns(
        title=title,
        path=path,
        path_ids=rarer.get("path_ids"),
        language=rarer.get("language"),
        text=tuple(text),
        keep=tuple(keep),
        separator=separator,
    )
    labelling = _Labelling(taxonomy, rarer.get("inner", "terminal"), on_error)
    return _assemble(read_columns(source, requested), requested, labelling)


def _refuse_mistakes(
    on_error: str, separator: str, text: Sequence[str], keep: Sequence[str]
) -> None:
    """Raise an error for arguments that cannot be right."""
    if on_error not in ("raise", "aside", "accept"):
        raise CatalogError(
            f"on_error={on_error!r} is not known; expected 'raise', 'aside' or 'accept'."
        )
    if not separator.strip():
        raise CatalogError(f"separator={separator!r} is blank; expected a mark such as '>'.")
    if isinstance(text, str) or isinstance(keep, str):
        raise CatalogError("text= and keep= take lists of columns; put the name into a list.")


@dataclass(frozen=True)
class _Labelling:
    """The settings by which rows get their labels.

    Attributes:
        taxonomy: The tree in which the paths must be, or None if the rows make the tree.
        inner: As for :meth:`Taxonomy.from_paths`.
        on_error: What is done with wrong rows; see :func:`read_catalog`.
    """

    taxonomy: Taxonomy | None
    inner: str
    on_error: OnError


def _assemble(columns: Columns, requested: CatalogColumns, labelling: _Labelling) -> Catalog:
    """Make the catalog from the columns, and treat wrong rows as ``on_error`` says."""
    rows = len(columns[requested.title])
    problems = RowProblems(columns)
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
            "on_error='accept' to keep what can be read."
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
    )
    wrong = problems.rows()
    if wrong and labelling.on_error == "aside":
        return catalog.take(np.array([row not in wrong for row in range(rows)], dtype=np.bool_))
    return catalog


def _clean_texts(values: Iterable[object], column: str, problems: RowProblems) -> list[str]:
    """The values as readable texts; reports those that are not valid UTF-8."""
    cleaned = []
    for row, value in enumerate(values):
        text = cell_text(value)
        clean = readable(text)
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
) -> tuple[Taxonomy | None, NDArray[np.int64]]:
    """The tree, and the node of each row, -1 for none: int64 [rows]."""
    rows = len(columns[requested.title])
    taxonomy, unlabelled = labelling.taxonomy, np.full(rows, -1, np.int64)
    if requested.path is None and requested.path_ids is None:
        return taxonomy, unlabelled
    paths = read_row_paths(columns, requested, problems)
    # Rows that are wrong already are not reported again because their path was cut, or because
    # the tree was made without them.
    reported = problems.rows(SKIPPED_LEVEL)
    if taxonomy is None:
        wrong = problems.rows()
        reported |= wrong
        left_out = set() if labelling.on_error == "accept" else wrong
        usable = [row for row in range(rows) if paths.names[row] and row not in left_out]
        if not usable:
            return None, unlabelled
        taxonomy = grow_taxonomy(paths, languages, usable, labelling.inner)
    return taxonomy, place_rows(paths, taxonomy, problems, reported)
