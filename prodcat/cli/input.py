"""Options that name the columns of a file, and reading titles with them."""

import argparse
from typing import TYPE_CHECKING, Any

from prodcat.cli.answers import answer_keywords
from prodcat.cli.arrangement import FILE
from prodcat.cli.output import say

if TYPE_CHECKING:
    from prodcat.catalog.catalog import Catalog
    from prodcat.storage.read_options import ReadOptions


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
        "--sheet", metavar="NAME", help="sheet of Excel files; the first one if not given"
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


def first_piece(options: argparse.Namespace, source: object, rows: int) -> dict[str, list[Any]]:
    """The columns of the first rows of a file, as many as asked for; none of an empty file.

    Args:
        options: The parsed options, which include those of :func:`column_options`.
        source: A file, a glob or a URI.
        rows: The maximum number of rows.

    Raises:
        CatalogError: The file cannot be read.
    """
    from prodcat.storage.tables import iter_tables

    reading = read_options(options, options.title)
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
    catalog = read_catalog(source, path=paths[0], path_ids=paths[1], **keywords)
    if catalog.report.problems:
        say(catalog.report.problems_text())
    return catalog


def one_or_many(names: list[str] | None) -> str | list[str] | None:
    """The only name of a list as a text; several, or None, as they are."""
    return names[0] if names is not None and len(names) == 1 else names
