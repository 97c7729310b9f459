"""Reads tables from files at any fsspec URI, data frames and lists, in bounded memory.

If a text is not valid UTF-8, its invalid bytes become lone surrogates (Python's
``surrogateescape``), so that the caller can report the row.
"""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import PurePath
from typing import Any, cast

from prodcat.errors import CatalogError, StoreError
from prodcat.storage import reading_notes
from prodcat.storage.bounded_lines import BoundedLines
from prodcat.storage.column_names import MOST_COLUMNS, no_twins
from prodcat.storage.csv_dialects import SAMPLE, recognised_dialect
from prodcat.storage.csv_rows import CsvRows
from prodcat.storage.expanded import byte_slices
from prodcat.storage.faults import store_faults
from prodcat.storage.json_records import json_records
from prodcat.storage.parquet_tables import ParquetTables
from prodcat.storage.read_options import DEFAULTS, ReadOptions
from prodcat.storage.spreadsheets import sheet_pieces
from prodcat.storage.table_files import (
    compression_of,
    connect,
    delimiter_of,
    expand,
    file_size,
    table_format,
)
from prodcat.storage.text_decoding import DecodedText

Columns = dict[str, list[Any]]

MOST_LETTERS = 10_000  # in a title or another text that a model reads
_MOST_HEADER = 4_000_000  # letters in the header of a CSV file


def iter_tables(
    source: object,
    batch_rows: int = 8_192,
    progress: Callable[[int], None] | None = None,
    options: ReadOptions = DEFAULTS,
    report: Callable[[int, str], None] | None = None,
) -> Iterator[Columns]:
    """Read a table piece by piece.

    Args:
        source: A URI or glob of Parquet, CSV, TSV, JSONL or Excel files (text files also with
            ``.gz``) on any fsspec filesystem; a pandas or polars DataFrame; an Arrow table; a
            list of mappings; or a mapping of columns.
        batch_rows: The maximum number of rows in a piece.
        progress: A function that is called before each piece of a text file with the number of
            bytes read from the file so far (compressed bytes if the file is compressed).
        options: What is known of a text file; the delimiter, the encoding and the header are
            recognised otherwise, in each file by itself.
        report: Called with the number of each wrong row of a text file, counted from 0 over all
            files, and what is wrong with it: it has too many or too few fields, or is not valid
            CSV or JSON.  Its fields are kept as far as they are known.  If None, such a row raises
            an error.

    Yields:
        The values of each column by the column's name, all of the same length.  Rows are in the
        order of the source, and files in the order of their names.  If a record lacks a key, its
        value is None.

    Raises:
        CatalogError: The source has an unsupported type, or a file is missing, damaged or
            inconsistent with the others.
        StoreError: The store of a file cannot be reached.
    """
    if isinstance(source, PurePath):
        source = str(source)
    if isinstance(source, str):
        yield from _read_files(source, batch_rows, progress, options, report)
    elif isinstance(source, Mapping):
        columns = _checked_lengths({str(k): list(v) for k, v in source.items()})
        yield from _slices(columns, batch_rows)
    elif hasattr(source, "to_batches"):
        for batch in cast(Any, source).to_batches(max_chunksize=batch_rows):
            yield from map(_arrow_columns, byte_slices(batch))
    elif _is_frame(source, "pandas"):
        yield from _pandas_pieces(source, batch_rows)
    elif _is_frame(source, "polars"):
        frame = cast(Any, source)
        frame = frame.collect() if hasattr(frame, "collect") else frame
        for start in range(0, frame.height, batch_rows):
            yield dict(frame.slice(start, batch_rows).to_dict(as_series=False))
    elif isinstance(source, Iterable):
        yield from _record_batches(source, batch_rows)
    else:
        raise CatalogError(
            f"Found a {type(source).__name__}; expected a URI, a pandas or polars "
            "DataFrame, an Arrow table, a list of mappings or a mapping of columns."
        )


def is_missing(value: object) -> bool:
    """Whether a value means "missing": None, NaN, or pandas' NA or NaT.

    >>> is_missing(None), is_missing(float("nan")), is_missing("")
    (True, True, False)
    """
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(value, float) and value != value


