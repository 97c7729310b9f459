"""Connects the processes that torchrun started to train together, and tells of SIGTERM."""

import argparse
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import NoReturn

from prodcat.cli.environment import local_rank, world_size
from prodcat.errors import Interrupted


@contextmanager
def tells_of_sigterm(checkpoints: str | None) -> Iterator[None]:
    """A context manager in which SIGTERM ends a training with a message, not in silence.

    A handler that is set already is kept.  While the state of the training can be saved, the
    training handles the signal itself.

    Args:
        checkpoints: The folder for the state of the training; None if it is not saved.

    Raises:
        Interrupted: The process got SIGTERM.
    """

    def stop(number: int, frame: object) -> NoReturn:
        if checkpoints:
            raise Interrupted(
                "stopped by SIGTERM before or after the steps of the training. The same command "
                f"resumes from the last state in {checkpoints}, if there is one."
            )
        raise Interrupted(
            "stopped by SIGTERM; nothing is saved. With --checkpoints, the same command would "
            "resume the training."
        )

    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or signal.getsignal(signal.SIGTERM) != signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


@contextmanager
def connected_processes(options: argparse.Namespace) -> Iterator[bool]:
    """A context manager in which the processes of torchrun are connected.

    Args:
        options: The parsed options.  If there are several processes, ``options.device`` is set to
            the device of this process.

    Yields:
        Whether this process must write the results, as only one process does.
    """
    if world_size() == 1:
        yield True
        return
    import torch
    import torch.distributed as dist

    cuda = torch.cuda.is_available() and not str(options.device or "cuda").startswith("cpu")
    if cuda:
        options.device = f"cuda:{local_rank()}"
        torch.cuda.set_device(options.device)
    else:
        options.device = "cpu"
    # The others wait while the first process fits the n-grams, which can take hours.
    dist.init_process_group("nccl" if cuda else "gloo", timeout=timedelta(hours=6))
    try:
        yield dist.get_rank() == 0
    finally:
        dist.destroy_process_group()
