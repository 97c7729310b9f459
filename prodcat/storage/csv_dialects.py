"""Recognises how a CSV file separates and quotes its fields, and which of its lines is the header.

Every delimiter that is in use is tried on the first lines.  The delimiter is the one with which the
lines have as many fields as the header; if several do, the one with which the header has the names
that are expected.
"""

import csv
import io
import itertools
import re
import sys
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from prodcat.storage.read_options import DELIMITERS

if TYPE_CHECKING:
    import _csv

SAMPLE = 64 << 10  # characters from which a dialect is recognised
_MOST_ABOVE = 30  # lines above the header
# A quote that is doubled inside a field: neither the end of a field after an escaped quote, nor an
# empty field in quotes.
_DOUBLED = re.compile(r'(?<=[^\\,;\t|\r\n])""')
_OPENED = re.compile(r"""(?:^|[,;\t|\r\n]) ?"[^"\r\n,;\t|]*(?:"[^"\r\n,;\t|]|[,;\t|\r\n])""")
# A first line such as "sku" "title", as R writes it if no delimiter is named.
_SPACE = re.compile(r'\A"[^"\r\n]+"( )"[^"\r\n]+"(?: "[^"\r\n]+")*[\r\n]')
_LEAST_RIGHT = 0.5  # share of the lines that must have as many fields as the header
_MOST_BELOW = 20  # lines below the table
NO_DELIMITER = "\x1f"  # of a file with one column: a character that no text has
KEPT_FEED = "\ufdd0"  # stands for a line feed inside a field: no character, so that no text has it
_Row = list[str] | None  # None for a line that is not valid CSV


@dataclass(frozen=True)
class CsvDialect:
    """How the fields of a CSV file are separated, and where its rows begin.

    Attributes:
        delimiter: The character between two fields; ``NO_DELIMITER`` for one column with texts
            that contain all usual delimiters.
        escape: The character before a quote inside a quoted field; None if such quotes are
            doubled.
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
    """

    delimiter: str
    escape: str | None = None
    above: int = 0
    header: tuple[str, ...] = ()
    unnamed: int = 0
    are_trimmed: bool = False
    title: str = ""
    keeps_feeds: bool = False
    has_quotes: bool = True
    skips_blanks: bool = False
    needed: tuple[int, ...] = ()

    def reader(self, lines: Iterable[str]) -> "_csv.Reader":
        """A reader of lines in this dialect, which raises ``csv.Error`` for a line that is not."""
        csv.field_size_limit(min(sys.maxsize, 2**31 - 1))
        return csv.reader(
            lines,
            delimiter=self.delimiter,
            escapechar=self.escape,
            quoting=csv.QUOTE_MINIMAL if self.has_quotes else csv.QUOTE_NONE,
            skipinitialspace=self.skips_blanks,
            strict=True,
        )


@dataclass(frozen=True)
class _Trial:
    """A dialect as tried on the first lines."""

    dialect: CsvDialect
    known: int  # names in the header that were expected
    right: float  # share of the rows that have as many fields as the header
    is_list: bool  # whether it is one column of texts that contain the delimiter

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
    if is_whole and sample[-1:] in ("\r", "\n"):
        sample += sample[-1]  # so that the last line is not taken for a cut one
    returns = sample if is_whole else sample[: sample.rfind("\r") + 1]
    if "\r" in sample.partition("\n")[0] and returns.endswith("\r") and "\r\n" not in sample:
        best = _recognised(returns.replace("\n", KEPT_FEED), default, given, names)
        if best is not None and best.right == 1:
            return replace(best.dialect, keeps_feeds=True)
    if not is_whole:
        end = max(sample.rfind("\n"), sample.rfind("\r", 0, -1)) + 1
        sample = sample[:end] if end else sample
    best = _recognised(sample, default, given, names)
    return None if best is None else best.dialect


