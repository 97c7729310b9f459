"""Recognises how a CSV file separates and quotes its fields, and which of its lines is the header.

Every delimiter that is in use is tried on the first lines.  The delimiter is the one with which the
lines have as many fields as the header; if several do, the one with which the header has the names
that are expected.
"""

import csv
import io
import itertools
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from prodcat.storage.csv_marks import kept_feeds, loose_backslashes, odd_quotes, restored_feeds
from prodcat.storage.csv_reading import NO_DELIMITER, CsvDialect
from prodcat.storage.footers import is_rule
from prodcat.storage.header_rows import header_place, trimmed
from prodcat.storage.read_options import DELIMITERS
from prodcat.storage.type_rows import is_type_row
from prodcat.storage.wrapped_lines import are_fields, may_be_wrapped

SAMPLE = 64 << 10  # characters from which a dialect is recognised
# A quote that is doubled inside a field: neither the end of a field after an escaped quote, nor an
# empty field in quotes.
_DOUBLED = re.compile(r'(?<=[^\\,;\t|\r\n])""')
# A quote after a backslash that is not escaped itself, as two at the end of a text may be.
_ESCAPED = re.compile(r'(?<!\\)(?:\\\\)*\\"')
_OPENED = re.compile(r"""(?:^|[,;\t|\r\n]) ?"[^"\r\n,;\t|]*(?:"[^"\r\n,;\t|]|[,;\t|\r\n])""")
# A first line such as "sku" "title", as R writes it if no delimiter is named.
_SPACE = re.compile(r'\A"[^"\r\n]+"( )"[^"\r\n]+"(?: "[^"\r\n]+")*[\r\n]')
_ENDS_IN_BLANK = re.compile(r'" +[\r\n,;\t|]')
# Delimiters that are recognised only if all rows and the names of the columns fit.
_RARE = ("^", "~", "¦", "§", "#", "\x01", "\x1e")
_LEAST_RIGHT = 0.5  # share of the lines that must have as many fields as the header
_MOST_BELOW = 20  # lines below the table
_Row = list[str] | None  # None for a line that is not valid CSV


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
        best = _recognised(kept_feeds(returns), default, given, names)
        if best is not None and best.right == 1:
            header = tuple(map(restored_feeds, best.dialect.header))
            return replace(best.dialect, keeps_feeds=True, header=header)
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
    if (quoted := _oddly_quoted(sample, marks, above, names)) is not None:
        return quoted
    wrapped = _wrapped(sample, marks, above, names)
    bare = None if wrapped else _bare(sample, marks, above, names)
    if bare is not None and bare.dialect.delimiter == "\t" and bare.has_columns:
        return bare
    if first is not None and first.has_columns and first.right == 1:
        rivals = any(mark in name for name in first.dialect.header for mark in others)
        is_escaped = _ESCAPED.search(sample) and not _DOUBLED.search(sample)
        is_known = first.known > 0 or not (names or rivals)
        if first.dialect.above == above and is_known and not is_escaped:
            return first
    trials = ([first] if first is not None else []) + wrapped
    for dialect in (each for mark in marks for each in _variants(sample, mark)):
        trial = _tried(sample, dialect, above, names) if dialect != usual else None
        trials += [trial] if trial is not None else []
    if _ESCAPED.search(sample) and not _DOUBLED.search(sample):
        # No quote is doubled, so the escapes are meant.
        trials.sort(key=lambda trial: trial.dialect.escape is None)
    best = _best(trials)
    if not given and not (best is not None and best.has_columns and best.known and best.right == 1):
        best = _best([*_rare(sample, above, names), *([best] if best is not None else [])])
    return bare if bare is not None and (best is None or best.right < 1) else best


