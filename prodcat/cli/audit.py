"""``prodcat audit``: find labels that are probably wrong."""

import argparse
import sys
from typing import Any

from prodcat.cli.classifiers import device_option
from prodcat.cli.input import column_options, tables_argument
from prodcat.cli.output import check_outputs, output_option, write_report
from prodcat.cli.parser import add_command
from prodcat.cli.partly_labelled import read_named, read_optional
from prodcat.cli.settings import text_or_none


def add_audit(commands: Any) -> None:
    """Add the command to a parser's commands."""
    parser = add_command(
        commands,
        "audit",
        "find labels that are probably wrong",
        basic=["--title", "--path", "--held-out", "--output"],
        examples={
            "list suspicious labels, and write them as a table for Excel": (
                "audit catalog.csv --output suspicious.xlsx"
            ),
            "also find test titles that training saw": "audit catalog.csv --held-out labelled.csv",
        },
    )
    tables_argument(parser, "catalog", "titles with categories")
    tables_argument(parser, "--held-out", "also report which of these titles are in the catalog")
    parser.add_argument(
        "--folds",
        type=int,
        default=5,
        metavar="NUMBER",
        help="number of folds, of which each is checked by a model trained on the others; "
        "default 5",
    )
    parser.add_argument(
        "--encoder",
        type=text_or_none,
        metavar="ENCODER",
        help="also use this encoder, which takes longer; default none: only n-grams",
    )
    device_option(parser)
    output_option(parser)
    column_options(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Audit the labels, print the report, and write it to the files of ``--output``."""
    from prodcat.insight.audit import audit
    from prodcat.model.config import ModelConfig

    check_outputs(options)
    catalog = read_named(options, options.catalog)
    report = audit(
        catalog,
        held_out=read_optional(options, options.held_out),
        folds=options.folds,
        model=ModelConfig(encoder=options.encoder),
        device=options.device,
        progress=not options.quiet and sys.stderr.isatty(),
    )
    write_report(options, report)
