"""Which columns of a file hold what, and the titles that are read from it."""

import argparse
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from prodcat.catalog.catalog import Catalog


def column_options(parser: argparse.ArgumentParser) -> None:
    """Add what says where titles and categories are in a file."""
    parser.add_argument("--title", default="title", help="column with the title")
    parser.add_argument(
        "--path", nargs="+", default=["path"], help="column with the path, or one for each level"
    )
    parser.add_argument("--path-ids", nargs="+", help="column or columns with the stable ids")
    parser.add_argument("--separator", default=">", help="between the names of a path")
    parser.add_argument("--language", help="column with the language")
    parser.add_argument("--text", nargs="*", default=[], help="further text columns")
    parser.add_argument(
        "--inner",
        default="terminal",
        choices=["terminal", "partial"],
        help="what a path means that ends at a category with children",
    )
    parser.add_argument(
        "--on-error",
        default="raise",
        choices=["raise", "aside", "accept"],
        help="what to do with wrong rows",
    )


def read_titles(options: argparse.Namespace, source: object, **extra: Any) -> "Catalog":
    """Read titles as the options say; what is wrong with them goes to the standard error.

    Args:
        options: The options that were given, those of :func:`column_options` among them.
        source: A file, several, a folder, or a mapping of columns.
        extra: Further arguments of :func:`read_catalog`.

    Raises:
        CatalogError: The titles cannot be read or used as they are.
    """
    from prodcat.catalog.reading import read_catalog

    catalog = read_catalog(
        source,
        title=options.title,
        path=_one_or_many(options.path),
        path_ids=_one_or_many(options.path_ids),
        separator=options.separator,
        language=options.language,
        text=options.text,
        inner=options.inner,
        on_error=options.on_error,
        **extra,
    )
    if catalog.report.problems:
        print(catalog.report, file=sys.stderr)
    return catalog


def _one_or_many(names: list[str] | None) -> str | list[str] | None:
    return names[0] if names is not None and len(names) == 1 else names
