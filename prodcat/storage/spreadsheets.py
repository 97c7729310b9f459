"""Reads tables from Excel workbooks, and writes them; needs the extra ``prodcat[excel]``."""

import io
import json
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import date, datetime, time, timedelta
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
_MOST_WHOLE = 10**15  # larger whole numbers are written as text, as Excel rounds them
_FIRST_DAY = datetime(1900, 3, 1)  # Excel takes 1900 for a leap year
_INSTALL = "Install it with: pip install 'prodcat[excel]'"


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
    """Writes a table to the only sheet of a new workbook, piece by piece.

    Texts stay texts, also those that begin like a formula, an address or a number.

    Args:
        file: Where to write the workbook.

    Raises:
        ConfigError: The package that writes workbooks is not installed.
    """

    def __init__(self, file: IO[bytes]) -> None:
        try:
            import xlsxwriter
        except ImportError as error:
            raise ConfigError(
                f"Writing .xlsx needs xlsxwriter, which is not installed. {_INSTALL}"
            ) from error
        texts = {f"strings_to_{kind}": False for kind in ("formulas", "urls", "numbers")}
        self._workbook = xlsxwriter.Workbook(file, {"constant_memory": True, **texts})
        self._sheet = self._workbook.add_worksheet()
        self._whole = self._workbook.add_format({"num_format": "0"})
        self._day = self._workbook.add_format({"num_format": "yyyy-mm-dd"})
        self._moment = self._workbook.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        self._rows = 0

    def add(self, table: Any) -> None:
        """Append the rows of an Arrow table; the first table gives the header.

        Raises:
            ConfigError: The sheet would have too many rows or columns, or a text is too long.
        """
        if not self._rows:
            self._add_row(table.schema.names)
        for batch in table.to_batches(max_chunksize=_MOST_CELL):
            for row in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                self._add_row(row)

    def close(self) -> None:
        """Complete the file."""
        self._workbook.close()

    def _add_row(self, cells: Sequence[Any]) -> None:
        if self._rows >= _MOST_ROWS:
            raise ConfigError(
                f"A sheet of Excel has at most {_MOST_ROWS:,} rows. Write a .csv or .parquet file."
            )
        for column, cell in enumerate(cells):
            if cell is not None and self._write(column, cell):
                raise ConfigError(
                    f"Row {self._rows}, column {column + 1} does not fit into a sheet of Excel, "
                    f"which takes texts of at most {_MOST_CELL:,} letters and 16,384 columns. "
                    "Write a .csv or .parquet file."
                )
        self._rows += 1

    def _write(self, column: int, cell: Any) -> int:
        """Write a cell; returns 0 if it could be written."""
        place = (self._rows, column)
        if isinstance(cell, bool):
            return int(self._sheet.write_boolean(*place, cell))
        if isinstance(cell, int) and abs(cell) < _MOST_WHOLE:
            return int(self._sheet.write_number(*place, cell, self._whole))
        if isinstance(cell, float) and abs(cell) < float("inf"):
            return int(self._sheet.write_number(*place, cell))
        is_moment = isinstance(cell, datetime)
        if is_moment and cell.tzinfo is None and cell >= _FIRST_DAY and not cell.microsecond:
            return int(self._sheet.write_datetime(*place, cell, self._moment))
        if isinstance(cell, date) and not is_moment and cell >= _FIRST_DAY.date():
            return int(self._sheet.write_datetime(*place, cell, self._day))
        return int(self._sheet.write_string(*place, _written_text(cell)))


def _written_text(cell: Any) -> str:
    """The text of a cell that Excel has no type for."""
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
    writer = SheetWriter(out)
    writer.add(table)
    writer.close()
    return out.getvalue()
