"""``prodcat calibrate``: fit a classifier's calibration again, on new titles."""

import argparse
from typing import Any

from prodcat.cli.arrangement import MODEL_FOLDER
from prodcat.cli.classifiers import device_option, load_classifier, model_option
from prodcat.cli.destinations import check_model_folder
from prodcat.cli.input import check_tables, column_options, read_titles, tables_argument
from prodcat.cli.output import say, show
from prodcat.cli.parser import add_command


def add_calibrate(commands: Any) -> None:
    """Add the command to a parser's commands."""
    parser = add_command(
        commands,
        "calibrate",
        "fit the calibration again, on new titles",
        basic=["--title", "--path", "--model", "--output", "--method"],
        examples={
            "calibrate on titles that training did not see": (
                "calibrate labelled.csv --model model --output calibrated"
            )
        },
    )
    tables_argument(parser, "catalog", "labelled titles that training did not see")
    model_option(parser)
    parser.add_argument(
        "--output",
        required=True,
        metavar=MODEL_FOLDER,
        help="folder or URI for the calibrated classifier",
    )
    parser.add_argument(
        "--method",
        default="adaptive",
        choices=["temperature", "levels", "adaptive"],
        help="what is fitted: one temperature for all titles, also one for each level, or also "
        "one for each title (adaptive, the default)",
    )
    device_option(parser)
    column_options(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Calibrate a classifier, save it, and print the calibration error (ECE) before and after.

    A message says if the confidences became worse.
    """
    check_model_folder(options, "--output", options.output)
    check_tables(options)
    classifier = load_classifier(options, options.model)
    catalog = read_titles(options, options.catalog, taxonomy=classifier.taxonomy)
    before = classifier.evaluate(catalog)
    calibrated = classifier.calibrate(catalog, options.method)
    calibrated.save(options.output)
    after = calibrated.evaluate(catalog)
    old, new = float(before.ece or 0), float(after.ece or 0)
    show(
        "confidence is off by (ECE), on these titles, which it was fitted on: "
        f"{old:.4f} before, {new:.4f} after; saved {options.output}"
    )
    if new > old:
        say(
            "WARNING: the new calibration is worse on these titles: confidence was off by "
            f"{old:.4f} on average (ECE), and is now by {new:.4f}. Keep {options.model}, or "
            "calibrate with more titles or another --method."
        )
    if classifier.guarantee is not None:
        show(f"The old guarantee no longer holds: {classifier.guarantee!r}; measure it again")
