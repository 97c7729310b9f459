"""The command line: the parser, the exit codes and the messages of errors."""

import argparse
import logging
import os
import re
import sys
import traceback
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from prodcat._version import __version__
from prodcat.cli.assortment import add_assortment
from prodcat.cli.audit import add_audit
from prodcat.cli.calibrate import add_calibrate
from prodcat.cli.completion import add_completion
from prodcat.cli.demo import add_demo
from prodcat.cli.destinations import check_outputs_new
from prodcat.cli.drift import add_drift
from prodcat.cli.encoders import add_encoders
from prodcat.cli.environment import logs_json
from prodcat.cli.evaluate import add_evaluate
from prodcat.cli.explain import add_explain
from prodcat.cli.first_look import add_try
from prodcat.cli.guarantee import add_guarantee
from prodcat.cli.json_logs import JsonFormatter, json_messages
from prodcat.cli.match import add_match
from prodcat.cli.models import add_models
from prodcat.cli.offers import add_offers
from prodcat.cli.output import STDOUT, loudness, say
from prodcat.cli.overlap import add_overlap
from prodcat.cli.parser import Parser
from prodcat.cli.pipeline import add_pipeline
from prodcat.cli.predict import add_predict
from prodcat.cli.review import add_review
from prodcat.cli.serve import add_serve
from prodcat.cli.sources import STDIN, tables_of
from prodcat.cli.train import add_train
from prodcat.cli.tree import add_tree
from prodcat.cli.trim import add_trim
from prodcat.cli.wording import in_words_of_options
from prodcat.errors import (
    ConfigError,
    InputChangedError,
    Interrupted,
    OutputInUseError,
    ProdcatError,
    StoreError,
)
from prodcat.storage.faults import explain_disk
from prodcat.text_encoding import LogFormatter

logger = logging.getLogger("prodcat")
_OUTPUTS = ("--output", "--json", "--report", "--history", "--plot")
_EXAMPLES = {
    "see in seconds what n-grams make of a table, whatever its columns are": "try catalog.csv",
    "train n-grams, in seconds, on a table with the columns title and path": (
        "train catalog.csv --encoder none --output model"
    ),
    "answer titles with it": "predict titles.csv --model model --output answers.csv",
    "all options of a command": "train --help",
}
TRY_AGAIN = 75  # EX_TEMPFAIL of sysexits.h


def main(arguments: Sequence[str] | None = None, facts: dict[str, Any] | None = None) -> int:
    """Run one command.

    Args:
        arguments: The command and its options; those of the process if None.
        facts: A mapping to which facts about what the command did are added, for programs that
            call this function.

    Returns:
        The exit code: 0 for success; 1 if the reader of the output closed it; 2 for a mistake that
        the user can correct, or a full disk; 75 if the same command may succeed later, as SIGTERM
        stopped a training, a store could not be reached, another process writes the output, or the
        input was changed while it was read.

    Raises:
        SystemExit: The arguments are not valid (code 2), help was printed (0), or ``drift --fail``
            has found a change (1).
    """
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.command is None:
        parser.print_help()
        return 0
    options.facts = {} if facts is None else facts
    options.stdin = None
    try:
        is_json = logs_json(options.log_format)
    except ConfigError as error:
        say(f"prodcat {options.command}: {error}", logging.ERROR)
        return 2
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if is_json else LogFormatter())
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    with json_messages(is_json):
        return _exit_code(options)


def _exit_code(options: argparse.Namespace) -> int:
    """Run the command of parsed options, and return its exit code; see :func:`main`."""
    values = options.given.options
    is_piped = any(STDOUT in values.get(name, ()) for name in _OUTPUTS)
    try:
        with (
            loudness(quiet=options.quiet, is_piped=is_piped),
            _logged(options),
            warnings.catch_warnings(),
        ):
            _show_warnings_as_messages(options)
            check_outputs_new(options)
            with tables_of(options):
                options.run(options)
            sys.stdout.flush()  # what is left in the buffer can fail to be written, too
    except ProdcatError as error:
        options.facts["error"] = _say_error(options, error)
        return TRY_AGAIN if _is_temporary(error) else 2
    except Interrupted as interrupted:
        say(f"prodcat {options.command}: {interrupted}", logging.ERROR)
        return TRY_AGAIN
    except MemoryError:
        message = "there is too little memory. Give the process more."
        say(f"prodcat {options.command}: {message}", logging.ERROR)
        return 2
    except BrokenPipeError:
        _leave_stdout()
        return 1
    except OSError as error:
        return _say_disk_fault(options, error)
    return 0


