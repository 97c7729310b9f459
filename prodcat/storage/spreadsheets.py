"""Writes tables to Excel workbooks; needs the extra ``prodcat[excel]``."""

import io
import json
import re
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from datetime import date, datetime, timedelta
from decimal import Decimal
from math import isfinite
from typing import IO, Any
from xml.sax.saxutils import escape

from prodcat.errors import ConfigError
from prodcat.storage.workbook_tables import INSTALL, cell_text

_MOST_ROWS = 1_048_576  # of a sheet, the header included
_MOST_CELL = 32_767  # letters
_MOST_SHEET_COLUMNS = 16_384
_MOST_DIGITS = 15  # of a number that Excel shows as it is
_MOST_WHOLE = 10**_MOST_DIGITS  # larger whole numbers are written as text, as Excel rounds them
_CREATED = datetime(2000, 1, 1)  # the date in every workbook
_FIRST_DAY = datetime(1900, 3, 1)  # Excel takes 1900 for a leap year
# Two escapes that share an underscore, and the underscore before which each of them is escaped.
_OVERLAPPING = re.compile(r"_x[0-9A-Fa-f]{4}_x[0-9A-Fa-f]{4}_")
_ESCAPE = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")
_NARROWEST, _WIDEST = 8, 60  # letters
_FILTER = 3  # letters that the button of a filter takes in the header
_SEEN_ROWS = 1_000  # by which the width of a column is chosen
_SHOWN_DIGITS = 4  # after the decimal point; numbers with more are shown rounded
_ROUNDED, _SMALL = "0.000", "0.0000"
_OTHER_FORMAT = "Write a .csv or .parquet file."


class SheetWriter:
    """Writes a table to the only sheet of a new workbook, piece by piece, in a ``with`` block.

    Texts stay texts, also those that begin like a formula, an address or a number.  Numbers have
    16 digits at most, as in Excel; integers of more digits become texts.  Equal tables give equal
    bytes.  The end of the block completes the workbook.

    The sheet is laid out for people: a bold header that stays while they scroll, filters, columns
    as wide as their first texts, and fractions with many digits shown rounded.

    Args:
        file: Where to write the workbook.
        name: The name of the sheet, of at most 31 letters and digits; that of the package if empty.

    Raises:
        ConfigError: The package that writes workbooks is not installed.
    """

    def __init__(self, file: IO[bytes], name: str = "") -> None:
        xlsxwriter = writing_package()
        texts = {f"strings_to_{kind}": False for kind in ("formulas", "urls", "numbers")}
        self._folder = tempfile.TemporaryDirectory(prefix="prodcat")
        options = {"constant_memory": True, "tmpdir": self._folder.name, **texts}
        self._workbook = xlsxwriter.Workbook(file, options)
        self._workbook.set_properties({"created": _CREATED})
        self._sheet = self._workbook.add_worksheet(name or None)
        self._sheet.ignore_errors({"number_stored_as_text": "A1:XFD1048576"})
        self._sheet.freeze_panes(1, 0)
        self._bold = self._workbook.add_format({"bold": True})
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
            if self._header:
                self._sheet.autofilter(0, 0, max(self._rows - 1, 1), len(self._header) - 1)
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
            self._lay_out(table)
            self._add_row(self._header, self._bold)
        for batch in table.to_batches(max_chunksize=_MOST_CELL):
            for row in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                self._add_row(row)

    def _lay_out(self, table: Any) -> None:
        """Choose the widths and the number formats of the columns by the first rows."""
        for place, (header, column) in enumerate(zip(self._header, table.columns, strict=True)):
            shown = _number_format(column)
            first = () if shown else column.slice(0, _SEEN_ROWS).to_pylist()
            texts = [_written_text(cell) for cell in first if cell is not None]
            widest = max([len(header) + _FILTER, *map(_longest_line, texts)])
            width = min(max(widest + 1, _NARROWEST), _WIDEST)
            cell_format = self._workbook.add_format({"num_format": shown}) if shown else None
            self._sheet.set_column(place, place, width, cell_format)

    def _add_row(self, cells: Sequence[Any], cell_format: Any = None) -> None:
        check_size(self._rows, len(cells))
        for column, cell in enumerate(cells):
            if cell is not None:
                self._write(column, cell, cell_format)
        self._rows += 1

    def _write(self, column: int, cell: Any, cell_format: Any) -> None:
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
            # xlsxwriter would take the first for marked text, and not escape all of the second.
            is_odd = text.startswith("<r>") or _OVERLAPPING.search(text)
            written = _marked_text(text) if is_odd else text
            if self._sheet.write_string(*place, written, cell_format):
                raise ConfigError(
                    f"The table, row {self._rows:,}, column {self._header[column]!r:.80}: the text "
                    f"with its escapes has more than {_MOST_CELL:,} letters. {_OTHER_FORMAT}"
                )


def writing_package() -> Any:
    """The package that writes workbooks.

    Raises:
        ConfigError: It is not installed.
    """
    try:
        import xlsxwriter
    except ImportError as error:
        raise ConfigError(
            f"Writing .xlsx needs xlsxwriter, which is not installed. {INSTALL}"
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
    text = cell_text(cell) if not isinstance(cell, timedelta) else str(cell)
    return text.encode("utf-8", "replace").decode()


def _marked_text(text: str) -> str:
    """The XML of a text, which xlsxwriter writes as it is."""
    text = escape(_ESCAPE.sub("_x005F_", text))
    return f'<r><t xml:space="preserve">{_ESCAPE.sub("&#95;", text)}</t></r>'


def _longest_line(text: str) -> int:
    return max(map(len, text.split("\n")))


def _number_format(column: Any) -> str | None:
    """The format that rounds a column of fractions with many digits; None for other columns."""
    import numpy as np
    import pyarrow.types as kinds

    if not kinds.is_floating(column.type):
        return None
    values = column.drop_null().to_numpy().astype(np.float64)
    values = values[np.isfinite(values)]
    if not (values != values.round(_SHOWN_DIGITS)).any():
        return None
    return _SMALL if np.abs(values).max() < 0.1 else _ROUNDED


def sheet_bytes(table: Any, name: str = "") -> bytes:
    """Encode an Arrow table as an Excel workbook for people; see :class:`SheetWriter`.

    Args:
        table: The table.
        name: The name of the sheet, of at most 31 letters and digits; ``Sheet1`` if empty.

    Raises:
        ConfigError: The table does not fit into a sheet, or the package is not installed.
    """
    out = io.BytesIO()
    with SheetWriter(out, name) as writer:
        writer.add(table)
    return out.getvalue()