def _recognised(
    sample: str, default: str, given: str | None, names: Collection[str]
) -> _Trial | None:
    """The trial of the dialect that fits the first lines best; None if there is no row."""
    stated, above = stated_delimiter(sample)
    given = given or stated
    usual = CsvDialect(given or default)
    first = _tried(sample, usual, above, names)
    others = [mark for mark in DELIMITERS if mark != default]
    marks = [given] if given else [default, *others, *_SPACE.findall(sample), NO_DELIMITER]
    bare = _bare(sample, marks, above, names)
    if bare is not None and bare.dialect.delimiter == "\t" and bare.has_columns:
        return bare
    if first is not None and first.has_columns and first.right == 1:
        rivals = any(mark in name for name in first.dialect.header for mark in others)
        is_escaped = '\\"' in sample and not _DOUBLED.search(sample)
        is_known = first.known > 0 or not (names or rivals)
        if first.dialect.above == above and is_known and not is_escaped:
            return first
    trials = [first] if first is not None else []
    for dialect in (each for mark in marks for each in _variants(sample, mark)):
        trial = _tried(sample, dialect, above, names) if dialect != usual else None
        trials += [trial] if trial is not None else []
    if '\\"' in sample and not _DOUBLED.search(sample):
        # No quote is doubled, so the escapes are meant.
        trials.sort(key=lambda trial: trial.dialect.escape is None)
    best = _best(trials)
    return bare if bare is not None and (best is None or best.right < 1) else best


def _variants(sample: str, delimiter: str) -> Iterator[CsvDialect]:
    """The dialects with a delimiter that the first lines may have."""
    if delimiter not in sample and delimiter != NO_DELIMITER:
        return
    for escape in (None, "\\") if "\\" in sample else (None,):
        yield CsvDialect(delimiter, escape)
        if f'{delimiter} "' in sample:
            yield CsvDialect(delimiter, escape, skips_blanks=True)


def _bare(
    sample: str, delimiters: Sequence[str], above: int, names: Collection[str]
) -> _Trial | None:
    """The trial of a file whose quotes are part of its texts, or None.

    Each line is a row then, some texts begin with a quote that does not enclose them, and no text
    is enclosed.
    """
    if not _OPENED.search(sample):
        return None
    trials = []
    for delimiter in delimiters:
        if delimiter in sample or delimiter == NO_DELIMITER:
            dialect = CsvDialect(delimiter, has_quotes=False)
            trial = _tried(sample, dialect, above, names)
            rows = _parsed(sample, dialect)
            cells = [cell.strip() for row in rows for cell in row or () if cell[:1] == '"']
            is_bare = bool(cells) and not any(len(c) > 1 and c[-1] == '"' for c in cells)
            if trial is None or not is_bare or '"' in "".join(trial.dialect.header):
                continue
            width = len(trial.dialect.header) + trial.dialect.unnamed
            are_whole = all(len(row) == width for row in rows if row and '"' in "".join(row))
            if (trial.has_columns or trial.known) and trial.right == 1 and are_whole:
                trials.append(trial)
    return _best(trials)


def _best(trials: Sequence[_Trial]) -> _Trial | None:
    """The trial that fits best, the first of equally good ones."""
    fitting = [trial for trial in trials if trial.has_columns and trial.right >= _LEAST_RIGHT]
    if not fitting and any(trial.is_list for trial in trials):
        fitting = [trial for trial in trials if trial.known]
    fitting = fitting or [trial for trial in trials if trial.known and trial.has_columns]
    return max(fitting, key=lambda trial: trial.rank) if fitting else next(iter(trials), None)


def stated_delimiter(sample: str) -> tuple[str | None, int]:
    """The delimiter in a first line such as ``sep=;``, as Excel writes it, and its lines.

    Args:
        sample: The first characters of the file.

    Returns:
        The delimiter, or None; and the number of lines that say it, 0 or 1.
    """
    line = sample[: sample.find("\n") + 1 or 10].strip().lower().strip('"')
    if line.startswith("sep=") and len(line) == 5:
        return line[4], 1
    return ("\t", 1) if line == "sep=" and sample[4:5] == "\t" else (None, 0)


