"""The dropout inside an encoder's layers while it is trained."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn

from prodcat.model.encoder import Encoder


@contextmanager
def encoder_dropout(encoder: Encoder, share: float) -> Iterator[None]:
    """A context in which the encoder's layers use this dropout instead of their config's.

    Args:
        encoder: The encoder.
        share: Share of the values that is set to 0 in training, 0 to 1.
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
