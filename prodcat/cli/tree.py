"""``prodcat tree``: compare a tree with its next version, check the comparison, and migrate."""

import argparse
from collections import defaultdict
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from prodcat.cli.arrangement import FILE
from prodcat.cli.input import column_options
from prodcat.cli.migrate import add_migrate
from prodcat.cli.output import check_outputs, save_report, show
from prodcat.cli.parser import add_command
from prodcat.cli.partly_labelled import read_partly_labelled
from prodcat.cli.tree_arguments import read_tree, same_names_option, tree_arguments
from prodcat.errors import ConfigError

if TYPE_CHECKING:
    from prodcat.taxonomy.tree import Taxonomy

_ENDINGS = (".csv", ".xlsx", ".json", ".jsonl", ".parquet")
_BASIC = ["--output", "--ids", "--old-titles", "--new-titles"]


def add_tree(commands: Any) -> None:
    """Add the command and its verbs to a parser's commands."""
    parser = commands.add_parser(
        "tree",
        help="compare a category tree with its next version, and migrate to it",
        summary="compare a category tree with its next version, and migrate: diff, check, migrate",
        description="Compare a category tree with its next version, and migrate to it.",
        examples={
            "what each category has become": "tree diff old-tree.csv new-tree.csv",
            "check a table that was edited": ("tree check old-tree.csv new-tree.csv checked.xlsx"),
            "carry the labels of a catalog over": (
                "tree migrate old-tree.csv new-tree.csv checked.xlsx --catalog catalog.csv "
                "--output relabelled.csv --undecided to-choose.csv"
            ),
        },
    )
    verbs = parser.add_subparsers(
        dest="verb", required=True, metavar="COMMAND", help=argparse.SUPPRESS
    )
    _add_diff(verbs)
    _add_check(verbs)
    add_migrate(verbs)


def _add_diff(verbs: Any) -> None:
    parser = add_command(
        verbs,
        "diff",
        "find what each category has become in the next version of the tree",
        basic=_BASIC,
        examples={
            "list what changed, and write a table for a person to check": (
                "tree diff old-tree.csv new-tree.csv --output changes.xlsx"
            ),
            "also by the titles that are labelled with the old tree and with the new one": (
                "tree diff old-tree.csv new-tree.csv --old-titles catalog.csv "
                "--new-titles labelled.csv --output changes.csv"
            ),
        },
    )
    _trees(parser)
    parser.add_argument(
        "--output",
        action="append",
        default=[],
        metavar="OUTPUT",
        help=f"write the table of changes to this file ({', '.join(_ENDINGS)}), or as CSV to the "
        "standard output (-); may be repeated",
    )
    parser.add_argument(
        "--ids",
        default="auto",
        choices=["auto", "stable", "ignore"],
        help="whether an id means the same category in both trees: stable, ignore, or auto (the "
        "default): yes if most of the equal ids have the same name",
    )
    parser.add_argument("--old-titles", metavar=FILE, help="titles with categories of the old tree")
    parser.add_argument("--new-titles", metavar=FILE, help="titles with categories of the new tree")
    column_options(parser)
    parser.set_defaults(run=run_diff)


def _add_check(verbs: Any) -> None:
    parser = add_command(
        verbs,
        "check",
        "read the table of changes that a person has edited, and say what is wrong with it",
        basic=[],
        examples={
            "check a table": "tree check old-tree.csv new-tree.csv checked.xlsx",
        },
    )
    _trees(parser)
    parser.add_argument("table", metavar="TABLE", help="table of changes, from prodcat tree diff")
    parser.add_argument(
        "--separator",
        default=">",
        metavar="TEXT",
        help="text between the names of a path in the trees; default >",
    )
    parser.set_defaults(run=run_check)


def _trees(parser: argparse.ArgumentParser) -> None:
    tree_arguments(parser)
    same_names_option(parser)


def run_diff(options: argparse.Namespace) -> None:
    """Compare the trees, print a summary, and write the table to the files of ``--output``.

    Raises:
        ConfigError: A file of ``--output`` has an unknown ending or could not be written, or only
            one of the files of titles is given.
        TaxonomyError: A tree cannot be read.
        CatalogError: The titles cannot be read.
        StoreError: A file cannot be written.
    """
    check_outputs(options, _ENDINGS)
    if (options.old_titles is None) != (options.new_titles is None):
        given, other = (
            ("--old-titles", "--new-titles")
            if options.new_titles is None
            else ("--new-titles", "--old-titles")
        )
        raise ConfigError(f"Found {given} without {other}; titles of both trees are compared.")
    old, new = read_tree(options, options.old), read_tree(options, options.new)
    titles = None
    if options.old_titles is not None:
        titles = (
            _titles(options, options.old_titles, old),
            _titles(options, options.new_titles, new),
        )
    changes = old.diff(new, ids=options.ids, titles=titles)
    show(changes)
    for uri in options.output:
        save_report(changes, uri, ".csv")


def run_check(options: argparse.Namespace) -> None:
    """Read the table of changes against the trees, and print a summary.

    Raises:
        TaxonomyError: A tree cannot be read, or the table is wrong.
        CatalogError: The table cannot be read.
    """
    from prodcat.taxonomy.changes.changes import TreeChanges

    old, new = read_tree(options, options.old), read_tree(options, options.new)
    show(TreeChanges.read(options.table, old, new))


def _titles(options: argparse.Namespace, source: str, tree: "Taxonomy") -> Mapping[str, list[str]]:
    """The titles in each category by its id."""
    catalog = read_partly_labelled(options, source, tree)
    titles: dict[str, list[str]] = defaultdict(list)
    if catalog.targets is not None:
        for title, node in zip(catalog.titles, catalog.targets.tolist(), strict=True):
            if node >= 0:
                titles[tree.ids[node]].append(title)
    return titles
