r"""A faster implementation of BERT-like encoders, for prediction on a CPU.

On a CPU less than half of the time for a title of 15 tokens is spent in matrix products; the rest
goes into softmaxes over 15 numbers, copies and calls.  So everything that does not depend on the
title is done beforehand: weights are stored in the layout of the product, query, key and value are
one product, and the scale of the scores is part of the query's weights.  The softmax is
``exp(s) V / sum(exp(s))`` with the scores clamped to [-80, 80] instead of shifted by their maximum:
it gives the same numbers (``exp(80)`` times any length is within range) in a quarter of the time.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812, as everywhere

from prodcat.model.encoder import Encoder, pool

CPU_BATCH_TOKENS = 2_048  # tokens in a batch, for which the layout of the weights is optimised
_MOST_SCORE = 80.0
_MASKED = -1e4  # added to the score of a padding token
_LEAST_SUM = 1e-36  # avoids a division by 0 for titles without tokens

Norm = tuple[Tensor, Tensor]  # weight and bias of a layer norm, float [hidden] each


class PackedLinear:
    """``x W' + b``, with the weights in the layout that the CPU's product needs.

    Args:
        weight: float32 or bfloat16 [out, in].
        bias: [out], of the same type.
    """

    def __init__(self, weight: Tensor, bias: Tensor) -> None:
        self.bias, self.inputs = bias, weight.shape[1]
        self.packed = _can_pack(weight.dtype)
        self.weight = weight
        if self.packed:
            self.weight = torch.ops.mkldnn._reorder_linear_weight(
                weight.contiguous(), CPU_BATCH_TOKENS
            )

    def __call__(self, x: Tensor) -> Tensor:
        """The product, float [token, out]; ``x`` is float [token, in]."""
        return self._run(x, "none", "")

    def gelu(self, x: Tensor) -> Tensor:
        """The GELU of the product, float [token, out]; ``x`` is float [token, in]."""
        return self._run(x, "gelu", "none")

    def _run(self, x: Tensor, activation: str, algorithm: str) -> Tensor:
        out: Tensor
        if self.packed:
            out = torch.ops.mkldnn._linear_pointwise(
                x, self.weight, self.bias, activation, [], algorithm
            )
            return out
        out = F.linear(x, self.weight, self.bias)
        return F.gelu(out) if activation == "gelu" else out


def _can_pack(dtype: torch.dtype) -> bool:
    if not hasattr(torch.ops.mkldnn, "_linear_pointwise"):
        return False
    return dtype == torch.float32 or bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


class FeedForward:
    """The feed-forward part of a layer.

    Args:
        up: The first product, whose method ``gelu`` is used, from [token, hidden] to
            [token, intermediate].
        down: The second product, from [token, intermediate] to [token, hidden].
    """

    def __init__(self, up: Any, down: Any) -> None:
        self.up, self.down = up, down

    def __call__(self, x: Tensor) -> Tensor:
        """The output, float [token, hidden]; ``x`` has the same shape."""
        out: Tensor = self.down(self.up.gelu(x))
        return out


@dataclass(frozen=True)
class PackedLayer:
    """One layer of the encoder.

    Attributes:
        projection: Query, key and value as one product, from [token, hidden] to
            [token, 3 hidden].
        attention_output: The product after attention, from [token, hidden] to the same shape.
        attention_norm: The layer norm after attention.
        feed_forward: The feed-forward part, from [token, hidden] to the same shape.
        feed_norm: The layer norm after the feed-forward part.
    """

    projection: Callable[[Tensor], Tensor]
    attention_output: Callable[[Tensor], Tensor]
    attention_norm: Norm
    feed_forward: Callable[[Tensor], Tensor]
    feed_norm: Norm


def joined_projection(layer: Any, heads: int) -> tuple[Tensor, Tensor]:
    """Weight and bias of query, key and value as one product.

    Args:
        layer: A layer of a BERT-like model of ``transformers``.
        heads: Its number of attention heads.

    Returns:
        The weight, float32 [3 hidden, hidden], and the bias, float32 [3 hidden]; the query's part
        includes the scale of the scores.
    """
    attention = layer.attention.self
    query, key, value = attention.query, attention.key, attention.value
    scale = (query.out_features // heads) ** -0.5
    weight = torch.cat([query.weight * scale, key.weight, value.weight])
    bias = torch.cat([query.bias * scale, key.bias, value.bias])
    return weight.detach().float(), bias.detach().float()


class PackedEncoder:
    """A BERT-like encoder for prediction on a CPU.

    Args:
        encoder: The encoder, for which
            :func:`prodcat.model.bert_weights.is_plain_bert` is true; its weights are copied.
        dtype: The type of weights and activations, float32 or bfloat16.
    """

    def __init__(self, encoder: Encoder, dtype: torch.dtype) -> None:
        body: Any = encoder.body
        config = body.config
        self.dtype, self.pooling = dtype, encoder.pooling
        self.heads, self.eps = config.num_attention_heads, config.layer_norm_eps
        table = body.embeddings
        self.words = table.word_embeddings.weight.detach().to(dtype)
        # All tokens have the first type.  Some models reserve their first positions for padding.
        first = 0 if config.model_type == "bert" else int(table.padding_idx) + 1
        places = table.position_embeddings.weight + table.token_type_embeddings.weight[0]
        self.places = places[first:].detach().to(dtype)
        self.norm = self._norm(table.LayerNorm)
        self.layers = [self._layer(layer) for layer in body.encoder.layer]

    def _norm(self, norm: nn.LayerNorm) -> Norm:
        return norm.weight.detach().to(self.dtype), norm.bias.detach().to(self.dtype)

    def _linear(self, weight: Tensor, bias: Tensor) -> PackedLinear:
        return PackedLinear(weight.detach().to(self.dtype), bias.detach().to(self.dtype))

    def _layer(self, layer: Any) -> PackedLayer:
        out = layer.attention.output
        up, down = layer.intermediate.dense, layer.output.dense
        return PackedLayer(
            projection=self._linear(*joined_projection(layer, self.heads)),
            attention_output=self._linear(out.dense.weight, out.dense.bias),
            attention_norm=self._norm(out.LayerNorm),
            feed_forward=FeedForward(
                self._linear(up.weight, up.bias), self._linear(down.weight, down.bias)
            ),
            feed_norm=self._norm(layer.output.LayerNorm),
        )

    def __call__(self, ids: Tensor, mask: Tensor | None) -> Tensor:
        """Compute one vector for each title.

        Args:
            ids: int64 [batch, token]: token ids.
            mask: bool [batch, token], true for real tokens; None if nothing is padded.

        Returns:
            float32 [batch, hidden].
        """
        if not ids.shape[1]:  # no title has any token
            return torch.zeros(len(ids), self.words.shape[1])
        return pool(self.states(ids, mask).float(), mask, self.pooling)

    def states(self, ids: Tensor, mask: Tensor | None) -> Tensor:
        """Compute the last layer's output for every token.

        Args:
            ids: int64 [batch, token]: token ids.
            mask: bool [batch, token], true for real tokens; None if nothing is padded.

        Returns:
            float [batch, token, hidden].
        """
        batch, tokens = ids.shape
        x = F.embedding(ids, self.words)
        x += self.places[:tokens]
        width = x.shape[-1]
        x = self._normed(x.view(-1, width), self.norm)
        penalty = None
        if mask is not None:
            penalty = torch.zeros(mask.shape, dtype=self.dtype).masked_fill_(~mask, _MASKED)
            penalty = penalty[:, None, None].expand(-1, self.heads, -1, -1).reshape(-1, 1, tokens)
        for layer in self.layers:
            y = layer.attention_output(self._attend(layer.projection(x), batch, tokens, penalty))
            y += x
            x = self._normed(y, layer.attention_norm)
            y = layer.feed_forward(x)
            y += x
            x = self._normed(y, layer.feed_norm)
        return x.view(batch, tokens, width)

    def _normed(self, x: Tensor, norm: Norm) -> Tensor:
        return F.layer_norm(x, x.shape[-1:], norm[0], norm[1], self.eps)

    def _attend(self, projected: Tensor, batch: int, tokens: int, penalty: Tensor | None) -> Tensor:
        """Scaled dot-product attention of all heads; the scores are scaled already.

        Args:
            projected: Query, key and value, float [batch x token, 3 hidden].
            batch: Number of titles.
            tokens: Number of tokens of each title.
            penalty: float [batch x head, 1, token], added to the scores to mask padding, or None.

        Returns:
            float [batch x token, hidden].
        """
        split = projected.view(batch, tokens, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        query, key, value = split.reshape(3, batch * self.heads, tokens, -1)
        scores = torch.bmm(query, key.transpose(1, 2)).clamp_(-_MOST_SCORE, _MOST_SCORE)
        if penalty is not None:
            scores += penalty
        weights = scores.exp_()
        out = torch.bmm(weights, value)
        out /= weights.sum(-1, keepdim=True).clamp_(min=_LEAST_SUM)
        return out.view(batch, self.heads, tokens, -1).transpose(1, 2).reshape(batch * tokens, -1)
