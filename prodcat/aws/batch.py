"""prodcat's commands inside an AWS Batch container: ``python -m prodcat.aws.batch predict …``.

The environment that Batch sets decides what a command cannot know:

- an array child scores its share (``AWS_BATCH_JOB_ARRAY_INDEX``, ``_SIZE``);
- the nodes of a multi-node parallel job train together, through torchrun
  (``AWS_BATCH_JOB_NUM_NODES``, ``_NODE_INDEX``, ``_MAIN_NODE_INDEX``,
  ``_MAIN_NODE_PRIVATE_IPV4_ADDRESS``, which the main node itself lacks).

Logs are JSON lines on stderr.  The exit code says what may be tried again: 0 done, 2 a mistake
that must be mended, 75 the same job may go well or go on (SIGTERM came and all is saved; a store
could not be reached), 1 anything else.
"""

import contextlib
import io
import json
import logging
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from prodcat.cli.command import TRY_AGAIN
from prodcat.cli.command import main as run_command
from prodcat.errors import ConfigError, Interrupted, StoreError
from prodcat.storage.objects import Objects

logger = logging.getLogger("prodcat.batch")
_PORT = 29_500
_CODES = "PRODCAT_EXIT_CODES"  # a folder in which the workers of a node leave theirs
_NAMED = {
    "job": "AWS_BATCH_JOB_ID",
    "attempt": "AWS_BATCH_JOB_ATTEMPT",
    "index": "AWS_BATCH_JOB_ARRAY_INDEX",
    "node": "AWS_BATCH_JOB_NODE_INDEX",
}


