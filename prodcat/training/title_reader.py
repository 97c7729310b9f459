"""Reading titles into pooled vectors while an encoder learns."""

import logging

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from prodcat.model.batches import Batch, TokenTable, plan_batches
from prodcat.model.config import TrainingConfig
from prodcat.model.encoder import Encoder, autocast, pad_id_of
from prodcat.training.activations import LayerSplit, layer_list
from prodcat.training.task import Task

logger = logging.getLogger("prodcat")
_FORWARD_TOKENS = 8_192
_LARGEST_CACHE = 8 << 30


def frozen_layers(encoder: Encoder, config: TrainingConfig) -> int:
    """The number of layers, from the bottom, that do not learn; at least one layer learns."""
    if not config.frozen_layers:
        return 0
    layers = len(layer_list(encoder.body)[2])
    return min(round(config.frozen_layers * layers), layers - 1)


class TitleReader:
    """Reads titles with as little work as possible: from kept activations where there are some.

    The output of frozen lower layers can be computed once for each token and kept; later readings
    then begin above them.

    Args:
        task: What is trained; this stops the frozen layers of its encoder from learning.
    """

    def __init__(self, task: Task) -> None:
        assert task.network.encoder is not None
        self.network = task.network
        self.encoder: Encoder = task.network.encoder
        self.precision = task.precision
        self.ranks = task.ranks
        self.split: LayerSplit | None = None
        self.activations: dict[int, Tensor] = {}
        frozen = frozen_layers(self.encoder, task.config)
        if frozen:
            self.split = LayerSplit(self.encoder, frozen, self.precision)
            self.split.freeze()

    def keep_activations(self, table: TokenTable) -> None:
        """Compute the output of the frozen layers for a table once; each process does its share.

        Args:
            table: The titles; the activations are kept for this object, not for equal ones.
        """
        size = len(table.ids) * self.encoder.hidden * (2 if self.precision == "bfloat16" else 4)
        if self.split is None:
            return
        if size > _LARGEST_CACHE:
            logger.warning(
                "The frozen layers' output would take %.1f GiB; it is computed anew in every "
                "epoch instead.",
                size / 2**30,
            )
            return
        lower = self.split.lower(table, self._batches_of_this_process(table))
        self.activations[id(table)] = self.ranks.add_up(lower)

    def read(self, table: TokenTable, batch: Batch) -> Tensor:
        """Pooled titles of a batch, float32 [batch, hidden], with gradients.

        Args:
            table: The titles.
            batch: Rows of the table, on the network's device.
        """
        with autocast(self.network.device, self.precision):
            if self.split is not None and id(table) in self.activations:
                return self.split.upper(self.activations[id(table)], batch)
            pooled: Tensor = self.encoder(batch.ids, batch.mask)
            return pooled

    @torch.no_grad()
    def read_all(self, table: TokenTable) -> Tensor:
        """Pooled titles of a whole table, float32 [rows, hidden]; each process reads its share."""
        self.network.eval()
        device = self.network.device
        pooled = torch.zeros(len(table), self.encoder.hidden, device=device)
        for rows in self._batches_of_this_process(table):
            batch = table.batch(rows, pad_id_of(self.encoder)).to(device)
            pooled[torch.from_numpy(rows).to(device)] = self.read(table, batch)
        return self.ranks.add_up(pooled)

    def _batches_of_this_process(self, table: TokenTable) -> list[NDArray[np.int64]]:
        batches = plan_batches(table.lengths, _FORWARD_TOKENS)
        return [batches[number] for number in self.ranks.share(len(batches))]
