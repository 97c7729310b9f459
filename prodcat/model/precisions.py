"""The precisions in which a trained encoder can run, and its fastest implementation in each.

These implementations ("forms") are for prediction only.  Those for CPUs are in
:mod:`prodcat.model.packed` and :mod:`prodcat.model.int8`.
"""

import copy
from collections.abc import Callable

import torch
from torch import Tensor

from prodcat.model.bert_weights import is_plain_bert
from prodcat.model.encoder import Encoder, autocast
from prodcat.model.int8 import QuantizedEncoder, Ranges, can_quantize
from prodcat.model.packed import CPU_BATCH_TOKENS, PackedEncoder

# A function from token ids, int64 [batch, token], and a mask, bool [batch, token] or None if
# nothing is padded, to pooled titles, float32 [batch, hidden].
EncoderForm = Callable[[Tensor, Tensor | None], Tensor]
PRECISIONS = ("float32", "bfloat16", "int8")
_GPU_BATCH_TOKENS = 32_768


def no_encoder(ids: Tensor, mask: Tensor | None) -> Tensor:
    """Stands in for the encoder of a network without one; it must not be called."""
    raise AssertionError("there is no encoder")


def encoder_form(encoder: Encoder, precision: str, ranges: Ranges | None = None) -> EncoderForm:
    """The fastest implementation of an encoder on its device.

    Args:
        encoder: The encoder, in eval mode; it is not changed.
        precision: One of the encoder's :func:`precisions`; ``"int8"`` only on a CPU.
        ranges: The ranges of the inputs of its matrix products; needed for int8.

    Returns:
        A function from token ids, int64 [batch, token], and a mask, bool [batch, token] or None
        if nothing is padded, to pooled titles, float32 [batch, hidden].
    """
    device = next(encoder.parameters()).device
    if precision == "int8":
        assert ranges is not None and device.type == "cpu"
        float_type = torch.bfloat16 if _has_bfloat16(device) else torch.float32
        return QuantizedEncoder(encoder, float_type, ranges)
    if device.type == "cpu" and is_plain_bert(encoder.body.config):
        return PackedEncoder(encoder, torch.bfloat16 if precision == "bfloat16" else torch.float32)
    if device.type == "cuda" and precision == "bfloat16":
        return copy.deepcopy(encoder).bfloat16()

    def pooled_titles(ids: Tensor, mask: Tensor | None) -> Tensor:
        with autocast(device, precision):
            pooled: Tensor = encoder(ids, mask)
        return pooled.float()

    return pooled_titles


# The names of earlier versions.
Reading = EncoderForm
make_reading, no_reading = encoder_form, no_encoder


def batch_tokens(device: torch.device) -> int:
    """The maximum number of tokens in a batch, padding included, with which a device is fastest."""
    return CPU_BATCH_TOKENS if device.type == "cpu" else _GPU_BATCH_TOKENS


def precisions(encoder: Encoder | None) -> tuple[str, ...]:
    """The precisions in which an encoder can run; without an encoder only float32.

    Each of them gives correct results on every CPU, but some CPUs are slow in some of them.
    """
    if encoder is None:
        return ("float32",)
    return PRECISIONS if can_quantize(encoder) else PRECISIONS[:2]


def fastest(device: torch.device) -> tuple[str, ...]:
    """The precisions that a device supports, from the fastest to the slowest."""
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
