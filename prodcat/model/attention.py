r"""Attention for short sequences, as two batched products.

Titles have 5 to 30 tokens.  At such lengths the fused kernels of a CPU spend most of their
time outside the arithmetic: in bfloat16, at 16 tokens, they took more of a training step than
all matrix products together.  ``softmax(Q K' / sqrt(d)) V`` written out (Vaswani et al.,
NeurIPS 2017) is several times as fast there; the scores it keeps are small.
"""

from typing import Any

import torch
from torch import Tensor

LONGEST = 128  # tokens; above it the fused kernels win


def suits(module: Any, query: Tensor, rest: dict[str, Any]) -> bool:
    """Whether plain products do what the model asks for, sooner than a fused kernel would."""
    groups = getattr(module, "num_key_value_groups", 1)
    plain = groups == 1 and rest.get("position_bias") is None and rest.get("softcap") is None
    plain = plain and not getattr(module, "is_causal", False) and not rest.get("is_causal")
    return plain and query.device.type == "cpu" and query.shape[2] <= LONGEST


def short_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    mask: Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
) -> Tensor:
    """Attend.

    Args:
        query: float [batch, head, token, width].
        key: The same shape, and so is
        value: this.
        mask: bool, true where a query may look, or float, added to the scores; it can be
            broadcast to [batch, head, token, token].  None lets every token see all.
        dropout: Share of the weights that is set to 0; not 0 in training alone.
        scaling: Factor of the scores; ``width ** -0.5`` by default.

    Returns:
        float [batch, token, head, width].
    """
    scale = query.shape[-1] ** -0.5 if scaling is None else scaling
    scores = torch.matmul(query * scale, key.transpose(2, 3))
    if mask is not None and mask.dtype == torch.bool:
        scores = scores.masked_fill(~mask, torch.finfo(scores.dtype).min)
    elif mask is not None:
        scores = scores + mask
    weights = torch.nn.functional.dropout(scores.softmax(dim=-1), dropout, dropout > 0)
    return torch.matmul(weights.to(value.dtype), value).transpose(1, 2).contiguous()
