"""Reads tables from Excel workbooks; needs the extra ``prodcat[excel]``."""

import io
import zipfile
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from prodcat.errors import CatalogError, ConfigError
from prodcat.storage import reading_notes
from prodcat.storage.column_names import unique_names
from prodcat.storage.footers import MOST_BELOW, has_sums, is_note, lacks_needed
from prodcat.storage.header_rows import header_place
from prodcat.storage.read_options import ReadOptions
from prodcat.storage.sheet_choice import chosen_sheet
from prodcat.storage.sheet_markup import MarkedCells, has_unread_spans, marked_cells
from prodcat.storage.shown_numbers import show_zeros, tell_shown
from prodcat.storage.table_files import connect
from prodcat.storage.type_rows import is_type_row

INSTALL = "Install it with: pip install 'prodcat[excel]'"
_CALCULATE = "Open the workbook with Excel or LibreOffice, and save it, so that it has the values."
_MOST_BYTES = 512 << 20  # of a workbook, unpacked
_BLOCK = 1 << 20
_MOST_WHOLE = 10**15  # Excel keeps 15 digits of a number
_SAVE_AGAIN = "Open it with Excel or LibreOffice, and save it again as .xlsx without a password."
_OLD_FORMAT = bytes.fromhex("d0cf11e0a1b11ae1")  # the first bytes of an .xls, or of a locked .xlsx
_MOST_HEADER = 5  # rows of a header with merged cells
_Span = tuple[tuple[int, int], tuple[int, int]]  # the first and last row and column, from 0


@dataclass
class _Sheet:
    """The cells of a sheet.

    Attributes:
        rows: The values of all rows, which have equally many cells.
        spans: The ranges of merged cells, of which only the first has a value.
        marked: The cells without a value of their own.
    """

    rows: list[list[Any]]
    spans: list[_Span]
    marked: MarkedCells


def sheet_pieces(uri: str, batch_rows: int, options: ReadOptions) -> Iterator[dict[str, list[Any]]]:
    """Read a sheet of an Excel workbook.

    Whole numbers are integers, empty cells are None, durations are texts such as "26:00:00", and
    text is as it is.  In a column with texts and other values, all values become text.  Empty rows
    are left out.  A cell that is merged over several rows gives its value to each of them.

    Args:
        uri: The URI of the workbook.
        batch_rows: The maximum number of rows in a piece.
        options: Names the sheet, and columns of the header.

    Yields:
        The values of each column by its name.

    Raises:
        CatalogError: The workbook cannot be read, is too large, has no such sheet, or has formulas
            without a value in a column that is read.
        ConfigError: The package that reads workbooks is not installed.
    """
    sheet = _read_sheet(uri, options)
    rows = sheet.rows
    filled = _fill_down(sheet)
    texts = [["" if cell is None else str(cell) for cell in row] for row in rows]
    place = header_place(texts, 0, options.names)
    if place is None or not any(texts[place]):
        raise CatalogError(
            f"{uri!r} is empty; expected a row with the column names. If the table is on another "
            "sheet, name it with sheet= (--sheet)."
        )
    above = " ".join(cell for row in texts[:place] for cell in row if cell)
    place = _last_header_row(sheet, place)
    header = _header(sheet, texts, place, uri)
    while header and not header[-1] and all(row[len(header) - 1] is None for row in rows[place:]):
        header.pop()
    names = unique_names(header, options.names, repr(uri))
    reading_notes.tell_names(uri, header, names)
    types = texts[place + 1][: len(header)] if place + 1 < len(rows) else []
    if is_type_row(types):
        reading_notes.tell_types(uri, ", ".join(types))
        place += 1
    needed = [column for column, name in enumerate(header) if name in options.names]
    end = _end(rows, place + 1, len(header), needed)
    below = " ".join(cell for row in texts[end:] for cell in row if cell)
    if below:
        reading_notes.tell_below(uri, below)
    tell_shown(uri, sheet.marked, names, range(place + 1, end))
    _tell_cells(uri, sheet, names, range(place + 1, end), options.names)
    _tell_filled(uri, filled, names, range(place + 1, end))
    filled_rows = [
        number for number in range(place + 1, end) if any(cell is not None for cell in rows[number])
    ]
    _tell_counting(uri, above, header, filled_rows)
    body = [rows[number] for number in filled_rows]
    columns = {name: _one_type([row[column] for row in body]) for column, name in enumerate(names)}
    for start in range(0, max(len(body), 1), batch_rows):
        yield {name: values[start : start + batch_rows] for name, values in columns.items()}


def sheet_rows(uri: str, options: ReadOptions) -> list[list[Any]]:
    """All rows of a sheet with their values; an empty cell is None.

    Args:
        uri: The URI of the workbook.
        options: Names the sheet.

    Raises:
        CatalogError: The workbook cannot be read, is too large, or has no such sheet; or a formula
            was not calculated.
        ConfigError: The package that reads workbooks is not installed.
    """
    sheet = _read_sheet(uri, options)
    if sheet.marked.uncalculated:
        row, column = min(sheet.marked.uncalculated)
        raise CatalogError(
            f"{uri!r}, row {row + 1:,}, column {column + 1} of the sheet: found a formula that was "
            f"not calculated, expected its value. {_CALCULATE}"
        )
    return sheet.rows