def _pandas_pieces(frame: Any, batch_rows: int) -> Iterator[Columns]:
    names = [str(name) for name in frame.columns]
    no_twins(names, "The DataFrame")
    for start in range(0, len(frame), batch_rows):
        part = frame.iloc[start : start + batch_rows]
        yield {
            name: [None if is_missing(value) else value for value in part.iloc[:, i].tolist()]
            for i, name in enumerate(names)
        }


def _read_files(
    uri: str,
    batch_rows: int,
    progress: Callable[[int], None] | None,
    options: ReadOptions,
    report: Callable[[int, str], None] | None,
) -> Iterator[Columns]:
    """Read all files of a glob; all files but JSONL must have the columns of the first file."""
    files = expand(uri)
    first: set[str] | None = None
    rows = 0  # in the files before

    def report_row(row: int, detail: str) -> None:
        if report is None:
            raise CatalogError(detail)
        report(rows + row, detail)

    for name in files:
        size = 0
        for piece in _read_file(name, batch_rows, progress, options, report_row):
            if first is None:
                first = set(piece)
            missing = sorted(first - set(piece)) if table_format(name) != "jsonl" else []
            if missing:
                raise CatalogError(
                    f"{name!r} has no column {missing[0]!r}, which {files[0]!r} has; expected the "
                    "same columns in all files of a glob."
                )
            size += len(next(iter(piece.values()), []))
            yield piece
        rows += size


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
            yield _arrow_columns(table)


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
        raise CatalogError(f"{uri!r} is empty; expected a header line with the column names.")
    no_twins(dialect.header, repr(uri))
    reading_notes.tell_dialect(uri, dialect, options.delimiter or usual)
    rows = CsvRows(lines, dialect, uri, report)
    yield from rows.pieces(batch_rows)
    if rows.below:
        reading_notes.tell_below(uri, rows.below)


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
        records: Mappings, or titles as strings.
        batch_rows: The maximum number of rows in a piece.
        lines: The lines of the file from which the records are read; None if there is no file.
    """
    names: dict[str, None] = {}
    batch: list[Mapping[str, Any]] = []
    for number, record in enumerate(records):
        if isinstance(record, str):
            record = {"title": record}
        elif not isinstance(record, Mapping):
            raise CatalogError(
                f"Row {number} is a {type(record).__name__}; expected a mapping or a title."
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


def _arrow_columns(batch: Any) -> Columns:
    no_twins(batch.schema.names, "The table")
    names = batch.schema.names
    return {name: arrow_values(column) for name, column in zip(names, batch.columns, strict=True)}


def arrow_values(column: Any) -> list[Any]:
    """The values of an Arrow column as Python objects; invalid UTF-8 becomes lone surrogates."""
    import pyarrow as pa

    try:
        return list(column.to_pylist())
    except UnicodeDecodeError:
        raw = column.cast(pa.binary()).to_pylist()
        return [None if text is None else text.decode("utf-8", "surrogateescape") for text in raw]


def parquet_bytes(table: Any) -> bytes:
    """Encode an Arrow table as a Parquet file."""
    import pyarrow.parquet as pq

    out = io.BytesIO()
    pq.write_table(table, out)
    return out.getvalue()


def _slices(columns: Columns, batch_rows: int) -> Iterator[Columns]:
    rows = len(next(iter(columns.values()), []))
    for start in range(0, rows, batch_rows):
        yield {name: values[start : start + batch_rows] for name, values in columns.items()}


def _checked_lengths(columns: Columns) -> Columns:
    lengths = {name: len(values) for name, values in columns.items()}
    if len(set(lengths.values())) > 1:
        raise CatalogError(f"The columns have different lengths: {lengths}; expected equal ones.")
    return columns


def _is_frame(source: object, package: str) -> bool:
    kind = type(source)
    frames = ("DataFrame", "LazyFrame")
    return kind.__module__.split(".")[0] == package and kind.__name__ in frames
