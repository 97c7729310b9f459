"""Prints all output of commands, and writes reports to files.

No other module of the command line prints.  Control characters in output for people are always
encoded, as logs end up in terminals too.  Output for programs is encoded only if it goes to a
terminal.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from prodcat.errors import ConfigError
from prodcat.text_encoding import for_log, for_terminal

STDOUT = "-"  # the name of the standard output, and of the standard input
_ENDINGS = (".html", ".parquet", ".csv", ".xlsx", ".jsonl")


@dataclass(frozen=True)
class _Loudness:
    """How much a command prints, and where.

    Attributes:
        quiet: Whether notes are left out.
        is_piped: Whether the standard output is a file for a program, so that results for people
            go to the standard error.
    """

    quiet: bool = False
    is_piped: bool = False


_USUAL = _Loudness()
_loudness = ContextVar("_loudness", default=_USUAL)


class Report(Protocol):
    """A report that can be printed and saved."""

    def save(self, uri: str) -> None:
        """Write the report in the format that the ending of the name states."""


@contextmanager
def loudness(*, quiet: bool, is_piped: bool) -> Iterator[None]:
    """A context manager in which less is printed.

    Args:
        quiet: Whether notes are left out.
        is_piped: Whether results for people go to the standard error, as the standard output is a
            file for a program.
    """
    token = _loudness.set(_Loudness(quiet, is_piped))
    try:
        yield
    finally:
        _loudness.reset(token)


def say(text: object) -> None:
    """Print a warning or an error to the standard error, and flush it."""
    print(for_log(str(text)), file=sys.stderr, flush=True)


def note(text: object) -> None:
    """Print what the command does to the standard error, unless ``--quiet`` is given."""
    if not _loudness.get().quiet:
        say(text)


def show(text: object) -> None:
    """Print a result for people to the standard output."""
    stream = sys.stderr if _loudness.get().is_piped else sys.stdout
    print(for_terminal(str(text), lines=True), file=stream, flush=True)


def print_data(text: str) -> None:
    """Print a result for programs to the standard output; a terminal gets it encoded."""
    sys.stdout.write(for_terminal(text, lines=True) if sys.stdout.isatty() else text)


def write_file(uri: str, content: bytes) -> None:
    """Write or replace a file that an option names; a link of this name is replaced, not followed.

    Args:
        uri: The file, at any fsspec URI; ``-`` for the standard output; or a device such as
            ``/dev/stdout``.
        content: The file's bytes.

    Raises:
        StoreError: The file cannot be written.
        OSError: The device cannot be written to.
    """
    from prodcat.insight.files import folder_and_name
    from prodcat.storage.objects import Objects

    if uri == STDOUT:
        sys.stdout.flush()
        if sys.stdout.isatty():
            print_data(content.decode("utf-8", "replace"))
        else:
            sys.stdout.buffer.write(content)
            sys.stdout.buffer.flush()
        return
    if uri.startswith(("/dev/", "/proc/")):
        Path(uri).write_bytes(content)
        return
    folder, name = folder_and_name(uri)
    Objects(folder).write(name, content)


def output_option(parser: argparse.ArgumentParser) -> None:
    """Add ``--output FILE``, which may be given more than once."""
    parser.add_argument(
        "--output",
        action="append",
        default=[],
        metavar="OUTPUT",
        help=f"also write the report to this file ({', '.join(_ENDINGS)}), or as CSV to the "
        "standard output (-); may be repeated",
    )


def check_outputs(options: argparse.Namespace) -> None:
    """Refuse files with an unknown ending, before anything is computed.

    Args:
        options: The parsed options, which include that of :func:`output_option`.

    Raises:
        ConfigError: The ending of a name is not supported.
    """
    for uri in options.output:
        if uri != STDOUT and not uri.lower().endswith(_ENDINGS):
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
        save_report(report, uri, ".csv")


def save_report(report: Report, uri: str, ending: str) -> None:
    """Write a report to a file, or to the standard output if the name is ``-``.

    Args:
        report: The report.
        uri: The file, at any fsspec URI, or ``-``.
        ending: The ending of a name, which says the format for the standard output.

    Raises:
        StoreError: The file cannot be written.
    """
    if uri != STDOUT:
        report.save(uri)
        note(f"written to {uri}")
        return
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"report{ending}"
        report.save(str(file))
        write_file(STDOUT, file.read_bytes())
