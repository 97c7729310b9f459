"""How an encoder's layers run while it is trained: their dropout, and whether compiled."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from prodcat.model.config import TrainingConfig
from prodcat.model.encoder import Encoder
from prodcat.training.activations import layer_list

_COMPILE_PAYS = 5_000  # steps on a GPU, below which compiling takes longer than it saves


@contextmanager
def encoder_dropout(encoder: Encoder, share: float) -> Iterator[None]:
    """A context in which the encoder's layers have another dropout than in their config.

    Args:
        encoder: The encoder.
        share: Share of the values that is set to 0, in training.
    """
    names = ("p", "attention_dropout")
    before = [
        (module, name, getattr(module, name))
        for module in encoder.modules()
        for name in names[not isinstance(module, nn.Dropout) :]
        if isinstance(getattr(module, name, None), float)
    ]
    for module, name, _ in before:
        setattr(module, name, share)
    try:
        yield
    finally:
        for module, name, value in before:
            setattr(module, name, value)


@contextmanager
def compiled_layers(encoder: Encoder, config: TrainingConfig, steps: int) -> Iterator[None]:
    """A context in which the encoder's layers are compiled, where that pays.

    Args:
        encoder: The encoder, on its device.
        config: Says whether to compile.
        steps: Steps of the whole training.
    """
    on_gpu = encoder.word_embeddings.weight.device.type == "cuda"
    pays = on_gpu and steps >= _COMPILE_PAYS
    if config.compile == "no" or (config.compile == "auto" and not pays):
        yield
        return
    layers = list(layer_list(encoder.body)[2])
    for layer in layers:
        layer.compile(dynamic=True)
    try:
        # The first of the upper layers is given its input by a hook, so what is compiled for the
        # others, which have none, must not serve it.
        with torch._dynamo.config.patch(skip_nnmodule_hook_guards=False):
            yield
    finally:
        for layer in layers:
            layer._compiled_call_impl = None
