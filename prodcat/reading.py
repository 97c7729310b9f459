"""How an encoder is run on titles that are only read, not learned from."""

from collections.abc import Callable

import torch
from torch import Tensor

from prodcat.encoder import Encoder, autocast

Reading = Callable[[Tensor, Tensor | None], Tensor]


def plain_reading(encoder: Encoder, precision: str) -> Reading:
    """The encoder's own forward pass.

    Args:
        encoder: In eval mode.
        precision: ``"float32"``, or ``"bfloat16"`` for autocast.

    Returns:
        From ids, int64 [batch, token], and a mask, bool [batch, token] or None, to pooled
        titles, float32 [batch, hidden].
    """
    device = next(encoder.parameters()).device

    def read(ids: Tensor, mask: Tensor | None) -> Tensor:
        with autocast(device, precision):
            pooled: Tensor = encoder(ids, mask)
        return pooled.float()

    return read


def no_reading(ids: Tensor, mask: Tensor | None) -> Tensor:
    """For a network without an encoder, which reads nothing."""
    raise AssertionError("there is no encoder")


def has_bfloat16(device: torch.device) -> bool:
    """Whether bfloat16 products are fast on a device."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())
