"""``prodcat guarantee``: what can be promised of a classifier's answers, measured on new titles."""

import argparse
from typing import Any

from prodcat.cli.classifiers import device_option, load_classifier, model_option
from prodcat.cli.input import column_options, read_titles
from prodcat.decisions.options import OBJECTIVES


def add_guarantee(commands: Any) -> None:
    """Add the command to a parser's commands."""
    parser = commands.add_parser(
        "guarantee", help="measure what can be promised, on new titles, and save it along"
    )
    parser.add_argument("catalog", help="labelled titles that training did not see")
    model_option(parser)
    parser.add_argument("--output", required=True, help="where to save it with what was measured")
    grouping = parser.add_mutually_exclusive_group()
    grouping.add_argument("--group", help="column: one promise for each value, e.g. country")
    grouping.add_argument(
        "--by-department", action="store_true", help="one promise for each top-level category"
    )
    parser.add_argument(
        "--pool-below", type=int, default=0, help="groups with fewer titles share one promise"
    )
    parser.add_argument("--objective", default="path", choices=list(OBJECTIVES))
    device_option(parser)
    column_options(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Measure what can be promised, save the classifier with it and print it."""
    classifier = load_classifier(options, options.model)
    keep = [] if options.group is None else [options.group]
    catalog = read_titles(options, options.catalog, taxonomy=classifier.taxonomy, keep=keep)
    measured = classifier.with_guarantee(
        catalog,
        group=options.group,
        by_department=options.by_department,
        pool_below=options.pool_below,
        objective=options.objective,
    )
    measured.save(options.output)
    print(f"{measured.guarantee!r}; saved {options.output}")
