r"""How an encoder is run on titles that are only read, not learned from.

On a CPU a title of 15 tokens spends less than half of its time in matrix products: the rest goes
into softmaxes over 15 numbers, copies and calls.  So BERT-like encoders are run here with all
that is known beforehand done beforehand: weights in the product's own layout, query, key and
value as one product, the scale of the scores inside the query's weights.  The softmax is
``exp(s) V / sum(exp(s))`` with the scores held within 80 of 0 instead of shifted by their
greatest: the same numbers (``exp(80)`` times any length is within range) in a quarter of the time.
"""

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812, as everywhere

from prodcat.encoder import Encoder, autocast

Reading = Callable[[Tensor, Tensor | None], Tensor]
PRECISIONS = ("float32", "bfloat16")
_PACKED = ("bert", "camembert", "roberta", "xlm-roberta")
_TOKENS = 2_048  # of a batch on a CPU, which the weights' layout is made for
_MOST_SCORE = 80.0
_MASKED = -1e4


def no_reading(ids: Tensor, mask: Tensor | None) -> Tensor:
    """For a network without an encoder, which reads nothing."""
    raise AssertionError("there is no encoder")


def make_reading(encoder: Encoder, precision: str) -> Reading:
    """The fastest way to run an encoder on its device.

    Args:
        encoder: In eval mode; it stays as it is.
        precision: ``"float32"`` or ``"bfloat16"``.

    Returns:
        From ids, int64 [batch, token], and a mask, bool [batch, token] or None where nothing is
        padded, to pooled titles, float32 [batch, hidden].
    """
    device = next(encoder.parameters()).device
    if device.type == "cpu" and _suits(encoder.body.config):
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
    return _TOKENS if device.type == "cpu" else 32_768


def precisions(encoder: Encoder | None) -> tuple[str, ...]:
    """The precisions that an encoder can be read in; all are right on every machine."""
    return ("float32",) if encoder is None else PRECISIONS


def fastest(device: torch.device) -> tuple[str, ...]:
    """All precisions, those that are fastest on a device first."""
    if device.type == "cuda":
        half = torch.cuda.is_bf16_supported()
    else:
        half = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return ("bfloat16", "float32") if half else ("float32", "bfloat16")


def _suits(config: Any) -> bool:
    plain = config.model_type in _PACKED and config.hidden_act == "gelu"
    return plain and not getattr(config, "is_decoder", False)


