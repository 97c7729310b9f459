"""Trains on all nodes of a multi-node parallel job together, through torchrun.

Batch sets ``AWS_BATCH_JOB_NUM_NODES``, ``_NODE_INDEX``, ``_MAIN_NODE_INDEX`` on each node, and
``_MAIN_NODE_PRIVATE_IPV4_ADDRESS`` on all but the main node.
"""

import logging
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from prodcat.cli.command import TRY_AGAIN
from prodcat.cli.variables import number_of

logger = logging.getLogger("prodcat.batch")
_PORT, _MOST_PORT = 29_500, 65_535
_CODES = "PRODCAT_EXIT_CODES"  # a folder in which the workers of a node write their exit codes


def count_nodes(environment: Mapping[str, str]) -> int:
    """The number of nodes of the job; 1 if Batch sets none.

    Args:
        environment: The environment variables of the process.

    Raises:
        ConfigError: The variable is no such number.
    """
    name = "AWS_BATCH_JOB_NUM_NODES"
    return number_of(name, environment.get(name) or "1", int, 1)


def leave_exit_code(code: int, environment: Mapping[str, str]) -> None:
    """Write a worker's exit code to a file for :func:`train_together`, if that started the worker.

    Args:
        code: The exit code of the worker; 0 is not written.
        environment: The environment variables of the worker.
    """
    if code and _CODES in environment:
        Path(environment[_CODES], environment.get("RANK", "0")).write_text(str(code))


def train_together(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run this node's part of a training with torchrun, which starts one worker per device.

    Args:
        arguments: The arguments of the command that each worker runs.
        environment: The environment variables of the process, which include those of Batch.

    Returns:
        0 if all workers succeeded; 75 if SIGTERM stopped them; otherwise the exit code of the
        first worker that failed, or 1 if it is not known.
    """
    command = _torchrun(arguments, environment)
    codes = tempfile.mkdtemp(prefix="prodcat")
    process = subprocess.Popen(command, env={**environment, _CODES: codes})
    signals: list[int] = []

    def pass_on(number: int, frame: object) -> None:
        signals.append(number)
        process.send_signal(signal.SIGTERM)

    before = signal.signal(signal.SIGTERM, pass_on)
    try:
        code = process.wait()
    finally:
        signal.signal(signal.SIGTERM, before)
        # The first worker that failed has the cause; the others failed as torchrun stopped them.
        ended = sorted(Path(codes).iterdir(), key=lambda path: path.stat().st_mtime_ns)
        left = [int(path.read_text()) for path in ended]
        shutil.rmtree(codes, ignore_errors=True)
    if code and signals:
        # The workers have saved their state, but torchrun hides their exit codes.
        return TRY_AGAIN
    if code and left:
        return left[0]
    return code if code in (0, 2, TRY_AGAIN) else 1


def _torchrun(arguments: Sequence[str], environment: Mapping[str, str]) -> list[str]:
    node = environment["AWS_BATCH_JOB_NODE_INDEX"]
    is_main = node == environment.get("AWS_BATCH_JOB_MAIN_NODE_INDEX", "0")
    address = environment.get("AWS_BATCH_JOB_MAIN_NODE_PRIVATE_IPV4_ADDRESS")
    if address is None:
        address = socket.gethostbyname(socket.gethostname())
    port = number_of("PRODCAT_PORT", environment.get("PRODCAT_PORT") or _PORT, int, 1, _MOST_PORT)
    job = environment.get("AWS_BATCH_JOB_ID", "job").split("#")[0]
    logger.info(
        "Node %s of %d joins the others at %s:%s.", node, count_nodes(environment), address, port
    )
    return [
        sys.executable, "-m", "torch.distributed.run",
        f"--nnodes={count_nodes(environment)}",
        f"--nproc-per-node={_count_devices()}",
        "--rdzv-backend=c10d",
        f"--rdzv-id={job}-{environment.get('AWS_BATCH_JOB_ATTEMPT', '1')}",
        f"--rdzv-endpoint={address}:{port}",
        f"--rdzv-conf=is_host={int(is_main)}",
        "-m", "prodcat.aws.batch", *arguments,
    ]  # fmt: skip


def _count_devices() -> int:
    import torch

    return max(torch.cuda.device_count(), 1)
