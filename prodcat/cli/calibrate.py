"""``prodcat calibrate``: fit a classifier's calibration again, on new titles."""

import argparse
from typing import Any

from prodcat.cli.classifiers import device_option, load_classifier, model_option
from prodcat.cli.input import column_options, read_titles
from prodcat.cli.output import show


def add_calibrate(commands: Any) -> None:
    """Add the command to a parser's commands."""
    parser = commands.add_parser("calibrate", help="fit the calibration again, on new titles")
    parser.add_argument("catalog", help="labelled titles that training did not see")
    model_option(parser)
    parser.add_argument(
        "--output", required=True, help="folder or URI for the calibrated classifier"
    )
    parser.add_argument(
        "--method",
        default="adaptive",
        choices=["temperature", "levels", "adaptive"],
        help="how to calibrate",
    )
    device_option(parser)
    column_options(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Calibrate a classifier, save it, and print the calibration error (ECE) before and after."""
    classifier = load_classifier(options, options.model)
    catalog = read_titles(options, options.catalog, taxonomy=classifier.taxonomy)
    before = classifier.evaluate(catalog)
    calibrated = classifier.calibrate(catalog, options.method)
    calibrated.save(options.output)
    after = calibrated.evaluate(catalog)
    show(
        f"ECE on these titles, which it was fitted on: {before.ece:.4f} before, {after.ece:.4f} "
        f"after; saved {options.output}"
    )
    if classifier.guarantee is not None:
        show(f"The old guarantee no longer holds: {classifier.guarantee!r}; measure it again")
