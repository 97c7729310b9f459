"""A BERT-like encoder with 8-bit integer matrix products, for CPUs on which they are fastest.

The integers of a weight matrix have one scale for each output.  Part of the range of each input
is moved into its weights (SmoothQuant, Xiao et al., 2023), so that one scale fits all inputs.  This
does not work for the output of a GELU: the outputs with the largest range are computed in floating
point instead, and their contribution is added.
"""

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812, as everywhere

from prodcat.model.batches import TokenTable
from prodcat.model.bert_weights import is_plain_bert
from prodcat.model.encoder import Encoder
from prodcat.model.packed import (
    CPU_BATCH_TOKENS,
    FeedForward,
    PackedEncoder,
    joined_projection,
)

_MIGRATION = 0.8  # exponent of the part of an input's range that is moved into the weights
_FLOAT_OUTPUTS = 16  # outputs of each GELU that are computed in floating point
_GELU_DEPTH = 0.17  # the least value of a GELU is minus this
_MIN_RANGE = 1e-5  # lower limit of the ranges that are divided by


def can_quantize(encoder: Encoder) -> bool:
    """Whether :class:`QuantizedEncoder` can be made of this encoder by this version of torch."""
    config: Any = encoder.body.config
    wide = is_plain_bert(config) and config.intermediate_size > 2 * _FLOAT_OUTPUTS
    return wide and hasattr(torch.ops.onednn, "qlinear_pointwise")


