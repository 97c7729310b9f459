"""Reads tables from Excel workbooks, and writes them; needs the extra ``prodcat[excel]``."""

import io
import json
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from math import isfinite
from typing import IO, Any

from prodcat.errors import CatalogError, ConfigError
from prodcat.storage import reading_notes
from prodcat.storage.column_names import no_twins
from prodcat.storage.csv_dialects import header_place
from prodcat.storage.csv_rows import MOST_BELOW, is_sum
from prodcat.storage.read_options import ReadOptions
from prodcat.storage.table_files import connect

_MOST_BYTES = 512 << 20  # of a workbook, unpacked
_BLOCK = 1 << 20
_MOST_ROWS = 1_048_576  # of a sheet, the header included
_MOST_CELL = 32_767  # letters
_MOST_SHEET_COLUMNS = 16_384
_MOST_DIGITS = 15  # of a number that Excel shows as it is
_MOST_WHOLE = 10**_MOST_DIGITS  # larger whole numbers are written as text, as Excel rounds them
_CREATED = datetime(2000, 1, 1)  # the date in every workbook
_FIRST_DAY = datetime(1900, 3, 1)  # Excel takes 1900 for a leap year
_INSTALL = "Install it with: pip install 'prodcat[excel]'"
_OTHER_FORMAT = "Write a .csv or .parquet file."


def sheet_pieces(uri: str, batch_rows: int, options: ReadOptions) -> Iterator[dict[str, list[Any]]]:
    """Read a sheet of an Excel workbook.

    Whole numbers are integers, empty cells are None, and text is as it is.  In a column with texts
    and other values, all values become text.  Empty rows are left out.

    Args:
        uri: The URI of the workbook.
        batch_rows: The maximum number of rows in a piece.
        options: Names the sheet, and columns of the header.

    Yields:
        The values of each column by its name.

    Raises:
        CatalogError: The workbook cannot be read, is too large, or has no such sheet.
        ConfigError: The package that reads workbooks is not installed.
    """
    rows = _rows(uri, options)
    texts = [["" if cell is None else str(cell) for cell in row] for row in rows]
    place = header_place(texts, 0, options.names)
    if place is None or not any(texts[place]):
        raise CatalogError(f"{uri!r} is empty; expected a row with the column names.")
    above = " ".join(cell for row in texts[:place] for cell in row if cell)
    header = [name.strip() for name in texts[place]]
    body = [row for row in rows[place + 1 :]]
    while header and not header[-1] and all(row[len(header) - 1] is None for row in body):
        header.pop()
    no_twins(header, repr(uri))
    if above:
        reading_notes.tell_above(uri, above, header)
    body = _without_sums(uri, body, len(header))
    columns = {name: _one_type([row[column] for row in body]) for column, name in enumerate(header)}
    for start in range(0, max(len(body), 1), batch_rows):
        yield {name: values[start : start + batch_rows] for name, values in columns.items()}


def _rows(uri: str, options: ReadOptions) -> list[list[Any]]:
    """All rows of a sheet, which have equally many cells."""
    try:
        from python_calamine import CalamineError, CalamineWorkbook
    except ImportError as error:
        raise ConfigError(
            f"Reading {uri!r} needs python-calamine, which is not installed. {_INSTALL}"
        ) from error
    filesystem, path = connect(uri)
    with filesystem.open(path, "rb") as file:
        content = file.read(_MOST_BYTES + 1)
    _check_size(content, uri)
    try:
        workbook = CalamineWorkbook.from_filelike(io.BytesIO(content))
        names: list[str] = workbook.sheet_names
        sheet = options.sheet if options.sheet is not None else next(iter(names), "")
        if sheet not in names:
            raise CatalogError(
                f"{uri!r} has no sheet {sheet!r}; found {names[:20]}. Name one with sheet= "
                "(--sheet)."
            )
        cells = workbook.get_sheet_by_name(sheet).to_python(skip_empty_area=False)
    except CalamineError as error:
        raise CatalogError(f"Cannot read {uri!r} as xlsx: {error}.") from error
    if options.sheet is None and len(names) > 1:
        reading_notes.tell_sheet(uri, sheet, names[1:])
    return [[_read_value(cell) for cell in row] for row in cells]


