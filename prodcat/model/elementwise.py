"""Exponentials and logarithms that wait for no other thread.

On a CPU, ``Tensor.exp`` and ``Tensor.log`` call MKL, which divides even some hundred numbers among
threads.  On an idle machine this costs nothing.  Where other work has the cores, as in a service
that answers several requests, each call waits until the system runs all of these threads: up to
8 ms instead of 2 µs.  NumPy's functions use vector instructions in the calling thread alone, and
their results do not depend on the position of a number (those of ``torch.exp2`` do).
"""

import numpy as np
import torch
from torch import Tensor


def exp(values: Tensor) -> Tensor:
    """The exponential of each value, of the same shape and type.

    Args:
        values: float [...].

    >>> exp(torch.tensor([0.0, -torch.inf])).tolist()
    [1.0, 0.0]
    """
    return torch.from_numpy(np.exp(values.numpy())) if _for_numpy(values) else values.exp()


def log(values: Tensor) -> Tensor:
    """The natural logarithm of each value, of the same shape and type.

    Args:
        values: float [...], not negative.

    >>> log(torch.tensor([1.0, 0.0])).tolist()
    [0.0, -inf]
    """
    if not _for_numpy(values):
        return values.log()
    with np.errstate(divide="ignore"):
        return torch.from_numpy(np.log(values.numpy()))


def _for_numpy(values: Tensor) -> bool:
    """Whether values are in memory that NumPy reads, and no gradient or graph is made of them."""
    return (
        values.device.type == "cpu"
        and values.dtype in (torch.float32, torch.float64)
        and values.ndim > 0
        and not values.requires_grad
        and not torch.compiler.is_compiling()
    )
