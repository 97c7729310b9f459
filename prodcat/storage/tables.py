"""Reads tables from files at any fsspec URI, data frames and lists, in bounded memory.

If a text is not valid UTF-8, its invalid bytes become lone surrogates (Python's
``surrogateescape``), so that the caller can report the row.
"""

import csv
import io
import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from prodcat.errors import CatalogError, StoreError
from prodcat.storage import reading_notes
from prodcat.storage.arrow_values import arrow_values as arrow_values
from prodcat.storage.bounded_lines import BoundedLines
from prodcat.storage.column_names import MOST_COLUMNS, no_twins, unique_names
from prodcat.storage.containers import described, ordered_values, path_text, text_advice
from prodcat.storage.containers import is_missing as is_missing
from prodcat.storage.csv_dialects import SAMPLE, recognised_dialect
from prodcat.storage.csv_marks import kept_quotes
from prodcat.storage.csv_rows import CsvRows
from prodcat.storage.faults import store_faults
from prodcat.storage.folder_columns import folder_columns, with_folder
from prodcat.storage.json_records import json_records
from prodcat.storage.memory_tables import Columns as Columns
from prodcat.storage.memory_tables import arrow_columns, table_pieces
from prodcat.storage.parquet_tables import ParquetTables
from prodcat.storage.read_options import DEFAULTS, ReadOptions
from prodcat.storage.table_files import (
    Files,
    check_once,
    compression_of,
    connect,
    delimiter_of,
    expand,
    file_size,
    table_format,
    uris_of,
)
from prodcat.storage.text_decoding import DecodedText
from prodcat.storage.workbook_tables import sheet_pieces

MOST_LETTERS = 10_000  # in a title or another text that a model reads
_MOST_HEADER = 4_000_000  # letters in the header of a CSV file


def iter_tables(
    source: object,
    batch_rows: int = 8_192,
    progress: Callable[[int], None] | None = None,
    options: ReadOptions = DEFAULTS,
    report: Callable[[int, str], None] | None = None,
    needed: Collection[str] = (),
) -> Iterator[Columns]:
    """Read a table piece by piece.

    Args:
        source: A path, URI or glob of Parquet, CSV, TSV, JSONL or Excel files (text files also
            with ``.gz``) on any fsspec filesystem; several of them as :class:`~.table_files.Files`
            or as a list of :class:`pathlib.Path`; a table in memory, see
            :func:`prodcat.storage.memory_tables.table_pieces`; or titles, or rows as mappings, in
            a list or in another container that keeps an order.
        batch_rows: The maximum number of rows in a piece.
        progress: A function that is called before each piece of a text file with the number of
            bytes read from the file so far (compressed bytes if the file is compressed).
        options: What is known of a text file; the delimiter, the encoding and the header are
            recognised otherwise, in each file by itself.
        report: Called with the number of each wrong row of a text file, counted from 0 over all
            files, and what is wrong with it: it has too many or too few fields, or is not valid
            CSV or JSON.  Its fields are kept as far as they are known.  If None, such a row raises
            an error.
        needed: Columns that each of several files must have if one of them has it.  Files may
            differ in other columns.

    Yields:
        The values of each column by the column's name, all of the same length.  Rows are in the
        order of the source, and files in the order of their names.  Names of folders such as
        ``country=tr`` give a column to their files.  If a record lacks a key, its value is None.

    Raises:
        CatalogError: The source has an unsupported type, or a file is missing, damaged or
            inconsistent with the others.
        StoreError: The store of a file cannot be reached.
    """
    files = _files_of(source)
    if files is not None:
        yield from _read_files(files, batch_rows, progress, options, report, needed)
    elif (pieces := memory_pieces(source, batch_rows)) is not None:
        yield from pieces
    else:
        raise CatalogError(
            f"Found {described(source)}; expected a path or URI, a pandas or polars DataFrame, an "
            "Arrow table, reader or dataset, a list of titles, a list of mappings, or a mapping "
            "from column names to lists."
        )


def memory_pieces(source: object, batch_rows: int = 8_192) -> Iterator[Columns] | None:
    """Read a table piece by piece that is no file, as for :func:`iter_tables`.

    Returns:
        The pieces, or None if the source is no table, nor titles or rows that keep an order.
    """
    pieces = table_pieces(source, batch_rows)
    if pieces is None and (records := ordered_values(source)) is not None:
        return _record_batches(records, batch_rows)
    return pieces


