"""Reading of tables from files at any fsspec URI, data frames and lists, in bounded memory.

In a text that is not valid UTF-8 the invalid bytes become lone surrogates (Python's
``surrogateescape``), so that the caller can report the row.
"""

import csv
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import PurePath
from typing import Any, cast

from prodcat.errors import CatalogError, StoreError
from prodcat.storage.faults import store_faults
from prodcat.storage.table_files import compression_of, delimiter_of, expand, table_format

Columns = dict[str, list[Any]]


def iter_tables(
    source: object, batch_rows: int = 8_192, progress: Callable[[int], None] | None = None
) -> Iterator[Columns]:
    """Read a table piece by piece.

    Args:
        source: A URI or glob of Parquet, CSV, TSV or JSONL files (``.gz`` too) on any
            fsspec filesystem; a pandas or polars DataFrame; an Arrow table; a list of
            mappings; or a mapping of columns.
        batch_rows: The most rows in a piece.
        progress: Called before each piece of a text file with the number of bytes that have
            been read from the file so far, compressed bytes if the file is compressed.

    Yields:
        Columns by name, all of one length; rows in the order of the source, files in the
        order of their names.  The value of a key that a record lacks is None.

    Raises:
        CatalogError: The source is of an unknown kind, or a file cannot be read.
    """
    if isinstance(source, PurePath):
        source = str(source)
    if isinstance(source, str):
        yield from _read_files(source, batch_rows, progress)
    elif isinstance(source, Mapping):
        columns = _checked_lengths({str(k): list(v) for k, v in source.items()})
        yield from _slices(columns, batch_rows)
    elif hasattr(source, "to_batches"):
        for batch in cast(Any, source).to_batches(max_chunksize=batch_rows):
            yield _arrow_columns(batch)
    elif _is_frame(source, "pandas"):
        frame = cast(Any, source)
        names = [str(name) for name in frame.columns]
        no_twins(names, "The DataFrame")
        for start in range(0, len(frame), batch_rows):
            part = frame.iloc[start : start + batch_rows]
            yield {
                name: [None if is_missing(value) else value for value in part.iloc[:, i].tolist()]
                for i, name in enumerate(names)
            }
    elif _is_frame(source, "polars"):
        frame = cast(Any, source)
        frame = frame.collect() if hasattr(frame, "collect") else frame
        for start in range(0, frame.height, batch_rows):
            yield dict(frame.slice(start, batch_rows).to_dict(as_series=False))
    elif isinstance(source, Iterable):
        yield from _record_batches(source, batch_rows)
    else:
        raise CatalogError(
            f"Found a {type(source).__name__}; expected a URI, a pandas or polars DataFrame, an "
            "Arrow table, a list of mappings or a mapping of columns."
        )


def is_missing(value: object) -> bool:
    """Whether a value stands for a missing one: None, NaN, and NA and NaT of pandas.

    >>> is_missing(None), is_missing(float("nan")), is_missing("")
    (True, True, False)
    """
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(value, float) and value != value


def _read_files(
    uri: str, batch_rows: int, progress: Callable[[int], None] | None
) -> Iterator[Columns]:
    """Read all files of a glob; all but JSONL files must have the columns of the first."""
    files = expand(uri)
    first: set[str] | None = None
    for name in files:
        for piece in _read_file(name, batch_rows, progress):
            if first is None:
                first = set(piece)
            missing = sorted(first - set(piece)) if table_format(name) != "jsonl" else []
            if missing:
                raise CatalogError(
                    f"{name!r} has no column {missing[0]!r}, which {files[0]!r} has; expected the "
                    "same columns in all files of a glob."
                )
            yield piece


def _read_file(
    uri: str, batch_rows: int, progress: Callable[[int], None] | None
) -> Iterator[Columns]:
    kind = table_format(uri)
    try:
        with store_faults(uri):
            yield from _pieces(uri, kind, batch_rows, progress)
    except (CatalogError, StoreError):
        raise
    except (OSError, EOFError, ValueError, csv.Error) as error:
        raise CatalogError(f"Cannot read {uri!r} as {kind}: {error}.") from error


