"""One step of the optimiser: forward, loss, backward, update."""

from collections.abc import Iterable
from contextlib import nullcontext

import torch
from torch import Tensor, nn

from prodcat.model.batches import Batch
from prodcat.training.epoch_batches import PreparedBatch
from prodcat.training.loss import path_loss
from prodcat.training.task import Task
from prodcat.training.title_reader import TitleReader


class StepLoss(nn.Module):
    """The loss of a batch; each process computes it for other batches.

    Args:
        task: What is trained, on which titles, and how.
        reader: Runs titles through the encoder of the task.
    """

    def __init__(self, task: Task, reader: TitleReader) -> None:
        super().__init__()
        self.network, self.config = task.network, task.config
        self.reader, self.table = reader, task.training.tokens

    def forward(self, tokens: Batch, targets: Tensor, weights: Tensor) -> Tensor:
        """Compute the loss of a batch.

        Args:
            tokens: The titles' tokens.
            targets: int64 [batch]: the node of each label.
            weights: float32 [batch]: how many titles each row stands for.

        Returns:
            The sum of the rows' losses times their weights, in nats, a scalar.
        """
        network = self.network
        assert network.heads is not None
        pooled = self.reader.read(self.table, tokens)
        logits = network.heads(network.dropout(pooled))
        losses = path_loss(network.paths, logits, targets, self.config.level_weight)
        return (losses * weights).sum()


class TrainingStep:
    """A step of the optimiser, in which the CPU never waits for a value of the device.

    Args:
        task: What is trained, on which titles, and how.
        reader: Runs titles through the encoder of the task.
        optimizer: Updates the weights.

    Attributes:
        weight_per_step: Mean number of titles in a step, by which the loss is divided.
        loss_sum: The sum of this process's losses, in nats, since it was last set to 0: a scalar
            on the device.
        first_fault: The number of the first step after which ``loss_sum`` was not finite, -1 if it
            always was: int64, a scalar on the device.
    """

    def __init__(self, task: Task, reader: TitleReader, optimizer: torch.optim.Optimizer) -> None:
        self.ranks, self.config = task.ranks, task.config
        self.optimizer, self.weight_per_step = optimizer, 1.0
        self.learned = [
            parameter for group in optimizer.param_groups for parameter in group["params"]
        ]
        self.loss_sum = torch.zeros((), device=task.device)
        self.first_fault = torch.full((), -1, device=task.device)
        self.loss: nn.Module = StepLoss(task, reader)

    def share_gradients(self) -> None:
        """From now on average the gradients over all processes, so that all take equal steps."""
        if self.ranks.size > 1:
            self.loss = nn.parallel.DistributedDataParallel(
                self.loss, broadcast_buffers=False, find_unused_parameters=True
            )

    def __call__(self, batches: Iterable[PreparedBatch], step: int = 0) -> None:
        """Update the weights once, and add the batches' losses to ``loss_sum``.

        Args:
            batches: The batches of the step: at most ``config.accumulate``.
            step: The number of the step, from 1.
        """
        for number, batch in enumerate(batches, start=1):
            more_to_come = number < self.config.accumulate and self.ranks.size > 1
            with self.loss.no_sync() if more_to_come else nullcontext():  # type: ignore[operator]
                loss = self.loss(batch.tokens, batch.targets, batch.weights)
                # DistributedDataParallel takes the mean over processes, but the sum is needed.
                (loss * (self.ranks.size / self.weight_per_step)).backward()
            self.loss_sum += loss.detach()
        is_first = (self.first_fault < 0) & ~self.loss_sum.isfinite()
        self.first_fault = torch.where(is_first, step, self.first_fault)
        nn.utils.clip_grad_norm_(self.learned, self.config.clip)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
