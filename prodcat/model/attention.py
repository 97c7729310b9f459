r"""Attention for short sequences, as two batched matrix products.

Titles have 5 to 30 tokens.  At such lengths the fused kernels of a CPU spend most of their
time outside the arithmetic: in bfloat16, at 16 tokens, they took more of a training step than
all matrix products together.  ``softmax(Q K' / sqrt(d)) V`` written out (Vaswani et al.,
NeurIPS 2017) is several times as fast, and the matrix of scores it stores is small.
"""

from typing import Any

import torch
from torch import Tensor

LONGEST = 128  # tokens; longer titles are faster in the fused kernels


def suits(module: Any, query: Tensor, settings: dict[str, Any]) -> bool:
    """Whether :func:`short_attention` computes the same as a fused kernel here, and is faster.

    Args:
        module: The attention module of ``transformers`` that makes the call.
        query: float [batch, head, token, width].
        settings: Keyword arguments of the call that :func:`short_attention` does not take.
    """
    groups = getattr(module, "num_key_value_groups", 1)
    plain = groups == 1 and settings.get("position_bias") is None
    plain = plain and settings.get("softcap") is None
    plain = plain and not getattr(module, "is_causal", False) and not settings.get("is_causal")
    return plain and query.device.type == "cpu" and query.shape[2] <= LONGEST


def short_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    mask: Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
) -> Tensor:
    """Scaled dot-product attention (Vaswani et al., NeurIPS 2017).

    Args:
        query: float [batch, head, token, width].
        key: float [batch, head, token, width].
        value: float [batch, head, token, width].
        mask: Either bool, true for the tokens that a query attends to, or float, which is added to
            the scores; it must broadcast to [batch, head, token, token].  With None every token
            attends to all.
        dropout: Share of the attention weights that is set to 0, 0 to 1; above 0 only in training.
        scaling: Factor of the scores; ``width ** -0.5`` by default.

    Returns:
        float [batch, token, head, width].

    >>> x = torch.tensor([[[[1.0, 0.0], [0.0, 1.0]]]])
    >>> short_attention(x, x, x, torch.eye(2, dtype=torch.bool)).squeeze().tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    scale = query.shape[-1] ** -0.5 if scaling is None else scaling
    scores = torch.matmul(query * scale, key.transpose(2, 3))
    if mask is not None and mask.dtype == torch.bool:
        scores = scores.masked_fill(~mask, torch.finfo(scores.dtype).min)
    elif mask is not None:
        scores = scores + mask
    weights = torch.nn.functional.dropout(scores.softmax(dim=-1), dropout, dropout > 0)
    return torch.matmul(weights.to(value.dtype), value).transpose(1, 2).contiguous()
