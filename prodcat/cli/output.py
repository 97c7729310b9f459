"""Prints all output of commands, and writes reports to files.

No other module of the command line prints.  Control characters in output for people are always
encoded, as logs end up in terminals too.  Output for programs is encoded only if it goes to a
terminal.
"""

import argparse
import sys
from pathlib import Path
from typing import NoReturn, Protocol

from prodcat.errors import ConfigError
from prodcat.text_encoding import for_log, for_terminal

_ENDINGS = (".html", ".parquet", ".csv", ".xlsx", ".jsonl")


class Report(Protocol):
    """A report that can be printed and saved."""

    def save(self, uri: str) -> None:
        """Write the report in the format that the ending of the name states."""


def say(text: object) -> None:
    """Print a message to the standard error, and flush it."""
    print(for_log(str(text)), file=sys.stderr, flush=True)


def show(text: object) -> None:
    """Print a result for people to the standard output."""
    print(for_terminal(str(text), lines=True))


def print_data(text: str) -> None:
    """Print a result for programs to the standard output; a terminal gets it encoded."""
    sys.stdout.write(for_terminal(text, lines=True) if sys.stdout.isatty() else text)


def write_file(uri: str, content: bytes) -> None:
    """Write or replace a file that an option names; a link of this name is replaced, not followed.

    Args:
        uri: The file, at any fsspec URI, or a device such as ``/dev/stdout``.
        content: The file's bytes.

    Raises:
        StoreError: The file cannot be written.
        OSError: The device cannot be written to.
    """
    from prodcat.insight.files import folder_and_name
    from prodcat.storage.objects import Objects

    if uri.startswith(("/dev/", "/proc/")):
        Path(uri).write_bytes(content)
        return
    folder, name = folder_and_name(uri)
    Objects(folder).write(name, content)


class Parser(argparse.ArgumentParser):
    """A parser that encodes control characters in its messages, which may quote file names."""

    def error(self, message: str) -> NoReturn:
        """Print an error about the arguments, and exit with code 2."""
        super().error(for_log(message))


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
        ConfigError: The ending of a name is not supported.
    """
    for uri in options.output:
        if not uri.lower().endswith(_ENDINGS):
            raise ConfigError(
                f"--output is {uri!r}; expected a name ending with one of {', '.join(_ENDINGS)}."
            )


def write_report(options: argparse.Namespace, report: Report) -> None:
    """Print a report, and write it to every file in the options.

    Args:
        options: The parsed options, which include that of :func:`output_option`.
        report: The report.

    Raises:
        StoreError: A file cannot be written.
    """
    show(report)
    for uri in options.output:
        report.save(uri)
        say(f"written to {uri}")