def _variants(sample: str, delimiter: str) -> Iterator[CsvDialect]:
    """The dialects with a delimiter that the first lines may have."""
    if delimiter not in sample and delimiter != NO_DELIMITER:
        return
    dialects = [CsvDialect(delimiter)]
    for escaped in ('"\r\n', '"', f'"{delimiter}\r\n') if "\\" in sample else ():
        is_single = loose_backslashes(sample, escaped)
        dialects.append(CsvDialect(delimiter, "\\", escaped, doubles_escape=not is_single))
    for dialect in dialects:
        yield dialect
        if f'{delimiter} "' in sample:
            yield replace(dialect, skips_blanks=True)
    if f'" {delimiter}' in sample or _ENDS_IN_BLANK.search(sample):
        yield CsvDialect(delimiter, ends_blanks=True, skips_blanks=f'{delimiter} "' in sample)


def _oddly_quoted(
    sample: str, delimiters: Sequence[str], above: int, names: Collection[str]
) -> _Trial | None:
    """The trial of a file whose fields are in other quotes than usual, and all fit; or None."""
    trials = [
        _tried(sample, CsvDialect(mark, quote=quote), above, names)
        for quote in odd_quotes(sample)
        for mark in delimiters
        if mark in sample or mark == NO_DELIMITER
    ]
    fitting = [trial for trial in trials if trial is not None and trial.right == 1]
    return _best([trial for trial in fitting if trial.known or not names])


def _wrapped(
    sample: str, delimiters: Sequence[str], above: int, names: Collection[str]
) -> list[_Trial]:
    """The trials of a file of which whole lines are in quotes; all their rows fit."""
    if not may_be_wrapped(sample):
        return []
    trials = []
    for dialect in (CsvDialect(mark, unwraps=True) for mark in delimiters if mark in sample):
        trial = _tried(sample, dialect, above, names)
        if trial is None or not trial.has_columns or trial.right < 1:
            continue
        rows = _parsed(sample, replace(dialect, unwraps=False))
        is_used = any(row and dialect.delimiter in row[0] and not any(row[1:]) for row in rows)
        if is_used and (trial.known or not names) and are_fields(_parsed(sample, dialect)):
            trials.append(trial)
    return trials


def _rare(sample: str, above: int, names: Collection[str]) -> list[_Trial]:
    """The trials with a delimiter that is seldom used; the header and all rows fit."""
    trials = [_tried(sample, CsvDialect(mark), above, names) for mark in _RARE if mark in sample]
    return [
        trial
        for trial in trials
        if trial is not None
        and trial.has_columns
        and trial.right == 1
        and all(trial.dialect.header)
        and (trial.known or not names)
    ]


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
    types = next(iter(rows[place + 1 : place + 2]), None) or []
    has_types = len(types) == len(header) and is_type_row(types)
    body = [row for row in rows[place + 1 :] if row is None or any(cell.strip() for cell in row)]
    body = body[has_types:]
    body = [row for row in body if row is None or not is_rule(row)]
    if _has_row_names(header, body, sample, dialect.delimiter):
        header = ["", *header]
    width = len(header)
    unnamed = len(header) - len(trimmed(header)) if any(map(str.strip, header)) else 0
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
        types=", ".join(types) if has_types else "",
        needed=tuple(place for place, name in enumerate(stripped) if name in names),
    )
    known = len(set(stripped) & set(names))
    right = sum(fitting) / len(fitting) if fitting else 1.0
    return _Trial(dialect, known, right, width == 1 and known > 0 and _are_texts(body))


def _without_notes(body: list[_Row], width: int) -> list[_Row]:
    """The rows without the short ones at the end, which may be what stands below the table."""
    end = len(body)
    for row in reversed(body[-_MOST_BELOW:]):
        if row is None or len(trimmed(row)) >= width:
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


def _has_row_names(header: Sequence[str], body: list[_Row], sample: str, delimiter: str) -> bool:
    """Whether rows begin with their number, for which the header has no name, as R writes them.

    R keeps the numbers of rows of which some were left out, and quotes them unless told not to.  A
    number without quotes may also be that of a product whose text or price has a delimiter.
    """
    width = len(header) + 1
    rows = [row or [] for row in _without_notes(body, len(trimmed(header)) + 1)]
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
