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
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812, as everywhere

from prodcat.model.encoder import Encoder, autocast
from prodcat.model.tokenization import TokenTable

Reading = Callable[[Tensor, Tensor | None], Tensor]
PRECISIONS = ("float32", "bfloat16", "int8")
_PACKED = ("bert", "camembert", "roberta", "xlm-roberta")
_TOKENS = 2_048  # of a batch on a CPU, which the weights' layout is made for
_MOST_SCORE = 80.0
_MASKED = -1e4
# Of int8: how much of an input's range is moved into the weights, how many outputs of a GELU are
# kept apart, the least value of a GELU with its sign changed.
_MOVED = 0.8
_APART = 16
_LEAST_GELU = 0.17
_LEAST_SUM = 1e-36  # where a title has no token, and so no score
_LEAST = 1e-5


def no_reading(ids: Tensor, mask: Tensor | None) -> Tensor:
    """For a network without an encoder, which reads nothing."""
    raise AssertionError("there is no encoder")


def make_reading(encoder: Encoder, precision: str, ranges: "Ranges | None" = None) -> Reading:
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
        half = torch.bfloat16 if _has_half(device) else torch.float32
        return QuantizedEncoder(encoder, half, ranges)
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
    """The precisions that an encoder can be read in; all are right on every CPU."""
    if encoder is None:
        return ("float32",)
    return PRECISIONS if _can_quantize(encoder) else PRECISIONS[:2]


def fastest(device: torch.device) -> tuple[str, ...]:
    """The precisions that a device has, those that are fastest on it first."""
    if device.type == "cuda":
        return ("bfloat16", "float32") if _has_half(device) else ("float32", "bfloat16")
    if torch.cpu._is_amx_tile_supported():
        return ("bfloat16", "int8", "float32")
    if torch.cpu._is_vnni_supported():
        return (
            "int8",
            *(("bfloat16", "float32") if _has_half(device) else ("float32", "bfloat16")),
        )
    return ("float32", "bfloat16", "int8")


def _has_half(device: torch.device) -> bool:
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    return torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()


def _suits(config: Any) -> bool:
    plain = config.model_type in _PACKED and config.hidden_act == "gelu"
    return plain and not getattr(config, "is_decoder", False)