def _check_size(content: bytes, uri: str) -> None:
    """Refuse a workbook that is no ZIP archive, is damaged, or unpacks to too much."""
    size = len(content)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for entry in archive.infolist():
                with archive.open(entry) as member:
                    while size <= _MOST_BYTES and (block := member.read(_BLOCK)):
                        size += len(block)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        raise CatalogError(
            f"Cannot read {uri!r} as xlsx: {error}. Open it with Excel or LibreOffice, and save it "
            "again as .xlsx without a password."
        ) from error
    if size > _MOST_BYTES:
        raise CatalogError(
            f"{uri!r} unpacks to more than {_MOST_BYTES >> 20} MiB, which is not read from a "
            "workbook. Save the sheet as CSV."
        )


def _read_value(cell: Any) -> Any:
    if cell == "" and isinstance(cell, str):
        return None
    if isinstance(cell, float) and cell.is_integer():
        return int(cell)
    return cell


def _without_sums(uri: str, rows: Sequence[list[Any]], width: int) -> list[list[Any]]:
    """The rows that are not empty, without those that stand below the table."""
    end = len(rows)
    last = end  # the first row below the table
    for place in range(end - 1, max(end - MOST_BELOW, 0) - 1, -1):
        row = rows[place]
        filled = sum(cell is not None for cell in row)
        if not filled:
            last = place
        elif width < 2 or 2 * filled > width:
            break
        elif is_sum(str(row[0])):
            last = place
    below = " ".join(str(cell) for row in rows[last:] for cell in row if cell is not None)
    if below:
        reading_notes.tell_below(uri, below)
    return [row for row in rows[:last] if any(cell is not None for cell in row)]


def _one_type(values: list[Any]) -> list[Any]:
    """Values of one type: text if only some are text, and times if only some are dates."""
    kinds = {type(value) for value in values if value is not None}
    if len(kinds) < 2 or kinds == {int, float}:
        return values
    if kinds == {date, datetime}:
        midnight = time()
        return [
            datetime.combine(value, midnight) if type(value) is date else value for value in values
        ]
    return [None if value is None else _text(value) for value in values]


def _text(value: object) -> str:
    return value.isoformat() if isinstance(value, (date, datetime, time)) else str(value)


class SheetWriter:
    """Writes a table to the only sheet of a new workbook, piece by piece, in a ``with`` block.

    Texts stay texts, also those that begin like a formula, an address or a number.  Numbers have
    16 digits at most, as in Excel; integers of more digits become texts.  Equal tables give equal
    bytes.  The end of the block completes the workbook.

    Args:
        file: Where to write the workbook.

    Raises:
        ConfigError: The package that writes workbooks is not installed.
    """

    def __init__(self, file: IO[bytes]) -> None:
        xlsxwriter = writing_package()
        texts = {f"strings_to_{kind}": False for kind in ("formulas", "urls", "numbers")}
        self._folder = tempfile.TemporaryDirectory(prefix="prodcat")
        options = {"constant_memory": True, "tmpdir": self._folder.name, **texts}
        self._workbook = xlsxwriter.Workbook(file, options)
        self._workbook.set_properties({"created": _CREATED})
        self._sheet = self._workbook.add_worksheet()
        self._sheet.ignore_errors({"number_stored_as_text": "A1:XFD1048576"})
        self._whole = self._workbook.add_format({"num_format": "0"})
        self._day = self._workbook.add_format({"num_format": "yyyy-mm-dd"})
        self._moment = self._workbook.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        self._header: list[str] = []
        self._rows = 0

    def __enter__(self) -> "SheetWriter":
        return self

    def __exit__(self, *error: object) -> None:
        """Complete the file, and remove what was written beside it.

        Raises:
            ConfigError: The file would be larger than Excel reads.
            OSError: The file cannot be written.
        """
        from xlsxwriter.exceptions import FileCreateError, FileSizeError

        with self._folder:
            try:
                self._workbook.close()
            except FileSizeError as fault:
                raise ConfigError(
                    f"A workbook of more than 4 GiB cannot be written. {_OTHER_FORMAT}"
                ) from fault
            except FileCreateError as fault:
                raise OSError(str(fault)) from fault

    def add(self, table: Any) -> None:
        """Append the rows of an Arrow table; the first table gives the header.

        Raises:
            ConfigError: The sheet would have too many rows or columns, or a text is too long.
        """
        if not self._rows:
            self._header = table.schema.names
            check_size(0, len(self._header))
            self._add_row(self._header)
        for batch in table.to_batches(max_chunksize=_MOST_CELL):
            for row in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                self._add_row(row)

    def _add_row(self, cells: Sequence[Any]) -> None:
        check_size(self._rows, len(cells))
        for column, cell in enumerate(cells):
            if cell is not None:
                self._write(column, cell)
        self._rows += 1

    def _write(self, column: int, cell: Any) -> None:
        place = (self._rows, column)
        is_moment = isinstance(cell, datetime)
        if isinstance(cell, bool):
            self._sheet.write_boolean(*place, cell)
        elif isinstance(cell, int) and abs(cell) < _MOST_WHOLE:
            self._sheet.write_number(*place, cell, self._whole)
        elif isinstance(cell, (float, Decimal)) and _is_number(cell):
            self._sheet.write_number(*place, cell)
        elif is_moment and cell.tzinfo is None and cell >= _FIRST_DAY and not cell.microsecond:
            self._sheet.write_datetime(*place, cell, self._moment)
        elif isinstance(cell, date) and not is_moment and cell >= _FIRST_DAY.date():
            self._sheet.write_datetime(*place, cell, self._day)
        else:
            text = _written_text(cell)
            check_text(text, self._rows, self._header[column])
            if text.startswith("<r>"):  # which xlsxwriter would take for marked text
                self._sheet.write_rich_string(*place, text[0], text[1], text[2:])
            else:
                self._sheet.write_string(*place, text)


