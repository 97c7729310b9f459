"""Options that name the columns of a file, and reading titles with them."""

import argparse
import re
import shlex
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prodcat.cli.answers import answer_keywords
from prodcat.cli.arrangement import FILE, TABLES
from prodcat.cli.output import note, say
from prodcat.errors import CatalogError, did_you_mean, no_column

if TYPE_CHECKING:
    from prodcat.catalog.catalog import Catalog
    from prodcat.storage.read_options import ReadOptions
    from prodcat.storage.table_files import Files

_FIRST_ROWS = 1_000
_NUMBER = re.compile(r"[-+]?\d[\d.,]*")


def column_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that name the columns with titles and categories."""
    title_option(parser)
    parser.add_argument(
        "--path",
        nargs="+",
        default=["path"],
        metavar="COLUMN",
        help="column with the whole path (A > B > C), or one column for each level, coarsest "
        "first; default path",
    )
    parser.add_argument(
        "--path-ids",
        nargs="+",
        metavar="COLUMN",
        help="column or columns with the stable ids of the categories along the path",
    )
    parser.add_argument(
        "--separator",
        default=">",
        metavar="TEXT",
        help="text between the names of a path; default >",
    )
    parser.add_argument(
        "--language", metavar="COLUMN", help="column with the language code of each row"
    )
    parser.add_argument(
        "--text",
        nargs="*",
        default=[],
        metavar="COLUMN",
        help="further columns that the model reads beside the title, such as brand",
    )
    parser.add_argument(
        "--inner",
        default="terminal",
        choices=["terminal", "partial"],
        help="meaning of a path that ends at a category with children: the product belongs there "
        "(terminal, the default), or its category below is not known (partial)",
    )
    parser.add_argument(
        "--merge",
        choices=["spelling", "accents"],
        help="make one category of siblings whose names differ only in case, blanks and Unicode's "
        "form (spelling), or also in accents; listed only if not given",
    )
    parser.add_argument(
        "--on-error",
        default="raise",
        choices=["raise", "aside", "accept"],
        help="faulty rows: stop with an error (raise, the default), leave them out (aside), or "
        "accept them as far as possible",
    )
    file_options(parser)


def title_option(parser: argparse.ArgumentParser) -> None:
    """Add ``--title``."""
    parser.add_argument(
        "--title",
        default="title",
        metavar="COLUMN",
        help="column with the title of the product; default title",
    )


def keep_option(parser: argparse.ArgumentParser, text: str) -> None:
    """Add ``--keep``; ``text`` says what for."""
    parser.add_argument("--keep", nargs="*", default=[], metavar="COLUMN", help=text)


def tables_argument(
    parser: argparse.ArgumentParser, name: str, text: str, *, nargs: str = "+"
) -> None:
    """Add an argument that takes the files of a table.

    Args:
        parser: The parser of the command.
        name: The name of the attribute, or that of an option.
        text: What the table holds.
        nargs: How many files may be named, as :mod:`argparse` says it.
    """
    form = "files, folders, globs or URIs (CSV, JSONL, Parquet, Excel), or - for standard input"
    shown = f"{text}: {form}" if not name.startswith("-") else f"{text}: files, folders or globs"
    parser.add_argument(name, nargs=nargs, metavar=FILE, help=shown)


def file_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that say how a file with titles is to be read."""
    parser.add_argument(
        "--delimiter",
        metavar="CHARACTER",
        help="between the fields of CSV files, such as ';' or tab; recognised if not given",
    )
    parser.add_argument(
        "--file-encoding",
        metavar="NAME",
        help="encoding of CSV and JSONL files, such as cp1252; recognised if not given",
    )
    parser.add_argument(
        "--sheet",
        metavar="NAME",
        help="sheet of Excel files; the first one with a table if not given",
    )


def read_options(options: argparse.Namespace, *names: str) -> "ReadOptions":
    """How files with titles are to be read, as the options of :func:`file_options` say.

    Args:
        options: The parsed options.
        names: Names of columns that the header is expected to have.

    Raises:
        CatalogError: An option has a value that is not possible.
    """
    from prodcat.storage.read_options import ReadOptions

    return ReadOptions(options.delimiter, options.file_encoding, options.sheet, names)


def check_tables(options: argparse.Namespace, *further: str) -> None:
    """Say which tables are read, and refuse files that do not exist, before anything is loaded.

    Args:
        options: The parsed options.
        further: Sources that are not the values of options for tables.

    Raises:
        CatalogError: There is no such file, it has an unknown ending, or it cannot be looked for.
    """
    from prodcat.storage.table_files import expand, table_format, uris_of

    given = [getattr(options, a.dest) for a in options.parser.actions if a.metavar in TABLES]
    sources = [*further, *(source for source in given if source)]
    names = [str(source) for source in sources if source != options.stdin]
    if names:
        note(f"reading {', '.join(names)}")
    for source in sources:
        for uri in uris_of(source):
            for file in expand(uri):
                table_format(file)


def check_title(options: argparse.Namespace, source: "str | Files") -> None:
    """Refuse a table without the columns that are read, before anything is loaded.

    Args:
        options: The parsed options, which include ``--title`` and ``--text``.
        source: The table.  Lines of JSON are not checked, as later lines may have the column.

    Raises:
        CatalogError: It lacks the column.
    """
    from prodcat.storage.folder_columns import folder_columns
    from prodcat.storage.table_files import expand, table_format, uris_of

    files = [file for uri in uris_of(source) for file in expand(uri)]
    first, of_folders = files[0], folder_columns(source, files)[0]
    columns = {} if table_format(first) == "jsonl" else first_piece(options, first, _FIRST_ROWS)
    needed = (options.title, *(options.text or ()))
    missing = [name for name in needed if name not in columns and name not in of_folders]
    if columns and missing:
        sentence = no_column(repr(first), missing[0], columns)
        raise CatalogError(
            f"{sentence} All files of the input must have the columns that are read: name "
            "these with --title and --text."
            f"{column_advice(options, columns)}{title_advice(options, columns)}"
        )


