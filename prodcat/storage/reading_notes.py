"""Tells the user how a text file was read, where that is not as its name says.

Files of one folder that are read alike are told once; what was left out is told for each file.
"""

import logging
import re
from collections import OrderedDict
from collections.abc import Sequence

from prodcat.storage.csv_reading import NO_DELIMITER, CsvDialect
from prodcat.storage.text_decoding import Encoding

logger = logging.getLogger("prodcat")
_MOST_KEPT = 1_000
# A field of a CSV file such as 4,00638E+12, of at least eight digits before the decimal point.
_EXPONENT = re.compile(r"""(?<=[,;\t|"\r\n])[1-9][.,]\d{1,9}E\+(?:0[89]|1\d|2\d)(?=[,;\t|"\r\n])""")
_LINE_END = re.compile(r"\r\n?|\n")
_told: OrderedDict[tuple[str, str], None] = OrderedDict()
_SPELLED = {"\t": "tabs", " ": "blanks"}
_MOST_SHOWN = 60  # letters of a text from a file
_MOST_NAMED = 5  # rows or columns in a message


def tell_encoding(uri: str, encoding: Encoding) -> None:
    """Tell in which encoding a file was read, unless it is UTF-8 or was named.

    Args:
        uri: The name of the file.
        encoding: The encoding, and how it is known.
    """
    guess = encoding.guess
    if encoding.is_guessed and guess is not None:
        rivals = ""
        if guess.others:
            rivals = (
                f" A word of it is {guess.example!r} so, and {guess.other_example!r} in "
                f"{guess.others[0]}."
            )
        _tell(
            uri,
            f"read as {encoding.name}, which fits its letters best.{rivals} If that is wrong, set "
            "--file-encoding (encoding= in Python).",
            logging.WARNING,
        )
    elif guess is not None:
        either = (
            f"It may be {' or '.join(guess.others[:3])}, which have different letters: "
            f"{guess.example!r} in {guess.others[0]}. "
            if guess.others
            else ""
        )
        _tell(
            uri,
            f"not UTF-8 everywhere. {either}Rows with such letters are wrong rows. Set "
            "--file-encoding (encoding= in Python).",
            logging.WARNING,
        )
    elif encoding.name.startswith(("utf-16", "utf-32", "iso2022")):
        _tell(uri, f"read as {encoding.name}.", logging.INFO)


def tell_dialect(uri: str, dialect: CsvDialect, expected: str) -> None:
    """Tell how a CSV file was read, unless as its name says and without anything left out.

    Args:
        uri: The name of the file.
        dialect: How its fields are separated, and where its rows begin.
        expected: The delimiter that the user named, or that the ending of the name stands for.
    """
    marks = _differences(dialect, expected)
    if marks:
        _tell(
            uri,
            f"read {', '.join(marks)}. If that is wrong, set --delimiter (delimiter= in Python).",
            logging.INFO,
        )
    [name, *others] = dialect.header
    if not others and not dialect.needed and re.search(r"[^\w\s]", name):
        _tell(
            uri,
            f"read as one column, {name[:_MOST_SHOWN]!r}. If a character in this name separates "
            "the columns, set --delimiter (delimiter= in Python) to it.",
            logging.WARNING,
        )
    if dialect.types:
        tell_types(uri, dialect.types)
    if dialect.title:
        tell_above(uri, dialect.title, dialect.header)


def _differences(dialect: CsvDialect, expected: str) -> list[str]:
    """How a CSV file was read, where that is not as its name says."""
    marks = []
    if dialect.delimiter == NO_DELIMITER:
        marks.append("as one column")
    elif dialect.delimiter != expected:
        mark = _SPELLED.get(dialect.delimiter, repr(dialect.delimiter))
        marks.append(f"with {mark} between the fields")
    others = {
        "with quotes as part of the texts": not dialect.has_quotes,
        "without the blanks after delimiters": dialect.skips_blanks,
        "without the blanks before delimiters": dialect.ends_blanks,
        f"without the quotes {dialect.quote} around fields": dialect.quote != '"',
        "without the quotes around whole lines": dialect.unwraps,
        f"with {dialect.escape} before the quotes inside a field": dialect.escape,
        "without the empty columns at the end": dialect.unnamed and any(dialect.header),
        "without the blanks around the names of the columns": dialect.are_trimmed,
    }
    return marks + [text for text, is_so in others.items() if is_so]


def tell_quotes(uri: str, quote: str) -> None:
    """Tell that quotes around fields belong to their texts, as not all fields close them.

    Args:
        uri: The name of the file.
        quote: The character around the fields.
    """
    _tell(
        uri,
        f"the quotes {quote} around fields are read as part of the texts, as some texts have such "
        "quotes inside. Double those inside a text, or write the file with double quotes.",
        logging.WARNING,
    )


def tell_types(uri: str, types: str) -> None:
    """Tell that a line with the types of the columns was left out.

    Args:
        uri: The name of the file.
        types: What the line says.
    """
    _tell(
        uri,
        f"left out the line of types below the header: {types[:_MOST_SHOWN]!r}. If it is a "
        "product, move it further down.",
        logging.WARNING,
    )


def tell_form(uri: str, form: str) -> None:
    """Tell in which form a JSON document has its rows, unless it is a list of objects.

    Args:
        uri: The name of the file.
        form: The form, with which a sentence can end.
    """
    _tell(uri, f"read as {form}.", logging.INFO)


