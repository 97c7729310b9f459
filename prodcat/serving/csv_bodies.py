"""Parse titles from CSV, and write answers as CSV.

The titles are a table with a header and a column ``title``, or rows without a header.  The
``Content-Type`` may say ``header=present`` or ``header=absent``, and the ``delimiter``; otherwise
they are recognised, the delimiter of a table with a header as that of a file.  In one column of
titles every line is a row: a blank line is an empty title.
"""

import csv
import io
import itertools
import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from prodcat.serving.charsets import decoded_text
from prodcat.serving.field_names import FieldNames, field_names
from prodcat.serving.query import Query, check_letters
from prodcat.serving.refusal import Refusal, shown
from prodcat.serving.settings import Limits
from prodcat.storage.csv_dialects import SAMPLE, recognised_dialect, stated_delimiter
from prodcat.storage.csv_reading import CsvDialect
from prodcat.storage.read_options import DELIMITERS
from prodcat.text_encoding import for_csv

Header = Literal["present", "absent"]
_COMMA = CsvDialect(",")
_NAMED = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|"}
# The first line that is not empty, of which at most a sample is taken.
_LINE = re.compile(rf"[^\r\n]{{1,{SAMPLE}}}")
_OTHER_MARKS = re.compile(r"[;\t|]")
_STATED = ("sep=", '"sep=')  # how Excel's line with the delimiter begins


def read_csv(
    body: bytes,
    known: Sequence[str],
    limits: Limits,
    parameters: Mapping[str, str] | None = None,
) -> Query:
    """Parse a CSV table of titles.

    Without a header, the rows have a title alone, or a title followed by all columns in ``known``.

    Args:
        body: The bytes of the request's body.
        known: The names of further columns that the model uses.
        limits: The maximum size of a request.
        parameters: The parameters of the ``Content-Type``, of which ``charset``, ``header`` and
            ``delimiter`` are read.

    Raises:
        Refusal: With status 400 if the body is not such a table, or a text is too long; or 415 if
            a parameter is not supported.
    """
    header = delimiter = charset = None
    if parameters:
        header, delimiter = _header_parameter(parameters), _delimiter_parameter(parameters)
        charset = parameters.get("charset")
    text = decoded_text(body, charset)
    fields = field_names(tuple(known))
    if text[:5].lower().startswith(_STATED):
        stated, lines = stated_delimiter(text)
        delimiter = delimiter or stated
        text = text[text.find("\n") + 1 or len(text) :] if lines else text
    dialect = _dialect(text, header, delimiter, fields)
    blank, rows = _rows(text, dialect, limits)
    if header != "absent" and rows and fields.have_title(rows[0]):
        return _table(rows, fields)
    if header == "present" and rows:
        raise Refusal(
            400, f"The header has the columns {shown(rows[0])}; expected one of them to be 'title'."
        )
    if header is None and rows and fields.have_another(rows[0]):
        raise Refusal(
            400,
            f"The first row, {shown(rows[0])}, has a name of a column, but no column 'title'. Name "
            "the column with the titles 'title', or say header=absent in the Content-Type.",
        )
    return _plain_rows([[""]] * blank + rows, fields, dialect.delimiter)


def _header_parameter(parameters: Mapping[str, str]) -> Header | None:
    value = parameters.get("header")
    match value and value.lower():
        case None:
            return None
        case "present":
            return "present"
        case "absent":
            return "absent"
    raise Refusal(
        415, f"The parameter header={shown(value)} is not supported; expected present or absent."
    )


def _delimiter_parameter(parameters: Mapping[str, str]) -> str | None:
    value = parameters.get("delimiter")
    if value is None or value in DELIMITERS:
        return value
    if value.lower() in _NAMED:
        return _NAMED[value.lower()]
    raise Refusal(
        415,
        f"The parameter delimiter={shown(value)} is not supported; expected one of {list(_NAMED)}.",
    )


