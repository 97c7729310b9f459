"""Run titles through an encoder that is being trained."""

import logging

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from prodcat.model.batches import Batch, TokenTable, plan_batches
from prodcat.model.config import TrainingConfig
from prodcat.model.encoder import Encoder, autocast, pad_id_of
from prodcat.training.activations import LayerSplit, layer_list
from prodcat.training.progress import progress_bar
from prodcat.training.task import Task

logger = logging.getLogger("prodcat")
_FORWARD_TOKENS = 8_192  # tokens in a batch for which no gradients are computed
_LARGEST_CACHE = 8 << 30  # bytes of stored activations of one table


def frozen_layers(encoder: Encoder, config: TrainingConfig) -> int:
    """The number of layers, counted from the bottom, that are not trained; never all of them.

    Raises:
        EncoderError: The layers to freeze cannot be found.
    """
    if not config.frozen_layers:
        return 0
    layers = len(layer_list(encoder.body)[2])
    return min(round(config.frozen_layers * layers), layers - 1)


class TitleReader:
    """Turns titles into pooled vectors, with stored activations of frozen layers if there are any.

    The output of the frozen lower layers is computed once for each token and stored; from then on
    only the layers above them are run.

    Args:
        task: What is trained, on which titles, and how; layers of its encoder are frozen here.
        progress: Whether :meth:`read_all` may show a progress bar.

    Raises:
        EncoderError: The layers to freeze cannot be found.
    """

    def __init__(self, task: Task, progress: bool = False) -> None:
        assert task.network.encoder is not None
        self.progress = progress
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
        """Compute and store the output of the frozen layers; each process computes a share of it.

        Without frozen layers, or if the output would take more than 8 GiB, nothing is stored.

        Args:
            table: The titles; the activations are used for this object only, not for equal ones.
        """
        size = len(table.ids) * self.encoder.hidden * (2 if self.precision == "bfloat16" else 4)
        if self.split is None:
            return
        if size > _LARGEST_CACHE:
            logger.warning(
                "The output of the frozen layers would take %.1f GiB, and at most %d GiB are "
                "stored; so it is computed again in every epoch.",
                size / 2**30,
                _LARGEST_CACHE >> 30,
            )
            return
        lower = self.split.lower(table, self._batches_of_this_process(table))
        self.activations[id(table)] = self.ranks.add_up(lower)

    def read(self, table: TokenTable, batch: Batch) -> Tensor:
        """Run a batch of titles through the encoder, with gradients.

        Args:
            table: The titles.
            batch: A batch of the table, on the network's device.

        Returns:
            Pooled titles, float32 [batch, hidden].
        """
        with autocast(self.network.device, self.precision):
            if self.split is not None and id(table) in self.activations:
                return self.split.upper(self.activations[id(table)], batch)
            pooled: Tensor = self.encoder(batch.ids, batch.mask)
            return pooled

    @torch.no_grad()
    def read_all(self, table: TokenTable, name: str = "") -> Tensor:
        """Run all titles of a table through the encoder in eval mode, without gradients.

        Each process computes a share, and all get the whole result.

        Args:
            table: The titles.
            name: The name of the progress bar; none is shown without a name.

        Returns:
            Pooled titles, float32 [rows, hidden].
        """
        self.network.eval()
        device = self.network.device
        pooled = torch.zeros(len(table), self.encoder.hidden, device=device)
        batches = self._batches_of_this_process(table)
        with progress_bar(sum(map(len, batches)), name, "title", self.progress and name) as bar:
            for rows in batches:
                batch = table.batch(rows, pad_id_of(self.encoder)).to(device)
                pooled[torch.from_numpy(rows).to(device)] = self.read(table, batch)
                bar.update(len(rows))
        return self.ranks.add_up(pooled)

    def _batches_of_this_process(self, table: TokenTable) -> list[NDArray[np.int64]]:
        batches = plan_batches(table.lengths, _FORWARD_TOKENS)
        return [batches[number] for number in self.ranks.share(len(batches))]
