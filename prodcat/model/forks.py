"""Makes a process that was forked from one that has computed able to compute too.

A server that loads its model before it forks its workers (gunicorn with ``preload``), Celery and
``multiprocessing`` fork.  Of all threads only the one that forks exists in the new process.  OpenMP
would wait for the others for ever, so torch gets one core there; and a lock that another thread
held is never released, so locks are made anew.
"""

import os
from collections.abc import Callable

import torch


def in_each_fork(prepare: Callable[[], object]) -> None:
    """Call a function in each process that is forked from this one, before anything else there."""
    if hasattr(os, "register_at_fork"):  # systems without it cannot fork
        os.register_at_fork(after_in_child=prepare)


def _take_one_core() -> None:
    torch.set_num_threads(1)
    # The threads of the tokenizers are gone too, even if this variable asks for them.
    os.putenv("TOKENIZERS_PARALLELISM", "false")


in_each_fork(_take_one_core)
