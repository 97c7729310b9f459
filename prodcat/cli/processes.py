"""Connects the processes that torchrun started to train together."""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from prodcat.cli.environment import local_rank, world_size


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
