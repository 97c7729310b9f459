"""Reads a catalog; rows that are wrong are reported, never dropped silently."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TypedDict, Unpack

import numpy as np

from prodcat.catalog.catalog import Catalog
from prodcat.catalog.cells import lost_digits
from prodcat.catalog.columns import UNNAMED_PATH, CatalogColumns, PathColumns, read_columns
from prodcat.catalog.label_warnings import Merge, check_merge
from prodcat.catalog.labels import Labelling, label_rows
from prodcat.catalog.report import (
    EMPTY_TITLE,
    INVALID_UTF8,
    LOST_DIGITS,
    MERGED,
    NO_TEXT,
    TOO_LONG,
    UNLABELLED,
    UNREADABLE,
    CatalogReport,
    LabelWarning,
    OnError,
)
from prodcat.catalog.row_problems import RowProblems
from prodcat.catalog.text import is_blank, raw_bytes, readable
from prodcat.errors import (
    CATALOG_ADVICE,
    CatalogError,
    all_else_by_name,
    check_keywords,
    takes_keywords,
)
from prodcat.storage.containers import described, refuse_file_names, titles_or_rows
from prodcat.storage.read_options import ReadOptions
from prodcat.storage.tables import MOST_LETTERS, Columns
from prodcat.taxonomy.cells import cell_text, kind_of_many
from prodcat.taxonomy.tree import Taxonomy

logger = logging.getLogger("prodcat")
_NAME_ENCODING = (
    " If the file is not in UTF-8, name its encoding with encoding= (--file-encoding), such as "
    "encoding='cp1252'."
)


class CatalogKeywords(TypedDict, total=False):
    """The less common keyword arguments of :func:`read_catalog`.

    Attributes:
        path_ids: The column or columns with the stable ids along the path; with ids, a category
            may have another name in each row's language.
        language: The column with the row's language code.
        separator: The text between the names of a path in one text, ``">"`` by default.
        inner: The meaning of a path that ends at an inner node, ``"terminal"`` (default) or
            ``"partial"``; see :meth:`Taxonomy.from_paths`.  Ignored if ``taxonomy`` is given.
        merge: ``"spelling"`` makes one category of siblings whose names differ only in case,
            blanks, invisible characters or Unicode's form, ``"accents"`` also of those that differ
            in accents.  It gets the most frequent spelling, or that of ``taxonomy``.  By default
            such names are only listed.
        delimiter: That of CSV files, if it shall not be recognised, such as ``";"``.
        encoding: That of CSV and JSONL files, if it shall not be recognised, such as ``"cp1252"``.
        sheet: The name of the sheet of an Excel workbook; the first one by default.
    """

    path_ids: PathColumns | None
    language: str | None
    separator: str
    inner: str
    merge: Merge | None
    delimiter: str | None
    encoding: str | None
    sheet: str | None


@all_else_by_name(CATALOG_ADVICE)
@takes_keywords(CatalogKeywords, separator=">", inner="terminal")
def read_catalog(
    source: object,
    *,
    title: str = "title",
    path: PathColumns | None = UNNAMED_PATH,
    text: Sequence[str] = (),
    keep: Sequence[str] = (),
    taxonomy: Taxonomy | None = None,
    on_error: OnError = "raise",
    **rarer: Unpack[CatalogKeywords],
) -> Catalog:
    """Read titles and their categories.

    Args:
        source: A path, URI or glob of Parquet, CSV, TSV, JSONL (also with ``.gz``) or Excel files
            on any fsspec filesystem; a list of :class:`pathlib.Path`; a pandas or polars DataFrame;
            an Arrow table, reader or dataset; a mapping from column names to lists; rows as
            mappings; or titles.  Rows and titles may be in a list, a generator, an array or a
            column of pandas, polars or Arrow.
        title: The column with the product title.
        path: The column with the whole path (a list, or one text such as ``"A > B > C"``),
            or one column for each level, coarsest first; None if there are no categories, which is
            also read from a table without a column ``path`` if this argument is left out.
        text: Further text columns that are part of the model's input, such as brand.
        keep: Other columns to keep, such as a group or a time to split by.
        taxonomy: The tree that contains the categories; None to make it from the rows' paths.
        on_error: What to do with wrong rows (too many or too few fields, no title or one that is a
            list, text of more than 10,000 letters, invalid UTF-8, a float for an id of 16 digits,
            no or unknown category, a path that skips a level): ``"raise"`` raises an error;
            ``"aside"`` leaves them out and lists them in ``catalog.report``; ``"accept"`` lists
            them too, but keeps what is usable (a path ends at its last known node).
        **rarer: ``path_ids``, ``language``, ``separator``, ``inner``, ``merge``, ``delimiter``,
            ``encoding`` and ``sheet``; see :class:`~prodcat.catalog.reading.CatalogKeywords`.

    Returns:
        The catalog, whose ``report`` lists the wrong rows, and as ``warnings`` labels that are
        likely to be mistakes (:mod:`prodcat.catalog.label_warnings`).

    Raises:
        CatalogError: A column is missing, the source cannot be read or has no rows, an argument
            is wrong, rows are wrong and ``on_error`` is ``"raise"``, or few are in ``taxonomy``.
        TaxonomyError: The paths do not form a tree.
        TypeError: A keyword argument is unknown.
    """
    check_keywords(read_catalog, rarer)
    separator = rarer.get("separator", ">")
    _refuse_mistakes(on_error, separator, taxonomy)
    check_merge(rarer.get("merge"), rarer.get("path_ids"))
    titles, source = titles_or_rows(source)
    if titles is not None:  # without any columns
        _check_titles(titles, path)
        source, path = titles, None
    ids, language = rarer.get("path_ids"), rarer.get("language")
    requested = CatalogColumns(title, path, ids, language, text, keep, separator)
    labelling = Labelling(taxonomy, rarer.get("inner", "terminal"), on_error, rarer.get("merge"))
    file = ReadOptions(rarer.get("delimiter"), rarer.get("encoding"), rarer.get("sheet"))
    columns, unreadable, unlabelled = read_columns(source, requested, file)
    if unlabelled:
        requested, labelling = replace(requested, path=None), replace(labelling, taxonomy=None)
    return _assemble(columns, requested, labelling, unreadable, unlabelled)


def _refuse_mistakes(on_error: str, separator: str, taxonomy: Taxonomy | None) -> None:
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
    if not isinstance(taxonomy, Taxonomy | None):
        raise CatalogError(
            f"taxonomy= is {described(taxonomy)}; expected a Taxonomy. Read a file with "
            "prodcat.read_taxonomy, and make one from a table with Taxonomy.from_table."
        )


def _check_titles(titles: Sequence[object], path: PathColumns | None) -> None:
    """Refuse names of files as titles, and the name of a column, which a list of titles has not.

    Raises:
        CatalogError: The titles are names of files, or a column or the paths themselves are given.
    """
    refuse_file_names(titles, "source")
    if path is not None and path is not UNNAMED_PATH:
        raise CatalogError(
            f"path= is {described(path)}, but source has only titles; expected the name of a "
            f"column, in a table. {CATALOG_ADVICE}"
        )


def _assemble(
    columns: Columns,
    requested: CatalogColumns,
    labelling: Labelling,
    unreadable: Mapping[int, str],
    unlabelled: str,
) -> Catalog:
    """Make the catalog from the values of the columns.

    Args:
        columns: The values of each column, [rows], by its name.
        requested: The names of the columns.
        labelling: How rows get their labels, and what to do with wrong rows.
        unreadable: What is wrong with rows that could not be read from the source, by number.
        unlabelled: Why the rows have no categories; empty if that is what was asked for.

    Raises:
        CatalogError: Rows are wrong, and ``on_error`` is ``"raise"``.
    """
    rows = len(columns[requested.title])
    problems = RowProblems(columns)
    for row, detail in unreadable.items():
        problems.add(row, UNREADABLE, detail)
    titles = _read_titles(columns[requested.title], requested.title, problems)
    texts = {name: _further_texts(columns[name], name, problems) for name in requested.text}
    visible = _without_blank(titles, columns[requested.title], requested.title, problems)
    languages = None
    if requested.language is not None:
        languages = tuple(readable(cell_text(value)) for value in columns[requested.language])
    labels = label_rows(columns, requested, languages, labelling, problems)
    warnings = labels.warnings
    if unlabelled:
        warnings = (LabelWarning(UNLABELLED, unlabelled, tuple(range(rows))),)
    report = CatalogReport(rows, problems.by_row(), labelling.on_error, warnings)
    if report.problems and labelling.on_error == "raise":
        raise _refusal(report, problems)
    if report.warnings:
        is_asked = all(warning.reason == MERGED for warning in report.warnings)
        level = logging.INFO if is_asked else logging.WARNING
        logger.log(level, "Labels to look at:\n%s", "\n".join(report.warning_lines()))
    catalog = Catalog(
        titles=visible,
        taxonomy=labels.taxonomy,
        targets=labels.targets,
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


def _refusal(report: CatalogReport, problems: RowProblems) -> CatalogError:
    return CatalogError(
        f"{report.problems_text()}\nCorrect the rows, or read with on_error='aside' to leave "
        "them out or on_error='accept' to keep the usable part of them."
        + (_NAME_ENCODING if problems.rows(INVALID_UTF8) else "")
    )


def _read_titles(values: Sequence[object], column: str, problems: RowProblems) -> list[str]:
    """The titles as texts; lists and objects are reported, and empty."""
    texts = list(values)
    for row, value in enumerate(texts):
        if type(value) is not str and (kind := kind_of_many(value)):
            problems.add(row, NO_TEXT, f"{column} is {kind}, {value!r:.60}; expected a text")
            texts[row] = None
    return _clean_texts(texts, column, problems)


def _without_blank(
    titles: Sequence[str], values: Sequence[object], column: str, problems: RowProblems
) -> tuple[str, ...]:
    """The titles, of which those that show nothing are reported, and empty."""
    reported = problems.rows(NO_TEXT)
    blank = {row for row, title in enumerate(titles) if is_blank(title)}
    for row in sorted(blank - reported):
        problems.add(row, EMPTY_TITLE, f"{column}={values[row]!r}")
    return tuple("" if row in blank else title for row, title in enumerate(titles))


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
        if type(value) is not str and (fault := lost_digits(value, column)):
            problems.add(row, LOST_DIGITS, fault)
        cleaned.append(clean)
    return cleaned


def _further_texts(values: Iterable[object], column: str, problems: RowProblems) -> tuple[str, ...]:
    """The values as for :func:`_clean_texts`; those that show nothing are empty."""
    texts = _clean_texts(values, column, problems)
    return tuple("" if is_blank(text) else text for text in texts)
