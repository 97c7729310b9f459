"""The processes that train together: how they divide work and exchange values.

``torchrun`` starts them and :mod:`torch.distributed` connects them.  A process that trains alone is
rank 0 of 1.
"""

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
import torch.distributed as dist
from numpy.typing import NDArray
from torch import Tensor

_T = TypeVar("_T")


@dataclass(frozen=True)
class Ranks:
    """The number of this process, and of all processes that train together.

    Attributes:
        rank: The number of this process, from 0; process 0 writes the files.
        size: The number of processes that train together.
    """

    rank: int = 0
    size: int = 1

    @classmethod
    def current(cls) -> "Ranks":
        """The numbers in :mod:`torch.distributed`; rank 0 of 1 if this is not initialised."""
        if dist.is_available() and dist.is_initialized():
            return cls(dist.get_rank(), dist.get_world_size())
        return cls()

    @property
    def writes(self) -> bool:
        """Whether this process writes files and logs for all processes."""
        return self.rank == 0

    def share(self, count: int) -> NDArray[np.int64]:
        """The items, numbered from 0 to ``count - 1``, that this process works on, int64.

        >>> Ranks(rank=1, size=3).share(8).tolist()
        [1, 4, 7]
        """
        return np.arange(self.rank, count, self.size)

    def add_up(self, tensor: Tensor) -> Tensor:
        """Sum a tensor over all processes, in place, and return it."""
        if self.size > 1:
            dist.all_reduce(tensor)
        return tensor

    def agree(self, value: _T) -> _T:
        """The value in process 0, which may differ from the value in this process."""
        if self.size == 1:
            return value
        values = [value]
        dist.broadcast_object_list(values, src=0)
        return values[0]

    def collect(self, value: _T) -> list[_T]:
        """The values of all processes, in the order of their ranks."""
        if self.size == 1:
            return [value]
        values: list[_T | None] = [None] * self.size
        dist.all_gather_object(values, value)
        return [gathered for gathered in values if gathered is not None]

    def any(self, flag: bool, device: torch.device) -> bool:
        """Whether the flag is set in any process."""
        if self.size == 1:
            return flag
        return bool(self.add_up(torch.tensor(float(flag), device=device)) > 0)
