"""The processes that torchrun started to train together."""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from prodcat.cli.environment import local_rank, world_size


@contextmanager
def connected_processes(options: argparse.Namespace) -> Iterator[bool]:
    """Connect the processes during a training.

    Args:
        options: The parsed options; with several processes, ``device`` is set to the device of
            this one.

    Yields:
        Whether this is the process that writes the results.
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
    # The first process may solve n-grams for long while the others wait for it.
    dist.init_process_group("nccl" if cuda else "gloo", timeout=timedelta(hours=6))
    try:
        yield dist.get_rank() == 0
    finally:
        dist.destroy_process_group()