def title_advice(options: argparse.Namespace, columns: Mapping[str, Sequence[Any]]) -> str:
    """The column that probably has the titles, as a sentence after a blank; empty if none has.

    Args:
        options: The parsed options, which include ``--title``.
        columns: The first rows of the table, which may lack the column with the titles.
    """
    from prodcat.insight.first_look.guessing import guess_columns
    from prodcat.insight.first_look.words import title_rank

    if options.title in columns:
        return ""
    if did_you_mean(options.title, columns):  # which the message about the column says
        return ""
    is_named = any(title_rank(name) is not None for name in columns)
    if not is_named and any(_NUMBER.fullmatch(name.strip()) for name in columns):
        return (
            " The first line looks like a row, not like a header: put a line with the names of the "
            f"columns before it, of which one is {options.title!r}."
        )
    try:
        title = guess_columns(columns, path="").title
    except CatalogError:
        return ""
    advice = f" The titles are probably in {title!r}: --title {shlex.quote(title)}"
    if is_named or len(columns) > 1:
        return advice
    return f"{advice}. If that is a title itself, put a line with {options.title!r} before it."


def first_piece(
    options: argparse.Namespace, source: object, rows: int, *names: str
) -> dict[str, list[Any]]:
    """The columns of the first rows of a file, as many as asked for; none of an empty file.

    There are none of a pipe or a device either: what is read of it now could not be read again.

    Args:
        options: The parsed options, which include those of :func:`column_options`.
        source: A file, a glob or a URI.
        rows: The maximum number of rows.
        names: Names of columns, beside that with the title, that the header may have.

    Raises:
        CatalogError: The file cannot be read.
    """
    from prodcat.storage.tables import iter_tables

    paths = [Path(source)] if isinstance(source, str) else []
    if any(path.is_fifo() or path.is_char_device() for path in paths):
        return {}
    reading = read_options(options, options.title, *names)
    pieces = iter_tables(source, rows, options=reading, report=lambda row, detail: None)
    return next(iter(pieces), {})


def read_titles(options: argparse.Namespace, source: object, **extra: Any) -> "Catalog":
    """Read titles from the columns in the options; print problems with rows to standard error.

    Args:
        options: The parsed options, which include those of :func:`column_options`.
        source: A file, a glob, a URI, or a mapping of columns.
        extra: Further arguments of :func:`~prodcat.catalog.reading.read_catalog`.

    Raises:
        CatalogError: The titles cannot be read, or there are faulty rows and ``--on-error`` is
            ``raise``.
    """
    from prodcat.catalog.reading import read_catalog

    named = ("title", "separator", "language", "text", "inner", "merge", "on_error", "delimiter")
    file = {"encoding": options.file_encoding, "sheet": options.sheet}
    keywords = answer_keywords(options, named) | file | extra
    paths = one_or_many(options.path), one_or_many(options.path_ids)
    try:
        catalog = read_catalog(source, path=paths[0], path_ids=paths[1], **keywords)
    except CatalogError as error:
        advice = _advice_on(options, source, str(error))
        if not advice:
            raise
        raise CatalogError(f"{error}{advice}") from error
    if catalog.report.problems:
        say(catalog.report.problems_text())
    return catalog


def _advice_on(options: argparse.Namespace, source: object, message: str) -> str:
    """The advice of :func:`column_advice` on an error about a column that does not exist."""
    if "no column" not in message and "lack" not in message:
        return ""
    try:
        columns = first_piece(options, source, _FIRST_ROWS)
        return column_advice(options, columns) + title_advice(options, columns)
    except CatalogError:
        return ""


def column_advice(options: argparse.Namespace, columns: Collection[str]) -> str:
    """How to write the names of columns that exist, but not as they were written.

    Args:
        options: The parsed options.
        columns: The names of the columns of the table.

    Returns:
        A sentence after a blank if names with blanks lack their quotes, or if a comma stands
        between names; else an empty text.
    """
    for option in ("path", "path_ids", "text", "keep"):
        given = getattr(options, option, None) or []
        if not given or set(given) <= set(columns):
            continue
        name = f"--{option.replace('_', '-')}"
        if joined := _joined(given, columns):
            names = " ".join(map(shlex.quote, joined))
            return f" Put names with blanks in quotes: {name} {names}"
        for mark in ",;":
            parts = [part.strip() for each in given for part in each.split(mark) if part.strip()]
            if parts != given and set(parts) <= set(columns):
                names = " ".join(map(shlex.quote, parts))
                return f" Put blanks, and no {mark!r}, between the names: {name} {names}"
    return ""


def _joined(words: Sequence[str], columns: Collection[str]) -> list[str]:
    """The columns whose names are these words one after the other; empty if there are none."""
    if not words:
        return []
    for end in range(len(words), 0, -1):
        name = " ".join(words[:end])
        rest = _joined(words[end:], columns)
        if name in columns and (rest or end == len(words)):
            return [name, *rest]
    return []


def one_or_many(names: list[str] | None) -> str | list[str] | None:
    """The only name of a list as a text; several, or None, as they are."""
    return names[0] if names is not None and len(names) == 1 else names
