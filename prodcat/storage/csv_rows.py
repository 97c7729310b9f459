"""Reads the rows of a CSV file in its dialect; rows that are wrong are reported, and read on."""

import csv
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from prodcat.storage.bounded_lines import BoundedLines
from prodcat.storage.csv_marks import restored_feeds
from prodcat.storage.csv_reading import CsvDialect
from prodcat.storage.footers import (
    END_OF_FILE,
    MOST_BELOW,
    RULE_STARTS,
    SUM_STARTS,
    has_sums,
    is_note,
    is_rule,
    is_sum,
    lacks_needed,
)

Report = Callable[[int, str], None]

_MOST_EMPTY = 1_000  # rows without any value that are taken for rows of the table
_MARK = "\ufeff"  # the byte order mark
_MOST_COMPARED = 100  # rows before a line that may stand below the table


@dataclass
class CsvRows:
    """The rows of a CSV file, in pieces.

    Attributes:
        lines: The lines of the file.
        dialect: How they are separated into fields.
        uri: The name of the file, for messages.
        report: Called with the number of each wrong row in the file, from 0, and what is wrong.
            The row has empty fields where it is too short, and lacks what is too long.
        names: The names of the columns, where they differ from those in the header.
        below: What is written below the table, once all rows were read.
        empty: The number of rows without any value that were left out so far.
        rules: The number of lines without letters that are drawn between rows, and left out.
    """

    lines: BoundedLines
    dialect: CsvDialect
    uri: str
    report: Report
    names: Sequence[str] = ()
    below: str = ""
    empty: int = 0
    rules: int = 0
    _rows: list[list[str]] = field(default_factory=list)
    _before: list[list[str]] = field(default_factory=list)  # the last rows of the piece before
    _count: int = 0  # rows in the pieces before
    # Lines that are below the table if no row follows, with what is wrong with them as rows.
    _pending: list[tuple[list[str], str]] = field(default_factory=list)
    _empty: int = 0  # rows without any value before these
    _is_after_blank: bool = False

    def pieces(self, batch_rows: int) -> Iterator[dict[str, list[str]]]:
        """Yield the values of each column by its name.

        Args:
            batch_rows: The maximum number of rows in a piece.

        Raises:
            CatalogError: A row is too long; or what ``report`` raises.
        """
        header, lines = self.dialect.header, self.lines
        width, keeps_feeds = len(header), self.dialect.keeps_feeds
        reader = self.dialect.reader(iter(lines))
        self._skip(reader, self.dialect.above + 1 + bool(self.dialect.types))
        is_open = True
        while is_open:
            rows = self._rows
            try:
                for row in reader:
                    lines.end_row()
                    if keeps_feeds:
                        row[:] = [restored_feeds(cell) for cell in row]
                    is_odd = len(row) != width or "" in row or header[0] in row[0]
                    is_odd = is_odd or row[0][:3] in RULE_STARTS
                    if (is_odd or self._is_after_blank) and not self._fits(row):
                        continue
                    if self._pending or self._empty:
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
                yield dict(zip(self.names or header, columns, strict=True))
                self._count += len(rows)
                self._before = rows[-_MOST_COMPARED:]
                self._rows = []
                lines.end_batch()

    def _skip(self, reader: Iterator[list[str]], count: int) -> None:
        """Read over the lines up to the header, which the dialect knows already."""
        for _ in range(count):
            with suppress(csv.Error):
                next(reader, None)
        self.lines.end_row()

    def _fits(self, row: list[str]) -> bool:
        """Whether a row is one of the table, if need be without the empty fields at its end."""
        width = len(self.dialect.header)
        if len(row) > width and not any(row[width:]):
            del row[width:]
        if row == [END_OF_FILE]:
            return False
        if not row and width == 1:  # so spreadsheets write an empty cell of their only column
            self._empty += 1
            return False
        if row and is_rule(row):
            self.rules += 1
            self._is_after_blank = True
            return False
        if len(row) == width:
            if width > 1 and _names(row) == list(self.dialect.header):
                self._flush()
                self._add_wrong(row, f"{self._place} repeats the header, as joined files do.")
                return False
            return not self._is_below(row)
        if not row or (width > 1 and len(row) == 1 and not row[0].strip()):
            self._is_after_blank = True
            return False
        detail = (
            f"{self._place}: found {len(row)} fields, expected {width} as "
            f"in the header. Quote fields that contain {self.dialect.delimiter!r}."
        )
        is_short = len(row) < width
        if is_short and not self._is_sentence(row):
            detail += " If it is no row of the table, remove the line."
        if self._is_short_note(row) if is_short else self._is_long_note(row):
            self._add_pending(row, detail)
        else:
            self._flush()
            self._add_wrong(row, detail)
        return False

    def _is_short_note(self, row: list[str]) -> bool:
        """Whether a row with too few fields may stand below the table."""
        if has_sums(row, self.dialect.needed) or self._is_remark(row) or _is_note(row):
            return True
        return self._follows_table() and (
            self._is_sentence(row) or lacks_needed(row, self.dialect.needed)
        )

    def _is_long_note(self, row: list[str]) -> bool:
        """Whether a row with too many fields is a sentence below the table."""
        return self._is_sentence(row) and (self._follows_table() or is_sum(row[0]))

    @property
    def _place(self) -> str:
        return f"{self.uri!r}, line {self.lines.number}"

    def _is_below(self, row: list[str]) -> bool:
        """Whether a row with all fields, most of them empty, may stand below the table."""
        width = len(row)
        is_odd = self._follows_table() or 2 * row.count("") >= width or row[0][:1] in SUM_STARTS
        if width < 2 or not is_odd:
            return False
        filled = _filled(row)
        if filled == width:
            return self._follows_table() and self._is_doubtful(row)
        if not filled and not self._pending:
            self._empty += 1
            return True
        is_after = 2 * filled <= width and self._follows_table()
        needed = self.dialect.needed
        is_below = is_after and (_is_note(row) or lacks_needed(row, needed))
        if not is_below and not has_sums(row, needed) and not self._is_remark(row):
            return False
        rows = (self._rows or self._before)[-_MOST_COMPARED:]
        if filled >= min(map(_filled, rows), default=width):
            return False
        self._add_pending(row, "")
        return True

    def _is_doubtful(self, row: list[str]) -> bool:
        """Whether a row with all fields is a sentence; it is a wrong row if that is uncertain."""
        if not (self._rows or self._before) or not self._is_sentence(row):
            return False
        if is_note(row[0]) or is_note(self.dialect.delimiter.join(row)):
            self._add_pending(row, "")
        else:
            self._flush()
            self._add_wrong(
                row,
                f"{self._place}: found {self.dialect.delimiter.join(row)[:60]!r} after an empty "
                "line, which may be a row or a note below the table. If it is a row, remove the "
                "empty line and the blanks after the delimiters; if not, remove the line.",
            )
        return True

    def _is_remark(self, row: list[str]) -> bool:
        """Whether a row has words in its first field, and nothing in the columns that count."""
        is_alone = bool(row[0].strip()) and _filled(row) == 1 and len(self.dialect.header) > 2
        are_words = ":" in row[0] or " " in row[0].strip()
        return is_alone and are_words and lacks_needed(row, self.dialect.needed)

    def _is_sentence(self, row: list[str]) -> bool:
        """Whether each delimiter is followed by a blank, as in a text, and not so in other rows."""
        rows = (self._rows or self._before)[-_MOST_COMPARED:]
        return _has_blanks(row) and not any(map(_has_blanks, rows))

    def _follows_table(self) -> bool:
        return self._is_after_blank or bool(self._pending or self._empty)

    def _add_pending(self, row: list[str], detail: str) -> None:
        self._pending.append((row, detail))
        if len(self._pending) > MOST_BELOW:
            self._flush()
            self._is_after_blank = False

    def _add_invalid(self, error: csv.Error) -> None:
        """Report a line that is not valid CSV; those after it that belong to no row are read on."""
        self._flush()
        text = self.lines.row[0]
        self.lines.end_line()
        self._add_wrong(
            [],
            f"{self._place} is not valid CSV: {error}. Double the quotes "
            f"inside a field, and close every quote. The line begins with {text[:40]!r}.",
        )

    def _flush(self) -> None:
        """Take the lines after which the table goes on for rows."""
        pending, self._pending = self._pending, []
        self._flush_empty()
        for row, detail in pending:
            if detail:
                self._add_wrong(row, detail)
            else:
                self._rows.append(row)

    def _flush_empty(self) -> None:
        """Add the rows without any value, unless there are more than anyone writes on purpose."""
        if self._empty > _MOST_EMPTY:
            self.empty += self._empty
        else:
            self._rows += [[""] * len(self.dialect.header) for _ in range(self._empty)]
        self._empty = 0

    def _add_wrong(self, row: list[str], detail: str) -> None:
        width = len(self.dialect.header)
        self.report(self._count + len(self._rows), detail)
        self._rows.append((row + [""] * width)[:width])

    def _end(self) -> None:
        """Take the lines that were held back for what stands below the table."""
        texts = [" ".join(cell.strip() for cell in row if cell) for row, _ in self._pending]
        self.below = " ".join(filter(None, texts))
        is_row = self._empty == 1 or len(self.dialect.header) == 1
        if is_row and not self.below:  # it may be a product that lacks everything
            self._flush_empty()
        self.empty += self._empty if not self.below else 0
        self._pending, self._empty = [], 0


def _names(row: list[str]) -> list[str]:
    """The fields of a row as names of columns; a file that was joined may begin with a mark."""
    first = row[0].lstrip(_MARK)
    first = first[1:-1] if first != row[0] and first[:1] == first[-1:] == '"' else first
    return [cell.strip() for cell in (first, *row[1:])]


def _is_note(row: list[str]) -> bool:
    """Whether the first field of a row says what stands below a table, and no other has words."""
    return is_note(row[0]) and not any(map(str.isalpha, "".join(row[1:])))


def _filled(row: list[str]) -> int:
    """The number of fields that are not blank."""
    return sum(1 for cell in row if cell and not cell.isspace())


def _has_blanks(row: list[str]) -> bool:
    """Whether each field but the first begins with a blank."""
    return len(row) > 1 and all(cell[:1] == " " for cell in row[1:])
