"""The command line: the parser, the exit codes and what is said of mistakes."""

import argparse
import logging
import sys
from collections.abc import Sequence
from typing import Any

from prodcat._version import __version__
from prodcat.cli.assortment import add_assortment
from prodcat.cli.audit import add_audit
from prodcat.cli.calibrate import add_calibrate
from prodcat.cli.demo import add_demo
from prodcat.cli.drift import add_drift
from prodcat.cli.evaluate import add_evaluate
from prodcat.cli.guarantee import add_guarantee
from prodcat.cli.models import add_models
from prodcat.cli.output import say
from prodcat.cli.pipeline import add_pipeline
from prodcat.cli.predict import add_predict
from prodcat.cli.review import add_review
from prodcat.cli.serve import add_serve
from prodcat.cli.train import add_train
from prodcat.cli.trim import add_trim
from prodcat.errors import Interrupted, ProdcatError, StoreError

TRY_AGAIN = 75  # EX_TEMPFAIL of sysexits.h


def main(arguments: Sequence[str] | None = None, facts: dict[str, Any] | None = None) -> int:
    """Run one command.

    Args:
        arguments: The command and its options; those of the process if not given.
        facts: A mapping that what was done is put into, for programs that call this.

    Returns:
        0 when all went well, 2 for a mistake that the user can mend, 75 where the same command
        may go well later: a training that was stopped and saved its state, a store that could
        not be reached.
    """
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.command is None:
        parser.print_help()
        return 0
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    options.facts = {} if facts is None else facts
    try:
        options.run(options)
    except ProdcatError as error:
        say(f"prodcat {options.command}: {error}")
        options.facts["error"] = str(error)
        return TRY_AGAIN if _may_pass(error) else 2
    except Interrupted as interrupted:
        say(f"prodcat {options.command}: {interrupted}")
        return TRY_AGAIN
    except BrokenPipeError:
        return 1
    return 0


def _may_pass(error: BaseException | None) -> bool:
    """Whether an error, or what caused it, is of a store that could not be reached."""
    while error is not None:
        if isinstance(error, StoreError):
            return error.unreachable
        error = error.__cause__
    return False


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="prodcat", description="Turn product titles into category paths."
    )
    parser.add_argument("--version", action="version", version=f"prodcat {__version__}")
    commands = parser.add_subparsers(dest="command")
    for add in (
        add_train,
        add_predict,
        add_evaluate,
        add_calibrate,
        add_guarantee,
        add_trim,
        add_models,
        add_pipeline,
        add_serve,
        add_insight,
        add_demo,
    ):
        add(commands)
    commands.metavar = f"{{{','.join(commands.choices)}}}"  # what errors call the argument
    return parser


def add_insight(commands: Any) -> None:
    """Add the commands whose results people look at to a parser's commands."""
    for add in (add_assortment, add_audit, add_drift, add_review):
        add(commands)


if __name__ == "__main__":
    sys.exit(main())
