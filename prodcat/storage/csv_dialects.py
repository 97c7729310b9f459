"""Recognises how a CSV file separates and quotes its fields, and which of its lines is the header.

Every delimiter that is in use is tried on the first lines.  The delimiter is the one with which the
lines have as many fields as the header; if several do, the one with which the header has the names
that are expected.
"""

import csv
import io
import sys
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from prodcat.storage.read_options import DELIMITERS

if TYPE_CHECKING:
    import _csv

SAMPLE = 64 << 10  # characters from which a dialect is recognised
_MOST_ABOVE = 30  # lines above the header
_LEAST_RIGHT = 0.5  # share of the lines that must have as many fields as the header
_Row = list[str] | None  # None for a line that is not valid CSV


@dataclass(frozen=True)
class CsvDialect:
    """How the fields of a CSV file are separated, and where its rows begin.

    Attributes:
        delimiter: The character between two fields.
        escape: The character before a quote inside a quoted field; None if such quotes are
            doubled.
        above: The number of lines above the header, blank ones included.
        header: The names of the columns, without blanks around them.
        unnamed: The number of empty columns after the last one with a name.
        are_trimmed: Whether there were blanks around names in the header.
        title: What is written in the lines above the header.
    """

    delimiter: str
    escape: str | None = None
    above: int = 0
    header: tuple[str, ...] = ()
    unnamed: int = 0
    are_trimmed: bool = False
    title: str = ""

    def reader(self, lines: Iterable[str]) -> "_csv.Reader":
        """A reader of lines in this dialect, which raises ``csv.Error`` for a line that is not."""
        csv.field_size_limit(min(sys.maxsize, 2**31 - 1))
        return csv.reader(
            lines,
            delimiter=self.delimiter,
            escapechar=self.escape,
            strict=True,
        )


@dataclass(frozen=True)
class _Trial:
    """A dialect as tried on the first lines."""

    dialect: CsvDialect
    known: int  # names in the header that were expected
    right: float  # share of the rows that have as many fields as the header

    @property
    def has_columns(self) -> bool:
        return len(self.dialect.header) > 1

    @property
    def rank(self) -> tuple[bool, float, int]:
        return self.known > 0, self.right, len(self.dialect.header)


def recognised_dialect(
    sample: str,
    default: str = ",",
    given: str | None = None,
    names: Collection[str] = (),
    *,
    is_whole: bool = True,
) -> CsvDialect | None:
    r"""The dialect of a CSV file; None if the file is empty.

    Args:
        sample: The first characters of the file.
        default: The delimiter that the ending of the file's name stands for.
        given: The delimiter that the user named, or None.
        names: Names of columns that the header is expected to have.
        is_whole: Whether the sample is the whole file.

    >>> recognised_dialect("sku;title\n1;Milk, 1 l\n2;Bread\n").delimiter
    ';'
    """
    if not is_whole:
        end = max(sample.rfind("\n"), sample.rfind("\r", 0, -1)) + 1
        sample = sample[:end] if end else sample
    stated, above = _stated_delimiter(sample)
    given = given or stated
    first = _tried(sample, given or default, None, above, names)
    others = [mark for mark in DELIMITERS if mark != default]
    if first is not None and first.has_columns and first.right == 1:
        rivals = any(mark in name for name in first.dialect.header for mark in others)
        is_escaped = '\\"' in sample and '""' not in sample
        is_known = first.known > 0 or not (names or rivals)
        if first.dialect.above == above and is_known and not is_escaped:
            return first.dialect
    trials = [first] if first is not None else []
    for delimiter in [given] if given else [default, *others]:
        for escape in (None, "\\") if "\\" in sample else (None,):
            if delimiter in sample and (delimiter, escape) != (given or default, None):
                trial = _tried(sample, delimiter, escape, above, names)
                trials += [trial] if trial is not None else []
    if '\\"' in sample and '""' not in sample:  # no quote is doubled, so the escapes are meant
        trials.sort(key=lambda trial: trial.dialect.escape is None)
    fitting = [trial for trial in trials if trial.has_columns and trial.right >= _LEAST_RIGHT]
    # Of equally good ones, max takes the first.
    best = max(fitting, key=lambda trial: trial.rank) if fitting else first
    return None if best is None else best.dialect


