"""What tests of the command line share."""

import csv

from prodcat.cli.command import main

LEVELS = ["department", "category", "subcategory", "type"]


def answers(path):
    """The rows of a CSV file."""
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def predict(home, source, output, *more):
    """Answer a file with the classifier in a folder; the exit code."""
    return main(
        ["predict", str(source), "--model", str(home / "model"), "--output", str(output), *more]
    )