def tell_above(uri: str, text: str, header: Sequence[str]) -> None:
    """Tell that lines above the header were left out.

    Args:
        uri: The name of the file.
        text: What these lines say.
        header: The names of the columns.
    """
    _tell(
        uri,
        f"left out what stands above the header: {text[:_MOST_SHOWN]!r}. The columns are "
        f"{list(header[:5])}.",
        logging.WARNING,
    )


def tell_first_row(uri: str, first: int, empty: int, *, is_above: bool) -> None:
    """Tell how rows of a sheet are counted in messages.

    Args:
        uri: The name of the file.
        first: The number of the table's first row in the sheet, from 1.
        empty: The number of empty rows within the table.
        is_above: Whether lines stand above the header.
    """
    skipped = f"; empty rows within the table are not counted ({empty:,})" if empty else ""
    text = f"rows are counted below the header: row 1 is row {first:,} of the sheet{skipped}."
    _tell(uri, text, logging.WARNING if is_above else logging.INFO)


def tell_below(uri: str, text: str) -> None:
    """Tell that lines below a table were left out.

    Args:
        uri: The name of the file.
        text: What these lines say.
    """
    text = f"left out what stands below the table: {text[:_MOST_SHOWN]!r}."
    _tell(uri, text, logging.WARNING, for_each_file=True)


def tell_empty(uri: str, count: int) -> None:
    """Tell that rows without any value were left out.

    Args:
        uri: The name of the file.
        count: The number of these rows.
    """
    _tell(uri, f"left out {count:,} rows without any value.", logging.WARNING, for_each_file=True)


def tell_rules(uri: str, count: int) -> None:
    """Tell that lines which are drawn between rows were left out.

    Args:
        uri: The name of the file.
        count: The number of these lines.
    """
    text = f"left out {count:,} line{'s' * (count > 1)} drawn with dashes or the like."
    _tell(uri, text, logging.WARNING, for_each_file=True)


def tell_sheet(uri: str, sheet: str, others: list[str]) -> None:
    """Tell which sheet of a workbook was read, if it has several.

    Args:
        uri: The name of the file.
        sheet: The name of the sheet that was read.
        others: The names of the other sheets.
    """
    _tell(
        uri,
        f"read the sheet {sheet!r}, and not {others}. Set --sheet (sheet= in Python) to read "
        "another.",
        logging.WARNING,
    )


def tell_unread_spans(uri: str) -> None:
    """Tell that a workbook has merged cells of which only the first is read.

    Args:
        uri: The name of the file.
    """
    _tell(
        uri,
        "cells are merged over several rows, of which only the first has a value here. Save the "
        "workbook as .xlsx, or split the cells and fill them.",
        logging.WARNING,
        for_each_file=True,
    )


def tell_exponents(uri: str, sample: str, delimiter: str) -> None:
    """Tell that a file has numbers as Excel shows long ids, such as 4.00638E+12.

    Args:
        uri: The name of the file.
        sample: The first characters of the file.
        delimiter: The character between two fields.
    """
    numbers = _EXPONENT.finditer(sample)
    match = next((number for number in numbers if number[0][1] != delimiter), None)
    if match is not None:
        line = len(_LINE_END.findall(sample, 0, match.start())) + 1
        _tell(
            uri,
            f"line {line:,} has the number {match[0]}, as Excel shows a long id: its other digits "
            "are lost. Format the column as text or as a number without decimals in Excel, and "
            "export it again.",
            logging.WARNING,
            for_each_file=True,
        )


def tell_names(uri: str, header: Sequence[str], names: Sequence[str]) -> None:
    """Tell that columns got other names than in the header, unless all kept their names.

    Args:
        uri: The name of the file.
        header: The names in the header.
        names: The names by which the columns are read.
    """
    changed = [
        f"column {place} ({old!r:.{_MOST_SHOWN}}) as {new!r:.{_MOST_SHOWN}}"
        for place, (old, new) in enumerate(zip(header, names, strict=True), 1)
        if old != new
    ]
    if changed:
        more = f" and {len(changed) - _MOST_NAMED} more" if len(changed) > _MOST_NAMED else ""
        _tell(
            uri,
            "several columns have the same name, or none. Read "
            f"{', '.join(changed[:_MOST_NAMED])}{more}. Give each its own name in the header.",
            logging.WARNING,
        )


def tell_cells(uri: str, what: str, column: str, rows: Sequence[int], advice: str) -> None:
    """Tell of cells of a workbook whose values are not as they look.

    Args:
        uri: The name of the file.
        what: What is wrong with the cells.
        column: The name of their column.
        rows: The numbers of their rows in the sheet, from 1.
        advice: What the user may do.
    """
    shown = ", ".join(f"{row:,}" for row in rows[:_MOST_NAMED])
    more = f" and {len(rows) - _MOST_NAMED:,} more" if len(rows) > _MOST_NAMED else ""
    _tell(
        uri,
        f"column {column!r:.{_MOST_SHOWN}}, row{'s' * (len(rows) > 1)} {shown}{more} of the sheet: "
        f"{what}. {advice}",
        logging.WARNING,
        for_each_file=True,
    )


def _tell(uri: str, text: str, level: int, for_each_file: bool = False) -> None:
    """Tell something once for all files of a folder, or for each file."""
    key = (uri if for_each_file else uri.rpartition("/")[0], text)
    if key in _told:
        return
    _told[key] = None
    if len(_told) > _MOST_KEPT:
        _told.popitem(last=False)
    logger.log(level, "%r: %s", uri, text)
