"""Runs prodcat's commands in a container of AWS Batch: ``python -m prodcat.aws.batch predict …``.

The command is completed from environment variables that Batch sets:

- each child of an array job scores its share of the titles (``AWS_BATCH_JOB_ARRAY_INDEX``,
  ``_SIZE``);
- the nodes of a multi-node parallel job train together through torchrun
  (``AWS_BATCH_JOB_NUM_NODES``, ``_NODE_INDEX``, ``_MAIN_NODE_INDEX``, and
  ``_MAIN_NODE_PRIVATE_IPV4_ADDRESS``, which is not set on the main node).

Logs are lines of JSON on stderr.  The exit code says whether to retry: 0 for success, 2 for a
mistake that must be corrected first, 75 if the same job may succeed later (such as after SIGTERM or
if a store could not be reached), and 1 for anything else.
"""

import contextlib
import logging
import os
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

from prodcat.aws.json_logs import LoggedLines, log_json
from prodcat.aws.nodes import count_nodes, leave_exit_code, train_together
from prodcat.cli.command import TRY_AGAIN
from prodcat.cli.command import main as run_command
from prodcat.cli.summary import write_summary
from prodcat.cli.variables import number_of
from prodcat.errors import ConfigError, Interrupted, StoreError

logger = logging.getLogger("prodcat.batch")
_ARRAY = "AWS_BATCH_JOB_ARRAY"
_NAMED = {
    "job": "AWS_BATCH_JOB_ID",
    "attempt": "AWS_BATCH_JOB_ATTEMPT",
    "index": "AWS_BATCH_JOB_ARRAY_INDEX",
    "node": "AWS_BATCH_JOB_NODE_INDEX",
}


def main(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run one command in a job of Batch.

    Args:
        arguments: The arguments of ``prodcat``, and optionally ``--summary URI``: a file for a
            JSON object that tells later jobs what was done.  Each child of an array job adds its
            index to the name, before the ending.
        environment: The environment variables of the process.

    Returns:
        The exit code.
    """
    about = {name: environment[key] for name, key in _NAMED.items() if key in environment}
    log_json(about)
    try:
        command, summary = _without_summary(list(arguments))
        nodes, share = count_nodes(environment), _share(environment)
        if command[:1] == ["train"] and nodes > 1 and "RANK" not in environment:
            return train_together(arguments, environment)
    except ConfigError as error:
        logger.error("%s", error)
        return 2
    if command[:1] == ["pipeline"] and nodes > 1:
        logger.error("A pipeline runs on one node only. Use a job with one node, or train.")
        return 2
    if command[:1] == ["predict"] or command[:2] == ["pipeline", "run"]:
        command += share
    facts: dict[str, Any] = {}
    began = time.time()
    code = _tried(command, facts)
    leave_exit_code(code, environment)
    if summary is not None and environment.get("RANK", "0") == "0":
        facts = {
            "command": command[:1],
            **about,
            "exit_code": code,
            "seconds": round(time.time() - began, 3),
            **facts,
        }
        code = _write(_share_name(summary, environment), facts) or code
    return code


def _interrupt(number: int, frame: object) -> None:
    raise Interrupted("Stopped by SIGTERM before anything was done. Run the same command again.")


def _tried(command: list[str], facts: dict[str, Any]) -> int:
    """Run a command with its output sent to the logs; return an exit code whatever happens."""
    signal.signal(signal.SIGTERM, _interrupt)  # until the command handles the signal itself
    with contextlib.redirect_stdout(LoggedLines()), contextlib.redirect_stderr(LoggedLines()):
        code = _exit_code(command, facts)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # the rest takes only a moment
    logger.info("Ended with exit code %d.", code)
    return code


def _exit_code(command: list[str], facts: dict[str, Any]) -> int:
    try:
        return run_command(command, facts)
    except SystemExit as error:  # raised by argparse
        return int(error.code or 0)
    except Exception:
        logger.exception("The command failed with an unexpected error.")
        return 1


def _without_summary(arguments: list[str]) -> tuple[list[str], str | None]:
    """The arguments without ``--summary``, and the URI that it names."""
    rest: list[str] = []
    uri: str | None = None
    iterator = iter(arguments)
    for argument in iterator:
        name, equals, value = argument.partition("=")
        if name != "--summary":
            rest.append(argument)
            continue
        uri = value if equals else next(iterator, "")
        if not uri:
            raise ConfigError("--summary is empty; expected a URI, such as s3://b/s.json.")
    return rest, uri


def _share(environment: Mapping[str, str]) -> list[str]:
    """The options with which a child of an array job scores its share.

    Raises:
        ConfigError: A variable of the array is not a number of it.
    """
    index, size = (environment.get(f"{_ARRAY}_{name}") for name in ("INDEX", "SIZE"))
    if index is None or size is None:
        return []
    count = number_of(f"{_ARRAY}_SIZE", size, int, 1)
    return ["--shard", f"{number_of(f'{_ARRAY}_INDEX', index, int, 0, count - 1)}/{count}"]


def _share_name(summary: str, environment: Mapping[str, str]) -> str:
    """The URI of a summary, with the index of a child of an array job before the ending."""
    index = environment.get("AWS_BATCH_JOB_ARRAY_INDEX")
    if index is None:
        return summary
    stem, dot, ending = summary.rpartition(".")
    return f"{stem}-{int(index):05d}.{ending}" if dot else f"{summary}-{int(index):05d}"


def _write(uri: str, facts: Mapping[str, Any]) -> int | None:
    """Write the summary; return an exit code if that fails, otherwise None."""
    try:
        write_summary(uri, facts)
    except StoreError as error:
        logger.error("The summary cannot be written: %s", error)
        return TRY_AGAIN if error.unreachable else 2
    return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
