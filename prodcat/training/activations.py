"""Frozen lower layers, computed once: their output is kept and training starts above them.

Half of an encoder's layers carry over to product titles as they are.  Keeping them fixed
saves their backward pass, and keeping their output saves the forward pass of every epoch
but the first.
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
    """Find the list of an encoder's layers: its owner, its name there, and the list.

    Raises:
        EncoderError: There is no list with as many modules as the config has layers.
    """
    config: Any = body.config
    count = getattr(config, "num_hidden_layers", None) or getattr(config, "n_layers", None)
    for owner in body.modules():
        for name, child in owner.named_children():
            if isinstance(child, nn.ModuleList) and len(child) == count:
                return owner, name, child
    raise EncoderError(
        f"Found no list of {count} layers in a {type(body).__name__}; expected one. "
        "Train with frozen_layers=0."
    )


class LayerSplit:
    """An encoder cut in two: lower layers that stay, upper layers that learn.

    Args:
        encoder: The encoder.
        frozen: How many layers from the bottom stay as they are, at least 1.
        precision: ``"bfloat16"`` or ``"float32"``.
    """

    def __init__(self, encoder: Encoder, frozen: int, precision: str) -> None:
        self.encoder = encoder
        self.precision = precision
        self.owner, self.name, self.layers = layer_list(encoder.body)
        self.frozen = frozen
        self.device = next(encoder.parameters()).device

    @contextmanager
    def _layers_only(self, start: int, end: int) -> Iterator[nn.ModuleList]:
        """A context in which the encoder has no other layers than these."""
        part = self.layers[start:end]
        assert isinstance(part, nn.ModuleList)
        setattr(self.owner, self.name, part)
        try:
            yield part
        finally:
            setattr(self.owner, self.name, self.layers)

    def freeze(self) -> None:
        """Stop everything below the upper layers from learning."""
        for parameter in self.encoder.parameters():
            parameter.requires_grad_(False)
        for layer in list(self.layers)[self.frozen :]:
            layer.requires_grad_(True)
        for name, module in self.owner.named_children():
            if name != self.name and "embed" not in name:  # a last norm, as in ModernBERT
                module.requires_grad_(True)

    @torch.no_grad()
    def lower(self, table: TokenTable, batches: Sequence[NDArray[np.int64]]) -> Tensor:
        """The lower layers' output for every token, [tokens, hidden], in the table's order.

        Args:
            table: The titles.
            batches: Rows to read, as :func:`plan_batches` returns them; the tokens of other rows
                stay 0.
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
        """Run the upper layers on kept activations: pooled titles, float32 [batch, hidden].

        Args:
            hidden: Activations that :meth:`lower` returned.
            batch: Rows of the same table, on the same device.
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
    """The arguments of a layer with other hidden states."""
    if arguments:
        return (states, *arguments[1:]), keywords
    return arguments, {**keywords, "hidden_states": states}
