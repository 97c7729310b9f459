"""Reads tables that are in memory, or that Arrow reads for its caller, piece by piece."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, cast

from prodcat.errors import CatalogError
from prodcat.storage.arrow_values import LazyColumn, arrow_values
from prodcat.storage.column_names import no_twins
from prodcat.storage.containers import (
    described,
    is_frame,
    is_missing,
    named_type,
    ordered_values,
)
from prodcat.storage.expanded import byte_slices

Columns = dict[str, list[Any]]


def table_pieces(source: object, batch_rows: int) -> Iterator[Columns] | None:
    """Read a table that is no file, piece by piece.

    Args:
        source: A mapping of columns; a DataFrame of pandas or polars; a table, batch, reader,
            dataset or scanner of Arrow; a structured array of NumPy; or anything with the stream
            interface of Arrow, such as a relation of DuckDB.
        batch_rows: The maximum number of rows in a piece.

    Returns:
        The pieces, or None if the source is something else.
    """
    if isinstance(source, Mapping):
        return _slices(_columns_of(source), batch_rows)
    if is_frame(source, "pandas"):
        return _pandas_pieces(source, batch_rows)
    if is_frame(source, "polars"):
        return _polars_pieces(source, batch_rows)
    package, _ = named_type(source)
    if package == "numpy":
        fields = getattr(getattr(source, "dtype", None), "names", None)
        array = cast(Any, source)
        if not fields or array.ndim != 1:
            return None
        return _slices(_columns_of({name: array[name] for name in fields}), batch_rows)
    if package in ("pandas", "polars"):
        return None
    batches = _arrow_batches(source, batch_rows)
    return None if batches is None else _arrow_pieces(batches, batch_rows)


def arrow_columns(batch: Any) -> Columns:
    """The values of an Arrow table or batch by column, each converted when it is read.

    Raises:
        CatalogError: Two columns have the same name.
    """
    names = batch.schema.names
    no_twins(names, "The table")
    columns = zip(names, batch.columns, strict=True)
    return cast(Columns, {name: LazyColumn(name, column, arrow_values) for name, column in columns})


def _columns_of(source: Mapping[Any, Any]) -> Columns:
    """The values of each column of a mapping.

    Raises:
        CatalogError: A value is no list of values, or the lists have different lengths.
    """
    columns: Columns = {}
    for name, given in source.items():
        values = ordered_values(given)
        if values is None and named_type(given)[0] == "numpy" and getattr(given, "ndim", 0) > 1:
            values = iter(given)  # a path in each row
        if values is None:
            raise CatalogError(
                f"{name!r} of a mapping of columns is {described(given)}; expected a list with a "
                "value for each row. Put a single row into a list: [{...}]."
            )
        columns[str(name)] = list(values)
    lengths = {name: len(values) for name, values in columns.items()}
    if len(set(lengths.values())) > 1:
        raise CatalogError(f"The columns have different lengths: {lengths}; expected equal ones.")
    return columns


def _slices(columns: Columns, batch_rows: int) -> Iterator[Columns]:
    rows = len(next(iter(columns.values()), []))
    for start in range(0, rows, batch_rows):
        yield {name: values[start : start + batch_rows] for name, values in columns.items()}


def _pandas_pieces(frame: Any, batch_rows: int) -> Iterator[Columns]:
    names = [str(name) for name in frame.columns]
    no_twins(names, "The DataFrame")
    for start in range(0, len(frame), batch_rows):
        part = frame.iloc[start : start + batch_rows]
        columns = {n: LazyColumn(n, part.iloc[:, i], _pandas_values) for i, n in enumerate(names)}
        yield cast(Columns, columns)


def _pandas_values(column: Any) -> list[Any]:
    return [None if is_missing(value) else value for value in column.tolist()]


def _polars_pieces(frame: Any, batch_rows: int) -> Iterator[Columns]:
    frame = frame.collect() if hasattr(frame, "collect") else frame
    for start in range(0, frame.height, batch_rows):
        part = frame.slice(start, batch_rows)
        columns = {s.name: LazyColumn(s.name, s, _polars_values) for s in part.get_columns()}
        yield cast(Columns, columns)


def _polars_values(column: Any) -> list[Any]:
    return list(column.to_list())


def _arrow_batches(source: Any, batch_rows: int) -> Iterable[Any] | None:
    """The record batches of something that Arrow reads, or None if this is something else."""
    package, names = named_type(source)
    if package != "pyarrow":
        return _streamed(source) if hasattr(source, "__arrow_c_stream__") else None
    if "RecordBatch" in names:
        return [source]
    if "RecordBatchReader" in names:
        return cast(Iterable[Any], source)
    if "Dataset" in names:
        return cast(Iterable[Any], source.to_batches(batch_size=batch_rows))
    if "ParquetFile" in names:
        return cast(Iterable[Any], source.iter_batches(batch_rows))
    return None if names.isdisjoint(("Table", "Scanner")) else source.to_batches()


def _streamed(source: Any) -> Iterable[Any] | None:
    """The record batches of a stream of Arrow, or None if it has values of one column."""
    import pyarrow as pa

    try:
        return cast(Iterable[Any], pa.RecordBatchReader.from_stream(source))
    except (pa.ArrowException, TypeError):
        return None


def _arrow_pieces(batches: Iterable[Any], batch_rows: int) -> Iterator[Columns]:
    for batch in batches:
        for start in range(0, len(batch), batch_rows):
            yield from map(arrow_columns, byte_slices(batch.slice(start, batch_rows)))