def _files_of(source: object) -> str | Files | None:
    """The paths or URIs that a source names; None if it is no text, path or list of paths.

    Texts in a list are titles, which name no files whatever they look like.
    """
    if isinstance(source, (str, Files)):
        return source
    if isinstance(source, os.PathLike):
        return str(os.fspath(source))
    if isinstance(source, (list, tuple)) and source:
        paths = [os.fspath(path) for path in source if isinstance(path, os.PathLike)]
        return Files(tuple(paths)) if len(paths) == len(source) else None
    return None


def given_files(given: object, name: str) -> str | Files:
    """The files that a caller names where nothing but files is expected.

    Args:
        given: A path or URI, or a list of them.
        name: The name of the argument, with which the message begins.

    Raises:
        CatalogError: It is something else, such as a table in memory.
    """
    expected = (
        "the path or URI of a file, a folder or a glob, or a list of them. Answer a table in "
        "memory with classifier.predict(table)"
    )
    if isinstance(given, Files):
        return given
    if isinstance(given, (list, tuple)) and given:
        paths = [path_text(each, f"An entry of {name}", expected, CatalogError) for each in given]
        return Files(tuple(paths))
    return path_text(given, name, expected, CatalogError)


def _read_files(
    source: str | Files,
    batch_rows: int,
    progress: Callable[[int], None] | None,
    options: ReadOptions,
    report: Callable[[int, str], None] | None,
    needed: Collection[str],
) -> Iterator[Columns]:
    """Read all files; those without any byte have no rows."""
    files = check_once([file for uri in uris_of(source) for file in expand(uri)])
    first_with: dict[tuple[str, bool], str] = {}  # by column, and whether the file has it
    rows = 0  # in the files before

    def report_row(row: int, detail: str) -> None:
        if report is None:
            raise CatalogError(detail)
        report(rows + row, detail)

    for name, folder in zip(files, folder_columns(source, files), strict=True):
        size = 0
        kind = table_format(name)
        if len(files) > 1 and kind in ("csv", "jsonl") and file_size(name) == 0:
            continue
        for piece in _read_file(name, batch_rows, progress, options, report_row):
            columns = with_folder(piece, folder, name, options.names)
            # A record of JSONL may lack any key.
            for column in needed if kind != "jsonl" and not size else ():
                first_with.setdefault((column, column in columns), name)
                _check_all_have(column, first_with)
            size += len(next(iter(columns.values()), []))
            yield columns
        rows += size


def _check_all_have(column: str, first_with: Mapping[tuple[str, bool], str]) -> None:
    """Check that a column is in all files or in none; see :func:`_read_files`."""
    if {(column, True), (column, False)} <= first_with.keys():
        raise CatalogError(
            f"{first_with[column, False]!r} has no column {column!r}, which "
            f"{first_with[column, True]!r} has; expected it in all files. Rename the column, or "
            "leave the file out."
        )


def _read_file(
    uri: str,
    batch_rows: int,
    progress: Callable[[int], None] | None,
    options: ReadOptions,
    report: Callable[[int, str], None],
) -> Iterator[Columns]:
    kind = table_format(uri)
    try:
        with store_faults(uri):
            if kind == "parquet":
                yield from _parquet_pieces(uri, batch_rows)
            elif kind == "xlsx":
                for piece in sheet_pieces(uri, batch_rows, options):
                    if progress is not None:
                        progress(file_size(uri))
                    yield piece
            else:
                yield from _text_pieces(uri, kind, batch_rows, progress, options, report)
    except (CatalogError, StoreError):
        raise
    except (OSError, EOFError, ValueError, csv.Error, NotImplementedError) as error:
        raise CatalogError(f"Cannot read {uri!r} as {kind}: {error}.") from error
    except MemoryError as error:
        raise CatalogError(
            f"Cannot read {uri!r} as {kind}: there is not enough memory for its rows. Leave out "
            "columns with large values, or give the process more memory."
        ) from error


def _parquet_pieces(uri: str, batch_rows: int) -> Iterator[Columns]:
    filesystem, path = connect(uri)
    with filesystem.open(path, "rb") as file:
        for table in ParquetTables(file, uri).tables(batch_rows):
            yield arrow_columns(table)


def _text_pieces(
    uri: str,
    kind: str,
    batch_rows: int,
    progress: Callable[[int], None] | None,
    options: ReadOptions,
    report: Callable[[int, str], None],
) -> Iterator[Columns]:
    """Read a CSV or JSONL file."""
    from fsspec.core import OpenFile

    filesystem, path = connect(uri)
    opened = OpenFile(filesystem, path, "rb", compression=compression_of(path))
    with opened as file:
        text = DecodedText(file, uri, options.encoding)
        pieces = (
            _csv_pieces(text, uri, batch_rows, options, report)
            if kind == "csv"
            else _json_pieces(text, uri, batch_rows, report)
        )
        for piece in pieces:
            if text.encoding is not None and options.encoding is None:
                reading_notes.tell_encoding(uri, text.encoding)
            if progress is not None:
                progress(opened.fobjects[0].tell())
            yield piece