def _stated_delimiter(sample: str) -> tuple[str | None, int]:
    """The delimiter in a first line such as ``sep=;``, as Excel writes it, and its lines."""
    line = sample[: sample.find("\n") + 1 or 10].strip().lower().strip('"')
    if line.startswith("sep=") and len(line) == 5:
        return line[4], 1
    return ("\t", 1) if line == "sep=" and sample[4:5] == "\t" else (None, 0)


def _tried(
    sample: str, delimiter: str, escape: str | None, above: int, names: Collection[str]
) -> _Trial | None:
    """Try a delimiter and an escape on the first lines; None if there is no row."""
    rows = _parsed(sample, CsvDialect(delimiter, escape))
    place = header_place(rows, above, names)
    if place is None:
        return None
    header = rows[place]
    assert header is not None
    body = [row for row in rows[place + 1 :] if row is None or any(cell.strip() for cell in row)]
    if _has_row_names(header, body):
        header = ["", *header]
    width = len(header)
    unnamed = len(header) - len(_trimmed(header)) if any(map(str.strip, header)) else 0
    named = width - unnamed
    if any(row is not None and any(row[named:width]) for row in body):
        unnamed, named = 0, width
    fitting = [row is not None and len(row) >= named and not any(row[named:]) for row in body]
    stripped = tuple(name.strip() for name in header[:named])
    title = " ".join(cell.strip() for row in rows[above:place] for cell in row or () if cell)
    dialect = CsvDialect(
        delimiter,
        escape,
        place,
        stripped,
        unnamed,
        are_trimmed=stripped != tuple(header[:named]),
        title=title,
    )
    known = len(set(stripped) & set(names))
    return _Trial(dialect, known, sum(fitting) / len(fitting) if fitting else 1.0)


def _parsed(sample: str, dialect: CsvDialect) -> list[_Row]:
    rows: list[_Row] = []
    reader = dialect.reader(io.StringIO(sample, newline=""))
    while True:
        try:
            rows += reader
        except csv.Error:
            rows.append(None)
        else:
            # The last line may be cut.
            return rows[:-1] if len(rows) > 1 and rows[-1] is None else rows


def header_place(
    rows: Sequence[Sequence[str] | None], above: int, names: Collection[str]
) -> int | None:
    """The position of the header: the first row with an expected name, or else of a table's width.

    Args:
        rows: The first rows; None for a line that is not valid.
        above: The number of rows that are known to stand above the header.
        names: Names of columns that the header is expected to have.

    Returns:
        The position, from 0; None if there is no row.
    """
    filled = [
        place
        for place, row in enumerate(rows)
        if place >= above and row and any(map(str.strip, row))
    ]
    if not filled:
        return next((place for place, row in enumerate(rows) if place >= above and row), None)
    for place in filled[:_MOST_ABOVE]:
        if not {cell.strip() for cell in rows[place] or ()}.isdisjoint(names):
            return place
    widths = Counter(len(_trimmed(row)) for row in rows if row)
    width = max(widths, key=lambda width: (widths[width], width))
    for place in filled[:_MOST_ABOVE] if width > 1 else ():
        row = rows[place] or []
        is_short = len(row) < width or (width > 2 and len(row) > 1)
        if not (is_short and sum(bool(cell.strip()) for cell in row) < 2):
            return place
    return filled[0]


def _trimmed(row: Sequence[str]) -> Sequence[str]:
    """A row without the blank cells at its end."""
    end = len(row)
    while end and not row[end - 1].strip():
        end -= 1
    return row[:end]


def _has_row_names(header: Sequence[str], body: Sequence[_Row]) -> bool:
    """Whether rows begin with their number, for which the header has no name, as R writes them."""
    width = len(header) + 1
    return bool(body) and all(
        row is not None and len(row) == width and row[0] == str(number) and row[-1].strip()
        for number, row in enumerate(body, 1)
    )
