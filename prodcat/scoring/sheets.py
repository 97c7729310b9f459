"""Answers as a sheet of Excel: checks that they fit, before and while titles are answered.

The parts of such an output are Parquet files with the cells of the sheet; they become a sheet when
they are joined.  What Excel has no type for becomes text as in CSV, and so do dates before 1900-03,
times with fractions of a second, and integers of more than 15 digits.
"""

import sys
from collections.abc import Iterator, Sequence
from typing import Any

from prodcat.classifier.results import text_column
from prodcat.scoring.parts import is_empty, located, opened_parquet
from prodcat.storage.faults import store_faults
from prodcat.storage.read_options import DEFAULTS, ReadOptions
from prodcat.storage.spreadsheets import check_size, check_text, fits_sheet, writing_package
from prodcat.storage.table_files import compression_of, table_format
from prodcat.storage.tables import iter_tables

_BLOCK = 1 << 20
_LEFT_OUT = "predicted_names"  # as in CSV


def check_sheet(files: Sequence[str], reading: ReadOptions) -> None:
    """Check that the rows of an input fit into a sheet, and that a sheet can be written.

    Args:
        files: The URIs of the files of the input.
        reading: How text files and workbooks are read.

    Raises:
        CatalogError: A file cannot be read.
        ConfigError: There are too many rows, or the package that writes workbooks is not installed.
        StoreError: The store cannot be reached.
    """
    writing_package()
    # Lines are counted first, which is faster: a row has at least one.
    if fits_sheet(sum(_line_count(file) for file in files)):
        return
    rows = 0
    for file in files:
        for size in _row_counts(file, reading):
            rows += size
            check_size(rows, 0)


def _line_count(file: str) -> int:
    """A number that is at least that of the rows of a file."""
    kind = table_format(file)
    if kind not in ("csv", "jsonl"):
        return sum(_row_counts(file, DEFAULTS))
    filesystem, path = located(file)
    packing = compression_of(path)
    lines = 1
    try:
        with store_faults(file), filesystem.open(path, "rb", compression=packing) as raw:
            while block := raw.read(_BLOCK):
                lines += block.count(b"\n") + block.count(b"\r")
    except (OSError, EOFError):  # what is wrong is told when the rows are read
        return sys.maxsize
    return lines


def _row_counts(file: str, reading: ReadOptions) -> Iterator[int]:
    """The numbers of rows in the pieces of a file."""
    if table_format(file) == "parquet":
        with opened_parquet(file) as tables:
            yield tables.metadata.num_rows
    elif not is_empty(file):
        for columns in iter_tables(file, options=reading, report=lambda row, reason: None):
            yield len(next(iter(columns.values()), ()))


def sheet_cells(table: Any, source: str, first: int) -> Any:
    """The table that a sheet shows of some rows.

    Args:
        table: An Arrow table with the rows and their answers.
        source: The name of the file of the rows, for the error message.
        first: The number of rows before them in their file.

    Returns:
        An Arrow table whose columns are texts, numbers, booleans, dates and times without zones.

    Raises:
        ConfigError: There are too many columns, or a text is too long for a cell.
    """
    import pyarrow as pa

    names = [name for name in table.schema.names if name != _LEFT_OUT]
    check_size(0, len(names))
    columns = [_cells(name, table[name]) for name in names]
    for name, column in zip(names, columns, strict=True):
        if pa.types.is_string(column.type):
            _check_texts(column, source, first, name)
    return pa.table(columns, names)


def _cells(name: str, column: Any) -> Any:
    """A column of which each value fits the type of a cell."""
    import pyarrow as pa
    import pyarrow.types as kinds

    kind = column.type
    if kinds.is_dictionary(kind) and not kinds.is_nested(kind.value_type):
        return _cells(name, column.cast(kind.value_type))
    if kinds.is_boolean(kind) or kinds.is_integer(kind) or kinds.is_decimal(kind):
        return column
    if kinds.is_floating(kind):
        return column.cast(pa.float64())
    if kinds.is_date(kind) or (kinds.is_timestamp(kind) and kind.tz is None):
        try:
            cells = column.cast(pa.date32() if kinds.is_date(kind) else pa.timestamp("us"))
            cells.to_pylist()
        except (pa.ArrowException, ValueError, OverflowError):  # nanoseconds, or far years
            pass
        else:
            return cells
    return pa.array(text_column(name, column), pa.string())


def _check_texts(column: Any, source: str, first: int, name: str) -> None:
    for row, text in enumerate(column.to_pylist(), first + 1):
        if text is not None:
            check_text(text, row, name, source)