def _read_sheet(uri: str, options: ReadOptions) -> _Sheet:
    """The cells of a sheet."""
    try:
        from python_calamine import CalamineError, CalamineWorkbook
    except ImportError as error:
        raise ConfigError(
            f"Reading {uri!r} needs python-calamine, which is not installed. {INSTALL}"
        ) from error
    filesystem, path = connect(uri)
    with filesystem.open(path, "rb") as file:
        content = file.read(_MOST_BYTES + 1)
    _check_size(content, uri)
    try:
        workbook = CalamineWorkbook.from_filelike(io.BytesIO(content))
        names: list[str] = workbook.sheet_names
        if options.sheet is not None and options.sheet not in names:
            raise CatalogError(
                f"{uri!r} has no sheet {options.sheet!r}; found {names[:20]}. Name one with sheet= "
                "(--sheet)."
            )
        sheet = (
            chosen_sheet(workbook, options.names)
            if options.sheet is None
            else workbook.get_sheet_by_name(options.sheet)
        )
        name = sheet.name
        cells = sheet.to_python(skip_empty_area=False)
        spans = list(sheet.merged_cell_ranges or ())
        marked = MarkedCells()
        if not content.startswith(_OLD_FORMAT):
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                has_times = any(type(cell) is time for row in cells for cell in row)
                marked = marked_cells(archive, name, finds_negative=has_times)
                if has_unread_spans(archive):
                    reading_notes.tell_unread_spans(uri)
    except (CalamineError, KeyError, OverflowError) as error:
        raise CatalogError(f"Cannot read {uri!r} as a workbook: {error}. {_SAVE_AGAIN}") from error
    if options.sheet is None and len(names) > 1:
        reading_notes.tell_sheet(uri, name, [each for each in names if each != name])
    rows = [[_read_value(cell) for cell in row] for row in cells]
    show_zeros(rows, marked)
    return _Sheet(rows, spans, marked)


def _check_size(content: bytes, uri: str) -> None:
    """Refuse a workbook that is damaged, or unpacks to too much; an old .xls is not packed."""
    size = len(content)
    if content.startswith(_OLD_FORMAT) and size <= _MOST_BYTES:
        return
    if content.strip() and not content.startswith(b"PK") and b"\0" not in content[:_BLOCK]:
        start = content[:40].decode("utf-8", "replace")
        raise CatalogError(
            f"{uri!r} begins with {start!r}: it is text and no workbook. Give the file the ending "
            "of what it is, such as .csv; of a web page, save the table as .csv."
        )
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for entry in archive.infolist():
                with archive.open(entry) as member:
                    while size <= _MOST_BYTES and (block := member.read(_BLOCK)):
                        size += len(block)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        raise CatalogError(f"Cannot read {uri!r} as a workbook: {error}. {_SAVE_AGAIN}") from error
    if size > _MOST_BYTES:
        raise CatalogError(
            f"{uri!r} unpacks to more than {_MOST_BYTES >> 20} MiB, which is not read from a "
            "workbook. Save the sheet as CSV."
        )


def _read_value(cell: Any) -> Any:
    if cell == "" and isinstance(cell, str):
        return None
    if isinstance(cell, float) and cell.is_integer():
        # The digits that Excel shows, and not those of the binary number.
        return int(cell) if abs(cell) < _MOST_WHOLE else int(Decimal(repr(cell)))
    if isinstance(cell, timedelta):
        return duration_text(cell)
    return cell


def duration_text(duration: timedelta) -> str:
    """A duration as Excel shows it in hours, minutes and seconds.

    >>> duration_text(timedelta(hours=26, minutes=5)), duration_text(timedelta(hours=-6))
    ('26:05:00', '-06:00:00')
    """
    sign = "-" if duration < timedelta() else ""
    seconds, fraction = divmod(abs(duration), timedelta(seconds=1))
    minutes, second = divmod(seconds, 60)
    parts = f".{fraction.microseconds:06}".rstrip("0") if fraction else ""
    return f"{sign}{minutes // 60:02}:{minutes % 60:02}:{second:02}{parts}"


def _fill_down(sheet: _Sheet) -> dict[tuple[int, int], int]:
    """Give the value of a merged cell to the rows below that it covers, if they are not empty.

    Returns:
        The number of rows that each first cell was filled down.
    """
    filled = {}
    blank = {place for place, row in enumerate(sheet.rows) if all(cell is None for cell in row)}
    for (top, left), (bottom, _) in sheet.spans:
        if bottom <= top or top >= len(sheet.rows) or left >= len(sheet.rows[top]):
            continue
        value = sheet.rows[top][left]
        below = range(top + 1, min(bottom + 1, len(sheet.rows)))
        covered = [row for row in below if row not in blank]
        for row in covered if value is not None else ():
            sheet.rows[row][left] = value
        if value is not None and covered:
            filled[top, left] = len(covered)
        if (top, left) in sheet.marked.uncalculated:
            sheet.marked.uncalculated |= {(row, left) for row in covered}
    return filled