def _say_disk_fault(options: argparse.Namespace, error: OSError) -> int:
    """Print a fault of the operating system, such as a full disk; return the exit code.

    Raises:
        OSError: It is another fault.
    """
    if error.errno is None:
        raise error
    if options.verbose:
        traceback.print_exception(error)
    place = "" if error.filename is None else f"{error.filename!r}: "
    say(f"prodcat {options.command}: {place}{explain_disk(error)}", logging.ERROR)
    _leave_stdout()
    return 2


def _leave_stdout() -> None:
    """Let nothing more be written to a standard output that failed, as Python does at exit."""
    try:
        descriptor = sys.stdout.fileno()
    except (AttributeError, ValueError, OSError):  # it is no file of the system
        return
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, descriptor)
    os.close(nothing)


def _say_error(options: argparse.Namespace, error: ProdcatError) -> str:
    """Print an error in the words of the command line, and with --verbose where it comes from."""
    message = _with_sources(options, _worded(options, str(error)))
    if options.verbose:
        traceback.print_exception(error)
    say(f"prodcat {options.command}: {message}", logging.ERROR)
    return message


def _with_sources(options: argparse.Namespace, message: str) -> str:
    """A message that also says which of its options come from a file of settings."""
    sources = options.given.sources
    named = dict.fromkeys(re.findall(r"(?<![\w-])--[a-z][a-z-]*", message))
    places = [f"{name} is from {sources[name]}" for name in named if name in sources]
    return f"{message} ({'; '.join(places)})" if places else message


def _worded(options: argparse.Namespace, message: str) -> str:
    """A message of the library in the words of the command line."""
    if options.stdin is not None:
        for name in (repr(f"file://{options.stdin}"), repr(options.stdin), options.stdin):
            message = message.replace(name, STDIN)
    return in_words_of_options(message, options.parser.options)


@contextmanager
def _logged(options: argparse.Namespace) -> Iterator[None]:
    """A context manager in which messages of the log are as detailed as the options ask for."""

    def reword(record: logging.LogRecord) -> bool:
        record.msg, record.args = _worded(options, record.getMessage()), ()
        return not options.quiet or record.levelno >= logging.WARNING

    root = logging.getLogger()
    before = logger.level, root.level
    logger.setLevel(logging.DEBUG if options.verbose else logging.INFO)
    if options.verbose:
        root.setLevel(logging.INFO)
    logger.addFilter(reword)
    try:
        yield
    finally:
        logger.removeFilter(reword)
        logger.setLevel(before[0])
        root.setLevel(before[1])


def _show_warnings_as_messages(options: argparse.Namespace) -> None:
    """Print warnings for users as messages, without the line of Python that they are from."""
    shown_by_python = warnings.showwarning

    def show_warning(message: Any, category: type[Warning], *place: Any, **more: Any) -> None:
        if category is UserWarning:
            say(f"prodcat {options.command}: {_worded(options, str(message))}")
        else:
            shown_by_python(message, category, *place, **more)

    warnings.showwarning = show_warning


def _is_temporary(error: BaseException | None) -> bool:
    """Whether the same command may succeed later, judging by an error and its causes."""
    while error is not None:
        if isinstance(error, (OutputInUseError, InputChangedError)):
            return True
        if isinstance(error, StoreError):
            return error.unreachable
        error = error.__cause__
    return False


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="prodcat",
        description="Turn product titles into category paths.",
        examples=_EXAMPLES,
    )
    parser.add_argument(
        "--version", action="version", version=f"prodcat {__version__}", help="print the version"
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", help=argparse.SUPPRESS)
    for add in (
        add_try,
        add_train,
        add_predict,
        add_explain,
        add_evaluate,
        add_calibrate,
        add_guarantee,
        add_trim,
        add_encoders,
        add_models,
        add_pipeline,
        add_serve,
        add_insight,
        add_demo,
        add_completion,
    ):
        add(commands)
    return parser


def add_insight(commands: Any) -> None:
    """Add the commands that analyse titles, labels and trees to a parser's commands."""
    for add in (
        add_assortment,
        add_audit,
        add_drift,
        add_offers,
        add_match,
        add_overlap,
        add_review,
        add_tree,
    ):
        add(commands)


if __name__ == "__main__":
    sys.exit(main())
