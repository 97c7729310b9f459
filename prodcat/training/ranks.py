"""The processes that train together: who does what share, and how they agree.

``torchrun`` starts them and :mod:`torch.distributed` connects them; here is only what the
loop asks of either.  A single process is one rank of one.
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
    """This process among all.

    Attributes:
        rank: Its number, from 0; 0 is the one that writes.
        size: How many there are.
    """

    rank: int = 0
    size: int = 1

    @classmethod
    def current(cls) -> "Ranks":
        """As :mod:`torch.distributed` was set up; one of one where it was not."""
        if dist.is_available() and dist.is_initialized():
            return cls(dist.get_rank(), dist.get_world_size())
        return cls()

    @property
    def writes(self) -> bool:
        """Whether this process is the one that writes and speaks."""
        return self.rank == 0

    def share(self, count: int) -> NDArray[np.int64]:
        """Which of so many things this process does."""
        return np.arange(self.rank, count, self.size)

    def add_up(self, tensor: Tensor) -> Tensor:
        """The sum over all processes, in place; where others have zeros, their union."""
        if self.size > 1:
            dist.all_reduce(tensor)
        return tensor

    def agree(self, value: _T) -> _T:
        """What the first process says."""
        if self.size == 1:
            return value
        said = [value]
        dist.broadcast_object_list(said, src=0)
        return said[0]

    def collect(self, value: _T) -> list[_T]:
        """What every process says, in their order."""
        if self.size == 1:
            return [value]
        said: list[_T | None] = [None] * self.size
        dist.all_gather_object(said, value)
        return [own for own in said if own is not None]

    def any(self, here: bool, device: torch.device) -> bool:
        """Whether it is so for any process."""
        if self.size == 1:
            return here
        return bool(self.add_up(torch.tensor(float(here), device=device)) > 0)