class PackedEncoder:
    """A BERT-like encoder of a CPU, to be read with.

    Args:
        encoder: Whose weights are copied.
        dtype: Of weights and activations.
    """

    def __init__(self, encoder: Encoder, dtype: torch.dtype) -> None:
        body: Any = encoder.body
        config = body.config
        self.dtype, self.pooling = dtype, encoder.pooling
        self.heads, self.eps = config.num_attention_heads, config.layer_norm_eps
        table = body.embeddings
        self.words = table.word_embeddings.weight.detach().to(dtype)
        # All tokens are of the first type; the first positions of some models are for padding.
        first = 0 if config.model_type == "bert" else int(table.padding_idx) + 1
        places = table.position_embeddings.weight + table.token_type_embeddings.weight[0]
        self.places = places[first:].detach().to(dtype)
        self.norm = self._norm(table.LayerNorm)
        self.layers = [self._layer(layer) for layer in body.encoder.layer]

    def _norm(self, norm: nn.LayerNorm) -> tuple[Tensor, Tensor]:
        return norm.weight.detach().to(self.dtype), norm.bias.detach().to(self.dtype)

    def _linear(self, weight: Tensor, bias: Tensor) -> "_Linear":
        return _Linear(weight.detach().to(self.dtype), bias.detach().to(self.dtype))

    def _layer(self, layer: Any) -> tuple[Any, ...]:
        own, out = layer.attention.self, layer.attention.output
        scale = (own.query.out_features // self.heads) ** -0.5
        weight = torch.cat([own.query.weight * scale, own.key.weight, own.value.weight])
        bias = torch.cat([own.query.bias * scale, own.key.bias, own.value.bias])
        up, down = layer.intermediate.dense, layer.output.dense
        return (
            self._linear(weight, bias),
            self._linear(out.dense.weight, out.dense.bias),
            self._norm(out.LayerNorm),
            self._linear(up.weight, up.bias),
            self._linear(down.weight, down.bias),
            self._norm(layer.output.LayerNorm),
        )

    def __call__(self, ids: Tensor, mask: Tensor | None) -> Tensor:
        """Pool each title to one vector; see :func:`make_reading`."""
        states = self.states(ids, mask).float()
        if self.pooling == "cls":
            return states[:, 0]
        if mask is None:
            return states.mean(dim=1)
        weight = mask.unsqueeze(-1).float()
        return (states * weight).sum(1) / weight.sum(1).clamp(min=1)

    def states(self, ids: Tensor, mask: Tensor | None) -> Tensor:
        """The last layer's output for every token, [batch, token, hidden]."""
        batch, tokens = ids.shape
        x = F.embedding(ids, self.words)
        x += self.places[:tokens]
        width = x.shape[-1]
        x = self._normed(x.view(-1, width), self.norm)
        hidden = None
        if mask is not None:
            hidden = torch.zeros(mask.shape, dtype=self.dtype).masked_fill_(~mask, _MASKED)
            hidden = hidden[:, None, None].expand(-1, self.heads, -1, -1).reshape(-1, 1, tokens)
        for attention, out, norm, up, down, last in self.layers:
            y = out(self._attend(attention(x), batch, tokens, hidden))
            y += x
            x = self._normed(y, norm)
            y = down(up.gelu(x))
            y += x
            x = self._normed(y, last)
        return x.view(batch, tokens, width)

    def _normed(self, x: Tensor, norm: tuple[Tensor, Tensor]) -> Tensor:
        return F.layer_norm(x, x.shape[-1:], norm[0], norm[1], self.eps)

    def _attend(self, projected: Tensor, batch: int, tokens: int, hidden: Tensor | None) -> Tensor:
        own = projected.view(batch, tokens, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        query, key, value = own.reshape(3, batch * self.heads, tokens, -1)
        scores = torch.bmm(query, key.transpose(1, 2)).clamp_(-_MOST_SCORE, _MOST_SCORE)
        if hidden is not None:
            scores += hidden
        weights = scores.exp_()
        out = torch.bmm(weights, value)
        out /= weights.sum(-1, keepdim=True)
        return out.view(batch, self.heads, tokens, -1).transpose(1, 2).reshape(batch * tokens, -1)


class _Linear:
    """``x W' + b``, with the weights in the layout that the CPU's product wants."""

    def __init__(self, weight: Tensor, bias: Tensor) -> None:
        self.bias = bias
        self.packed = _can_pack(weight.dtype)
        self.weight = weight
        if self.packed:
            self.weight = torch.ops.mkldnn._reorder_linear_weight(weight.contiguous(), _TOKENS)

    def __call__(self, x: Tensor) -> Tensor:
        return self._run(x, "none", "")

    def gelu(self, x: Tensor) -> Tensor:
        """The product, then a GELU."""
        return self._run(x, "gelu", "none")

    def _run(self, x: Tensor, after: str, how: str) -> Tensor:
        out: Tensor
        if self.packed:
            out = torch.ops.mkldnn._linear_pointwise(x, self.weight, self.bias, after, [], how)
            return out
        out = F.linear(x, self.weight, self.bias)
        return F.gelu(out) if after == "gelu" else out


def _can_pack(dtype: torch.dtype) -> bool:
    if not hasattr(torch.ops.mkldnn, "_linear_pointwise"):
        return False
    return dtype == torch.float32 or bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
