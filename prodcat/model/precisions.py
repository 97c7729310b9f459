"""In which precision an encoder reads titles, and the fastest way to run it in each.

Here titles are only read, not learned from: see :mod:`prodcat.model.packed` for CPUs.
"""

import copy
from collections.abc import Callable

import torch
from torch import Tensor

from prodcat.model.encoder import Encoder, autocast
from prodcat.model.int8 import QuantizedEncoder, Ranges, can_quantize
from prodcat.model.packed import CPU_BATCH_TOKENS, PackedEncoder, is_plain_bert

# From ids, int64 [batch, token], and a mask, bool [batch, token] or None where nothing is padded,
# to pooled titles, float32 [batch, hidden].
Reading = Callable[[Tensor, Tensor | None], Tensor]
PRECISIONS = ("float32", "bfloat16", "int8")
_DEVICE_BATCH_TOKENS = 32_768  # of a batch on a GPU


def no_reading(ids: Tensor, mask: Tensor | None) -> Tensor:
    """The :data:`Reading` of a network without an encoder, which is never called."""
    raise AssertionError("there is no encoder")


def make_reading(encoder: Encoder, precision: str, ranges: Ranges | None = None) -> Reading:
    """The fastest way to run an encoder on its device.

    Args:
        encoder: In eval mode; it stays as it is.
        precision: One of :data:`PRECISIONS` that :func:`precisions` says it has.
        ranges: Of its activations, for int8.

    Returns:
        From ids, int64 [batch, token], and a mask, bool [batch, token] or None where nothing is
        padded, to pooled titles, float32 [batch, hidden].
    """
    device = next(encoder.parameters()).device
    if precision == "int8":
        assert ranges is not None and device.type == "cpu"
        other = torch.bfloat16 if _has_bfloat16(device) else torch.float32
        return QuantizedEncoder(encoder, other, ranges)
    if device.type == "cpu" and is_plain_bert(encoder.body.config):
        return PackedEncoder(encoder, torch.bfloat16 if precision == "bfloat16" else torch.float32)
    if device.type == "cuda" and precision == "bfloat16":
        return copy.deepcopy(encoder).bfloat16()

    def read(ids: Tensor, mask: Tensor | None) -> Tensor:
        with autocast(device, precision):
            pooled: Tensor = encoder(ids, mask)
        return pooled.float()

    return read


def batch_tokens(device: torch.device) -> int:
    """Tokens of a batch that a device reads fastest."""
    return CPU_BATCH_TOKENS if device.type == "cpu" else _DEVICE_BATCH_TOKENS


def precisions(encoder: Encoder | None) -> tuple[str, ...]:
    """The precisions that an encoder can be read in; all are right on every CPU."""
    if encoder is None:
        return ("float32",)
    return PRECISIONS if can_quantize(encoder) else PRECISIONS[:2]


def fastest(device: torch.device) -> tuple[str, ...]:
    """The precisions that a device has, those that are fastest on it first."""
    floats = ("bfloat16", "float32") if _has_bfloat16(device) else ("float32", "bfloat16")
    if device.type == "cuda":
        return floats
    if torch.cpu._is_amx_tile_supported():
        return ("bfloat16", "int8", "float32")
    if torch.cpu._is_vnni_supported():
        return ("int8", *floats)
    return ("float32", "bfloat16", "int8")


def _has_bfloat16(device: torch.device) -> bool:
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    return torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