def _csv_pieces(
    text: DecodedText,
    uri: str,
    batch_rows: int,
    options: ReadOptions,
    report: Callable[[int, str], None],
) -> Iterator[Columns]:
    lines, usual = BoundedLines(text, uri), delimiter_of(uri)
    size = SAMPLE
    while len(sample := text.peek(size + 1)) > size and not _has_lines(sample[:size]):
        if size > _MOST_HEADER:
            for _ in lines:  # which refuses a line that is too long
                raise CatalogError(
                    f"{uri!r}, line 1: the header has more than {_MOST_HEADER:,} letters."
                )
        size *= 4
    dialect = recognised_dialect(
        sample[:size], usual, options.delimiter, options.names, is_whole=len(sample) <= size
    )
    if dialect is None:
        raise CatalogError(_no_header(uri, sample))
    names = unique_names(dialect.header, options.names, repr(uri))
    reading_notes.tell_dialect(uri, dialect, options.delimiter or usual)
    if dialect.quote == '"' and (quote := kept_quotes(sample[:size])):
        reading_notes.tell_quotes(uri, quote)
    reading_notes.tell_names(uri, dialect.header, names)
    reading_notes.tell_exponents(uri, sample, dialect.delimiter)
    if dialect.keeps_feeds:
        text.keep_feeds()
    rows = CsvRows(lines, dialect, uri, report, names)
    yield from rows.pieces(batch_rows)
    if rows.below:
        reading_notes.tell_below(uri, rows.below)
    if rows.empty:
        reading_notes.tell_empty(uri, rows.empty)
    if rows.rules:
        reading_notes.tell_rules(uri, rows.rules)


def _no_header(uri: str, sample: str) -> str:
    """What is wrong with a file whose first characters have no valid row."""
    expected = "expected a header line with the column names"
    if not sample.strip():
        return f"{uri!r} is empty; {expected}."
    return (
        f"{uri!r} begins with {sample.strip()[:40]!r}; {expected}, such as sku,title. Double the "
        "quotes inside a field, and close every quote."
    )


def _has_lines(sample: str) -> bool:
    """Whether the first characters of a file have the end of a line."""
    return "\n" in sample or "\r" in sample


def _json_pieces(
    text: DecodedText, uri: str, batch_rows: int, report: Callable[[int, str], None]
) -> Iterator[Columns]:
    lines = BoundedLines(text, uri)
    return _record_batches(json_records(lines, uri, report), batch_rows, lines)


def _record_batches(
    records: Iterable[Any], batch_rows: int, lines: BoundedLines | None = None
) -> Iterator[Columns]:
    """Yield columns made from records; each piece has all column names seen so far.

    Args:
        records: Mappings, or titles as strings; a missing value is a missing title.
        batch_rows: The maximum number of rows in a piece.
        lines: The lines of the file from which the records are read; None if there is no file.
    """
    names: dict[str, None] = {}
    batch: list[Mapping[str, Any]] = []
    for number, record in enumerate(records, 1):
        if isinstance(record, str) or is_missing(record):
            record = {"title": record}
        elif not isinstance(record, Mapping):
            raise CatalogError(
                f"Row {number:,} is {described(record)}; expected a mapping from column names to "
                f"values, or a title. {text_advice(record)}"
            )
        batch.append(record)
        names.update(dict.fromkeys(record))
        if len(names) > MOST_COLUMNS:
            no_twins(list(names), "The source")
        if len(batch) == batch_rows or (lines and lines.are_many(len(batch) * len(names))):
            if not names:
                raise CatalogError(
                    f"The first {len(batch):,} rows have no fields; expected at least a title."
                )
            yield _columns(batch, names)
            batch = []
            if lines:
                lines.end_batch()
    if batch:
        yield _columns(batch, names)


def _columns(records: Sequence[Mapping[str, Any]], names: Mapping[str, None]) -> Columns:
    return {str(name): [record.get(name) for record in records] for name in names}


def parquet_bytes(table: Any) -> bytes:
    """Encode an Arrow table as a Parquet file."""
    import pyarrow.parquet as pq

    out = io.BytesIO()
    pq.write_table(table, out)
    return out.getvalue()