def _pieces(
    uri: str, kind: str, batch_rows: int, progress: Callable[[int], None] | None
) -> Iterator[Columns]:
    import fsspec
    from fsspec.core import OpenFile

    filesystem, path = fsspec.url_to_fs(uri)
    if kind == "parquet":
        import pyarrow.parquet

        with filesystem.open(path, "rb") as file:
            for batch in pyarrow.parquet.ParquetFile(file).iter_batches(batch_rows):
                yield _arrow_columns(batch)
        return
    text = OpenFile(
        filesystem,
        path,
        "rt",
        compression=compression_of(path),
        encoding="utf-8-sig",
        errors="surrogateescape",
        newline="" if kind == "csv" else None,
    )
    with text as file:
        pieces = (
            _csv_batches(file, delimiter_of(uri), uri, batch_rows)
            if kind == "csv"
            else _record_batches(_json_records(file, uri), batch_rows)
        )
        for piece in pieces:
            if progress is not None:
                progress(text.fobjects[0].tell())
            yield piece


def _csv_batches(
    file: Iterable[str], delimiter: str, uri: str, batch_rows: int
) -> Iterator[Columns]:
    csv.field_size_limit(min(sys.maxsize, 2**31 - 1))
    reader = csv.reader(file, delimiter=delimiter, strict=True)
    header = next(reader, None)
    if header is None:
        raise CatalogError(f"{uri!r} is empty; expected a header line with the columns' names.")
    no_twins(header, repr(uri))
    rows: list[list[str]] = []
    for row in reader:
        if not row:
            continue
        if len(row) != len(header):
            raise CatalogError(
                f"{uri!r}, line {reader.line_num}: found {len(row)} fields, expected "
                f"{len(header)} as in the header. Quote fields that hold a {delimiter!r}."
            )
        rows.append(row)
        if len(rows) == batch_rows:
            yield dict(zip(header, map(list, zip(*rows, strict=True)), strict=True))
            rows = []
    columns = map(list, zip(*rows, strict=True)) if rows else ([] for _ in header)
    yield dict(zip(header, columns, strict=True))


def _json_records(file: Iterable[str], uri: str) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(file):
        if line.isspace() or not line:
            continue
        try:
            record = json.loads(line)
        except json.JSONDecodeError as error:
            raise CatalogError(f"{uri!r}, line {number + 1} is not valid JSON: {error}.") from error
        if not isinstance(record, dict):
            raise CatalogError(
                f"{uri!r}, line {number + 1} is {line[:40]!r}; expected a JSON object."
            )
        yield record


def _record_batches(records: Iterable[Any], batch_rows: int) -> Iterator[Columns]:
    """Turn mappings, or titles alone, into columns; each piece has all names seen so far."""
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
        if len(batch) == batch_rows:
            yield _columns(batch, names)
            batch = []
    if batch:
        yield _columns(batch, names)


def _columns(records: Sequence[Mapping[str, Any]], names: dict[str, None]) -> Columns:
    names.update(dict.fromkeys(name for record in records for name in record))
    return {str(name): [record.get(name) for record in records] for name in names}


def _arrow_columns(batch: Any) -> Columns:
    no_twins(batch.schema.names, "The table")
    names = batch.schema.names
    return {name: arrow_values(column) for name, column in zip(names, batch.columns, strict=True)}


def arrow_values(column: Any) -> list[Any]:
    """The values of an Arrow column as Python objects, invalid bytes as lone surrogates."""
    import pyarrow as pa

    try:
        return list(column.to_pylist())
    except UnicodeDecodeError:
        raw = column.cast(pa.binary()).to_pylist()
        return [None if text is None else text.decode("utf-8", "surrogateescape") for text in raw]


def _slices(columns: Columns, batch_rows: int) -> Iterator[Columns]:
    rows = len(next(iter(columns.values()), []))
    for start in range(0, rows, batch_rows):
        yield {name: values[start : start + batch_rows] for name, values in columns.items()}


def _checked_lengths(columns: Columns) -> Columns:
    lengths = {name: len(values) for name, values in columns.items()}
    if len(set(lengths.values())) > 1:
        raise CatalogError(f"Found columns of different lengths: {lengths}; expected one length.")
    return columns


def no_twins(names: Sequence[str], where: str) -> None:
    """Refuse a table with two columns of the same name.

    Args:
        names: The names of the columns.
        where: What the table is, for the message.

    Raises:
        CatalogError: Two columns have the same name.
    """
    if len(set(names)) < len(names):
        twice = sorted({name for name in names if names.count(name) > 1})
        raise CatalogError(f"{where} has two columns named {twice[0]!r}; give each its own name.")


def _is_frame(source: object, package: str) -> bool:
    kind = type(source)
    frames = ("DataFrame", "LazyFrame")
    return kind.__module__.split(".")[0] == package and kind.__name__ in frames