def main(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run one command as Batch asks for.

    Args:
        arguments: As for ``prodcat``, and ``--summary URI``: a JSON object of what was done, for
            the next job; those of array children have their index before the ending.
        environment: As Batch sets it.

    Returns:
        The exit code.
    """
    about = {name: environment[key] for name, key in _NAMED.items() if key in environment}
    _log_json(about)
    try:
        command, summary = _without_summary(list(arguments))
    except ConfigError as error:
        logger.error("%s", error)
        return 2
    if command[:1] == ["pipeline"] and _nodes(environment) > 1:
        logger.error("A pipeline's step runs on one node; expected a job of one, or train.")
        return 2
    if command[:1] == ["train"] and _nodes(environment) > 1 and "RANK" not in environment:
        return _together(arguments, environment)
    if command[:1] == ["predict"] or command[:2] == ["pipeline", "run"]:
        command += _share(environment)
    facts: dict[str, Any] = {}
    began = time.time()
    signal.signal(signal.SIGTERM, _interrupt)  # until the command has its own way to stop
    with contextlib.redirect_stdout(_Lines()), contextlib.redirect_stderr(_Lines()):
        code = _tried(command, facts)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # what follows is a moment's work
    logger.info("Ended with %d.", code)
    if code and _CODES in environment:
        Path(environment[_CODES], environment.get("RANK", "0")).write_text(str(code))
    if summary is not None and environment.get("RANK", "0") == "0":
        facts = {
            "command": command[:1],
            **about,
            "exit_code": code,
            "seconds": round(time.time() - began, 3),
            **facts,
        }
        code = _write(_own_name(summary, environment), facts) or code
    return code


def _interrupt(number: int, frame: object) -> None:
    raise Interrupted("Stopped by SIGTERM before anything was done. Run the same again.")


def _tried(command: list[str], facts: dict[str, Any]) -> int:
    try:
        return run_command(command, facts)
    except SystemExit as error:  # argparse's own
        return int(error.code or 0)
    except Exception:
        logger.exception("This is no mistake of the user's.")
        return 1


def _without_summary(arguments: list[str]) -> tuple[list[str], str | None]:
    rest: list[str] = []
    uri: str | None = None
    coming = iter(arguments)
    for own in coming:
        name, equals, value = own.partition("=")
        if name != "--summary":
            rest.append(own)
            continue
        uri = value if equals else next(coming, "")
        if not uri:
            raise ConfigError("--summary names no place; expected a URI, such as s3://b/s.json.")
    return rest, uri


def _share(environment: Mapping[str, str]) -> list[str]:
    index = environment.get("AWS_BATCH_JOB_ARRAY_INDEX")
    size = environment.get("AWS_BATCH_JOB_ARRAY_SIZE")
    return [] if index is None or size is None else ["--shard", f"{index}/{size}"]


def _own_name(summary: str, environment: Mapping[str, str]) -> str:
    index = environment.get("AWS_BATCH_JOB_ARRAY_INDEX")
    if index is None:
        return summary
    stem, dot, ending = summary.rpartition(".")
    return f"{stem}-{int(index):05d}.{ending}" if dot else f"{summary}-{int(index):05d}"


def _write(uri: str, facts: Mapping[str, Any]) -> int | None:
    """Write the summary; the exit code where that cannot be done."""
    folder, _, name = uri.rpartition("/")
    try:
        Objects(folder or ".").write(
            name, json.dumps(facts, indent=2, default=str).encode() + b"\n"
        )
    except StoreError as error:
        logger.error("The summary cannot be written: %s", error)
        return TRY_AGAIN if error.unreachable else 2
    return None


# -- several nodes ----------------------------------------------------------------


def _nodes(environment: Mapping[str, str]) -> int:
    return int(environment.get("AWS_BATCH_JOB_NUM_NODES", "1"))


def _together(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """This node's part of a training on several: torchrun, which starts this module again."""
    node = environment["AWS_BATCH_JOB_NODE_INDEX"]
    is_main = node == environment.get("AWS_BATCH_JOB_MAIN_NODE_INDEX", "0")
    address = environment.get("AWS_BATCH_JOB_MAIN_NODE_PRIVATE_IPV4_ADDRESS")
    if address is None:
        address = socket.gethostbyname(socket.gethostname())
    port = environment.get("PRODCAT_PORT", str(_PORT))
    job = environment.get("AWS_BATCH_JOB_ID", "job").split("#")[0]
    command = [
        sys.executable, "-m", "torch.distributed.run",
        f"--nnodes={_nodes(environment)}",
        f"--nproc-per-node={_devices()}",
        "--rdzv-backend=c10d",
        f"--rdzv-id={job}-{environment.get('AWS_BATCH_JOB_ATTEMPT', '1')}",
        f"--rdzv-endpoint={address}:{port}",
        f"--rdzv-conf=is_host={int(is_main)}",
        "-m", "prodcat.aws.batch", *arguments,
    ]  # fmt: skip
    logger.info(
        "Node %s of %d meets the others at %s:%s.", node, _nodes(environment), address, port
    )
    codes = tempfile.mkdtemp(prefix="prodcat")
    process = subprocess.Popen(command, env={**environment, _CODES: codes})
    told: list[int] = []

    def pass_on(number: int, frame: object) -> None:
        told.append(number)
        process.send_signal(signal.SIGTERM)

    before = signal.signal(signal.SIGTERM, pass_on)
    try:
        code = process.wait()
    finally:
        signal.signal(signal.SIGTERM, before)
        # The first worker that ended wrongly says why; torchrun stops the others.
        ended = sorted(Path(codes).iterdir(), key=lambda path: path.stat().st_mtime_ns)
        said = [int(path.read_text()) for path in ended]
        shutil.rmtree(codes, ignore_errors=True)
    if code and told:
        # torchrun has an exit code of its own; what its workers were told is to save and stop.
        return TRY_AGAIN
    if code and said:
        return said[0]
    return code if code in (0, 2, TRY_AGAIN) else 1


def _devices() -> int:
    import torch

    return max(torch.cuda.device_count(), 1)


# -- logs -------------------------------------------------------------------------


class _Json(logging.Formatter):
    """A record as one line of JSON."""

    def __init__(self, about: Mapping[str, str]) -> None:
        super().__init__()
        self.about = about

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        line = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(record.created)),
            "level": record.levelname,
            "message": record.getMessage(),
            **self.about,
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def _log_json(about: Mapping[str, str]) -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Json(about))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)


class _Lines(io.TextIOBase):
    """What a command prints, as log lines."""

    def __init__(self) -> None:
        self.rest = ""

    def writable(self) -> bool:
        """It is."""
        return True

    def write(self, text: str) -> int:
        """Log the lines that are whole."""
        *lines, self.rest = (self.rest + text).split("\n")
        for line in lines:
            if line.strip():
                logger.info("%s", line)
        return len(text)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
