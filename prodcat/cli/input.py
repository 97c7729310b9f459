"""What commands read: titles and classifiers."""

import argparse
import os
import sys
from typing import TYPE_CHECKING, Any

from prodcat.cli.models import named_keys

if TYPE_CHECKING:
    from prodcat.catalog.catalog import Catalog
    from prodcat.classifier.classifier import Classifier


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


def read_titles(options: argparse.Namespace, source: str, **extra: Any) -> "Catalog":
    """Read titles as the options say; what is wrong with them goes to the standard error.

    Args:
        options: With those of :func:`column_options`.
        source: A file, several, or a folder.
        extra: See :func:`read_catalog`.
    """
    from prodcat.catalog.catalog import read_catalog

    def one_or_many(names: list[str] | None) -> str | list[str] | None:
        return names[0] if names is not None and len(names) == 1 else names

    catalog = read_catalog(
        source,
        title=options.title,
        path=one_or_many(options.path),
        path_ids=one_or_many(options.path_ids),
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


def load_classifier(options: argparse.Namespace, uri: str) -> "Classifier":
    """Load a classifier onto the device of the options, by the cache and keys of the environment.

    Args:
        options: Of the command.
        uri: Where it is.
    """
    from prodcat.classifier.loading import load

    device = getattr(options, "device", "cpu")
    keys = named_keys()
    if keys is not None:
        from prodcat.classifier.loading import is_reference

        if not is_reference(uri, signed=True):
            keys = None
    return load(uri, device=device, cache=os.environ.get("PRODCAT_CACHE"), keys=keys)
