"""Freeze the lower layers of an encoder, and compute their output only once.

Half of an encoder's layers suit product titles as they are.  Freezing them saves their backward
pass, and storing their output saves their forward pass in every epoch but the first.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from prodcat.errors import EncoderError
from prodcat.model.batches import Batch, TokenTable
from prodcat.model.encoder import Encoder, autocast, pad_id_of


def layer_list(body: nn.Module) -> tuple[nn.Module, str, nn.ModuleList]:
    """Find the list of an encoder's layers.

    Args:
        body: A model of ``transformers``.

    Returns:
        The module that has the list as an attribute, the name of this attribute, and the list.

    Raises:
        EncoderError: No list of modules is as long as the number of layers in the config.
    """
    config: Any = body.config
    count = getattr(config, "num_hidden_layers", None) or getattr(config, "n_layers", None)
    for owner in body.modules():
        for name, child in owner.named_children():
            if isinstance(child, nn.ModuleList) and len(child) == count:
                return owner, name, child
    raise EncoderError(
        f"The lower layers of the encoder ({type(body).__name__}) cannot be frozen: expected a "
        f"list of {count} layers in it, and found none. Train with frozen_layers=0."
    )


class LayerSplit:
    """An encoder cut in two: frozen lower layers, and upper layers that are trained.

    Args:
        encoder: The encoder.
        frozen: Number of frozen layers, counted from the bottom; at least 1.
        precision: The precision of the lower layers: ``"bfloat16"`` or ``"float32"``.

    Raises:
        EncoderError: The layers cannot be found; see :func:`layer_list`.
    """

    def __init__(self, encoder: Encoder, frozen: int, precision: str) -> None:
        self.encoder = encoder
        self.precision = precision
        self.owner, self.name, self.layers = layer_list(encoder.body)
        self.frozen = frozen
        self.device = next(encoder.parameters()).device

    @contextmanager
    def _layers_only(self, start: int, end: int) -> Iterator[nn.ModuleList]:
        """A context in which the encoder has only the layers from ``start`` to before ``end``."""
        part = self.layers[start:end]
        assert isinstance(part, nn.ModuleList)
        setattr(self.owner, self.name, part)
        try:
            yield part
        finally:
            setattr(self.owner, self.name, self.layers)

    def freeze(self) -> None:
        """Exclude everything below the upper layers from training, by ``requires_grad``."""
        for parameter in self.encoder.parameters():
            parameter.requires_grad_(False)
        for layer in list(self.layers)[self.frozen :]:
            layer.requires_grad_(True)
        for name, module in self.owner.named_children():
            if name != self.name and "embed" not in name:  # the final norm, as in ModernBERT
                module.requires_grad_(True)

    @torch.no_grad()
    def lower(self, table: TokenTable, batches: Sequence[NDArray[np.int64]]) -> Tensor:
        """Compute the lower layers' output for every token.

        Args:
            table: The tokens of the titles.
            batches: The rows to compute, as :func:`plan_batches` returns them; the output for the
                tokens of other rows is 0.

        Returns:
            float32 or bfloat16, by ``precision``, [tokens, hidden], in the order of ``table.ids``.
        """
        kept: dict[str, Tensor] = {}
        dtype = torch.bfloat16 if self.precision == "bfloat16" else torch.float32
        hidden = torch.zeros(len(table.ids), self.encoder.hidden, dtype=dtype, device=self.device)
        training = self.encoder.training
        self.encoder.eval()
        with self._layers_only(0, self.frozen) as part:
            hook = part[-1].register_forward_hook(
                lambda module, arguments, output: kept.update(
                    last=output[0] if isinstance(output, tuple) else output
                )
            )
            try:
                for rows in batches:
                    batch = table.batch(rows, pad_id_of(self.encoder)).to(self.device)
                    with autocast(self.device, self.precision):
                        self.encoder.states(batch.ids, batch.mask)
                    last, places = kept["last"].to(dtype), batch.source
                    if batch.mask is not None:
                        last, places = last[batch.mask], places[batch.mask]
                    hidden[places.flatten()] = last.flatten(0, -2)
            finally:
                hook.remove()
        self.encoder.train(training)
        return hidden

    def upper(self, hidden: Tensor, batch: Batch) -> Tensor:
        """Run the upper layers on the output of the lower ones.

        Args:
            hidden: [tokens, hidden], from :meth:`lower`.
            batch: A batch of the same table, on the same device.

        Returns:
            Pooled titles, float32 [batch, hidden].
        """
        states = hidden[batch.source].float()
        with self._layers_only(self.frozen, len(self.layers)) as part:
            hook = part[0].register_forward_pre_hook(
                lambda module, arguments, keywords: _replace(states, arguments, keywords),
                with_kwargs=True,
            )
            try:
                pooled: Tensor = self.encoder(batch.ids, batch.mask)
            finally:
                hook.remove()
        return pooled


def _replace(
    states: Tensor, arguments: tuple[Any, ...], keywords: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments of a layer's call, with ``states`` as its hidden states."""
    if arguments:
        return (states, *arguments[1:]), keywords
    return arguments, {**keywords, "hidden_states": states}
