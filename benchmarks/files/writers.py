"""Writes the files of the matrix with pandas, and in the manner of R."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from benchmarks.files.cells import CODECS, Cell


def write(cell: Cell, path: Path) -> None:
    """Write the file of a cell that pandas or R writes."""
    if cell.encoding == "xlsx":
        _write_workbook(cell, path)
        return
    table = _of_pandas(cell) if cell.writer == "pandas" else _of_r(cell)
    above = "".join(f"{line}{cell.line_end}" for line in cell.above.split("\n") if cell.above)
    below = "".join(f"{line}{cell.line_end}" for line in below_of(cell).split("\n") if cell.below)
    mark = "\ufeff" if cell.encoding == "utf-16 BE" else ""
    path.write_bytes(f"{mark}{above}{table}{below}".encode(CODECS[cell.encoding]))


def below_of(cell: Cell) -> str:
    """The lines below the table."""
    return cell.below.format(rows=cell.rows)


def _of_pandas(cell: Cell) -> str:
    import pandas as pd

    rows = [row + [""] * cell.empty for row in cell.rows_of_texts]
    out = io.StringIO(newline="")
    pd.DataFrame(rows, columns=cell.header).to_csv(
        out,
        sep=cell.delimiter,
        index=cell.form == "index",
        lineterminator=cell.line_end,
        quoting=csv.QUOTE_ALL if cell.quoting == "all" else csv.QUOTE_MINIMAL,
        doublequote=not cell.escapes,
        escapechar="\\" if cell.escapes else None,
    )
    return out.getvalue()


def _write_workbook(cell: Cell, path: Path) -> None:
    import pandas as pd

    catalog = cell.catalog
    frame = pd.DataFrame(
        {
            "sku": catalog.skus,
            "title": catalog.titles,
            "path": catalog.paths,
            "price": [cents / 100 for cents in catalog.prices],
        }
    )[list(cell.columns)].set_axis(cell.header[: len(cell.columns)], axis=1)
    above = cell.above.split("\n") if cell.above else []
    with pd.ExcelWriter(path, engine="xlsxwriter") as writer:
        frame.to_excel(writer, index=False, startrow=len(above))
        sheet = writer.sheets["Sheet1"]
        for row, line in enumerate(above):
            sheet.write_string(row, 0, line)
        for row, line in enumerate(below_of(cell).split("\n") if cell.below else ()):
            sheet.write_string(len(above) + 1 + len(frame) + row, 0, line)


def _of_r(cell: Cell) -> str:
    """The text that functions of R write, without any library for CSV."""
    header, rows = cell.header, [row + [""] * cell.empty for row in cell.rows_of_texts]
    numbers = {place for place, name in enumerate(cell.columns) if name in ("sku", "price")}
    names = [str(number) for number in range(1, len(rows) + 1)]
    if cell.form == "rows picked before":  # df[df$price > 1, ] keeps the numbers of all rows
        names = [str(3 * number + 2) for number in range(len(rows))]
    has_names = cell.form in (
        "write.csv", "write.table", "write.table, col.names = NA", "rows picked before",
    )  # fmt: skip
    if cell.form in ("write.csv", "write.table, col.names = NA"):
        header = ["", *header]
    lines = [_line(header, cell, frozenset())]
    for name, row in zip(names, rows, strict=True):
        first = [_field(name, cell, is_number=False)] if has_names else []
        lines.append(cell.delimiter.join([*first, _line(row, cell, numbers)]))
    return "".join(f"{line}{cell.line_end}" for line in lines)


def _line(fields: Sequence[str], cell: Cell, numbers: frozenset[int] | set[int]) -> str:
    return cell.delimiter.join(
        _field(field, cell, is_number=place in numbers and not cell.grouped)
        for place, field in enumerate(fields)
    )


def _field(text: str, cell: Cell, *, is_number: bool) -> str:
    marks = ('"', "\n", "\r", cell.delimiter)
    if cell.quoting == "none" or (is_number and cell.delimiter not in text):
        return text
    if cell.quoting == "needed" and not any(mark in text for mark in marks):
        return text
    quote = '\\"' if cell.escapes else '""'
    return f'"{text.replace(chr(34), quote)}"'
