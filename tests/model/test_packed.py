"""A packed encoder gives what the encoder gives, in every precision."""

import numpy as np
import pytest
import torch

from prodcat.model.batches import TokenTable
from prodcat.model.int8 import QuantizedEncoder, measure_ranges
from prodcat.model.packed import PackedEncoder
from prodcat.model.precisions import make_reading
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
    reading = make_reading(encoder, "float32")
    assert isinstance(reading, PackedEncoder)
    with torch.inference_mode():
        wanted = encoder(ids, mask)
        torch.testing.assert_close(reading(ids, mask), wanted, atol=2e-5, rtol=2e-5)
        half = make_reading(encoder, "bfloat16")(ids, mask)
        assert half.dtype == torch.float32
        assert torch.nn.functional.cosine_similarity(half, wanted).min() > 0.995
        # The ranges are of other titles: what is beyond them is cut.
        others = torch.randint(2, 99, (200, 9))
        table = TokenTable(others.numpy().astype(np.int32).ravel(), np.arange(0, 1_801, 9), 0)
        ranges = measure_ranges(encoder, table)
        whole = make_reading(encoder, "int8", ranges)
        assert isinstance(whole, QuantizedEncoder) and ranges.fits(encoder)
        found = whole(ids, mask)
        assert found.dtype == torch.float32
        assert torch.nn.functional.cosine_similarity(found, wanted).min() > 0.98


def test_titles_without_a_token_are_answered():
    encoder = build_encoder({"model_type": "bert", **_SIZES}).eval()
    for precision in ("float32", "bfloat16"):
        reading = make_reading(encoder, precision)
        with torch.inference_mode():
            none = reading(torch.zeros(2, 0, dtype=torch.int64), None)
            mask = torch.tensor([[True, True], [False, False]])
            mixed = reading(torch.tensor([[5, 6], [1, 1]]), mask)
        assert none.shape == (2, 32) and mixed.isfinite().all() and none.isfinite().all()
    table = TokenTable(np.array([5, 6], np.int32), np.array([0, 2, 2]), 0)
    assert measure_ranges(encoder, table).fits(encoder)
