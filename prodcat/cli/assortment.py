"""``prodcat assortment``: compare what retailers sell, category by category."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from prodcat.cli.arrangement import FILE
from prodcat.cli.classifiers import inference_options, load_classifier
from prodcat.cli.input import column_options
from prodcat.cli.output import check_outputs, output_option, write_report
from prodcat.cli.parser import add_command
from prodcat.cli.partly_labelled import read_named, read_partly_labelled
from prodcat.errors import ConfigError


def add_assortment(commands: Any) -> None:
    """Add the command to a parser's commands."""
    parser = add_command(
        commands,
        "assortment",
        "compare what retailers sell, category by category",
        basic=["--labelled", "--model", "--price", "--output", "--title", "--path"],
        examples={
            "compare two retailers, and write the page that people read": (
                "assortment ours=ours.csv theirs=theirs.csv --labelled labelled.csv --model model "
                "--output comparison.html"
            ),
            "with prices": (
                "assortment ours.csv theirs.csv --labelled labelled.csv --model model --price price"
            ),
        },
    )
    parser.add_argument(
        "retailers",
        nargs="+",
        metavar="[NAME=]FILE",
        help="file, folder or glob with the products of a retailer, your own first; the name is "
        "that of the file if not given",
    )
    parser.add_argument(
        "--labelled",
        nargs="+",
        metavar=FILE,
        required=True,
        help="titles with categories that the model was not trained on, to measure its mistakes",
    )
    parser.add_argument("--price", metavar="COLUMN", help="column with the price of a product")
    inference_options(parser)
    output_option(parser)
    column_options(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Compare the retailers, print the comparison, and write it to the files of ``--output``.

    Raises:
        ConfigError: A name is missing or given twice, or a file of ``--output`` has an unknown
            ending.
        CatalogError: A file cannot be read, or lacks a column.
        ArtifactError: The classifier cannot be loaded.
        StoreError: There is no such version, or a file cannot be written.
    """
    from prodcat.insight.assortment import compare_assortments

    check_outputs(options)
    sources = _by_name(options.retailers)
    classifier = load_classifier(options, options.model)
    keep = [] if options.price is None else [options.price]
    catalogs = {
        name: read_partly_labelled(options, source, classifier.taxonomy, keep)
        for name, source in sources.items()
    }
    labelled = read_named(options, options.labelled, taxonomy=classifier.taxonomy)
    comparison = compare_assortments(
        catalogs, classifier, labelled, price=options.price, precision=options.precision
    )
    write_report(options, comparison)


def _by_name(retailers: Sequence[str]) -> dict[str, str]:
    """The file of each retailer by the retailer's name.

    Args:
        retailers: ``NAME=FILE`` or ``FILE``, in order; without a name, the retailer is named after
            the file.

    Raises:
        ConfigError: A name or a file is empty, or two retailers have the same name.
    """
    sources: dict[str, str] = {}
    for retailer in retailers:
        name, equals, source = retailer.partition("=")
        if not equals or "/" in name or Path(retailer).exists():
            name, source = Path(retailer.rstrip("/")).name.partition(".")[0], retailer
        if not name or not source:
            raise ConfigError(f"{retailer!r} lacks a name or a file; expected NAME=FILE or FILE.")
        if name in sources:
            raise ConfigError(
                f"Two retailers are named {name!r}: {sources[name]!r} and {source!r}. Give them "
                "different names: NAME=FILE."
            )
        sources[name] = source
    return sources
