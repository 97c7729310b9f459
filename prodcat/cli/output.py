"""Prints all output of commands, and writes reports to files.

No other module of the command line prints.  Control characters in output for people are always
encoded, as logs end up in terminals too.  Output for programs is encoded only if it goes to a
terminal.
"""

import argparse
import logging
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from prodcat.cli.json_logs import JsonStream
from prodcat.errors import ConfigError
from prodcat.text_encoding import for_log, for_terminal

STDOUT = "-"  # the name of the standard output, and of the standard input
ENDINGS = (".html", ".parquet", ".csv", ".xlsx", ".jsonl")


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

    def save(self, uri: str) -> object:
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


def say(text: object, level: int = logging.WARNING) -> None:
    """Print a warning or an error to the standard error, and flush it.

    Args:
        text: The message.
        level: Its level, for lines of JSON.
    """
    if isinstance(sys.stderr, JsonStream):
        sys.stderr.tell_message(level, str(text))
    else:
        print(for_log(str(text)), file=sys.stderr, flush=True)


def note(text: object) -> None:
    """Print what the command does to the standard error, unless ``--quiet`` is given."""
    if not _loudness.get().quiet:
        say(text, logging.INFO)


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
        help=f"also write the report to this file ({', '.join(ENDINGS)}), or as CSV to the "
        "standard output (-); may be repeated",
    )


def check_outputs(options: argparse.Namespace, endings: tuple[str, ...] = ENDINGS) -> None:
    """Refuse files with an unknown ending or in a wrong place, before anything is computed.

    Args:
        options: The parsed options, which include that of :func:`output_option`.
        endings: The endings that names may have.

    Raises:
        ConfigError: The ending of a name is not supported, or the file could not be written.
    """
    for uri in options.output:
        if uri != STDOUT and not uri.lower().endswith(endings):
            raise ConfigError(
                f"--output is {uri!r}; expected a name ending with one of {', '.join(endings)}."
            )
        check_writable("--output", uri)


def check_writable(option: str, uri: str | None, *, is_folder: bool = False) -> None:
    """Refuse a local output that could not be written, before anything is computed.

    What lies elsewhere than on this machine's disk is not checked.

    Args:
        option: The option that names the output, for the message.
        uri: The file or folder; None if the option is not given.
        is_folder: Whether the output is a folder, or may be one.

    Raises:
        ConfigError: A folder has the name of the file, a file that of a folder above it, or this
            user may not write there.
    """
    if uri is None or uri == STDOUT or uri.startswith(("/dev/", "/proc/")) or "::" in uri:
        return
    if "://" in uri and not uri.startswith("file://"):
        return
    path = Path(uri.removeprefix("file://")).expanduser()
    if not uri.removesuffix("/") or (path.is_dir() and not is_folder):
        raise ConfigError(f"{option} is {uri!r}, which is a folder; expected the name of a file.")
    if uri.endswith("/") and not is_folder:
        raise ConfigError(f"{option} is {uri!r}; expected the name of a file, without a slash.")
    place = next(folder for folder in (path, *path.absolute().parents) if folder.exists())
    if place != path and not place.is_dir():
        raise ConfigError(
            f"{option} is {uri!r}, but {str(place)!r} is a file; expected a folder there."
        )
    place = path.absolute().parent if place == path and not path.is_dir() else place
    if not os.access(place, os.W_OK | os.X_OK):
        raise ConfigError(
            f"{option} is {uri!r}, but you may not write into the folder {str(place)!r}. Name "
            "another place, or get the right to write there."
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