@dataclass(frozen=True)
class Ranges:
    """The largest absolute value of each input of an encoder's matrix products, for int8.

    Attributes:
        inner: float32 [layer, 3, hidden]: for the inputs of three products: of query, key and
            value together; after attention; and the first one of the feed-forward part.
        wide: float32 [layer, intermediate]: for the inputs of the second product of the
            feed-forward part.
    """

    inner: Tensor
    wide: Tensor

    def fits(self, encoder: Encoder) -> bool:
        """Whether types and shapes match an encoder that can run in int8, and all are finite."""
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
    """Run titles through an encoder, and record the ranges of its products' inputs.

    Args:
        encoder: The encoder, on the CPU and in eval mode; it is not changed.
        table: The tokens of the titles.

    Returns:
        The largest absolute value of each input.
    """
    packed = PackedEncoder(encoder, torch.float32)
    recorders = [_record_layer(packed, number) for number in range(len(packed.layers))]
    lengths = table.lengths
    with torch.inference_mode():
        for length in np.unique(lengths[lengths > 0]):  # titles of one length need no padding
            rows = np.flatnonzero(lengths == length)
            for part in np.array_split(rows, -(-len(rows) * int(length) // CPU_BATCH_TOKENS)):
                packed(table.batch(part, 0).ids, None)
    most = [[recorder.most for recorder in layer] for layer in recorders]
    return Ranges(
        torch.stack([torch.stack(layer[:3]) for layer in most]),
        torch.stack([layer[3] for layer in most]),
    )


def _record_layer(packed: PackedEncoder, number: int) -> list["_RangeRecorder"]:
    """Wrap each of a layer's four products in a recorder, and return the recorders."""
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
    """A matrix product that records the largest absolute value of each of its inputs."""

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
    """A :class:`PackedEncoder` with 8-bit integer matrix products.

    Args:
        encoder: The encoder; its weights are copied.
        dtype: The type of everything but the products, bfloat16 or float32.
        ranges: From :func:`measure_ranges` of the same encoder.
    """

    def __init__(self, encoder: Encoder, dtype: torch.dtype, ranges: Ranges) -> None:
        super().__init__(encoder, dtype)
        body: Any = encoder.body
        for number, layer in enumerate(body.encoder.layer):
            projection, attention_output, up = ranges.inner[number]
            self.layers[number] = replace(
                self.layers[number],
                projection=_QuantizedLinear(
                    *joined_projection(layer, self.heads), projection, dtype
                ),
                attention_output=_QuantizedLinear(
                    *_weight_and_bias(layer.attention.output.dense), attention_output, dtype
                ),
                feed_forward=_QuantizedFeedForward(layer, up, ranges.wide[number], dtype),
            )


class _QuantizedLinear:
    """``x W' + b`` in 8-bit integers.

    Args:
        weight: float32 [out, in].
        bias: float32 [out].
        ranges: float32 [in]: the largest absolute value of each input.
        dtype: The type of input and output.
    """

    def __init__(self, weight: Tensor, bias: Tensor, ranges: Tensor, dtype: torch.dtype) -> None:
        ranges = ranges.clamp(min=_MIN_RANGE)
        weight_ranges = weight.abs().amax(dim=0).clamp(min=_MIN_RANGE)
        moved = ranges**_MIGRATION / weight_ranges ** (1 - _MIGRATION)
        self.scale = float((ranges / moved).max()) / 127
        self.inverse = (1 / (moved * self.scale)).to(dtype)
        self.weight, self.scales = _integers(weight / (self.inverse.float() * self.scale))
        self.zeros = torch.zeros(len(weight), dtype=torch.int64)
        self.bias, self.dtype = bias.float(), dtype

    def __call__(self, x: Tensor) -> Tensor:
        out: Tensor = torch.ops.onednn.qlinear_pointwise(
            self._rounded(x), self.scale, 128, self.weight, self.scales, self.zeros, self.bias,
            1.0, 0, self.dtype, "none", [], "",
        )  # fmt: skip
        return out

    def gelu(self, x: Tensor, scale: float, zero: int) -> Tensor:
        """The GELU of the product, quantised to uint8 with this scale and zero point."""
        out: Tensor = torch.ops.onednn.qlinear_pointwise(
            self._rounded(x), self.scale, 128, self.weight, self.scales, self.zeros, self.bias,
            scale, zero, torch.uint8, "gelu", [], "none",
        )  # fmt: skip
        return out

    def _rounded(self, x: Tensor) -> Tensor:
        return (x * self.inverse).round_().clamp_(-127, 127).add_(128).to(torch.uint8)


class _QuantizedFeedForward:
    """The feed-forward part of a layer in 8-bit integers.

    Args:
        layer: A layer of a BERT-like model of ``transformers``.
        up_ranges: float32 [hidden]: the largest absolute value of each input of the first product.
        down_ranges: float32 [intermediate]: the same for the second product.
        dtype: The type of input and output.
    """

    def __init__(
        self, layer: Any, up_ranges: Tensor, down_ranges: Tensor, dtype: torch.dtype
    ) -> None:
        order = down_ranges.argsort(descending=True)
        in_float = order[:_FLOAT_OUTPUTS]
        in_integers = order[_FLOAT_OUTPUTS:].sort().values
        weight, bias = _weight_and_bias(layer.intermediate.dense)
        down, self.bias = _weight_and_bias(layer.output.dense)
        self.up = _QuantizedLinear(weight[in_integers], bias[in_integers], up_ranges, dtype)
        self.float_up = (weight[in_float].to(dtype), bias[in_float].to(dtype))
        self.float_down = down[:, in_float].to(dtype)
        most = 1.0
        if len(in_integers):
            most = float(down_ranges[in_integers].max().clamp(min=_MIN_RANGE))
        self.scale = (most + _GELU_DEPTH) / 255
        self.zero = round(_GELU_DEPTH / self.scale)
        self.weight, self.scales = _integers(down[:, in_integers])
        self.zeros = torch.zeros(len(down), dtype=torch.int64)
        self.dtype = dtype

    def __call__(self, x: Tensor) -> Tensor:
        inner = self.up.gelu(x, self.scale, self.zero)
        y: Tensor = torch.ops.onednn.qlinear_pointwise(
            inner, self.scale, self.zero, self.weight, self.scales, self.zeros, self.bias,
            1.0, 0, self.dtype, "none", [], "",
        )  # fmt: skip
        y += F.linear(F.gelu(F.linear(x, *self.float_up)), self.float_down)
        return y


def _weight_and_bias(linear: nn.Linear) -> tuple[Tensor, Tensor]:
    return linear.weight.detach().float(), linear.bias.detach().float()


@lru_cache(maxsize=1)
def sums_are_exact() -> bool:
    """Whether this machine computes sums of products of 8-bit integers exactly.

    Processors without instructions for them cut sums of two products to 16 bits, and the
    environment may keep oneDNN from using them (``ONEDNN_MAX_CPU_ISA``).  So one product of the
    largest values is computed and checked.
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


def _integers(weight: Tensor) -> tuple[Tensor, Tensor]:
    """Round a matrix, float32 [out, in], to integers.

    Returns:
        The integers in the layout of oneDNN's product, and the scale of each row, float32 [out].
    """
    most = 127 if sums_are_exact() else 63
    scales = weight.abs().amax(dim=1).clamp(min=_MIN_RANGE) / most
    whole = (weight / scales[:, None]).round().clamp(-most, most).to(torch.int8)
    packed: Tensor = torch.ops.onednn.qlinear_prepack(whole.contiguous(), None)
    return packed, scales
