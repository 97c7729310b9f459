"""One step of the optimiser: forward, loss, backward, update."""

from collections.abc import Iterable
from contextlib import nullcontext

import torch
from torch import Tensor, nn

from prodcat.model.batches import Batch
from prodcat.model.network import Network
from prodcat.training.epoch_batches import PreparedBatch
from prodcat.training.loss import path_loss
from prodcat.training.task import Task
from prodcat.training.title_reader import TitleReader


class StepLoss(nn.Module):
    """A batch to its summed loss: the one thing that processes compute side by side.

    Args:
        task: What is trained.
        reader: Reads its titles.
    """

    def __init__(self, task: Task, reader: TitleReader) -> None:
        super().__init__()
        self.network, self.config = task.network, task.config
        self.reader, self.table = reader, task.training.tokens
        targets = torch.from_numpy(task.training.targets).to(task.device)
        self.adjustment = logit_adjustment(task.network, targets, task.config.logit_adjustment)

    def forward(
        self, tokens: Batch, targets: Tensor, weights: Tensor, pooled: Tensor | None
    ) -> Tensor:
        """The weighted losses of a batch, summed to a scalar.

        Args:
            tokens: The titles' tokens.
            targets: int64 [batch], node positions.
            weights: float32 [batch]: how many titles each row stands for.
            pooled: float32 [batch, hidden]: the titles through the encoder, or None to read them.
        """
        network, config = self.network, self.config
        assert network.heads is not None
        if pooled is None:
            pooled = self.reader.read(self.table, tokens)
        losses = path_loss(
            network.paths,
            network.heads(network.dropout(pooled)),
            targets,
            label_smoothing=config.label_smoothing,
            level_weight=config.level_weight,
            adjustment=self.adjustment,
        )
        return (losses * weights).sum()


class TrainingStep:
    """A step of the optimiser; nothing in it waits for a value on the device.

    Args:
        task: What is trained.
        reader: Reads its titles.
        optimizer: Updates the weights.
        weight_per_step: Titles that the rows of a step stand for, on average: the loss of a step is
            divided by it.

    Attributes:
        loss_sum: The losses of this process since this was last set to 0, summed, a scalar on the
            device.
    """

    def __init__(
        self,
        task: Task,
        reader: TitleReader,
        optimizer: torch.optim.Optimizer,
        weight_per_step: float,
    ) -> None:
        self.ranks, self.config = task.ranks, task.config
        self.optimizer, self.weight_per_step = optimizer, weight_per_step
        self.learned = [
            parameter for group in optimizer.param_groups for parameter in group["params"]
        ]
        self.loss_sum = torch.zeros((), device=task.device)
        self.loss: nn.Module = StepLoss(task, reader)

    def share_gradients(self) -> None:
        """Let all processes take the same step, on the gradients of all."""
        if self.ranks.size > 1:
            self.loss = nn.parallel.DistributedDataParallel(
                self.loss, broadcast_buffers=False, find_unused_parameters=True
            )

    def __call__(self, batches: Iterable[PreparedBatch], pooled: Tensor | None = None) -> None:
        """Update the weights once.

        Args:
            batches: As many as are accumulated, ``config.accumulate``.
            pooled: float32 [rows, hidden]: all training titles through the encoder, where the
                heads learn alone, or None.
        """
        for number, batch in enumerate(batches, start=1):
            pooled_batch = None if pooled is None else pooled[batch.rows]
            more_to_come = number < self.config.accumulate and self.ranks.size > 1
            with self.loss.no_sync() if more_to_come else nullcontext():  # type: ignore[operator]
                loss = self.loss(batch.tokens, batch.targets, batch.weights, pooled_batch)
                # DistributedDataParallel takes the mean over processes; the sum is meant.
                (loss * (self.ranks.size / self.weight_per_step)).backward()
            self.loss_sum += loss.detach()
        nn.utils.clip_grad_norm_(self.learned, self.config.clip)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)


def logit_adjustment(network: Network, targets: Tensor, tau: float) -> Tensor | None:
    """Tau times the log share of each outcome; a row with a partial label is spread evenly.

    Args:
        network: The network, for its outcomes.
        targets: int64 [rows], node positions.
        tau: Strength of the adjustment.

    Returns:
        float32 [outcome], or None where ``tau`` is 0.
    """
    if not tau:
        return None
    spans = network.paths.target_spans[targets]
    edges = torch.zeros(len(network.paths.outcomes) + 1, device=targets.device)
    share = 1 / (spans[:, 1] - spans[:, 0]).float()
    edges.index_add_(0, spans[:, 0], share).index_add_(0, spans[:, 1], -share)
    counts = edges.cumsum(0)[:-1].clamp(min=0.5)
    return tau * (counts / counts.sum()).log()