def _can_quantize(encoder: Encoder) -> bool:
    config: Any = encoder.body.config
    wide = _suits(config) and config.intermediate_size > 2 * _APART
    return wide and hasattr(torch.ops.onednn, "qlinear_pointwise")


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
        out = layer.attention.output
        up, down = layer.intermediate.dense, layer.output.dense
        return (
            self._linear(*self._projection(layer)),
            self._linear(out.dense.weight, out.dense.bias),
            self._norm(out.LayerNorm),
            _Feed(self._linear(up.weight, up.bias), self._linear(down.weight, down.bias)),
            self._norm(layer.output.LayerNorm),
        )

    def _projection(self, layer: Any) -> tuple[Tensor, Tensor]:
        """Query, key and value as one product, the scores' scale in the query's weights."""
        own = layer.attention.self
        scale = (own.query.out_features // self.heads) ** -0.5
        weight = torch.cat([own.query.weight * scale, own.key.weight, own.value.weight])
        bias = torch.cat([own.query.bias * scale, own.key.bias, own.value.bias])
        return weight.detach().float(), bias.detach().float()

    def __call__(self, ids: Tensor, mask: Tensor | None) -> Tensor:
        """Pool each title to one vector; see :func:`make_reading`."""
        if not ids.shape[1]:  # no title has a token
            return torch.zeros(len(ids), self.words.shape[1])
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
        for attention, out, norm, feed, last in self.layers:
            y = out(self._attend(attention(x), batch, tokens, hidden))
            y += x
            x = self._normed(y, norm)
            y = feed(x)
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
        out /= weights.sum(-1, keepdim=True).clamp_(min=_LEAST_SUM)
        return out.view(batch, self.heads, tokens, -1).transpose(1, 2).reshape(batch * tokens, -1)


class _Linear:
    """``x W' + b``, with the weights in the layout that the CPU's product wants."""

    def __init__(self, weight: Tensor, bias: Tensor) -> None:
        self.bias, self.inputs = bias, weight.shape[1]
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


class _Feed:
    """The feed-forward part of a layer."""

    def __init__(self, up: Any, down: Any) -> None:
        self.up, self.down = up, down

    def __call__(self, x: Tensor) -> Tensor:
        out: Tensor = self.down(self.up.gelu(x))
        return out


def _can_pack(dtype: torch.dtype) -> bool:
    if not hasattr(torch.ops.mkldnn, "_linear_pointwise"):
        return False
    return dtype == torch.float32 or bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


@dataclass(frozen=True)
class Ranges:
    """How great the inputs of an encoder's products get, which int8 needs to know beforehand.

    Attributes:
        inner: float32 [layer, 3, hidden]: the greatest magnitude that each input had of query, key
            and value, of the product after attention, and of the first one of the feed-forward.
        wide: float32 [layer, intermediate]: the same of the second one of the feed-forward.
    """

    inner: Tensor
    wide: Tensor

    def fits(self, encoder: Encoder) -> bool:
        """Whether these are an encoder's."""
        config: Any = encoder.body.config
        if not _can_quantize(encoder):
            return False
        layers, hidden = config.num_hidden_layers, config.hidden_size
        shapes = (layers, 3, hidden), (layers, config.intermediate_size)
        return all(
            tuple(own.shape) == shape and own.dtype == torch.float32 and bool(own.isfinite().all())
            for own, shape in zip((self.inner, self.wide), shapes, strict=True)
        )


def measure_ranges(encoder: Encoder, table: TokenTable) -> Ranges:
    """Read titles and note how great the inputs of the products get.

    Args:
        encoder: On the CPU, in eval mode.
        table: The titles.
    """
    packed = PackedEncoder(encoder, torch.float32)
    seen: list[list[Tensor]] = []
    for number, (attention, out, norm, feed, last) in enumerate(packed.layers):
        own = [torch.zeros(linear.inputs) for linear in (attention, out, feed.up, feed.down)]
        seen.append(own)
        noting = [
            _Noting(linear, most)
            for linear, most in zip((attention, out, feed.up, feed.down), own, strict=True)
        ]
        packed.layers[number] = (*noting[:2], norm, _Feed(*noting[2:]), last)
    lengths = table.lengths
    with torch.inference_mode():
        for length in np.unique(lengths[lengths > 0]):  # so that nothing is padded
            rows = np.flatnonzero(lengths == length)
            for some in np.array_split(rows, -(-len(rows) * int(length) // _TOKENS)):
                packed(table.batch(some, 0).ids, None)
    return Ranges(
        torch.stack([torch.stack(own[:3]) for own in seen]), torch.stack([own[3] for own in seen])
    )


class _Noting:
    """A product that notes how great each of its inputs gets."""

    def __init__(self, linear: _Linear, most: Tensor) -> None:
        self.linear, self.most = linear, most

    def __call__(self, x: Tensor) -> Tensor:
        self._note(x)
        return self.linear(x)

    def gelu(self, x: Tensor) -> Tensor:
        self._note(x)
        return self.linear.gelu(x)

    def _note(self, x: Tensor) -> None:
        torch.maximum(self.most, x.abs().amax(dim=0), out=self.most)


class QuantizedEncoder(PackedEncoder):
    """The same with products of 8-bit integers, for CPUs that are fastest at them.

    Weights have a scale for each output.  What is great in an input is moved into its weights in
    part (SmoothQuant, Xiao et al., 2023), so that one scale does for all inputs.  A GELU's output
    cannot be scaled so: the few numbers of it that get greatest are left out and added apart.

    Args:
        encoder: Whose weights are copied.
        dtype: Of what is not a product.
        ranges: Of its activations.
    """

    def __init__(self, encoder: Encoder, dtype: torch.dtype, ranges: Ranges) -> None:
        super().__init__(encoder, dtype)
        body: Any = encoder.body
        for number, layer in enumerate(body.encoder.layer):
            _, _, norm, _, last = self.layers[number]
            into, after, up = ranges.inner[number]
            self.layers[number] = (
                _Quantized(*self._projection(layer), into, dtype),
                _Quantized(*_parts(layer.attention.output.dense), after, dtype),
                norm,
                _QuantizedFeed(layer, up, ranges.wide[number], dtype),
                last,
            )


class _Quantized:
    """``x W' + b`` in integers."""

    def __init__(self, weight: Tensor, bias: Tensor, most: Tensor, dtype: torch.dtype) -> None:
        own = most.clamp(min=_LEAST)
        moved = own**_MOVED / weight.abs().amax(dim=0).clamp(min=_LEAST) ** (1 - _MOVED)
        self.scale = float((own / moved).max()) / 127
        self.inverse = (1 / (moved * self.scale)).to(dtype)
        self.weight, self.scales = _integers(weight / (self.inverse.float() * self.scale))
        self.zeros = torch.zeros(len(weight), dtype=torch.int64)
        self.bias, self.dtype = bias.float(), dtype

    def __call__(self, x: Tensor) -> Tensor:
        return self.run(x, 1.0, 0, self.dtype, "none", "")

    def run(
        self, x: Tensor, scale: float, zero: int, dtype: torch.dtype, after: str, how: str
    ) -> Tensor:
        whole = (x * self.inverse).round_().clamp_(-127, 127).add_(128).to(torch.uint8)
        out: Tensor = torch.ops.onednn.qlinear_pointwise(
            whole, self.scale, 128, self.weight, self.scales, self.zeros, self.bias,
            scale, zero, dtype, after, [], how,
        )  # fmt: skip
        return out


class _QuantizedFeed:
    """The feed-forward part of a layer in integers."""

    def __init__(self, layer: Any, up: Tensor, wide: Tensor, dtype: torch.dtype) -> None:
        order = wide.argsort(descending=True)
        apart, rest = order[:_APART], order[_APART:].sort().values
        weight, bias = _parts(layer.intermediate.dense)
        back, self.bias = _parts(layer.output.dense)
        self.up = _Quantized(weight[rest], bias[rest], up, dtype)
        self.apart = (weight[apart].to(dtype), bias[apart].to(dtype))
        self.added = back[:, apart].to(dtype)
        most = float(wide[rest].max().clamp(min=_LEAST)) if len(rest) else 1.0
        self.scale = (most + _LEAST_GELU) / 255
        self.zero = round(_LEAST_GELU / self.scale)
        self.weight, self.scales = _integers(back[:, rest])
        self.zeros = torch.zeros(len(back), dtype=torch.int64)
        self.dtype = dtype

    def __call__(self, x: Tensor) -> Tensor:
        inner = self.up.run(x, self.scale, self.zero, torch.uint8, "gelu", "none")
        y: Tensor = torch.ops.onednn.qlinear_pointwise(
            inner, self.scale, self.zero, self.weight, self.scales, self.zeros, self.bias,
            1.0, 0, self.dtype, "none", [], "",
        )  # fmt: skip
        y += F.linear(F.gelu(F.linear(x, *self.apart)), self.added)
        return y


def _parts(linear: nn.Linear) -> tuple[Tensor, Tensor]:
    return linear.weight.detach().float(), linear.bias.detach().float()


def _integers(weight: Tensor) -> tuple[Tensor, Tensor]:
    """A matrix in the product's own layout, and the scale of each of its rows."""
    # Without instructions for such products, sums of two of them must fit into 16 bits.
    most = 127 if torch.cpu._is_vnni_supported() else 63
    scales = weight.abs().amax(dim=1).clamp(min=_LEAST) / most
    whole = (weight / scales[:, None]).round().clamp(-most, most).to(torch.int8)
    packed: Tensor = torch.ops.onednn.qlinear_prepack(whole.contiguous(), None)
    return packed, scales
