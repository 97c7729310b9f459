"""How the fields of a CSV file are separated, and a reader of its rows."""

import csv
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from prodcat.storage.csv_marks import doubled_backslashes, without_blanks
from prodcat.storage.wrapped_lines import UnwrappedRows

if TYPE_CHECKING:
    import _csv

NO_DELIMITER = "\x1f"  # of a file with one column: a character that no text has


@dataclass(frozen=True)
class CsvDialect:
    """How the fields of a CSV file are separated, and where its rows begin.

    Attributes:
        delimiter: The character between two fields; ``NO_DELIMITER`` for one column with texts
            that contain all usual delimiters.
        escape: The character before a quote inside a quoted field; None if such quotes are
            doubled.
        escaped: The characters before which ``escape`` stands, beside itself; before others it is
            part of the text.
        doubles_escape: Whether ``escape`` is written twice where a text has it; otherwise only
            before the characters ``escaped``.
        quote: The character that encloses fields.
        above: The number of lines above the header, blank ones included.
        header: The names of the columns, without blanks around them.
        unnamed: The number of empty columns after the last one with a name.
        are_trimmed: Whether there were blanks around names in the header.
        title: What is written in the lines above the header.
        keeps_feeds: Whether lines end with a carriage return alone, so that line feeds belong to
            fields, as some programs write them without quotes.
        has_quotes: Whether quotes enclose fields; otherwise they are part of the texts.
        skips_blanks: Whether fields begin after the blanks that follow a delimiter.
        needed: The positions of the columns that were expected, from 0.
        unwraps: Whether whole lines may be enclosed in quotes.
        ends_blanks: Whether blanks may follow the quote that ends a field.
        types: The line below the header if it has the types of the columns; an empty text if not.
    """

    delimiter: str
    escape: str | None = None
    escaped: str = '"'
    doubles_escape: bool = True
    quote: str = '"'
    above: int = 0
    header: tuple[str, ...] = ()
    unnamed: int = 0
    are_trimmed: bool = False
    title: str = ""
    keeps_feeds: bool = False
    has_quotes: bool = True
    skips_blanks: bool = False
    needed: tuple[int, ...] = ()
    unwraps: bool = False
    ends_blanks: bool = False
    types: str = ""

    def reader(self, lines: Iterable[str]) -> Iterator[list[str]]:
        """A reader of lines in this dialect, which raises ``csv.Error`` for a line that is not."""
        rows = self._reader(lines)
        return UnwrappedRows(rows, self._reader) if self.unwraps else rows

    def _reader(self, lines: Iterable[str]) -> "_csv.Reader":
        csv.field_size_limit(min(sys.maxsize, 2**31 - 1))
        if self.escape:
            lines = doubled_backslashes(lines, self.escaped, pairs=self.doubles_escape)
        if self.ends_blanks:
            lines = without_blanks(lines, self.delimiter)
        return csv.reader(
            lines,
            delimiter=self.delimiter,
            quotechar=self.quote,
            escapechar=self.escape,
            quoting=csv.QUOTE_MINIMAL if self.has_quotes else csv.QUOTE_NONE,
            skipinitialspace=self.skips_blanks,
            strict=True,
        )