def _tried(sample: str, dialect: CsvDialect, above: int, names: Collection[str]) -> _Trial | None:
    """Try a dialect on the first lines; None if there is no row."""
    rows = _parsed(sample, dialect)
    place = header_place(rows, above, names)
    if place is None:
        return None
    header = rows[place]
    assert header is not None
    body = [row for row in rows[place + 1 :] if row is None or any(cell.strip() for cell in row)]
    if _has_row_names(header, body, sample, dialect.delimiter):
        header = ["", *header]
    width = len(header)
    unnamed = len(header) - len(_trimmed(header)) if any(map(str.strip, header)) else 0
    named = width - unnamed
    body = _without_notes(body, named)
    if any(row is not None and any(row[named:width]) for row in body):
        unnamed, named = 0, width
    fitting = [row is not None and len(row) >= named and not any(row[named:]) for row in body]
    stripped = tuple(name.strip() for name in header[:named])
    title = " ".join(cell.strip() for row in rows[above:place] for cell in row or () if cell)
    dialect = replace(
        dialect,
        above=place,
        header=stripped,
        unnamed=unnamed,
        are_trimmed=stripped != tuple(header[:named]),
        title=title,
        needed=tuple(place for place, name in enumerate(stripped) if name in names),
    )
    known = len(set(stripped) & set(names))
    right = sum(fitting) / len(fitting) if fitting else 1.0
    return _Trial(dialect, known, right, width == 1 and known > 0 and _are_texts(body))


def _without_notes(body: list[_Row], width: int) -> list[_Row]:
    """The rows without the short ones at the end, which may be what stands below the table."""
    end = len(body)
    for row in reversed(body[-_MOST_BELOW:]):
        if row is None or len(_trimmed(row)) >= width:
            break
        end -= 1
    return body[:end] or body


def _are_texts(body: Sequence[_Row]) -> bool:
    """Whether delimiters are part of texts: the fields differ in number, or begin with a blank."""
    widths = {0 if row is None else len(row) for row in body}
    is_blank = any(cell.startswith(" ") for row in body for cell in (row or ())[1:])
    return len(widths) > 1 or is_blank


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


def _has_row_names(header: Sequence[str], body: list[_Row], sample: str, delimiter: str) -> bool:
    """Whether rows begin with their number, for which the header has no name, as R writes them.

    R keeps the numbers of rows of which some were left out, and quotes them unless told not to.  A
    number without quotes may also be that of a product whose text or price has a delimiter.
    """
    width = len(header) + 1
    rows = [row or [] for row in _without_notes(body, len(_trimmed(header)) + 1)]
    if any(row and row[0].isdecimal() for row in body[len(rows) :]):
        return False
    if not rows or any(len(row) != width or not row[0].isdecimal() for row in rows):
        return False
    numbers = [int(row[0]) for row in rows]
    if any(one >= other for one, other in itertools.pairwise(numbers)):
        return False
    if all(f'"{row[0]}"{delimiter}' in sample for row in rows):
        return True
    are_all = numbers == list(range(1, len(numbers) + 1))
    least = 3 - are_all - (are_all and delimiter != ",")
    are_ended = not any(row[-1].strip() for row in rows)  # by a delimiter at the end of each row
    return len(rows) >= least and not are_ended and not _has_decimal_commas(rows, delimiter)


def _has_decimal_commas(rows: Sequence[Sequence[str]], delimiter: str) -> bool:
    """Whether all rows of a file with commas have a number in two neighbouring fields: 1,99."""
    return delimiter == "," and any(
        all(row[place].isdecimal() and re.fullmatch(r"\d\d?", row[place + 1]) for row in rows)
        for place in range(len(rows[0]) - 1)
    )
