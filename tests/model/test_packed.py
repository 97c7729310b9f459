"""A packed encoder gives what the encoder gives, in every precision."""

import numpy as np
import pytest
import torch

from prodcat.model.batches import TokenTable
from prodcat.model.int8 import QuantizedEncoder, measure_ranges
from prodcat.model.packed import PackedEncoder
from prodcat.model.precisions import encoder_form
from prodcat.model.pretrained import build_encoder

pytestmark = pytest.mark.cpu

_SIZES = {
    "vocab_size": 100, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4,
    "intermediate_size": 64, "pad_token_id": 1, "max_position_embeddings": 40,
}  # fmt: skip


@pytest.mark.parametrize("kind", ["bert", "roberta", "xlm-roberta", "camembert"])
@pytest.mark.parametrize("pooling", ["mean", "cls"])
@pytest.mark.parametrize("padded", [False, True])
def test_a_packed_encoder_is_the_encoder(kind, pooling, padded):
    torch.manual_seed(1)
    encoder = build_encoder({"model_type": kind, **_SIZES}, pooling).eval()
    for weight in encoder.parameters():
        torch.nn.init.normal_(weight, std=0.2)
    ids = torch.randint(2, 99, (5, 9))
    mask = None
    if padded:
        mask = torch.arange(9) < torch.tensor([9, 3, 1, 7, 9])[:, None]
        ids = ids.masked_fill(~mask, 1)
    packed = encoder_form(encoder, "float32")
    assert isinstance(packed, PackedEncoder)
    with torch.inference_mode():
        expected = encoder(ids, mask)
        torch.testing.assert_close(packed(ids, mask), expected, atol=2e-5, rtol=2e-5)
        bfloat16 = encoder_form(encoder, "bfloat16")(ids, mask)
        assert bfloat16.dtype == torch.float32
        assert torch.nn.functional.cosine_similarity(bfloat16, expected).min() > 0.995
        # The ranges were measured on other titles; values beyond them are cut off.
        others = torch.randint(2, 99, (200, 9))
        table = TokenTable(others.numpy().astype(np.int32).ravel(), np.arange(0, 1_801, 9), 0)
        ranges = measure_ranges(encoder, table)
        quantized = encoder_form(encoder, "int8", ranges)
        assert isinstance(quantized, QuantizedEncoder) and ranges.fits(encoder)
        int8 = quantized(ids, mask)
        assert int8.dtype == torch.float32
        assert torch.nn.functional.cosine_similarity(int8, expected).min() > 0.98


def test_titles_without_a_token_are_answered():
    encoder = build_encoder({"model_type": "bert", **_SIZES}).eval()
    for precision in ("float32", "bfloat16"):
        packed = encoder_form(encoder, precision)
        with torch.inference_mode():
            none = packed(torch.zeros(2, 0, dtype=torch.int64), None)
            mask = torch.tensor([[True, True], [False, False]])
            mixed = packed(torch.tensor([[5, 6], [1, 1]]), mask)
        assert none.shape == (2, 32) and mixed.isfinite().all() and none.isfinite().all()
    table = TokenTable(np.array([5, 6], np.int32), np.array([0, 2, 2]), 0)
    assert measure_ranges(encoder, table).fits(encoder)
