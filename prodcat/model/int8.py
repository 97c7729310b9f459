"""A BERT-like encoder in products of 8-bit integers, for CPUs that are fastest at them.

Weights have a scale for each output.  What is great in an input is moved into its weights in part
(SmoothQuant, Xiao et al., 2023), so that one scale does for all inputs.  The output of a GELU
cannot be scaled so: the few numbers of it that get greatest are computed without integers, and
added.
"""

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812, as everywhere

from prodcat.model.batches import TokenTable
from prodcat.model.encoder import Encoder
from prodcat.model.packed import (
    CPU_BATCH_TOKENS,
    FeedForward,
    PackedEncoder,
    is_plain_bert,
    joined_projection,
)

_MOVED = 0.8  # how much of an input's range is moved into the weights
_APART = 16  # outputs of a GELU that are computed without integers
_LEAST_GELU = 0.17  # the least value of a GELU with its sign changed
_LEAST = 1e-5  # of a range, before something is divided by it


def can_quantize(encoder: Encoder) -> bool:
    """Whether :class:`QuantizedEncoder` can be made of an encoder."""
    config: Any = encoder.body.config
    wide = is_plain_bert(config) and config.intermediate_size > 2 * _APART
    return wide and hasattr(torch.ops.onednn, "qlinear_pointwise")


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
        if not can_quantize(encoder):
            return False
        layers, hidden = config.num_hidden_layers, config.hidden_size
        shapes = (layers, 3, hidden), (layers, config.intermediate_size)
        return all(
            tuple(ranges.shape) == shape
            and ranges.dtype == torch.float32
            and bool(ranges.isfinite().all())
            for ranges, shape in zip((self.inner, self.wide), shapes, strict=True)
        )


