"""Tells the user how a text file was read, where that is not as its name says.

Files of one folder that are read alike are told once; what was left out is told for each file.
"""

import logging
import re
from collections import OrderedDict
from collections.abc import Sequence

from prodcat.storage.csv_dialects import NO_DELIMITER, CsvDialect
from prodcat.storage.text_decoding import Encoding

logger = logging.getLogger("prodcat")
_MOST_KEPT = 1_000
_told: OrderedDict[tuple[str, str], None] = OrderedDict()
_SPELLED = {"\t": "tabs", " ": "blanks"}
_MOST_SHOWN = 60  # letters of a text from a file


def tell_encoding(uri: str, encoding: Encoding) -> None:
    """Tell in which encoding a file was read, unless it is UTF-8 or was named.

    Args:
        uri: The name of the file.
        encoding: The encoding, and how it is known.
    """
    guess = encoding.guess
    if encoding.is_guessed:
        _tell(
            uri,
            f"read as {encoding.name}, which fits its letters best. If that is wrong, set "
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
    elif encoding.name.startswith(("utf-16", "utf-32")):
        _tell(uri, f"read as {encoding.name}.", logging.INFO)


def tell_dialect(uri: str, dialect: CsvDialect, expected: str) -> None:
    """Tell how a CSV file was read, unless as its name says and without anything left out.

    Args:
        uri: The name of the file.
        dialect: How its fields are separated, and where its rows begin.
        expected: The delimiter that the user named, or that the ending of the name stands for.
    """
    marks = []
    if dialect.delimiter == NO_DELIMITER:
        marks.append("as one column")
    elif dialect.delimiter != expected:
        mark = _SPELLED.get(dialect.delimiter, repr(dialect.delimiter))
        marks.append(f"with {mark} between the fields")
    if not dialect.has_quotes:
        marks.append("with quotes as part of the texts")
    if dialect.skips_blanks:
        marks.append("without the blanks after delimiters")
    if dialect.escape:
        marks.append(f"with {dialect.escape} before the quotes inside a field")
    if dialect.unnamed and any(dialect.header):
        marks.append("without the empty columns at the end")
    if dialect.are_trimmed:
        marks.append("without the blanks around the names of the columns")
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
    if dialect.title:
        tell_above(uri, dialect.title, dialect.header)


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


def _tell(uri: str, text: str, level: int, for_each_file: bool = False) -> None:
    """Tell something once for all files of a folder, or for each file."""
    key = (uri if for_each_file else uri.rpartition("/")[0], text)
    if key in _told:
        return
    _told[key] = None
    if len(_told) > _MOST_KEPT:
        _told.popitem(last=False)
    logger.log(level, "%r: %s", uri, text)
