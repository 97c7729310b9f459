"""Chooses the sheet of a workbook that has the table, where a first sheet may be a cover."""

from collections.abc import Collection, Sequence
from statistics import median
from typing import Any

_FIRST_ROWS = 40  # by which a sheet is judged, as are the lines above a header


def chosen_sheet(workbook: Any, names: Collection[str]) -> Any:
    """The sheet that has the table, of those with a value; hidden ones only if others are empty.

    It is the first one with a column of an expected name.  If none has one, it is the first one
    that is no cover: a sheet with a line of text here and there, or with remarks such as
    ``Date: | 2026-05-01``, before another one with a table.

    Args:
        workbook: The opened workbook, of python-calamine.
        names: Names of columns that the header is expected to have.
    """
    from python_calamine import SheetTypeEnum, SheetVisibleEnum

    shown: list[Any] = []
    hidden: list[Any] = []
    for about in workbook.sheets_metadata:
        if about.typ == SheetTypeEnum.WorkSheet:
            sheet = workbook.get_sheet_by_name(about.name)
            if sheet.start is not None:
                (shown if about.visible == SheetVisibleEnum.Visible else hidden).append(sheet)
    sheets = shown or hidden
    if len(sheets) < 2:
        return sheets[0] if sheets else workbook.get_sheet_by_index(0)
    starts = [_first_rows(sheet) for sheet in sheets]
    for sheet, rows in zip(sheets, starts, strict=True):
        if any(not set(row).isdisjoint(names) for row in rows):
            return sheet
    return next(
        (sheet for sheet, rows in zip(sheets, starts, strict=True) if not _is_cover(rows)),
        sheets[0],
    )


def _first_rows(sheet: Any) -> list[list[str]]:
    """The texts of the first rows that are not empty, without their empty cells."""
    rows = sheet.to_python(skip_empty_area=True, nrows=_FIRST_ROWS)
    texts = [[str(cell).strip() for cell in row] for row in rows]
    return [[text for text in row if text] for row in texts if any(row)]


def _is_cover(rows: Sequence[Sequence[str]]) -> bool:
    """Whether rows, given as the texts of their cells that are not empty, are no table."""
    if median(map(len, rows)) < 2:
        return True
    is_narrow = max(map(len, rows)) <= 2
    return is_narrow and any(row[0].endswith(":") for row in rows if len(row) == 2)