def _dialect(
    text: str, header: Header | None, delimiter: str | None, fields: FieldNames
) -> CsvDialect:
    """The dialect of a body; most bodies need only a quick look at their first line."""
    plain = _COMMA if delimiter in (None, ",") else CsvDialect(delimiter)
    if header == "absent":
        return plain
    first = _LINE.search(text)
    line = first[0] if first else ""
    if "title" not in line.lower():
        return plain
    if not (delimiter or _OTHER_MARKS.search(line) or '\\"' in text):
        return plain
    for mark in (delimiter,) if delimiter else DELIMITERS:
        titles = [name.strip() for name in _split(line, mark) if fields.have_title([name])]
        if titles:
            whole = len(text) <= SAMPLE
            recognised = recognised_dialect(text[:SAMPLE], ",", mark, titles, is_whole=whole)
            if recognised is None:
                return CsvDialect(mark)
            escapes = recognised.escape, recognised.escaped
            return CsvDialect(mark, *escapes, recognised.doubles_escape)
    return plain


def _split(line: str, delimiter: str) -> list[str]:
    """The fields of a line, which need not be valid CSV."""
    return next(csv.reader([line], delimiter=delimiter), [])


def _rows(text: str, dialect: CsvDialect, limits: Limits) -> tuple[int, list[list[str]]]:
    """The rows, including a header; at most two more than the limit.

    In a table of one column a blank line is a row with an empty title, as spreadsheets write one.
    In a table of several columns it is no row.

    Returns:
        The number of rows that are blank lines before all others, and the others.
    """
    rows: list[list[str]] = []
    blank = 0
    try:
        for row in dialect.reader(io.StringIO(text, newline="")):
            if row:
                rows.append(row)
            elif not rows:
                blank += 1
            elif len(rows[0]) == 1:
                rows.append([""])
            if len(rows) > limits.titles + 1:
                break
    except csv.Error as error:
        raise Refusal(
            400,
            f"The body is not valid CSV: {error}. Double the quotes inside a field, and close "
            "every quote.",
        ) from error
    if rows and len(rows[0]) > 1:
        blank = 0
    return min(blank, limits.titles + 1), rows


def _table(rows: list[list[str]], fields: FieldNames) -> Query:
    """The titles in rows of which the first is a header."""
    names = [name.strip() for name in rows.pop(0)]
    width = len(names)
    while names and not names[-1]:
        names.pop()
    if any(any(row[len(names) : width]) for row in rows):  # a column without a name is not empty
        names += [""] * (width - len(names))
    places = fields.places(names)
    for row in rows:
        if not len(names) <= len(row) <= width:
            raise _uneven(width, row)
    read = set(places.values())
    columns = {name: [row[place] for row in rows] for name, place in places.items()}
    check_letters(columns)
    unread = [name for place, name in enumerate(names) if place not in read]
    return Query(columns, form="csv with header", unread=tuple(dict.fromkeys(unread)))


def _plain_rows(rows: list[list[str]], fields: FieldNames, delimiter: str) -> Query:
    """The titles in rows without a header."""
    width = len(rows[0]) if rows else 1
    names = fields.exact
    if width not in (1, len(names)):
        raise Refusal(
            400,
            f"Found {width} columns, but no header with a column title; expected one column of "
            f"titles, or a header. Quote titles that hold a {delimiter!r}.",
        )
    for row in rows:
        if len(row) != width:
            raise _uneven(width, row)
    columns = {name: [row[place] for row in rows] for place, name in enumerate(names[:width])}
    check_letters(columns)
    return Query(columns, form="csv")


def _uneven(width: int, row: Sequence[str]) -> Refusal:
    return Refusal(
        400,
        f"Found rows of {width} and of {len(row)} fields; expected the same number in all rows. "
        "Quote fields that hold a delimiter.",
    )


def write_csv(columns: Mapping[str, Sequence[Any]], has_header: bool) -> bytes:
    """The bytes of a CSV table of answers, in UTF-8.

    Args:
        columns: The values of each column by column name; all columns have the same length.
        has_header: Whether the first line has the names of the columns.
    """
    names = [columns.keys()] if has_header else []
    return for_csv(itertools.chain(names, zip(*columns.values(), strict=True))).encode()
