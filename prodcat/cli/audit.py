"""``prodcat audit``: find labels that are probably wrong."""

import argparse
import sys
from typing import Any

from prodcat.cli.classifiers import device_option
from prodcat.cli.input import column_options
from prodcat.cli.output import check_outputs, output_option, write_report
from prodcat.cli.partly_labelled import read_named, read_optional


def add_audit(commands: Any) -> None:
    """Add the command to a parser's commands."""
    parser = commands.add_parser("audit", help="find labels that are probably wrong")
    parser.add_argument("catalog", help="titles with categories")
    parser.add_argument("--held-out", help="also report which of these titles are in the catalog")
    parser.add_argument(
        "--folds",
        type=int,
        default=5,
        help="number of folds; each is checked by a model trained on the others",
    )
    parser.add_argument(
        "--encoder", help="also use this encoder, which takes longer; default: only n-grams"
    )
    device_option(parser)
    parser.add_argument("--quiet", action="store_true", help="show no progress bar")
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
