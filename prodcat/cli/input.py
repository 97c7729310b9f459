"""Options that name the columns of a file, and reading titles with them."""

import argparse
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from prodcat.catalog.catalog import Catalog


def column_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that name the columns with titles and categories."""
    parser.add_argument("--title", default="title", help="column with the title")
    parser.add_argument(
        "--path", nargs="+", default=["path"], help="column with the path, or one for each level"
    )
    parser.add_argument("--path-ids", nargs="+", help="column or columns with the stable ids")
    parser.add_argument("--separator", default=">", help="text between the names of a path")
    parser.add_argument("--language", help="column with the language")
    parser.add_argument("--text", nargs="*", default=[], help="further text columns")
    parser.add_argument(
        "--inner",
        default="terminal",
        choices=["terminal", "partial"],
        help="meaning of a path that ends at a category with children: the product belongs there, "
        "or its category below is not known",
    )
    parser.add_argument(
        "--on-error",
        default="raise",
        choices=["raise", "aside", "accept"],
        help="faulty rows: stop with an error, leave them out, or accept them as far as possible",
    )


def read_titles(options: argparse.Namespace, source: object, **extra: Any) -> "Catalog":
    """Read titles as the options say, and print problems with them to the standard error.

    Args:
        options: The parsed options, which include those of :func:`column_options`.
        source: A file, several files, a folder, or a mapping of columns.
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