def _last_header_row(sheet: _Sheet, place: int) -> int:
    """The last row of a header, of which cells may be merged down over several rows."""
    ends = [
        bottom
        for (top, _), (bottom, _) in sheet.spans
        if top <= place < bottom < len(sheet.rows) and bottom - top < _MOST_HEADER
    ]
    rows = range(max(ends, default=place), place, -1)
    return next((row for row in rows if any(cell is not None for cell in sheet.rows[row])), place)


def _header(sheet: _Sheet, texts: Sequence[Sequence[str]], place: int, uri: str) -> list[str]:
    """The names of the columns; a name that is merged across counts for each of its columns."""
    header = [name.strip() for name in texts[place]]
    later = [column for row, column in sheet.marked.uncalculated if row == place]
    if later:
        raise CatalogError(
            f"{uri!r}, row {place + 1} of the sheet: the name of column {min(later) + 1} is a "
            f"formula that was not calculated. {_CALCULATE}"
        )
    for (top, left), (bottom, right) in sheet.spans:
        if top <= place <= bottom:
            for column in range(left + 1, min(right + 1, len(header))):
                header[column] = header[column] or header[left]
    return header


def _end(rows: Sequence[list[Any]], first: int, width: int, needed: Collection[int]) -> int:
    """The position after the last row of the table: below are empty rows, sums and notes."""
    end = last = len(rows)
    for place in range(end - 1, max(end - MOST_BELOW, first) - 1, -1):
        texts = ["" if cell is None else str(cell) for cell in rows[place]]
        filled = sum(map(bool, texts))
        if not filled:
            last = place
        elif width < 2 or 2 * filled > width:
            break
        elif has_sums(texts, needed):
            last = place
        elif not is_note(texts[0]) and not lacks_needed(texts, needed):
            break
    return last


def _tell_cells(
    uri: str, sheet: _Sheet, names: Sequence[str], rows: range, read: Collection[str]
) -> None:
    """Tell of cells whose values are not as they look.

    Raises:
        CatalogError: A formula in a column that is read was not calculated.
    """
    marked = sheet.marked
    for column, name in enumerate(names):
        later = sorted(row + 1 for row, place in marked.uncalculated if place == column)
        later = [row for row in later if row - 1 in rows]
        if later and name in read:
            raise CatalogError(
                f"{uri!r}, column {name!r}, row {later[0]:,} of the sheet: found a formula that "
                f"was not calculated ({len(later):,} of them), expected its value. {_CALCULATE}"
            )
        if later:
            text = "formulas that were not calculated are read as empty"
            reading_notes.tell_cells(uri, text, name, later, _CALCULATE)
        errors = {row: text for (row, place), text in marked.errors.items() if place == column}
        wrong = sorted(row + 1 for row in errors if row in rows)
        if wrong:
            text = f"errors such as {errors[wrong[0] - 1]} are read as empty"
            reading_notes.tell_cells(uri, text, name, wrong, "Correct the formulas.")
        long = [row + 1 for row in rows if _is_long(sheet.rows[row][column])]
        if long:
            text = f"numbers of more than 15 digits, such as {sheet.rows[long[0] - 1][column]}"
            reading_notes.tell_cells(
                uri, text, name, long,
                "Excel keeps 15 digits, so the others are lost. Format the column as text before "
                "the numbers are put into it.",
            )  # fmt: skip


def _is_long(cell: Any) -> bool:
    return type(cell) is int and abs(cell) >= _MOST_WHOLE


def _tell_counting(uri: str, above: str, header: Sequence[str], rows: Sequence[int]) -> None:
    """Tell how the rows of the table are counted, where the sheet's own numbers differ by more.

    Args:
        uri: The URI of the workbook.
        above: What stands above the header; empty if nothing does.
        header: The names of the columns.
        rows: The positions of the table's rows in the sheet, from 0.
    """
    if above:
        reading_notes.tell_above(uri, above, header)
    if rows and (above or rows[-1] - rows[0] >= len(rows)):
        empty = rows[-1] - rows[0] + 1 - len(rows)
        reading_notes.tell_first_row(uri, rows[0] + 1, empty, is_above=bool(above))


def _tell_filled(
    uri: str, filled: dict[tuple[int, int], int], names: Sequence[str], rows: range
) -> None:
    """Tell of the columns in which merged cells were filled down."""
    for column, name in enumerate(names):
        tops = sorted(top + 1 for top, left in filled if left == column and top in rows)
        if tops:
            text = "the value of a merged cell counts for each row that it covers"
            reading_notes.tell_cells(uri, text, name, tops, "If that is wrong, split the cells.")


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
    return [None if value is None else cell_text(value) for value in values]


def cell_text(value: object) -> str:
    """The text of a value of a cell; dates and times are as in ISO 8601.

    >>> cell_text(True), cell_text(time(9, 30)), cell_text(2.5)
    ('true', '09:30:00', '2.5')
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.isoformat() if isinstance(value, (date, datetime, time)) else str(value)
