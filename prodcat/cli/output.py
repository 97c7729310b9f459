"""Messages on the standard error, and reports in files."""

import argparse
import sys
from typing import Protocol

from prodcat.errors import ConfigError

_ENDINGS = (".html", ".parquet", ".csv", ".jsonl")


class Report(Protocol):
    """What is printed and saved."""

    def save(self, uri: str) -> None:
        """Write it in the form that the name's ending says."""


def say(text: str) -> None:
    """Print a message to the standard error, at once."""
    print(text, file=sys.stderr, flush=True)


def output_option(parser: argparse.ArgumentParser) -> None:
    """Add ``--output FILE``, which may be given more than once."""
    parser.add_argument(
        "--output",
        action="append",
        default=[],
        metavar="FILE",
        help=f"also write it: {', '.join(_ENDINGS)}; more than once",
    )


def check_outputs(options: argparse.Namespace) -> None:
    """Refuse names of files whose ending says no form, before anything is computed.

    Args:
        options: The options that were given, that of :func:`output_option` among them.

    Raises:
        ConfigError: A name ends otherwise.
    """
    for uri in options.output:
        if not uri.lower().endswith(_ENDINGS):
            raise ConfigError(f"--output {uri!r} ends with none of {', '.join(_ENDINGS)}.")


def write_report(options: argparse.Namespace, report: Report) -> None:
    """Print a report and write it to every file that is named.

    Args:
        options: The options that were given, that of :func:`output_option` among them.
        report: The report.

    Raises:
        StoreError: A file cannot be written.
    """
    print(report)
    for uri in options.output:
        report.save(uri)
        print(f"written to {uri}", file=sys.stderr)