def measure_ranges(encoder: Encoder, table: TokenTable) -> Ranges:
    """Read titles and record how great the inputs of the products get.

    Args:
        encoder: On the CPU, in eval mode.
        table: The titles.
    """
    packed = PackedEncoder(encoder, torch.float32)
    recorders = [_record_layer(packed, number) for number in range(len(packed.layers))]
    lengths = table.lengths
    with torch.inference_mode():
        for length in np.unique(lengths[lengths > 0]):  # so that nothing is padded
            rows = np.flatnonzero(lengths == length)
            for part in np.array_split(rows, -(-len(rows) * int(length) // CPU_BATCH_TOKENS)):
                packed(table.batch(part, 0).ids, None)
    most = [[recorder.most for recorder in layer] for layer in recorders]
    return Ranges(
        torch.stack([torch.stack(layer[:3]) for layer in most]),
        torch.stack([layer[3] for layer in most]),
    )


def _record_layer(packed: PackedEncoder, number: int) -> list["_RangeRecorder"]:
    """Put a recorder before each of the four products of a layer; these recorders."""
    layer: Any = packed.layers[number]
    feed = layer.feed_forward
    products = (layer.projection, layer.attention_output, feed.up, feed.down)
    recorders = [_RangeRecorder(product) for product in products]
    projection, attention_output, up, down = recorders
    packed.layers[number] = replace(
        layer,
        projection=projection,
        attention_output=attention_output,
        feed_forward=FeedForward(up, down),
    )
    return recorders


class _RangeRecorder:
    """A product that records how great each of its inputs gets."""

    def __init__(self, product: Any) -> None:
        self.product = product
        self.most = torch.zeros(product.inputs)

    def __call__(self, x: Tensor) -> Tensor:
        self._record(x)
        out: Tensor = self.product(x)
        return out

    def gelu(self, x: Tensor) -> Tensor:
        self._record(x)
        out: Tensor = self.product.gelu(x)
        return out

    def _record(self, x: Tensor) -> None:
        torch.maximum(self.most, x.abs().amax(dim=0), out=self.most)


class QuantizedEncoder(PackedEncoder):
    """A :class:`PackedEncoder` whose products are of 8-bit integers.

    Args:
        encoder: The encoder; its weights are copied.
        dtype: Of all that is no product of integers.
        ranges: Of the encoder's activations.
    """

    def __init__(self, encoder: Encoder, dtype: torch.dtype, ranges: Ranges) -> None:
        super().__init__(encoder, dtype)
        body: Any = encoder.body
        for number, layer in enumerate(body.encoder.layer):
            into, after, up = ranges.inner[number]
            self.layers[number] = replace(
                self.layers[number],
                projection=_QuantizedLinear(*joined_projection(layer, self.heads), into, dtype),
                attention_output=_QuantizedLinear(
                    *_weight_and_bias(layer.attention.output.dense), after, dtype
                ),
                feed_forward=_QuantizedFeedForward(layer, up, ranges.wide[number], dtype),
            )


@lru_cache(maxsize=1)
def sums_are_exact() -> bool:
    """Whether sums of products of 8-bit integers are exact here.

    Processors without instructions for them cut sums of two products to 16 bits, and what oneDNN
    may use can be limited (``ONEDNN_MAX_CPU_ISA``); so it is tried, with the largest values.
    """
    rows, columns, width = 16, 32, 64
    weight = torch.full((columns, width), 127, dtype=torch.int8)
    sums = torch.ops.onednn.qlinear_pointwise(
        torch.full((rows, width), 255, dtype=torch.uint8), 1.0, 0,
        torch.ops.onednn.qlinear_prepack(weight, None), torch.ones(columns),
        torch.zeros(columns, dtype=torch.int64), torch.zeros(columns),
        1.0, 0, torch.float32, "none", [], "",
    )  # fmt: skip
    return bool((sums == width * 255 * 127).all())


class _QuantizedLinear:
    """``x W' + b`` in integers."""

    def __init__(self, weight: Tensor, bias: Tensor, most: Tensor, dtype: torch.dtype) -> None:
        most = most.clamp(min=_LEAST)
        moved = most**_MOVED / weight.abs().amax(dim=0).clamp(min=_LEAST) ** (1 - _MOVED)
        self.scale = float((most / moved).max()) / 127
        self.inverse = (1 / (moved * self.scale)).to(dtype)
        self.weight, self.scales = _integers(weight / (self.inverse.float() * self.scale))
        self.zeros = torch.zeros(len(weight), dtype=torch.int64)
        self.bias, self.dtype = bias.float(), dtype

    def __call__(self, x: Tensor) -> Tensor:
        out: Tensor = torch.ops.onednn.qlinear_pointwise(
            self._whole(x), self.scale, 128, self.weight, self.scales, self.zeros, self.bias,
            1.0, 0, self.dtype, "none", [], "",
        )  # fmt: skip
        return out

    def gelu(self, x: Tensor, scale: float, zero: int) -> Tensor:
        """The product, then a GELU, as uint8 with this scale and this zero."""
        out: Tensor = torch.ops.onednn.qlinear_pointwise(
            self._whole(x), self.scale, 128, self.weight, self.scales, self.zeros, self.bias,
            scale, zero, torch.uint8, "gelu", [], "none",
        )  # fmt: skip
        return out

    def _whole(self, x: Tensor) -> Tensor:
        return (x * self.inverse).round_().clamp_(-127, 127).add_(128).to(torch.uint8)


class _QuantizedFeedForward:
    """The feed-forward part of a layer in integers."""

    def __init__(self, layer: Any, up: Tensor, wide: Tensor, dtype: torch.dtype) -> None:
        order = wide.argsort(descending=True)
        apart, rest = order[:_APART], order[_APART:].sort().values
        weight, bias = _weight_and_bias(layer.intermediate.dense)
        back, self.bias = _weight_and_bias(layer.output.dense)
        self.up = _QuantizedLinear(weight[rest], bias[rest], up, dtype)
        self.apart = (weight[apart].to(dtype), bias[apart].to(dtype))
        self.added = back[:, apart].to(dtype)
        most = float(wide[rest].max().clamp(min=_LEAST)) if len(rest) else 1.0
        self.scale = (most + _LEAST_GELU) / 255
        self.zero = round(_LEAST_GELU / self.scale)
        self.weight, self.scales = _integers(back[:, rest])
        self.zeros = torch.zeros(len(back), dtype=torch.int64)
        self.dtype = dtype

    def __call__(self, x: Tensor) -> Tensor:
        inner = self.up.gelu(x, self.scale, self.zero)
        y: Tensor = torch.ops.onednn.qlinear_pointwise(
            inner, self.scale, self.zero, self.weight, self.scales, self.zeros, self.bias,
            1.0, 0, self.dtype, "none", [], "",
        )  # fmt: skip
        y += F.linear(F.gelu(F.linear(x, *self.apart)), self.added)
        return y


def _weight_and_bias(linear: nn.Linear) -> tuple[Tensor, Tensor]:
    return linear.weight.detach().float(), linear.bias.detach().float()


def _integers(weight: Tensor) -> tuple[Tensor, Tensor]:
    """A matrix in the layout of the product, and the scale of each of its rows."""
    most = 127 if sums_are_exact() else 63
    scales = weight.abs().amax(dim=1).clamp(min=_LEAST) / most
    whole = (weight / scales[:, None]).round().clamp(-most, most).to(torch.int8)
    packed: Tensor = torch.ops.onednn.qlinear_prepack(whole.contiguous(), None)
    return packed, scales
