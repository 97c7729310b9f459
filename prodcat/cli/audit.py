"""``prodcat audit``: find labels that are probably wrong."""

import argparse
import sys
from typing import Any

from prodcat.cli.arrangement import OUTPUT
from prodcat.cli.classifiers import device_option
from prodcat.cli.input import check_tables, column_options, keep_option, tables_argument
from prodcat.cli.output import check_outputs, check_writable, note, output_option, write_report
from prodcat.cli.page_language import page_language_option
from prodcat.cli.parser import add_command
from prodcat.cli.partly_labelled import read_named, read_optional
from prodcat.cli.settings import text_or_none
from prodcat.errors import ConfigError


def add_audit(commands: Any) -> None:
    """Add the command to a parser's commands."""
    parser = add_command(
        commands,
        "audit",
        "find labels that are probably wrong",
        basic=["--title", "--path", "--id", "--keep", "--held-out", "--output", "--page-language"],
        examples={
            "list suspicious labels, and write them as a table for Excel": (
                "audit catalog.csv --output suspicious.xlsx"
            ),
            "with further columns, on a page on which suggestions are accepted or rejected": (
                "audit catalog.csv --keep brand --output suspicious.html"
            ),
            "also find test titles that training saw": "audit catalog.csv --held-out labelled.csv",
        },
    )
    tables_argument(parser, "catalog", "titles with categories")
    tables_argument(parser, "--held-out", "also report which of these titles are in the catalog")
    parser.add_argument(
        "--id",
        metavar="COLUMN",
        help="column that identifies the rows, such as the article number; it is written beside "
        "each title",
    )
    keep_option(parser, "further columns to write beside each title, such as its brand")
    parser.add_argument(
        "--queue",
        metavar=OUTPUT,
        help="also write the clearly contradicted labels to this file (.jsonl), for the page of "
        "prodcat review",
    )
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
    page_language_option(parser, "language of the page (.html)")
    device_option(parser)
    output_option(parser)
    column_options(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Audit the labels, print the report, and write it to the files of ``--output``.

    Raises:
        ConfigError: A file has an unknown ending.
        CatalogError: The titles cannot be read, or ``--id`` does not identify the rows.
        StoreError: A file cannot be written.
    """
    check_outputs(options)
    check_tables(options)

    if options.queue is not None and not options.queue.endswith(".jsonl"):
        raise ConfigError(f"--queue is {options.queue!r}; expected a name ending with .jsonl.")
    check_writable("--queue", options.queue)

    from prodcat.insight.audit import audit, check_ids, review_items
    from prodcat.insight.queue import save_queue
    from prodcat.model.config import ModelConfig

    names = options.keep if options.id is None else dict.fromkeys([options.id, *options.keep])
    catalog = read_named(options, options.catalog, keep=list(names))
    if options.id is not None:
        check_ids(catalog, options.id)
    report = audit(
        catalog,
        held_out=read_optional(options, options.held_out),
        folds=options.folds,
        model=ModelConfig(encoder=options.encoder),
        device=options.device,
        progress=not options.quiet and sys.stderr.isatty(),
    )
    if options.id is not None:
        report = report.with_ids(options.id)
    write_report(options, report.in_language(options.page_language))
    if options.queue is not None:
        items = review_items(report)
        save_queue(items, options.queue)
        note(f"{len(items):,} labels to check, written to {options.queue}")
