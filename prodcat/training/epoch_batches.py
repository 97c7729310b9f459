"""The batches of an epoch, prepared while the device computes earlier ones."""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from prodcat.model.batches import Batch, padded_share, plan_batches, to_device
from prodcat.training.sampled_rows import Shares, draw_rows
from prodcat.training.task import Task

_AHEAD = 4  # batches that are prepared in advance


@dataclass(frozen=True)
class PreparedBatch:
    """A batch on the device.

    Attributes:
        tokens: The titles' tokens.
        targets: int64 [batch]: the node of each label.
        weights: float32 [batch]: how many titles each row stands for.
    """

    tokens: Batch
    targets: Tensor
    weights: Tensor


class EpochBatches:
    """The batches that one process trains on in each epoch.

    Each step of the optimiser takes ``config.accumulate`` batches from each process.

    Args:
        task: What is trained, on which titles, and how.
        pad_id: The token id that short titles are padded with.
        shares: The share of epochs in which each row is learned, float32 [rows], above 0 and at
            most 1; the weight of a row is divided by it.  None if all are in every epoch.

    Attributes:
        token_budget: Maximum number of tokens in a batch, padding included.
        steps: Number of optimiser steps in each epoch.
        total_weight: Number of titles in an epoch, the sum of the training rows' weights.
        weight_per_step: Mean number of titles in a step, over all processes.
        padded_share: Share of the first epoch's tokens that is padding, 0 to 1.
        size: Number of rows that the first epoch reads.
        tokens: Number of their tokens, padding not counted.
    """

    def __init__(self, task: Task, pad_id: int, shares: Shares | None = None) -> None:
        self.task, self.pad_id, self.shares = task, pad_id, shares
        self.table, self.targets = task.training.tokens, task.training.targets
        self.weights = task.training.row_weights
        self.total_weight = float(self.weights.sum())
        self.token_budget = task.step_size.tokens
        if shares is not None:
            self.weights = self.weights / shares
            # As many steps as with all rows; each stands for as many titles as it would then.
            self.token_budget = max(round(self.token_budget * float(shares.mean())), 1)
        plan = self._plan(1)
        self.size = sum(map(len, plan))
        self.tokens = int(sum(self.table.lengths[rows].sum() for rows in plan))
        self.padded_share = padded_share(self.table.lengths, plan)
        self.batches_per_step = task.ranks.size * task.config.accumulate
        # Samples of rows differ in their lengths, so that some epochs have a batch more.
        epochs = range(1, task.config.epochs + 1)
        batches = [len(plan if shares is None else self._plan(epoch)) for epoch in epochs]
        self.steps = [-(-count // self.batches_per_step) for count in batches]
        self.weight_per_step = self.total_weight / max(len(plan), 1) * self.batches_per_step

    def prepared(self, epoch: int, first_step: int) -> Iterator[PreparedBatch]:
        """Prepare this process's batches of an epoch, a few in advance.

        The order within an epoch depends only on the seed and the epoch's number, so that a
        training can resume in the middle of an epoch.

        Args:
            epoch: The number of the epoch, from 1.
            first_step: Number of steps of this epoch that were taken already.

        Yields:
            The batches, on the device.
        """
        plan = self._plan(epoch)
        numbers = self._numbers(epoch, first_step)
        with ThreadPoolExecutor(1) as pool:
            waiting = deque(pool.submit(self._prepare, plan, number) for number in numbers[:_AHEAD])
            try:
                for place in range(len(numbers)):
                    batch = waiting.popleft().result()
                    if place + _AHEAD < len(numbers):
                        waiting.append(pool.submit(self._prepare, plan, numbers[place + _AHEAD]))
                    yield batch
            finally:
                for future in waiting:
                    future.cancel()

    def _plan(self, epoch: int) -> list[NDArray[np.int64]]:
        """The rows of every batch of an epoch, in the order of that epoch."""
        rng = np.random.default_rng([self.task.config.seed, epoch])
        lengths = self.table.lengths
        if self.shares is None:
            return plan_batches(lengths, self.token_budget, rng)
        rows = draw_rows(self.shares, rng)
        return [rows[batch] for batch in plan_batches(lengths[rows], self.token_budget, rng)]

    def _numbers(self, epoch: int, first_step: int) -> list[int]:
        """The numbers of this process's batches in the plan of an epoch, in order."""
        ranks = self.task.ranks
        return [
            step * self.batches_per_step + part * ranks.size + ranks.rank
            for step in range(first_step, self.steps[epoch - 1])
            for part in range(self.task.config.accumulate)
        ]

    def _prepare(self, plan: list[NDArray[np.int64]], number: int) -> PreparedBatch:
        # The last step may have fewer batches than processes; the others get one row of weight 0.
        missing = number >= len(plan)
        rows = plan[0][:1] if missing else plan[number]
        weights = self.weights[rows] * np.float32(not missing)
        device = self.task.device
        tokens = self.table.batch(rows, self.pad_id).to(device)
        targets = to_device(torch.from_numpy(self.targets[rows]), device)
        return PreparedBatch(tokens, targets, to_device(torch.from_numpy(weights), device))
