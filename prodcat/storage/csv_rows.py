"""Reads the rows of a CSV file in its dialect; rows that are wrong are reported, and read on."""

import csv
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from prodcat.storage.bounded_lines import BoundedLines
from prodcat.storage.csv_dialects import CsvDialect

if TYPE_CHECKING:
    import _csv

Report = Callable[[int, str], None]

MOST_BELOW = 20  # lines below a table
# What the first field of a line with sums says, in the languages of many files.
_SUMS = frozenset(
    {
        *("total", "totals", "sum", "gesamt", "summe", "gesamtsumme", "gesamtergebnis", "toplam"),
        *("genel toplam", "totale", "totaal", "totalt", "yhteensä", "suma", "razem", "celkem"),
        *("összesen", "somme", "sous-total", "итого", "всего", "σύνολο"),
    }
)


def is_sum(cell: str) -> bool:
    """Whether the first field of a line says that the line has sums, such as "Total:"."""
    return cell.strip().rstrip(":").lower() in _SUMS


@dataclass
class CsvRows:
    """The rows of a CSV file, in pieces.

    Attributes:
        lines: The lines of the file.
        dialect: How they are separated into fields.
        uri: The name of the file, for messages.
        report: Called with the number of each wrong row in the file, from 0, and what is wrong.
            The row has empty fields where it is too short, and lacks what is too long.
        below: What is written below the table, once all rows were read.
    """

    lines: BoundedLines
    dialect: CsvDialect
    uri: str
    report: Report
    below: str = ""
    _rows: list[list[str]] = field(default_factory=list)
    _count: int = 0  # rows in the pieces before
    _pending: list[tuple[list[str], str]] = field(default_factory=list)  # wrong, or below the table
    _is_after_blank: bool = False

    def pieces(self, batch_rows: int) -> Iterator[dict[str, list[str]]]:
        """Yield the values of each column by its name.

        Args:
            batch_rows: The maximum number of rows in a piece.

        Raises:
            CatalogError: A row is too long; or what ``report`` raises.
        """
        header, lines = self.dialect.header, self.lines
        width = len(header)
        reader = self.dialect.reader(iter(lines))
        self._skip(reader, self.dialect.above + 1)
        is_open = True
        while is_open:
            rows = self._rows
            try:
                for row in reader:
                    lines.end_row()
                    if len(row) != width and not self._fits(row):
                        continue
                    if self._pending:
                        self._flush()
                    self._is_after_blank = False
                    rows.append(row)
                    if len(rows) >= batch_rows or lines.are_many(len(rows) * width):
                        break
                else:
                    is_open = False
            except csv.Error as error:
                self._add_invalid(error)
                reader = self.dialect.reader(iter(lines))
            if not is_open:
                self._end()
            if not is_open or len(rows) >= batch_rows or lines.are_many(len(rows) * width):
                columns = map(list, zip(*rows, strict=True)) if rows else ([] for _ in header)
                yield dict(zip(header, columns, strict=True))
                self._count += len(rows)
                self._rows = []
                lines.end_batch()

    def _skip(self, reader: "_csv.Reader", count: int) -> None:
        """Read over the lines up to the header, which the dialect knows already."""
        for _ in range(count):
            with suppress(csv.Error):
                next(reader, None)
        self.lines.end_row()

    def _fits(self, row: list[str]) -> bool:
        """Whether a row of another length is right without the empty fields at its end."""
        width = len(self.dialect.header)
        if len(row) > width and not any(row[width:]):
            del row[width:]
            return True
        if not row or (width > 1 and len(row) == 1 and not row[0].strip()):
            self._is_after_blank = True
            return False
        detail = (
            f"{self.uri!r}, line {self.lines.number}: found {len(row)} fields, expected {width} as "
            f"in the header. Quote fields that contain {self.dialect.delimiter!r}."
        )
        is_below = self._is_after_blank or bool(self._pending) or is_sum(row[0])
        if len(row) < width and is_below:
            self._pending.append((row, detail))
            if len(self._pending) > MOST_BELOW:
                self._flush()
                self._is_after_blank = False
        else:
            self._add_wrong(row, detail)
        return False

    def _add_invalid(self, error: csv.Error) -> None:
        """Report a line that is not valid CSV; those after it that belong to no row are read on."""
        self._flush()
        text = self.lines.row[0]
        self.lines.end_line()
        self._add_wrong(
            [],
            f"{self.uri!r}, line {self.lines.number} is not valid CSV: {error}. Double the quotes "
            f"inside a field, and close every quote. The line begins with {text[:40]!r}.",
        )

    def _flush(self) -> None:
        """Report the short rows after which the table goes on."""
        pending, self._pending = self._pending, []
        for row, detail in pending:
            self._add_wrong(row, detail)

    def _add_wrong(self, row: list[str], detail: str) -> None:
        width = len(self.dialect.header)
        self.report(self._count + len(self._rows), detail)
        self._rows.append((row + [""] * width)[:width])

    def _end(self) -> None:
        """Take the short lines at the end of the file for what stands below the table."""
        texts = [" ".join(cell.strip() for cell in row if cell) for row, _ in self._pending]
        self.below = " ".join(texts)
        self._pending = []
