"""Messages on the standard error, and reports in files."""

import argparse
import sys
from typing import Protocol

from prodcat.errors import ConfigError

_ENDINGS = (".html", ".parquet", ".csv", ".jsonl")


class Report(Protocol):
    """A report that can be printed and saved."""

    def save(self, uri: str) -> None:
        """Write the report in the form that the ending of the name states."""


def say(text: str) -> None:
    """Print a message to the standard error without delay."""
    print(text, file=sys.stderr, flush=True)


def output_option(parser: argparse.ArgumentParser) -> None:
    """Add ``--output FILE``, which may be given more than once."""
    parser.add_argument(
        "--output",
        action="append",
        default=[],
        metavar="FILE",
        help=f"also write the report to this file ({', '.join(_ENDINGS)}); may be repeated",
    )


def check_outputs(options: argparse.Namespace) -> None:
    """Refuse files with an unknown ending, before anything is computed.

    Args:
        options: The parsed options, which include that of :func:`output_option`.

    Raises:
        ConfigError: The ending of a name is not known.
    """
    for uri in options.output:
        if not uri.lower().endswith(_ENDINGS):
            raise ConfigError(f"--output {uri!r} ends with none of {', '.join(_ENDINGS)}.")


def write_report(options: argparse.Namespace, report: Report) -> None:
    """Print a report, and write it to every file in the options.

    Args:
        options: The parsed options, which include that of :func:`output_option`.
        report: The report.

    Raises:
        StoreError: A file cannot be written.
    """
    print(report)
    for uri in options.output:
        report.save(uri)
        print(f"written to {uri}", file=sys.stderr)
