"""``prodcat drift``: find out what changed between two sets of titles."""

import argparse
from typing import TYPE_CHECKING, Any

from prodcat.cli.arrangement import FILE
from prodcat.cli.classifiers import inference_options, load_classifier
from prodcat.cli.input import column_options
from prodcat.cli.output import check_outputs, output_option, write_report
from prodcat.cli.page_language import page_language_option
from prodcat.cli.parser import add_command
from prodcat.cli.partly_labelled import read_optional, read_partly_labelled
from prodcat.errors import ConfigError

if TYPE_CHECKING:
    from prodcat.taxonomy.changes.changes import TreeChanges
    from prodcat.taxonomy.tree import Taxonomy


def add_drift(commands: Any) -> None:
    """Add the command to a parser's commands."""
    parser = add_command(
        commands,
        "drift",
        "find out what changed between two sets of titles",
        basic=[
            "--model",
            "--labelled",
            "--output",
            "--fail",
            "--title",
            "--path",
            "--page-language",
        ],
        examples={
            "compare the titles of two months": "drift before.csv after.csv --model model",
            "also estimate the accuracy on today's titles": (
                "drift before.csv after.csv --model model --labelled labelled.csv "
                "--output drift.html"
            ),
        },
    )
    parser.add_argument(
        "before", metavar="BEFORE", help="titles of the past: a file, a folder or a quoted glob"
    )
    parser.add_argument(
        "after", metavar="AFTER", help="titles of today: a file, a folder or a quoted glob"
    )
    parser.add_argument(
        "--labelled",
        nargs="+",
        metavar=FILE,
        help="titles with categories that the model was not trained on, to estimate its accuracy "
        "on today's titles",
    )
    parser.add_argument(
        "--level",
        type=float,
        default=0.05,
        metavar="SHARE",
        help="probability of a false alarm, for all categories together; default 0.05",
    )
    _tree_options(parser)
    parser.add_argument(
        "--fail", action="store_true", help="exit with code 1 if anything changed, for schedules"
    )
    page_language_option(parser, "language of the page (.html)")
    inference_options(parser)
    output_option(parser)
    column_options(parser)
    parser.set_defaults(run=run)


def _tree_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that name two trees, and what has become of their categories."""
    parser.add_argument(
        "--tree-before", metavar="TREE", help="the tree of the past (.json, .jsonl or .csv)"
    )
    parser.add_argument(
        "--tree-after",
        metavar="TREE",
        help="the tree of today; the two trees are compared by their ids",
    )
    parser.add_argument(
        "--changes",
        metavar="TABLE",
        help="checked table of changes between the two trees, from prodcat tree diff: titles with "
        "labels of --tree-before are compared across the trees; the model is of --tree-after",
    )


def run(options: argparse.Namespace) -> None:
    """Compare the titles, print what changed, and write it to the files of ``--output``.

    Raises:
        SystemExit: Something changed and ``--fail`` is given; the code is 1.
        ConfigError: Only one tree is given, or an option has a value that is not allowed.
        CatalogError: A file cannot be read, or lacks a column.
        ArtifactError: The classifier cannot be loaded.
        StoreError: There is no such version, or a file cannot be written.
    """
    from prodcat.insight.drift import find_drift

    check_outputs(options)
    classifier = load_classifier(options, options.model)
    trees = _read_trees(options)
    changes = _read_changes(options, trees)
    tree = classifier.taxonomy
    before, after = (
        read_partly_labelled(options, source, tree if trees is None or changes is None else of)
        for source, of in zip((options.before, options.after), trees or (tree, tree), strict=True)
    )
    labelled = read_optional(options, options.labelled, taxonomy=classifier.taxonomy)
    report = find_drift(
        before,
        after,
        classifier,
        labelled=labelled,
        trees=trees if changes is None else changes,
        level=options.level,
        precision=options.precision,
    )
    options.facts["changed"] = list(report.kinds)
    write_report(options, report.in_language(options.page_language))
    if options.fail and report.alarms + report.changes:
        raise SystemExit(1)


def _read_trees(options: argparse.Namespace) -> "tuple[Taxonomy, Taxonomy] | None":
    """The trees of ``--tree-before`` and ``--tree-after``; None if neither is given."""
    from prodcat.taxonomy.reading import read_taxonomy

    if (options.tree_before is None) != (options.tree_after is None):
        raise ConfigError("Only one tree is given; expected both --tree-before and --tree-after.")
    if options.tree_before is None:
        return None
    old, new = (
        read_taxonomy(source, separator=options.separator, inner=options.inner)
        for source in (options.tree_before, options.tree_after)
    )
    return old, new


def _read_changes(
    options: argparse.Namespace, trees: "tuple[Taxonomy, Taxonomy] | None"
) -> "TreeChanges | None":
    """The table of ``--changes``; None if it is not given.

    Raises:
        ConfigError: The trees are not given.
        TaxonomyError: The table is wrong.
    """
    from prodcat.taxonomy.changes.changes import TreeChanges

    if options.changes is None:
        return None
    if trees is None:
        raise ConfigError(
            "Found --changes without the trees; expected also --tree-before and --tree-after."
        )
    return TreeChanges.read(options.changes, *trees)
