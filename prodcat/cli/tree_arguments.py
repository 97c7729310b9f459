"""The trees that a command compares: their arguments, and how they are read."""

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prodcat.taxonomy.tree import Taxonomy


def tree_arguments(parser: argparse.ArgumentParser, old: str = "tree that is in use") -> None:
    """Add the arguments for a tree and its next version.

    Args:
        parser: The parser.
        old: What the first tree is, for the help page.
    """
    for name, what in (("old", old), ("new", "next version of the tree")):
        parser.add_argument(
            name,
            metavar=name.upper(),
            help=f"{what}: a file or URI (JSON, text, CSV, JSONL, Parquet, Excel)",
        )


def same_names_option(parser: argparse.ArgumentParser) -> None:
    """Add ``--same-names``, for siblings of a tree that have one name."""
    parser.add_argument(
        "--same-names",
        default="refuse",
        choices=["refuse", "id"],
        help="siblings with the same name and different ids: refuse the tree (the default), or add "
        "the ids to their names (id)",
    )


def read_tree(options: argparse.Namespace, uri: str) -> "Taxonomy":
    """Read a tree as ``--separator`` and ``--same-names`` say.

    Raises:
        TaxonomyError: The tree cannot be read.
    """
    from prodcat.taxonomy.reading import read_taxonomy

    return read_taxonomy(uri, separator=options.separator, same_names=options.same_names)