def writing_package() -> Any:
    """The package that writes workbooks.

    Raises:
        ConfigError: It is not installed.
    """
    try:
        import xlsxwriter
    except ImportError as error:
        raise ConfigError(
            f"Writing .xlsx needs xlsxwriter, which is not installed. {_INSTALL}"
        ) from error
    return xlsxwriter


def check_size(rows: int, columns: int) -> None:
    """Check that a table fits into a sheet.

    Args:
        rows: The number of its rows, without the header.
        columns: The number of its columns.

    Raises:
        ConfigError: The sheet would have too many rows or columns.
    """
    if not fits_sheet(rows):
        raise ConfigError(
            f"The table has more rows than a sheet of Excel, which has at most {_MOST_ROWS:,} with "
            f"the header. {_OTHER_FORMAT}"
        )
    if columns > _MOST_SHEET_COLUMNS:
        raise ConfigError(
            f"The table has {columns:,} columns; a sheet of Excel has at most "
            f"{_MOST_SHEET_COLUMNS:,}. {_OTHER_FORMAT}"
        )


def fits_sheet(rows: int) -> bool:
    """Whether a sheet has room for this number of rows and a header."""
    return rows < _MOST_ROWS


def check_text(text: str, row: int, column: str, source: str = "The table") -> None:
    """Check that a text fits into a cell, whose length Excel counts in 16-bit units.

    Args:
        text: The text.
        row: The number of its row, from 1, for the error message.
        column: The name of its column, for the error message.
        source: The name of the table or its file, for the error message.

    Raises:
        ConfigError: It is too long.
    """
    if 2 * len(text) > _MOST_CELL and len(text.encode("utf-16-le")) > 2 * _MOST_CELL:
        raise ConfigError(
            f"{source}, row {row:,}, column {column!r:.80}: the text has {len(text):,} letters, "
            f"and a cell of Excel at most {_MOST_CELL:,}. {_OTHER_FORMAT}"
        )


def _is_number(cell: float | Decimal) -> bool:
    """Whether a number is finite and, as a decimal, has no more digits than Excel shows."""
    if isinstance(cell, float):
        return isfinite(cell)
    digits = "".join(map(str, cell.as_tuple().digits)).strip("0")
    return cell.is_finite() and len(digits) <= _MOST_DIGITS


def _written_text(cell: Any) -> str:
    """The text of a cell that Excel has no type for."""
    if isinstance(cell, float):
        return "NaN" if cell != cell else "Infinity" if cell > 0 else "-Infinity"
    if isinstance(cell, bytes):
        with suppress(UnicodeDecodeError):
            return cell.decode()
        return cell.hex()
    if isinstance(cell, (list, dict)):
        return json.dumps(cell, ensure_ascii=False, default=str)
    text = _text(cell) if not isinstance(cell, timedelta) else str(cell)
    return text.encode("utf-8", "replace").decode()


def sheet_bytes(table: Any) -> bytes:
    """Encode an Arrow table as an Excel workbook.

    Raises:
        ConfigError: The table does not fit into a sheet, or the package is not installed.
    """
    out = io.BytesIO()
    with SheetWriter(out) as writer:
        writer.add(table)
    return out.getvalue()
