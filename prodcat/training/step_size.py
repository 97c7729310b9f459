"""How many tokens a batch has, and the learning rates that go with it, by device."""

import math
from dataclasses import dataclass

import torch

from prodcat.model.batches import TokenTable
from prodcat.model.config import TrainingConfig

# Batches of this size keep a CPU busy and starve a GPU.
CPU_TOKENS = 1_024
_MOST_TOKENS_GPU = 8_192
# Of an epoch; with fewer the rates would fall before anything is learned.
_FEWEST_STEPS = 100


@dataclass(frozen=True)
class StepSize:
    """The size of a training's batches.

    Attributes:
        tokens: Maximum number of tokens in a batch, padding included.
        rate_factor: What both learning rates are multiplied with.
    """

    tokens: int = CPU_TOKENS
    rate_factor: float = 1.0

    @classmethod
    def of(
        cls, config: TrainingConfig, table: TokenTable, device: torch.device, processes: int
    ) -> "StepSize":
        """The size that the settings ask for, or the one that suits the device.

        On a GPU a batch has as many tokens as leave 100 steps in an epoch, at least 1,024 and at
        most 8,192.  The learning rates grow with the square root of the batch, as suits Adam
        (Malladi et al., 2022, "On the SDEs and scaling rules for adaptive gradient algorithms").

        Args:
            config: The settings of the training.
            table: The titles of an epoch.
            device: The device to train on.
            processes: Number of processes that train together, each with batches of this size.
        """
        if config.token_budget is not None:
            return cls(config.token_budget)
        if device.type == "cpu":
            return cls()
        fitting = len(table.ids) // (_FEWEST_STEPS * processes * config.accumulate)
        size = min(max(fitting, CPU_TOKENS), _MOST_TOKENS_GPU)
        return cls(size, math.sqrt(size / CPU_TOKENS))
